"""The loop, the judge and its memory as a vendor calls them: NULL, no parameters, odd moments, calls out of turn."""

import ctypes
from collections.abc import Callable
from typing import Any

import pytest

from tests.entries import reversal, tap
from tests.validator.core.c_library import CGate, Moment, Trip, Verdict, core_library
from yima.sdk.issuer import Rider
from yima.validator.judging import Reason
from yima.validator.judging.loop import GateAnswer, Step
from yima.validator.parameters import from_mapping

OK, BAD_ARGUMENT, TOO_SMALL = 0, 1, 2
TOKEN = b"js:1"
NewRider = Callable[..., Rider]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    built = core_library(tmp_path_factory)
    long, wide = ctypes.c_int64, ctypes.c_uint64
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    built.yima_loop_init.argtypes = [pointer, pointer, pointer, ctypes.c_uint32, ctypes.c_int, long]
    built.yima_loop_moment.argtypes = [pointer, long, wide, wide]
    built.yima_loop_reading.argtypes = [pointer, ctypes.c_char_p, size, long, wide, ctypes.c_uint32, wide]
    built.yima_loop_recorded.argtypes = [pointer, wide]
    built.yima_loop_gate.argtypes = [pointer, wide, ctypes.c_int]
    built.yima_loop_answered.argtypes = [pointer, ctypes.c_int, ctypes.c_int]
    built.yima_loop_parameters.argtypes = [pointer, long]
    built.yima_loop_confirm.argtypes = [pointer, long, wide, ctypes.c_int, ctypes.c_char_p]
    built.yima_validator_move.argtypes = [pointer, pointer, size]
    return built


@pytest.fixture
def image(mapping: dict[str, Any]) -> bytes:
    resolved = [{"family": "sufu", "prefix": "js:"}]
    return bytes(from_mapping(mapping | {"resolved": resolved, "limits": {"families": ["ministry", "sufu"]}}).image)


@pytest.fixture
def gate(library: ctypes.CDLL, image: bytes) -> CGate:
    return CGate(library, image)


class CLoop:
    """A loop around a judge; a step that records gets numbers in order."""

    def __init__(self, library: ctypes.CDLL, gate: CGate, trip: Trip, *, senses: int = 0) -> None:
        self._library = library
        self._kept = gate, trip
        self.memory = ctypes.create_string_buffer(65536)
        self.status = library.yima_loop_init(self.memory, gate.pointer, ctypes.byref(trip), 1, senses, 0)
        self.tick, self.next = 1000, 1

    def call(self, name: str, *given: object) -> Step:
        return Step(getattr(self._library, f"yima_loop_{name}")(self.memory, *given))

    def rest(self, step: Step) -> list[Step]:
        """Carries out; the gate opens, everybody's issuer says yes."""
        taken: list[Step] = []
        while step is not Step.NOTHING:
            taken.append(step)
            match step:
                case Step.RECORD:
                    step = self.call("recorded", self.next)
                    self.next += 1
                case Step.OPEN:
                    step = self.call("gate", self.next - 1, GateAnswer.OPENED)
                case Step.ASK:
                    step = self.call("answered", 0, 1)
                case _:
                    step = self.call("done")
        return taken

    def moment(self, unix_s: int) -> list[Step]:
        return self.rest(self.call("moment", unix_s, self.tick, self.next))

    def show(self, code: bytes, unix_s: int) -> list[Step]:
        self.moment(unix_s)
        return self.rest(self.call("reading", code, len(code), unix_s, self.tick, 0, self.next))


@pytest.fixture
def loop(library: ctypes.CDLL, gate: CGate) -> CLoop:
    return CLoop(library, gate, Trip(terminal=b"gate-7"))


def test_a_loop_without_a_judge_or_a_terminal_is_none(library: ctypes.CDLL, gate: CGate) -> None:
    memory, trip = ctypes.create_string_buffer(65536), Trip(terminal=b"1")
    assert library.yima_loop_init(memory, None, ctypes.byref(trip), 1, 0, 0) == BAD_ARGUMENT
    assert library.yima_loop_init(memory, gate.pointer, None, 1, 0, 0) == BAD_ARGUMENT
    assert library.yima_loop_init(memory, gate.pointer, ctypes.byref(trip), 1, 0, 0) == OK


def test_a_judge_without_parameters_refuses_everybody_and_says_so_in_its_entries(
    loop: CLoop, gate: CGate, library: ctypes.CDLL, new_rider: NewRider, now: int
) -> None:
    assert loop.moment(now) == [Step.RECORD, Step.REFILL, Step.SERVICE]
    assert library.yima_validator_use(gate.pointer, None) == OK
    assert loop.rest(loop.call("parameters", 0)) == [Step.RECORD, Step.SERVICE], "out of service"
    assert loop.show(new_rider().code(now), now) == [Step.RECORD, Step.REFUSE]
    assert loop.show(TOKEN, now) == [Step.RECORD, Step.REFUSE]


