"""The ports of the device: what it needs of the world, each with one sentence of guarantee.

Back-ends are found by name through entry points (`yima.readers`, `yima.gates`, `yima.places`, `yima.resolvers`):
`serial:/dev/ttyUSB0` asks the back-end `serial` for the device at `/dev/ttyUSB0`. A back-end's factory takes the text
after the colon and raises ReaderError, GateError, PlaceError or ResolverError with what to do; what else it raises
comes out as the port's own error.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.metadata import entry_points
from typing import Any, NamedTuple, Protocol

from yima.validator.errors import GateError, PlaceError, ReaderError, ResolverError, YimaError
from yima.validator.judging import Direction, GateContext, Moment, Verdict
from yima.validator.remedies import does_not_load, missing_module
from yima.validator.shown import shown
from yima.validator.texts import Text

__all__ = [
    "Answer",
    "Clock",
    "Entry",
    "Gate",
    "Journal",
    "JournalKey",
    "Place",
    "Question",
    "Reader",
    "Reading",
    "Resolver",
    "Uplink",
    "Whereabouts",
    "open_gate",
    "open_place",
    "open_reader",
    "open_resolver",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One payload and when it came.

    payload: the bytes of one code, at most 4096. first_ns, last_ns: time.monotonic_ns() when its first and its last
    byte (or the frame that held it) arrived. faults: what the reader mended on the way, in English, for the bench.
    """

    payload: bytes
    first_ns: int
    last_ns: int
    faults: tuple[str, ...] = ()


class Reader(Protocol):
    """Yields payloads whole, each once, in order of arrival."""

    @property
    def exhausted(self) -> bool:
        """Nothing more will ever come (the end of a file or film); a scanner never says so."""

    def read(self, timeout_s: float) -> Reading | None:
        """The next payload, or None when none came within timeout_s. Raises ReaderError when the reader is gone."""

    def close(self) -> None:
        """Releases the hardware; read must not be called again."""


class Gate(Protocol):
    """Moves only when told, and returns when the command has left the device.

    Raises GateError when it does not answer; then nobody knows what it did.
    """

    @property
    def senses_passage(self) -> bool:
        """Whether it can tell that a rider has gone through."""

    def open(self, verdict: Verdict) -> None:
        """Lets one rider pass. Raises GateShutError when it says that it did not open."""

    def passages(self) -> Sequence[bool]:
        """How openings have ended since the last call, in their order: whether the rider went through.

        One for each `open` that returned; one that raised is none, however it went on. Of more than eight that have not
        ended the oldest is left out for good: the device has forgotten it too, and counts on.
        """

    def refuse(self, verdict: Verdict) -> None:
        """Stays shut and shows why."""

    def show_again(self, verdict: Verdict) -> None:
        """The same presentation as a moment ago: shows the answer again, moves nothing."""

    def close(self) -> None:
        """Releases the hardware."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """What was said of where the bus is; None: nothing was said of it, it is as before.

    line, stop: the operator's own numbers, 1 to 65535; 0: it is at none that it knows. A line that runs both ways is
    two lines. direction: what a tap means there.
    """

    line: int | None = None
    stop: int | None = None
    direction: Direction | None = None


class Place(Protocol):
    """Says where a bus is whenever that changes, or over and over; its own thread waits for it, never a tap."""

    def read(self, timeout_s: float) -> Whereabouts | None:
        """What is said next, or None when nothing was within timeout_s. Raises PlaceError when it is gone."""

    def close(self) -> None:
        """Releases the line; read must not be called again."""


class Clock(Protocol):
    """Tells what the wall clock and a monotonic counter show; whether the time is right is not for it to say."""

    def now(self) -> Moment:
        """This moment."""


DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a device may be called."""


class JournalKey(NamedTuple):
    """Names one record for ever."""

    device: str
    epoch: int
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the journal.

    content: its facts and body, see yima.validator.journal.facts. previous: the hash of the entry before, 32 zero bytes
    before the first. hash: SM3 over both, see journal.form.
    """

    key: JournalKey
    content: bytes
    previous: bytes
    hash: bytes


class Outbox(Protocol):
    """What waits to be sent, oldest first, and how far the collector has it. Every call raises JournalError."""

    @property
    def device(self) -> str:
        """Whose it is."""

    @property
    def epoch(self) -> int:
        """Which of the device's journals it is."""

    def last_sequence(self) -> int:
        """The newest entry's sequence, 0 if there is none."""

    def pending(self, limit: int) -> Sequence[Any]:
        """Entries after the cursor, oldest first; all of the form that the uplink takes."""

    def acknowledged(self) -> int:
        """The cursor: everything up to it has been answered by the collector."""

    def acknowledge(self, through: int, rejected: dict[int, str], *, at: int | None = None) -> None:
        """Moves the cursor to `through` (back too, after a collector's restore); quarantines `rejected`."""


