"""随申码, transit form: form, keys, two signatures, local time, and what the code itself allows.

The codes are made by yima.sdk.suishen, a second description of the same layout. Both come from a reader's structures.
"""

from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.suishen import BEIJING, BODY, BODY_SIZE, END, PREFIX, SuishenIssuer, make_suishen_issuer, unwrap, wrap
from yima.validator.judging import GateContext, Mode, Moment, Reason, Stage, StageResult, Validator, Verdict
from yima.validator.parameters import from_mapping, from_rules
from yima.validator.parameters.family_rules import FamilyRules, SuishenKey, TransportKey, rows
from yima.validator.parameters.rules import Concession, Fare, Limits, Rules

NOW = 1_790_000_000
CARD = "31001234567890123456"
ISSUER = make_suishen_issuer(index=3, transport_index=7)
PARAMETERS: dict[str, Any] = {
    "environment": "test",
    "version": 1,
    "limits": {"families": ["ministry", "suishen"]},
    "fares": {"bus": 200, "metro": 300},
    "suishen_keys": [{"index": 3, "key": ISSUER.key.public.hex()}],
    "suishen_transport_keys": [{"index": 7, "key": ISSUER.transport_key.public.hex(), "modes": ["bus", "metro"]}],
}


def gate(mode: Mode = Mode.METRO, city: int = 310000, **changes: Any) -> Validator:
    parameters = from_mapping(PARAMETERS | changes)
    return Validator(parameters, GateContext(mode=mode, city=city), table_bytes=0)


def body(issuer: SuishenIssuer = ISSUER, **changes: Any) -> bytes:
    plain: dict[str, Any] = {"card_account": CARD, "generated_at": NOW, "expires_at": NOW + 3600}
    return issuer.body(**(plain | changes))


def code(**changes: Any) -> bytes:
    return wrap(body(**changes))


def judged(payload: bytes, at: int = NOW, **where: Any) -> Verdict:
    return gate(**where).judge(payload, at)


def test_a_good_code_rides() -> None:
    verdict = judged(code())
    assert (verdict.accepted, verdict.reason, verdict.family) == (True, Reason.ACCEPTED, "suishen")
    assert verdict.fare_fen == 300
    assert set(verdict.stages.values()) == {StageResult.PASSED}
    assert verdict.account_masked == "3100************3456"
    assert verdict.organisation is None
    assert len(verdict.digest or b"") == 32


def test_without_the_family_in_the_parameters_it_is_known_and_not_accepted() -> None:
    verdict = judged(code(), limits={})
    assert (verdict.family, verdict.reason) == ("suishen", Reason.SUISHEN_NOT_ACCEPTED)


def test_padding_may_stand_or_be_left_out() -> None:
    padded = code().removesuffix(END) + b"==" + END
    assert judged(padded).accepted


def not_a_form() -> dict[str, bytes]:
    good = code()
    text = good[len(PREFIX) + 4 : -2]
    return {
        "without an end": good[:-2],
        "with one mark of two": good[:-1],
        "with a line feed behind it": good + b"\n",
        "empty": PREFIX + b"0211" + END,
        "too short": PREFIX + b"0211" + text[:-1] + END,
        "too long": PREFIX + b"0211" + text + b"A" + END,
        "of another size": PREFIX + b"0212" + text + END,
        "with a size that is only said": PREFIX + b"0210" + text + END,
        "with one sign of padding": PREFIX + b"0211" + text + b"=" + END,
        "with three signs of padding": PREFIX + b"0211" + text + b"===" + END,
        "with padding in the middle": PREFIX + b"0211" + text[:100] + b"=" + text[101:] + END,
        "in the other base64": PREFIX + b"0211" + text[:100] + b"+" + text[101:] + END,
        "with a letter for the first sign of padding": PREFIX + b"0211" + text + b"A=" + END,
        "with a letter for the second sign of padding": PREFIX + b"0211" + text + b"=A" + END,
        "with a sign behind z": PREFIX + b"0211" + text[:100] + b"{" + text[101:] + END,
        "with bits left over": PREFIX + b"0211" + text[:-1] + bytes([text[-1] + 1]) + END,
        "nothing behind the size": PREFIX + b"0211",
        "nothing but one mark": PREFIX + b"0211#",
    }


