"""Codes whose bytes were put in another order, written twice, escaped by a protocol or typed on another keyboard, put
right again. A code's or the card's mark must come out, so that few guesses go on; of typed letters a whole code.
"""

import re
from collections.abc import Iterator
from typing import Final

from yima.sdk.bench.causes import Cause
from yima.sdk.bench.charsets import table
from yima.sdk.bench.packets import MARK, Unpacked
from yima.sdk.bench.pasted import SlipError, unpaste
from yima.sdk.bench.wholeness import is_proved

_CARD: Final = b"YIMA CARD"
_MARKS: Final = (MARK, _CARD)
_PACKET: Final = 64
_SWAPPED: Final = bytes(byte >> 4 | (byte & 15) << 4 for byte in range(256))
_REVERSED_BITS: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
CONTROLS: Final = (
    "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR", "SO", "SI",
    "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US",
)  # fmt: skip
_NAMED: Final = re.compile(rb"[<\[{](" + "|".join(CONTROLS).encode() + rb")[>\]}]|\xe2\x90([\x80-\x9f])")
_CARET: Final = re.compile(rb"\^([@-_])")
# One after the other, for a writer uses one of the two: of `{\xad]` the brackets may be the code's own.
_HEX_BYTES: Final = (
    re.compile(rb"\\x([0-9A-Fa-f]{2})"),
    re.compile(rb"[<\[{](?:0x|\\x)?([0-9A-Fa-f]{2})[>\]}]"),
)
_ENTITY: Final = re.compile(rb"&(?:#([0-9]{1,3})|#[xX]([0-9a-fA-F]{1,2})|(amp|lt|gt|quot|apos));")
_ENTITIES: Final = {b"amp": b"&", b"lt": b"<", b"gt": b">", b"quot": b'"', b"apos": b"'"}
_INSIDE: Final = re.compile(
    r"(?:[0-9a-fA-F]{2}[ :,-]?){40,}|[0-9a-zA-Z+/_-]{80,}={0,2}|(?:%[0-9a-fA-F]{2}|[\w.~-]){80,}", re.ASCII
)
_TEXT_MOST: Final = 1 << 12

# Keys from left to right, row by row: what a keyboard of each country gives for them, plain and with shift.
_US: Final = ("1234567890-=qwertyuiop[]asdfghjkl;'zxcvbnm,./", '!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"ZXCVBNM<>?')
_FRENCH: Final = ("&é\"'(-è_çà)=azertyuiop^$qsdfghjklmùwxcvbn,;:!", "1234567890°+AZERTYUIOP¨£QSDFGHJKLM%WXCVBN?./§")
_GERMAN: Final = ("1234567890ß´qwertzuiopü+asdfghjklöäyxcvbnm,.-", '!"§$%&/()=?`QWERTZUIOPÜ*ASDFGHJKLÖÄYXCVBNM;:_')
LAYOUTS: Final[tuple[tuple[str, str, str], ...]] = (
    ("shift was held", _US[1], _US[0]),
    ("caps lock is on", "".join(map(chr, range(97, 123))), "".join(map(chr, range(65, 91)))),
    ("typed for QWERTY, read as AZERTY", "".join(_FRENCH), "".join(_US)),
    ("typed for QWERTY, read as AZERTY with caps lock", "".join(reversed(_FRENCH)), "".join(_US)),
    ("typed for QWERTY, read as QWERTZ", "".join(_GERMAN), "".join(_US)),
    ("typed for AZERTY, read as QWERTY", "".join(_US), "".join(_FRENCH)),
    ("typed for QWERTZ, read as QWERTY", "".join(_US), "".join(_GERMAN)),
)
"""What happened, the characters that came, and those that were meant; of caps lock both ways."""


def rewritten(data: bytes) -> Iterator[Unpacked]:
    """Everything that these bytes may have been, likeliest first."""
    for inner, cause, detail in (*_twice(data), *_reordered(data), *_escaped(data), *_named(data)):
        if inner != data and any(mark in inner for mark in _MARKS):
            yield Unpacked(inner, cause, detail)
    yield from _typed(data)
    if b" " in data.strip() and b"+" not in data and len(data) <= _TEXT_MOST and data.isascii():
        found = _pasted(data.decode().strip().replace(" ", "+"))
        if found and any(mark in found for mark in _MARKS):
            yield Unpacked(found, Cause.BASE64_TEXT, "+ became a blank: write %2B")


def inside(text: str) -> Iterator[Unpacked]:
    """Digits or base64 of a code somewhere in a text: a line of a log, a link, a tag."""
    for match in _INSIDE.finditer(text[:_TEXT_MOST]):
        run = match[0].rstrip(" :,")
        found = _pasted(run) if run != text.strip() else None
        if found and any(mark in found for mark in _MARKS):
            yield Unpacked(run.encode(), Cause.FRAMED, "other text around")


