"""The metro gate: its table is total, it lets pass who was admitted and nobody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.hwsim.commands import Command, Verb
from yima.hwsim.gate import TABLE, Action, Event, GateState, MetroGate, Timings
from yima.validator.texts import Text

OUTSIDE = [
    Event.OPEN_COMMAND,
    Event.REFUSE_COMMAND,
    Event.PERSON_ENTERS,
    Event.PERSON_LEAVES,
    Event.FORCED_ENTRY,
    Event.OBSTRUCTION,
    Event.RESET,
]
TIMINGS = Timings(open_ms=5000, passage_ms=8000, closing_ms=500)


def command(verb: Verb, number: int = 1) -> Command:
    return Command(number=number, verb=verb, reason=0, text=Text("Accepted", "请通行"), fare_fen=300)


def state(gate: MetroGate) -> GateState:
    return gate.condition.state


def gate_after(*events: Event) -> MetroGate:
    gate = MetroGate(TIMINGS)
    for event in events:
        gate.handle(event, 0)
    return gate


def test_every_event_has_a_row_in_every_state() -> None:
    assert set(TABLE) == set(GateState)
    for state, rows in TABLE.items():
        assert set(rows) == set(Event), state


def test_a_rider_taps_walks_through_and_the_gate_locks_again() -> None:
    gate = MetroGate(TIMINGS)
    assert gate.handle(Event.OPEN_COMMAND, 0) == (Action.ADMIT, Action.RELEASE, Action.SHOW_GO)
    assert state(gate) is GateState.OPEN
    gate.handle(Event.PERSON_ENTERS, 900)
    assert state(gate) is GateState.PASSAGE
    assert gate.handle(Event.PERSON_LEAVES, 1800) == (Action.COUNT, Action.SHUT, Action.SHOW_STOP)
    assert state(gate) is GateState.CLOSING
    assert gate.advance(2299) == ()
    assert gate.advance(2300) == (Action.ENGAGE,)
    assert state(gate) is GateState.LOCKED
    assert gate.condition.passed == 1


def test_a_refusal_moves_nothing() -> None:
    gate = MetroGate(TIMINGS)
    assert gate.handle(Event.REFUSE_COMMAND, 0) == (Action.SHOW_STOP,)
    assert state(gate) is GateState.LOCKED


def test_an_admitted_rider_who_never_comes_is_forgotten_after_the_open_time() -> None:
    gate = gate_after(Event.OPEN_COMMAND)
    assert gate.advance(4999) == ()
    assert gate.advance(5000) == (Action.FORGET, Action.SHUT, Action.SHOW_STOP)
    gate.handle(Event.PERSON_ENTERS, 5001)
    assert state(gate) is GateState.ALARM


def test_two_riders_may_tap_before_the_first_has_walked_through() -> None:
    gate = gate_after(Event.OPEN_COMMAND, Event.OPEN_COMMAND, Event.PERSON_ENTERS, Event.PERSON_LEAVES)
    assert state(gate) is GateState.OPEN
    gate.handle(Event.PERSON_ENTERS, 0)
    gate.handle(Event.PERSON_LEAVES, 0)
    assert state(gate) is GateState.CLOSING
    assert gate.condition.passed == 2


def test_two_admitted_riders_may_be_inside_at_once() -> None:
    gate = gate_after(Event.OPEN_COMMAND, Event.OPEN_COMMAND, Event.PERSON_ENTERS, Event.PERSON_ENTERS)
    gate.handle(Event.PERSON_LEAVES, 0)
    assert state(gate) is GateState.PASSAGE
    gate.handle(Event.PERSON_LEAVES, 0)
    assert (gate.condition.state, gate.condition.passed) == (GateState.CLOSING, 2)


def test_a_second_tap_gives_the_second_rider_the_whole_open_time() -> None:
    gate = MetroGate(TIMINGS)
    gate.handle(Event.OPEN_COMMAND, 0)
    gate.handle(Event.OPEN_COMMAND, 4000)
    assert gate.advance(8999) == ()
    assert state(gate) is GateState.OPEN


@pytest.mark.parametrize(
    "before",
    [
        (),
        (Event.OPEN_COMMAND, Event.PERSON_ENTERS),
        (Event.OPEN_COMMAND, Event.PERSON_ENTERS, Event.PERSON_LEAVES),
    ],
    ids=["locked", "tailgating", "closing"],
)
def test_who_enters_without_having_been_admitted_sets_off_the_alarm(before: tuple[Event, ...]) -> None:
    gate = gate_after(*before)
    assert Action.SOUND in gate.handle(Event.PERSON_ENTERS, 1)
    assert state(gate) is GateState.ALARM
    assert gate.condition.alarm


def test_leaves_that_meet_a_body_open_again_and_admit_nobody() -> None:
    gate = gate_after(Event.OPEN_COMMAND, Event.PERSON_ENTERS, Event.PERSON_LEAVES)
    assert gate.handle(Event.OBSTRUCTION, 100) == (Action.RELEASE,)
    assert state(gate) is GateState.OPEN
    assert gate.condition.admitted == 0
    assert gate.advance(5100) == (Action.FORGET, Action.SHUT, Action.SHOW_STOP)


def test_someone_standing_in_the_walkway_sets_off_the_alarm() -> None:
    gate = gate_after(Event.OPEN_COMMAND, Event.PERSON_ENTERS)
    assert Action.SOUND in gate.advance(8000)


def test_a_gate_in_alarm_does_not_open_until_staff_reset_it() -> None:
    gate = gate_after(Event.FORCED_ENTRY)
    receipt = gate.obey(command(Verb.OPEN), 0)
    assert (receipt.done, receipt.state) == (False, "alarm")
    assert Action.SILENCE in gate.handle(Event.RESET, 1)
    assert not gate.condition.alarm
    assert gate.obey(command(Verb.OPEN, 2), 2).done


def test_an_answer_shown_again_admits_nobody() -> None:
    gate = MetroGate(TIMINGS)
    gate.obey(command(Verb.OPEN), 0)
    receipt = gate.obey(command(Verb.SHOW_AGAIN, 2), 10)
    assert receipt.done
    assert gate.condition.admitted == 1


def test_a_timeout_that_fell_while_nobody_looked_is_handled_before_the_next_event() -> None:
    gate = MetroGate(TIMINGS)
    gate.handle(Event.OPEN_COMMAND, 0)
    actions = gate.handle(Event.OPEN_COMMAND, 60_000)
    assert actions[:4] == (Action.FORGET, Action.SHUT, Action.SHOW_STOP, Action.ENGAGE)
    assert gate.condition.admitted == 1


@given(st.lists(st.tuples(st.sampled_from(OUTSIDE), st.integers(0, 10_000)), max_size=60))
def test_nobody_passes_who_was_not_admitted(story: list[tuple[Event, int]]) -> None:
    gate = MetroGate(TIMINGS)
    now_ms = admissions = 0
    for event, pause_ms in story:
        now_ms += pause_ms
        admissions += gate.handle(event, now_ms).count(Action.ADMIT)
        after = gate.condition
        assert after.admitted >= 0
        assert after.inside >= 0
        assert after.passed + after.inside + after.admitted <= admissions
        assert (after.state is GateState.PASSAGE) == (after.inside > 0)
        assert after.alarm == (after.state is GateState.ALARM)
        assert (after.deadline_ms is None) == (after.state in (GateState.LOCKED, GateState.ALARM))


@given(st.lists(st.tuples(st.sampled_from(OUTSIDE), st.integers(0, 10_000)), max_size=40), st.integers(1, 700))
def test_looking_more_often_changes_nothing(story: list[tuple[Event, int]], look_ms: int) -> None:
    watched, left_alone = MetroGate(TIMINGS), MetroGate(TIMINGS)
    now_ms = 0
    for event, pause_ms in story:
        for moment in range(now_ms, now_ms + pause_ms, look_ms):
            watched.advance(moment)
        now_ms += pause_ms
        watched.handle(event, now_ms)
        left_alone.handle(event, now_ms)
        assert watched.condition == left_alone.condition
