"""A change in words: how many rides are dearer by how much, and who loses which reduction."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from operator import itemgetter
from typing import TypeAlias

from yima.sdk.parameters.wording import MODES, Wording, day, hours, money
from yima.validator.parameters.rules import OPEN, Concession, Matrix, Rules
from yima.validator.texts import Text

_SHOWN = 6
_Prices: TypeAlias = tuple[Text | None, Text | None]


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
    """Who pays what, moment by moment: the same riders may have one reduction until a day, and another from it on."""
    before, after = _by_riders(old.concessions), _by_riders(new.concessions)
    for who in dict.fromkeys((*before, *after)):
        rows = (before.get(who, ()), after.get(who, ()))
        riders = _riders((*rows[1], *rows[0])[0], words)
        for (was, now), begin, end in _changed(*rows):
            since = _since(begin, end)
            if was and now:
                yield Text(
                    f"{riders} had {was.en}, get {now.en}{since.en}", f"{riders} 由{was.zh}改为{now.zh}{since.zh}"
                )
            elif was:
                yield Text(f"{riders} lose {was.en}{since.en}", f"{riders} 失去{was.zh}{since.zh}")
            elif now:
                yield Text(f"{riders} gain {now.en}{since.en}", f"{riders} 新增{now.zh}{since.zh}")


def _by_riders(rows: Sequence[Concession]) -> dict[tuple[object, ...], list[Concession]]:
    found: dict[tuple[object, ...], list[Concession]] = {}
    for row in rows:
        found.setdefault(_who(row), []).append(row)
    return found


def _changed(before: Sequence[Concession], after: Sequence[Concession]) -> Iterator[tuple[_Prices, int, int]]:
    """What holds before and after, and from when to when, of the times of which the two differ."""
    borders = sorted({moment for row in (*before, *after) for moment in (row.from_s, row.to_s)})
    times = [(_price_at(before, begin), _price_at(after, begin)) for begin in borders[:-1]]
    spans = zip(times, pairwise(borders), strict=True)
    for prices, joined in groupby(spans, key=itemgetter(0)):
        if prices[0] != prices[1]:
            every = [span for _, span in joined]
            yield prices, every[0][0], every[-1][1]


def _price_at(rows: Sequence[Concession], moment: int) -> Text | None:
    return next((_price(row) for row in rows if row.from_s <= moment < row.to_s), None)


def _since(begin: int, end: int) -> Text:
    """From when to when; nothing for always."""
    first, last = day(begin), day(end) if end != OPEN else ""
    return Text(
        (f" from {first}" if begin else "") + (f" before {last}" if last else ""),
        (f"，自 {first} 起" if begin else "") + (f"，至 {last} 前" if last else ""),
    )


def _riders(row: Concession, words: Wording) -> str:
    parts = [row.group or "", "" if row.account_type is None else f"0x{row.account_type:02X}"]
    who = "+".join(filter(None, parts)) or "all 所有乘客"
    where = [f"{words.city(row.issuer_city)} → {words.city(row.riding_city)}"]
    if row.organisation:
        where.append(words.organisation(row.organisation))
    if row.mode is not None:
        where.append(MODES[row.mode])
    if row.line:
        where.append(f"line 线路 {row.line}" if row.mode is None else words.line(row.mode, row.riding_city, row.line))
    return f"{who} ({', '.join(filter(None, [*where, hours(row.when)]))})"


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
