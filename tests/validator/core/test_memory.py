"""The memory of used codes: no clock, restart, change of parameters or lack of room makes a used code good again."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.entries import reversal, tap
from yima.sdk.issuer import Rider
from yima.validator.judging import GateContext, Mode, Moment, Reason, Validator, Vouched
from yima.validator.judging.record import Terminal, tap_entry
from yima.validator.parameters import from_mapping

NewRider = Callable[..., Rider]
NewValidator = Callable[..., Validator]
SMALL = {"max_validity_s": 60, "future_tolerance_s": 0, "taps_per_minute": 60}
NEED = 61  # 60 taps a minute for 60 s, and one


def digest(number: int) -> bytes:
    return number.to_bytes(4) * 8


def account(new_rider: NewRider, number: int) -> Rider:
    """A rider of that account, whose codes are good for a minute."""
    return new_rider(card_account=f"310487000000{number:08}", validity_s=60)


def used(number: int, at: int, good_until: int) -> bytes:
    return tap(at, digest=digest(number), good_until=good_until)


@pytest.fixture
def small(new_validator: NewValidator) -> Validator:
    return new_validator(limits=SMALL, capacity=NEED)


def entry_of(validator: Validator, code: bytes, moment: Moment) -> bytes:
    """The entry of a tap that is accepted now."""
    verdict = validator.judge(code, moment)
    assert verdict.accepted
    return tap_entry(validator, verdict, terminal=Terminal(terminal="gate-7"), record_id="r1", moment=moment, run=1)


def test_parameters_say_how_much_must_be_remembered_and_less_is_refused(new_validator: NewValidator) -> None:
    assert new_validator(limits=SMALL, capacity=0).memory.most == NEED
    shifts = [{"organisation": "00083010", "shifts_s": [3600, -3600]}]
    assert new_validator(limits=SMALL, capacity=0, time_shifts=shifts).memory.most == 60 + 7200 + 1
    with pytest.raises(ValueError, match="need a memory of 61 used codes, not of 60"):
        new_validator(limits=SMALL, capacity=NEED - 1)


def test_no_parameters_ask_for_more_than_the_most_that_a_memory_can_have(new_validator: NewValidator) -> None:
    with pytest.raises(ValueError, match=f"need a memory of {1 << 22} used codes"):
        new_validator(limits=SMALL | {"max_validity_s": 65535, "taps_per_minute": 6000}, capacity=NEED)


def test_a_full_memory_turns_a_good_code_away_rather_than_forget_one_that_could_be_shown(
    small: Validator, new_rider: NewRider, now: int
) -> None:
    rider = new_rider(validity_s=60)
    codes = [rider.code(now - 60 + i) for i in range(NEED)]
    assert all(small.judge(code, now).accepted for code in codes)
    fresh = new_rider(validity_s=60).code(now)
    assert small.judge(fresh, now).reason is Reason.MEMORY_FULL
    assert small.memory == (NEED, NEED, 1, 0)
    assert all(small.core.holds(small.judge(code, now + 3).digest or b"") for code in codes[4:])
    assert small.judge(fresh, now + 3).accepted, "the oldest could be shown no more"


def test_a_clock_that_goes_ahead_and_comes_back_does_not_make_a_code_good_again(
    new_validator: NewValidator, new_rider: NewRider, now: int
) -> None:
    validator = new_validator(capacity=0)
    code = new_rider().code(now)
    assert validator.judge(code, now).accepted
    later = now + 2 * 86400
    assert validator.judge(new_rider(authorised_until=later + 60).code(later), later).accepted
    assert validator.judge(code, now + 30).reason is Reason.REPEATED


def test_other_parameters_forget_nothing_and_may_need_more_room(
    new_validator: NewValidator, mapping: dict[str, Any], new_rider: NewRider, now: int
) -> None:
    validator = new_validator(limits=SMALL, capacity=0)
    code = new_rider(validity_s=60).code(now)
    assert validator.judge(code, now).accepted
    validator.use(from_mapping(mapping | {"version": 2, "fares": {"bus": 300}}))
    assert validator.memory.most > NEED
    assert validator.judge(code, now + 5).reason is Reason.REPEATED
    assert validator.judge(new_rider().code(now), now).fare_fen == 300


def test_bad_parameters_change_nothing(small: Validator, new_rider: NewRider, now: int) -> None:
    with pytest.raises(ValueError, match="at byte"):
        small.core.use(b"YIMP, but not further")
    assert small.judge(new_rider(validity_s=60).code(now), now).accepted


def test_after_a_restart_the_journals_entries_are_used_codes_in_their_order(
    new_validator: NewValidator, new_rider: NewRider, now: int
) -> None:
    moment = Moment.at(now)
    code = new_rider().code(now)
    entry = entry_of(new_validator(capacity=0), code, moment)
    restarted = new_validator(capacity=0)
    assert restarted.remember(entry)
    assert restarted.judge(code, now + 30).reason is Reason.REPEATED


def test_a_reversed_ride_may_be_shown_again_also_after_a_restart(
    new_validator: NewValidator, new_rider: NewRider, now: int
) -> None:
    validator = new_validator(capacity=0)
    code = new_rider().code(now)
    verdict = validator.judge(code, now)
    assert verdict.digest
    restarted = new_validator(capacity=0)
    assert restarted.remember(tap(now, digest=verdict.digest))
    assert restarted.remember(reversal(1, code=verdict.digest))
    assert restarted.judge(code, now + 5).accepted


@pytest.mark.parametrize("entry", [b"", b"\0" * 200, tap(reason=64), reversal(1)[:-1]])
def test_what_is_no_accepted_tap_is_not_remembered(small: Validator, entry: bytes) -> None:
    assert not small.remember(entry)
    assert small.memory.used == 0


def test_an_interval_of_an_account_survives_a_restart(
    new_validator: NewValidator, new_rider: NewRider, now: int
) -> None:
    interval = {"limits": {"account_interval_s": 600}}
    rider = new_rider(validity_s=10)
    entry = entry_of(new_validator(capacity=0, **interval), rider.code(now), Moment.at(now))
    restarted = new_validator(capacity=0, **interval)
    assert restarted.remember(entry)
    assert restarted.judge(rider.code(now + 100), now + 100).reason is Reason.TOO_SOON
    assert restarted.judge(rider.code(now + 600), now + 600).accepted


def test_a_place_that_was_given_up_is_passed_over_when_its_turn_comes(
    small: Validator, new_rider: NewRider, now: int
) -> None:
    first = small.judge(new_rider(card_account="31048700000000007777", validity_s=60).code(now), now)
    small.retract(first)
    size = small.memory.most
    for number in range(size + 3):
        at = now + 200 * number
        code = new_rider(card_account=f"310487000000{number:08}", validity_s=60).code(at)
        assert small.judge(code, at).accepted, number
    assert small.memory.used <= size


def test_a_journal_with_more_used_codes_than_fit_keeps_everybody_out_until_that_does_no_harm(
    small: Validator, new_rider: NewRider, now: int
) -> None:
    for number in range(NEED + 2):
        small.remember(used(number, now - 10, now + 20 + number))
    assert small.memory.lost_until == now + 21
    assert small.judge(new_rider(validity_s=60).code(now), now).reason is Reason.MEMORY_FULL
    assert small.judge(new_rider(validity_s=60).code(now + 24), now + 24).accepted


def test_a_full_memory_that_is_filled_again_in_any_order_forgets_nothing(small: Validator, now: int) -> None:
    for number in range(NEED):
        small.remember(used(number, now, now + 60))
    for number in (NEED // 2, NEED - 1, 0, NEED // 2):
        assert small.remember(used(number, now, now + 60))
    assert [number for number in range(NEED) if not small.core.holds(digest(number))] == []
    assert small.memory == (NEED, NEED, 0, 0)


def test_a_full_memory_whose_oldest_place_was_given_up_takes_one_more_without_loss(small: Validator, now: int) -> None:
    for number in range(NEED):
        small.remember(used(number, now, now + 60))
    small.remember(reversal(1, code=digest(0)))
    small.remember(used(NEED, now, now + 60))
    assert small.memory.lost_until == 0
    assert all(small.core.holds(digest(number)) for number in range(1, NEED + 1))


@pytest.mark.parametrize(("interval_s", "remember_s"), [(0, 60), (600, 60), (0, 900), (600, 900)])
def test_at_the_rate_of_the_parameters_nobody_is_turned_away_however_long_rides_matter(
    new_validator: NewValidator, new_rider: NewRider, now: int, interval_s: int, remember_s: int
) -> None:
    limits = SMALL | {"account_interval_s": interval_s, "taps_per_minute": 4, "families": ["ministry", "sufu"]}
    resolved = [{"family": "sufu", "prefix": "js:", "remember_s": remember_s}]
    validator = new_validator(limits=limits, capacity=0, resolved=resolved)
    for number in range(150):
        at = now + 15 * number
        if number % 10 == 0:
            asked = validator.judge(b"js:%d" % number, Moment.at(at))
            verdict = validator.settle(asked, Moment.at(at), Reason.ACCEPTED, Vouched.ISSUER)
        else:
            verdict = validator.judge(account(new_rider, number).code(at), at)
        assert verdict.accepted, (number, verdict.reason)
    assert validator.memory.refused == 0


def test_an_account_that_may_not_ride_yet_keeps_its_place_when_its_code_is_over(
    new_validator: NewValidator, new_rider: NewRider, now: int
) -> None:
    limits = SMALL | {"account_interval_s": 600, "taps_per_minute": 1}
    validator = new_validator(limits=limits, capacity=0)
    for number in range(validator.memory.most):
        assert validator.judge(account(new_rider, number).code(now), now).accepted
    one_more = account(new_rider, 99)
    assert validator.judge(one_more.code(now + 100), now + 100).reason is Reason.MEMORY_FULL
    assert validator.judge(one_more.code(now + 600), now + 600).accepted


def test_what_is_remembered_for_long_keeps_no_other_place_than_its_own(
    new_validator: NewValidator, new_rider: NewRider, now: int
) -> None:
    limits = SMALL | {"taps_per_minute": 1, "families": ["ministry", "sufu"]}
    resolved = [{"family": "sufu", "prefix": "js:", "remember_s": 1200}]
    validator = new_validator(limits=limits, capacity=0, resolved=resolved)
    asked = validator.judge(b"js:1", Moment.at(now))
    assert validator.settle(asked, Moment.at(now), Reason.ACCEPTED, Vouched.ISSUER).accepted
    for number in range(3 * validator.memory.most):
        at = now + 10 * number
        assert validator.judge(account(new_rider, number).code(at), at).accepted, number
    assert validator.judge(b"js:1", Moment.at(now + 600)).reason is Reason.REPEATED


def test_a_shift_that_is_granted_later_makes_no_used_code_good_again(
    new_validator: NewValidator, mapping: dict[str, Any], new_rider: NewRider, now: int
) -> None:
    """Its place is kept for as long as it can be shown now: of what was held then, and of what the journal tells."""
    shifts = [{"organisation": "00083010", "shifts_s": [28800]}]
    limits = SMALL | {"taps_per_minute": 1}
    validator = new_validator(limits=limits, capacity=0)
    validator.remember(used(0, now, now + 60))
    validator.use(from_mapping(mapping | {"version": 2, "limits": limits, "time_shifts": shifts}))
    for number in range(1, validator.memory.most):
        validator.remember(used(number, now, now + 60))
    fresh = account(new_rider, 1)
    assert validator.judge(fresh.code(now + 28800), now + 28800).reason is Reason.MEMORY_FULL
    assert validator.judge(fresh.code(now + 28900), now + 28900).accepted


def test_a_code_that_its_issuer_vouches_for_is_refused_where_it_could_not_be_remembered(
    new_validator: NewValidator, now: int
) -> None:
    resolved = [{"family": "sufu", "prefix": "js:", "remember_s": 60}]
    limits = SMALL | {"families": ["ministry", "sufu"]}
    validator = new_validator(limits=limits, capacity=0, resolved=resolved)
    reasons = []
    for number in range(validator.memory.most + 1):
        asked = validator.judge(b"js:%d" % number, Moment.at(now))
        reasons.append(validator.settle(asked, Moment.at(now), Reason.ACCEPTED, Vouched.ISSUER).reason)
    assert set(reasons[:-1]) == {Reason.ACCEPTED}
    assert reasons[-1] is Reason.MEMORY_FULL


def test_codes_of_a_record_without_facts_are_remembered_by_their_bytes(
    new_validator: NewValidator, new_rider: NewRider, now: int
) -> None:
    code = new_rider().code(now)
    restarted = new_validator(capacity=0)
    assert restarted.remember_code(code, now)
    assert restarted.judge(code, now + 30).reason is Reason.REPEATED
    for garbage in (b"", b"\x80\x01\x49\x24", code[:-1], code + b"\0", bytes(332)):
        assert not restarted.remember_code(garbage, now)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("use"), st.integers(0, 40), st.integers(-100, 100)),
        st.tuples(st.just("undo"), st.integers(0, 40), st.just(0)),
    ),
    max_size=300,
)


@given(STEPS)
def test_the_memory_holds_what_a_list_would_hold(steps: list[tuple[str, int, int]]) -> None:
    """A plain list of the last NEED uses is the model; the index must find each of them and nothing else."""
    mapping = {"environment": "test", "version": 1, "fares": {"bus": 200}, "limits": SMALL}
    validator = Validator(from_mapping(mapping), GateContext(mode=Mode.BUS), memory_entries=NEED, table_bytes=0)
    kept: list[int | None] = []
    for what, number, good_for in steps:
        if what == "use":
            validator.remember(used(number, 1000, 1000 + good_for))
            kept = kept if number in kept else [*kept, number][-NEED:]
        else:
            validator.remember(reversal(1, code=digest(number)))
            kept = [None if old == number else old for old in kept]
        assert validator.memory.used == len(kept)
    held = {number for number in kept if number is not None}
    assert {number for number in range(41) if validator.core.holds(digest(number))} == held


def test_what_is_taken_out_leaves_what_is_at_home_and_moves_up_what_is_not(small: Validator) -> None:
    """Codes whose digests begin alike are kept one behind the other."""
    strangers, at_home = (0, 1 << 16), 1
    for number in (strangers[0], at_home, strangers[1]):
        small.remember(used(number, 1000, 2000))
    small.remember(reversal(1, code=digest(strangers[0])))
    assert [small.core.holds(digest(number)) for number in (*strangers, at_home)] == [False, True, True]
