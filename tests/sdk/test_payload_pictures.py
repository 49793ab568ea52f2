"""Pictures as payloads: every usual one is told by its mark, made gray within bounds, and read whatever its ground."""

import io
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from yima.sdk.payloads import PayloadError, payload_in
from yima.sdk.qr import qr_matrix
from yima.validator.readers.pictures import MOST_PIXELS, PictureError, format_of, grays_of


def drawn(code: bytes, *, border: int = 4) -> Image.Image:
    """The code as a picture of dark modules on light ground, six pixels a module."""
    modules = np.array(qr_matrix(code), dtype=bool)
    modules = np.pad(modules, border)
    return Image.fromarray(np.where(np.kron(modules, np.ones((6, 6), dtype=bool)), 0, 255).astype(np.uint8))


def saved(picture: Image.Image, form: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WebP", "BMP", "TIFF", "GIF", "JPEG2000", "AVIF"])
def test_a_code_is_read_from_every_usual_format(form: str, code: bytes) -> None:
    """WebP, BMP, TIFF, GIF and others were judged as if they were codes."""
    contents = saved(drawn(code), form)
    assert format_of(contents) is not None
    assert payload_in(contents, "x").data == code


@pytest.mark.parametrize(
    ("name", "contents"), [("PDF", b"%PDF-1.7\n"), ("HEIC", b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic")]
)
def test_what_cannot_be_read_is_named(name: str, contents: bytes) -> None:
    with pytest.raises(PayloadError, match=f"a {name} file: export it"):
        payload_in(contents, "x")


def transparent(code: bytes, *, light: bool) -> Image.Image:
    """Modules that are opaque on nothing: dark ones, or the light ones of a page in dark mode."""
    gray = np.asarray(drawn(code))
    alpha = gray if light else 255 - gray
    return Image.fromarray(np.dstack([np.full_like(gray, 255 if light else 0)] * 3 + [alpha]))


@pytest.mark.parametrize("light", [False, True])
def test_a_code_in_a_transparent_picture_is_read_whatever_lies_behind(light: bool, code: bytes) -> None:
    assert payload_in(saved(transparent(code, light=light), "PNG"), "x").data == code


def test_a_code_without_margin_on_black_is_read(code: bytes) -> None:
    picture = drawn(code, border=0)
    black = Image.new("L", (picture.width + 80, picture.height + 80), 0)
    black.paste(picture, (40, 40))
    assert payload_in(saved(black, "PNG"), "x").data == code


def test_sixteen_bits_are_scaled_and_do_not_wrap(code: bytes) -> None:
    deep = np.asarray(drawn(code)).astype(np.uint16) * 200 + 300
    assert payload_in(saved(Image.fromarray(deep), "PNG"), "x").data == code


def test_a_picture_that_would_unfold_to_gigabytes_is_refused_before_it_does() -> None:
    """A PNG of 30,000 by 30,000 took 3.8 GB."""
    header = (30_000).to_bytes(4) * 2 + b"\x08\x00\x00\x00\x00"
    contents = b"\x89PNG\r\n\x1a\n" + b"".join(
        len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    )
    assert MOST_PIXELS < 30_000**2
    with pytest.raises(PictureError, match="million pixels"):
        grays_of(contents)


@given(
    data=st.binary(max_size=300), mark=st.sampled_from([b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff", b"II*\x00"])
)
def test_any_damaged_picture_gives_the_one_error(data: bytes, mark: bytes) -> None:
    try:
        grays_of(mark + data)
    except PictureError as error:
        assert error.why.zh


@pytest.mark.parametrize("cut", [lambda data: data[: len(data) // 2], lambda data: data[:40]])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WebP", "BMP", "TIFF", "GIF", "JPEG2000"])
def test_a_picture_that_is_cut_gives_an_error(form: str, cut: Callable[[bytes], bytes], code: bytes) -> None:
    with pytest.raises(PayloadError):
        payload_in(cut(saved(drawn(code), form)) + b"\x80", "x")
