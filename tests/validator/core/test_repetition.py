"""The short memory: one presentation is answered once, one code rides once."""

from collections.abc import Callable
from typing import Any

import pytest

from yima.sdk.issuer import Issuer, Rider, RootAuthority, make_issuer
from yima.validator.judging import GateContext, Mode, Moment, Reason, Stage, Validator
from yima.validator.parameters import from_mapping

NewRider = Callable[..., Rider]
NewValidator = Callable[..., Validator]


def at(unix_s: int, tick_ms: int) -> Moment:
    return Moment(unix_s=unix_s, tick_ms=tick_ms)


def test_the_same_code_later_is_a_repeat_as_long_as_it_is_valid(
    new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    validator = new_validator()
    code = new_rider(validity_s=120).code(now)
    assert validator.judge(code, now).accepted
    for later in (2, 60, 120):
        verdict = validator.judge(code, now + later)
        assert verdict.reason is Reason.REPEATED
        assert not verdict.again
        assert verdict.reason.stage is Stage.REPETITION
    assert validator.judge(code, now + 123).reason is Reason.CODE_EXPIRED


def test_the_same_content_signed_anew_is_the_same_code(
    new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    validator = new_validator()
    rider = new_rider()
    first, second = rider.code(now), rider.code(now)
    assert first != second
    assert validator.judge(first, now).digest == validator.judge(second, now).digest
    assert validator.judge(second, now + 5).reason is Reason.REPEATED


def test_the_next_code_of_the_same_rider_is_another_ride(
    new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    validator = new_validator()
    rider = new_rider()
    assert validator.judge(rider.code(now), now).accepted
    assert validator.judge(rider.code(now + 1), now + 1).accepted


def test_a_code_in_view_is_answered_again_and_nothing_more(
    new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    validator = new_validator()
    code = new_rider().code(now)
    first = validator.judge(code, at(now, 1000))
    assert not first.again
    for tick in range(1100, 20_000, 1900):  # a phone held still: each frame starts the two seconds anew
        again = validator.judge(code, at(now + tick // 1000, tick))
        assert again.again
        assert (again.accepted, again.was_accepted) == (False, True), "`if accepted: open` opens once"
        assert (again.reason, again.fare_fen) == (Reason.ACCEPTED, 200)
    gone = validator.judge(code, at(now + 30, 30_000))
    assert gone.reason is Reason.REPEATED
    assert validator.judge(code, at(now + 31, 31_000)).again


@pytest.mark.parametrize(("elapsed_ms", "again"), [(0, True), (1999, True), (2000, False)])
def test_debounce_ends_after_its_time(
    elapsed_ms: int, again: bool, new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    validator = new_validator()
    code = new_rider().code(now)
    validator.judge(code, at(now, 5000))
    assert validator.judge(code, at(now, 5000 + elapsed_ms)).again is again


@pytest.mark.parametrize("payload", [b"?", b"https://example.com/x", b"\x80" * 365, b"\x80" * 366, bytes(4096)])
def test_refused_bytes_of_any_length_are_debounced_too(payload: bytes, new_validator: NewValidator, now: int) -> None:
    validator = new_validator()
    assert not validator.judge(payload, at(now, 0)).again
    assert not validator.judge(payload[:-1] + b"!", at(now, 1)).again
    verdict = validator.judge(payload, at(now, 2))
    assert verdict.again
    assert not verdict.accepted
    assert not validator.judge(payload, at(now, 9000)).again


def test_two_phones_in_view_do_not_take_turns_at_riding(
    new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    validator = new_validator()
    codes = [new_rider().code(now) for _ in range(4)]
    assert all(validator.judge(code, at(now, 0)).accepted for code in codes)
    for tick in range(100, 5000, 500):
        assert all(validator.judge(code, at(now, tick)).again for code in codes)
    fifth = new_rider().code(now)
    validator.judge(codes[0], at(now, 5001))
    assert validator.judge(fifth, at(now, 5002)).accepted  # takes the place of the one longest out of view
    assert validator.judge(codes[0], at(now, 5003)).again


def test_a_tick_that_runs_backwards_neither_repeats_an_answer_nor_stops_debouncing(
    new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    validator = new_validator()
    codes = [new_rider().code(now) for _ in range(6)]
    for code in codes[:4]:
        assert validator.judge(code, at(now, 1_000_000_000)).accepted
    assert validator.judge(codes[0], at(now, 0)).reason is Reason.REPEATED
    for code in codes[4:]:
        assert validator.judge(code, at(now, 10)).accepted
        assert validator.judge(code, at(now, 20)).again
    assert validator.judge(codes[0], at(now, 30)).again


def test_debounce_can_be_switched_off(new_rider: NewRider, new_validator: NewValidator, now: int) -> None:
    validator = new_validator(limits={"debounce_ms": 0})
    code = new_rider().code(now)
    assert validator.judge(code, now).accepted
    assert validator.judge(code, now).reason is Reason.REPEATED


def test_a_refused_code_may_ride_once_what_refused_it_is_over(
    new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    validator = new_validator()
    code = new_rider().code(now + 60)
    assert validator.judge(code, now).reason is Reason.FROM_THE_FUTURE
    assert validator.judge(code, now + 50).accepted


def test_an_account_interval_counts_from_the_accepted_ride_of_any_code_of_the_account(
    new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    validator = new_validator(limits={"account_interval_s": 300})
    rider, other_phone = new_rider(validity_s=10), new_rider(validity_s=10)
    other_account = new_rider(card_account="31048700000000018888")
    assert validator.judge(rider.code(now), now).accepted
    assert validator.judge(other_account.code(now), now).accepted
    assert validator.judge(other_phone.code(now + 299), now + 299).reason is Reason.TOO_SOON
    assert validator.judge(rider.code(now + 300), now + 300).accepted


def test_a_clock_set_back_does_not_lock_an_account_out(
    new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    validator = new_validator(limits={"account_interval_s": 60})
    rider = new_rider()
    assert validator.judge(rider.code(now), now).accepted
    assert validator.judge(rider.code(now - 3600), now - 3600).accepted


def test_a_retracted_ride_leaves_nothing_behind(new_rider: NewRider, new_validator: NewValidator, now: int) -> None:
    validator = new_validator(limits={"account_interval_s": 60})
    code = new_rider().code(now)
    verdict = validator.judge(code, now)
    validator.retract(verdict)
    once_more = validator.judge(code, now)
    assert once_more.accepted
    assert not once_more.again


def test_a_retracted_ride_leaves_the_answer_of_another_phone_in_view_as_it_was(
    new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    validator = new_validator()
    mine, other, refused = new_rider().code(now), new_rider().code(now), b"weather is fine"
    verdict = validator.judge(mine, at(now, 1000))
    assert validator.judge(other, at(now, 1100)).accepted
    validator.judge(refused, at(now, 1200))
    validator.retract(verdict)
    again = validator.judge(other, at(now, 1300))
    assert (again.again, again.was_accepted) == (True, True)
    assert validator.judge(refused, at(now, 1400)).again
    assert not validator.judge(mine, at(now, 1500)).again


def test_only_the_verdict_that_accepted_can_be_retracted(
    new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    validator = new_validator()
    code = new_rider().code(now)
    accepted = validator.judge(code, now)
    validator.retract(validator.judge(code, now))  # again
    validator.retract(validator.judge(code, now + 10))  # a repeat
    assert validator.judge(code, now + 20).reason is Reason.REPEATED
    validator.retract(accepted)
    assert validator.judge(code, now + 30).accepted


def test_a_code_accepted_at_a_shifted_hour_is_not_accepted_again_at_another(
    new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    hours = 8 * 3600
    shifts = [{"organisation": "00083010", "shifts_s": [hours, -hours]}]
    validator = new_validator(time_shifts=shifts)
    code = new_rider(validity_s=60).code(now)
    assert validator.judge(code, now).accepted
    for i in range(4):
        validator.judge(new_rider(card_account=f"3104870000000001000{i}").code(now + 3600), now + 3600)
    assert validator.judge(code, now + hours).reason is Reason.REPEATED


def test_trusted_issuers_are_kept_and_those_seen_often_get_a_table(
    root: RootAuthority, issuer: Issuer, new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    validator = new_validator()
    rider = new_rider()
    assert validator.idle(), "the root's table"
    assert not validator.idle()
    for i in range(2):
        assert validator.judge(rider.code(now + i), now + i).accepted
    assert not validator.idle()
    assert validator.judge(rider.code(now + 2), now + 2).accepted
    assert validator.idle()
    assert not validator.idle()
    [(certificate, uses, window)] = validator.core.issuers
    assert (certificate, uses, window) == (issuer.certificate, 3, 8)
    assert validator.judge(rider.code(now + 3), now + 3).accepted
    forged = bytearray(rider.code(now + 4))
    forged[198 + 10] ^= 1
    assert validator.judge(bytes(forged), now + 4).reason is Reason.ISSUER_SIGNATURE


def test_without_memory_for_tables_none_is_built(new_rider: NewRider, mapping: dict[str, Any], now: int) -> None:
    validator = Validator(from_mapping(mapping), GateContext(mode=Mode.BUS), table_bytes=0)
    rider = new_rider()
    assert all(validator.judge(rider.code(now + i), now + i).accepted for i in range(5))
    assert not validator.idle()
    assert validator.judge(rider.code(now + 5), now + 5).accepted


@pytest.mark.parametrize("uses", [(3, 5, 4), (5, 3, 4), (3, 4, 5)])
def test_of_several_issuers_seen_often_the_busiest_gets_its_table_first(
    root: RootAuthority, new_rider: NewRider, new_validator: NewValidator, now: int, uses: tuple[int, ...]
) -> None:
    validator = new_validator()
    issuers = [make_issuer(root, serial=i) for i in range(3)]
    for issuer, count in zip(issuers, uses, strict=True):
        rider = new_rider(issuer)
        assert all(validator.judge(rider.code(now + i), now + i).accepted for i in range(count))
    assert validator.idle()
    windows = {certificate: window for certificate, _, window in validator.core.issuers}
    busiest = issuers[uses.index(5)].certificate
    assert {certificate for certificate, window in windows.items() if window} == {busiest}


@pytest.mark.parametrize("uses", [(5, 3, 4), (3, 4, 5), (5, 4, 3)])
def test_a_table_is_taken_from_the_issuer_seen_least_once_another_is_seen_more_than_twice_as_often(
    root: RootAuthority, new_rider: NewRider, mapping: dict[str, Any], now: int, uses: tuple[int, ...]
) -> None:
    three_tables = 3 * 32768 + 63
    validator = Validator(from_mapping(mapping), GateContext(mode=Mode.BUS), table_bytes=32768 + three_tables)
    assert validator.idle(), "the root's table"
    issuers = [make_issuer(root, serial=i) for i in range(4)]
    second = iter(range(100))

    def ride(issuer: Issuer, times: int) -> None:
        rider = new_rider(issuer)
        for moment in (now + next(second) for _ in range(times)):
            assert validator.judge(rider.code(moment), moment).accepted

    for issuer, count in zip(issuers[:3], uses, strict=True):
        ride(issuer, count)
        assert validator.idle()
    ride(issuers[3], 7)
    assert not validator.idle()
    ride(issuers[3], 1)
    assert validator.idle()
    without = [certificate for certificate, _, window in validator.core.issuers if not window]
    assert without == [issuers[uses.index(3)].certificate]


def test_more_issuers_than_places_are_all_judged_rightly_and_the_longest_unused_goes(
    root: RootAuthority, new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    issuers = [make_issuer(root, serial=i) for i in range(20)]
    riders = [new_rider(issuer) for issuer in issuers]
    validator = new_validator()
    tick = 0
    for _ in range(4):
        for rider in riders:
            tick += 1
            assert validator.judge(rider.code(now + tick), now + tick).accepted
            validator.idle()
    kept = {certificate for certificate, _, _ in validator.core.issuers}
    assert kept == {issuer.certificate for issuer in issuers[4:]}


def test_a_table_passes_to_an_issuer_that_is_seen_more_often(
    root: RootAuthority, new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    validator = new_validator()  # 64 KB: fewer places than issuers below
    issuers = [make_issuer(root, serial=i) for i in range(12)]
    second = iter(range(10_000))

    def ride(i: int, times: int) -> None:
        rider = new_rider(issuers[i])
        for _ in range(times):
            moment = now + next(second)
            assert validator.judge(rider.code(moment), moment).accepted

    for i in range(12):
        ride(i, 3)
        validator.idle()
    without = [i for i in range(12) if (issuers[i].certificate, 3, 0) in validator.core.issuers]
    assert without, "every issuer got a table: the memory given is too large for this test"
    ride(without[0], 9)
    assert validator.idle()
    assert (issuers[without[0]].certificate, 12, 0) not in validator.core.issuers
    ride(without[0], 1)
