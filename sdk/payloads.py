"""Gets a payload out of whatever an engineer has: raw bytes, a dump or text of any usual form, or a picture of a code.

How forms are told apart, so that a raw code is never taken for text:
- a picture begins with its format's mark, which no code shares (byte 3 of a ministry code is 24);
- bytes that are no ASCII text, or that the core already knows as a family of text codes (a web address, WeChat,
  UnionPay), are raw;
- what is left is what yima.sdk.bench.pasted takes it for, as a whole, else raw.

Errors never quote the input: it may hold account numbers.
"""

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from yima.sdk.bench.pasted import SlipError, text_of, unpaste
from yima.sdk.dissection.families import family_of
from yima.validator.errors import ReaderError, YimaError
from yima.validator.readers.files import code_files, holds_roots
from yima.validator.readers.pictures import PictureError, format_of
from yima.validator.remedies import does_not_load, missing_module
from yima.validator.system.paths import is_folder
from yima.validator.texts import Text

PICTURE_MAX = 32 << 20
PAYLOAD_MAX = 4096
"""Most bytes of one payload, as YIMA_PAYLOAD_MAX; the largest QR symbol holds 2953."""

EMPTY = Text("is empty", "为空")
TOO_LONG = Text(f"more than {PAYLOAD_MAX} bytes: no code", f"超过 {PAYLOAD_MAX} 字节，不是码")

TEXT_MAX = 8 * PAYLOAD_MAX  # a C array takes six characters a byte, a dump with addresses a little less


class PayloadError(YimaError):
    """Input from which no payload can be had."""


@dataclass(frozen=True, slots=True)
class Payload:
    """The bytes of one code or record, and the form they came in. came: as they lay there, before the form was undone;
    codes: how many codes the picture has; number: which of them this is, from 1."""

    data: bytes
    form: str
    came: bytes = field(default=b"", compare=False, repr=False)
    codes: int = field(default=1, compare=False)
    number: int = field(default=1, compare=False)


def read_payload(source: str) -> Payload:
    """The payload in a file, or on standard input for `-`; of several in a picture, the first that is a code of a known
    family. Raises PayloadError."""
    return _first_known(read_payloads(source))


def read_payloads(source: str) -> list[Payload]:
    """All payloads in a file, or on standard input for `-`: one, or those of each code in a picture. Raises
    PayloadError."""
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
    return payloads_in(data, "stdin" if source == "-" else source)


def sources_in(place: str) -> list[str]:
    """What a name on a command line stands for: itself, or if it is a folder, the files in it that may hold codes,
    without files of root certificates. Raises PayloadError if there are none."""
    if place == "-" or not is_folder(Path(place)):
        return [place]
    try:
        found = [str(path) for path in code_files(Path(place)) if not holds_roots(path)]
    except OSError as error:
        found = []
        problem = Text(f"cannot be read ({error.strerror})", f"无法读取（{error.strerror}）")
    else:
        problem = Text("no file in it may hold a code", "其中没有可能含码的文件")
    if not found:
        remedy = Text("Name the files themselves; any ending is taken then", "请直接给出文件名，此时扩展名不限")
        raise PayloadError(place, problem, remedy)
    return found


def payload_in(data: bytes, thing: str) -> Payload:
    """The payload in these bytes, as read_payload takes it; `thing` names them in errors. Raises PayloadError."""
    return _first_known(payloads_in(data, thing))


def payloads_in(data: bytes, thing: str) -> list[Payload]:
    """All payloads in these bytes, as read_payloads. Raises PayloadError."""
    return [_in_text(data, thing)] if format_of(data) is None else _from_picture(data, thing)


def _first_known(payloads: list[Payload]) -> Payload:
    return next((payload for payload in payloads if family_of(payload.data) != "unknown"), payloads[0])


def _in_text(data: bytes, thing: str) -> Payload:
    text = text_of(data) if len(data) <= TEXT_MAX else None
    if text is None:
        return _sized(data, "raw", thing, data)
    line = text.rstrip("\r\n")  # an editor's, or a scanner's
    if family_of(line.encode()) != "unknown":
        return _sized(line.encode(), "raw", thing, data)
    try:
        found = unpaste(line)
    except SlipError as slip:
        raise PayloadError(thing, slip.problem, Text("Copy it again, whole", "请重新完整复制")) from slip
    if found is None:
        return _sized(data, "raw", thing, data)
    return _sized(found.data, found.form, thing, data)


def payload_of_hex(text: str) -> Payload:
    """The payload that a hex dump of any usual form says. Raises PayloadError."""
    remedy = Text("Copy the dump again, whole", "请重新完整复制十六进制数据")
    try:
        found = unpaste(text) if text.isascii() and len(text) <= TEXT_MAX else None
    except SlipError as slip:
        raise PayloadError("--hex", slip.problem, remedy) from slip
    if found is None or found.form not in ("hex", "hex dump"):
        raise PayloadError("--hex", Text("not an even number of hex digits", "不是偶数个十六进制数字"), remedy)
    return _sized(found.data, found.form, "--hex", found.data)


def _sized(data: bytes, form: str, thing: str, came: bytes) -> Payload:
    if not data:
        raise PayloadError(thing, EMPTY, Text("Give the bytes of one code", "请提供一个码的数据"))
    if len(data) > PAYLOAD_MAX:
        raise PayloadError(thing, TOO_LONG, Text("Give one code or record at a time", "请一次提供一个码或记录"))
    return Payload(data, form, came)


def _from_picture(data: bytes, thing: str) -> list[Payload]:
    """The payload of each QR code in a picture."""
    try:
        from yima.validator.readers.decoders import (  # noqa: PLC0415 - all but pictures must do without the extra
            DecodingError,
            decode_file,
            decoder_named,
        )
    except ModuleNotFoundError as missing:
        raise PayloadError(thing, *missing_module(missing)) from missing
    except (ImportError, AttributeError) as broken:  # it is there, and what it stands on is not, or is another version
        raise PayloadError(thing, *does_not_load(broken)) from broken
    try:
        decoder_named("zxing")  # what is missing is said before anything is said of the picture
        payloads = decode_file(data)
    except ReaderError as missing:
        raise PayloadError(thing, missing.problem, missing.remedy) from missing
    except ModuleNotFoundError as missing:
        raise PayloadError(thing, *missing_module(missing)) from missing
    except PictureError as error:
        remedy = Text("Give a PNG or JPEG of at most 64 million pixels", "请提供不超过 6400 万像素的 PNG 或 JPEG")
        raise PayloadError(thing, error.why, remedy) from error
    except DecodingError as error:
        remedy = Text("Cut the picture to the code and its margin", "请把图片裁剪到只含码及其白边")
        raise PayloadError(thing, error.why, remedy) from error
    if not payloads:
        remedy = Text(
            "Take it sharper and larger, with the white margin around it", "请拍得更清晰、更大，并保留四周白边"
        )
        raise PayloadError(thing, Text("no QR code can be read in it", "图中未识别到二维码"), remedy)
    return [
        replace(_sized(payload, "picture", thing, payload), codes=len(payloads), number=number)
        for number, payload in enumerate(payloads, 1)
    ]
