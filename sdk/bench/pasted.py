"""Bytes out of the texts in which people pass them on: dumps, arrays, strings, lists, base64, in whatever wrapping.

Rules:
- A text is one of these forms as a whole or none of them: nothing is searched for inside other text.
- What is a form but for a slip (an odd number of digits, a line of a dump that is missing) is refused with the slip,
  never read as something else.
- Errors never quote the input: it may hold account numbers.
"""

import ast
import base64
import binascii
import re
import warnings
from collections.abc import Callable
from typing import Final, NamedTuple

from yima.sdk.bench.causes import Cause
from yima.sdk.bench.dumps import SlipError, bytes_of_dump
from yima.validator.outside import json_of

__all__ = ["Pasted", "SlipError", "text_of", "unpaste"]

_DEPTH: Final = 4  # a JSON string that holds a quoted data URI of base64 is three deep
_BASE64_LEAST: Final = 24  # characters; shorter ones are words as well
_BASE32: Final = re.compile(r"[A-Z2-7]{40,}={0,6}|[a-z2-7]{40,}={0,6}")
_LETTERS_45: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_BASE45: Final = re.compile(rf"[{re.escape(_LETTERS_45)}]{{40,}}")
_LITERALS: Final = re.compile(
    r"""\s*(?:bytes|bytearray|Buffer\.from|memoryview|unhexlify)?(?:\.fromhex)?\((.*)\)\s*""", re.DOTALL
)
_BYTES: Final = re.compile(r"""\s*[bB][rR]?(?:'[^\n]*'|"[^\n]*")\s*""")
_DATA_URI: Final = re.compile(r"data:[\w.+/-]*((?:;[\w.=+-]+)*),([\x00-\x7f]*)")
_BRACES: Final = re.compile(r"[^{}]*\{([^{}]*)\}\s*;?(?:[^{}\"]*=\s*\d+\s*;)?\s*", re.DOTALL)
_COMMENTS: Final = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_SQL: Final = re.compile(
    r"""[xX]'([0-9a-fA-F\s]*)'|\\\\?x([0-9a-fA-F]{4,})|<(?:Buffer )?([0-9a-fA-F\s]+)(?:\.\.\. \d+ more bytes?)?>"""
)
_EACH: Final = re.compile(r"(?:\[[0-9a-fA-F]{2}\]\s*){2,}|(?:<[0-9a-fA-F]{2}>\s*){2,}|(?:\([0-9a-fA-F]{2}\)\s*){2,}")
_ESCAPE: Final = re.compile(r"\\x[0-9a-fA-F]{1,2}|\\u00[0-9a-fA-F]{2}|\\[0-7]{1,3}|\\[abefnrtv\\'\"?/]|[^\\\n\r]")
_SIMPLE: Final = dict(zip("abefnrtv\\'\"?/", b"\a\b\x1b\f\n\r\t\v\\'\"?/", strict=True))
_STRINGS: Final = re.compile(r"""\s*(?:[\w\s\[\]*]*=)?\s*((?:"(?:[^"\\]|\\.)*"\s*)+);?\s*""", re.DOTALL)
_PERCENT: Final = re.compile(r"(?:%[0-9a-fA-F]{2}|[!-$&-~])+")
_PRINTABLE: Final = re.compile(r"(?:=[0-9a-fA-F]{2}|=\r?\n|[ -<>-~\t])+")
_SEPARATED: Final = re.compile(r"[\s,;:|_.-]+")
_HEX_TOKEN: Final = re.compile(r"(?:0[xX]|\\x|[xX$#]|&[hH])?([0-9a-fA-F]+)[hH]?[uU]?")
_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_NUMBERS: Final = re.compile(r"[\s\[({]*-?\d{1,3}(?:[\s,;]+-?\d{1,3})+[\s,;\])}]*")
_BASE64: Final = re.compile(r"[0-9a-zA-Z+/_-]+={0,2}")
_ARMOUR: Final = re.compile(r"-----BEGIN [^-\n]+-----\s*(.*?)\s*-----END [^-\n]+-----", re.DOTALL)
_BOMS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


class Pasted(NamedTuple):
    """What a text stands for. form: for people, English; cause: of the table."""

    data: bytes
    form: str
    cause: Cause