@pytest.mark.parametrize("what", not_a_form())
def test_what_is_not_its_form_is_malformed(what: str) -> None:
    verdict = judged(not_a_form()[what])
    assert verdict.reason is Reason.SUISHEN_FORM
    assert verdict.account_masked == ""


@pytest.mark.parametrize(
    "expiry",
    [
        *(b"20261321000000", b"20260001000000", b"20260230000000", b"20260432000000", b"00000101000000"),
        *(b"20260921240000", b"20260921006000", b"20260921000060", b"2026092100000 "),
        *(b"20250229000000", b"21000229000000", b"20260400000000"),
        *(b"20260921000000"[:at] + sign + b"20260921000000"[at + 1 :] for at in range(14) for sign in (b"/", b":")),
    ],
)
def test_an_expiry_that_is_no_moment_is_malformed(expiry: bytes) -> None:
    changed = body()
    assert judged(wrap(ISSUER.sign(changed[:100] + expiry + changed[114:]))).reason is Reason.SUISHEN_FORM


def test_a_card_number_is_decimal() -> None:
    changed = bytearray(body())
    changed[115] = 0xA1
    assert judged(wrap(ISSUER.sign(bytes(changed)))).reason is Reason.CARD_ACCOUNT


@pytest.mark.parametrize("key", ["suishen_keys", "suishen_transport_keys"])
def test_both_keys_must_be_loaded_under_their_index(key: str) -> None:
    row = PARAMETERS[key][0]
    for keys in ([], [row | {"index": 9}]):
        changes: dict[str, Any] = {key: keys}
        verdict = judged(code(), **changes)
        assert verdict.reason is Reason.ISSUER_KEY_NOT_LOADED
        assert verdict.stages[Stage.CERTIFICATE] is StageResult.FAILED


def test_each_signature_is_checked_under_its_own_key() -> None:
    other = make_suishen_issuer(index=3, transport_index=7)
    outer_forged = SuishenIssuer(key=other.key, transport_key=ISSUER.transport_key, index=3, transport_index=7)
    inner_forged = SuishenIssuer(key=ISSUER.key, transport_key=other.transport_key, index=3, transport_index=7)
    assert judged(wrap(body(outer_forged))).reason is Reason.ISSUER_SIGNATURE
    assert judged(wrap(body(inner_forged))).reason is Reason.TRANSPORT_SIGNATURE
    swapped = SuishenIssuer(key=ISSUER.transport_key, transport_key=ISSUER.key, index=3, transport_index=7)
    assert judged(wrap(body(swapped))).reason is Reason.ISSUER_SIGNATURE


@pytest.mark.parametrize("at", [64, 96, 97, 98, 113, 123, 127, 137, 138, 146, 147, 210])
def test_no_byte_behind_the_outer_signature_can_be_changed(at: int) -> None:
    changed = bytearray(body())
    changed[at] ^= 1
    assert not judged(wrap(bytes(changed))).accepted


@pytest.mark.parametrize("at", [64, 98, 110, 120, 127, 138, 146])
def test_the_transport_signature_covers_uuid_client_expiry_and_its_block(at: int) -> None:
    changed = bytearray(body())
    changed[at] ^= 1
    again = ISSUER.key.sign(bytes(changed[64:])) + bytes(changed[64:])
    assert judged(wrap(again)).reason is Reason.TRANSPORT_SIGNATURE


def test_a_code_lives_from_its_generation_for_its_validity() -> None:
    assert judged(code(), NOW + 120).accepted
    assert judged(code(), NOW + 121).reason is Reason.CODE_EXPIRED
    assert judged(code(), NOW - 20).accepted
    assert judged(code(), NOW - 21).reason is Reason.FROM_THE_FUTURE
    assert judged(code(validity_s=1201)).reason is Reason.VALIDITY_TOO_LONG


