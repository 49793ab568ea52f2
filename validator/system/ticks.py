"""A counter that only goes forward, whatever is done to the wall clock, and that goes on while the machine sleeps.

A wall clock is held against it, so one that stands still in a sleep would make a right clock look as if it had jumped.
Linux has it as CLOCK_BOOTTIME. macOS counts sleep in its CLOCK_MONOTONIC and not in Python's time.monotonic. Windows
counts it there, and has no clocks to choose from.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Final


def _counter() -> Callable[[], int]:
    clock = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
    asked: Callable[[int], int] | None = getattr(time, "clock_gettime_ns", None)
    return time.monotonic_ns if asked is None or clock is None else partial(asked, clock)


counted_ns: Final[Callable[[], int]] = _counter()
"""Nanoseconds since some moment at or before the program's start."""
