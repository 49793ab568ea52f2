"""The files of a source directory that say what a ride costs: fares, their tables, reductions, journeys, decoders.

Every file is one function from its path to values of yima.validator.parameters.rules. What a single cell cannot know (a
table that is not there, dates that overlap, a line without its city) is checked here too, and named by the row that
shows it.
docs/parameters.md describes each file for those who write it.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from yima.sdk.parameters.calendar_files import COLUMNS, Times, refuse_meetings
from yima.sdk.parameters.cells import Cell, Row, read_lines, read_rows, refuse_repeated
from yima.sdk.parameters.network_file import Stages, matrix_name
from yima.sdk.parameters.problems import told
from yima.validator.parameters.image import JOURNEY_RULES, LABEL_SIZE, NO_RIDE
from yima.validator.parameters.rules import (
    OPEN,
    RULE_NAME_MAX,
    Decoder,
    Fare,
    FareKind,
    Form,
    Journey,
    LabelKey,
    LabelKind,
    Matrix,
    Stage,
    Station,
)
from yima.validator.texts import Text

_NUMBER_MAX = 0xFFFF  # of lines and stations
_DATA_MAX = 32  # bytes of field 14
_TRAVEL_MAX_S = 7 * 86400
STATIONS_MAX = 2000  # of one matrix, 8 MB of cells


class KindWord(StrEnum):
    """How a fare is found, as a person writes it."""

    FLAT = "flat"
    STAGES = "stages"
    MATRIX = "matrix"
    NETWORK = "network"


_WHERE = {
    KindWord.STAGES: "stages.csv",
    KindWord.MATRIX: "matrix-NAME.csv",
    KindWord.NETWORK: "stages.csv, beside network.csv",
}


class Policy(StrEnum):
    """What a gate does."""

    REFUSE = "refuse"
    ACCEPT = "accept"


def period(row: Row) -> tuple[int, int]:
    """Columns `from` and `to`: unix seconds; empty cells are open."""
    begin, end = row["from"].moment(0), row["to"].moment(OPEN)
    if begin >= end:
        row["to"].refuse(
            Text("does not lie behind from", "不晚于 from"),
            Text("`to` is the first day on which the row holds no more", "to 是该行不再生效的第一天"),
        )
    return begin, end


def refuse_overlaps(rows: Sequence[Row], key: Callable[[Row], object]) -> None:
    """Refuses two rows of one key whose periods have a moment in common."""
    held: dict[object, list[tuple[int, int, int]]] = {}
    for row in rows:
        begin, end = period(row)
        others = held.setdefault(key(row), [])
        for other_begin, other_end, line in others:
            if begin < other_end and other_begin < end:
                row.tell(
                    Text(f"says of the same time what line {line} says", f"与第 {line} 行的时段重叠"),
                    Text("Let one end (column to) where the other begins", "请使一行的 to 等于另一行的 from"),
                )
        others.append((begin, end, row.line))


def line_of(row: Row, city: str = "city") -> int:
    """Column `line`, 0 where it is empty; a line needs its city, which stands in that column."""
    line = row["line"].number(1, _NUMBER_MAX, 0)
    if line and not row[city].value:
        row[city].expected("the city whose line it is", "该线路所在的城市")
    return line


def fares_of(path: Path, tables: Mapping[KindWord, Mapping[str, object]], times: Times) -> list[Fare]:
    """fares.csv. tables: those that are there, by kind; of a network, the stages that price it."""
    rows = read_rows(path, ["rule", "mode", "kind"], ["city", "line", "from", "to", *COLUMNS, "fen", "table"])
    fares = rows.into(lambda row: _fare(row, tables, times))
    whens = {row.line: fare.when for row, fare in zip(rows, fares, strict=True)}
    refuse_meetings(rows, lambda row: (row["mode"].mode(), row["city"].city(), line_of(row)), whens, times, period)
    return fares


def _fare(row: Row, tables: Mapping[KindWord, Mapping[str, object]], times: Times) -> Fare:
    kind = row["kind"].choice(KindWord)
    begin, end = period(row)
    surplus = row["table"] if kind is KindWord.FLAT else row["fen"]
    if surplus.value:
        surplus.expected(f"nothing: the fare is {kind}", f"空：票价方式为 {kind}")
    table = row["table"].value
    if kind is not KindWord.FLAT and table not in tables[kind]:
        known = ", ".join(tables[kind]) or _WHERE[kind]
        row["table"].expected(f"the name of a table: {known}", f"表名：{known}")
    return Fare(
        rule=row["rule"].rule(), mode=row["mode"].mode(), city=row["city"].city(), line=line_of(row),
        from_s=begin, to_s=end, when=times.when(row),
        kind=FareKind.MATRIX if kind is KindWord.NETWORK else FareKind[kind.name],
        fen=row["fen"].fen() if kind is KindWord.FLAT else 0,
        table=matrix_name(table) if kind is KindWord.NETWORK else table,
    )  # fmt: skip


def stages_of(path: Path) -> Stages:
    """stages.csv: tables by name, each with its rows by distance; of a network also for rides from some entries."""
    rows = read_rows(path, ["table", "up_to_m", "fen"], ["entries"])
    found = Stages({row["table"].value: [] for row in rows}, {})  # also of rows that are wrong elsewhere
    for table, entries, stage in rows.into(_stage):
        for station in entries:
            found.by_entry.setdefault(table, {}).setdefault(station, []).append(stage)
        if not entries:
            found.plain[table].append(stage)
    refuse_repeated(rows, lambda row: (row["table"].value, row["entries"].value, row["up_to_m"].numeral()))
    return found


def _stage(row: Row) -> tuple[str, tuple[int, ...], Stage]:
    up_to = None if row["up_to_m"].value == "rest" else row["up_to_m"].number(0, OPEN - 1)
    words = [Cell(word, row.file, row.line, "entries") for word in row["entries"].value.split()]
    entries = tuple(word.number(1, _NUMBER_MAX) for word in words)
    return row["table"].rule(), entries, Stage(up_to_m=up_to, fen=row["fen"].fen())


def matrix_of(path: Path) -> Matrix:
    """matrix-NAME.csv: exits across, entries down, fen in the cells; an empty cell or - is no ride."""
    lines, before = read_lines(path), told()
    nothing = Matrix(stations=(), fares=())
    first, header = next(lines, (1, []))
    exits = [
        Cell(value, path, first, f"column {at}").number(1, _NUMBER_MAX) for at, value in enumerate(header[1:], start=2)
    ]
    if told() > before:
        return nothing
    if not exits or len(set(exits)) < len(exits) or len(exits) > STATIONS_MAX:
        Row(path, first, {}).refuse(
            Text(
                f"{len(set(exits))} different stations in {len(exits)} columns",
                f"{len(exits)} 列共 {len(set(exits))} 个不同站点",
            ),
            Text(
                f"Name 1 to {STATIONS_MAX} stations, each once, behind an empty or any first cell",
                f"第一格之后列出 1 至 {STATIONS_MAX} 个互不相同的站号",
            ),
        )
    fares: dict[int, list[int | None]] = {}
    for number, cells in lines:
        so_far = told()
        entry = Cell(cells[0], path, number, "column 1").number(1, _NUMBER_MAX)
        if told() > so_far:
            continue
        row = Row(path, number, {})
        if entry not in exits or entry in fares or len(cells) != len(header):
            row.tell(
                Text(
                    f"no row of this matrix: station {entry}, {len(cells)} cells",
                    f"不是本矩阵的行：站号 {entry}，{len(cells)} 格",
                ),
                Text(f"Each station once, with {len(header)} cells", f"每个站点一行，每行 {len(header)} 格"),
            )
            continue
        fares[entry] = [
            None if value in {"", "-"} else Cell(value, path, number, f"exit {exit_}").number(0, NO_RIDE - 1)
            for value, exit_ in zip(cells[1:], exits, strict=True)
        ]
    if told() > before:
        return nothing
    if missing := [station for station in exits if station not in fares]:
        Row(path, first, {}).tell(
            Text(f"no row for station {missing[0]}", f"缺少站号 {missing[0]} 的行"),
            Text("Add its row", "请补上该行"),
        )
        return nothing
    return Matrix(stations=tuple(exits), fares=tuple(tuple(fares[station]) for station in exits))


def stations_of(path: Path) -> tuple[list[Station], dict[LabelKey, str]]:
    """stations.csv: where stations lie, if their distance is told, and what they are called."""
    rows = read_rows(path, ["mode", "city", "station"], ["line", "metres", "name"])
    names: dict[LabelKey, str] = {}

    def station_of(row: Row) -> list[Station]:
        mode, city, line = row["mode"].mode(), row["city"].city(needed=True), line_of(row)
        number = row["station"].number(1, _NUMBER_MAX)
        if row["name"].value:
            names[LabelKey(LabelKind.STATION, city, mode, line, number)] = row["name"].name(LABEL_SIZE)
        if not row["metres"].value:
            return []
        metres = row["metres"].number(0, OPEN - 1)
        return [Station(mode=mode, city=city, line=line, station=number, metres=metres)]

    found = [station for stations in rows.into(station_of) for station in stations]
    refuse_repeated(rows, lambda row: tuple(row[column].numeral() for column in ("mode", "city", "line", "station")))
    return found, names


def _at_a_price(cell: Cell) -> int | None:
    return None if cell.value in {"", Policy.REFUSE} else cell.fen()


def journeys_of(path: Path) -> list[Journey]:
    """journeys.csv."""
    rows = read_rows(
        path,
        ["rule", "mode"],
        [
            *("city", "longest_s", "over_time_fen", "missing_exit", "missing_entry_fen", "unreadable_fen", "unpriced"),
            "entry_cap_fen",
        ],
    )
    found = rows.into(_journey)
    refuse_repeated(rows, lambda row: (row["mode"].mode(), row["city"].city()))
    return found


def _journey(row: Row) -> Journey:
    most = RULE_NAME_MAX - max(map(len, JOURNEY_RULES))
    if len(row["rule"].rule()) > most:
        row["rule"].expected(f"at most {most} characters: a verdict adds to it", f"最多 {most} 个字符")
    return Journey(
        rule=row["rule"].rule(), mode=row["mode"].mode(), city=row["city"].city(),
        longest_s=row["longest_s"].number(0, _TRAVEL_MAX_S, 0), over_time_fen=row["over_time_fen"].fen(0),
        missing_exit=row["missing_exit"].choice(Policy, Policy.REFUSE) is Policy.ACCEPT,
        missing_entry_fen=_at_a_price(row["missing_entry_fen"]),
        unreadable_fen=_at_a_price(row["unreadable_fen"]),
        unpriced=row["unpriced"].choice(Policy, Policy.REFUSE) is Policy.ACCEPT,
        entry_cap_fen=row["entry_cap_fen"].fen(0),
    )  # fmt: skip


def _inside(cell: Cell) -> tuple[int, ...]:
    words = [Cell(word, cell.file, cell.line, cell.column) for word in cell.value.split()]
    if not words:
        cell.expected(
            "the state's values that mean inside, apart by blanks: 0x01 0x03", "表示“已进站”的状态值，以空格分隔"
        )
    return tuple(word.byte() for word in words)


def decoders_of(path: Path) -> list[Decoder]:
    """decoders.csv."""
    rows = read_rows(
        path,
        ["organisation", "state_at", "inside", "station_at"],
        ["station_size", "station_form", "time_at", "time_form"],
    )
    found = rows.into(_decoder)
    refuse_repeated(rows, lambda row: row["organisation"].digits())
    return found


def _decoder(row: Row) -> Decoder:
    size = row["station_size"].number(1, 4, 2)
    station_form = row["station_form"].choice(Form, Form.BINARY)
    time_form = row["time_form"].choice(Form, Form.NONE)
    if size == 3 or station_form is Form.NONE:
        row["station_size" if size == 3 else "station_form"].expected(
            "1, 2 or 4 bytes, binary or bcd", "1、2 或 4 字节，binary 或 bcd"
        )
    if row["time_at"].value and not row["time_form"].value:
        row["time_form"].expected("binary or bcd, the form of what is at time_at", "binary 或 bcd，即 time_at 处的格式")
    time_size = {Form.NONE: 0, Form.BINARY: 4, Form.BCD: 7}[time_form]
    return Decoder(
        organisation=row["organisation"].digits(), state_at=row["state_at"].number(0, _DATA_MAX - 1),
        inside=_inside(row["inside"]), station_at=row["station_at"].number(0, _DATA_MAX - size),
        station_size=size, station_form=station_form,
        time_at=row["time_at"].number(0, _DATA_MAX - time_size, 0 if time_form is Form.NONE else None),
        time_form=time_form,
    )  # fmt: skip
