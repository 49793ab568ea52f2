"""The page's table of fields is the terminal's, row by row, and so is what it hides of accounts."""

import random
from typing import Any

import pytest

from tests.sdk.web.opened import Opened
from yima.sdk import suishen
from yima.sdk.bench.capture import Level, kept
from yima.sdk.dissection.code import dissect
from yima.sdk.sm2 import SigningKey
from yima.sdk.suishen import SuishenIssuer

ROWS = """asked => asked.map(([hex, reveal]) => {
  const payload = Uint8Array.from(hex.match(/../g), (two) => parseInt(two, 16));
  return yima.fields(payload, reveal).map((row) =>
    [row.number, row.name.en, row.name.zh, row.offset, row.size, row.raw, row.meaning]);
})"""


def assert_rows_agree(opened: Opened, payloads: list[bytes]) -> None:
    """Of each payload every row, masked and whole."""
    asked = [(payload, reveal) for payload in payloads for reveal in (False, True)]
    shown = opened.page.evaluate(ROWS, [(payload.hex(), reveal) for payload, reveal in asked])
    for (payload, reveal), rows in zip(asked, shown, strict=True):
        fields = dissect(payload, reveal=reveal).fields
        expected = [[f.number, *f.name, f.offset, f.size, f.raw, f.meaning] for f in fields]
        assert rows == expected, (payload.hex(), reveal)


@pytest.fixture(scope="module")
def codes(lab: dict[int, dict[str, Any]]) -> list[bytes]:
    """A code of each of the lab's cases."""
    return [bytes.fromhex(vector["code"]) for vector in lab.values()]


def test_codes_of_the_ministry_and_of_the_unified_platform(disk: Opened, codes: list[bytes]) -> None:
    assert_rows_agree(disk, codes)
    assert_rows_agree(disk, [b"\x55" + code for code in codes[:20]])


def test_codes_of_which_a_capture_left_out_the_accounts(disk: Opened, codes: list[bytes]) -> None:
    masked = [hidden for code in codes[::10] if (hidden := kept(code, Level.MASKED))]
    assert any(dissect(code).signatures["rider"] == "not kept" for code in masked)
    assert_rows_agree(disk, [*masked, *(b"\x55" + code for code in masked)])


@pytest.mark.long
def test_codes_that_were_cut_off_or_have_a_tail(disk: Opened, codes: list[bytes]) -> None:
    code = max(codes, key=len)
    assert_rows_agree(disk, [code[:size] for size in range(4, len(code), 3)])
    assert_rows_agree(disk, [code + b"\r\n", b"\x55" + code[:150], code[:200] + code])


def test_codes_of_which_bytes_are_changed_or_missing(disk: Opened, codes: list[bytes]) -> None:
    rng = random.Random(1179)
    damaged = []
    for code in rng.choices(codes, k=150):
        changed = bytearray(code)
        for _ in range(rng.choice((1, 1, 2, 5))):
            changed[rng.randrange(4, len(changed))] = rng.randrange(256)
        if rng.random() < 0.3:
            del changed[rng.randrange(4, 300)]
        damaged.append(bytes(changed))
    assert_rows_agree(disk, damaged)


@pytest.mark.long
def test_accounts_of_odd_forms_and_their_copies_elsewhere(disk: Opened, codes: list[bytes]) -> None:
    code = max(codes, key=len)
    copied = code[:198] + code[120:136] + code[214:]
    packed = code[:199] + code[136:146] + code[209:]
    digits = code[:198] + bytes.fromhex(code[120:136].decode()) + code[206:]
    accounts = [
        b"12345678".ljust(16),
        b"\xe4\xb8\xad".ljust(16),
        b" " * 16,
        b"0" * 16,
        b"a\tb\x7fc\x00d".ljust(16),
        b"9",
    ]
    odd = [code[:120] + account.ljust(16) + code[136:] for account in accounts]
    short = [code[:136] + bytes.fromhex(digits.ljust(20, "f")) + code[146:] for digits in ("", "12345678", "0" * 20)]
    assert_rows_agree(disk, [copied, packed, digits, *odd, *short])


def test_suishen_codes(disk: Opened) -> None:
    """The card number is masked; where the size is another, every digit."""
    issuer = SuishenIssuer(key=SigningKey.from_int(7), transport_key=SigningKey.from_int(8))
    body = issuer.body(card_account="31048700000000019999", generated_at=1_790_000_000, expires_at=1_790_086_400)
    code = suishen.wrap(body)
    short = [suishen.wrap(body[:size]) for size in (0, 1, 100, 130, 210)]
    changed = [suishen.wrap(body[:at] + b"\xee" * 4 + body[at + 4 :]) for at in range(90, 150, 3)]
    assert len(dissect(code).fields) == 15
    assert_rows_agree(
        disk, [code, code[:-2], code + b"!", code[:-1] + b"\n", code.replace(b"##", b"=##"), *short, *changed]
    )
