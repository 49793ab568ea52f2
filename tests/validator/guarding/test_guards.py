"""Each port is fed what it must not answer, and raises what it must not raise: what comes out is its own error."""

import math
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.validator.errors import (
    GateError,
    JournalError,
    ReaderError,
    ResolverError,
    UplinkError,
    YimaError,
)
from yima.validator.guarding.guards import (
    GuardedClock,
    answer_of,
    guarded_gate,
    guarded_journal,
    guarded_opening,
    guarded_reader,
    guarded_uplink,
    harmless,
)
from yima.validator.judging import GateContext, Mode, Moment, Verdict
from yima.validator.ports import Answer, Clock, Journal, JournalKey, Question, Reader, Reading, Resolver
from yima.validator.texts import Text

RAISED = [
    RuntimeError("can't start new thread"),
    MemoryError(),
    RecursionError("deep"),
    OSError(5, "Input/output error"),
    sqlite3.DatabaseError("database disk image is malformed"),
    UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
    OverflowError("int too large"),
    ValueError("\x1b[31m http://user:secret@host/?token=secret"),
    KeyError("\ud800"),
    StopIteration(),
    AssertionError(),
    YimaError("of another port", Text("wrong", "错"), Text("mend", "修")),
]
NONSENSE: list[object] = [
    None,
    True,
    False,
    1.0,
    math.nan,
    math.inf,
    -1,
    1 << 80,
    "",
    "\ud800",
    b"",
    [],
    {},
    (),
    Ellipsis,
]


class Misbehaving:
    """Every port at once: whatever is asked of it raises or answers the same."""

    def __init__(self, found: object) -> None:
        self._found = found

    def __getattr__(self, name: str) -> Any:
        if name == "exhausted":
            return self._do()
        return self._do

    def _do(self, *given: object, **named: object) -> object:
        if isinstance(self._found, BaseException):
            raise self._found
        return self._found


def port(found: object) -> Any:
    return Misbehaving(found)


def unexpected(error: YimaError) -> None:
    raise error


VERDICT = cast(Verdict, None)
CALLS: list[tuple[str, type[YimaError], Callable[[Any], object]]] = [
    ("reader", ReaderError, lambda found: guarded_reader(found).read(0)),
    ("reopen", ReaderError, lambda found: guarded_opening(lambda: cast(Reader, found._do()))().read(0)),
    ("open", GateError, lambda found: guarded_gate(found).open(VERDICT)),
    ("refuse", GateError, lambda found: guarded_gate(found).refuse(VERDICT)),
    ("show_again", GateError, lambda found: guarded_gate(found).show_again(VERDICT)),
    ("append", JournalError, lambda found: guarded_journal(found).append(b"")),
    ("next_sequence", JournalError, lambda found: guarded_journal(found).next_sequence()),
    ("pending", JournalError, lambda found: guarded_journal(found).pending(1)),
    ("acknowledged", JournalError, lambda found: guarded_journal(found).acknowledged()),
    ("acknowledge", JournalError, lambda found: guarded_journal(found).acknowledge(1, {})),
    ("send", UplinkError, lambda found: guarded_uplink(found).send([])),
]


@pytest.mark.parametrize("raised", RAISED, ids=repr)
@pytest.mark.parametrize(("name", "kind", "call"), CALLS, ids=[name for name, *_ in CALLS])
def test_whatever_a_port_raises_comes_out_as_its_own_error(
    name: str, kind: type[YimaError], call: Callable[[Any], object], raised: Exception
) -> None:
    with pytest.raises(kind) as caught:
        call(port(raised))
    says = f"{caught.value} {caught.value!r}"
    assert type(raised).__name__ in says
    assert "secret" not in says
    assert says.isprintable()


@pytest.mark.parametrize("name", ["reader", "next_sequence", "acknowledged", "append", "send"])
@pytest.mark.parametrize("answer", NONSENSE, ids=repr)
def test_whatever_a_port_answers_is_what_it_promises_or_its_error(name: str, answer: object) -> None:
    _, kind, call = next(row for row in CALLS if row[0] == name)
    if name == "reader" and answer is None:
        assert call(port(answer)) is None
        return
    with pytest.raises(kind):
        call(port(answer))


def test_its_own_error_and_its_good_answers_go_through_as_they_are() -> None:
    own = ReaderError("scanner", Text("gone", "丢失"), Text("plug in", "插上"))
    with pytest.raises(ReaderError) as caught:
        guarded_reader(port(own)).read(0)
    assert caught.value is own
    reading = Reading(payload=b"code", first_ns=1, last_ns=2, faults=("mended",))
    assert guarded_reader(port(reading)).read(0) is reading
    assert guarded_uplink(port((3, {2: "why"}))).send([]) == (3, {2: "why"})
    key = JournalKey("gate-7", 7, 1)
    assert guarded_journal(port(key)).append(b"") is key


