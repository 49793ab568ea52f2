"""What a clearing step asks of an engine: see tables, run one relational step, hand back sorted rows.

Steps are SQL, written once in DuckDB's dialect (docs/decisions/0020); another engine gets them translated. Rules that
the steps keep, so that every engine gives the same rows:

- Every result is ordered by a key that is unique, and every window by one that leaves no ties.
- Numbers are whole. Floats, division but `//` of what is not below 0, local times and regular expressions stay out;
  sums are cast to BIGINT.
- No column is compared with what may be NULL without saying what NULL means.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from yima.sdk.centre.clearing.tables import Table
from yima.validator.errors import Kind, YimaError


class EngineError(YimaError):
    """An engine that cannot be had, or that cannot run a step."""


class EngineMissingError(EngineError):
    """An engine that is not installed."""

    kind = Kind.USAGE


class Engine(Protocol):
    """One engine; used by one thread at a time."""

    name: str

    def scan(self, view: str, table: Table, files: Sequence[Path]) -> None:
        """Names the rows of these Parquet files of a table; of none: an empty table with its columns."""

    def register(self, view: str, rows: pa.Table) -> None:
        """Names rows in memory."""

    def keep(self, view: str, sql: str) -> None:
        """Runs one SELECT and names its rows, which stay with the engine for the steps after it. Raises EngineError."""

    def query(self, sql: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The rows of one SELECT, in its order, with the columns and types of `schema`. Raises EngineError."""

    def forget(self) -> None:
        """Drops every name and what it holds: between two steps, which name what they need themselves."""

    def close(self) -> None:
        """Lets go of what it holds."""


def fitted(rows: pa.Table | pa.RecordBatch, schema: pa.Schema) -> pa.Table | pa.RecordBatch:
    """The same rows under exactly this schema: an engine's own types and NULL marks are put aside."""
    return rows.select(schema.names).cast(schema)