def test_a_call_out_of_turn_is_answered_with_nothing_to_do(loop: CLoop, now: int) -> None:
    loop.moment(now)
    at_rest: list[tuple[Any, ...]] = [("recorded", 1), ("not_recorded",), ("done",), ("answered", 0, 0), ("gate", 1, 2)]
    for name, *given in at_rest:
        assert loop.call(name, *given) is Step.NOTHING
    assert loop.call("reading", b"x", 1, now, loop.tick, 0, loop.next) is Step.RECORD
    recording: list[tuple[Any, ...]] = [
        ("moment", now, loop.tick, 1), ("reading", b"x", 1, now, loop.tick, 0, 1), ("parameters", 0),
        ("confirm", now, loop.tick, 0, b"w"), ("done",),
    ]  # fmt: skip
    for name, *given in recording:
        assert loop.call(name, *given) is Step.NOTHING
    assert loop.rest(loop.call("recorded", 0)) == [Step.REFUSE], "a refusal may be left out of the log"


def test_what_a_gate_says_of_another_ride_while_this_one_opens_waits(
    library: ctypes.CDLL, gate: CGate, new_rider: NewRider, now: int
) -> None:
    loop = CLoop(library, gate, Trip(terminal=b"1"), senses=1)
    loop.show(new_rider(card_account="31048700000000000001").code(now), now)
    first = loop.next - 1
    code = new_rider(card_account="31048700000000000002").code(now)
    assert loop.call("reading", code, len(code), now, loop.tick, 0, loop.next) is Step.RECORD
    assert loop.call("recorded", loop.next) is Step.OPEN
    assert loop.call("gate", first, GateAnswer.PASSED) is Step.NOTHING
    assert loop.call("gate", 77, GateAnswer.OPENED) is Step.NOTHING
    assert loop.call("gate", loop.next, GateAnswer.OPENED) is Step.NOTHING
    assert loop.call("gate", first, GateAnswer.PASSED) is Step.RECORD


@pytest.mark.parametrize("unix_s", [-5, 0, 1_800_000_000 + 120 * 86400, (1 << 32) + 7, 1 << 60])
@pytest.mark.parametrize("terminal", [None, b"gate-7", b"x" * 100])
def test_a_record_has_a_name_whatever_the_clock_and_the_terminal_say(
    library: ctypes.CDLL, gate: CGate, unix_s: int, terminal: bytes | None
) -> None:
    loop = CLoop(library, gate, Trip(terminal=terminal))
    made = loop.show(TOKEN, unix_s)
    assert made[:2] == [Step.ASK, Step.RECORD], "asked at once: its issuer knows the time"


def test_the_dates_of_a_record_are_the_calendars(library: ctypes.CDLL, gate: CGate) -> None:
    days = ((951782400, b"20000229000000"), (1767225600, b"20260101000000"), (4107542400, b"21000301000000"))
    for number, (unix_s, date) in enumerate(days):
        loop = CLoop(library, gate, Trip(terminal=b"T-"))
        loop.moment(unix_s)
        token = TOKEN + b"%d" % number
        step = loop.call("reading", token, len(token), unix_s, loop.tick, 0, loop.next)
        assert step is Step.ASK
        assert loop.call("answered", 0, 1) is Step.RECORD
        assert b"T-" + date in loop.memory.raw


def test_texts_that_no_record_can_hold_refuse_riders(
    library: ctypes.CDLL, gate: CGate, new_rider: NewRider, now: int
) -> None:
    loop = CLoop(library, gate, Trip(terminal=b"1", plate=b"x" * 256))
    assert loop.show(new_rider().code(now), now) == [Step.REFUSE]
    assert loop.show(b"no code", now) == [Step.RECORD, Step.REFUSE], "a refusal has no record"


def test_the_name_of_whoever_sets_the_clock_is_cut_at_255_bytes(loop: CLoop, now: int) -> None:
    loop.moment(now)
    assert loop.call("confirm", now, loop.tick, 0, b"w" * 300) is Step.RECORD
    assert b"w" * 255 in loop.memory.raw
    assert b"w" * 256 not in loop.memory.raw


