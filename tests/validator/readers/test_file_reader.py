"""Files as a reader: every kind, in order, once; what holds no code is skipped and said."""

import base64
import json
import struct
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from yima.sdk.qr import qr_matrix, qr_png
from yima.validator.errors import ReaderError
from yima.validator.ports import open_reader as open_by_name
from yima.validator.readers.files import FileReader, open_reader
from yima.validator.readers.pictures import MOST_PIXELS, grays_of

VECTORS = sorted((Path(__file__).parents[2] / "vectors" / "lab").glob("*.json"))
CODES = [bytes.fromhex(json.loads(path.read_text())["code"]) for path in VECTORS[:8]]


def everything(reader: FileReader) -> list[bytes]:
    payloads = []
    while not reader.exhausted:
        reading = reader.read(0)
        if reading:
            assert reading.first_ns == reading.last_ns
            payloads.append(reading.payload)
    assert reader.read(0) is None
    return payloads


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One file of each kind; their names are in the order of CODES."""
    (tmp_path / "0.bin").write_bytes(CODES[0])
    (tmp_path / "1.hex").write_text(CODES[1].hex() + "\n")
    (tmp_path / "2.b64").write_bytes(base64.encodebytes(CODES[2]))
    (tmp_path / "3.txt").write_bytes(b"https://example.org/t?c=310000\r\n")
    qr_png(CODES[4], tmp_path / "4.png")
    modules = np.pad(np.array(qr_matrix(CODES[5]), dtype=np.uint8), 4)
    picture = np.kron(255 - 255 * modules, np.ones((6, 6), dtype=np.uint8))
    assert cv2.imwrite(str(tmp_path / "5.jpg"), picture)
    (tmp_path / "README.md").write_text("not a code")
    (tmp_path / "6").mkdir()
    return tmp_path


def test_a_folder_is_read_in_the_order_of_names(folder: Path) -> None:
    reader = open_reader(str(folder))
    assert everything(reader) == [*CODES[:3], b"https://example.org/t?c=310000", *CODES[4:6]]
    assert reader.skipped == []


def test_a_pattern_and_a_single_file(folder: Path) -> None:
    assert everything(open_reader(f"{folder}/*.png")) == [CODES[4]]
    assert everything(open_reader(f"{folder}/[01].*")) == CODES[:2]
    assert everything(open_reader(f"{folder}/**/*.bin")) == [CODES[0]]
    assert everything(open_reader(str(folder / "1.hex"))) == [CODES[1]]
    assert everything(open_reader(str(folder / "README.md"))) == [b"not a code"]


def test_it_is_found_by_its_name(folder: Path) -> None:
    reader = open_by_name(f"file:{folder}/0.bin")
    reading = reader.read(1)
    assert reading is not None
    assert reading.payload == CODES[0]
    reader.close()


def test_a_picture_may_hold_several_codes(tmp_path: Path) -> None:
    pictures = []
    for code in CODES[:2]:
        modules = np.pad(np.array(qr_matrix(code), dtype=np.uint8), 6)
        pictures.append(np.kron(255 - 255 * modules, np.ones((5, 5), dtype=np.uint8)))
    pictures[1] = np.resize(pictures[1], pictures[0].shape) if pictures[1].shape != pictures[0].shape else pictures[1]
    assert cv2.imwrite(str(tmp_path / "two.png"), np.hstack(pictures))
    assert sorted(everything(open_reader(str(tmp_path)))) == sorted(CODES[:2])


def segment(mark: int, content: bytes) -> bytes:
    """A segment of a JPEG."""
    return bytes([0xFF, mark]) + (len(content) + 2).to_bytes(2) + content


def test_tables_between_the_start_and_the_frame_of_a_jpeg_are_no_frames(tmp_path: Path) -> None:
    """C4 (Huffman tables) and CC (arithmetic) lie among the marks of frames; read as one they would tell a size."""
    modules = np.pad(np.array(qr_matrix(CODES[0]), dtype=np.uint8), 4)
    picture = np.kron(255 - 255 * modules, np.ones((6, 6), dtype=np.uint8))
    jpeg = bytes(cv2.imencode(".jpg", picture)[1])
    frame = jpeg.index(b"\xff\xc0")
    tables = jpeg.index(b"\xff\xc4")
    scan = jpeg.index(b"\xff\xda")
    assert frame < tables < scan
    arithmetic = segment(0xCC, b"\x00\xff\x01\xff\x10\x3f")  # as a frame: 65281 x 65296 pixels
    one_code = segment(0xC4, b"\x03\0\0\1" + bytes(13) + b"\0")  # a table of one code; as a frame: 0 x 256 pixels
    for name, before in (("moved", jpeg[tables:scan]), ("huffman", one_code), ("arithmetic", arithmetic)):
        (tmp_path / f"{name}.jpg").write_bytes(jpeg[:frame] + before + jpeg[frame:])
    reader = open_reader(str(tmp_path))
    assert everything(reader) == [CODES[0]] * 3
    assert reader.skipped == []


def test_a_mark_reserved_for_extensions_tells_no_size(tmp_path: Path) -> None:
    small = bytes(cv2.imencode(".jpg", np.full((64, 64), 255, dtype=np.uint8))[1])
    frame = small.index(b"\xff\xc0")
    (tmp_path / "extension.jpg").write_bytes(small[:frame] + segment(0xC8, b"\x08" + b"\xff" * 9) + small[frame:])
    reader = open_reader(str(tmp_path))
    assert everything(reader) == []
    [(_, why)] = reader.skipped
    assert "pixels" not in why.en, "its size is that of the frame behind it"


def announced(width: int, height: int) -> bytes:
    """The beginning of a PNG that unfolds to width x height."""
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", width, height, 8, 0, 0, 0, 0) + bytes(40)


BROKEN = {
    "empty.bin": b"",
    "empty.txt": b"\r\n",
    "odd.hex": b"800",
    "not.hex": b"80 01 zz",
    "not.b64": b"????",
    "short.b64": b"gAE",
    "text.png": b"no picture",
    "empty.jpg": b"",
    "bomb.png": announced(60_000, 60_000),
    "torn.png": announced(600, 600),
    "torn.jpg": b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(20),
    "half.jpg": b"\xff\xd8\xff\xc0\x00\x11\x08",
    "blank.png": bytes(cv2.imencode(".png", np.full((100, 100), 255, dtype=np.uint8))[1]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_holds_no_code_is_skipped_and_said(folder: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    (folder / f"0-{name}").write_bytes(BROKEN[name])
    reader = open_reader(str(folder))
    assert everything(reader) == [*CODES[:3], b"https://example.org/t?c=310000", *CODES[4:6]]
    assert [path.name for path, _ in reader.skipped] == [f"0-{name}"]
    assert f"0-{name}" in caplog.text


def test_a_file_that_vanishes_is_skipped(folder: Path) -> None:
    reader = open_reader(str(folder))
    (folder / "1.hex").unlink()
    assert everything(reader)[:2] == [CODES[0], CODES[2]]
    assert "cannot be read" in reader.skipped[0][1].en


def test_a_file_may_have_32_mib_and_not_a_byte_more(tmp_path: Path) -> None:
    for name, size in (("a.bin", 32 << 20), ("b.bin", (32 << 20) + 1)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    reader = open_reader(str(tmp_path))
    assert len(everything(reader)) == 1
    assert [(path.name, why.en) for path, why in reader.skipped] == [("b.bin", "larger than 32 MiB")]


def test_a_payload_is_cut_at_4096_bytes_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "long.bin").write_bytes(b"\xfe" * 5000)
    reading = open_reader(str(tmp_path)).read(0)
    assert reading is not None
    assert len(reading.payload) == 4096
    assert reading.faults == ("cut at 4096 of 5000 bytes",)


@pytest.mark.parametrize("address", ["", "/no/such/file.bin", "/no/such/*.png"])
def test_nothing_there_is_named(address: str) -> None:
    with pytest.raises(ReaderError) as caught:
        open_reader(address)
    assert caught.value.thing == (address or "file:")


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReaderError) as caught:
        open_reader(str(tmp_path))
    assert caught.value.thing == str(tmp_path)


def test_a_closed_reader_is_exhausted(folder: Path) -> None:
    reader = open_reader(str(folder))
    reader.close()
    assert reader.exhausted


@given(st.sampled_from([".bin", ".hex", ".b64", ".txt", ".png", ".jpeg", ""]), st.binary(max_size=120))
@example(".hex", b"8 0")
@example(".hex", "８０".encode())
@example(".b64", b"gAFJ\n=\n")
@example(".b64", "gAFJ\u00e9".encode())
@example(".txt", b"\xff\xfe")
@example(".txt", b"\r\n\0")
@example(".png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xff\xff\xff\xff\xff\xff\xff\x08\0\0\0\0")
def test_any_bytes_in_a_file_are_payloads_or_skipped_with_a_reason(ending: str, content: bytes) -> None:
    with TemporaryDirectory() as place:
        path = Path(place, "code" + ending)
        path.write_bytes(content)
        reader = open_reader(str(path))
        payloads = everything(reader)
    assert bool(payloads) != bool(reader.skipped)
    assert all(payloads)


def test_a_code_beside_its_own_picture_is_read_once_and_roots_are_no_code(tmp_path: Path) -> None:
    """`run file:codes/` judged what `issue` had written there twice, and the roots as a code."""
    (tmp_path / "code-001.bin").write_bytes(CODES[0])
    qr_png(CODES[0], tmp_path / "code-001.png")
    qr_png(CODES[1], tmp_path / "code-002.png")
    (tmp_path / "roots.bin").write_bytes((b"\x21\x01\x01\x00\x00" + bytes(139)) * 2)
    reader = open_reader(str(tmp_path))
    assert everything(reader) == CODES[:2]
    assert [(path.name, why.en) for path, why in reader.skipped] == [("roots.bin", "root certificates, no code")]


def test_pictures_of_one_name_are_each_read_or_named(tmp_path: Path) -> None:
    """Beside a PNG of the same name, WebP, BMP and HEIC were passed over without a word."""
    qr_png(CODES[0], tmp_path / "photo.png")
    for code, ending in zip(CODES[1:3], (".webp", ".bmp"), strict=True):
        modules = np.pad(np.array(qr_matrix(code), dtype=np.uint8), 4)
        assert cv2.imwrite(str(tmp_path / f"photo{ending}"), np.kron(255 - 255 * modules, np.ones((6, 6), np.uint8)))
    for ending, contents in (
        (".HEIC", b"\x00\x00\x00\x18ftypheic"),
        (".heif", b"\0\0\0\x18ftypmif1"),
        (".pdf", b"%PDF-"),
    ):
        (tmp_path / f"photo{ending}").write_bytes(contents)
    reader = open_reader(str(tmp_path))
    assert sorted(everything(reader)) == sorted(CODES[:3])
    assert {path.suffix: why.en.split(":")[0] for path, why in reader.skipped} == {
        ".HEIC": "a HEIC file", ".heif": "a HEIC file", ".pdf": "a PDF file",
    }  # fmt: skip


@pytest.mark.parametrize("gray", [0, 127])
def test_a_code_without_margin_on_black_is_read_by_the_device_too(tmp_path: Path, gray: int) -> None:
    """`inspect` read it, `run` did not."""
    modules = np.array(qr_matrix(CODES[0]), dtype=np.uint8)
    symbol = np.kron(255 - 255 * modules, np.ones((6, 6), np.uint8))
    assert cv2.imwrite(str(tmp_path / "black.png"), np.pad(symbol, 40, constant_values=gray))
    assert everything(open_reader(str(tmp_path))) == [CODES[0]]


@pytest.mark.parametrize("encode", [bytes.hex, lambda code: base64.b64encode(code).decode()])
def test_a_code_that_a_symbol_shows_as_text_is_that_code(encode: Callable[[bytes], str], tmp_path: Path) -> None:
    """It was refused by camera and file, and taken on a serial line."""
    qr_png(encode(CODES[0]).encode(), tmp_path / "code.png")
    reading = open_reader(str(tmp_path)).read(0)
    assert reading is not None
    assert reading.payload == CODES[0]
    assert "decoded from a" in reading.faults[0]


def test_a_folder_that_may_not_be_looked_into_is_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(folder: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", denied)
    with pytest.raises(ReaderError, match="Permission denied"):
        open_reader(str(tmp_path))


def test_what_is_transparent_is_seen_on_white_and_on_black(tmp_path: Path) -> None:
    pixels = np.array([[[100, 100, 100, 128], [100, 100, 100, 255], [100, 100, 100, 0]]], dtype=np.uint8)
    Image.fromarray(pixels, "RGBA").save(tmp_path / "half.png")
    on_white, on_black = grays_of((tmp_path / "half.png").read_bytes())
    assert on_white.tolist() == [[(100 * 128 + 255 * 127) // 255, 100, 255]]
    assert on_black.tolist() == [[100 * 128 // 255, 100, 0]]


def pages(*codes: bytes | None) -> list[Image.Image]:
    """A page each; None: an empty one."""
    drawn = [np.kron(255 - 255 * np.pad(np.array(qr_matrix(code)), 4), np.ones((4, 4))) for code in codes if code]
    side = max(len(picture) for picture in drawn)
    white = np.full((side, side), 255)
    pictures = iter(drawn)
    found = []
    for code in codes:
        page = white.copy()
        if code:
            picture = next(pictures)
            page[: len(picture), : len(picture)] = picture
        found.append(Image.fromarray(page.astype(np.uint8)))
    return found


@pytest.mark.parametrize("name", ["scan.tiff", "film.gif", "film.webp", "film.png"])
def test_each_page_of_a_picture_is_read(name: str, tmp_path: Path) -> None:
    """Only the first was, and what the others held was lost without a word."""
    first, *others = pages(None, CODES[0], CODES[1], CODES[0])
    lossless: dict[str, Any] = {"lossless": True} if name.endswith("webp") else {}
    first.save(tmp_path / name, save_all=True, append_images=others, **lossless)
    reader = open_reader(str(tmp_path))
    assert everything(reader) == CODES[:2]
    assert reader.skipped == []


def test_pages_that_are_more_than_a_picture_may_be_are_told(tmp_path: Path) -> None:
    many = [Image.new("1", (MOST_PIXELS // 8_000, 1_000)) for _ in range(9)]
    many[0].save(tmp_path / "scan.tiff", save_all=True, append_images=many[1:])
    reader = open_reader(str(tmp_path))
    assert everything(reader) == []
    [(_, why)] = reader.skipped
    assert "64 million pixels in all its pages" in why.en
    assert "各页合计" in why.zh
