"""yima.sdk.payloads: raw bytes, hex, base64 and pictures are told apart, and a raw code is never taken for text."""

import base64
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.dissection.families import family_of
from yima.sdk.payloads import Payload, PayloadError, payload_in, payload_of_hex, read_payload

SPACED = pytest.param(lambda code: "\r\n".join(code[i : i + 16].hex(" ") for i in range(0, len(code), 16)), id="dump")


@pytest.mark.parametrize(
    "as_text",
    [
        pytest.param(bytes.hex, id="hex"),
        pytest.param(lambda code: code.hex().upper() + "\n", id="upper"),
        SPACED,
    ],
)
def test_hex_in_any_dress_gives_the_code(as_text: Callable[[bytes], str], code: bytes) -> None:
    assert payload_in(as_text(code).encode(), "x") == Payload(code, "hex")
    assert payload_of_hex(as_text(code)) == Payload(code, "hex")


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes])
@pytest.mark.parametrize("padded", [True, False])
def test_base64_of_either_alphabet_gives_the_code(encode: Callable[[bytes], bytes], padded: bool, code: bytes) -> None:
    text = encode(code) if padded else encode(code).replace(b"=", b"")
    assert payload_in(text, "x") == Payload(code, "base64")


def test_lab_codes_are_read_as_they_are_and_from_text(lab: dict[int, dict[str, Any]]) -> None:
    for vector in lab.values():
        code = bytes.fromhex(vector["code"])
        assert payload_in(code, "x") == Payload(code, "raw")
        assert payload_in(base64.urlsafe_b64encode(code), "x") == Payload(code, "base64")


@given(code=st.binary(min_size=4, max_size=400))
def test_bytes_of_a_ministry_code_are_never_taken_for_text(code: bytes) -> None:
    shaped = b"\x80" + (len(code) - 3).to_bytes(2) + b"\x24" + code[4:]
    assert payload_in(shaped, "x") == Payload(shaped, "raw")


@given(rest=st.text("0123456789abcdefABCDEF", max_size=60))
def test_text_codes_of_known_families_stay_text(rest: str) -> None:
    for code in (b"https://s.sh.gov.cn/" + rest.encode(), b"TX" + rest.encode(), b"62" + b"0123456789" * 2):
        assert payload_in(code, "x") == Payload(code, "raw")
        assert payload_in(code + b"\r\n", "x") == Payload(code, "raw")


@given(code=st.binary(min_size=4, max_size=4096))
def test_any_raw_bytes_that_are_not_ascii_come_back_unchanged(code: bytes) -> None:
    raw = b"\x01\x90" + code[2:]
    assert payload_in(raw, "x") == Payload(raw, "raw")


@given(data=st.binary(max_size=5000))
def test_any_bytes_give_a_payload_or_the_one_error(data: bytes) -> None:
    try:
        payload = payload_in(data, "x")
    except PayloadError:
        return
    assert 0 < len(payload.data) <= 4096
    assert payload.form == "raw" or family_of(data.rstrip(b"\r\n")) == "unknown"


@given(text=st.text(max_size=200))
def test_any_text_after_hex_gives_its_bytes_or_the_one_error(text: str) -> None:
    try:
        payload = payload_of_hex(text)
    except PayloadError as error:
        assert len(text) < 70 or text not in str(error)
        return
    assert payload.form in ("hex", "hex dump")
    assert 0 < len(payload.data) <= len(text)


@pytest.mark.parametrize("data", [b"", b"\x80" * 4097, b"ab" * 4097])
def test_nothing_and_too_much_are_refused(data: bytes) -> None:
    with pytest.raises(PayloadError):
        payload_in(data, "x")


def test_a_picture_without_a_code_or_damaged_says_so(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    numpy = pytest.importorskip("numpy")
    blank = cv2.imencode(".png", numpy.full((60, 60), 255, numpy.uint8))[1].tobytes()
    with pytest.raises(PayloadError, match="no QR code"):
        payload_in(blank, "blank.png")
    with pytest.raises(PayloadError, match="damaged"):
        payload_in(blank[:40], "torn.png")


def test_a_picture_at_which_the_decoder_fails_says_so(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    numpy = pytest.importorskip("numpy")
    path = tmp_path / "wide.png"
    assert cv2.imwrite(str(path), numpy.full((40, 70_000), 255, dtype=numpy.uint8))
    with pytest.raises(PayloadError) as caught:
        read_payload(str(path))
    assert "70000 x 40" in caught.value.problem.en
    assert "Cut" in caught.value.remedy.en


def test_a_long_strip_is_not_given_the_margin_of_a_code_as_wide_as_itself() -> None:
    """Its first row was taken for a finder pattern's: gigabytes of white went around it."""
    numpy = pytest.importorskip("numpy")
    from yima.validator.readers.pictures import with_margin

    assert with_margin(numpy.full((40, 7_000), 255, dtype=numpy.uint8)) is None
    assert with_margin(numpy.full((7_000, 40), 255, dtype=numpy.uint8)) is None


def test_a_decoder_that_does_not_load_is_named(tmp_path: Path) -> None:
    """A bug found: where its library lacked one of the system's, `yima inspect x.png` was a traceback."""
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    words = [sys.executable, "-m", "yima.sdk.cli.main", "inspect", str(tmp_path / "x.png")]
    done = subprocess.run(
        words, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path, "YIMA_LANG": "en"}, check=False
    )
    assert "x.png: its library cannot be loaded (libGL.so.1: cannot open shared object file)" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("turn", ["turned", "inverted", "jpeg"])
def test_a_picture_may_be_turned_inverted_or_jpeg(turn: str, code: bytes, tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    from yima.sdk.qr import qr_png

    qr_png(code, tmp_path / "code.png", "M", 5)
    picture = cv2.imread(str(tmp_path / "code.png"), cv2.IMREAD_GRAYSCALE)
    ending = ".jpg" if turn == "jpeg" else ".png"
    picture = {"turned": cv2.rotate(picture, cv2.ROTATE_90_CLOCKWISE), "inverted": 255 - picture, "jpeg": picture}[turn]
    assert payload_in(cv2.imencode(ending, picture)[1].tobytes(), "x") == Payload(code, "picture")


def test_of_several_symbols_in_a_picture_the_fare_code_is_taken(code: bytes, tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    numpy = pytest.importorskip("numpy")
    from yima.sdk.qr import qr_png

    qr_png(b"hello", tmp_path / "other.png", "L", 8)
    qr_png(code, tmp_path / "code.png", "L", 4)
    parts = [cv2.imread(str(tmp_path / name), cv2.IMREAD_GRAYSCALE) for name in ("other.png", "code.png")]
    width = max(part.shape[1] for part in parts)
    rows = [numpy.pad(part, ((20, 20), (0, width - part.shape[1])), constant_values=255) for part in parts]
    data = cv2.imencode(".png", numpy.vstack(rows))[1].tobytes()
    assert payload_in(data, "x").data == code


def test_standard_input_is_read_for_a_dash(code: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(code)))
    assert read_payload("-") == Payload(code, "raw")


@pytest.mark.parametrize("name", ["nowhere.bin", "x" * 5000, "a\x00b", "."])
def test_a_file_that_cannot_be_read_is_named_shortly(name: str) -> None:
    with pytest.raises(PayloadError, match="cannot be read") as refused:
        read_payload(name)
    assert len(refused.value.thing) <= 60
