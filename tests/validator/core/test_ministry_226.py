"""The ministry code's form of 2019: 226 bytes, no certificate, the issuer's key found by its id."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.ministry_226 import Issuer226
from yima.sdk.sm2 import SigningKey
from yima.validator.judging import GateContext, Mode, Reason, Stage, StageResult, Validator, Verdict
from yima.validator.parameters import from_mapping

NOW = 1_790_000_000
ISSUER = Issuer226(key=SigningKey.generate())
RIDER = SigningKey.generate()
CARD = "31048700000000019999"
ROW = {"id": ISSUER.key_id, "key": ISSUER.key.public.hex(), "cap_fen": 1000, "city": 310000}
OLD_FORM: dict[str, Any] = {
    "environment": "test",
    "version": 1,
    "limits": {"families": ["ministry-226"]},
    "fares": {"bus": 200, "metro": 300},
    "ministry_226_keys": [ROW],
}


def old(**changes: Any) -> bytes:
    plain: dict[str, Any] = {
        "payment_account": "6228480402564890",
        "card_account": CARD,
        "authorised_until": NOW + 86400,
        "generated_at": NOW,
    }
    return ISSUER.code(RIDER, **(plain | changes))


def judged(code: bytes, at: int = NOW, mode: Mode = Mode.BUS, city: int = 310000, **changes: Any) -> Verdict:
    return gate(mode, city, **changes).judge(code, at)


def gate(mode: Mode = Mode.BUS, city: int = 310000, **changes: Any) -> Validator:
    parameters = from_mapping(OLD_FORM | changes)
    return Validator(parameters, GateContext(mode=mode, city=city), table_bytes=0)


@pytest.mark.parametrize("version", [0x40, 0x80, 0x81, 0xFF])
@pytest.mark.parametrize("kind", [0, 1])
def test_a_good_code_of_2019_rides(version: int, kind: int) -> None:
    verdict = judged(old(version=version, kind=kind))
    assert (verdict.accepted, verdict.family, verdict.fare_fen) == (True, "ministry-226", 200)
    assert verdict.account_masked == "3104************9999"
    assert verdict.organisation is None


def test_it_has_226_bytes_and_its_length_field_says_so() -> None:
    good = old()
    assert judged(good + b"\r\n").reason is Reason.LENGTH_FIELD
    assert judged(good[:1] + (224).to_bytes(2) + good[3:]).reason is Reason.LENGTH_FIELD
    assert judged(good[:-1]).family == "unknown"


def test_its_accounts_are_of_their_form() -> None:
    good = old()
    assert judged(good[:18] + b"\x1f" + good[19:]).reason is Reason.PAYMENT_ACCOUNT
    assert judged(good[:34] + b"\xaa" + good[35:]).reason is Reason.CARD_ACCOUNT


def test_the_issuers_key_is_found_by_its_id() -> None:
    verdict = judged(old(), ministry_226_keys=[ROW | {"id": "0A000002"}])
    assert verdict.reason is Reason.ISSUER_KEY_NOT_LOADED
    assert verdict.stages[Stage.CERTIFICATE] is StageResult.FAILED
    other = SigningKey.generate().public.hex()
    assert judged(old(), ministry_226_keys=[ROW | {"key": other}]).reason is Reason.ISSUER_SIGNATURE
    both = [ROW | {"id": "0A000002", "key": other}, ROW]
    assert judged(old(), ministry_226_keys=both).accepted


SIGNED = [
    *((at, Reason.ISSUER_SIGNATURE) for at in (10, 17, 44, 50, 85, 89, 91, 154)),
    *((at, Reason.RIDER_SIGNATURE) for at in (8, 155, 157, 160, 162, 225)),
]


@pytest.mark.parametrize(("at", "reason"), SIGNED)
def test_what_the_two_signatures_cover(at: int, reason: Reason) -> None:
    changed = bytearray(old())
    changed[at] ^= 1
    assert judged(bytes(changed)).reason is reason


def test_a_riders_key_lies_on_the_curve() -> None:
    forged = bytearray(old())
    forged[51:84] = b"\x02" + b"\xff" * 32
    forged[91:155] = ISSUER.key.sign(bytes(forged[10:90]))
    assert judged(bytes(forged)).reason is Reason.RIDER_KEY


def test_its_times_are_judged_as_every_codes() -> None:
    assert judged(old(), NOW + 120).accepted
    assert judged(old(), NOW + 121).reason is Reason.CODE_EXPIRED
    assert judged(old(generated_at=NOW + 21)).reason is Reason.FROM_THE_FUTURE
    assert judged(old(authorised_until=NOW - 1)).reason is Reason.AUTHORISATION_EXPIRED
    assert judged(old(validity_s=1201)).reason is Reason.VALIDITY_TOO_LONG


def test_what_the_code_does_not_say_stands_with_its_issuers_key() -> None:
    assert judged(old(), mode=Mode.METRO, ministry_226_keys=[ROW | {"modes": ["bus"]}]).reason is (
        Reason.MODE_NOT_ACCEPTED
    )
    assert judged(old(), ministry_226_keys=[ROW | {"cap_fen": 199}]).reason is Reason.FARE_OVER_CAP
    acceptance = {"320500": [320500]}
    assert judged(old(), city=320500, acceptance=acceptance).reason is Reason.CITY_NOT_ACCEPTED
    everywhere = {key: value for key, value in ROW.items() if key != "city"}
    assert judged(old(), city=320500, acceptance=acceptance, ministry_226_keys=[everywhere]).accepted
    assert judged(old(), deny=[{"account": CARD}]).reason is Reason.DENY_LISTED


def test_an_old_code_shown_again_is_a_repeat_also_after_a_restart() -> None:
    validator = gate()
    code = old()
    assert validator.judge(code, NOW).accepted
    assert validator.judge(code, NOW + 1).again
    assert validator.judge(code, NOW + 10).reason is Reason.REPEATED
    restarted = gate(ministry_226_keys=[])
    assert restarted.remember_code(code, NOW)


@given(st.binary(min_size=226, max_size=260))
def test_any_bytes_of_that_form_have_a_verdict(rest: bytes) -> None:
    code = bytearray(rest)
    code[0], code[3], code[90], code[161] = 0x80, 1, 0x15, 0x15
    code[1:3] = (len(code) - 3).to_bytes(2)
    code[4:8] = bytes.fromhex(ISSUER.key_id)
    verdict = judged(bytes(code))
    assert not verdict.accepted
    assert verdict.family == "ministry-226"
    gate().remember_code(bytes(code), NOW)
