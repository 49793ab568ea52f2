"""Parameters of a gate: the one door through which configuration enters.

Rules it keeps:
- What comes in is checked to the last key before anything uses it; an unknown key is an error: a slip of typing.
- An error names the file, the key and what to do. Nothing is half loaded.
- What goes on to the core is one image of bytes (yima.validator.parameters.image), which the core checks again.

The TOML form; `from_mapping` takes the same keys. Only environment and version must be there:

    environment = "test"                    # or "production"
    version = 1
    [limits]                                # each has a default, see rules.Limits
    max_validity_s = 1200
    [fares]                                 # fen; a mode without a fare refuses with NO_FARE
    bus = 200
    [[roots]]                               # certificate, or index and key (and expires = "2049-12"), or
    file = "roots.bin"                      # n times 144 bytes, relative to the TOML file
    [[whitelist]]
    organisation = "00083010"
    platform = "50083010"
    city = 310000                           # left out: accepted everywhere
    modes = ["bus", "metro"]                # the default
    [[deny]]                                # account, or first and last (inclusive): 20 digits, F padded
    account = "3104870000000001FFFF"
    [[time_shifts]]
    organisation = "00083010"
    shifts_s = [-28800, 28800]

acceptance by city and family and withdrawn certificates, as yima.validator.parameters.permissions takes them, and what
yima.validator.parameters.family_rules takes for families beside the ministry's code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from yima.validator import _core
from yima.validator.errors import ParametersError
from yima.validator.outside import text_of, toml_of
from yima.validator.packages import MAGIC, Kind, Trust, is_package, open_package
from yima.validator.parameters.family_rules import family_rules_of, rows
from yima.validator.parameters.image import build
from yima.validator.parameters.parts import account_of, environment_of, limits_of, roots_of, time_shifts_of
from yima.validator.parameters.permissions import acceptance_of, revoked_of
from yima.validator.parameters.reading import read, read_head, read_limits, read_reader
from yima.validator.parameters.rules import Fare, FareKind, Limits, Mode, Pair, ReaderProfile, Root, Rules
from yima.validator.parameters.sections import Image
from yima.validator.parameters.tables import Place, Table, modes_of, number
from yima.validator.texts import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Parameters in force.

    image: what the core reads, in memory or mapped from a file. fares_fen: see flat_fares. roots: by index. source:
    where from.
    """

    environment: str
    version: int
    image: Image = field(repr=False)
    fares_fen: Mapping[Mode, int]
    roots: Mapping[int, Root]
    source: str

    @property
    def rules(self) -> Rules:
        """Every rule, read back from the image."""
        return read(self.image)

    @property
    def limits(self) -> Limits:
        """The limits, read back from the image."""
        return read_limits(self.image)

    @property
    def reader(self) -> ReaderProfile | None:
        """How the reader speaks, if the parameters say it."""
        return read_reader(self.image)


def _fares(table: Table) -> list[Fare]:
    fares = []
    for mode in Mode:
        value = table.take(mode)
        if value is not None:
            fares.append(Fare(rule=f"flat-{mode}", mode=mode, fen=number(value, table.place.at(mode), 0, 0xFFFFFF)))
    table.done()
    return fares


def _whitelist(tables: Sequence[Table]) -> list[Pair]:
    pairs: dict[tuple[str, str], Pair] = {}
    for table in tables:
        modes = table.take("modes")
        pair = Pair(
            organisation=table.digits("organisation"),
            platform=table.digits("platform"),
            city=table.number("city", 1, 999999, 0),
            modes=tuple(Mode) if modes is None else modes_of(modes, table.place.at("modes")),
        )
        table.done()
        if (pair.organisation, pair.platform) in pairs:
            table.place.refuse(
                Text(f"{pair.organisation}/{pair.platform} stands twice", f"{pair.organisation}/{pair.platform} 重复"),
                Text("Leave one of them", "请只保留一个"),
            )
        pairs[pair.organisation, pair.platform] = pair
    return list(pairs.values())


