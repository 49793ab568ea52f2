"""Kinds of days, bands of time and the conditions of rules: from names to rows of the image, and back.

Rules it keeps:
- Kinds and bands are numbered by name, from 1; a condition is a row's number, from 1, and 0 is: always.
- Of one image's conditions those that name most come first, then by moment, then by name: the same rules make the same
  bytes.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from yima.validator.parameters import sections
from yima.validator.parameters.rules import By, Calendar, Choice, Habits, LabelKey, LabelKind, Rounding, Rules, When

KINDS_MAX = sections.DAYS["kind"].most
BANDS_MAX = sections.BANDS["band"].most
CONDITIONS_MAX = 0xFF
_CHOICES = {choice: number for number, choice in enumerate(Choice, start=1)}
_ROUNDINGS = {rounding: number for number, rounding in enumerate(Rounding, start=1)}
_BY = {by: number for number, by in enumerate(By, start=1)}


def conditions(rules: Rules) -> list[When]:
    """The conditions of these rules, in the order of their numbers."""
    whens = [row.when for row in rules.fares] + [row.when for row in rules.concessions]
    found = {_plain(when) for when in whens if when}
    return sorted(found, key=lambda when: (not when.bands, not when.days, list(By).index(when.by), when))


def _plain(when: When) -> When:
    return When(tuple(sorted(set(when.days))), tuple(sorted(set(when.bands))), By(when.by))


class Hours:
    """Numbers of kinds, bands and conditions within one image."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        calendar = rules.calendar
        kinds = {*calendar.week, *(kind for *_, kind in calendar.exceptions)} if calendar else set()
        self.kinds = {name: number for number, name in enumerate(sorted(kinds - {""}), start=1)}
        self.bands = {name: number for number, name in enumerate(sorted(rules.bands), start=1)}
        self._conditions = {when: number for number, when in enumerate(conditions(rules), start=1)}

    def number(self, when: When) -> int:
        """Of a condition; 0 for always."""
        return self._conditions[_plain(when)] if when else 0

    @property
    def labels(self) -> dict[LabelKey, str]:
        """What the kinds and bands are called."""
        named = ((LabelKind.DAY, self.kinds), (LabelKind.BAND, self.bands))
        return {LabelKey(kind, number): name for kind, numbers in named for name, number in numbers.items()}

    def rows(self) -> dict[int, list[bytes]]:
        """Rows of the four sections."""
        rules = self._rules
        return {
            sections.TARIFF.number: self._tariff(),
            sections.DAYS.number: [
                sections.DAYS.pack(first=first, last=last, kind=self.kinds[kind])
                for first, last, kind in sorted(rules.calendar.exceptions if rules.calendar else ())
            ],
            sections.BANDS.number: [
                sections.BANDS.pack(band=number, from_min=begin, to_min=end)
                for name, number in self.bands.items()
                for begin, end in sorted(rules.bands[name])
            ],
            sections.WHEN.number: [
                sections.WHEN.pack(
                    kinds=_bits(self.kinds, when.days), bands=_bits(self.bands, when.bands), by=_BY[when.by]
                )
                for when in self._conditions
            ],
        }

    def _tariff(self) -> list[bytes]:
        habits, calendar = self._rules.habits, self._rules.calendar
        if habits == Habits() and calendar is None:
            return []
        week = bytes(self.kinds.get(kind, 0) for kind in calendar.week) if calendar else bytes(7)
        row = sections.TARIFF.pack(
            choice=_CHOICES[habits.choice],
            rounding=_ROUNDINGS[habits.rounding],
            unit_fen=habits.unit_fen,
            day_begins_min=habits.day_begins_min,
            week=week,
        )
        return [row]


def _bits(numbers: Mapping[str, int], names: Iterable[str]) -> int:
    return sum(1 << numbers[name] for name in set(names))


class HoursRead:
    """The same of an image. labels: its own; a kind or band without one is told by its number."""

    def __init__(self, opened: sections.Opened, labels: Mapping[LabelKey, str]) -> None:
        self._labels = labels
        self.tariff = next(iter(opened.each(sections.TARIFF)), None)
        self._days = list(opened.each(sections.DAYS))
        self._bands = list(opened.each(sections.BANDS))
        self._conditions = [self._condition(row) for row in opened.each(sections.WHEN)]

    def _name(self, kind: LabelKind, number: int) -> str:
        return self._labels.get(LabelKey(kind, number), str(number)) if number else ""

    def _named(self, kind: LabelKind, bits: int) -> tuple[str, ...]:
        return tuple(self._name(kind, number) for number in range(1, 16) if bits >> number & 1)

    def _condition(self, row: Any) -> When:
        days, bands = self._named(LabelKind.DAY, row.kinds), self._named(LabelKind.BAND, row.bands)
        return When(days, bands, list(By)[row.by - 1])

    def when(self, number: int) -> When:
        """A condition by its number."""
        return self._conditions[number - 1] if 0 < number <= len(self._conditions) else When()

    @property
    def habits(self) -> Habits:
        """How concessions are chosen and rounded."""
        row = self.tariff
        if row is None:
            return Habits()
        return Habits(
            choice=list(Choice)[row.choice - 1], rounding=list(Rounding)[row.rounding - 1], unit_fen=row.unit_fen,
            day_begins_min=row.day_begins_min,
        )  # fmt: skip

    @property
    def calendar(self) -> Calendar | None:
        """Kinds of days; None where no day is of any."""
        week = self.tariff.week if self.tariff else bytes(7)
        if not self._days and not any(week):
            return None
        monday, tuesday, wednesday, thursday, friday, saturday, sunday = (
            self._name(LabelKind.DAY, kind) for kind in week
        )
        return Calendar(
            week=(monday, tuesday, wednesday, thursday, friday, saturday, sunday),
            exceptions=tuple((row.first, row.last, self._name(LabelKind.DAY, row.kind)) for row in self._days),
        )

    @property
    def bands(self) -> Mapping[str, Sequence[tuple[int, int]]]:
        """Ranges of minutes by name."""
        found: dict[str, list[tuple[int, int]]] = {}
        for row in self._bands:
            found.setdefault(self._name(LabelKind.BAND, row.band), []).append((row.from_min, row.to_min))
        return found
