"""The source of a package: a directory with package.toml and CSV files that a person edits, read into rules.

Rules it keeps:
- Every file but package.toml may be missing. What else lies here is known, or an error (see folder).
- Whatever is malformed is told by file, line, column (or key) and reason, all of it in one ParametersError.
- Nothing is signed and nothing is built here; what the core must say of root keys it says when the image is built.

docs/parameters.md describes the files for those who write them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from pathlib import Path

from yima.sdk.parameters import fare_files as fares
from yima.sdk.parameters.calendar_files import Times, bands_of, calendar_of, habits_of
from yima.sdk.parameters.cells import LOCAL, read_rows, refuse_repeated
from yima.sdk.parameters.concession_file import concessions_of
from yima.sdk.parameters.fare_files import KindWord
from yima.sdk.parameters.folder import PACKAGE_FILE, Folder, look
from yima.sdk.parameters.group_file import members_of
from yima.sdk.parameters.lint_names import NAMES
from yima.sdk.parameters.network_file import Stages, network_of, with_network
from yima.sdk.parameters.permission_files import acceptance_of, revoked_of, whitelist_of
from yima.sdk.parameters.problems import attempt, every_problem, tell
from yima.sdk.parameters.trips import trips_of
from yima.validator.errors import ParametersError
from yima.validator.outside import text_of, toml_of
from yima.validator.parameters.family_rules import family_rules_of, rows
from yima.validator.parameters.image import LABEL_SIZE
from yima.validator.parameters.parts import environment_of, limits_of, roots_of, time_shifts_of
from yima.validator.parameters.rules import (
    OPEN,
    Fare,
    Habits,
    LabelKey,
    LabelKind,
    Limits,
    Matrix,
    ReaderProfile,
    Rules,
)
from yima.validator.parameters.tables import Place, Table
from yima.validator.texts import Text

_DENY_MAX = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A source directory, read. city: for which the package is, 0: any. previous, replaces: see Envelope.

    not_before, expiry: unix seconds. silenced: names of warnings (`lint`) with the reason why each is none here. trips:
    the table of expected fares that must hold before the package is signed.
    """

    directory: Path
    city: int
    previous: int
    replaces: bool
    not_before: int
    expiry: int
    rules: Rules
    silenced: Mapping[str, str] = field(default_factory=dict)
    trips: Path | None = None


def _toml(path: Path) -> dict[str, object]:
    try:
        return toml_of(text_of(path))
    except OSError as error:
        raise ParametersError(
            path,
            Text(f"cannot be read: {error.strerror}", f"无法读取：{error.strerror}"),
            Text(
                "A source is a directory with package.toml; `yima params example` writes one",
                "源目录须包含 package.toml；可用 yima params example 生成示例",
            ),
        ) from error
    except ValueError as error:  # also numbers of thousands of digits
        raise ParametersError(
            path, Text(f"not TOML: {error}", f"不是 TOML：{error}"), Text("Mend that place", "请修正该处")
        ) from error


def _moment(table: Table, key: str, default: int | None = None) -> int:
    """A date as TOML has it: its midnight in UTC+8; a date with a time is UTC+8 unless it says otherwise."""
    value = table.take(key)
    if value is None and default is not None:
        return default
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=LOCAL)
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day, tzinfo=LOCAL)
    else:
        table.place.at(key).expected(
            value, "a date without quotes, such as 2024-01-01", "不带引号的日期，例如 2024-01-01"
        )
    seconds = int(moment.timestamp())
    if not 0 < seconds < OPEN:
        table.place.at(key).expected(value, "a date from 1971 to 2105", "1971 至 2105 年的日期")
    return seconds


def _reader(table: Table) -> ReaderProfile:
    plain = ReaderProfile()
    around = []
    for key in ("prefix_hex", "suffix_hex"):
        value = table.take(key)
        if value is None:
            value = ""
        if not isinstance(value, str) or not re.fullmatch(r"(?:[0-9A-Fa-f]{2}){0,8}", value):
            table.place.at(key).expected(value, "at most 8 bytes in hex", "最多 8 字节的十六进制数")
        around.append(bytes.fromhex(value))
    profile = ReaderProfile(
        baud=table.number("baud", 1200, 4_000_000, plain.baud),
        gap_ms=table.number("gap_ms", 1, 1000, plain.gap_ms),
        prefix=around[0],
        suffix=around[1],
    )
    table.done()
    return profile