def _deny(tables: Sequence[Table]) -> list[tuple[bytes, bytes]]:
    ranges = []
    for table in tables:
        account, first, last = table.take("account"), table.take("first"), table.take("last")
        if account is not None and first is None and last is None:
            first = last = account
        elif account is not None or first is None or last is None:
            table.place.refuse(
                Text("neither one account nor a range", "既不是单个账户也不是范围"),
                Text("Write account, or first and last", "请写 account，或 first 和 last"),
            )
        low, high = account_of(first, table.place), account_of(last, table.place)
        if len(low.hex().rstrip("f")) != len(high.hex().rstrip("f")):
            table.place.refuse(
                Text("first and last differ in length", "first 与 last 位数不同"),
                Text("Write two accounts of equal length", "请写两个位数相同的账户"),
            )
        if low > high:
            table.place.refuse(
                Text("first lies behind last", "first 大于 last"), Text("Exchange the two", "请对调两者")
            )
        table.done()
        ranges.append((low, high))
    return ranges


def from_mapping(mapping: Mapping[str, object], source: str = "parameters", base: Path = Path()) -> Parameters:
    """Parameters from the keys of the TOML form. base: what paths in it are relative to. Raises ParametersError."""
    table = Table(mapping, Place(source))
    environment = environment_of(table)
    rules = Rules(
        environment=environment,
        version=table.number("version", 0, 0xFFFFFFFF),
        limits=limits_of(Table(table.take("limits") or {}, table.place.at("limits"))),
        fares=_fares(Table(table.take("fares") or {}, table.place.at("fares"))),
        roots=roots_of(table.tables("roots"), base),
        whitelist=_whitelist(table.tables("whitelist")),
        acceptance=acceptance_of(table.take("acceptance"), table.place.at("acceptance")),
        revoked=revoked_of(table.take("revoked"), table.place.at("revoked")),
        deny=_deny(table.tables("deny")),
        time_shifts=time_shifts_of(table.tables("time_shifts")),
        other=rows(family_rules_of(table)),
    )
    table.done()
    return from_rules(rules, source)


def from_rules(rules: Rules, source: str) -> Parameters:
    """Parameters of checked rules. Raises ParametersError for what only the core can see: a root key off the curve."""
    return from_image(build(rules), source)


def from_image(image: Image, source: str) -> Parameters:
    """Parameters of an image, which stays borrowed. Raises ParametersError if the core does not take it."""
    try:
        _core.parameters_check(image)
    except ValueError as error:
        raise ParametersError(
            source,
            Text(f"refused by the core: {error}", f"核心拒绝：{error}"),
            Text("Check the root keys; a package must be built anew", "请检查根公钥；参数包须重新生成"),
        ) from error
    rules = read_head(image)
    return Parameters(
        environment=rules.environment,
        version=rules.version,
        image=image,
        fares_fen=MappingProxyType(flat_fares(rules)),
        roots=MappingProxyType(dict(rules.roots)),
        source=source,
    )


def flat_fares(rules: Rules) -> dict[Mode, int]:
    """What rides cost by mode, in fen, where no city says otherwise and one price holds for every ride."""
    return {
        fare.mode: fare.fen for fare in rules.fares if fare.kind is FareKind.FLAT and fare.city == 0 and fare.line == 0
    }


def load(path: str | Path, *, trust: Trust | None = None, now: int = 0) -> Parameters:
    """Parameters from a file: a signed package (told by its first bytes), or the plain TOML form.

    A package is opened only for a device that trusts its signers, at the moment `now` (unix seconds). Raises
    ParametersError that names the file, the line or key, and what to do.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            packed = is_package(file.read(len(MAGIC)))
        if packed:
            return _of_package(path, trust, now)
        mapping = toml_of(text_of(path))
    except OSError as error:
        raise ParametersError(
            path,
            Text(f"cannot be read: {error.strerror}", f"无法读取：{error.strerror}"),
            Text("Check the path and its permissions", "请检查路径与权限"),
        ) from error
    except ValueError as error:  # also numbers of thousands of digits
        raise ParametersError(
            path, Text(f"not TOML: {error}", f"不是 TOML：{error}"), Text("Mend that place", "请修正该处")
        ) from error
    return from_mapping(mapping, source=str(path), base=path.parent)


def _of_package(path: Path, trust: Trust | None, now: int) -> Parameters:
    if trust is None:
        raise ParametersError(
            path,
            Text("a signed package, and no keys to trust were given", "是已签名的参数包，但未指定信任的公钥"),
            Text("Name the signers' keys: --trust FILE", "请用 --trust FILE 指定签名者公钥"),
        )
    package = open_package(path, trust, now)
    if package.kind is not Kind.PARAMETERS:
        raise ParametersError(
            path,
            Text("a deny-list, not parameters", "是黑名单，不是参数"),
            Text("Give the package with the parameters", "请指定参数包"),
        )
    return from_image(package.image, str(path))
