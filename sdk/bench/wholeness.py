"""Whether bytes are a whole ministry code, and how much of its shape they have.

Shape is what does not depend on signatures: marks, lengths, and fields of which only some values can be. A code is
proved whole by its issuer's and its rider's signature, whose keys it carries; together they cover every byte, and no
root is asked. So a proof says that nothing is changed, not that a gate would take it.
"""

from typing import Final

from yima.validator._core import sm2_verify

LEAST, MOST, DATA_MOST = 332, 364, 32
_TAG: Final = 0x15

ANY: Final = frozenset(range(256))
_DIGIT_PAIRS: Final = frozenset(high << 4 | low for high in range(10) for low in range(10))
_PADDED_PAIRS: Final = _DIGIT_PAIRS | {high << 4 | 15 for high in range(10)} | {0xFF}
_PRINTABLE: Final = frozenset(range(0x20, 0x7F))
_SIGN: Final = frozenset({2, 3})


def template(size: int) -> list[frozenset[int]]:
    """Of each byte of a sound code of that many bytes (332 to 364), the values it can have."""
    c = size - LEAST
    form = [ANY] * size
    form[0] = frozenset({0x80, 0x81})
    form[1:3] = [frozenset({byte}) for byte in (size - 3).to_bytes(2)]
    form[3:8] = [frozenset({byte}) for byte in b"\x24\x01\x01\x00\x00"]
    form[9] = frozenset({0x12})
    form[10:14] = [_DIGIT_PAIRS] * 4
    form[14] = frozenset(range(1, 10)) | {0x10, 0x11, 0x12}
    form[15] = _DIGIT_PAIRS
    form[19], form[20], form[21], form[22] = frozenset({4}), frozenset({0, 4}), frozenset({0}), frozenset({33})
    form[23] = form[158] = _SIGN
    form[120:136] = [_PRINTABLE] * 16
    form[136:146] = [_PADDED_PAIRS] * 10
    form[146:154] = [_DIGIT_PAIRS] * 8
    form[155] = frozenset(range(2))  # nobody may ride for more than 1310.72 yuan
    form[197] = frozenset({c})
    form[198 + c] = form[267 + c] = frozenset({_TAG})
    form[191] = form[263 + c] = frozenset(range(0x50, 0xA0))  # 2012 to 2055
    return form


TEMPLATES: Final = {size: template(size) for size in range(LEAST, MOST + 1)}


def bare(data: bytes) -> bytes:
    """The ministry's layout without the 55 that the unified platform puts before it."""
    return data[1:] if data[:1] == b"\x55" and data[1:2] >= b"\x80" else data


def is_shaped(data: bytes) -> bool:
    """Whether size, marks and lengths of a ministry code agree with each other."""
    code = bare(data)
    c = len(code) - LEAST
    return (
        0 <= c <= DATA_MOST
        and int.from_bytes(code[1:3]) + 3 == len(code)
        and code[3] == 0x24
        and code[197] == c
        and code[198 + c] == code[267 + c] == _TAG
    )


def misfits(code: bytes) -> int | None:
    """How many bytes have a value that they cannot have; None for a size that no code has."""
    form = TEMPLATES.get(len(code))
    return None if form is None else sum(byte not in values for byte, values in zip(code, form, strict=True))


def issuer_holds(code: bytes) -> bool:
    """Whether the issuer's signature (field 15) holds: nothing before it is changed, nor it."""
    c = len(code) - LEAST
    return _verified(code[23:56], code[3 : 198 + c], code[199 + c : 263 + c])


def rider_holds(code: bytes) -> bool:
    """Whether the rider's signature (field 17) holds."""
    c = len(code) - LEAST
    return _verified(code[158:191], code[: 267 + c], code[268 + c : 332 + c])


def is_proved(data: bytes) -> bool:
    """Whether these bytes are a ministry code of which no byte is changed."""
    code = bare(data)
    return is_shaped(data) and rider_holds(code) and issuer_holds(code)


def _verified(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        return sm2_verify(key, message, signature)
    except ValueError:  # no point of the curve
        return False