@pytest.mark.parametrize(
    "reading",
    [
        Reading(payload=bytes(4097), first_ns=1, last_ns=2),
        Reading(payload=cast(bytes, "text"), first_ns=1, last_ns=2),
        Reading(payload=cast(bytes, bytearray(b"code")), first_ns=1, last_ns=2),
        Reading(payload=b"code", first_ns=cast(int, math.nan), last_ns=2),
        Reading(payload=b"code", first_ns=1, last_ns=-(1 << 70)),
        Reading(payload=b"code", first_ns=1, last_ns=2, faults=cast(tuple[str, ...], "text")),
        Reading(payload=b"code", first_ns=1, last_ns=2, faults=cast(tuple[str, ...], (None,))),
    ],
    ids=repr,
)
def test_a_reading_out_of_bounds_is_the_readers_error(reading: Reading) -> None:
    with pytest.raises(ReaderError):
        guarded_reader(port(reading)).read(0)


@pytest.mark.parametrize(
    "answer",
    [(1,), (1, {}, 2), (True, {}), (1.0, {}), (-1, {}), (1 << 63, {}), (1, None), (1, {"1": "why"}), (1, {1: None}),
     (1, {1: "\ud800"}), (1, {1: "\x1b[31m"}), (1, {1: "x" * 100_000}), (1, {True: "why"})],
    ids=lambda answer: repr(answer)[:40],
)  # fmt: skip
def test_an_acknowledgement_out_of_bounds_is_the_uplinks_error(answer: object) -> None:
    with pytest.raises(UplinkError):
        guarded_uplink(port(answer)).send([])


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.tuples, max_leaves=4))
def test_any_value_is_an_acknowledgement_or_the_uplinks_error(answer: object) -> None:
    try:
        through, rejected = guarded_uplink(port(answer)).send([])
    except UplinkError:
        return
    assert through >= 0
    assert rejected == {}


def test_an_iterator_that_breaks_off_is_the_journals_error() -> None:
    class Breaking:
        def used_codes(self, good_until: int) -> Iterator[bytes]:
            yield b"1"
            raise TypeError("a damaged page")

    found = guarded_journal(cast(Journal, Breaking())).used_codes(0)
    assert next(found) == b"1"
    with pytest.raises(JournalError, match="a damaged page"):
        next(found)


@pytest.mark.parametrize("found", [*RAISED, *NONSENSE], ids=repr)
def test_closing_never_raises_and_a_reader_that_cannot_say_so_is_not_exhausted(found: object) -> None:
    bad = port(found)
    for guarded in (guarded_reader(bad), guarded_gate(bad), guarded_journal(bad), guarded_uplink(bad)):
        guarded.close()
    assert guarded_reader(port(found)).exhausted is (found is True)


@pytest.mark.parametrize(
    "found",
    [*RAISED, *NONSENSE, Moment(unix_s=1 << 60, tick_ms=1), Moment(unix_s=1, tick_ms=-1),
     Moment(unix_s=cast(int, math.nan), tick_ms=1), Moment(unix_s=1, tick_ms=1, trusted=cast(bool, 1))],
    ids=repr,
)  # fmt: skip
def test_a_clock_that_fails_does_not_know_the_time_and_says_so_once(found: object) -> None:
    told: list[YimaError] = []
    clock = GuardedClock(cast(Clock, port(found)), told.append)
    assert not clock.now().trusted
    assert not clock.now().trusted
    assert len(told) == 1


def test_a_clock_that_works_is_believed_as_it_is() -> None:
    moment = Moment.at(1_790_000_000)
    assert GuardedClock(cast(Clock, port(moment)), unexpected).now() is moment


@pytest.mark.parametrize("found", [*RAISED, *NONSENSE, "accept", "ACCEPT"], ids=repr)
def test_a_resolver_that_fails_is_one_that_cannot_be_reached(found: object) -> None:
    question = Question(token=b"x", family="sufu", gate=GateContext(mode=Mode.BUS), fare_fen=1, at=1, deadline_ms=1)
    told: list[YimaError] = []
    assert answer_of(cast(Resolver, port(found)), question, told.append) is Answer.UNREACHABLE
    assert [type(error) for error in told] == [ResolverError]
    assert answer_of(cast(Resolver, port(Answer.REFUSE)), question, unexpected) is Answer.REFUSE


@pytest.mark.parametrize("raised", RAISED, ids=repr)
def test_who_listens_stops_nothing(raised: Exception) -> None:
    harmless(port(raised)._do)("a tap")
