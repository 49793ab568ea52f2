"""From one gray picture to the bytes of the QR codes in it, by three decoders that must agree byte for byte.

Rules it keeps:
- Bytes stay bytes: a ministry code is binary, and whatever guesses a character set (zxing's `.text`, zbar's default,
  OpenCV's str calls) loses it silently.
- Nothing is filtered by content: what is no fare code is for the core to refuse and the journal to record.
- A decoder is a library of others under hostile pictures: whatever it raises is a DecodingError, named and said.
- `zxing` is what a device uses; `zbar` and `opencv` are second opinions for the bench, slower and weaker on blur.
"""

import ctypes
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from yima.validator.errors import ReaderError
from yima.validator.readers.pictures import pages_of, with_margin
from yima.validator.remedies import missing_module
from yima.validator.shown import shown
from yima.validator.texts import Text

if TYPE_CHECKING:
    from yima.validator.readers.ladder import Ladder

Gray = NDArray[np.uint8]
"""A picture, height x width, 0 black to 255 white."""

Decoder = Callable[[Gray], list[bytes]]

_ZBAR_QRCODE: Final = 64
_ZBAR_CFG_ENABLE: Final = 0
_ZBAR_CFG_BINARY: Final = 4  # since libzbar 0.23.1; pyzbar 0.1.9 has no name for it


class DecodingError(Exception):
    """A picture at which a decoder failed. name: the fault's own, the same each time it comes."""

    def __init__(self, decoder: str, gray: Gray, fault: Exception) -> None:
        self.name = f"{decoder} {type(fault).__name__}"
        height, width = gray.shape
        said = shown(fault, most=160).replace("\\n", " ")
        self.why = Text(
            f"decoder {decoder} fails at a picture of {width} x {height} ({type(fault).__name__}: {said})",
            f"解码器 {decoder} 处理 {width} x {height} 的图像时出错（{type(fault).__name__}：{said}）",
        )
        super().__init__(self.why.en)


def decode(gray: Gray, decoder: str = "zxing") -> list[bytes]:
    """The payloads of all QR codes found in a gray picture, each once. Raises ReaderError for an unusable decoder, and
    DecodingError. zxing tries all its passes at once: a picture is not seen again."""
    return _named(decoder, _MAKERS | {"zxing": lambda: _zxing().picture})(gray)


def decode_file(contents: bytes) -> list[bytes]:
    """The payloads of all QR codes in a picture's file, page by page, each once; on black and without its margin as
    well. Raises PictureError, and as decode does."""
    return _each_once(payload for grays in pages_of(contents) for payload in _in_page(grays))


def _in_page(grays: list[Gray]) -> list[bytes]:
    framed = (with_margin(gray) for gray in grays)
    views = (*grays, *(gray for gray in framed if gray is not None))
    return next((payloads for gray in views if (payloads := decode(gray))), [])


def decoder_named(name: str) -> Decoder:
    """The decoder `zxing`, `zbar` or `opencv` for the frames of one camera, in the order they come; called, it raises
    nothing but DecodingError. Raises ReaderError if there is no such one or its library is missing."""
    return _named(name, _MAKERS)


def _named(name: str, makers: dict[str, Callable[[], Decoder]]) -> Decoder:
    if name not in makers:
        raise ReaderError(
            f"decoder={name}",
            Text("there is no such decoder", "没有这种解码器"),
            Text(f"Use one of {', '.join(_MAKERS)}", f"可用的解码器：{'、'.join(_MAKERS)}"),
        )
    try:
        return _guarded(makers[name](), name)
    except ModuleNotFoundError as missing:
        raise ReaderError(f"decoder={name}", *missing_module(missing)) from missing
    except ImportError as unloadable:  # pyzbar is Python alone and raises it where the system has no libzbar
        others = [other for other in _MAKERS if other != name]
        apt = name == "zbar"
        raise ReaderError(
            f"decoder={name}",
            Text(f"its library cannot be loaded ({unloadable})", f"无法加载所需的库（{unloadable}）"),
            Text(
                "Install it: apt-get install libzbar0" if apt else f"Use another: {', '.join(others)}",
                "请安装：apt-get install libzbar0" if apt else f"请改用：{'、'.join(others)}",
            ),
        ) from unloadable


def _guarded(decoder: Decoder, name: str) -> Decoder:
    def read(gray: Gray) -> list[bytes]:
        try:
            return decoder(gray)
        except Exception as fault:  # cv2.error at odd sizes, UnicodeDecodeError at a symbol of Hanzi, and more
            raise DecodingError(name, gray, fault) from fault

    return read


def _zxing() -> "Ladder":
    from yima.validator.readers.ladder import Ladder  # noqa: PLC0415 - only the decoder that is used must be installed

    return Ladder()


def _zbar() -> Decoder:
    from pyzbar import wrapper  # noqa: PLC0415 - as above

    def read(gray: Gray) -> list[bytes]:
        pixels = np.ascontiguousarray(gray)
        height, width = pixels.shape
        scanner = wrapper.zbar_image_scanner_create()
        image = wrapper.zbar_image_create()
        try:
            wrapper.zbar_image_scanner_set_config(scanner, 0, _ZBAR_CFG_ENABLE, 0)
            wrapper.zbar_image_scanner_set_config(scanner, _ZBAR_QRCODE, _ZBAR_CFG_ENABLE, 1)
            wrapper.zbar_image_scanner_set_config(scanner, _ZBAR_QRCODE, _ZBAR_CFG_BINARY, 1)
            wrapper.zbar_image_set_format(image, int.from_bytes(b"Y800", "little"))
            wrapper.zbar_image_set_size(image, width, height)
            wrapper.zbar_image_set_data(image, pixels.ctypes.data_as(ctypes.c_void_p), pixels.size, None)
            wrapper.zbar_scan_image(scanner, image)
            return _each_once(_zbar_symbols(wrapper, image))
        finally:
            wrapper.zbar_image_destroy(image)
            wrapper.zbar_image_scanner_destroy(scanner)

    return read


def _zbar_symbols(wrapper: Any, image: Any) -> list[bytes]:
    found: list[bytes] = []
    symbol = wrapper.zbar_image_first_symbol(image)
    while symbol:
        length = wrapper.zbar_symbol_get_data_length(symbol)
        found.append(ctypes.string_at(wrapper.zbar_symbol_get_data(symbol), length))
        symbol = wrapper.zbar_symbol_next(symbol)
    return found


def _opencv() -> Decoder:
    detector = cv2.QRCodeDetectorAruco()

    def read(gray: Gray) -> list[bytes]:
        _, texts, _, _ = detector.detectAndDecodeBytesMulti(gray)
        return _each_once(_as_it_was(bytes(text)) for text in texts)

    return read


def _as_it_was(text: bytes) -> bytes:
    """Undoes OpenCV's transcoding: a payload that is not valid UTF-8 comes back as Latin-1 turned into UTF-8.

    A payload that is itself UTF-8 comes back as it is. One that could be either (accented letters only) is taken for
    the former: fare codes are binary or ASCII.
    """
    try:
        raw = text.decode("utf-8").encode("latin-1")
    except UnicodeError:
        return text
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw
    return text


def _each_once(payloads: Any) -> list[bytes]:
    return list(dict.fromkeys(payload for payload in payloads if payload))


_MAKERS: Final[dict[str, Callable[[], Decoder]]] = {"zxing": lambda: _zxing().frame, "zbar": _zbar, "opencv": _opencv}
DECODERS: Final = tuple(_MAKERS)
"""The names that decoder_named takes."""