def test_the_expiry_is_in_beijing_time_to_the_second() -> None:
    midnight = int(datetime(2028, 3, 1, tzinfo=BEIJING).timestamp())  # the second after a leap day
    payload = code(expires_at=midnight - 1, generated_at=midnight - 10)
    assert unwrap(payload)[1][100:114] == b"20280229235959"
    assert judged(payload, midnight - 1).accepted
    assert judged(payload, midnight).reason is Reason.AUTHORISATION_EXPIRED


@given(st.datetimes(datetime(1970, 1, 1, 8), datetime(2106, 2, 7, 14)))
def test_any_expiry_is_read_as_the_library_reads_it(moment: datetime) -> None:
    second = int(moment.replace(microsecond=0, tzinfo=BEIJING).timestamp())
    validator = gate(limits={"families": ["suishen"], "debounce_ms": 0, "max_validity_s": 65535})
    payload = code(expires_at=second, generated_at=second, validity_s=60)
    assert validator.judge(payload, second).accepted
    assert validator.judge(payload, second + 1).reason is Reason.AUTHORISATION_EXPIRED


def test_every_month_ends_with_its_last_day() -> None:
    good = body()

    def expires_on(day: date, later: int = 0) -> Reason:
        expiry = f"{day:%Y%m}{day.day + later:02}120000".encode()
        return judged(wrap(ISSUER.sign(good[:100] + expiry + good[114:]))).reason

    for year, month in product((2000, 2026, 2027, 2028), range(1, 13)):
        last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        assert expires_on(last) is not Reason.SUISHEN_FORM, last
        assert expires_on(last, 1) is Reason.SUISHEN_FORM, last


@pytest.mark.parametrize("expiry", [b"99991231235959", b"21060301000000"])
def test_an_expiry_beyond_32_bits_is_never(expiry: bytes) -> None:
    changed = body()
    assert judged(wrap(ISSUER.sign(changed[:100] + expiry + changed[114:]))).accepted


def test_an_expiry_before_1970_is_long_ago() -> None:
    changed = body()
    payload = wrap(ISSUER.sign(changed[:100] + b"00010101000000" + changed[114:]))
    assert judged(payload).reason is Reason.AUTHORISATION_EXPIRED


def test_a_device_that_does_not_know_the_time_says_so() -> None:
    assert gate().judge(code(), Moment(unix_s=NOW, tick_ms=0, trusted=False)).reason is Reason.TIME_UNTRUSTED


def test_the_flag_for_transit_must_be_set() -> None:
    assert judged(code(flags=0xBFFF)).reason is Reason.NOT_FOR_TRANSIT
    assert judged(code(flags=0xFFFF)).accepted


def test_the_metro_needs_the_codes_own_bit_and_the_bus_only_the_parameters_word() -> None:
    assert judged(code(enabled=0x7FFF)).reason is Reason.MODE_NOT_ACCEPTED
    assert judged(code(enabled=0), mode=Mode.BUS).accepted
    row = PARAMETERS["suishen_transport_keys"][0]
    metro_by_default = {key: value for key, value in row.items() if key != "modes"}
    assert judged(code(), suishen_transport_keys=[metro_by_default]).accepted
    refused = judged(code(), mode=Mode.BUS, suishen_transport_keys=[metro_by_default])
    assert refused.reason is Reason.MODE_NOT_ACCEPTED


@pytest.mark.parametrize(("user_type", "accepted"), [(0, False), (1, True), (2, True), (3, True), (5, False)])
def test_user_types_that_are_known_ride(user_type: int, accepted: bool) -> None:
    verdict = judged(code(user_type=user_type))
    assert verdict.reason is (Reason.ACCEPTED if accepted else Reason.ACCOUNT_TYPE)


def test_test_users_ride_in_the_test_environment_only() -> None:
    assert judged(code(user_type=4)).accepted
    assert judged(code(user_type=4), environment="production").reason is Reason.ACCOUNT_TYPE


