"""Writing Parquet so that the same rows are the same bytes: row groups of a fixed size, fixed compression, no clock.

A file appears whole or not at all: it is written under a name that no reader looks at, flushed, then renamed.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from yima.sdk.centre.clearing.ahead import ahead
from yima.validator.errors import Kind, YimaError
from yima.validator.system.disk import flush_file, flush_folder, replace
from yima.validator.texts import Text

ROW_GROUP = 1 << 16
LEVEL = 1  # of zstd: 3 takes twice as long for files 2 % smaller, as most of them is hashes and signatures
_PLAIN = frozenset({"entry", "hash", "previous", "signature", "code_digest"})  # no two alike: a dictionary only costs


class TableFileError(YimaError):
    """A file of a table that is damaged."""

    kind = Kind.STATE


def write(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Writes rows as they come, while the next are made; returns how many. The folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    count = 0
    with pq.ParquetWriter(
        temporary,
        schema,
        compression="zstd",
        compression_level=LEVEL,
        use_dictionary=[name for name in schema.names if name not in _PLAIN],
        write_statistics=True,
        version="2.6",
    ) as writer:
        for group in ahead(groups(batches, schema)):
            writer.write_table(group, row_group_size=ROW_GROUP)
            count += group.num_rows
    flush_file(temporary)
    replace(temporary, path)
    flush_folder(path.parent)
    return count


def read(files: Iterable[Path], columns: list[str] | None = None, *, rows: int = ROW_GROUP) -> Iterator[pa.RecordBatch]:
    """The rows of files in their order, at most so many at a time. Raises TableFileError."""
    for path in files:
        with _named(path), pq.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=rows, columns=columns)


def refuse_damaged(files: Iterable[Path]) -> None:
    """Raises TableFileError for the first of these files that was cut short; what lies between its ends is not read."""
    for path in files:
        with _named(path), pq.ParquetFile(path):
            pass


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise TableFileError(
            path,
            Text(f"cannot be read: {error}", f"无法读取：{error}"),
            Text(
                "Restore it from a copy, or clear the day again in another workspace",
                "请从备份恢复，或在新工作区重新清算",
            ),
        ) from error


def groups(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """The same rows in tables of exactly ROW_GROUP rows, the last one smaller."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for whole in batches:
        batch = whole
        while rows + batch.num_rows >= ROW_GROUP:
            room = ROW_GROUP - rows
            yield _together([*held, batch.slice(0, room)], schema)
            batch, held, rows = batch.slice(room), [], 0
        if batch.num_rows:
            held.append(batch)
            rows += batch.num_rows
    if rows:
        yield _together(held, schema)


def _together(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_batches(batches, schema).combine_chunks()
