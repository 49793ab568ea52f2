"""The facts of many entries as the tables' columns; the core reads them, see columns.py.

Entries of the older form are converted, see older.py.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from yima.sdk.centre.clearing.columns import eight_digits, integers, pieces, texts
from yima.sdk.centre.clearing.days import days_of
from yima.sdk.centre.clearing.tables import OUTCOMES, TAPS
from yima.sdk.centre.clearing.taps.older import taps as taps_of_older
from yima.validator import _core

TAP, OUTCOME = 1, 2
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
        older = taps_of_older(rows.filter(pc.invert(is_newer)))
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