def test_it_is_shanghais_code_wherever_it_rides() -> None:
    accepting = {"320500": [310000]}
    assert judged(code(), city=320500, acceptance=accepting).accepted
    assert judged(code(), city=320500, acceptance={"320500": [320500]}).reason is Reason.CITY_NOT_ACCEPTED


def test_deny_list_cap_and_fare_hold_as_for_every_code() -> None:
    assert judged(code(), deny=[{"account": CARD}]).reason is Reason.DENY_LISTED
    assert judged(code(cap_fen=0)).reason is Reason.CAP_ZERO
    assert judged(code(cap_fen=299)).reason is Reason.FARE_OVER_CAP
    assert judged(code(), fares={"bus": 200}).reason is Reason.NO_FARE


def test_shown_again_it_is_the_same_presentation_and_later_a_repeat() -> None:
    validator = gate()
    unsigned = body()
    assert validator.judge(wrap(unsigned), NOW).accepted
    assert validator.judge(wrap(unsigned), NOW + 1).again
    assert validator.judge(wrap(unsigned), NOW + 10).reason is Reason.REPEATED
    signed_anew = wrap(ISSUER.sign(unsigned))
    assert signed_anew != wrap(unsigned)
    assert validator.judge(signed_anew, NOW + 20).reason is Reason.REPEATED
    assert validator.judge(code(generated_at=NOW + 21), NOW + 21).accepted


def test_a_ride_taken_back_leaves_nothing_and_one_remembered_is_a_repeat() -> None:
    validator = gate()
    payload = code()
    validator.retract(validator.judge(payload, NOW))
    assert validator.judge(payload, NOW).accepted
    restarted = gate()
    assert restarted.remember_code(payload, NOW)
    assert restarted.judge(payload, NOW + 31).reason is Reason.REPEATED
    assert gate(suishen_keys=[], suishen_transport_keys=[]).remember_code(payload, NOW)


def test_the_lab_has_no_numbers_for_it() -> None:
    verdict = judged(code(cap_fen=0))
    assert verdict.reason.case == 5165
    assert verdict.case is None


def test_the_layouts_two_descriptions_are_of_one_size() -> None:
    assert BODY.sizeof() == BODY_SIZE == 211


@given(
    payload=st.binary(max_size=300).map(wrap) | st.binary(max_size=400).map(lambda rest: PREFIX + b"0211" + rest + END)
)
def test_any_bytes_behind_the_prefix_have_a_verdict(payload: bytes) -> None:
    verdict = gate().judge(payload, NOW)
    assert not verdict.accepted
    assert verdict.account_masked is not None
    assert not gate().remember_code(payload, NOW) or len(unwrap(payload)[1]) == BODY_SIZE


@given(st.binary(min_size=BODY_SIZE - 16, max_size=BODY_SIZE - 16))
def test_any_body_with_a_good_expiry_fails_at_keys_or_signatures(rest: bytes) -> None:
    payload = wrap(rest[:100] + b"20270101000000\x03" + rest[100:] + b"x")
    assert judged(payload).reason in {
        Reason.CARD_ACCOUNT,
        Reason.ISSUER_KEY_NOT_LOADED,
        Reason.ISSUER_SIGNATURE,
    }


def test_a_concession_for_its_seniors_is_not_one_for_the_ministrys_type_of_that_number() -> None:
    keys = FamilyRules(
        suishen_keys=[SuishenKey(index=3, key=ISSUER.key.public)],
        transport_keys=[TransportKey(index=7, key=ISSUER.transport_key.public)],
    )

    def fare(account_type: int) -> int:
        rules = Rules(
            environment="test",
            version=1,
            limits=Limits(families=["suishen"]),
            fares=[Fare(rule="flat", mode=Mode.METRO, fen=300)],
            concessions=[Concession(rule="senior", account_type=account_type, percent=50)],
            other=rows(keys),
        )
        validator = Validator(from_rules(rules, "test"), GateContext(mode=Mode.METRO, city=310000))
        return validator.judge(code(user_type=2), NOW).fare_fen

    assert (fare(162), fare(2), fare(161)) == (150, 300, 300)
