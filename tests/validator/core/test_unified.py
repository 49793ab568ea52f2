"""The unified platform's form: 55, then the ministry code. One decoder, one memory, the payload kept as scanned."""

from collections.abc import Callable
from typing import Any

from yima.sdk.issuer import Rider
from yima.validator.judging import Mode, Moment, Reason, Validator
from yima.validator.judging.record import Terminal, trip_record

NewRider = Callable[..., Rider]
NewValidator = Callable[..., Validator]
ALL: dict[str, Any] = {"limits": {"families": ["ministry", "unified"]}}


def test_a_good_code_behind_55_rides(new_rider: NewRider, new_validator: NewValidator, now: int) -> None:
    code = b"\x55" + new_rider(issuer_data=b"\x15" * 32).code(now)
    verdict = new_validator(**ALL).judge(code, now)
    assert (verdict.accepted, verdict.family, verdict.fare_fen) == (True, "unified", 200)
    assert verdict.code == code
    assert verdict.account_masked == "3104************9999"
    assert verdict.organisation == "00083010"


def test_its_faults_have_the_ministrys_reasons_and_numbers(
    new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    validator = new_validator(**ALL)
    good = new_rider().code(now)
    assert validator.judge(b"\x55\x7f" + good[1:], now).case == 5499
    assert validator.judge(b"\x55" + new_rider(cap_fen=0).code(now), now).case == 5165
    assert validator.judge(b"\x55" + good[:-1] + bytes([good[-1] ^ 1]), now).reason is Reason.RIDER_SIGNATURE


def test_only_where_it_is_accepted(new_rider: NewRider, new_validator: NewValidator, now: int) -> None:
    code = b"\x55" + new_rider().code(now)
    assert new_validator().judge(code, now).reason is Reason.UNIFIED_NOT_ACCEPTED
    only_unified = new_validator(limits={"families": ["unified"]})
    assert only_unified.judge(code, now).accepted
    assert only_unified.judge(code[1:], now + 5).reason is Reason.MINISTRY_NOT_ACCEPTED


def test_the_same_code_with_and_without_55_is_one_code(
    new_rider: NewRider, new_validator: NewValidator, now: int
) -> None:
    code = new_rider().code(now)
    for first, second in ((code, b"\x55" + code), (b"\x55" + code, code)):
        validator = new_validator(**ALL)
        accepted = validator.judge(first, now)
        assert validator.judge(first, now + 1).again
        assert not validator.judge(second, now + 1).again
        assert validator.judge(second, now + 10).reason is Reason.REPEATED
        validator.retract(accepted)
        assert validator.judge(second, now + 20).accepted


def test_the_longest_is_debounced_by_its_own_bytes(new_rider: NewRider, new_validator: NewValidator, now: int) -> None:
    validator = new_validator(**ALL)
    rider = new_rider(issuer_data=bytes(32))
    first, second = (b"\x55" + rider.code(now + i) for i in range(2))
    assert len(first) == 365
    assert validator.judge(first, now).accepted
    assert validator.judge(second, now + 1).accepted
    assert validator.judge(first, now + 1).again


def test_it_is_remembered_over_a_restart(new_rider: NewRider, new_validator: NewValidator, now: int) -> None:
    code = new_rider().code(now)
    restarted = new_validator(**ALL)
    assert restarted.remember_code(b"\x55" + code, now)
    assert restarted.judge(code, now + 6).reason is Reason.REPEATED


def test_its_record_keeps_the_payload_as_scanned(new_rider: NewRider, new_validator: NewValidator, now: int) -> None:
    code = b"\x55" + new_rider().code(now)
    verdict = new_validator(**ALL).judge(code, now)
    terminal = Terminal(terminal="1")
    record = trip_record(verdict, mode=Mode.BUS, terminal=terminal, record_id="1", moment=Moment.at(now))
    assert b"\x00\x01" + len(code).to_bytes(2) + code in record
