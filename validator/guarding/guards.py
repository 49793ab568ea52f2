"""Ports as the device uses them: whatever a back-end does, what comes out is what the port promises, or its own error.

A vendor's reader, a driver's gate, a disk, a server may raise anything and answer anything. Rules:

- An exception that the port does not promise comes out as the port's own error, naming what it was.
- An answer of the wrong kind, or out of bounds, is such an error too; nothing half understood goes on.
- Closing never raises. A question about the state of a reader (`exhausted`) that fails means no.
- A clock that fails is a clock that does not know the time.
- A resolver that fails is one that cannot be reached: never "accept" by accident.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, Protocol, TypeVar, cast

from yima.validator.errors import (
    GateError,
    JournalError,
    ParametersError,
    ReaderError,
    ResolverError,
    UplinkError,
    YimaError,
)
from yima.validator.judging import Moment
from yima.validator.parameters import Parameters
from yima.validator.ports import Answer, Clock, Gate, Journal, JournalKey, Question, Reader, Reading, Resolver, Uplink
from yima.validator.shown import shown
from yima.validator.texts import Text

Trouble = TypeVar("Trouble", bound=YimaError)

PAYLOAD_MAX: Final = 4096
INT64: Final = (1 << 63) - 1
LONG_AGO: Final = 1  # unix seconds: what was good until then is over
WHY_MAX: Final = 1000  # characters of a collector's reason that are kept


def trouble(kind: type[Trouble], thing: object, found: object) -> Trouble:
    """The port's own error for what it must not raise (an exception) or answer (anything else)."""
    said = f"{type(found).__name__}: {found}" if isinstance(found, BaseException) else f"it answered {found!r}"
    says = shown(said, 200)
    return kind(
        thing,
        Text(f"does what it must not ({says})", f"行为异常（{says}）"),
        Text("It is tried again; report it to whoever made it", "将重试；请反馈给其提供方"),
    )


def guarded_reader(reader: Reader) -> Reader:
    """A reader that yields readings or raises ReaderError."""
    return cast(Reader, _Guard(reader, ReaderError, "reader", {"read": _is_reading}, {"exhausted": False}))


def guarded_opening(reopen: Callable[[], Reader]) -> Callable[[], Reader]:
    """What opens such a reader anew, or raises ReaderError."""

    def opened() -> Reader:
        try:
            return guarded_reader(reopen())
        except ReaderError:
            raise
        except Exception as error:
            raise trouble(ReaderError, "reader", error) from error

    return opened


def guarded_gate(gate: Gate) -> Gate:
    """A gate that takes commands or raises GateError."""
    return cast(Gate, _Guard(gate, GateError, "gate", {"passages": _is_passages}, {"senses_passage": False}))


def guarded_journal(journal: Journal) -> Journal:
    """A journal that keeps its promises or raises JournalError."""
    whole = dict.fromkeys(("next_sequence", "last_sequence", "acknowledged", "run"), _is_count)
    answers = {**whole, "append": _is_key, "newest_trusted_at": _is_second}
    return cast(Journal, _Guard(journal, JournalError, "journal", answers, {}))


def guarded_uplink(uplink: Uplink) -> Uplink:
    """An uplink that brings an answer or raises UplinkError."""
    return cast(Uplink, _Guard(uplink, UplinkError, "uplink", {"send": _is_acknowledgement}, {}))


