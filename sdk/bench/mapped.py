"""Codes of which every byte of one kind became another in its place: told by the values that a code's places allow.

It is lost for good which byte it was, so nothing is put back; but every place must allow a byte that became what stands
there, and no byte may stand there that could not come out.
"""

from functools import cache
from typing import Final

from yima.sdk.bench.causes import Cause
from yima.sdk.bench.wholeness import TEMPLATES, misfits

_BYTES: Final = range(256)


def _all(kind: frozenset[int], becomes: int) -> bytes:
    return bytes(becomes if byte in kind else byte for byte in _BYTES)


_CONTROL: Final = frozenset(range(0x20))
MAPPINGS: Final[tuple[tuple[Cause, str, bytes], ...]] = (
    *((Cause.CONTROL_BYTES_REPLACED, f"00 to 1F became {to:02X}", _all(_CONTROL, to)) for to in b" .?_"),
    (Cause.CONTROL_BYTES_REPLACED, "00 became 20", _all(frozenset({0}), 0x20)),
    (Cause.CONTROL_BYTES_REPLACED, "00 became 30", _all(frozenset({0}), 0x30)),
    *(
        (Cause.CHARSET_REPLACED, f"all but printable ASCII became {to:02X}", _all(
            frozenset(_BYTES) - frozenset(range(0x20, 0x7F)), to))
        for to in b".? _"
    ),
    (Cause.CASE_FOLDED, "to capitals", bytes(_BYTES).upper()),
    (Cause.CASE_FOLDED, "to small letters", bytes(_BYTES).lower()),
    (Cause.SEVEN_BIT, "the eighth bit is always 1: mark parity", bytes(byte | 0x80 for byte in _BYTES)),
    *((Cause.BIT_STUCK, f"bit {bit} is always 0", bytes(byte & ~(1 << bit) for byte in _BYTES)) for bit in range(7)),
    *((Cause.BIT_STUCK, f"bit {bit} is always 1", bytes(byte | 1 << bit for byte in _BYTES)) for bit in range(7)),
)  # fmt: skip
"""Cause, what became what, and of each byte what it became."""


@cache
def _forms(size: int, place: int) -> tuple[frozenset[int], ...]:
    table = MAPPINGS[place][2]
    return tuple(frozenset(table[value] for value in values) for values in TEMPLATES[size])


def mapped(data: bytes) -> tuple[Cause, str] | None:
    """Which bytes became which; None if these are no code of which some did."""
    if not misfits(data):  # another size, or a code as it is
        return None
    for place, (cause, detail, table) in enumerate(MAPPINGS):
        head = bytes(table[byte] for byte in ((len(data) - 3) >> 8, (len(data) - 3) & 0xFF, 0x24, 1, 1, 0, 0))
        if data[1:8] != head:
            continue
        if all(byte in values for byte, values in zip(data, _forms(len(data), place), strict=True)):
            return cause, detail
    return None
