"""A centre's folder: what it is given, and the workspace in which it works.

    stores/<name>.db            collectors' stores (SQLite), or stores/<name>/*.parquet as `export` writes them, or
                                stores/<name>.pg with a connection string in it, see taps/postgres.py
    parameters/                 every parameter package and deny-list that gates were given, see taps/parameters.py
    devices.txt                 `device hexkey` a line, every key that a device has had; left out: any key may sign
    rules.toml, rates.toml      see rides/rules.py, money/rules.py, money/rates.py
    identity.toml, statements/  which issuers are heard, and what they state of their accounts; see ../identity/
    incoming/                   files that institutions handed in: ED (raised), CM (the other party's word)
    workspace/                  tables, files, answers, reports: what the centre makes; see workspace.py

Everything but the workspace is only looked at.
"""

from dataclasses import dataclass
from pathlib import Path

from yima.sdk.centre.clearing.files.reading import FILE_MAX
from yima.sdk.centre.clearing.money.rates import Rates, read_rates
from yima.sdk.centre.clearing.money.rules import Rules, read_rules
from yima.sdk.centre.clearing.rides.rules import RideRules, ride_rules
from yima.sdk.centre.clearing.taps.batches import Keys
from yima.sdk.centre.clearing.taps.parameters import Published, load_folder
from yima.sdk.centre.clearing.taps.postgres import SUFFIX as POSTGRES
from yima.sdk.centre.clearing.taps.postgres import PostgresSource
from yima.sdk.centre.clearing.taps.stores import ParquetSource, Source, SqliteSource
from yima.sdk.centre.clearing.toml_rows import read
from yima.sdk.centre.collector.enrolment import read_all_keys
from yima.sdk.centre.fleet.database import SUFFIX as FLEET
from yima.sdk.centre.identity.issuers import Issuers, read_issuers
from yima.validator.errors import YimaError
from yima.validator.texts import Text

STORES, PARAMETERS, INCOMING, WORKSPACE = "stores", "parameters", "incoming", "workspace"
STATEMENTS = "statements"
RULES, RATES, DEVICES, IDENTITY = "rules.toml", "rates.toml", "devices.txt", "identity.toml"


class FolderError(YimaError):
    """A folder that is no centre's, or that lacks what a step needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """By what the centre goes: whether entries count that no device has signed (rules.toml, table `taps`: unsigned =
    "refuse" or "count"; left out: they do not), how legs become rides, what a person's rides give, what it costs."""

    unsigned_counts: bool
    rides: RideRules
    rules: Rules
    rates: Rates


def _source(path: Path) -> Source:
    if path.is_dir():
        return ParquetSource(path)
    return PostgresSource(path) if path.suffix == POSTGRES else SqliteSource(path)


class CentreFolder:
    """The folder at `path`. Raises FolderError where it is none: without stores and parameters."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for name, what in ((STORES, Text("collectors' stores", "采集库")), (PARAMETERS, Text("parameters", "参数"))):
            if not (path / name).is_dir():
                raise FolderError(
                    path,
                    Text(f"has no folder {name}/ of {what.en}", f"没有存放{what.zh}的 {name}/ 文件夹"),
                    Text(
                        "Name a centre's folder; docs/clearing.md says what lies in one",
                        "请指定清分中心的文件夹，其内容见 docs/clearing.md",
                    ),
                )

    @property
    def workspace(self) -> Path:
        """Where the centre works."""
        return self.path / WORKSPACE

    def sources(self) -> list[Source]:
        """Its stores, by name. Raises FolderError for what is none and for two of one name."""
        found: dict[str, Source] = {}
        for path in sorted((self.path / STORES).iterdir()):
            if path.name.startswith(".") or path.name.endswith(("-wal", "-shm", "-journal", ".lock", FLEET)):
                continue  # what SQLite and the collector keep beside a store
            source = _source(path)
            if source.name in found:
                raise FolderError(
                    path,
                    Text(f"a second store is called {source.name}", f"已有名为 {source.name} 的采集库"),
                    Text("Rename one of the two before it is read", "请在读取前将其中之一改名"),
                )
            found[source.name] = source
        return list(found.values())

    def published(self) -> Published:
        """What gates were given. Raises ParametersError."""
        return load_folder(self.path / PARAMETERS)

    def keys(self) -> Keys | None:
        """The devices' keys; None: there is no list of them. Raises StoreError."""
        path = self.path / DEVICES
        return read_all_keys(path) if path.exists() else None

    def terms(self) -> Terms:
        """Its rules and rates. Raises TermsError."""
        file = read(self.path / RULES)
        taps = file.table("taps")
        unsigned = taps.choice("unsigned", ("refuse", "count"), "refuse")
        taps.end()
        return Terms(
            unsigned_counts=unsigned == "count",
            rides=ride_rules(file.table("rides")),
            rules=read_rules(self.path / RULES),
            rates=read_rates(self.path / RATES),
        )

    def incoming(self) -> list[Path]:
        """The files that institutions handed in, by name. Raises FolderError."""
        return self._files(INCOMING)

    def issuers(self) -> Issuers:
        """Whose statements are heard; nobody's where there is no list. Raises TermsError."""
        path = self.path / IDENTITY
        return read_issuers(path) if path.exists() else Issuers(environment="production", keys={}, beginnings={})

    def statements(self) -> list[Path]:
        """The files that issuers have handed in, by name. Raises FolderError."""
        return self._files(STATEMENTS)

    def _files(self, name: str) -> list[Path]:
        """What lies there as a file; folders in which somebody puts things by are theirs. Raises FolderError."""
        folder = self.path / name
        try:
            found = folder.iterdir() if folder.is_dir() else ()
            return sorted(path for path in found if not path.name.startswith(".") and path.is_file())
        except OSError as error:
            raise _unreadable(folder, error) from error


def handed_in(path: Path) -> bytes:
    """The bytes of a file that somebody handed in; of one larger than any that may be taken its beginning, which nobody
    takes either: one institution's file stops no day. Raises FolderError."""
    try:
        with path.open("rb") as file:
            return file.read(min(path.stat().st_size, FILE_MAX) + 1)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> FolderError:
    return FolderError(
        path,
        Text(f"cannot be read: {error.strerror}", f"无法读取：{error.strerror}"),
        Text(
            "Let the centre read it, or take it away, and run the step again", "请授予读取权限或将其移走，然后重新执行"
        ),
    )