class GuardedClock:
    """A clock that always answers; one that fails does not know the time. on_trouble: told once until it works."""

    def __init__(self, clock: Clock, on_trouble: Callable[[YimaError], None]) -> None:
        self._clock = clock
        self._on_trouble = on_trouble
        self._told = False

    def now(self) -> Moment:
        """This moment."""
        found: object
        try:
            found = self._clock.now()
            if _is_moment(found):
                self._told = False
                return found
        except Exception as error:
            found = error
        if not self._told:
            self._told = True
            self._on_trouble(trouble(YimaError, "clock", found))
        return Moment(unix_s=0, tick_ms=time.monotonic_ns() // 1_000_000, trusted=False)


class Upkeep(Protocol):
    """What the judge needs between taps, so that it judges by what is in force. Neither call may take long."""

    def look(self, now: Moment) -> Parameters | None:
        """Parameters to go over to, if others came into force."""

    def until(self) -> int:
        """When those in force stop being used: unix seconds of their expiry and its grace; 0: never."""


class GuardedUpkeep:
    """An upkeep that always answers.

    One that cannot look leaves what is in force, told once until it is something else; one that cannot say until when
    they are good lets no one ride.
    """

    def __init__(self, upkeep: Upkeep, on_trouble: Callable[[YimaError], None]) -> None:
        self._upkeep = upkeep
        self._on_trouble = on_trouble
        self._told = ""

    def look(self, now: Moment) -> Parameters | None:
        """Parameters to go over to, if others came into force."""
        found: object
        try:
            found = self._upkeep.look(now)
        except Exception as error:
            found = error
        if found is None or isinstance(found, Parameters):
            return found
        self._tell(found)
        return None

    def until(self) -> int:
        """When those in force stop being used, unix seconds; 0: never."""
        found: object
        try:
            found = self._upkeep.until()
        except Exception as error:
            found = error
        if _is_whole(found, 0):
            return cast(int, found)
        self._tell(found)
        return LONG_AGO

    def _tell(self, answer: object) -> None:
        found = trouble(ParametersError, "parameters", answer)
        if str(found) != self._told:
            self._told = str(found)
            self._on_trouble(found)


def answer_of(resolver: Resolver, question: Question, on_trouble: Callable[[YimaError], None]) -> Answer:
    """The resolver's answer; UNREACHABLE, and told, if it is none."""
    found: object
    try:
        found = resolver.resolve(question)
    except Exception as error:
        found = error
    if isinstance(found, Answer):
        return found
    on_trouble(trouble(ResolverError, question.family, found))
    return Answer.UNREACHABLE


def harmless(tell: Callable[[Any], None]) -> Callable[[Any], None]:
    """The same, without exceptions: who listens to a device does not stop it."""

    def told(value: Any) -> None:
        with suppress(Exception):  # there is nobody left to tell
            tell(value)

    return told


class _Guard:
    """Any port behind its rules. answers: what a method's answer must be. plain: properties, and what they are on
    failure."""

    def __init__(
        self,
        port: object,
        error: type[YimaError],
        thing: str,
        answers: Mapping[str, Callable[[Any], bool]],
        plain: Mapping[str, object],
    ) -> None:
        self._port, self._error, self._thing, self._answers, self._plain = port, error, thing, answers, plain

    def __getattr__(self, name: str) -> Any:
        try:
            found = getattr(self._port, name)
        except Exception as error:
            if name in self._plain:
                return self._plain[name]
            raise trouble(self._error, self._thing, error) from error
        if name in self._plain:
            return found is True
        if not callable(found):
            return found
        guarded = self._quiet(found) if name == "close" else self._method(found, self._answers.get(name))
        self.__dict__[name] = guarded  # the way of a tap comes here again
        return guarded

    def _method(self, method: Callable[..., Any], is_good: Callable[[Any], bool] | None) -> Callable[..., Any]:
        def called(*given: Any, **named: Any) -> Any:
            try:
                answer = method(*given, **named)
            except self._error:
                raise
            except Exception as error:
                raise trouble(self._error, self._thing, error) from error
            if is_good is not None and not is_good(answer):
                raise trouble(self._error, self._thing, answer)
            return self._each(answer) if isinstance(answer, Iterator) else answer

        return called

    def _each(self, answers: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from answers
        except self._error:
            raise
        except Exception as error:
            raise trouble(self._error, self._thing, error) from error

    def _quiet(self, method: Callable[[], None]) -> Callable[[], None]:
        def called() -> None:
            with suppress(Exception):  # what is closed is not used again
                method()

        return called


def _is_whole(value: object, low: int = -INT64, high: int = INT64) -> bool:
    return type(value) is int and low <= value <= high


def _is_count(value: object) -> bool:
    return _is_whole(value, 0)


def _is_second(value: object) -> bool:
    return value is None or _is_whole(value)


def _is_key(value: object) -> bool:
    return isinstance(value, JournalKey) and _is_count(value.sequence)


def _is_passages(value: object) -> bool:
    return isinstance(value, list | tuple) and all(type(passed) is bool for passed in value)


def _is_reading(value: object) -> bool:
    return value is None or (
        isinstance(value, Reading)
        and type(value.payload) is bytes
        and len(value.payload) <= PAYLOAD_MAX
        and _is_count(value.first_ns)
        and _is_count(value.last_ns)
        and type(value.faults) is tuple
        and all(type(fault) is str for fault in value.faults)
    )


def _is_moment(value: object) -> bool:
    return (
        isinstance(value, Moment)
        and _is_whole(value.unix_s, -(1 << 31), 1 << 33)  # what a date can be made of
        and _is_count(value.tick_ms)
        and type(value.trusted) is bool
    )


def _is_acknowledgement(value: object) -> bool:
    return (
        type(value) is tuple
        and len(value) == 2
        and _is_count(value[0])
        and type(value[1]) is dict
        and all(_is_count(sequence) and _is_reason(why) for sequence, why in value[1].items())
    )


def _is_reason(why: object) -> bool:
    return type(why) is str and why == shown(why) and len(why) <= 12 * WHY_MAX  # as `uplink.batches` makes them fit
