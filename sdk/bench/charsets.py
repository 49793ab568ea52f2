"""Bytes that were taken for text of one character set and written in another, and back again.

Every single-byte set is a table of 256 characters here; where a set has none for a byte, decoders take the character of
the byte's number, as the web's standard for encodings says and browsers and Windows do.
"""

import codecs
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, NamedTuple

SINGLE: Final = (
    "latin-1", "cp1252", "cp437", "cp850", "iso8859-15", "mac-roman", "cp1251", "koi8-r", "cp866", "cp1250",
    "iso8859-9", "iso8859-2",
)  # fmt: skip
MULTI: Final = ("gb18030", "gbk", "shift-jis", "cp932", "big5", "euc-kr", "euc-jp")
_WRITTEN: Final = ("utf-8", "utf-16-le", "utf-16-be")
_LOST: Final = "�"
EMPTY: Final = {
    name: frozenset(byte for byte in range(256) if not bytes([byte]).decode(name, "ignore")) for name in SINGLE
}
"""The bytes for which a set has no character."""
MANY: Final = 8
"""So many bytes over 7F, all of them well-formed UTF-8, are no chance."""


class Undone(NamedTuple):
    """Bytes as they were before. taken_for, written: character sets; times: how often (UTF-8 of UTF-8)."""

    data: bytes
    taken_for: str
    written: str
    times: int = 1


@cache
def table(name: str) -> str:
    """The characters of a single-byte set's 256 bytes."""
    characters = []
    for byte in range(256):
        try:
            characters.append(bytes([byte]).decode(name))
        except UnicodeDecodeError:
            characters.append(chr(byte))
    return "".join(characters)


@cache
def _numbers(name: str) -> Any:
    """The bytes of a single-byte set's characters, as `codecs` looks them up."""
    return codecs.charmap_build(table(name))


def utf8_layers(data: bytes) -> tuple[bytes, int]:
    """What is left when every layer of UTF-8 over Latin-1 is taken off, and how many there were."""
    layers = 0
    while (inner := _from_text(_decoded(data, "utf-8"), "latin-1")) is not None and inner != data:
        data, layers = inner, layers + 1
    return data, layers


def undone(data: bytes) -> Iterator[Undone]:
    """Everything these bytes may have been, likeliest first; nothing of what loses a byte on the way."""
    seen = {data}
    inner, layers = utf8_layers(data)
    if layers:
        seen.add(inner)
        yield Undone(inner, "latin-1", "utf-8", layers)
    for written in (*_WRITTEN, *MULTI, *SINGLE):
        text = _decoded(data, written)
        text = text.removeprefix("\ufeff") if text else None  # a byte order mark
        if text is None or len(text) - len(text.encode("ascii", "ignore")) < MANY:
            continue  # a code has some 150 bytes over 7F; of seven bits with a single one sets tell anything
        for taken_for in (*SINGLE, *MULTI):
            before = _from_text(text, taken_for)
            if before is not None and before not in seen:
                seen.add(before)
                yield Undone(before, taken_for, written)


def is_text_with_gaps(data: bytes) -> bool:
    """Whether this is UTF-8 with characters from all over: what is left of bytes when those that are no text go."""
    text = _decoded(data, "utf-8")
    return bool(text) and all(_from_text(text, name) is None for name in SINGLE)


def replaced(data: bytes) -> int:
    """How many characters stand where something was that is no text: U+FFFD in UTF-8 or UTF-16."""
    return max(
        (text.count(_LOST) for text in (_decoded(data, written) for written in _WRITTEN) if text is not None),
        default=data.count(b"\xef\xbf\xbd"),
    )


def _decoded(data: bytes, name: str) -> str | None:
    try:
        return codecs.charmap_decode(data, "strict", table(name))[0] if name in SINGLE else data.decode(name)
    except UnicodeDecodeError as error:
        is_cut = name == "utf-8" and error.reason == "unexpected end of data"  # in the middle of a character
        return data[: error.start].decode() if is_cut else None


def _from_text(text: str | None, name: str) -> bytes | None:
    if text is None:
        return None
    try:
        return text.encode(name) if name in MULTI else codecs.charmap_encode(text, "strict", _numbers(name))[0]
    except UnicodeEncodeError:
        return None
