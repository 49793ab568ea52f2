"""Gets a payload out of whatever an engineer has: raw bytes, a hex dump, base64 text, or a picture with a QR code.

How forms are told apart, so that a raw code is never taken for text:
- a picture begins with PNG's or JPEG's mark, which no code shares (byte 3 of a ministry code is 24);
- bytes that are not ASCII, or that the core already knows as a family of text codes (a web address, WeChat, UnionPay),
  are raw;
- what is left is hex if it is nothing but hex digits and white space, else base64 (also URL-safe, padded or not) if it
  is nothing but that, else raw.

Errors never quote the input: it may hold account numbers.
"""

import base64
import binascii
import re
import sys
from pathlib import Path
from typing import Literal, NamedTuple

from yima.sdk.dissection.families import family_of
from yima.validator.errors import YimaError
from yima.validator.remedies import missing_module
from yima.validator.texts import Text

Form = Literal["raw", "hex", "base64", "picture"]

PICTURE_MAX = 32 << 20
PAYLOAD_MAX = 4096
"""Most bytes of one payload, as YIMA_PAYLOAD_MAX; the largest QR symbol holds 2953."""

_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_HEX = re.compile(rb"[0-9a-fA-F]+")
_BASE64 = re.compile(rb"[0-9a-zA-Z+/_-]+={0,2}")
_TEXT_MAX = 4 * PAYLOAD_MAX  # hex with a space after each byte is three times as long


class PayloadError(YimaError):
    """Input from which no payload can be had."""


class Payload(NamedTuple):
    """The bytes of one code or record, and the form they came in."""

    data: bytes
    form: Form


def read_payload(source: str) -> Payload:
    """The payload in a file, or on standard input for `-`. Raises PayloadError."""
    try:
        if source == "-":
            data = sys.stdin.buffer.read(PICTURE_MAX + 1)
        else:
            with Path(source).open("rb") as file:
                data = file.read(PICTURE_MAX + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "not a file name"
        remedy = Text("Check the path; codes in hex go after --hex", "请检查路径；十六进制数据请用 --hex")
        raise PayloadError(source[:60], Text(f"cannot be read ({why})", f"无法读取（{why}）"), remedy) from error
    return payload_in(data, "stdin" if source == "-" else source)


def payload_in(data: bytes, thing: str) -> Payload:
    """The payload in these bytes; `thing` names them in errors. Raises PayloadError."""
    if data.startswith(_PICTURES):
        return _sized(_from_picture(data, thing), "picture", thing)
    if data.isascii() and len(data) <= _TEXT_MAX:
        line = data.rstrip(b"\r\n")  # an editor's, or a scanner's
        return _sized(*_from_text(data), thing) if family_of(line) == "unknown" else _sized(line, "raw", thing)
    return _sized(data, "raw", thing)


def payload_of_hex(text: str) -> Payload:
    """The payload that a hex dump says, white space allowed. Raises PayloadError."""
    digits = "".join(text.split())
    if not (digits.isascii() and _HEX.fullmatch(digits.encode()) and len(digits) % 2 == 0):
        problem = Text("not an even number of hex digits", "不是偶数个十六进制数字")
        raise PayloadError("--hex", problem, Text("Copy the dump again, whole", "请重新完整复制十六进制数据"))
    return _sized(bytes.fromhex(digits), "hex", "--hex")


def _sized(data: bytes, form: Form, thing: str) -> Payload:
    if not data:
        raise PayloadError(thing, Text("is empty", "为空"), Text("Give the bytes of one code", "请提供一个码的数据"))
    if len(data) > PAYLOAD_MAX:
        problem = Text(f"more than {PAYLOAD_MAX} bytes: no code", f"超过 {PAYLOAD_MAX} 字节，不是码")
        raise PayloadError(thing, problem, Text("Give one code or record at a time", "请一次提供一个码或记录"))
    return Payload(data, form)


def _from_text(data: bytes) -> tuple[bytes, Form]:
    text = b"".join(data.split())
    if _HEX.fullmatch(text) and len(text) % 2 == 0:
        return bytes.fromhex(text.decode()), "hex"
    if _BASE64.fullmatch(text):
        body = text.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        try:
            return base64.b64decode(body + b"=" * (-len(body) % 4), validate=True), "base64"
        except binascii.Error:
            return data, "raw"
    return data, "raw"


def _from_picture(data: bytes, thing: str) -> bytes:
    """The payload of the QR code in a PNG or JPEG; of several, the first that is a code of a known family."""
    try:
        import cv2  # noqa: PLC0415 - everything but pictures must do without the extra `camera`
        import numpy as np  # noqa: PLC0415
        import zxingcpp  # noqa: PLC0415

        from yima.validator.readers.decoders import decode  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise PayloadError(thing, *missing_module(missing)) from missing
    try:
        picture = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        picture = None
    remedy = Text("Take it sharper and larger, with the white margin around it", "请拍得更清晰、更大，并保留四周白边")
    if picture is None:
        raise PayloadError(thing, Text("a damaged or oversized picture", "图片已损坏或过大"), remedy)
    gray = np.asarray(picture, dtype=np.uint8)
    payloads = decode(gray)
    if not payloads:  # a device's quick passes failed; now every effort (inverted, all sizes): a bench has time
        only_qr = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
        payloads = [bytes(code.bytes) for code in zxingcpp.read_barcodes(gray, formats=only_qr) if code.bytes]
    if not payloads:
        raise PayloadError(thing, Text("no QR code can be read in it", "图中未识别到二维码"), remedy)
    return next((payload for payload in payloads if family_of(payload) != "unknown"), payloads[0])
