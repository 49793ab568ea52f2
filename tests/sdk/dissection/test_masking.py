"""Accounts never show, whatever a code is damaged by and wherever else they stand."""

import json
import re
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yima.sdk.dissection.code import Dissection, dissect
from yima.sdk.dissection.masking import Veil
from yima.sdk.dissection.record import dissect_record
from yima.validator.judging import Mode, Moment, Validator, masked
from yima.validator.judging.record import Terminal, trip_record

PAYMENT = "6217993300451826"
CARD = "31048726591374085532"
# What lies between the first and last four: no eight characters of it may be seen in a row. Shorter pieces would be met
# in random signatures by chance.
SECRETS = [
    secret
    for middle in (PAYMENT[4:-4], CARD[4:-4])
    for digits in (middle[i : i + 8] for i in range(len(middle) - 7))
    for secret in (digits, digits.encode().hex())
]


@pytest.fixture(scope="module")
def code(new_code: Callable[..., bytes]) -> bytes:
    """A good code with these accounts, whose digits nothing else holds."""
    return new_code(payment_account=PAYMENT, card_account=CARD, issuer_data=b"abcdefg")


@pytest.fixture(scope="module")
def record(code: bytes, validator: Callable[[], Validator], now: int) -> bytes:
    """Its trip record."""
    moment = Moment.at(now)
    verdict = validator().judge(code, moment)
    return trip_record(verdict, mode=Mode.BUS, terminal=Terminal(terminal="3"), record_id="3-1-7", moment=moment)


def shown(dissection: Dissection) -> Iterator[str]:
    """Every text that leaves: the JSON, the table, the messages."""
    yield json.dumps(dissection.document)
    for field in dissection.fields:
        yield from (field.raw, field.meaning)
    for problem in dissection.problems:
        yield from problem.text


def leaks(dissection: Dissection) -> list[str]:
    return [secret for text in shown(dissection) for secret in SECRETS if secret in text]


def test_a_good_code_shows_four_characters_at_either_end(code: bytes) -> None:
    dissection = dissect(code)
    assert dissection.document["payment_account"] == masked(PAYMENT) == "6217********1826"
    assert dissection.document["card_account"] == masked(CARD) == "3104************5532"
    assert leaks(dissection) == []


def test_reveal_shows_everything(code: bytes, record: bytes) -> None:
    assert {PAYMENT, CARD} <= set(leaks_whole(dissect(code, reveal=True)))
    assert {PAYMENT, CARD} <= set(leaks_whole(dissect_record(record, reveal=True)))


def leaks_whole(dissection: Dissection) -> list[str]:
    return [account for text in shown(dissection) for account in (PAYMENT, CARD) if account in text]


def test_a_record_leaks_in_no_tag(record: bytes) -> None:
    dissection = dissect_record(record)
    assert leaks(dissection) == []
    tags = dissection.document["tags"]
    assert isinstance(tags, dict)
    assert len(tags["0001"]) == 2 * 339
    assert tags["0001"].count("*") == 2 * 8 + 12


@pytest.mark.parametrize(
    "data",
    [CARD.encode(), bytes.fromhex(CARD), PAYMENT.encode(), bytes.fromhex(PAYMENT), bytes.fromhex("0" + CARD + "f")],
    ids=["card text", "card packed", "payment text", "payment packed", "card packed askew"],
)
def test_an_account_repeated_in_the_issuers_data_is_hidden_there_too(
    data: bytes, new_code: Callable[..., bytes]
) -> None:
    dissection = dissect(new_code(payment_account=PAYMENT, card_account=CARD, issuer_data=b"\x01" + data))
    assert leaks(dissection) == []
    assert dissection.sound


def test_an_account_in_a_tag_of_the_acquirer_is_hidden_there_too(record: bytes) -> None:
    for value in (CARD.encode(), bytes.fromhex(CARD), b"x" + PAYMENT.encode()):
        own = bytes.fromhex("2100") + len(value).to_bytes(2) + value
        as_text = bytes.fromhex("000c") + len(value).to_bytes(2) + value
        assert leaks(dissect_record(record + own + as_text)) == []


@pytest.mark.parametrize("shift", [*range(1, 60, 7), 100, 130])
@pytest.mark.parametrize("cut_at", [10, 30, 90, 119])
def test_a_code_that_lost_bytes_before_its_accounts_does_not_show_them_in_other_fields(
    shift: int, cut_at: int, code: bytes
) -> None:
    broken = code[:cut_at] + code[cut_at + shift :]
    assert leaks(dissect(broken)) == []
    assert leaks(dissect(code[:cut_at] + bytes(shift) + code[cut_at:])) == []


def test_a_code_cut_within_an_account_keeps_its_first_four_only(code: bytes) -> None:
    for size in range(120, 147):
        dissection = dissect(code[:size])
        assert leaks(dissection) == []
        seen = str(dissection.document["payment_account"] or "").rstrip("*")
        assert len(seen) <= 4 or size >= 136


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_damage_behind_the_certificate_shows_no_account(data: st.DataObject, code: bytes) -> None:
    broken = bytearray(code[: data.draw(st.integers(120, len(code)))])
    for _ in range(data.draw(st.integers(0, 3))):
        broken[data.draw(st.integers(0, len(broken) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert leaks(dissect(bytes(broken))) == []


@given(account=st.text("0123456789", min_size=1, max_size=20))
def test_the_veil_and_the_device_mask_alike(account: str) -> None:
    packed = bytes.fromhex(account.ljust(20, "f"))
    veil = Veil(packed)
    veil.hide_packed_account(0, 10, whole=True)
    assert veil.hex(0, 10).rstrip("f") == masked(account)


@given(account=st.from_regex(r"[!-~]{1,16}", fullmatch=True))
def test_text_accounts_are_masked_alike_in_text_and_hex(account: str) -> None:
    veil = Veil(account.encode().ljust(16))
    veil.hide_text_account(0, 16, whole=True)
    assert veil.text(0, 16).rstrip(" ").replace("\\\\", "\\") == masked(account).replace("\\\\", "\\")
    stars = re.sub("[^*]", "", veil.hex(0, 16))
    assert len(stars) == 2 * (len(account) if len(account) <= 8 else len(account) - 8)


@given(payload=st.binary(max_size=60))
def test_text_holds_nothing_a_terminal_would_obey(payload: bytes) -> None:
    assert Veil(payload).text(0, len(payload)).isprintable()