def test_a_validator_takes_no_argument_that_it_could_not_work_with(
    library: ctypes.CDLL, gate: CGate, image: bytes
) -> None:
    judge, memory = ctypes.create_string_buffer(65536), (ctypes.c_uint64 * 100_000)()
    room = ctypes.c_size_t(ctypes.sizeof(memory))
    odd = ctypes.c_void_p(ctypes.addressof(memory) + 1)

    def init(
        parameters: object, *, mode: int = 1, direction: int = 0, at: object = memory, tables: object = None
    ) -> int:
        place = gate.place(mode, direction)
        size = ctypes.c_size_t(1 << 12)
        return int(library.yima_validator_init(judge, parameters, place, at, room, tables, size))

    assert init(gate.parameters) == OK
    for changes in ({"mode": 0}, {"mode": 3}, {"direction": 3}, {"at": None}, {"at": odd}, {"tables": odd}):
        assert init(gate.parameters, **changes) == BAD_ARGUMENT
    assert init(None) == BAD_ARGUMENT
    verdict = Verdict()
    library.yima_judge(judge, b"x", 1, Moment(unix_s=1, tick_ms=1, trusted=1), verdict)
    assert verdict.reason == Reason.NO_PARAMETERS


def test_a_validator_that_was_never_made_ready_does_nothing_and_says_so(library: ctypes.CDLL, gate: CGate) -> None:
    judge, memory = ctypes.create_string_buffer(65536), (ctypes.c_uint64 * 1000)()
    room = ctypes.c_size_t(ctypes.sizeof(memory))
    assert library.yima_validator_use(judge, gate.parameters) == BAD_ARGUMENT
    assert library.yima_validator_move(judge, memory, room) == BAD_ARGUMENT
    assert library.yima_remember_code(judge, b"x", ctypes.c_size_t(1), ctypes.c_int64(1)) == 0
    entry = tap()
    assert library.yima_remember(judge, entry, ctypes.c_size_t(len(entry))) == 1, "nothing is held, and nothing breaks"
    undone = reversal(1)
    assert library.yima_remember(judge, undone, ctypes.c_size_t(len(undone))) == 1
    verdict = Verdict(reason=Reason.NEEDS_RESOLVER)
    moment = Moment(unix_s=1, tick_ms=1, trusted=1)
    assert library.yima_settle(judge, b"x", 1, moment, 0, 1, verdict) == BAD_ARGUMENT


def test_a_memory_that_is_moved_keeps_what_was_used_and_nothing_that_was_taken_back(
    library: ctypes.CDLL, gate: CGate, new_rider: NewRider, now: int
) -> None:
    codes = [new_rider(card_account=f"3104870000000000{n:04}").code(now) for n in range(3)]
    verdicts = [gate.judge(code, now) for code in codes]
    gate.retract(verdicts[1])
    memory = (ctypes.c_uint64 * 100_000)()
    odd = ctypes.c_void_p(ctypes.addressof(memory) + 1)
    room = ctypes.c_size_t(ctypes.sizeof(memory))
    for at, size, status in ((None, room, BAD_ARGUMENT), (odd, room, BAD_ARGUMENT), (memory, 8, TOO_SMALL)):
        assert library.yima_validator_move(gate.pointer, at, size) == status
    assert library.yima_validator_move(gate.pointer, memory, room) == OK
    later = [gate.judge(code, now + 10).reason for code in codes]
    assert later == [Reason.REPEATED, Reason.ACCEPTED, Reason.REPEATED]


def test_a_verdict_is_settled_for_its_own_code_and_the_presentation_it_was_given_to(
    gate: CGate, new_rider: NewRider, now: int
) -> None:
    asked = gate.judge(TOKEN, now)
    assert asked.reason == Reason.NEEDS_RESOLVER
    for code in (b"no code", b"js:2", b"", new_rider().code(now), new_rider().code(now)[:-1]):
        assert gate.settle(code, now, 0, asked) == BAD_ARGUMENT
    for spoilt in ({"again": 1}, {"has_digest": 0}):
        copy = Verdict.from_buffer_copy(asked)
        for name, value in spoilt.items():
            setattr(copy, name, value)
        assert gate.settle(TOKEN, now, 0, copy) == BAD_ARGUMENT
    assert gate.settle(TOKEN, now, 0, asked) == OK


def test_parameters_that_need_more_memory_than_there_is_change_nothing(
    library: ctypes.CDLL, gate: CGate, mapping: dict[str, Any], new_rider: NewRider, now: int
) -> None:
    larger = CGate(library, bytes(from_mapping(mapping | {"limits": {"taps_per_minute": 600}}).image))
    assert library.yima_validator_use(gate.pointer, larger.parameters) == TOO_SMALL
    assert gate.judge(new_rider().code(now), now).accepted


def test_there_is_a_most_that_a_memory_can_hold(library: ctypes.CDLL) -> None:
    assert library.yima_memory_size(ctypes.c_uint32(1 << 22)) > 1 << 27
    assert library.yima_memory_size(ctypes.c_uint32((1 << 22) + 1)) == 0
