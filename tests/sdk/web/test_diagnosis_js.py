"""sdk/web/page: the diagnosis in the browser answers what yima.sdk.bench answers, to the byte and the word."""

import json
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.damages import LOST, OPEN, UNDONE, Damage, without
from tests.sdk.bench.conftest import CODES
from tests.sdk.bench.test_pasted import FORMS, dump
from yima.sdk.bench import CAUSES, Cause, Diagnosis, diagnose
from yima.sdk.bench.browser import SCRIPT, script
from yima.sdk.bench.card import CARD, diagnose_card
from yima.sdk.bench.wholeness import is_proved
from yima.sdk.dissection.families import family_of
from yima.sdk.payloads import PayloadError, payload_in
from yima.validator._core import sm2_verify

SCRIPTS = (
    "causes",
    "wholeness",
    "charsets",
    "dumps",
    "pasted",
    "packets",
    "rewritten",
    "mapped",
    "restoring",
    "losses",
    "lines",
    "diagnosis",
    "card",
)
"""In the order in which a page has them."""
HARNESS = Path(__file__).with_name("scripts.js")
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def code() -> bytes:
    """The same in every run."""
    return CODES[2]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Asks the scripts in Node; the core says whether signatures hold."""
    node = shutil.which("node")
    if node is None:
        pytest.fail("node is not installed: run make setup as root")
    paths = [str(SCRIPT.with_name(f"{name}.js")) for name in SCRIPTS]
    with subprocess.Popen(
        [node, str(HARNESS), *paths], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        assert process.stdin
        assert process.stdout

        def say(what: object) -> None:
            assert process.stdin
            process.stdin.write(json.dumps(what) + "\n")
            process.stdin.flush()

        def asked(**question: Any) -> Any:
            say(question)
            for line in process.stdout or ():
                told = json.loads(line)
                if "answer" in told:
                    return told["answer"]
                say(holds(*map(bytes.fromhex, told["signed"])) if "signed" in told else whole(*told["whole"]))
            pytest.fail("the scripts ended: see the standard error of Node")

        yield asked
        process.stdin.close()


def holds(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        return sm2_verify(key, message, signature)
    except ValueError:
        return False


def whole(code: str) -> bool:
    return is_proved(bytes.fromhex(code))


def assert_agrees(ask: Ask, data: bytes, baud: int = 0) -> None:
    """Cause, proof, bytes, words and every step are Python's."""
    assert_tells(ask(diagnose=data.hex(), baud=baud), diagnose(data, read_baud=baud))


def assert_tells(told: list[dict[str, Any]], found: Diagnosis) -> None:
    first, *steps = told
    what, cure, _ = CAUSES[found.cause]
    assert first == {
        "cause": str(found.cause),
        "proved": found.proved,
        "bytes": found.payload.hex(),
        "detail": found.detail,
        "harmless": found.harmless,
        "note": what._asdict(),
        "cure": cure._asdict(),
    }
    expected = found.steps if len(found.steps) > 1 else ()
    assert [(one["cause"], one["detail"], one["bytes"]) for one in steps] == [
        (str(step.cause), step.detail, None) for step in expected
    ]


def assert_payload_agrees(ask: Ask, data: bytes) -> None:
    found = ask(payload=data.hex())
    try:
        payload = payload_in(data, "x")
    except PayloadError as error:
        assert found == {"problem": error.problem._asdict()}
    else:
        assert found == {"bytes": payload.data.hex(), "form": payload.form}


def test_the_tables_are_pythons() -> None:
    assert SCRIPT.read_text(encoding="utf-8") == script(), "run: python -m yima.sdk.bench.browser"


@pytest.mark.parametrize("name", [*UNDONE, *LOST, *OPEN])
def test_every_damage_is_named_as_python_names_it(name: str, ask: Ask, code: bytes) -> None:
    damage = (UNDONE | LOST | OPEN)[name]
    assert_agrees(ask, damage(code))


@pytest.mark.long
@pytest.mark.parametrize("name", [*UNDONE, *LOST, *OPEN])
def test_every_damage_to_a_unified_code_is_named_as_python_names_it(name: str, ask: Ask, code: bytes) -> None:
    assert_agrees(ask, (UNDONE | LOST | OPEN)[name](b"\x55" + code))


@pytest.mark.parametrize(
    "values",
    [(0x11, 0x13), (0x0D,), *(pytest.param(one, marks=pytest.mark.long) for one in ((0x0A,), (0x0D, 0x0A), (0,)))],
)
def test_swallowed_bytes_are_put_back_as_python_puts_them(
    values: tuple[int, ...], ask: Ask, new_code: Callable[..., bytes]
) -> None:
    assert_agrees(ask, without(*values)(new_code()))


def test_the_card_is_read_as_python_reads_it(ask: Ask, code: bytes) -> None:
    dropped: list[Damage] = [without(0x11, 0x13), without(0x0D), without(0x11, 0x13, 0x80, 0x81, 0x82)]
    for damage in (*UNDONE.values(), *LOST.values(), *dropped):
        told, found = ask(card=damage(CARD).hex()), diagnose_card(damage(CARD))
        assert (told is None) == (found is None)
        if found is not None:
            assert_tells(told, found)
    assert ask(card=code.hex()) is None


