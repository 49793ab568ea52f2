"""What runs an image on a board: the emulated processor (engine.py), or a process of the machine at hand (process.py).

soc.h says what the numbers of an event mean.
"""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, runtime_checkable


class Stop(IntEnum):
    """Why a run came back; soc.h says the same."""

    TIME = 0
    RESET = 1
    WATCHDOG = 2
    POWER = 3
    LOCKUP = 4
    EVENTS = 5
    DEBUGGER = 6


class Kind(IntEnum):
    """Kinds of events; soc.h says what their numbers a, b and c mean."""

    TX = 1
    PINS = 2
    FLASH = 3
    FAULT = 4
    OVERRUN = 5
    WATCHDOG = 6


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. now: cycles; insns: instructions executed until then."""

    now: int
    insns: int
    kind: Kind
    a: int
    b: int
    c: int


class Processor(Protocol):
    """One that has been made for a board's flash; `reset` begins a life. Times are cycles since the board was made."""

    def knows(self, address: int, code: bytes) -> bool:
        """Whether it can begin a life with this code; else a new one has to be made."""

    def reset(self, address: int, code: bytes, now: int) -> None:
        """Begins a life with the slot's bytes, `code`."""

    def rest(self) -> None:
        """The life is over: nothing changes flash any more."""

    def run(self, until: int) -> Stop:
        """Runs to a moment, or until something stops it."""

    def events(self) -> Iterator[Event]:
        """What happened since the last call."""

    def feed(self, uart: int, data: bytes, harm: int = 0) -> int:
        """Puts bytes onto the line into a UART; how many found room. harm: as soc.h has it."""

    def set_flaws(self, *, program_us: int, erase_us: int, drift_ppm: int) -> None:
        """How long flash operations take, and how much faster than right the real-time clock goes. Raises ValueError
        where that cannot be."""

    def on_the_line(self, uart: int) -> int:
        """Bytes fed that have not arrived."""

    @property
    def now(self) -> int:
        """Cycles since the board was made."""

    @property
    def insns(self) -> int:
        """Instructions of this life; 0: nobody counts them."""

    @property
    def rtc(self) -> int:
        """What the real-time clock shows."""

    def set_rtc(self, unix_s: int, *, stopped: bool) -> None:
        """Sets the real-time clock; stopped: its oscillator is dead."""

    def set_buttons(self, value: int) -> None:
        """Sets the input pins."""

    def cut_at(self, operation: int) -> None:
        """Power goes at this flash operation of the life."""

    def last_words(self) -> str:
        """What was said at the end of a life that ended in a fault."""

    def close(self) -> None:
        """Lets go of everything."""


@runtime_checkable
class Counted(Protocol):
    """A processor whose instructions are counted by parts of the code."""

    def mark(self, address: int, part: int) -> None:
        """The function there begins that part of the cost."""

    def spent(self, part: int) -> int:
        """Instructions of a part."""

    def entered(self, part: int) -> int:
        """How often a part was begun."""

    def clear_parts(self) -> None:
        """Begins counting by parts anew."""


@runtime_checkable
class Debugged(Protocol):
    """A processor that a debugger can look into."""

    def registers(self) -> list[int]:
        """r0 to r15, then xPSR."""

    def set_register(self, number: int, value: int) -> None:
        """number: as in `registers`."""

    def write_ram(self, address: int, data: bytes) -> None:
        """Changes RAM."""

    def debug(self, breakpoints: Set[int] | None, *, step: bool = False) -> None:
        """How the next runs go; None: there is no debugger."""

    def forward_clocks(self, seconds: int) -> None:
        """Time goes by for the clocks alone."""
