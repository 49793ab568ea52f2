"""yima.sdk.issuer: what it makes is what the standard says, and the core accepts it."""

from collections.abc import Callable
from typing import Any

import pytest

from yima.sdk import layouts, sm2
from yima.sdk.issuer import Issuer, RootAuthority, make_issuer, make_rider, make_root
from yima.validator import _core
from yima.validator.judging import Reason, Validator


def test_a_root_certificate_signs_itself_and_the_core_takes_it(root: RootAuthority) -> None:
    assert len(root.certificate) == 144
    assert sm2.verify(root.key.public, root.certificate[:80], root.certificate[80:])
    assert _core.root_certificate_valid(root.certificate)


def test_an_issuer_certificate_is_signed_by_its_root_over_47_bytes(root: RootAuthority, issuer: Issuer) -> None:
    certificate = issuer.certificate
    assert len(certificate) == 117
    assert sm2.verify(root.key.public, certificate[6:53], certificate[53:])
    parsed = layouts.CERTIFICATE.parse(certificate)
    assert (parsed.root_index, parsed.issuer_id.hex(), parsed.serial.hex()) == (1, "00083010", "000001")


@pytest.mark.parametrize("data_size", range(33))
def test_a_code_with_any_length_of_issuers_data_is_accepted_once(
    data_size: int, new_code: Callable[..., bytes], validator: Callable[[], Validator], now: int
) -> None:
    code = new_code(issuer_data=bytes(range(data_size)))
    assert len(code) == 332 + data_size
    judge = validator()
    assert judge.judge(code, now).reason == Reason.ACCEPTED
    assert judge.judge(code, now + 10).reason == Reason.REPEATED


def test_signatures_cover_the_spans_of_the_standard(code: bytes) -> None:
    parsed = layouts.CODE.parse(code)
    issuer_key = layouts.CERTIFICATE.parse(parsed.certificate).issuer_key
    assert sm2.verify(issuer_key, code[3:205], parsed.issuer_signature[1:])
    assert sm2.verify(parsed.rider_key, code[:274], parsed.rider_signature[1:])
    assert parsed.issuer_signature[0] == parsed.rider_signature[0] == 0x15


def test_a_rider_signs_each_code_anew_and_the_issuers_part_stays(issuer: Issuer, now: int) -> None:
    rider = make_rider(
        issuer, payment_account="A1", card_account="1", platform="50083010", authorised_until=now + 60, issuer_data=b"x"
    )
    first, later = rider.code(now), rider.code(now + 30, version=0x81)
    assert first[3:264] == later[3:264]
    assert layouts.CODE.parse(later).generated_at == now + 30
    assert later[0] == 0x81


def test_fields_carry_what_was_asked_for(new_code: Callable[..., bytes], now: int) -> None:
    code = new_code(
        payment_account="ACCOUNT 7",
        card_account="3104870000000001999",
        organisation="01011000",
        platform="01011000",
        account_type=0x41,
        cap_fen=0xFFFFFF,
        authorised_until=0xFFFFFFFF,
        validity_s=0xFFFF,
    )
    fields = layouts.CODE.parse(code)
    assert fields.payment_account == b"ACCOUNT 7       "
    assert fields.card_account.hex() == "3104870000000001999f"
    assert (fields.organisation.hex(), fields.platform.hex()) == ("01011000", "01011000")
    assert (fields.account_type, fields.cap) == (0x41, 0xFFFFFF)
    assert (fields.authorised_until, fields.validity, fields.generated_at) == (0xFFFFFFFF, 0xFFFF, now)


def test_keys_can_be_given_so_that_a_world_can_be_made_again() -> None:
    key = sm2.SigningKey.from_int(7)
    root = make_root(3, (2030, 1), key=key)
    assert root.certificate[16:80] == key.public
    assert make_issuer(root, key=key).certificate[20:53] == key.compressed


@pytest.mark.parametrize(
    "wrong",
    [
        {"payment_account": "x" * 17},
        {"payment_account": "支付"},
        {"payment_account": "a\nb"},
        {"card_account": "1" * 21},
        {"card_account": "12x"},
        {"organisation": "1234"},
        {"platform": "１２３４５６７８"},
        {"account_type": 256},
        {"cap_fen": 1 << 24},
        {"authorised_until": -1},
        {"validity_s": 65536},
        {"issuer_data": bytes(33)},
    ],
    ids=str,
)
def test_what_no_code_can_carry_is_the_callers_mistake(wrong: dict[str, Any], new_code: Callable[..., bytes]) -> None:
    with pytest.raises(ValueError):
        new_code(**wrong)


def test_certificates_refuse_what_they_cannot_carry(root: RootAuthority) -> None:
    with pytest.raises(ValueError, match="expiry"):
        make_root(1, (2100, 1))
    with pytest.raises(ValueError, match="expiry"):
        make_issuer(root, expires=(2049, 13))
    with pytest.raises(ValueError, match="serial"):
        make_issuer(root, serial=1 << 24)
    with pytest.raises(ValueError, match="8 digits"):
        make_issuer(root, "123")
