"""A code read from a serial line at another speed than it was sent: what a receiver makes of its first bytes.

The first 24 bytes of a ministry code are mostly fixed, and so are the start and stop bits of all; so for each pair of
speeds it can be asked whether the line can have been one on which a code went by. Receivers differ in what they do
behind a stop bit that is none: each of the usual ways is tried. Evidence is counted in bits: those that had to come out
as they did, less what was free to choose on the way.
"""

import math
from fractions import Fraction
from functools import cache
from typing import Final, NamedTuple

from yima.sdk.bench.wholeness import MOST

RATES: Final = (1200, 2400, 4800, 9600, 14400, 19200, 28800, 38400, 57600, 76800, 115200, 230400)
USUAL: Final = {9600: 3, 115200: 3, 57600: 1, 38400: 1, 19200: 1}
_ENOUGH: Final = 14.0  # bits: of chance, one in 16,384
_ENOUGH_SHORT: Final = 7.0  # where the number of bytes is right as well, and the speeds are usual ones
_HEAD: Final = 24
_COMPARED: Final = 60
_NODES: Final = 3000
FIXED: Final = {0: (0x80, 0xFE), 1: (1, 0xFF), 2: (0x40, 0xC0), 3: (0x24, 0xFF), 4: (1, 0xFF), 5: (1, 0xFF)} | {
    6: (0, 0xFF), 7: (0, 0xFF), 9: (0x12, 0xFF), 14: (0, 0xE0), 19: (4, 0xFF), 20: (0, 0xFB), 21: (0, 0xFF),
    22: (33, 0xFF), 23: (2, 0xFE),
}  # fmt: skip
"""Of the first bytes, (value, which bits are known). Byte 2 is 49 to 69."""
_WAYS: Final = ("resume", "at-once", "idle-first", "break", "drop")


class Mismatch(NamedTuple):
    """sent / read: the ratio of the speeds."""

    ratio: Fraction

    def rates(self, read: int = 0) -> str:
        """In words; read: the speed of the port, where it is known."""
        if read:
            return f"sent at about {int(read * self.ratio)}, read at {read}"
        return f"sent at {self.ratio} of the speed at which it was read"


def mismatch(data: bytes, read: int = 0) -> Mismatch | None:
    """The likeliest pair of speeds; None where these bytes do not begin as any would. read: of the port, if known."""
    best, found = (-10, 0.0), None
    for ratio, usual in _ratios(read):
        if ratio > 1 and not MOST * Fraction(2, 5) <= len(data) * ratio <= MOST * Fraction(11, 10):
            continue
        for way in _WAYS:
            if ratio > 1:
                bits, enough = _Search(data[:_COMPARED], ratio, way).evidence(), _ENOUGH_SHORT if usual > 0 else _ENOUGH
            else:
                bits, enough = (
                    max(_agreeing(data, _predicted(ratio, way, version)) for version in (0x80, 0x81)),
                    _ENOUGH,
                )
            if bits >= enough and (usual, bits) > best:
                best, found = (usual, bits), ratio
    return None if found is None else Mismatch(found)


@cache
def _ratios(read: int) -> tuple[tuple[Fraction, int], ...]:
    found: dict[Fraction, int] = {}
    for sent in RATES:
        for at in (read,) if read else RATES:
            if sent != at:
                ratio = Fraction(sent, at)
                found[ratio] = max(found.get(ratio, -9), min(USUAL.get(sent, -3), USUAL.get(at, -3)))
    return tuple(sorted(found.items()))


@cache
def _levels() -> tuple[int | None, ...]:
    """The line bit by bit: start 0, eight bits lowest first, stop 1; None where the code does not tell."""
    levels: list[int | None] = []
    for place in range(2 * _HEAD):
        value, mask = FIXED.get(place, (0, 0))
        levels += [0, *(value >> bit & 1 if mask >> bit & 1 else None for bit in range(8)), 1]
    return tuple(levels)


def _agreeing(data: bytes, predicted: tuple[tuple[int, int], ...]) -> float:
    """How many known bits agree over the first bytes; 0 if one does not."""
    if any((byte ^ value) & mask for byte, (value, mask) in zip(data, predicted, strict=False)):
        return 0
    return sum(mask.bit_count() for _, (_, mask) in zip(data, predicted, strict=False))