def _deny(path: Path) -> list[tuple[bytes, bytes]]:
    found = read_rows(path, ["account"], ["last"])
    if len(found) > _DENY_MAX:
        raise ParametersError(
            path,
            Text(f"{len(found)} lines", f"{len(found)} 行"),
            Text(
                f"Above {_DENY_MAX} make a deny-list of its own: yima params deny build",
                f"超过 {_DENY_MAX} 行请单独制作黑名单：yima params deny build",
            ),
        )
    return found.into(lambda row: row.accounts())


def _cities(path: Path) -> dict[LabelKey, str]:
    found = read_rows(path, ["city", "name"])
    cities = found.into(
        lambda row: (LabelKey(LabelKind.CITY, row["city"].city(needed=True)), row["name"].name(LABEL_SIZE))
    )
    refuse_repeated(found, lambda row: row["city"].numeral())
    return dict(cities)


def _lines(path: Path) -> dict[LabelKey, str]:
    found = read_rows(path, ["mode", "city", "line", "name"])
    lines = found.into(
        lambda row: (
            LabelKey(
                LabelKind.LINE, row["city"].city(needed=True), row["mode"].mode(), row["line"].number(1, 0xFFFF)
            ),
            row["name"].name(LABEL_SIZE),
        )
    )  # fmt: skip
    refuse_repeated(found, lambda row: (row["mode"].value, row["city"].numeral(), row["line"].numeral()))
    return dict(lines)


def _files(directory: Path, values: object) -> Folder:
    """The CSV files that are there, and the matrices by name. Refuses whatever has no place here."""
    roots = values.get("roots") if isinstance(values, dict) else None
    files = [root.get("file") for root in roots if isinstance(root, dict)] if isinstance(roots, list) else []
    found, wrong = look(directory, [file for file in files if isinstance(file, str)])
    for error in wrong:
        tell(error)
    return found


def _with_date(limits: Limits, issued_at: int) -> Limits:
    values = {name: getattr(limits, name) for name in limits.__slots__} | {"lists_issued_at": issued_at}
    return Limits(**values)


def read_source(directory: str | Path) -> Source:
    """Everything a source directory says. Raises ParametersError, which tells all that is wrong."""
    with every_problem():
        return _read(Path(directory))
    raise AssertionError("every_problem raises what it notes")


def _read(directory: Path) -> Source:
    values = _toml(directory / PACKAGE_FILE)
    table = Table(values, Place(str(directory / PACKAGE_FILE)))
    files = _files(directory, values)
    head = _head(table)
    times = Times(files.read("calendar", calendar_of, lambda: None), files.read("bands", bands_of, dict))
    tables, matrices = _tables(files)
    network = files.read("network", network_of, lambda: None)
    pairs, organisations = files.read("whitelist", whitelist_of, lambda: ([], {}))
    stations, station_names = files.read("stations", fares.stations_of, lambda: ([], {}))
    by_kind: dict[KindWord, Mapping[str, object]] = {
        KindWord.STAGES: tables.plain,
        KindWord.MATRIX: matrices,
        KindWord.NETWORK: tables.plain if network else {},
    }
    found = files.read("fares", lambda path: fares.fares_of(path, by_kind, times), list[Fare])
    stages, matrices = with_network(network, found, tables, matrices)
    rules = Rules(
        environment=head.environment,
        version=head.version,
        limits=head.limits,
        fares=found,
        roots=attempt(lambda: roots_of(table.tables("roots"), directory), {}),
        revoked=files.read("revoked", revoked_of, list),
        whitelist=pairs,
        acceptance=files.read("acceptance", acceptance_of, lambda: None),
        deny=files.read("deny", _deny, list),
        time_shifts=attempt(lambda: time_shifts_of(table.tables("time_shifts")), {}),
        concessions=files.read("concessions", lambda path: concessions_of(path, times), list),
        habits=attempt(lambda: habits_of(Table(table.take("tariff") or {}, table.place.at("tariff"))), Habits()),
        calendar=times.calendar,
        bands=times.bands,
        members=files.read("groups", members_of, list),
        journeys=files.read("journeys", fares.journeys_of, list),
        decoders=files.read("decoders", fares.decoders_of, list),
        stations=stations,
        stages=stages,
        matrices=matrices,
        reader=head.reader,
        labels={
            **files.read("cities", _cities, dict),
            **files.read("lines", _lines, dict),
            **station_names,
            **organisations,
        },
        other=attempt(lambda: rows(family_rules_of(table)), {}),
    )
    files.read("trips", lambda path: trips_of(path, head.city), list)  # whether they hold is for `build` to ask
    nothing: dict[str, str] = {}
    quiet = attempt(lambda: _silenced(Table(table.take("lint") or {}, table.place.at("lint"))), nothing)
    attempt(table.done, None)
    return Source(
        directory=directory,
        city=head.city,
        previous=head.previous,
        replaces=head.replaces,
        not_before=head.not_before,
        expiry=head.expiry,
        rules=rules,
        silenced=quiet,
        trips=files.tables.get("trips"),
    )


