"""The facts of many entries as the tables' columns; the core reads them, see columns.py.

Entries of the older form are converted: what a trip record and the journal's columns beside it tell is kept, what they
lack is NULL.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from yima.sdk.centre.clearing.columns import eight_digits, integers, pieces, texts
from yima.sdk.centre.clearing.days import days_of
from yima.sdk.centre.clearing.tables import OUTCOMES, TAPS
from yima.validator import _core
from yima.validator.judging.record import amount_of, fields_of

TAP, OUTCOME = 1, 2
_CODE, _VOUCHED, _TRANSACTION = 0x0001, 0x2004, 0x2005
_FAMILIES = {name: number for number, name in enumerate(_core.FAMILIES)}
# As the facts name them, where the table does not say the same.
_FACTS = {
    "moment": "at",
    "time_trusted": "trust",
    "operator": "operator_id",
    "code_digest": "digest",
}
_TEXTS = frozenset({"parameters_digest", "code_digest", "account", "rules"})
_HERE = frozenset({"device", "epoch", "sequence", "hash", "form", "received", "day"})


def taps_and_outcomes(rows: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """The rows of `taps` and `outcomes` that entries (with the columns of ENTRIES) hold, in their order."""
    is_newer = pc.equal(rows["form"], 2)
    newer = rows.filter(is_newer)
    answer = _core.entry_columns(*pieces(newer["entry"]))
    kinds = integers(answer, "kind", newer.num_rows)
    taps = _taps(newer, answer).filter(pc.equal(kinds, TAP))
    outcomes = _outcomes(newer, answer).filter(pc.equal(kinds, OUTCOME))
    if newer.num_rows < rows.num_rows:
        older = _older_taps(rows.filter(pc.invert(is_newer)))
        taps = pa.Table.from_batches([taps, older]).combine_chunks().to_batches()[0]
    return taps, outcomes


def _taps(rows: pa.RecordBatch, answer: Mapping[str, Any]) -> pa.RecordBatch:
    count = rows.num_rows
    columns = []
    for field in TAPS.schema:
        name = _FACTS.get(field.name, field.name)
        if field.name in _HERE:
            column = rows[field.name]
        elif field.name == "service_date":
            column = days_of(integers(answer, "at", count))
        elif field.name in _TEXTS:
            column = texts(answer, name, count, empty_is_null=True)
        elif field.name == "operator":
            column = eight_digits(integers(answer, name, count))
        else:
            column = integers(answer, name, count)
        columns.append(column.cast(field.type))
    return pa.RecordBatch.from_arrays(columns, schema=TAPS.schema)


def _outcomes(rows: pa.RecordBatch, answer: Mapping[str, Any]) -> pa.RecordBatch:
    count = rows.num_rows
    said = {"moment": "at", "tap": "tap", "outcome": "result", "reverses": "reverses"}
    columns = [
        (integers(answer, said[field.name], count) if field.name in said else rows[field.name]).cast(field.type)
        for field in OUTCOMES.schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=OUTCOMES.schema)


def _older_taps(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Row by row: there are few, and every device leaves them behind once."""
    taps = []
    for row in rows.to_pylist():
        tags = dict(fields_of(row["entry"]))
        code = tags.get(_CODE, b"")
        taps.append(
            dict.fromkeys(TAPS.columns)
            | {name: row[name] for name in (*_HERE, "moment", "time_trusted", "tick_ms", "reason")}
            | {
                "family": _FAMILIES[_core.family_of(code)],
                "transaction": int.from_bytes(tags.get(_TRANSACTION, b"")),
                "vouched": int.from_bytes(tags.get(_VOUCHED, b"")),
                "fare_fen": amount_of(row["entry"]),
            }
        )
    filled = pa.RecordBatch.from_pylist(taps, schema=pa.schema([f.with_nullable(True) for f in TAPS.schema]))
    place = TAPS.schema.get_field_index("service_date")
    filled = filled.set_column(place, TAPS.schema.field(place), days_of(filled["moment"]))
    return filled.cast(TAPS.schema)
