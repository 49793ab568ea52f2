"""Latencies of taps, step by step: the numbers of the demonstration's table and plot, and of the benchmarks.

A tap's steps follow each other: `read` from the first byte (or the frame that shows the code) until judging begins, so
with framing or decoding; `judge`; `journal` until the record is durable; `gate` until the hardware has the command.
`total` is what a rider waits for: from the last byte, or the frame, to the command.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from yima.validator.texts import Text

STEPS: dict[str, Text] = {
    "read": Text("read", "读码"),
    "judge": Text("judge", "判定"),
    "journal": Text("journal", "落盘"),
    "gate": Text("gate", "闸机"),
    "total": Text("last byte or frame to gate command", "末字节或画面到闸机命令"),
}


class Spread(NamedTuple):
    """How values spread. All in the values' unit; of no values, size is 0 and the rest nan."""

    size: int
    p50: float
    p99: float
    most: float


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile of ascending values: a value that was measured. nan for none."""
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def spread(values: Iterable[float]) -> Spread:
    """How many, median, 99th percentile and maximum."""
    ordered = sorted(values)
    return Spread(len(ordered), percentile(ordered, 50), percentile(ordered, 99), percentile(ordered, 100))
