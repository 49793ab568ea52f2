"""The device's clocks: the wall clock, and a counter that goes on whatever happens to it.

Whether the wall clock can be believed is not decided here but by the core's timekeeper (yima/timekeeper.h), which holds
one against the other and against the newest record.
"""

import time

from yima.validator.judging import Moment
from yima.validator.system.ticks import counted_ns

SOFTWARE_DATE = 1_793_491_200  # 2026-11-01 00:00:00 UTC: no earlier than this was this version in use
BEHIND_S = 60  # how far a clock may lie behind the newest record, as yima/timekeeper.h has it


class SystemClock:
    """The operating system's clocks."""

    def now(self) -> Moment:
        """This moment; ticks count milliseconds, on Linux since the machine started; sleep is included."""
        return Moment(unix_s=int(time.time()), tick_ms=counted_ns() // 1_000_000)
