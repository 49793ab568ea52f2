"""Codes that only their issuer can verify: known by a configured prefix, judged as far as can be, then asked for.

No payload format of any province is claimed here: the tokens are made up, and nothing in them is read.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.validator.errors import ParametersError
from yima.validator.judging import (
    Direction,
    GateContext,
    Mode,
    Moment,
    Reason,
    Stage,
    StageResult,
    Validator,
    Verdict,
    Vouched,
)
from yima.validator.parameters import from_mapping, from_rules
from yima.validator.parameters.family_rules import FamilyRules, Resolved, rows
from yima.validator.parameters.rules import Fare, FareKind, Limits, Matrix, Rules

NOW = 1_790_000_000
TOKEN = b"example-js:0001"
ROW: dict[str, Any] = {"family": "sufu", "prefix": "example-js:", "city": 320000, "remember_s": 300}
PARAMETERS: dict[str, Any] = {
    "environment": "test",
    "version": 1,
    "limits": {"families": ["ministry", "sufu", "anhui", "zhejiang"]},
    "fares": {"bus": 200, "metro": 300},
    "resolved": [ROW],
}


def gate(mode: Mode = Mode.BUS, city: int = 320500, **changes: Any) -> Validator:
    parameters = from_mapping(PARAMETERS | changes)
    return Validator(parameters, GateContext(mode=mode, city=city), table_bytes=0)


def at(unix_s: int) -> Moment:
    return Moment.at(unix_s)


def asked(validator: Validator, token: bytes = TOKEN, unix_s: int = NOW) -> Verdict:
    verdict = validator.judge(token, unix_s)
    assert verdict.reason is Reason.NEEDS_RESOLVER
    return verdict


def test_what_cannot_be_verified_here_says_so_with_what_the_ride_would_cost() -> None:
    verdict = asked(gate())
    assert (verdict.accepted, verdict.family, verdict.fare_fen, verdict.rule) == (False, "sufu", 200, "flat-bus")
    assert verdict.stages == {
        Stage.FORMAT: StageResult.PASSED,
        Stage.CERTIFICATE: StageResult.NOT_REACHED,
        Stage.ISSUER_SIGNATURE: StageResult.NOT_REACHED,
        Stage.RIDER_SIGNATURE: StageResult.NOT_REACHED,
        Stage.TIME: StageResult.NOT_REACHED,
        Stage.PERMISSION: StageResult.FAILED,
        Stage.REPETITION: StageResult.NOT_REACHED,
    }
    assert verdict.account_masked == ""
    assert verdict.organisation is None


def test_a_family_that_is_not_accepted_has_its_own_reason() -> None:
    for family, reason in (
        ("sufu", Reason.SUFU_NOT_ACCEPTED),
        ("anhui", Reason.ANHUI_NOT_ACCEPTED),
        ("zhejiang", Reason.ZHEJIANG_NOT_ACCEPTED),
    ):
        verdict = gate(limits={}, resolved=[ROW | {"family": family}]).judge(TOKEN, NOW)
        assert (verdict.family, verdict.reason) == (family, reason)


def test_without_a_prefix_nothing_belongs_to_these_families() -> None:
    assert gate(resolved=[]).judge(TOKEN, NOW).reason is Reason.UNKNOWN_FAMILY


def test_the_longest_prefix_names_the_family() -> None:
    rows = [
        ROW | {"prefix": "https://example/"},
        ROW | {"prefix": "https://example/ah/", "family": "anhui"},
        ROW | {"prefix": "https://example/zj", "family": "zhejiang"},
    ]
    validator = gate(resolved=rows)
    for token, family in (
        (b"https://example/js", "sufu"),
        (b"https://example/ah/1", "anhui"),
        (b"https://example/ah", "sufu"),
        (b"https://example/zj", "zhejiang"),
        (b"https://example.com", "suishen-hall"),
    ):
        assert validator.judge(token, NOW).family == family


def test_a_prefix_may_fill_all_of_its_32_bytes() -> None:
    prefix = "https://example/" + "p" * 16
    validator = gate(resolved=[ROW | {"prefix": prefix}])
    assert validator.judge(prefix.encode(), NOW).family == "sufu"
    assert validator.judge(prefix.encode() + b"1", NOW).family == "sufu"
    assert validator.judge(prefix.encode()[:-1], NOW).family == "suishen-hall"
    assert validator.judge(prefix.encode()[:-1] + b"q", NOW).family == "suishen-hall"


def test_a_prefix_takes_no_code_from_a_family_with_marks_of_its_own() -> None:
    suishen = b"https://s.sh.gov.cn/0211" + b"A" * 282 + b"##"
    rows = [
        ROW | {"prefix": "https://s.sh.gov.cn/"},
        ROW | {"prefix": "TX"},
        ROW | {"prefix": "62"},
        ROW | {"prefix_hex": "80", "prefix": None},
    ]
    validator = gate(resolved=[{key: value for key, value in row.items() if value is not None} for row in rows])
    assert validator.judge(suishen, NOW).family == "suishen"
    assert validator.judge(b"TX0123", NOW).family == "wechat"
    assert validator.judge(b"6212345", NOW).family == "unionpay"
    assert validator.judge(b"\x80\x01\x49\x24" + bytes(328), NOW).family == "ministry"
    assert validator.judge(b"https://s.sh.gov.cn/hall", NOW).family == "sufu"


def test_mode_city_and_fare_are_judged_before_anybody_is_asked() -> None:
    assert gate(Mode.METRO, resolved=[ROW | {"modes": ["bus"]}]).judge(TOKEN, NOW).reason is Reason.MODE_NOT_ACCEPTED
    assert gate(acceptance={"320500": [320500]}).judge(TOKEN, NOW).reason is Reason.CITY_NOT_ACCEPTED
    assert gate(fares={"metro": 300}).judge(TOKEN, NOW).reason is Reason.NO_FARE
    asked(gate(acceptance={"320500": [320000]}))


def test_an_exit_is_priced_only_where_the_fare_needs_no_entry() -> None:
    """Nothing is read in such a code, so nothing tells where its bearer entered."""
    where = GateContext(mode=Mode.METRO, city=320500, station=205, direction=Direction.EXIT)
    validator = Validator(from_mapping(PARAMETERS), where, table_bytes=0)
    assert asked(validator).fare_fen == 300
    rules = Rules(
        environment="test",
        version=1,
        limits=Limits(families=("sufu",)),
        fares=[Fare(rule="matrix", mode=Mode.METRO, kind=FareKind.MATRIX, table="network")],
        matrices={"network": Matrix(stations=(205,), fares=((300,),))},
        other=rows(FamilyRules(resolved=[Resolved(family="sufu", prefix=b"example-js:")])),
    )
    validator = Validator(from_rules(rules, "these rules"), where, table_bytes=0)
    assert validator.judge(TOKEN, NOW).reason is Reason.ENTRY_UNREADABLE


def test_a_yes_is_the_final_answer_of_this_presentation() -> None:
    validator = gate()
    verdict = validator.settle(asked(validator), at(NOW), Reason.ACCEPTED, Vouched.ISSUER)
    assert (verdict.accepted, verdict.reason, verdict.fare_fen) == (True, Reason.ACCEPTED, 200)
    assert (verdict.vouched, verdict.rule, verdict.code) == (Vouched.ISSUER, "flat-bus", TOKEN)
    assert verdict.stages[Stage.PERMISSION] is StageResult.PASSED
    assert verdict.stages[Stage.REPETITION] is StageResult.PASSED
    assert verdict.stages[Stage.ISSUER_SIGNATURE] is StageResult.NOT_REACHED
    again = validator.judge(TOKEN, NOW + 1)
    assert (again.again, again.was_accepted, again.vouched) == (True, True, Vouched.ISSUER)


@pytest.mark.parametrize(
    "reason", [Reason.RESOLVER_REFUSED, Reason.RESOLVER_UNREACHABLE, Reason.AT_RISK_LIMIT], ids=lambda r: r.name
)
def test_a_no_costs_nothing_and_is_forgotten_with_the_presentation(reason: Reason) -> None:
    validator = gate()
    verdict = validator.settle(asked(validator), at(NOW), reason)
    assert (verdict.accepted, verdict.reason, verdict.fare_fen, verdict.rule) == (False, reason, 0, "")
    assert verdict.vouched is Vouched.HERE
    assert verdict.stages[Stage.PERMISSION] is StageResult.FAILED
    assert validator.judge(TOKEN, NOW + 1).again
    assert validator.judge(TOKEN, NOW + 1).reason is reason
    asked(validator, unix_s=NOW + 10)


def test_an_accepted_token_is_a_repeat_as_long_as_the_parameters_say() -> None:
    validator = gate()
    validator.settle(asked(validator), at(NOW), Reason.ACCEPTED, Vouched.NOBODY)
    repeat = validator.judge(TOKEN, NOW + 300)
    assert repeat.reason is Reason.REPEATED
    assert repeat.stages[Stage.PERMISSION] is StageResult.PASSED
    asked(validator, unix_s=NOW + 303)
    asked(gate(), b"example-js:0002")


def test_asking_alone_leaves_no_memory() -> None:
    validator = gate()
    asked(validator)
    asked(validator, unix_s=NOW + 10)


def test_a_ride_taken_back_may_be_asked_for_again() -> None:
    validator = gate()
    verdict = validator.settle(asked(validator), at(NOW), Reason.ACCEPTED, Vouched.ISSUER)
    validator.retract(verdict)
    again = asked(validator)
    assert not again.again


def test_after_a_restart_an_accepted_token_is_still_a_repeat() -> None:
    restarted = gate()
    assert restarted.remember_code(TOKEN, NOW)
    assert restarted.judge(TOKEN, NOW + 101).reason is Reason.REPEATED
    assert restarted.judge(TOKEN, NOW + 301).reason is Reason.NEEDS_RESOLVER, "its issuer may be asked anew"


def test_tokens_of_one_family_are_accounts_of_their_own() -> None:
    validator = gate(limits=PARAMETERS["limits"] | {"account_interval_s": 600})
    validator.settle(asked(validator), at(NOW), Reason.ACCEPTED, Vouched.ISSUER)
    asked(validator, b"example-js:0002")
    assert validator.judge(TOKEN, NOW + 301).reason is Reason.TOO_SOON


def test_only_the_last_question_can_be_settled_and_only_once() -> None:
    validator = gate()
    first, second = asked(validator), asked(validator, b"example-js:0002")
    with pytest.raises(ValueError, match="resolver"):
        validator.settle(first, at(NOW), Reason.ACCEPTED, Vouched.ISSUER)
    validator.settle(second, at(NOW), Reason.ACCEPTED, Vouched.ISSUER)
    with pytest.raises(ValueError, match="resolver"):
        validator.settle(second, at(NOW), Reason.ACCEPTED, Vouched.ISSUER)


def test_a_device_without_time_asks_all_the_same() -> None:
    verdict = gate().judge(TOKEN, Moment(unix_s=0, tick_ms=0, trusted=False))
    assert verdict.reason is Reason.NEEDS_RESOLVER


def test_a_token_longer_than_any_reader_hands_over_is_refused() -> None:
    assert gate().judge(TOKEN + bytes(4096), NOW).reason is Reason.TOO_LONG
    asked(gate(), TOKEN + bytes(4096 - len(TOKEN)))


@given(rest=st.binary(max_size=500), unix_s=st.integers(-(2**63), 2**63 - 1))
def test_any_bytes_behind_a_prefix_are_a_question_and_can_be_settled(rest: bytes, unix_s: int) -> None:
    validator = gate()
    moment = Moment(unix_s=unix_s, tick_ms=5, trusted=True)
    verdict = validator.judge(b"example-js:" + rest, moment)
    assert verdict.reason is Reason.NEEDS_RESOLVER
    assert validator.settle(verdict, moment, Reason.ACCEPTED, Vouched.NOBODY).accepted
    assert validator.judge(b"example-js:" + rest, moment).again


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"family": "ministry"}, "resolved.1.family"),
        ({"prefix": ""}, "resolved.1"),
        ({"prefix": "x" * 33}, "resolved.1"),
        ({"prefix": "苏"}, "resolved.1"),
        ({"prefix_hex": "00"}, "resolved.1"),
        ({"deadline_ms": 0}, "resolved.1.deadline_ms"),
        ({"deadline_ms": 10_001}, "resolved.1.deadline_ms"),
        ({"remember_s": 0}, "resolved.1.remember_s"),
        ({"at_risk_rides": -1}, "resolved.1.at_risk_rides"),
        ({"modes": []}, "resolved.1.modes"),
        ({"risk": 1}, "resolved.1.risk"),
    ],
)
def test_a_slip_in_the_parameters_is_named(wrong: dict[str, Any], key: str) -> None:
    with pytest.raises(ParametersError) as caught:
        gate(resolved=[ROW | wrong])
    assert caught.value.thing == f"parameters: {key}"


def test_a_prefix_stands_once() -> None:
    with pytest.raises(ParametersError, match=r"twice|重复"):
        gate(resolved=[ROW, ROW | {"family": "anhui"}])
