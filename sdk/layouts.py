"""Where everything lies in a code, a certificate and a trip record, for building and dissecting (JT/T 1179).

This is the second description of the layout; the first is `validator/core/layout.h`. They share no line, and tests hold
them against each other.

Rules:
- Fields keep their names of layout.h in lower case, in the standard's order; a code's field number is its place.
- Numbers parse to int, everything else stays bytes, so that whatever parses builds again to the same bytes.
- Nothing is checked here: a damaged code must parse as far as its bytes reach. Meaning is dissect's, verdicts are the
  core's.
"""

import string
from collections.abc import Iterator
from typing import NamedTuple

from construct import (
    Bytes,
    Construct,
    Default,
    GreedyRange,
    Int8ub,
    Int16ub,
    Int24ub,
    Int32ub,
    Rebuild,
    StreamError,
    Struct,
    len_,
    this,
)

CODE_MIN, CODE_MAX = 332, 364
ISSUER_DATA_MAX = 32
CERTIFICATE_SIZE = 117
ROOT_CERTIFICATE_SIZE = 144
SERVICE_ID = bytes.fromhex("01010000")
RID = bytes.fromhex("a000000632")
SIGNATURE_TAG = 0x15

# An issuer's certificate, field 3 of a code.
CERTIFICATE = Struct(
    "header" / Default(Int8ub, 0x24),
    "service_id" / Default(Bytes(4), SERVICE_ID),
    "root_index" / Int8ub,
    "format" / Default(Int8ub, 0x12),
    "issuer_id" / Bytes(4),
    "expiry" / Bytes(2),
    "serial" / Bytes(3),
    "signature_algorithm" / Default(Int8ub, 4),
    "encryption_algorithm" / Default(Int8ub, 4),
    "curve_parameter" / Default(Int8ub, 0),
    "key_length" / Default(Int8ub, 33),
    "issuer_key" / Bytes(33),
    "ca_signature" / Bytes(64),
)

CODE = Struct(
    "version" / Int8ub,
    "length" / Int16ub,
    "certificate" / Bytes(CERTIFICATE_SIZE),
    "payment_account" / Bytes(16),
    "card_account" / Bytes(10),
    "organisation" / Bytes(4),
    "platform" / Bytes(4),
    "account_type" / Int8ub,
    "cap" / Int24ub,
    "rider_key" / Bytes(33),
    "authorised_until" / Int32ub,
    "validity" / Int16ub,
    "issuer_data_length" / Rebuild(Int8ub, len_(this.issuer_data)),
    "issuer_data" / Bytes(this.issuer_data_length),
    "issuer_signature" / Bytes(65),
    "generated_at" / Int32ub,
    "rider_signature" / Bytes(65),
)

ROOT_CERTIFICATE = Struct(
    "header" / Default(Int8ub, 0x21),
    "service_id" / Default(Bytes(4), SERVICE_ID),
    "rid" / Default(Bytes(5), RID),
    "index" / Int8ub,
    "expiry" / Bytes(2),
    "algorithm" / Default(Int8ub, 4),
    "parameter" / Default(Int8ub, 0),
    "key_length" / Default(Int8ub, 64),
    "public_key" / Bytes(64),
    "self_signature" / Bytes(64),
)

RECORD_FIELD = Struct(
    "tag" / Int16ub,
    "length" / Rebuild(Int16ub, len_(this.value)),
    "value" / Bytes(this.length),
)
RECORD = GreedyRange(RECORD_FIELD)

# What each signature covers, as (start, end) in the code for issuer data of `c` bytes; the certificate's within itself.
CA_SPAN = (6, 53)
ROOT_SPAN = (0, 80)


def issuer_span(c: int) -> tuple[int, int]:
    """The bytes of a code that field 15 signs."""
    return 3, 198 + c


def rider_span(c: int) -> tuple[int, int]:
    """The bytes of a code that field 17 signs."""
    return 0, 267 + c


class Piece(NamedTuple):
    """One field as it lies in given bytes. value is None, and raw short, where the bytes end before it does."""

    name: str
    offset: int
    size: int
    raw: bytes
    value: int | bytes | None


def walk(layout: Struct, data: bytes, **known: int) -> Iterator[Piece]:
    """The fields of a layout one after the other, as far as `data` reaches; what is cut off ends it.

    known: values that override what the data say, e.g. issuer_data_length where field 13 cannot be true.
    """
    context: dict[str, int | bytes] = {}
    offset = 0
    for field in layout.subcons:
        size = field.sizeof(**context)
        raw = data[offset : offset + size]
        value = _parse(field, raw, context)
        yield Piece(field.name, offset, size, raw, value)
        if value is None:
            return
        context[field.name] = known.get(field.name, value)
        offset += size


def _parse(field: Construct, raw: bytes, context: dict[str, int | bytes]) -> int | bytes | None:
    try:
        value: int | bytes = field.parse(raw, **context)
    except StreamError:
        return None
    return value


def packed(digits: str, size: int) -> bytes:
    """cn: digits as packed BCD, F padded to `size` bytes. Raises ValueError for what is no digit or too long."""
    if not set(digits) <= set(string.digits) or len(digits) > 2 * size:
        raise ValueError(f"at most {2 * size} digits")
    return bytes.fromhex(digits.ljust(2 * size, "F"))


def digits(raw: bytes) -> str | None:
    """The number that packed BCD holds, without its F padding; None where a nibble is no digit."""
    number = raw.hex().rstrip("f")
    return number if set(number) <= set(string.digits) else None


def expiry(year: int, month: int) -> bytes:
    """MMYY as certificates carry it; years 2000 to 2099."""
    if not (2000 <= year <= 2099 and 1 <= month <= 12):
        raise ValueError("a certificate's expiry lies in 2000-01 to 2099-12")
    return bytes.fromhex(f"{month:02}{year % 100:02}")


def expiry_month(raw: bytes) -> str | None:
    """MMYY as "YYYY-MM"; None where it names no month."""
    text = raw.hex()
    if len(text) != 4 or not text.isdecimal() or not 1 <= int(text[:2]) <= 12:
        return None
    return f"20{text[2:]}-{text[:2]}"
