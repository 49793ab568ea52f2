"""A change in words: how many rides are dearer by how much, and who loses which reduction."""

from collections import Counter
from collections.abc import Iterator

from yima.sdk.parameters.wording import Wording, hours, money
from yima.validator.parameters.rules import Concession, Matrix, Rules
from yima.validator.texts import Text

_SHOWN = 6


def summary(old: Rules, new: Rules, words: Wording) -> Iterator[Text]:
    """Sentences, none where nothing of it changes."""
    for name in sorted(old.matrices.keys() & new.matrices.keys()):
        if old.matrices[name] != new.matrices[name]:
            yield _matrix(name, old.matrices[name], new.matrices[name])
    yield from _concessions(old, new, words)


def _cells(matrix: Matrix) -> dict[tuple[int, int], int]:
    return {
        (entry, exit_): fen
        for entry, row in zip(matrix.stations, matrix.fares, strict=True)
        for exit_, fen in zip(matrix.stations, row, strict=True)
        if fen is not None
    }


def _matrix(name: str, old: Matrix, new: Matrix) -> Text:
    before, after = _cells(old), _cells(new)
    by = Counter(after[pair] - before[pair] for pair in before.keys() & after.keys())
    english, chinese = [], []
    for sign, word, zh in ((1, "dearer", "涨价"), (-1, "cheaper", "降价")):
        changes = sorted(((n, abs(by_fen)) for by_fen, n in by.items() if by_fen * sign > 0), reverse=True)
        shown = changes[:_SHOWN]
        english.append(", ".join(f"{n:,} pairs {word} by {money(fen)}" for n, fen in shown) or f"none {word}")
        chinese.append("，".join(f"{n:,} 对{zh} {money(fen)}" for n, fen in shown) or f"无{zh}")
        if rest := sum(n for n, _ in changes[_SHOWN:]):
            english.append(f"{rest:,} pairs {word} by other amounts")
            chinese.append(f"{rest:,} 对{zh}其他金额")
    for pairs, word, zh in (
        (after.keys() - before.keys(), "new", "新增"),
        (before.keys() - after.keys(), "gone", "取消"),
    ):
        if pairs:
            english.append(f"{len(pairs):,} pairs {word}")
            chinese.append(f"{len(pairs):,} 对{zh}")
    return Text(f"{name}: {', '.join(english)}", f"{name}：{'，'.join(chinese)}")


def _who(row: Concession) -> tuple[object, ...]:
    who = (row.account_type, row.group, row.organisation, row.issuer_city, row.line, row.riding_city, row.mode)
    return (*who, row.when)


def _concessions(old: Rules, new: Rules, words: Wording) -> Iterator[Text]:
    before = {_who(row): row for row in old.concessions}
    after = {_who(row): row for row in new.concessions}
    for rows, others, english, chinese in ((before, after, "lose", "失去"), (after, before, "gain", "新增")):
        for who, row in rows.items():
            if who not in others:
                yield Text(
                    f"{_riders(row, words)} {english} {_price(row).en}",
                    f"{_riders(row, words)} {chinese}{_price(row).zh}",
                )
    for who in before.keys() & after.keys():
        was, now = _price(before[who]), _price(after[who])
        if was != now:
            yield Text(
                f"{_riders(after[who], words)} had {was.en}, get {now.en}",
                f"{_riders(after[who], words)} 由{was.zh}改为{now.zh}",
            )


def _riders(row: Concession, words: Wording) -> str:
    parts = [row.group or "", "" if row.account_type is None else f"0x{row.account_type:02X}"]
    who = "+".join(filter(None, parts)) or "all 所有乘客"
    where = f"{words.city(row.issuer_city)} → {words.city(row.riding_city)}"
    return f"{who} ({where}{', ' if row.when else ''}{hours(row.when)})"


def _price(row: Concession) -> Text:
    if row.percent is None:
        return Text(f"the fare of {money(row.fen)}", f"{money(row.fen)} 票价")
    if row.percent == 0:
        return Text("the free ride", "免费")
    return (
        Text("the half fare", "半价")
        if row.percent == 50
        else Text(f"{row.percent:g}% of the fare", f"{row.percent:g}% 票价")
    )