class Journal(Outbox, Protocol):
    """What append returned for is on stable storage and stays until it is acknowledged."""

    def append(self, content: bytes) -> JournalKey:
        """Stores one entry durably before it returns. Raises JournalError; then nothing was stored."""

    def next_sequence(self) -> int:
        """The sequence that the next append will get, from 1."""

    def entries(self, after: int, limit: int) -> Sequence[Entry]:
        """Entries beyond `after`, whoever has them, oldest first."""

    def run(self) -> int:
        """The highest run of the device that an entry tells of, 0 if there is none."""

    def used_codes(self, good_until: int) -> Iterator[bytes]:
        """Accepted taps whose code could be shown at that second, and what reverses taps, in the order of entries."""

    def newest_trusted_at(self) -> int | None:
        """The unix second that the newest entry of a trusted clock carries."""

    def care(self) -> None:
        """Work that no tap should wait for: room for what comes, removal of what may go."""

    def close(self) -> None:
        """Leaves the journal in a state from which the next start resumes."""


class Uplink(Protocol):
    """Carries entries to a collector and brings back only what the collector says it has durably."""

    def send(self, entries: Sequence[Any]) -> tuple[int, dict[int, str]]:
        """(highest contiguous durable sequence, {sequence: why it was rejected}). Raises UplinkError."""

    def close(self) -> None:
        """Ends the connection."""


class Answer(StrEnum):
    """What became of a question to a code's issuer."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A code that only its issuer can verify, and where it was shown.

    token: the payload as scanned. at: unix seconds UTC. fare_fen: what the ride would cost. deadline_ms: how long the
    rider is kept waiting.
    """

    token: bytes = field(repr=False)
    family: str
    gate: GateContext
    fare_fen: int
    at: int
    deadline_ms: int


class Resolver(Protocol):
    """Answers for a code that only its issuer can verify, before the deadline; whatever goes wrong is UNREACHABLE."""

    def resolve(self, question: Question) -> Answer:
        """The issuer's answer. Nothing that a network or a server does raises, nothing holds it beyond the deadline."""

    def close(self) -> None:
        """Ends its connections."""


def _open(group: str, kind: Text, error: type[YimaError], specification: str) -> Any:
    name, colon, address = specification.partition(":")
    found = {point.name: point for point in entry_points(group=group)}
    if not colon or name not in found:
        known = ", ".join(f"{key}:" for key in sorted(found))
        raise error(
            specification,
            Text(f"no such {kind.en}", f"没有这种{kind.zh}"),
            Text(f"Begin with one of {known}", f"请以下列之一开头：{known}"),
        )
    try:
        factory = found[name].load()
    except ModuleNotFoundError as missing:
        asked_by = found[name].dist
        advice = missing_module(missing, wanted=[name], asked_by=asked_by.name if asked_by else "")
        raise error(specification, *advice) from missing
    except Exception as broken:  # a library that does not load raises more than ImportError
        raise error(specification, *does_not_load(broken)) from broken
    try:
        return factory(address)
    except YimaError:
        raise
    except Exception as failure:
        said = shown(f"{type(failure).__name__}: {failure}", 200)
        raise error(
            specification,
            Text(f"does what it must not ({said})", f"行为异常（{said}）"),
            Text("Report it to whoever made it", "请反馈给其提供方"),
        ) from failure


def open_reader(specification: str) -> Reader:
    """Opens a reader such as `serial:/dev/ttyUSB0?baud=115200`. Raises ReaderError."""
    reader: Reader = _open("yima.readers", Text("reader", "读码器"), ReaderError, specification)
    return reader


def open_gate(specification: str) -> Gate:
    """Opens a gate such as `console:`. Raises GateError."""
    gate: Gate = _open("yima.gates", Text("gate", "闸机"), GateError, specification)
    return gate


def open_place(specification: str) -> Place:
    """Opens a stop announcer such as `serial:/dev/ttyS1`. Raises PlaceError."""
    place: Place = _open("yima.places", Text("place", "到站信息源"), PlaceError, specification)
    return place


def open_resolver(specification: str) -> Resolver:
    """Opens a resolver such as `https://resolver.example`. Raises ResolverError."""
    resolver: Resolver = _open("yima.resolvers", Text("resolver", "联网核验端"), ResolverError, specification)
    return resolver
