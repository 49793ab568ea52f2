"""What is wrong with a board, or slow about it: switches of the emulated one.

By default flash operations take no time, the real-time clock keeps pace with everything else and lines are clean. How a
board behaves that decays is docs/board.md's; what its flash may hold is rot.py's.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum


class Harm(IntEnum):
    """How bytes arrive at a UART: whole, with a stop bit that is none, or as breaks, which are no bytes. soc.h says the
    same."""

    NONE = 0
    FRAMING = 1
    BREAK = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaws:
    """program_us, erase_us: how long the processor stands still for a flash operation (it runs from the same flash);
    interrupts wait, and a UART holds one byte. drift_ppm: how much faster than right the real-time clock goes, in
    millionths. noise: one byte in so many comes with a flipped bit and a framing error, one in ten times so many is a
    break; 0: none."""

    program_us: int = 0
    erase_us: int = 0
    drift_ppm: int = 0
    noise: int = 0


class Noise:
    """Spoils what is put on a line; the same bytes in the same order are spoilt the same way."""

    def __init__(self, one_in: int) -> None:
        self._one_in = one_in
        self._chance = random.Random(one_in)  # noqa: S311 - repeatable noise

    def of(self, data: bytes) -> Iterator[tuple[bytes, Harm]]:
        """The bytes in pieces, each with the harm that it came to."""
        if not self._one_in:
            yield data, Harm.NONE
            return
        begin = 0
        for at, byte in enumerate(data):
            if self._chance.randrange(self._one_in):
                continue
            yield data[begin:at], Harm.NONE
            is_break = not self._chance.randrange(10)
            yield bytes([byte ^ 1 << self._chance.randrange(8)]), Harm.BREAK if is_break else Harm.FRAMING
            begin = at + 1
        yield data[begin:], Harm.NONE
