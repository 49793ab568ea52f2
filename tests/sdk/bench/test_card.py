"""The calibration card: one scan of every byte names what a scanner does, without a guess."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmarks.damages import LOST, UNDONE, Damage, without
from yima.sdk.bench.card import CARD, diagnose_card
from yima.sdk.cli.main import main
from yima.sdk.payloads import read_payload

OF_A_CODE = (
    "one", "stored", "beginning", "end", "digits", "netstring", "checked", "ids left in", "text",
    "odd parity", "in UTF-16",
)  # fmt: skip
"""What is told by a code's own length, marks or parities, which the card does not have."""
NAMED: dict[str, Damage] = {
    **{name: damage for name, damage in UNDONE.items() if name != "repeated-piece" and not name.endswith(OF_A_CODE)},
    **{
        name: damage
        for name, damage in LOST.items()
        if not name.startswith(("baud", "seven-bit parity", "cut packet", "charset-replaced gbk", "cut", "compressed"))
        and not name.endswith(("left out", *OF_A_CODE))  # bytes over 7F of the card are no text wherever they stand
    },
    "cut": lambda card: card[:100],
    "flow-control-dropped": without(0x11, 0x13),
    "newline-translated 0D": without(0x0D),
    "newline-translated 0A": without(0x0A),
}

CHANGED_FOR_GOOD = ("newline-translated 0D 0A", "newline-translated 0A 0D", "control-bytes-replaced")
"""On the card two bytes are then the same, and which of them was which is not told."""


@pytest.mark.parametrize("name", NAMED)
def test_what_a_scanner_does_is_named_by_the_card(name: str) -> None:
    found = diagnose_card(NAMED[name](CARD))
    assert found is not None
    assert str(found.cause) == name.split(maxsplit=1)[0]
    assert found.proved == (name in UNDONE and name not in CHANGED_FOR_GOOD)


def test_which_bytes_are_missing_is_told() -> None:
    found = diagnose_card(without(0x11, 0x13, 0x80, 0x81, 0x82)(CARD))
    assert found is not None
    assert found.detail == "missing: 11, 13, 80-82"


@given(data=st.binary(max_size=400).filter(lambda data: b"YIMA" not in data))
def test_what_is_no_card_is_left_to_others(data: bytes) -> None:
    assert diagnose_card(data) is None


def test_the_card_holds_every_byte_once_between_words() -> None:
    assert sorted(CARD[12:-5]) == list(range(256))


def test_the_card_is_read_from_its_picture_and_from_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--card", str(tmp_path / "card.png")]) == 0
    assert read_payload(str(tmp_path / "card.png")).data == CARD
    capsys.readouterr()
    assert main(["bench", "--card"]) == 0
    shown = capsys.readouterr().out.splitlines()
    halves = {"█": (255, 255), "▀": (255, 0), "▄": (0, 255), " ": (0, 0)}
    rows = [[halves[letter][half] for letter in line] for line in shown for half in (0, 1)]
    Image.fromarray(np.kron(np.array(rows, dtype=np.uint8), np.ones((5, 5), dtype=np.uint8))).save(
        tmp_path / "seen.png"
    )
    assert read_payload(str(tmp_path / "seen.png")).data == CARD