def _silenced(table: Table) -> dict[str, str]:
    """The table `lint`: names of warnings, each with a reason."""
    found = {}
    for name in NAMES:
        reason = table.take(name)
        if reason is None:
            continue
        if not isinstance(reason, str) or not reason.strip():
            table.place.at(name).expected(reason, "the reason why it is none here, in quotes", "带引号的忽略原因")
        found[name] = reason
    table.done()
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """What stands at the head of package.toml."""

    environment: str
    version: int
    previous: int
    replaces: bool
    city: int
    not_before: int
    expiry: int
    limits: Limits
    reader: ReaderProfile | None


def _head(table: Table) -> _Head:
    not_before = attempt(lambda: _moment(table, "not_before"), 0)
    expiry = attempt(lambda: _moment(table, "expiry"), OPEN)
    if expiry <= not_before:
        tell(
            ParametersError(
                f"{table.place.source}: expiry",
                Text("does not lie behind not_before", "不晚于 not_before"),
                Text("Write a later date", "请写更晚的日期"),
            )
        )
    version = attempt(lambda: table.number("version", 1, 0xFFFFFFFF), 0)
    previous = attempt(lambda: table.number("previous", 0, 0xFFFFFFFF, 0), 0)
    if 0 < version <= previous:
        tell(
            ParametersError(
                f"{table.place.source}: previous",
                Text(f"{previous} is not below version {version}", f"{previous} 不小于 version {version}"),
                Text("Name a version that devices had before this one", "请写终端此前应有的版本"),
            )
        )
    limits = attempt(lambda: limits_of(Table(table.take("limits") or {}, table.place.at("limits"))), Limits())
    reader = table.take("reader")
    profile = ReaderProfile()
    return _Head(
        environment=attempt(lambda: environment_of(table), "test"),
        version=version or 1,  # 0: what stands there was told
        previous=previous,
        replaces=attempt(lambda: _yes_or_no(table, "replaces"), False),
        city=attempt(lambda: table.number("city", 100000, 999999, 0), 0),
        not_before=not_before,
        expiry=expiry,
        limits=_with_date(limits, attempt(lambda: _moment(table, "lists_issued", 0), 0)),
        reader=None if reader is None else attempt(lambda: _reader(Table(reader, table.place.at("reader"))), profile),
    )


def _yes_or_no(table: Table, key: str) -> bool:
    """A key that is true or false; false where it is left out."""
    value = table.take(key)
    if value is not None and not isinstance(value, bool):
        table.place.at(key).expected(value, "true or false", "true 或 false")
    return value is True


def _tables(files: Folder) -> tuple[Stages, dict[str, Matrix]]:
    """Tables of stages and matrices, by name."""
    stages = files.read("stages", fares.stages_of, lambda: Stages({}, {}))
    nothing = Matrix(stations=(), fares=())
    matrices = {name: attempt(partial(fares.matrix_of, path), nothing) for name, path in files.matrices.items()}
    for name in sorted(stages.plain.keys() & matrices.keys()):
        tell(
            ParametersError(
                files.matrices[name],
                Text(f"stages.csv has a table {name} too", f"stages.csv 也有名为 {name} 的表"),
                Text("Give each table its own name", "请使用不同的表名"),
            )
        )
    return stages, matrices
