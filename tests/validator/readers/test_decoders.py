"""Three decoders, one answer: the payload's bytes, whatever they look like as text."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unimported import unimported
from yima.sdk.qr import Level, qr_matrix
from yima.validator.errors import ReaderError
from yima.validator.readers.decoders import DECODERS, DecodingError, Gray, decode, decoder_named

BATTERY = {
    "all byte values": bytes(range(256)) + bytes(range(100)),
    "all byte values, falling": bytes(range(255, -1, -1)) * 1 + b"\x00" * 80,
    "only NUL": b"\x00" * 340,
    "only FF": b"\xff" * 340,
    "NUL first and last": b"\x00abc\x00",
    "one byte": b"\xa5",
    "valid UTF-8, Chinese": "乘车码".encode() * 40,
    "UTF-8 byte order mark": b"\xef\xbb\xbf" + b"yima" * 80,
    "valid GBK": "乘车码".encode("gbk") * 55,
    "valid Shift-JIS": "乗車券カード".encode("shift-jis") * 28,
    "half-width kana": bytes(range(0xA1, 0xE0)) * 5,
    "Latin-1 letters": bytes(range(0xC0, 0x100)) * 5,
    "line ends": b"\r\n\x03\x1a\x11\x13" * 55,
    "text": b"https://example.org/t?c=310000&n=1",
}


def drawn(code: bytes, level: Level = "L", scale: int = 5) -> Gray:
    modules = np.pad(np.array(qr_matrix(code, level), dtype=np.uint8), 6)
    return np.kron(255 - 255 * modules, np.ones((scale, scale), dtype=np.uint8))


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("name", BATTERY)
def test_bytes_stay_bytes(decoder: str, name: str) -> None:
    assert decode(drawn(BATTERY[name]), decoder) == [BATTERY[name]]


@pytest.mark.parametrize("level", ["L", "M", "Q", "H"])
@pytest.mark.parametrize("decoder", ["zxing", "zbar"])
def test_every_level_is_read(decoder: str, level: Level) -> None:
    assert decode(drawn(BATTERY["all byte values"], level), decoder) == [BATTERY["all byte values"]]


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=400))
def test_any_bytes_come_back_from_the_devices_decoder(code: bytes) -> None:
    assert decode(drawn(code, scale=3)) == [code]


@pytest.mark.parametrize("decoder", ["zxing", "zbar"])
def test_two_symbols_are_two_payloads_and_one_seen_twice_is_one(decoder: str) -> None:
    first, second = drawn(b"\x80first"), drawn(b"\x81second")
    high = max(first.shape[0], second.shape[0])
    side_by_side = np.full((high, first.shape[1] + second.shape[1]), 255, dtype=np.uint8)
    side_by_side[: first.shape[0], : first.shape[1]] = first
    side_by_side[: second.shape[0], first.shape[1] :] = second
    assert sorted(decode(side_by_side, decoder)) == [b"\x80first", b"\x81second"]
    assert decode(np.hstack([first, first]), decoder) == [b"\x80first"]


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("shape", [(480, 640), (720, 1280), (1, 1), (3, 500), (7, 7)])
def test_pictures_without_a_code_give_nothing(decoder: str, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(7)
    assert decode(np.full(shape, 255, dtype=np.uint8), decoder) == []
    assert decode(np.zeros(shape, dtype=np.uint8), decoder) == []
    assert decode(rng.integers(0, 256, shape, dtype=np.uint8), decoder) == []


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_high_definition_picture_and_one_that_is_not_contiguous(decoder: str) -> None:
    code = BATTERY["all byte values"]
    symbol = drawn(code, scale=7)
    picture = np.full((720, 1280), 200, dtype=np.uint8)
    picture[60 : 60 + symbol.shape[0], 400 : 400 + symbol.shape[1]] = symbol
    assert decode(picture, decoder) == [code]
    assert decode(np.asfortranarray(picture), decoder) == [code]
    assert decode(picture[30:, 300:1100], decoder) == [code]


def test_the_second_pass_reads_what_blur_hid() -> None:
    cv2 = pytest.importorskip("cv2")
    zxingcpp = pytest.importorskip("zxingcpp")
    code = BATTERY["all byte values"]
    soft = np.asarray(cv2.GaussianBlur(drawn(code, scale=4), (0, 0), 2.3), dtype=np.uint8)
    assert not zxingcpp.read_barcodes(soft, formats=zxingcpp.BarcodeFormat.QRCode)
    assert decode(soft) == [code]


def test_a_decoder_that_is_not_there_is_named() -> None:
    with pytest.raises(ReaderError) as caught:
        decoder_named("eyes")
    assert "eyes" in caught.value.thing
    assert "zxing" in caught.value.remedy.en


@pytest.mark.parametrize(
    ("decoder", "module", "cure"),
    [
        ("zbar", "pyzbar/__init__.py", "Install it: apt-get install libzbar0"),
        ("zxing", "zxingcpp.py", "Use another: zbar, opencv"),
    ],
)
def test_a_decoder_whose_library_cannot_be_loaded_says_what_to_do(
    decoder: str, module: str, cure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / module
    broken.parent.mkdir(exist_ok=True)
    broken.write_text("raise ImportError('no shared library')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with unimported("pyzbar", "zxingcpp"), pytest.raises(ReaderError) as told:
        decoder_named(decoder)
    assert "cannot be loaded (no shared library)" in str(told.value)
    assert cure in str(told.value)


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("shape", [(1, 614_401), (10, 70_000), (70_000, 10)])
def test_a_picture_of_a_strange_size_raises_nothing_but_a_decoding_error(decoder: str, shape: tuple[int, int]) -> None:
    try:
        assert decode(np.full(shape, 255, dtype=np.uint8), decoder) == []
    except DecodingError as error:
        assert error.name.startswith(decoder)
        assert f"{shape[1]} x {shape[0]}" in error.why.en
        assert f"{shape[1]} x {shape[0]}" in error.why.zh


def test_micro_qr_and_rmqr_are_no_fare_codes() -> None:
    zxingcpp = pytest.importorskip("zxingcpp")
    for form in (zxingcpp.BarcodeFormat.MicroQRCode, zxingcpp.BarcodeFormat.RMQRCode):
        symbol = np.array(zxingcpp.write_barcode_to_image(zxingcpp.create_barcode(b"12345", form), scale=6))
        picture = np.pad(symbol, 60, constant_values=255)
        assert zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode), "it is there to be read"
        assert decode(picture) == []
