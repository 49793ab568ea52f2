"""The source of a package: a directory with package.toml and CSV files that a person edits, read into rules.

Rules it keeps:
- Every file but package.toml may be missing. What else lies here is known, or an error (see folder).
- Whatever is malformed is a ParametersError with file, line, column (or key) and reason; the first one ends it.
- Nothing is signed and nothing is built here; what the core must say of root keys it says when the image is built.

docs/parameters.md describes the files for those who write them.
"""

import re
import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from yima.sdk.parameters import fare_files as fares
from yima.sdk.parameters.cells import LOCAL, read_rows, refuse_repeated
from yima.sdk.parameters.fare_files import KindWord, period, refuse_overlaps
from yima.sdk.parameters.folder import PACKAGE_FILE, Folder, look
from yima.sdk.parameters.group_file import members_of
from yima.validator.errors import ParametersError
from yima.validator.parameters.family_rules import family_rules_of, rows
from yima.validator.parameters.image import LABEL_SIZE
from yima.validator.parameters.parts import environment_of, limits_of, roots_of, time_shifts_of
from yima.validator.parameters.rules import (
    OPEN,
    Acceptance,
    LabelKey,
    LabelKind,
    Limits,
    Mode,
    Pair,
    ReaderProfile,
    Rules,
)
from yima.validator.parameters.tables import Place, Table
from yima.validator.texts import Text

