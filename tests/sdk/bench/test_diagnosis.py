"""yima.sdk.bench.diagnosis: what happened to a code's bytes is named, proved where it can be undone, never guessed."""

import json
import random
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.damages import LOST, OPEN, UNDONE, even_parity, without
from tests.sdk.bench.conftest import FOUND
from tests.sdk.conftest import PAYMENT, new_rider
from yima.sdk.bench import CAUSES, Cause, Diagnosis, diagnose
from yima.sdk.bench.capture import Level, kept
from yima.sdk.bench.page import PAGES, page_with_table
from yima.sdk.issuer import RootAuthority, make_issuer
from yima.validator.readers.framing import unfolded

NOW = 1_790_000_000


def damaged(codes: list[bytes], name: str) -> Iterator[tuple[bytes, bytes]]:
    """(code, what came) of those that the damage changes at all."""
    damage = (UNDONE | LOST | OPEN)[name]
    for code in (*codes, *([FOUND[name]] if name in FOUND else [])):
        came = damage(code)
        if came != code or name == "whole":
            yield code, came


def named(came: bytes) -> Diagnosis:
    """What is found; its words quote no account."""
    found = diagnose(came)
    said = json.dumps(found.document())
    assert "6228480402564890" not in said
    assert "31048700000000019999" not in said
    return found


@pytest.mark.parametrize("name", UNDONE)
def test_what_can_be_undone_is_proved(name: str, codes: list[bytes]) -> None:
    for code, came in damaged(codes, name):
        found = named(came)
        assert (str(found.cause), found.proved) == (name.split(maxsplit=1)[0], True)
        assert found.payload == code


@pytest.mark.parametrize("name", LOST)
def test_what_is_lost_is_named(name: str, codes: list[bytes]) -> None:
    for _, came in damaged(codes, name):
        found = named(came)
        assert (str(found.cause), found.proved) == (name.split(maxsplit=1)[0], False)


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_a_suffix_behind_parity_takes_no_byte_of_a_code_that_ends_like_one(end: bytes, codes: list[bytes]) -> None:
    """One code in 150 was called none."""
    for last in (b"\n", b"\r", b"J"):
        found = diagnose(LOST["seven-bit parity and a suffix"](codes[0][:-1] + last)[:-2] + even_parity(end))
        assert found.cause is Cause.SEVEN_BIT


@pytest.mark.parametrize("name", OPEN)
def test_what_has_no_cause_of_its_own_is_left_open(name: str, codes: list[bytes]) -> None:
    """It was called a cut, flow control or whole."""
    for _, came in damaged(codes[4:5], name):
        assert named(came).cause in (Cause.UNDETERMINED, Cause.NOT_A_CODE)


def test_lost_bytes_that_are_of_no_kind_are_no_flow_control(root: RootAuthority) -> None:
    """A code without 11 and 13 that lost two other bytes was said to have lost those."""
    tries = (new_rider(make_issuer(root), payment_account=PAYMENT).code(NOW) for _ in range(400))
    code = next(code for code in tries if not {0x11, 0x13} & set(code))
    assert diagnose(code[:60] + code[61:-10] + code[-9:]).cause is not Cause.FLOW_CONTROL_DROPPED
    assert diagnose(code[:64] + code[80:]).cause is Cause.CUT


def test_a_capture_without_accounts_is_not_called_damaged(codes: list[bytes]) -> None:
    found = diagnose(kept(codes[0], Level.MASKED) or b"")
    assert found.cause is Cause.WHOLE
    assert "a capture left the accounts out" in found.detail


def test_swallowed_flow_control_is_named_or_left_open_and_put_back_where_little_is_lost(codes: list[bytes]) -> None:
    """Which of two bytes were lost is not always told by a code without them: then none is named."""
    for code in codes:
        found = diagnose(without(0x11, 0x13)(code))
        # Lost at the end alone, they leave what a cut leaves, too.
        assert found.cause in (Cause.FLOW_CONTROL_DROPPED, Cause.UNDETERMINED, Cause.CUT)
        assert not found.proved or found.payload == code


def test_a_single_swallowed_byte_of_flow_control_is_always_named(root: RootAuthority) -> None:
    """Of ten codes six had to be named; how many are is chance, and what was lost decides it. Each code has an issuer
    of its own: where the certificate of one has two such bytes, none of its codes has a single one."""
    lost_one: list[bytes] = []
    while len(lost_one) < 8:
        code = new_rider(make_issuer(root)).code(NOW)
        if code.count(0x11) + code.count(0x13) == 1 and code[-1] not in (0x11, 0x13):
            lost_one.append(code)
    for code in lost_one:
        found = diagnose(without(0x11, 0x13)(code))
        assert (found.cause, found.proved, found.payload) == (Cause.FLOW_CONTROL_DROPPED, True, code)


