"""随申码 taken apart: what it carries, where it is broken, and never the card number."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.dissection.code import dissect
from yima.sdk.suishen import BODY, PREFIX, make_suishen_issuer, wrap
from yima.validator.judging import GateContext, Mode, Reason, Validator
from yima.validator.parameters import from_mapping

NOW = 1_790_000_000
CARD = "31001234567890123456"
ISSUER = make_suishen_issuer(index=3, transport_index=7)
PARAMETERS = {"environment": "test", "version": 1, "limits": {"families": ["suishen"]}}


def code(**changes: Any) -> bytes:
    plain: dict[str, Any] = {"card_account": CARD, "generated_at": NOW, "expires_at": NOW + 3600, "user_type": 2}
    return ISSUER.code(**(plain | changes))


def test_what_a_good_code_carries() -> None:
    found = dissect(code(), at=NOW + 121)
    assert found.sound
    assert found.document == {
        "family": "suishen",
        "size": 308,
        "decoded_size": 211,
        "card_account": "3100************3456",
        "flags": 0x4000,
        "enabled": 0x8000,
        "user_type": 2,
        "cap_fen": 2000,
        "validity_s": 120,
        "generated_at": NOW,
        "expires_at": NOW + 3600,
        "key_index": 3,
        "transport_key_index": 7,
        "problems": [],
        "time": {"authorisation": "valid", "code": "expired"},
    }


def test_every_field_has_a_row_with_its_place_in_the_decoded_bytes() -> None:
    rows = dissect(code()).fields
    assert len(rows) == len(BODY.subcons)
    assert [row.offset for row in rows] == [sum(r.size for r in rows[:i]) for i in range(len(rows))]
    assert sum(row.size for row in rows) == 211
    meanings = {row.name.en: row.meaning for row in rows}
    assert meanings["user type"] == "senior"
    assert meanings["cap on one trip"] == "¥20.00"
    assert meanings["generation time"] == "2026-09-21 14:13:20 UTC"
    assert meanings["expiry, Beijing time"] == "20260921231320"


def test_the_card_number_is_masked_in_every_view_unless_it_is_revealed() -> None:
    payload = code(uuid=CARD.encode().ljust(32, b"x"))
    hidden = dissect(payload)
    shown = json.dumps(hidden.document) + str(hidden.fields)
    assert CARD not in shown
    assert CARD.encode().hex() not in shown
    assert payload.decode()[30:60] not in shown
    revealed = dissect(payload, reveal=True)
    assert revealed.document["card_account"] == CARD
    assert any(row.raw == CARD for row in revealed.fields)


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (code()[:-2], "does not end in ##"),
        (PREFIX + b"0211" + b"!!!!##", "no base64url"),
        (PREFIX + b"0211##", "no base64url"),
        (PREFIX + b"0210" + code()[24:], "says 210 decoded bytes, there are 211"),
        (wrap(bytes(210)), "this form has 211"),
        (wrap(bytes(212)), "this form has 211"),
        (code()[:-3] + bytes([code()[-3] + 1]) + b"##", "not as an encoder writes it"),
        (code(user_type=5), "user type"),
        (wrap(bytes(100) + b"20261301000000" + bytes(97)), "expiry"),
        (wrap(bytes(115) + b"\xab" + bytes(95)), "card number"),
    ],
)
def test_what_is_wrong_is_told(payload: bytes, says: str) -> None:
    found = dissect(payload)
    assert found.document["family"] == "suishen"
    assert not found.sound
    assert any(says in problem.text.en for problem in found.problems)


def test_a_body_of_another_size_is_not_shown() -> None:
    body = ISSUER.body(card_account=CARD, generated_at=NOW, expires_at=NOW)
    found = dissect(wrap(body[:64] + b"more" + body[64:]))
    assert found.document["card_account"] is None
    assert CARD not in str(found.fields) + json.dumps(found.document)


FORM = {Reason.SUISHEN_FORM, Reason.CARD_ACCOUNT}


@given(st.data())
def test_dissect_and_core_agree_on_what_has_the_right_form(data: st.DataObject) -> None:
    """Two implementations that share no line, over damaged codes."""
    payload = bytearray(code(user_type=1))
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(20, len(payload) - 1))
        payload[at] = data.draw(st.sampled_from(b"AZaz09-_=+/#0123456789"))
    if data.draw(st.booleans()):
        del payload[data.draw(st.integers(24, len(payload))) :]
    damaged = bytes(payload)
    verdict = Validator(from_mapping(PARAMETERS), GateContext(mode=Mode.METRO)).judge(damaged, NOW)
    if verdict.family != "suishen":
        return
    problems = [problem for problem in dissect(damaged).problems if "user type" not in problem.text.en]
    assert (verdict.reason in FORM) == bool(problems)


@given(rest=st.binary(max_size=400), at=st.none() | st.integers(0, 0xFFFFFFFF), reveal=st.booleans())
def test_any_bytes_behind_the_prefix_have_a_dissection(rest: bytes, at: int | None, reveal: bool) -> None:
    for payload in (PREFIX + b"0211" + rest, wrap(rest)):
        found = dissect(payload, at=at, reveal=reveal)
        assert found.document["family"] == "suishen"
        json.dumps(found.document)
