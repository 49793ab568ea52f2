"""The loop of a tap: what a device does next, whatever comes in which order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.validator.judging.loop_bench import MAPPING, NOW, Bench, rider
from yima.validator.journal.facts import NoteFacts, Outcome, OutcomeFacts, TapFacts, TimeEvent, TimeFacts, parse
from yima.validator.judging import Reason, Vouched
from yima.validator.judging.loop import GateAnswer, Step
from yima.validator.judging.record import record_is_intact
from yima.validator.parameters import from_mapping


@pytest.fixture
def bench() -> Bench:
    return Bench().start()


def test_a_run_begins_with_an_entry_the_memory_and_the_sign(bench: Bench) -> None:
    facts, _ = parse(bench.entries[0])
    assert isinstance(facts, TimeFacts)
    assert (facts.event, facts.run, facts.trusted, facts.found) == (TimeEvent.START, 4, True, NOW)
    assert bench.loop.state.in_service


def test_a_good_code_is_recorded_before_the_gate_opens(bench: Bench) -> None:
    code = rider().code(NOW)
    assert bench.show(code) == ["RECORD", "OPEN"]
    facts, record = parse(bench.entries[-1])
    assert isinstance(facts, TapFacts)
    assert (facts.reason, facts.fare_fen, facts.run, facts.city) == (0, 200, 4, 320500)
    assert record_is_intact(record)
    assert b"gate-7" + b"20260921" in record, "the record's id: terminal, date, number"


def test_every_entry_says_when_it_was_written_and_whether_that_clock_was_trusted(bench: Bench) -> None:
    bench.moment(7)
    assert bench.carry_out(bench.loop.parameters(0)) == ["RECORD"]
    bench.gate = GateAnswer.FAILED
    assert bench.show(rider().code(NOW)) == ["RECORD", "OPEN", "RECORD", "REFUSE"]
    assert bench.moment(3, wall=9_000)[0] == "RECORD"
    facts = [parse(entry)[0] for entry in bench.entries]
    assert [(type(one), one.at - NOW, one.tick_ms, one.trusted, one.run) for one in facts] == [
        (TimeFacts, 0, 5_000, True, 4),
        (NoteFacts, 7, 12_000, True, 4),
        (TapFacts, 12, 17_000, True, 4),
        (OutcomeFacts, 12, 17_000, True, 4),
        (TimeFacts, 9_012, 20_000, False, 4),
    ]


def test_a_bad_code_is_recorded_and_refused(bench: Bench) -> None:
    assert bench.show(b"no code") == ["RECORD", "REFUSE"]
    facts, payload = parse(bench.entries[-1])
    assert isinstance(facts, TapFacts)
    assert (Reason(facts.reason), payload) == (Reason.UNKNOWN_FAMILY, b"no code")


def test_the_same_presentation_shows_its_answer_and_writes_nothing(bench: Bench) -> None:
    code = rider().code(NOW)
    bench.show(code)
    written = len(bench.entries)
    assert bench.show(code, seconds=1) == ["SHOW_AGAIN"]
    assert (bench.loop.verdict.accepted, bench.loop.verdict.was_accepted) == (False, True)
    assert len(bench.entries) == written


def test_what_cannot_be_recorded_is_refused_and_the_code_stays_good(bench: Bench) -> None:
    code = rider().code(NOW)
    bench.can_record = False
    assert bench.show(code) == ["RECORD", "REFUSE", "SERVICE"]
    assert bench.reason is Reason.CANNOT_RECORD
    assert bench.loop.reason is Reason.CANNOT_RECORD
    bench.can_record = True
    assert bench.show(code) == ["RECORD", "OPEN", "SERVICE"]


@pytest.mark.parametrize("answer", [GateAnswer.FAILED, GateAnswer.UNKNOWN])
def test_a_ride_whose_gate_did_not_open_is_reversed_and_the_code_may_be_shown_again(
    bench: Bench, answer: GateAnswer
) -> None:
    code = rider().code(NOW)
    bench.gate = answer
    assert bench.show(code) == ["RECORD", "OPEN", "RECORD", "REFUSE"]
    assert bench.reason is Reason.GATE_FAILED
    facts, _ = parse(bench.entries[-1])
    assert isinstance(facts, OutcomeFacts)
    assert (facts.tap, facts.outcome, facts.reverses) == (len(bench.entries) - 1, Outcome(answer), True)
    assert bench.show(code, seconds=1) == ["SHOW_AGAIN"], "not tried again and again while the phone is in view"
    assert not bench.loop.verdict.was_accepted
    bench.gate = GateAnswer.OPENED
    assert bench.show(code) == ["RECORD", "OPEN"]


def test_a_reversal_that_cannot_be_written_is_owed_and_until_then_the_code_is_used(bench: Bench) -> None:
    code = rider().code(NOW)
    bench.gate = GateAnswer.FAILED
    bench.moment(5)
    step = bench.loop.reading(code, bench.at, bench.tick, 0, len(bench.entries) + 1)
    bench.entries.append(bench.loop.entry)
    assert step is Step.RECORD
    assert bench.loop.recorded(len(bench.entries)) is Step.OPEN
    bench.can_record = False
    assert bench.carry_out(bench.loop.gate(len(bench.entries), GateAnswer.FAILED)) == ["RECORD", "REFUSE", "SERVICE"]
    owed = len(bench.entries)
    assert bench.carry_out(bench.loop.gate(owed, GateAnswer.PASSED)) == [], "what is owed is owed"
    assert bench.moment(5) == ["RECORD"], "it is tried again"
    assert bench.show(code, seconds=0) == ["RECORD", "REFUSE"]
    bench.can_record = True
    bench.gate = GateAnswer.OPENED
    assert bench.moment(2) == ["RECORD", "SERVICE"]
    assert bench.show(code) == ["RECORD", "OPEN"]


def test_at_a_gate_with_a_sensor_the_passage_follows_as_an_entry_of_its_own() -> None:
    bench = Bench(senses_passage=True).start()
    bench.show(rider(1).code(NOW))
    first = bench.loop.state.tap
    bench.show(rider(2).code(NOW))
    second = bench.loop.state.tap
    assert bench.carry_out(bench.loop.gate(first, GateAnswer.PASSED)) == ["RECORD"]
    assert bench.carry_out(bench.loop.gate(first, GateAnswer.PASSED)) == [], "told once"
    assert bench.carry_out(bench.loop.gate(second, GateAnswer.NOT_PASSED)) == ["RECORD"]
    facts = [parse(entry)[0] for entry in bench.entries[-2:]]
    assert [(f.tap, f.outcome, f.reverses) for f in facts if isinstance(f, OutcomeFacts)] == [
        (first, Outcome.PASSED, False),
        (second, Outcome.NOT_PASSED, False),
    ]


def test_a_clock_set_back_while_running_makes_no_old_code_good(bench: Bench) -> None:
    yesterday = NOW - 86400
    old = rider().code(yesterday)
    assert bench.moment(60, wall=-86400) == ["RECORD"]
    facts, _ = parse(bench.entries[-1])
    assert isinstance(facts, TimeFacts)
    assert (facts.event, facts.trusted, facts.expected, facts.found) == (
        TimeEvent.STEPPED, False, NOW + 60, yesterday,
    )  # fmt: skip
    bench.show(old)
    assert bench.reason is Reason.TIME_UNTRUSTED
    for _ in range(100):
        bench.moment(10)
    bench.show(rider().code(bench.at))
    assert bench.reason is Reason.TIME_UNTRUSTED, "an even pace proves nothing"


def test_a_clock_back_on_its_line_is_trusted_again_after_the_memory_was_filled(bench: Bench) -> None:
    bench.moment(60, wall=7000)
    assert bench.moment(60, wall=120 - 7000) == ["RECORD", "REFILL"]
    assert bench.show(rider().code(bench.at)) == ["RECORD", "OPEN"]


def test_a_clock_that_steps_while_the_reader_waits_is_told_and_the_memory_filled_before_anyone_rides(
    bench: Bench,
) -> None:
    """The change was seen by a reading, and no moment told it any more."""

    def read(code: bytes) -> list[str]:
        return bench.carry_out(bench.loop.reading(code, bench.at, bench.tick, 0, len(bench.entries) + 1))

    def told() -> TimeEvent:
        facts, _ = parse(bench.entries[-1])
        assert isinstance(facts, TimeFacts)
        return facts.event

    bench.at -= 3600
    assert read(rider().code(NOW)) == ["RECORD", "REFUSE"]
    assert bench.reason is Reason.TIME_UNTRUSTED
    assert bench.moment() == ["RECORD"]
    assert told() is TimeEvent.STEPPED
    bench.at += 3600
    assert read(rider(1).code(bench.at)) == ["RECORD", "REFUSE"], "what was used is not known yet"
    assert bench.moment() == ["RECORD", "REFILL"]
    assert told() is TimeEvent.TRUSTED_AGAIN
    assert bench.show(rider(2).code(bench.at)) == ["RECORD", "OPEN"]


def test_a_change_that_a_confirmation_has_told_is_not_told_again(bench: Bench) -> None:
    bench.at += 7000
    assert bench.carry_out(bench.loop.confirm(bench.at, bench.tick, is_signed=False, by="wang")) == ["RECORD", "REFILL"]
    assert bench.moment(1) == []


def test_parameters_that_grant_a_shift_have_the_past_handed_over_as_far_as_it_reaches(bench: Bench) -> None:
    granted = {"time_shifts": [{"organisation": "00083010", "shifts_s": [28800, -3600]}]}
    assert bench.carry_out(bench.loop.parameters(0)) == ["RECORD"]
    bench.validator.use(from_mapping(MAPPING | granted))
    assert bench.carry_out(bench.loop.parameters(0)) == ["RECORD", "REFILL"]
    assert NOW - bench.loop.state.refill_from >= 28800


def test_nobody_rides_before_the_used_codes_could_be_read(bench: Bench) -> None:
    bench.can_read = False
    bench.moment(60, wall=7000)
    assert bench.moment(60, wall=120 - 7000) == ["RECORD", "REFILL", "SERVICE"]
    assert bench.loop.reason is Reason.CANNOT_RECORD
    assert bench.show(rider(1).code(bench.at), seconds=0) == ["RECORD", "REFUSE"]
    assert not bench.loop.state.in_service, "what can be recorded is not enough"
    assert bench.moment(2) == ["REFILL"], "it is tried again"
    bench.can_read = True
    assert bench.moment(2) == ["REFILL", "SERVICE"]
    code = rider(1).code(bench.at)
    assert bench.show(code) == ["RECORD", "OPEN"]
    bench.show(code)
    assert bench.reason is Reason.REPEATED


def test_an_operator_confirms_the_time_and_used_codes_stay_used(bench: Bench) -> None:
    code = rider().code(NOW)
    bench.show(code)
    bench.moment(10, wall=5 * 365 * 86400)
    bench.moment(10, wall=10 - 5 * 365 * 86400)
    bench.moment(10, wall=-3000)
    assert bench.loop.now.trusted is False
    assert bench.carry_out(bench.loop.confirm(bench.at, bench.tick, is_signed=False, by="wang")) == ["RECORD", "REFILL"]
    facts, by = parse(bench.entries[-1])
    assert isinstance(facts, TimeFacts)
    assert (facts.event, facts.trusted, by) == (TimeEvent.SET_BY_OPERATOR, True, b"wang")
    bench.at = NOW + 30
    bench.tick += 1
    bench.carry_out(bench.loop.confirm(bench.at, bench.tick, is_signed=False, by="wang"))
    bench.show(code)
    assert bench.reason is Reason.REPEATED


def test_a_signed_time_before_what_is_recorded_is_not_taken(bench: Bench) -> None:
    bench.show(rider().code(NOW))
    assert bench.carry_out(bench.loop.confirm(NOW - 3600, bench.tick, is_signed=True, by="")) == []
    assert bench.show(rider(1).code(bench.at)) == ["RECORD", "OPEN"]


def test_what_is_recorded_while_it_runs_is_a_floor_as_well_and_not_only_what_was_there_at_the_start(
    bench: Bench,
) -> None:
    bench.moment(2 * 86400)
    bench.show(rider().code(bench.at))
    assert bench.loop.verdict.accepted
    yesterday = bench.at - 86400
    assert yesterday > NOW
    assert bench.carry_out(bench.loop.confirm(yesterday, bench.tick, is_signed=True, by="")) == []
    assert bench.show(rider(1).code(bench.at)) == ["RECORD", "OPEN"]


def test_a_clock_before_the_newest_record_is_not_trusted_at_a_start() -> None:
    bench = Bench(not_before=NOW + 86400)
    assert bench.moment() == ["RECORD", "REFILL", "SERVICE"]
    bench.show(rider().code(NOW))
    assert bench.reason is Reason.TIME_UNTRUSTED
    assert bench.moment(1, wall=2 * 86400) == ["RECORD", "REFILL"], "set for the first time"
    assert bench.show(rider().code(bench.at)) == ["RECORD", "OPEN"]


def test_parameters_that_have_expired_and_a_collector_away_for_too_long_refuse_by_name(bench: Bench) -> None:
    assert bench.carry_out(bench.loop.parameters(NOW + 100)) == ["RECORD"]
    assert bench.show(rider(1).code(bench.at)) == ["RECORD", "OPEN"]
    assert bench.moment(200) == ["SERVICE"]
    assert bench.show(rider(2).code(bench.at)) == ["RECORD", "REFUSE"]
    assert (bench.reason, bench.loop.reason) == (Reason.PARAMETERS_EXPIRED,) * 2
    assert bench.carry_out(bench.loop.parameters(0)) == ["RECORD", "SERVICE"]
    bench.loop.unsent(bench.at - 86400)
    assert bench.moment() == [], "a day is what the parameters allow"
    bench.loop.unsent(bench.at - 86401)
    assert bench.moment() == ["SERVICE"]
    assert bench.show(rider(3).code(bench.at)) == ["RECORD", "REFUSE"]
    assert bench.reason is Reason.OFFLINE_TOO_LONG
    bench.loop.unsent(0)
    bench.moment()
    assert bench.show(rider(4).code(bench.at)) == ["RECORD", "OPEN"]


def test_a_clock_that_is_not_trusted_puts_nothing_out_of_service_for_its_age() -> None:
    bench = Bench(not_before=NOW + 86400)
    bench.moment()
    bench.carry_out(bench.loop.parameters(NOW - 100))
    bench.loop.unsent(NOW - 10 * 86400)
    bench.moment(5)
    assert bench.loop.reason not in (Reason.PARAMETERS_EXPIRED, Reason.OFFLINE_TOO_LONG)
    bench.moment(1, wall=2 * 86400)
    assert bench.loop.reason is Reason.PARAMETERS_EXPIRED
    bench.carry_out(bench.loop.parameters(0))
    bench.moment()
    assert bench.loop.reason is Reason.OFFLINE_TOO_LONG


def test_a_code_that_only_its_issuer_can_verify_is_asked_about_before_it_is_recorded(bench: Bench) -> None:
    assert bench.show(b"js:1") == ["ASK", "RECORD", "OPEN"]
    bench.answer = (Reason.RESOLVER_REFUSED, Vouched.HERE)
    assert bench.show(b"js:2") == ["ASK", "RECORD", "REFUSE"]
    bench.answer = (Reason.NEEDS_RESOLVER, Vouched.HERE)
    assert bench.show(b"js:3") == ["ASK", "RECORD", "REFUSE"]
    assert bench.reason is Reason.NEEDS_RESOLVER


def test_a_device_that_goes_out_of_service_while_it_asks_refuses_and_uses_nothing_up(bench: Bench) -> None:
    bench.moment(5)
    step = bench.loop.reading(b"js:1", bench.at, bench.tick, 0, len(bench.entries) + 1)
    assert step is Step.ASK
    bench.loop.unsent(1)
    assert bench.carry_out(bench.loop.answered(Reason.ACCEPTED, Vouched.ISSUER))[:2] == ["RECORD", "REFUSE"]
    assert bench.reason is Reason.OFFLINE_TOO_LONG
    bench.loop.unsent(0)
    bench.moment(5)
    assert bench.show(b"js:1") == ["ASK", "RECORD", "OPEN"]


def fails_without_a_trace(bench: Bench, code: bytes) -> list[str]:
    """The gate does not open, and the journal that took the ride does not take its reversal."""
    bench.moment(5)
    step = bench.loop.reading(code, bench.at, bench.tick, 0, len(bench.entries) + 1)
    assert step is Step.RECORD
    bench.entries.append(bench.loop.entry)
    bench.loop.recorded(len(bench.entries))
    bench.can_record = False
    return bench.carry_out(bench.loop.gate(len(bench.entries), GateAnswer.FAILED))


def test_a_device_that_owes_as_many_reversals_as_it_can_keep_takes_nobody_in(bench: Bench) -> None:
    for number in range(8):
        assert fails_without_a_trace(bench, rider(number).code(bench.at))[:2] == ["RECORD", "REFUSE"]
    bench.moment()
    bench.can_record = True
    bench.moment()
    code = rider(9).code(bench.at)
    assert bench.carry_out(bench.loop.reading(code, bench.at, bench.tick, 0, 99))[:2] == ["RECORD", "REFUSE"]
    assert bench.reason is Reason.CANNOT_RECORD
    for _ in range(8):
        bench.moment(2)
    assert bench.loop.state.opened == 0, "all are written"
    assert bench.show(rider(9).code(bench.at)) == ["RECORD", "OPEN"]


def test_of_more_rides_than_can_be_waited_for_the_oldest_is_let_go_and_never_one_that_is_owed() -> None:
    bench = Bench(senses_passage=True).start()
    fails_without_a_trace(bench, rider(0).code(bench.at))
    owed = len(bench.entries)
    taps = []
    for number in range(1, 10):
        bench.can_record = True
        bench.loop.reading(code := rider(number).code(bench.at), bench.at, bench.tick, 0, len(bench.entries) + 1)
        assert bench.loop.verdict.code == code
        bench.entries.append(bench.loop.entry)
        bench.loop.recorded(len(bench.entries))
        taps.append(len(bench.entries))
        bench.carry_out(bench.loop.gate(taps[-1], GateAnswer.OPENED))
        bench.at += 1
        bench.tick += 1000
    assert bench.loop.state.opened == 8
    assert bench.carry_out(bench.loop.gate(taps[0], GateAnswer.PASSED)) == [], "let go"
    assert bench.carry_out(bench.loop.gate(taps[2], GateAnswer.PASSED)) == ["RECORD"]
    assert bench.moment(5)[0] == "RECORD"
    facts, _ = parse(bench.entries[-1])
    assert isinstance(facts, OutcomeFacts)
    assert (facts.tap, facts.reverses) == (owed, True)


def test_a_device_that_may_be_without_its_collector_for_any_time_is(bench: Bench) -> None:
    limits = {"families": ["ministry", "sufu"]}
    bench.validator.use(from_mapping(MAPPING | {"limits": limits}))
    bench.carry_out(bench.loop.parameters(0))
    bench.loop.unsent(1)
    assert bench.show(rider().code(bench.at)) == ["RECORD", "OPEN"]


def test_a_clock_that_drifts_is_believed_for_longer_than_its_line_lasts(bench: Bench) -> None:
    """A quartz that gains a second in half an hour: the line is drawn anew each hour."""
    for _ in range(20):
        assert bench.moment(1800, wall=1801) == []
    assert bench.show(rider().code(bench.at)) == ["RECORD", "OPEN"]


def test_a_call_at_the_wrong_time_changes_nothing(bench: Bench) -> None:
    code = rider().code(NOW)
    bench.moment(5)
    assert bench.loop.reading(code, bench.at, bench.tick, 0, 9) is Step.RECORD
    before = bench.loop.entry
    assert bench.loop.moment(bench.at, bench.tick, 9) is Step.NOTHING
    assert bench.loop.reading(b"other", bench.at, bench.tick, 0, 9) is Step.NOTHING
    assert bench.loop.done() is Step.NOTHING
    assert bench.loop.answered(Reason.ACCEPTED, Vouched.ISSUER) is Step.NOTHING
    assert bench.loop.gate(1, GateAnswer.PASSED) is Step.NOTHING
    assert (bench.loop.entry, bench.loop.state.unexpected) == (before, 4)
    assert bench.loop.recorded(9) is Step.OPEN


@given(st.binary(max_size=5000), st.integers(0, 120_000))
def test_any_payload_however_late_is_recorded_and_answered(payload: bytes, late_ms: int) -> None:
    bench = Bench().start()
    bench.moment(5)
    step = bench.loop.reading(payload, bench.at, bench.tick, late_ms, len(bench.entries) + 1)
    assert bench.carry_out(step)[-1] in ("REFUSE", "OPEN")
    parse(bench.entries[-1])
