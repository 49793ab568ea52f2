"""calendar.csv and bands.csv, the columns by which a row holds on some days and at some hours alone, and `[tariff]`.

Rules it keeps:
- Every day is of exactly one kind: that of an exception, else that of its day of the week.
- Hours and days are UTC+8. A day of operation begins at `day_begins`; what is before it belongs to the day before.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from yima.sdk.parameters.cells import Cell, Row, read_rows
from yima.sdk.parameters.problems import attempt
from yima.validator.parameters.hours import BANDS_MAX, KINDS_MAX
from yima.validator.parameters.rules import ALWAYS, By, Calendar, Choice, Habits, Rounding, When
from yima.validator.parameters.tables import Table
from yima.validator.texts import Text

COLUMNS = ("days", "bands", "by")
"""Columns of fares.csv and concessions.csv."""
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UTC_8_S, _DAY_S, _DAY_MIN = 28800, 86400, 1440

Ranges = Sequence[tuple[int, int]]
Word = TypeVar("Word", Choice, Rounding)


@dataclass(frozen=True, slots=True)
class Times:
    """The kinds of days and the bands that rows may name."""

    calendar: Calendar | None = None
    bands: Mapping[str, Ranges] = field(default_factory=dict)

    @property
    def kinds(self) -> set[str]:
        """Names of the kinds of days."""
        calendar = self.calendar
        return {*calendar.week, *(kind for *_, kind in calendar.exceptions)} - {""} if calendar else set()

    def when(self, row: Row) -> When:
        """Columns `days`, `bands` and `by`; all empty: always."""
        days = _names(row["days"], self.kinds, "calendar.csv")
        bands = _names(row["bands"], self.bands, "bands.csv")
        if not days and not bands:
            if row["by"].value:
                row["by"].expected("nothing: the row names neither days nor bands", "空：该行未写 days 或 bands")
            return ALWAYS
        if not row["by"].value:
            row["by"].expected("entry, exit or tap: the moment that counts", "entry、exit 或 tap，即以哪一时刻为准")
        return When(days, bands, row["by"].choice(By))

    def may_meet(self, one: When, other: When) -> bool:
        """Whether two conditions that say as much may hold for the same ride."""
        if (bool(one.days), bool(one.bands)) != (bool(other.days), bool(other.bands)):
            return False
        if one and one.by is not other.by:
            return True
        if one.days and not set(one.days) & set(other.days):
            return False
        mine, others = ([r for name in when.bands for r in self.bands.get(name, ())] for when in (one, other))
        return not one.bands or any(a < d and c < b for a, b in mine for c, d in others)


def _names(cell: Cell, known: Mapping[str, object] | set[str], file: str) -> tuple[str, ...]:
    words = tuple(sorted(set(cell.value.split())))
    if unknown := [word for word in words if word not in known]:
        names = ", ".join(sorted(known)) or f"none: {file} has none"
        cell.refuse(
            Text(f"{unknown[0]} is not in {file}", f"{file} 中没有 {unknown[0]}"),
            Text(f"Names there: {names}", f"可用名称：{names}"),
        )
    return words


def calendar_of(path: Path) -> Calendar | None:
    """calendar.csv: kinds of the days of the week, and of days that are another."""
    rows = read_rows(path, ["kind"], ["weekdays", "from", "to"])
    week: dict[int, str] = {}
    exceptions: list[tuple[int, int, str]] = []

    def one(row: Row) -> None:
        kind = row["kind"].rule()
        if bool(row["weekdays"].value) == bool(row["from"].value):
            row.refuse(
                Text("one of weekdays and from must be filled, and only one", "weekdays 与 from 须且只能填一个"),
                Text("A row is for days of the week, or for dates", "一行要么写星期，要么写日期"),
            )
        if row["weekdays"].value:
            if row["to"].value:
                row["to"].expected("nothing: a row of weekdays holds in every week", "空：星期行每周都生效")
            for day in _weekdays(row["weekdays"]):
                if day in week:
                    row["weekdays"].refuse(
                        Text(f"{_WEEK[day]} is {week[day]} already", f"{_WEEK[day]} 已是 {week[day]}"),
                        Text("Each day of the week is of one kind", "每个星期几只属于一类"),
                    )
                week[day] = kind
            return
        first = _day(row["from"])
        last = _day(row["to"]) - 1 if row["to"].value else first
        if last < first:
            row["to"].refuse(
                Text("does not lie behind from", "不晚于 from"),
                Text("`to` is the first day that is no longer of this kind", "to 是不再属于该类的第一天"),
            )
        for other_first, other_last, other in exceptions:
            if first <= other_last and other_first <= last:
                row.refuse(
                    Text(f"says of days what a row before says ({other})", f"与前一行（{other}）的日期重叠"),
                    Text("Let each day stand in one row", "每一天只写在一行"),
                )
        exceptions.append((first, last, kind))

    rows.into(one)
    if week and (missing := [name for at, name in enumerate(_WEEK) if at not in week]):
        Row(path, 1, {})["weekdays"].refuse(
            Text(f"{', '.join(missing)} of no kind", f"未写 {', '.join(missing)}"),
            Text("Give every day of the week a kind", "请为每个星期几指定类别"),
        )
    kinds = {*week.values(), *(kind for *_, kind in exceptions)}
    _refuse_many(path, kinds, KINDS_MAX)
    monday, tuesday, wednesday, thursday, friday, saturday, sunday = (week.get(day, "") for day in range(7))
    return Calendar(
        week=(monday, tuesday, wednesday, thursday, friday, saturday, sunday), exceptions=sorted(exceptions)
    )


def _weekdays(cell: Cell) -> list[int]:
    found: list[int] = []
    for word in cell.value.lower().split():
        ends = word.split("-")
        if len(ends) > 2 or not set(ends) <= set(_WEEK) or _WEEK.index(ends[0]) > _WEEK.index(ends[-1]):
            cell.expected("days such as mon-fri or sat sun", "星期，例如 mon-fri 或 sat sun")
        found += range(_WEEK.index(ends[0]), _WEEK.index(ends[-1]) + 1)
    return found


def _day(cell: Cell) -> int:
    """A date as days from 1970-01-01."""
    seconds = cell.moment(0) + _UTC_8_S
    if seconds % _DAY_S:
        cell.expected("a day without a time", "不带时刻的日期")
    return seconds // _DAY_S


def bands_of(path: Path) -> dict[str, Ranges]:
    """bands.csv: hours by name; one that passes midnight is two ranges."""
    rows = read_rows(path, ["band", "from", "to"])
    found: dict[str, list[tuple[int, int]]] = {}

    def one(row: Row) -> None:
        name = row["band"].rule()
        begin, end = clock(row["from"], 0, _DAY_MIN - 1), clock(row["to"], 0, _DAY_MIN)
        if begin == end:
            row["to"].refuse(
                Text("is the same as from", "与 from 相同"),
                Text("A whole day is 00:00 to 24:00", "全天写作 00:00 到 24:00"),
            )
        ranges = [(begin, end)] if begin < end else [(begin, _DAY_MIN), *([(0, end)] if end else [])]
        others = found.setdefault(name, [])
        if any(a < d and c < b for a, b in ranges for c, d in others):
            row.refuse(
                Text(f"overlaps an earlier row of {name}", f"与 {name} 的前一行重叠"),
                Text("Let the ranges of a band lie apart", "同一时段的各行不可重叠"),
            )
        others += ranges

    rows.into(one)
    _refuse_many(path, set(found), BANDS_MAX)
    return {name: tuple(sorted(ranges)) for name, ranges in found.items()}


def clock(cell: Cell, low: int, high: int) -> int:
    """A time such as 07:20 as minutes from midnight."""
    match = re.fullmatch(r"(\d{1,2}):(\d{2})(?::00)?", cell.value, re.ASCII)
    minutes = int(match[1]) * 60 + int(match[2]) if match and int(match[2]) < 60 else -1
    if not low <= minutes <= high:
        cell.expected("a time such as 07:20", "时刻，例如 07:20")
    return minutes


def _refuse_many(path: Path, names: set[str], most: int) -> None:
    if len(names) > most:
        Row(path, 1, {}).tell(
            Text(f"{len(names)} names", f"{len(names)} 个名称"),
            Text(f"A package has room for {most}", f"一个参数包最多 {most} 个"),
        )


def habits_of(table: Table) -> Habits:
    """The table `[tariff]` of package.toml."""
    plain = Habits()
    habits = Habits(
        choice=_word(table, "concessions", Choice, plain.choice),
        rounding=_word(table, "rounding", Rounding, plain.rounding),
        unit_fen=attempt(lambda: _unit(table), 1),
        day_begins_min=attempt(lambda: _day_begins(table), 0),
    )
    attempt(table.done, None)
    return habits


def _word(table: Table, key: str, kind: type[Word], default: Word) -> Word:
    value = table.take(key)
    if value is None:
        return default
    for member in kind:
        if member.value == value:
            return member
    words = [f'"{member.value}"' for member in kind]
    attempt(lambda: table.place.at(key).expected(value, " or ".join(words), " 或 ".join(words)), None)
    return default


def _unit(table: Table) -> int:
    unit = table.number("round_fen", 1, 10, 1)
    if unit not in {1, 10}:
        table.place.at("round_fen").expected(unit, "1 or 10", "1 或 10")
    return unit


def _day_begins(table: Table) -> int:
    value = table.take("day_begins")
    if value is None:
        return 0
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", value, re.ASCII) if isinstance(value, str) else None
    if match is None:
        table.place.at("day_begins").expected(value, 'a time such as "04:00"', '时刻，例如 "04:00"')
    return int(match[1]) * 60 + int(match[2])


def refuse_meetings(
    rows: Sequence[Row],
    key: Callable[[Row], object],
    whens: Mapping[int, When],
    times: Times,
    period: Callable[[Row], tuple[int, int]],
) -> None:
    """Refuses two rows of one key, of the same time, of which both could hold and none says more. whens: by line."""
    held: dict[object, list[Row]] = {}
    for row in rows:
        begin, end = period(row)
        for other in held.setdefault(key(row), []):
            other_begin, other_end = period(other)
            if begin < other_end and other_begin < end and times.may_meet(whens[row.line], whens[other.line]):
                row.tell(
                    Text(f"says of the same time what line {other.line} says", f"与第 {other.line} 行的时段重叠"),
                    Text(
                        "Let one end (column to) where the other begins, or go by the same moment and other hours",
                        "请使一行的 to 等于另一行的 from，或以同一时刻、不同时段区分",
                    ),
                )
        held[key(row)].append(row)