_DENY_MAX = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A source directory, read. city: for which the package is, 0: any. previous: None: the version before this one.

    not_before, expiry: unix seconds.
    """

    directory: Path
    city: int
    previous: int | None
    not_before: int
    expiry: int
    rules: Rules


def _toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ParametersError(
            path,
            Text(f"cannot be read: {error.strerror}", f"无法读取：{error.strerror}"),
            Text(
                "A source is a directory with package.toml; `yima params example` writes one",
                "源目录须包含 package.toml；可用 yima params example 生成示例",
            ),
        ) from error
    except (ValueError, RecursionError) as error:  # also numbers of thousands of digits, lists a thousand deep
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


def _whitelist(path: Path) -> tuple[list[Pair], dict[LabelKey, str]]:
    found = read_rows(path, ["organisation", "platform"], ["city", "modes", "name"])
    pairs = [
        Pair(
            organisation=row["organisation"].digits(), platform=row["platform"].digits(), city=row["city"].city(),
            modes=row["modes"].modes(),
        )
        for row in found
    ]  # fmt: skip
    refuse_repeated(found, lambda row: (row["organisation"].value, row["platform"].value))
    names = {
        LabelKey(LabelKind.ORGANISATION, int(row["organisation"].value)): row["name"].name(LABEL_SIZE)
        for row in found
        if row["name"].value
    }
    return pairs, names


def _acceptance(path: Path) -> list[Acceptance]:
    found = read_rows(path, ["riding_city", "issuer_city"], ["mode", "from", "to"])
    accepted = []
    for row in found:
        begin, end = period(row)
        accepted += [
            Acceptance(
                riding_city=row["riding_city"].city(needed=True), mode=mode,
                issuer_city=row["issuer_city"].city(needed=True), from_s=begin, to_s=end,
            )
            for mode in row["mode"].modes()
        ]  # fmt: skip
    for mode in Mode:
        refuse_overlaps(
            [row for row in found if mode in row["mode"].modes()],
            lambda row: (row["riding_city"].value, row["issuer_city"].value),
        )
    return accepted


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
    return [row.accounts() for row in found]


def _cities(path: Path) -> dict[LabelKey, str]:
    found = read_rows(path, ["city", "name"])
    refuse_repeated(found, lambda row: row["city"].value)
    return {LabelKey(LabelKind.CITY, row["city"].city(needed=True)): row["name"].name(LABEL_SIZE) for row in found}


def _lines(path: Path) -> dict[LabelKey, str]:
    found = read_rows(path, ["mode", "city", "line", "name"])
    refuse_repeated(found, lambda row: (row["mode"].value, row["city"].value, row["line"].value))
    return {
        LabelKey(LabelKind.LINE, row["city"].city(needed=True), row["mode"].mode(), row["line"].number(1, 0xFFFF)): row[
            "name"
        ].name(LABEL_SIZE)
        for row in found
    }


def _files(directory: Path, values: object) -> Folder:
    """The CSV files that are there, and the matrices by name. Refuses whatever has no place here."""
    roots = values.get("roots") if isinstance(values, dict) else None
    files = [root.get("file") for root in roots if isinstance(root, dict)] if isinstance(roots, list) else []
    found, wrong = look(directory, [file for file in files if isinstance(file, str)])
    if wrong:
        raise wrong[0]
    return found


def _with_date(limits: Limits, issued_at: int) -> Limits:
    values = {name: getattr(limits, name) for name in limits.__slots__} | {"lists_issued_at": issued_at}
    return Limits(**values)


def read_source(directory: str | Path) -> Source:
    """Everything a source directory says. Raises ParametersError."""
    directory = Path(directory)
    values = _toml(directory / PACKAGE_FILE)
    table = Table(values, Place(str(directory / PACKAGE_FILE)))
    files = _files(directory, values)
    matrix_files = files.matrices

    def of(name: str) -> Path | None:
        return files.tables.get(name)

    environment, version = environment_of(table), table.number("version", 1, 0xFFFFFFFF)
    not_before, expiry = _moment(table, "not_before"), _moment(table, "expiry")
    if expiry <= not_before:
        table.place.at("expiry").refuse(
            Text("does not lie behind not_before", "不晚于 not_before"), Text("Write a later date", "请写更晚的日期")
        )
    previous = table.number("previous", 0, 0xFFFFFFFF, -1)
    city = table.number("city", 100000, 999999, 0)
    limits = limits_of(Table(table.take("limits") or {}, table.place.at("limits")))
    reader = table.take("reader")
    stages = fares.stages_of(path) if (path := of("stages")) else {}
    matrices = {name: fares.matrix_of(path) for name, path in matrix_files.items()}
    both = sorted(stages.keys() & matrices.keys())
    if both:
        raise ParametersError(
            matrix_files[both[0]],
            Text(f"stages.csv has a table {both[0]} too", f"stages.csv 也有名为 {both[0]} 的表"),
            Text("Give each table its own name", "请使用不同的表名"),
        )
    pairs, organisations = _whitelist(path) if (path := of("whitelist")) else ([], {})
    stations, station_names = fares.stations_of(path) if (path := of("stations")) else ([], {})
    rules = Rules(
        environment=environment,
        version=version,
        limits=_with_date(limits, _moment(table, "lists_issued", 0)),
        fares=fares.fares_of(path, {KindWord.STAGES: stages, KindWord.MATRIX: matrices})
        if (path := of("fares")) else [],
        roots=roots_of(table.tables("roots"), directory),
        whitelist=pairs,
        acceptance=_acceptance(path) if (path := of("acceptance")) else None,
        deny=_deny(path) if (path := of("deny")) else [],
        time_shifts=time_shifts_of(table.tables("time_shifts")),
        concessions=fares.concessions_of(path) if (path := of("concessions")) else [],
        members=members_of(path) if (path := of("groups")) else [],
        journeys=fares.journeys_of(path) if (path := of("journeys")) else [],
        decoders=fares.decoders_of(path) if (path := of("decoders")) else [],
        stations=stations,
        stages=stages,
        matrices=matrices,
        reader=None if reader is None else _reader(Table(reader, table.place.at("reader"))),
        labels={
            **(_cities(path) if (path := of("cities")) else {}),
            **(_lines(path) if (path := of("lines")) else {}),
            **station_names,
            **organisations,
        },
        other=rows(family_rules_of(table)),
    )  # fmt: skip
    table.done()
    return Source(
        directory=directory,
        city=city,
        previous=None if previous < 0 else previous,
        not_before=not_before,
        expiry=expiry,
        rules=rules,
    )