def text_of(data: bytes) -> str | None:
    """The text that bytes are: ASCII, or UTF-8 or UTF-16 with or without a BOM, of which every character is ASCII; None
    for anything else."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _ascii(data[len(bom) :], encoding)
    if data.isascii() and b"\0" not in data:
        return data.decode("ascii")
    for zeros, letters, encoding in ((data[1::2], data[::2], "utf-16-le"), (data[::2], data[1::2], "utf-16-be")):
        if len(data) >= 4 and len(data) % 2 == 0 and not any(zeros) and letters.isascii() and b"\0" not in letters:
            return _ascii(data, encoding)
    return None


def unpaste(text: str, depth: int = _DEPTH) -> Pasted | None:
    """The bytes that a text stands for; None if it is no such form. Raises SlipError for one with a slip in it."""
    for reader in _READERS:
        found = reader(text.strip(), depth)
        if found is not None and found.data:
            return found
    return None


def _ascii(data: bytes, encoding: str) -> str | None:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return text if text.isascii() and "\0" not in text else None


def _dump(text: str, _: int) -> Pasted | None:
    data = bytes_of_dump(text)
    return None if data is None else Pasted(data, "hex dump", Cause.HEX_TEXT)


def _data_uri(text: str, _: int) -> Pasted | None:
    match = _DATA_URI.fullmatch(text)
    if not match:
        return None
    words, body = match.groups()
    if ";base64" in words:
        found = _from_base64("".join(_unquoted(body).decode("latin-1").split()))
        if found is None:
            raise SlipError("uri")
        return Pasted(found, "data URI", Cause.BASE64_TEXT)
    return Pasted(_unquoted(body), "data URI", Cause.PERCENT_ENCODED)


def _literal(text: str, depth: int) -> Pasted | None:
    """What Python and its relatives print: b'…', bytes.fromhex('…'), bytearray([…])."""
    call = _LITERALS.fullmatch(text)
    if call and depth:
        return unpaste(call[1].strip().split(", 'hex'")[0].split(", 'base64'")[0], depth - 1)
    if not _BYTES.fullmatch(text):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # an escape that is none: a letter of it was lost
            value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, Warning):
        raise SlipError("literal") from None
    return Pasted(value, "bytes literal", Cause.ESCAPED_TEXT) if isinstance(value, bytes) else None


def _json(text: str, depth: int) -> Pasted | None:
    if not text.startswith(("{", "[", '"')) or not depth:
        return None
    try:
        value = json_of(text)
    except ValueError:
        return None
    return _in_json(value, depth - 1)


def _in_json(value: object, depth: int) -> Pasted | None:
    """The longest thing in it that stands for bytes."""
    if isinstance(value, list):
        if value and all(isinstance(one, int) and -128 <= one <= 255 for one in value):
            return Pasted(bytes(one & 255 for one in value), "JSON array", Cause.NUMBER_LIST)
        inside = value
    elif isinstance(value, dict):
        inside = list(value.values())
    elif isinstance(value, str):
        found = unpaste(value, depth)
        if found is None and value and all(ord(one) < 256 for one in value) and not value.isprintable():
            found = Pasted(value.encode("latin-1"), "JSON string", Cause.ESCAPED_TEXT)
        return found
    else:
        return None
    if depth <= 0:
        return None
    found_all = [found for one in inside if (found := _in_json(one, depth - 1)) is not None]
    return max(found_all, key=lambda found: len(found.data), default=None)


def _array(text: str, _: int) -> Pasted | None:
    """An array of C or Java: a declaration or not, numbers of any base, comments."""
    match = _BRACES.fullmatch(_COMMENTS.sub(" ", text))
    words = re.split(r"[\s,]+", match[1].strip(" \t\r\n,")) if match else []
    values = []
    for word in words:
        number = re.sub(r"^\(byte\)|[uUlL]+$", "", word)
        try:
            value = ord(ast.literal_eval(number)) if number.startswith("'") else int(number, 0)
        except (ValueError, SyntaxError, TypeError):
            return None
        if not -128 <= value <= 255:
            return None
        values.append(value & 255)
    return Pasted(bytes(values), "C array", Cause.NUMBER_LIST) if values else None


def _wrapped_hex(text: str, _: int) -> Pasted | None:
    """X'8001' of SQL, \\x8001 of PostgreSQL, <80015b24> of Apple's, <Buffer 80 01> of Node's, which may leave off; and
    [80][01] or <80><01> of terminal programs."""
    if _EACH.fullmatch(text):
        return Pasted(_pairs(re.sub(r"[^0-9a-fA-F]", "", text)), "hex", Cause.HEX_TEXT)
    match = _SQL.fullmatch(text)
    return (
        Pasted(_pairs("".join(next(filter(None, match.groups()), "").split())), "hex", Cause.HEX_TEXT)
        if match
        else None
    )


def _quoted(text: str, depth: int) -> Pasted | None:
    if depth and len(text) > 2 and text[0] == text[-1] and text[0] in "\"'`" and "\\" not in text:
        return unpaste(text[1:-1], depth - 1)
    return None


def _escaped(text: str, _: int) -> Pasted | None:
    r"""\x80\x01$… in one string, in several of C, or in none."""
    strings = _STRINGS.fullmatch(text)
    body = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', strings[1])) if strings else text.strip("'")
    if "\\x" not in body and not re.search(r"\\u00|\\[0-3][0-7][0-7]", body):
        return None
    pieces = _ESCAPE.findall(body)
    if "".join(pieces) != body or not body.isascii():
        return None
    return Pasted(bytes(map(_unescaped, pieces)), "escaped string", Cause.ESCAPED_TEXT)


def _unescaped(piece: str) -> int:
    if len(piece) == 1:
        return ord(piece)
    if piece[1] in "xu":
        return int(piece[2:], 16)
    return int(piece[1:], 8) & 255 if piece[1].isdigit() else _SIMPLE[piece[1]]


def _percent(text: str, _: int) -> Pasted | None:
    if text.count("%") >= 4 and _PERCENT.fullmatch(text) and not re.match(r"[a-zA-Z]+://", text):
        spaced = text if "%20" in text else text.replace("+", "%20")  # as forms are sent
        return Pasted(_unquoted(spaced), "percent-encoded", Cause.PERCENT_ENCODED)
    if len(re.findall(r"=[0-9A-F]{2}", text)) >= 16 and _PRINTABLE.fullmatch(text):
        return Pasted(binascii.a2b_qp(text), "quoted-printable", Cause.PERCENT_ENCODED)
    return None


def _numbers(text: str, _: int) -> Pasted | None:
    """Decimal numbers; such as are all of two digits are hex."""
    if not _NUMBERS.fullmatch(text):
        return None
    words = re.findall(r"-?\d+", text)
    values = [int(word) for word in words]
    if all(len(word) == 2 for word in words) or not all(-128 <= value <= 255 for value in values):
        return None
    return Pasted(bytes(value & 255 for value in values), "number list", Cause.NUMBER_LIST)


def _hex(text: str, _: int) -> Pasted | None:
    """Digits, in pairs or not, with whatever stands between and around them."""
    words = _SEPARATED.split(re.sub(r"\\x(?=[0-9a-fA-F]{2})", " ", text).strip(" ,;:|_.-"))
    tokens = [_HEX_TOKEN.fullmatch(word) for word in words]
    if not all(tokens):
        return None
    digits = [token[1] for token in tokens if token]
    if len(digits) > 1 and all(len(word) <= 2 for word in digits):
        digits = [word.zfill(2) for word in digits]
    if len(digits) > 1 and any(len(word) % 2 for word in digits) and not re.fullmatch(r"[\s0-9a-fA-F]+", text):
        return None
    return Pasted(_pairs("".join(digits)), "hex", Cause.HEX_TEXT)


def _base32(text: str, _: int) -> Pasted | None:
    letters = "".join(text.split()).rstrip("=")
    if not _BASE32.fullmatch(letters):
        return None
    try:
        data = base64.b32decode(letters + "=" * (-len(letters) % 8), casefold=True)
    except binascii.Error:
        return None
    return Pasted(data, "base32", Cause.BASE32_TEXT)


def _base45(text: str, _: int) -> Pasted | None:
    """RFC 9285: three letters, the lowest first, for two bytes; two for one."""
    if not _BASE45.fullmatch(text) or len(text) % 3 == 1:
        return None
    data = b""
    for at in range(0, len(text), 3):
        values = [_LETTERS_45.index(letter) * 45**place for place, letter in enumerate(text[at : at + 3])]
        if sum(values) >> 8 * (len(values) - 1):
            return None
        data += sum(values).to_bytes(len(values) - 1)
    return Pasted(data, "base45", Cause.BASE45_TEXT)


def _base64(text: str, _: int) -> Pasted | None:
    armour = _ARMOUR.fullmatch(text)
    letters = "".join((armour[1] if armour else text).split())
    data = _from_base64(letters) if len(letters) >= _BASE64_LEAST else None
    return None if data is None else Pasted(data, "base64", Cause.BASE64_TEXT)


def _pairs(digits: str) -> bytes:
    if len(digits) % 2:
        raise SlipError("odd")
    return bytes.fromhex(digits)


def _from_base64(letters: str) -> bytes | None:
    if not _BASE64.fullmatch(letters):
        return None
    body = letters.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except binascii.Error:
        return None


def _unquoted(text: str) -> bytes:
    return re.sub(rb"%([0-9a-fA-F]{2})", lambda match: bytes([int(match[1], 16)]), text.encode())


_READERS: Final[tuple[Callable[[str, int], Pasted | None], ...]] = (
    _data_uri,
    _dump,
    _wrapped_hex,
    _literal,
    _json,
    _array,
    _quoted,
    _numbers,
    _hex,
    _escaped,
    _percent,
    _base32,
    _base45,
    _base64,
)
