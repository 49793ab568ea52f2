"""When and where a code is shown."""

from dataclasses import dataclass
from enum import StrEnum

from yima.validator.parameters.rules import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The moment of a presentation.

    unix_s: wall clock, unix seconds UTC. tick_ms: milliseconds of any monotonic clock, used for debounce only.
    trusted: whether the device knows the time; if not, a good code is refused with TIME_UNTRUSTED.
    """

    unix_s: int
    tick_ms: int
    trusted: bool = True

    @classmethod
    def at(cls, unix_s: int) -> "Moment":
        """A trusted moment whose tick is the wall clock's."""
        return cls(unix_s=unix_s, tick_ms=unix_s * 1000)


class Direction(StrEnum):
    """What a tap at a gate means. NONE: one tap is the ride, as on a bus."""

    NONE = "none"
    ENTRY = "entry"
    EXIT = "exit"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateContext:
    """Where the gate stands.

    city: administrative division code, 320500 is Suzhou. line, station: the parameters' own numbers, up to 65535.
    operator: the acquirer's organisation code, 8 digits, as a number. 0: not told.
    """

    mode: Mode
    city: int = 0
    line: int = 0
    station: int = 0
    direction: Direction = Direction.NONE
    operator: int = 0
