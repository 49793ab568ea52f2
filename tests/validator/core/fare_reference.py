"""What a ride costs by rules as values, written a second time from docs/parameters.md; no line of it is the core's.

Moments are local datetimes; everything is looked at, dropped or sorted, where the core searches.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from yima.validator.parameters.rules import By, Choice, Concession, Fare, Habits, Rounding, Rules, When


class Asked(NamedTuple):
    """A ride. start: None where the code tells no entry. entered: None where it tells no moment."""

    city: int
    line: int
    entered: datetime | None
    left: datetime
    account_type: int
    groups: Sequence[str]
    organisation: str
    issuer_city: int


def kind_of(rules: Rules, moment: datetime) -> str:
    """The kind of the day of operation in which a moment lies."""
    if rules.calendar is None:
        return ""
    day = (moment - timedelta(minutes=rules.habits.day_begins_min)).date()
    for first, last, kind in rules.calendar.exceptions:
        if date(1970, 1, 1) + timedelta(first) <= day <= date(1970, 1, 1) + timedelta(last):
            return kind
    return rules.calendar.week[day.weekday()]


def holds(rules: Rules, when: When, asked: Asked) -> bool:
    """Whether the moment that counts is one of these days and hours."""
    if not when:
        return True
    moment = asked.entered if when.by is By.ENTRY else asked.left
    if moment is None:
        return False
    minute = 60 * moment.hour + moment.minute
    in_band = any(begin <= minute < end for name in when.bands for begin, end in rules.bands[name])
    return (not when.days or kind_of(rules, moment) in when.days) and (not when.bands or in_band)


def _in_force(row: Fare | Concession, asked: Asked) -> bool:
    return row.from_s <= asked.left.timestamp() < row.to_s


def _hours(when: When) -> tuple[bool, bool]:
    return bool(when.bands), bool(when.days)


def fare(rules: Rules, asked: Asked) -> Fare | None:
    """The fare rule."""
    fitting = [
        row
        for row in rules.fares
        if row.city in {0, asked.city}
        and row.line in {0, asked.line}
        and _in_force(row, asked)
        and holds(rules, row.when, asked)
    ]
    return max(fitting, key=lambda row: (row.line > 0, row.city > 0, *_hours(row.when)), default=None)


def rounded(exact: Fraction, habits: Habits) -> int:
    """A sum of money as the tariff rounds it."""
    units = exact / habits.unit_fen
    if habits.rounding is Rounding.DOWN:
        return floor(units) * habits.unit_fen
    if habits.rounding is Rounding.UP:
        return ceil(units) * habits.unit_fen
    return floor(units + Fraction(1, 2)) * habits.unit_fen


def remaining(row: Concession, fen: int, habits: Habits) -> int:
    """What a concession leaves."""
    if row.percent is None:
        return min(row.fen, fen)
    return min(rounded(Fraction(str(row.percent)) * fen / 100, habits), fen)


def concessions(rules: Rules, asked: Asked, fen: int) -> list[Concession]:
    """The concession; several where they differ in their hours alone, and say and leave the same."""
    fitting = [
        row
        for row in rules.concessions
        if row.account_type in {None, asked.account_type}
        and (not row.group or row.group in asked.groups)
        and row.organisation in {"", asked.organisation}
        and row.issuer_city in {0, asked.issuer_city}
        and row.line in {0, asked.line}
        and row.riding_city in {0, asked.city}
        and row.mode in {None, rules.fares[0].mode}
        and _in_force(row, asked)
        and holds(rules, row.when, asked)
    ]

    def says(row: Concession) -> tuple[bool, ...]:
        return (
            row.account_type is not None, row.group != "", row.organisation != "", row.issuer_city > 0, row.line > 0,
            row.riding_city > 0, row.mode is not None, *_hours(row.when),
        )  # fmt: skip

    def rank(row: Concession) -> tuple[object, ...]:
        silent = tuple(not said for said in says(row))
        left = remaining(row, fen, rules.habits)
        first = (left, silent) if rules.habits.choice is Choice.BEST else (silent, left)
        return (*first, row.group)

    least = min(map(rank, fitting), default=None)
    return [row for row in fitting if rank(row) == least]
