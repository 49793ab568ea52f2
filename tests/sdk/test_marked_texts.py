"""What people write by hand is taken as well when their editor puts a byte order mark in front, as on Windows."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.running import make_bench
from yima.firmware_images import hardware
from yima.sdk.centre.clearing import toml_rows
from yima.sdk.centre.collector.enrolment import read_devices
from yima.sdk.observing.console import _token_in
from yima.sdk.resolver.tokens import read_tokens
from yima.sdk.sm2 import SigningKey
from yima.validator.packages import pins_as_text, read_pins
from yima.validator.parameters import load

BOARD = hardware.board()
TEXTS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "tokens": ("accept A1\nrefuse B2\n", read_tokens),
    "devices": ("gate-7 " + "0f" * 32 + "\n", read_devices),
    "terms": ("[rules]\nretry_s = 2\n", lambda path: toml_rows.read(path)._values),
    "pins": (pins_as_text([SigningKey.generate().compressed]), read_pins),
    "a token": ("0123456789abcdef0123456789abcdef\n", _token_in),
    "a board": ((BOARD.folder / "board.toml").read_text(encoding="utf-8"), hardware.read),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_a_mark_in_front_changes_nothing(kind: str, tmp_path: Path) -> None:
    text, read = TEXTS[kind]
    path = tmp_path / "board.toml"
    path.write_text(text, encoding="utf-8")
    plain = read(path)
    path.write_text(text, encoding="utf-8-sig")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert read(path) == plain


def test_parameters_with_a_mark_are_the_same(tmp_path: Path) -> None:
    make_bench(tmp_path)
    plain = load(tmp_path / "city.toml")
    text = (tmp_path / "city.toml").read_text(encoding="utf-8")
    (tmp_path / "city.toml").write_text(text, encoding="utf-8-sig")
    assert load(tmp_path / "city.toml").image == plain.image
