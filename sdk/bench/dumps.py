"""Hex dumps with addresses, as xxd, hexdump, od, PowerShell and packet sniffers print them.

The addresses say how many bytes a line has and whether one is missing; so the column of letters behind the digits,
which may look like digits, is never read.
"""

import re
from typing import Final

from yima.validator.texts import Text

_LINE: Final = re.compile(r"\s*(?:0x)?([0-9a-fA-F]{4,16}):?(\s+|\Z)(.*)")
SIZE_MOST: Final = 1 << 16
"""Bytes of a dump; a star and a far address would make it as long as they say."""
_WORD: Final = re.compile(r"[0-9a-fA-F]{2,8}(?=\s|\Z)")


SLIPS: Final = {
    "dump": Text("a hex dump of which lines are missing or changed", "十六进制转储缺行或被改动"),
    "uri": Text("a data URI whose base64 is not whole", "data URI 中的 base64 不完整"),
    "literal": Text("a bytes literal that is not whole", "bytes 字面量不完整"),
    "odd": Text("an odd number of hex digits: one is missing", "十六进制数字为奇数个：缺少一位"),
}


class SlipError(Exception):
    """A form with a slip in it: what is wrong, for whoever names the thing. slip: which of SLIPS."""

    def __init__(self, slip: str) -> None:
        self.problem = SLIPS[slip]
        super().__init__(self.problem.en)


def bytes_of_dump(text: str) -> bytes | None:
    """The bytes; None if the text is no dump with addresses. Raises SlipError where a line is missing."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    begin = next((place for place, line in enumerate(lines) if _address(line, 16) == 0), None)
    if begin is None or begin > 4 or not all(_LINE.fullmatch(line) or line == "*" for line in lines[begin:]):
        return None
    if len(lines) - begin == 1 and not re.match(r"\s*(?:0x)?[0-9a-fA-F]+:?\s+[0-9a-fA-F]{2}", lines[begin]):
        return None
    for base in (16, 8):
        data = _read(lines[begin:], base)
        if data is not None:
            return data
    raise SlipError("dump")


def _read(lines: list[str], base: int) -> bytes | None:
    """None where the addresses do not follow from the lines in this base."""
    found = bytearray()
    previous, repeats, column = b"", False, None
    for place, line in enumerate(lines):
        if line == "*":
            repeats = True
            continue
        address = _address(line, base)
        if address is None or address > SIZE_MOST:
            return None
        while repeats and previous and len(found) < address:
            found += previous
        if address != len(found):
            return None
        repeats = False
        following = next((_address(other, base) for other in lines[place + 1 :] if other != "*"), None)
        stars = place + 1 < len(lines) and lines[place + 1] == "*"
        size = len(previous) if stars else None if following is None else following - address
        previous, end = _bytes(line, size, column)
        if size is not None and len(previous) != size:
            return None
        column = column or end
        found += previous
    return bytes(found)


def _address(line: str, base: int) -> int | None:
    match = _LINE.fullmatch(line)
    try:
        return int(match[1], base) if match else None
    except ValueError:
        return None


def _bytes(line: str, size: int | None, column: int | None) -> tuple[bytes, int]:
    """The bytes of a line, and the column at which their digits end. size: None for the last line, which ends at that
    column, at a bar, or where more than two blanks are."""
    match = _LINE.fullmatch(line)
    assert match
    at, found = match.start(3), bytearray()
    whole = line if size is not None or "|" not in line else line[: line.index("|")]
    is_words = bool(re.match(r"[0-9a-fA-F]{4}(?:\s|\Z)", match[3])) and ":" not in line[: match.start(2) + 1]
    while size is None or len(found) < size:
        word = _WORD.match(whole, at)
        if word is None or len(word[0]) % 2 or (size is None and column is not None and word.end() > column):
            break
        piece = bytes.fromhex(word[0])
        found += piece[::-1] if is_words else piece  # hexdump prints numbers of the machine, the low byte first
        at = word.end()
        blanks = len(whole) - at - len(whole[at:].lstrip())
        if size is None and column is None and blanks > 1 and "|" not in line and len(found) not in (8,):
            break
        at += blanks
    if is_words and size is not None:
        del found[size:]  # the last number is filled up with a zero
    return bytes(found), len(whole[:at].rstrip())
