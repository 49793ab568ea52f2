"""What kind of code a payload is: every family by its first bytes, none in the shadow of another."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.issuer import Rider
from yima.validator import _core
from yima.validator.judging import Reason, Stage, Validator

OLD = bytearray(226)
OLD[0], OLD[1:3], OLD[3], OLD[90], OLD[161] = 0x80, (223).to_bytes(2), 1, 0x15, 0x15


def old(first: int) -> bytes:
    return bytes([first]) + bytes(OLD[1:])


def ministry(first: int = 0x80, size: int = 332, header: int = 0x24) -> bytes:
    return bytes([first]) + (size - 3).to_bytes(2) + bytes([header]) + bytes(328)


CASES = [
    (ministry(), "ministry", Reason.PAYMENT_ACCOUNT),
    (ministry(first=0x7F), "ministry", Reason.VERSION),
    (ministry(first=0x01), "ministry", Reason.VERSION),
    (ministry(first=0x02), "ministry", Reason.VERSION),
    (ministry(first=0x54), "ministry", Reason.VERSION),
    (ministry(first=0x55), "ministry", Reason.VERSION),
    (ministry(first=0x40), "ministry", Reason.VERSION),
    (ministry(size=400), "ministry", Reason.LENGTH_FIELD),
    (ministry(header=0x00), "ministry", Reason.PAYMENT_ACCOUNT),
    (ministry(first=0x7F, size=400), "unknown", Reason.UNKNOWN_FAMILY),
    (ministry(first=0x7F, header=0x23), "unknown", Reason.UNKNOWN_FAMILY),
    (b"\x55" + ministry(), "unified", Reason.UNIFIED_NOT_ACCEPTED),
    (b"\x55" + ministry(size=400), "unified", Reason.UNIFIED_NOT_ACCEPTED),
    (b"\x55" + bytes(332), "unknown", Reason.UNKNOWN_FAMILY),
    (old(0x80), "ministry-226", Reason.MINISTRY_226_NOT_ACCEPTED),
    (old(0x40), "ministry-226", Reason.MINISTRY_226_NOT_ACCEPTED),
    (old(0x80) + b"\r\n", "ministry-226", Reason.MINISTRY_226_NOT_ACCEPTED),
    (old(0x41), "unknown", Reason.UNKNOWN_FAMILY),
    (old(0x40)[:90] + b"\x14" + old(0x40)[91:], "unknown", Reason.UNKNOWN_FAMILY),
    (old(0x40)[:161] + b"\x14" + old(0x40)[162:], "unknown", Reason.UNKNOWN_FAMILY),
    (old(0x40)[:3] + b"\2" + old(0x40)[4:], "unknown", Reason.UNKNOWN_FAMILY),
    (b"https://s.sh.gov.cn/0420abcd##", "suishen", Reason.SUISHEN_NOT_ACCEPTED),
    (b"https://s.sh.gov.cn/042", "suishen-hall", Reason.ONLINE_CODE_NOT_ACCEPTED),
    (b"https://s.sh.gov.cn/token", "suishen-hall", Reason.ONLINE_CODE_NOT_ACCEPTED),
    (b"http://example.com", "suishen-hall", Reason.ONLINE_CODE_NOT_ACCEPTED),
    (b"HTTPS://EXAMPLE.COM", "suishen-hall", Reason.ONLINE_CODE_NOT_ACCEPTED),
    (b"\x80\0\0", "unknown", Reason.UNKNOWN_FAMILY),  # two marks of the ministry's, and no room for the third
    (b"https:/", "unknown", Reason.UNKNOWN_FAMILY),
    (b"http", "unknown", Reason.UNKNOWN_FAMILY),
    (b"https", "unknown", Reason.UNKNOWN_FAMILY),
    (b"httpx://example.com", "unknown", Reason.UNKNOWN_FAMILY),
    (b"\x02\x01" + bytes(150), "alipay", Reason.ALIPAY_NOT_ACCEPTED),
    (b"\x01\x02" + bytes(150), "alipay", Reason.ALIPAY_NOT_ACCEPTED),
    (b"\x54\x01" + bytes(150), "city-card", Reason.CITY_CARD_NOT_ACCEPTED),
    (b"\x54\x02" + bytes(150), "city-card", Reason.CITY_CARD_NOT_ACCEPTED),
    (b"\x54\x00" + bytes(150), "unknown", Reason.UNKNOWN_FAMILY),
    (b"\x54\x03" + bytes(150), "unknown", Reason.UNKNOWN_FAMILY),
    (b"\x02\x03" + bytes(150), "unknown", Reason.UNKNOWN_FAMILY),
    (b"TX0123456789", "wechat", Reason.WECHAT_NOT_ACCEPTED),
    (b"6212345678901234567", "unionpay", Reason.UNIONPAY_NOT_ACCEPTED),
    (b"6312345678901234567", "unknown", Reason.UNKNOWN_FAMILY),
    (b"62123456789a", "unknown", Reason.UNKNOWN_FAMILY),
    (b"6212345 6789", "unknown", Reason.UNKNOWN_FAMILY),
    (b"", "unknown", Reason.UNKNOWN_FAMILY),
    (b"\x80", "unknown", Reason.UNKNOWN_FAMILY),
    (b"\x80\x01\x49\x24", "ministry", Reason.TOO_SHORT),
    (b"weather is fine", "unknown", Reason.UNKNOWN_FAMILY),
]


@pytest.mark.parametrize(("payload", "family", "reason"), CASES, ids=range(len(CASES)))
def test_a_payload_belongs_to_one_family_which_has_its_own_reason(
    payload: bytes, family: str, reason: Reason, new_validator: Callable[..., Validator], now: int
) -> None:
    assert _core.family_of(payload) == family
    verdict = new_validator().judge(payload, now)
    assert verdict.family == family
    assert verdict.reason is reason
    assert reason.stage is Stage.FORMAT


def test_every_family_but_the_ministrys_has_a_case_above() -> None:
    known_by_a_prefix_of_the_parameters = {"sufu", "anhui", "zhejiang"}
    assert {family for _, family, _ in CASES} | known_by_a_prefix_of_the_parameters == set(_core.FAMILIES)


def test_every_good_code_is_a_ministry_code_whatever_stands_in_its_fields(
    new_rider: Callable[..., Rider], new_validator: Callable[..., Validator], now: int
) -> None:
    validator = new_validator()
    for size in range(33):
        verdict = validator.judge(new_rider(issuer_data=b"\x15" * size).code(now), now)
        assert verdict.accepted
        assert verdict.family == "ministry"


@given(st.binary(max_size=600))
def test_any_bytes_have_a_family(payload: bytes) -> None:
    assert _core.family_of(payload) in _core.FAMILIES
