"""Entries of the older form: a trip record with tags of our own inside, and columns beside it that its hash covers.

They are few, and every device leaves them behind once; so they are read one by one. What they lack (place, operator,
parameters) nobody can know any more: they are kept, and judged as far as they reach.
"""

import struct
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from yima.sdk.centre.clearing.days import days_of
from yima.sdk.centre.clearing.tables import TAPS
from yima.validator import _core
from yima.validator.judging.record import fields_of, record_is_intact

_CODE, _AMOUNT, _VOUCHED, _TRANSACTION = 0x0001, 0x0009, 0x2004, 0x2005
_FAMILIES = {name: number for number, name in enumerate(_core.FAMILIES)}
_ALIKE = (
    "device", "epoch", "sequence", "hash", "form", "received", "day", "moment", "time_trusted", "tick_ms", "reason",
)  # fmt: skip


def taps(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Their rows of `taps`; what they do not tell is NULL."""
    found = [_tap(row) for row in rows.to_pylist()]
    loose = pa.schema([field.with_nullable(True) for field in TAPS.schema])
    filled = pa.RecordBatch.from_pylist(found, schema=loose)
    place = TAPS.schema.get_field_index("service_date")
    return filled.set_column(place, TAPS.schema.field(place), days_of(filled["moment"])).cast(TAPS.schema)


def _tap(row: Mapping[str, Any]) -> dict[str, Any]:
    tags = dict(fields_of(row["entry"]))
    return (
        dict.fromkeys(TAPS.columns)
        | {name: row[name] for name in _ALIKE}
        | {
            "family": _FAMILIES[_core.family_of(tags.get(_CODE, b""))],
            "transaction": int.from_bytes(tags.get(_TRANSACTION, b"")[:1]),
            "vouched": int.from_bytes(tags.get(_VOUCHED, b"")[:1]),
            "fare_fen": int.from_bytes(tags.get(_AMOUNT, b"")[:4]),
        }
    )


def is_whole(record: bytes) -> bool:
    """Whether the record's integrity value holds."""
    return record_is_intact(record)


def hash_of(row: Mapping[str, Any]) -> bytes:
    """The hash that an entry of this form should carry: SM3 over

        previous hash (32) ‖ length of device (2) ‖ device, UTF-8 ‖ epoch (8) ‖ sequence (8) ‖ unix seconds (8, signed)
        ‖ time trusted (1) ‖ tick in milliseconds (8) ‖ reason (2) ‖ length of record (4) ‖ record

    integers big-endian.
    """
    device = row["device"].encode()
    middle = struct.pack(
        ">QQqBQHI",
        row["epoch"],
        row["sequence"],
        row["moment"],
        row["time_trusted"],
        row["tick_ms"],
        row["reason"],
        len(row["entry"]),
    )
    return _core.sm3(row["previous"] + struct.pack(">H", len(device)) + device + middle + row["entry"])