def test_without_single_signatures_the_proof_is_asked_of_the_whole(ask: Ask, code: bytes) -> None:
    first, *_ = ask(diagnose=UNDONE["utf8-reencoded"](code).hex(), whole=True)
    assert (first["cause"], first["proved"], first["bytes"]) == ("utf8-reencoded", True, code.hex())
    first, *_ = ask(diagnose=(code[:-1] + bytes([code[-1] ^ 1])).hex(), whole=True)
    assert (first["cause"], first["proved"]) == ("whole", False)


@pytest.mark.parametrize("baud", [9600, 115200])
def test_the_speed_of_the_line_is_told(baud: int, ask: Ask, code: bytes) -> None:
    for name in ("baud-mismatch 9600 at 115200", "baud-mismatch 115200 at 9600", "whole"):
        assert_agrees(ask, (UNDONE | LOST)[name](code), baud)


@pytest.mark.parametrize("form", FORMS)
def test_a_pasted_form_gives_pythons_bytes(form: str, ask: Ask, code: bytes) -> None:
    for data in (code, bytes(range(256)), b"\x01\x02"):
        text = FORMS[form](data)
        assert_payload_agrees(ask, text.encode())
        assert_payload_agrees(ask, f"\ufeff {text}\r\n".encode("utf-16-le"))
        assert ask(pasted=text) == ask(payload=text.encode().hex())


def test_damaged_and_odd_texts_agree(ask: Ask, code: bytes) -> None:
    """Each form with a letter lost, changed or added, and what only looks like a form."""
    chance = random.Random(11)
    letters = "0f,x\\ '\"-\n:=%{}[]()zé"
    for form in (*FORMS.values(), dump):
        for data in (code[:40], bytes(range(100, 140))):
            text = form(data)
            at = chance.randrange(len(text))
            for changed in (text[:at] + text[at + 1 :], text[:at] + chance.choice(letters) + text[at:], text[:at]):
                assert_payload_agrees(ask, changed.encode())
    for text in ODD:
        assert_payload_agrees(ask, text.encode())


@pytest.mark.parametrize("sent", [b"AT", b"AT\r\nATE0\r", b"ATLANTIC", b"AT+GCAP\r", b"AT\n\x00"])
def test_what_a_modem_is_asked_is_told_as_python_tells_it(sent: bytes, ask: Ask) -> None:
    assert_agrees(ask, sent)


ODD = (
    "", "\ufeff", "hello", "https://s.sh.gov.cn/1234", "6212345678", "TXabc", "TICKET-2026-11", "[1, 2.0]", "[true, 1]",
    '{"a": NaN, "b": "8001 5b24"}', '"\\u0080\\u0001"', '"data:,\\ud800"', "b'a' b'b'", r"b'\xZZ'", r"b'\q\400'",
    "rb'\\x'", "b'''abc'''", "{ 'a', '\\n', 010 }", "{ 0b11, 0o17, -1, 1_0 }", "{1e1}", "<80 01 5b>", "x'80 0'",
    "00000000: 00\n*\nffffffffffffffff", "00000000: 00\n*\n00000010", "0000000 000001 000002", "00 01 02 03",
    "1 2 3 400",
    "-1 -2 -128", "80:01:5", "data:;base64,ab=c", "data:;base64,gAFb", "a" * 40000, "00" * 5000, "=80" * 20,
    "%80%01%5b%24", "bytes.fromhex('8001", "Buffer.from('8001', 'hex')", '"8001"', "`8001`", '"a" "b\\x80"', "\x1c8001",
)  # fmt: skip


def test_one_byte_over_7f_in_seven_bits_is_in_no_character_set(ask: Ask) -> None:
    """It was said to be taken for Big5 and written as KOI8-R, or not, as the decoders at hand had it."""
    seven_bits = bytes.fromhex(
        "014924010100000112000830101249000001040400210303134a341941461e01000830105008301000000703224e34177e27"
        "1c6d562f350e5a03610007746a6a00007800154d761e703e100e5818770b0b6a38100358370a1e3c2d4b00115369620a2f30"
        "4129424502496a3b15373572ed216f711b0c0c7a45093c21360f0012661f177a422f5a5d6260412b7d"
    )
    assert_agrees(ask, seven_bits)
    assert diagnose(seven_bits).cause is not Cause.CHARSET_REENCODED


def test_random_bytes_and_random_damages_agree(ask: Ask, code: bytes) -> None:
    chance = random.Random(7)
    damages = list((UNDONE | LOST).values())
    for size in (0, 1, 2, 3, 5, 29, 64, 100, 145, 226, 348, 500, 700):
        assert_agrees(ask, chance.randbytes(size))
    for _ in range(25):
        data = bytearray(chance.choice(damages)(code))
        for _ in range(chance.choice((0, 1, 2, 30))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        at = chance.randrange(len(data))
        del data[at : at + chance.choice((0, 1, 2, 64))]
        assert_agrees(
            ask, bytes(chance.choice(damages)(bytes(data)) if len(data) < 800 and chance.random() < 0.5 else data)
        )


def test_families_are_told_as_the_core_tells_them(ask: Ask, code: bytes) -> None:
    chance = random.Random(3)
    heads = (
        b"T\x01",
        b"TX",
        b"\x01\x02",
        b"62",
        b"HTTPS://",
        b"http:/",
        b"https://s.sh.gov.cn/1234",
        code,
        b"\x55" + code,
    )
    for head in (*heads, bytes([0x40, 0, 0, 1]) + bytes(86) + b"\x15" + bytes(70) + b"\x15" + bytes(70)):
        for data in (head, head[:-1], head + b"9", head[:3] + chance.randbytes(4), chance.randbytes(2) + head):
            assert ask(family=data.hex()) == family_of(data)
