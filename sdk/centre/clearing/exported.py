"""Small tables as files that others open: the same rows are the same bytes."""

import io

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq


def csv_of(table: pa.Table) -> bytes:
    """With a first line of names; quoted where it must be, NULL is an empty field."""
    out = io.BytesIO()
    pa_csv.write_csv(table, out, pa_csv.WriteOptions(quoting_style="needed"))
    return out.getvalue()


def parquet_of(table: pa.Table) -> bytes:
    """The whole file."""
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()
