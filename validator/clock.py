"""The device's clock, and how far it can be trusted.

A validator without a battery starts in 1970, or at the image's date, until something tells it the time. The rule: the
time cannot be before the software was made, nor before the newest record that this device made with a trusted clock;
a wall clock before that floor is not trusted, and codes are then refused with a reason of their own.

What it cannot know: a clock set into the future looks the same as a right one, and a jump that stays above the floor
is not noticed. If a clock once ran ahead and left records of the future, the right time lies below the floor: then an
engineer has to say so (`yima run --trust-clock`).
"""

import time

from yima.validator.judging import Moment

SOFTWARE_DATE = 1_793_491_200  # 2026-11-01 00:00:00 UTC: no earlier than this was this version in use


class SystemClock:
    """The operating system's clock. floor: unix seconds before which it is not believed."""

    def __init__(self, floor: int) -> None:
        self.floor = floor

    def now(self) -> Moment:
        """This moment; ticks count milliseconds since the machine started."""
        unix_s = int(time.time())
        return Moment(unix_s=unix_s, tick_ms=time.monotonic_ns() // 1_000_000, trusted=unix_s >= self.floor)
