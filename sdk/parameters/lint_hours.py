"""Warnings about days and hours: a calendar that ends, hours that nothing goes by, entries without a time."""

from collections.abc import Iterator
from datetime import date, timedelta

from yima.sdk.parameters.lint_names import Finding
from yima.sdk.parameters.wording import Wording, day
from yima.validator.parameters.rules import OPEN, By, Form, Mode, Rules, When


def hour_findings(rules: Rules, expiry: int, words: Wording) -> Iterator[Finding]:
    """All of them. expiry: of the parameters, unix seconds."""
    whens = [fare.when for fare in rules.fares] + [row.when for row in rules.concessions]
    yield from _calendar(rules, expiry)
    yield from _unused(rules, whens)
    yield from _entries(rules, whens, words)


def _calendar(rules: Rules, expiry: int) -> Iterator[Finding]:
    """Holidays are told year by year: a package that lives longer takes those of the next year for plain days."""
    if rules.calendar is None or not rules.calendar.exceptions or expiry == OPEN:
        return
    last = date(1970, 1, 1) + timedelta(days=max(end for _, end, _ in rules.calendar.exceptions))
    if day(expiry - 1) >= f"{last.year + 1}":
        yield Finding.of(
            "calendar-ends",
            f"calendar.csv ends with {last.year}, the package holds until {day(expiry)}",
            f"calendar.csv 止于 {last.year} 年，而参数包有效至 {day(expiry)}",
            "Add the next year's holidays and shifted working days, or let the package end",
            "请补充下一年的节假日与调休，或缩短有效期",
        )


def _unused(rules: Rules, whens: list[When]) -> Iterator[Finding]:
    bands = {name for when in whens for name in when.bands}
    for name in sorted(set(rules.bands) - bands):
        yield Finding.of(
            "unused-time",
            f"bands.csv: nothing goes by {name}",
            f"bands.csv：没有规则使用 {name}",
            "Name it in fares.csv or concessions.csv, or take it out",
            "请在 fares.csv 或 concessions.csv 中使用，或删除",
        )
    if rules.calendar and not any(when.days for when in whens):
        yield Finding.of(
            "unused-time",
            "calendar.csv: nothing goes by a kind of day",
            "calendar.csv：没有规则按日类计费",
            "Name a kind in fares.csv or concessions.csv, or take the file out",
            "请在 fares.csv 或 concessions.csv 中使用，或删除该文件",
        )


def _entries(rules: Rules, whens: list[When], words: Wording) -> Iterator[Finding]:
    if not any(when.by is By.ENTRY for when in whens if when):
        return
    rides_metro = {pair.organisation for pair in rules.whitelist if Mode.METRO in pair.modes}
    for row in rules.decoders:
        if row.time_form is Form.NONE and row.organisation in rides_metro:
            yield Finding.of(
                "no-entry-time",
                f"{words.organisation(row.organisation)} tells no time of entry, and rules go by it",
                f"{words.organisation(row.organisation)} 不提供进站时刻，而有规则以此为准",
                "Add time_at and time_form to decoders.csv: without, such rules hold for none of its riders",
                "请在 decoders.csv 填写 time_at 与 time_form，否则这些规则对其乘客均不生效",
            )