def test_the_speeds_of_a_line_are_told_where_the_ports_is_known(codes: list[bytes]) -> None:
    came = LOST["baud-mismatch 9600 at 115200"](codes[0])
    assert diagnose(came, read_baud=115200).detail == "sent at about 9600, read at 115200"
    came = LOST["baud-mismatch 115200 at 9600"](codes[0])
    assert diagnose(came, read_baud=9600).detail == "sent at about 115200, read at 9600"


def test_two_things_one_over_the_other_are_both_told(codes: list[bytes]) -> None:
    """The cause is the outermost that does harm."""
    came = UNDONE["utf8-reencoded"](b"]Q1" + codes[0]).hex().encode()
    found = diagnose(came)
    assert {str(step.cause) for step in found.steps} == {"hex-text", "utf8-reencoded", "framed"}
    assert (found.cause, found.proved, found.payload) == (Cause.UTF8_REENCODED, True, codes[0])


def test_a_code_with_a_wrong_signature_is_whole_and_not_proved(codes: list[bytes]) -> None:
    forged = codes[0][:-1] + bytes([codes[0][-1] ^ 1])
    found = diagnose(forged)
    assert (found.cause, found.proved) == (Cause.WHOLE, False)
    assert "signatures do not hold" in found.detail


def test_lab_codes_are_not_called_damaged(lab: dict[int, dict[str, Any]]) -> None:
    """Wrong in one field each: nothing happened to them on the way."""
    causes = {diagnose(bytes.fromhex(vector["code"])).cause for vector in lab.values()}
    assert causes <= {Cause.WHOLE, Cause.CUT, Cause.FRAMED, Cause.UNDETERMINED}


@pytest.mark.parametrize(
    "text", [b"https://s.sh.gov.cn/x", b"WIFI:T:WPA;S:name;P:word;;", b"hello", b"\x00\x01\x02", b"", b"deadbeef" * 9]
)
def test_what_is_no_code_is_not_called_one(text: bytes) -> None:
    assert diagnose(text).cause in (Cause.NOT_A_CODE, Cause.WHOLE, Cause.HEX_TEXT)
    assert not diagnose(text).proved


@pytest.mark.parametrize("sent", [b"AT", b"AT\r", b"AT\r\r\nATE0\rAT+GCAP\r", b"ATI1\r\n"])
def test_at_alone_is_modem_managers(sent: bytes) -> None:
    """rusefi 4359 took it for noise; nobody is told what sends it."""
    found = diagnose(sent)
    assert found.cause is Cause.NOT_A_CODE
    assert "ModemManager" in found.detail
    assert "ModemManager" not in diagnose(b"ATLANTIC HOTEL").detail


def test_random_bytes_are_no_code() -> None:
    chance = random.Random(5)
    causes = [diagnose(chance.randbytes(chance.choice((8, 20, 29, 60, 145, 348, 500)))).cause for _ in range(50)]
    assert set(causes) == {Cause.NOT_A_CODE}


@given(data=st.binary(max_size=700))
def test_any_bytes_give_an_answer(data: bytes) -> None:
    document = diagnose(data).document()
    assert json.loads(json.dumps(document)) == document
    assert document["cause"] in set(Cause)


def test_every_cause_is_explained_in_both_languages() -> None:
    assert set(CAUSES) == set(Cause)
    for explained in CAUSES.values():
        assert all(text.en and text.zh for text in explained[:2])


@pytest.mark.parametrize("language", PAGES)
def test_the_page_of_symptoms_has_the_table_of_causes(language: str) -> None:
    page = PAGES[language].read_text(encoding="utf-8")
    assert page == page_with_table(page, language), "run: python -m yima.sdk.bench.page"


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        (Cause.HEX_TEXT, bytes.hex),
        (Cause.BASE64_TEXT, lambda code: b64encode(code).decode()),
        (Cause.PERCENT_ENCODED, quote_from_bytes),
        (Cause.NUMBER_LIST, lambda code: ",".join(map(str, code))),
        (Cause.ESCAPED_TEXT, repr),
    ],
)
def test_nothing_is_to_be_done_only_about_what_a_gate_reads(
    cause: Cause, text: Callable[[bytes], str], codes: list[bytes]
) -> None:
    """A bug found: of texts that a gate's line does not unfold it was said that they are read as they are."""
    found = diagnose(text(codes[0]).encode())
    assert (found.cause, found.proved) == (cause, True)
    is_read = unfolded(text(codes[0]).encode())[0] == codes[0]
    assert is_read == found.explained[1].en.startswith("nothing to do")
