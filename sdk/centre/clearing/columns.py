"""Between Arrow and the core: entries out of a column, answers into columns. No value is touched one by one.

The core takes binary values as Arrow keeps them, a buffer of bytes and one of 32-bit offsets that begin at any value,
and answers numbers of 64 bits and text as (offsets, characters).
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from yima.validator import _core

_NOTHING = b"\0\0\0\0"


def pieces(column: pa.Array) -> tuple[Any, Any]:
    """A binary or text column as (bytes, offsets); NULL is an empty value."""
    if not len(column):
        return b"", _NOTHING
    _, offsets, data = column.buffers()
    start = column.offset * 4
    return data or b"", memoryview(offsets)[start : start + 4 * (len(column) + 1)]


def numbers(column: pa.Array) -> Any:
    """A column of 64-bit numbers as its bytes; it has no NULL."""
    _, data = column.buffers()
    return memoryview(data)[column.offset * 8 : (column.offset + len(column)) * 8] if len(column) else b""


def integers(answer: Mapping[str, Any], name: str, count: int) -> pa.Array:
    """A column of numbers out of an answer."""
    return pa.Array.from_buffers(pa.int64(), count, [None, pa.py_buffer(answer[name])])


def texts(answer: Mapping[str, Any], name: str, count: int, *, empty_is_null: bool = False) -> pa.Array:
    """A column of text out of an answer."""
    offsets, characters = answer[name]
    column = pa.Array.from_buffers(pa.string(), count, [None, pa.py_buffer(offsets), pa.py_buffer(characters)])
    return pc.if_else(pc.equal(column, ""), None, column) if empty_is_null else column


def hashes(rows: pa.RecordBatch) -> pa.Array:
    """The chain's hash that each entry of form 2 should carry."""
    out = _core.entry_hashes(
        *pieces(rows["entry"]),
        *pieces(rows["device"]),
        *pieces(rows["previous"]),
        numbers(rows["epoch"]),
        numbers(rows["sequence"]),
    )
    fixed = pa.Array.from_buffers(pa.binary(32), rows.num_rows, [None, pa.py_buffer(out)])
    return fixed.cast(pa.binary())


def eight_digits(column: pa.Array) -> pa.Array:
    """Organisation codes as text."""
    return pc.utf8_lpad(column.cast(pa.string()), width=8, padding="0")