@cache
def _predicted(ratio: Fraction, way: str, version: int) -> tuple[tuple[int, int], ...]:
    """(value, mask of known bits) of the bytes that come first where a line is read too fast, up to where the code does
    not tell any more when the next one begins."""
    levels = [0, *(version >> bit & 1 for bit in range(8)), *_levels()[9:]]
    found: list[tuple[int, int]] = []
    at = 0
    twice = 2 * ratio.denominator  # one bit of the line, in the steps that are counted here

    def level(moment: int) -> int | None:
        return levels[moment // twice] if moment // twice < len(levels) else None

    while len(found) < _COMPARED:
        samples = [level(at + ratio.numerator * (2 * k + 1)) for k in range(10)]
        stop = samples[9]
        if samples[0] is None or stop is None:
            break
        if samples[0] == 0 and not (way == "drop" and stop == 0):
            value = sum((bit or 0) << k for k, bit in enumerate(samples[1:9]))
            found.append((value, sum((bit is not None) << k for k, bit in enumerate(samples[1:9]))))
        if samples[0] == 1:  # half a bit later it is over: no start
            at, stop = at - 18 * ratio.numerator, 1
        at += 19 * ratio.numerator
        if stop == 0 and way == "at-once":
            at += ratio.numerator
            continue
        where = at // twice
        if stop == 0 and (way in ("idle-first", "drop") or (way == "break" and not any(samples[1:9]))):
            while where < len(levels) and levels[where] == 0:
                where += 1
        while (
            where + 1 < len(levels)
            and levels[where] is not None
            and levels[where : where + 2] not in ([1, 0], [1, None])
        ):
            where += 1
        if levels[where : where + 2] != [1, 0]:
            break
        at = (where + 1) * twice
    return tuple(found)


class _Search:
    """Whether a receiver can have made these bytes of the line, by trying what the line leaves open."""

    def __init__(self, data: bytes, ratio: Fraction, way: str) -> None:
        self._data, self._way = data, way
        self._step, self._bit = ratio.numerator, 2 * ratio.denominator  # half a bit as read; a bit as sent
        self._levels: list[int | None] = list(_levels())
        self._nodes = 0
        self._best = 0.0

    def evidence(self) -> float:
        """Bits; 0 where it cannot be."""
        self._byte(0, 0, 0.0)
        return self._best

    def _byte(self, at: int, place: int, bits: float) -> None:
        """A start bit begins at this moment: is the byte that came one that can be read here?"""
        self._nodes += 1
        ends = at + 20 * self._step > min(len(self._levels), 10 * _HEAD) * self._bit
        if place == len(self._data) or ends or self._nodes > _NODES:
            self._best = max(self._best, bits)
            return
        samples = [(at + self._step * (2 * k + 1)) // self._bit for k in range(10)]
        if self._levels[samples[0]] != 0:  # half a bit later it is over: no start, the receiver goes on waiting
            assigned = self._assign({samples[0]: 1})
            if assigned is not None:
                self._next(at - 18 * self._step, place, bits - len(assigned), 1)
                self._free(assigned)
        stops = [self._levels[samples[9]]] if self._levels[samples[9]] is not None else [1, 0]
        for stop in stops:
            assigned = self._assign({samples[9]: stop, samples[0]: 0})
            if assigned is None:
                continue
            if self._way == "drop" and stop == 0:
                self._next(at, place, bits - math.log2(len(stops)), stop)
            else:
                wanted: dict[int, int | None] = {}
                known = 0
                for k in range(8):
                    bit = self._data[place] >> k & 1
                    if wanted.setdefault(samples[k + 1], bit) != bit:
                        wanted = {}
                        break
                    known += self._levels[samples[k + 1]] is not None
                more = self._assign(wanted) if wanted else None
                if more is not None:
                    self._next(at, place + 1, bits + known - math.log2(len(stops)), stop, is_zero=not self._data[place])
                    self._free(more)
            self._free(assigned)

    def _next(self, at: int, place: int, bits: float, stop: int | None, *, is_zero: bool = False) -> None:
        """Where the next start bit may begin."""
        at += 19 * self._step
        if stop == 0 and self._way == "at-once":
            self._byte(at + self._step, place, bits)
            return
        begin = at // self._bit
        if stop == 0 and (self._way in ("idle-first", "drop") or (self._way == "break" and is_zero)):
            while begin < len(self._levels) and self._levels[begin] != 1:
                begin += 1
        falls = []
        for where in range(begin, len(self._levels) - 1):
            now, then = self._levels[where], self._levels[where + 1]
            if now != 0 and then != 1:
                falls.append(where)
                if now == 1 and then == 0:
                    break
        for where in falls:
            assigned = self._assign({where: 1, where + 1: 0})
            if assigned is not None:
                self._byte((where + 1) * self._bit, place, bits - math.log2(len(falls)))
                self._free(assigned)

    def _assign(self, wanted: dict[int, int | None]) -> list[int] | None:
        """Takes open levels to be these; None if one is known to be otherwise."""
        if any(self._levels[where] not in (None, value) for where, value in wanted.items()):
            return None
        assigned = [where for where in wanted if self._levels[where] is None]
        for where in assigned:
            self._levels[where] = wanted[where]
        return assigned

    def _free(self, assigned: list[int]) -> None:
        for where in assigned:
            self._levels[where] = None