def _twice(data: bytes) -> Iterator[tuple[bytes, Cause, str]]:
    if len(data) > 1 and data[::2] == data[1::2]:
        yield data[::2], Cause.REPEATED_PIECE, "every byte came twice"
    for times in (2, 3, 4):
        size = len(data) // times
        if size and data == data[:size] * times:
            yield data[:size], Cause.REPEATED_PIECE, f"the whole came {times} times"


def _reordered(data: bytes) -> Iterator[tuple[bytes, Cause, str]]:
    yield data[::-1], Cause.BYTE_ORDER, "the last byte came first"
    yield data[::-1].translate(_SWAPPED), Cause.BYTE_ORDER, "the last hex digit came first"
    yield data.translate(_REVERSED_BITS), Cause.BYTE_ORDER, "the bits of every byte are in reverse order"
    for size in (2, 4, 8):
        words = (data[at : at + size][::-1] for at in range(0, len(data), size))
        yield b"".join(words), Cause.BYTE_ORDER, f"words of {size} bytes are in the other byte order"
    pieces = [data[at : at + _PACKET] for at in range(0, len(data), _PACKET)]
    for at in range(len(pieces) - 1):
        swapped = [*pieces[:at], pieces[at + 1], pieces[at], *pieces[at + 2 :]]
        yield b"".join(swapped), Cause.BYTE_ORDER, f"packets {at} and {at + 1} of {_PACKET} bytes are swapped"


def _escaped(data: bytes) -> Iterator[tuple[bytes, Cause, str]]:
    cause = Cause.BYTE_STUFFING
    if data.endswith(b"\xc0"):
        yield data.strip(b"\xc0").replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb"), cause, "SLIP"
    bare = data.strip(b"\x7e") if data.endswith(b"\x7e") else data
    yield re.sub(rb"\x7d([\s\S])", lambda pair: bytes([pair[1][0] ^ 0x20]), bare), cause, "7D before a byte xor 20"
    bare = data.removeprefix(b"\x10\x02").removesuffix(b"\x10\x03") if data.startswith(b"\x10\x02") else data
    yield bare.replace(b"\x10\x10", b"\x10"), cause, "DLE (10) is doubled"
    telnet = data.replace(b"\xff\xff", b"\xff")
    yield telnet, cause, "FF is doubled: telnet, or a terminal's PARMRK"
    yield telnet.replace(b"\r\0", b"\r"), cause, "FF is doubled and 0D became 0D 00: telnet"
    yield data.replace(b"\\\\", b"\\"), cause, "5C is doubled"


def _named(data: bytes) -> Iterator[tuple[bytes, Cause, str]]:
    names = [name.encode() for name in CONTROLS]
    plain = _NAMED.sub(lambda found: bytes([names.index(found[1]) if found[1] else found[2][0] & 0x1F]), data)
    yield plain, Cause.CONTROL_BYTES_REPLACED, "names or signs of control characters for their bytes"
    caret = _CARET.sub(lambda found: bytes([found[1][0] & 0x1F]), data)
    yield caret, Cause.CONTROL_BYTES_REPLACED, "names or signs of control characters for their bytes"
    for written in _HEX_BYTES:
        bare = written.sub(lambda found: bytes.fromhex(found[1].decode()), data)
        yield bare, Cause.ESCAPED_TEXT, "some bytes in hex"
    yield _ENTITY.sub(_character, data), Cause.ESCAPED_TEXT, "HTML or XML entities"


def _character(entity: re.Match[bytes]) -> bytes:
    number = int(entity[1]) if entity[1] else int(entity[2], 16) if entity[2] else None
    if number is None:
        return _ENTITIES[entity[3]]
    return bytes([number]) if number < 256 else entity[0]


def _typed(data: bytes) -> Iterator[Unpacked]:
    """Hex or base64 that a scanner in keyboard mode typed for another keyboard."""
    if len(data) > _TEXT_MOST or b"\0" in data:
        return
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "".join(table("cp1252")[byte] for byte in data)
    for detail, came, meant in LAYOUTS:
        letters = dict(zip(came, meant, strict=True))
        if meant.isupper():
            letters |= dict(zip(meant, came, strict=True))
        typed = "".join(letters.get(letter, letter) for letter in text.strip())
        found = _pasted(typed) if typed != text.strip() and typed.isascii() else None
        if found and (is_proved(found) or found.startswith(_CARD)):
            yield Unpacked(found, Cause.KEYBOARD_LAYOUT, detail)


def _pasted(text: str) -> bytes | None:
    try:
        found = unpaste(text)
    except SlipError:
        return None
    return found.data if found else None
