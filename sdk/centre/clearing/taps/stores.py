"""What collectors keep, as chunks of entries: the port, and who stands behind it.

Rules they keep:
- A source is only looked at. What it has is read in an order that never changes, so that "up to here" means something.
- Where the last row that was read is another one or gone, another store stands under the name: restored from a copy, or
  a new one. It is read from its beginning; what came before comes again, and is a copy.
- Rows come as they are held; nothing is judged here, and what the collector refused comes along with its words.
- The devices' signatures come before the entries that lie under them.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from yima.sdk.centre.clearing import parquet
from yima.sdk.centre.clearing.tables import BATCHES, ENTRIES
from yima.sdk.centre.clearing.taps.store_batches import Bringers, batches_behind, bringing, has_batches, newest_batch
from yima.validator import _core
from yima.validator.errors import Kind, YimaError
from yima.validator.texts import Text

CHUNK = 1 << 17  # entries a chunk: some 100 MB
AT_ONCE = 1 << 12
FIELDS = pa.schema([field for field in ENTRIES.schema if field.name != "day"])
SIGNED = pa.schema([field for field in BATCHES.schema if field.name != "day"])
_APPLICATION_ID = 0x59694D63  # "YiMc"
# What is read of an entry, by the form of the store. An entry of form 2 says the last four in its facts.
_OF_OLDER = ("at", "time_trusted", "tick_ms", "reason")
_SAID = f"form, content, previous, hash, {', '.join(f'iif(form = 1, {name}, NULL)' for name in _OF_OLDER)}"
_FORMS = {1: f"1, record, previous, hash, {', '.join(_OF_OLDER)}", 2: _SAID, 3: _SAID, 4: _SAID}
_NAMES = (
    "device", "epoch", "sequence", "received", "form", "entry", "previous", "hash", "moment", "time_trusted",
    "tick_ms", "reason", "rejected", "conflict",
)  # fmt: skip


# What values that are no row's raise, where a source does not keep to its columns.
NO_ROWS = (pa.ArrowException, LookupError, OverflowError, TypeError, ValueError)


class SourceError(YimaError):
    """A source of taps that cannot be read; what was read before stays."""

    kind = Kind.STATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some entries, with the columns of FIELDS, and where to go on behind them; signatures with those of SIGNED."""

    rows: pa.RecordBatch = field(default_factory=lambda: _none(FIELDS))
    batches: pa.RecordBatch = field(default_factory=lambda: _none(SIGNED))
    cursor: dict[str, int]


class Source(Protocol):
    """Entries in an order that never changes. `chunks` raises SourceError."""

    name: str

    def chunks(self, cursor: dict[str, int]) -> Iterator[Chunk]:
        """What lies behind the cursor, which is {} at the beginning."""


MARKED = {
    "batches": "id, device, epoch, first, last, signature, received",
    "entries": "device, epoch, sequence, hash, received",
    "conflicts": "device, epoch, sequence, hash, received",
}
"""What a row of a collector's table is known again by: the same entry that came again came at another time."""


def mark_of(row: Iterable[object] | None) -> int:
    """A number by which a row is known again; 0: there is none."""
    return 0 if row is None else int.from_bytes(_core.sm3(repr(tuple(row)).encode())[:6])


def begun_anew(cursor: dict[str, int]) -> dict[str, int]:
    """The cursor at the beginning of the next store of a name."""
    return {"again": cursor.get("again", 0) + 1}


def called(name: str, cursor: dict[str, int]) -> str:
    """What a source's batches and the workspace's files are named by: each store of a name counts its own."""
    return f"{name}~{cursor['again']}" if "again" in cursor else name


class SqliteSource:
    """A collector's store, of either form; it may be in use. name: how the workspace calls it."""

    def __init__(self, path: Path, name: str | None = None, *, chunk: int = CHUNK) -> None:
        self.path = path
        self.name = name or path.stem
        self._chunk = chunk

    def chunks(self, cursor: dict[str, int]) -> Iterator[Chunk]:
        """Signatures, entries, then what came under a key that was taken; each in the order in which it was stored.

        All of it is as the store was at one moment, so that no entry comes without the signature above it.
        """
        at = dict(cursor)
        try:
            with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                connection.isolation_level = None
                connection.execute("BEGIN")
                fields = _FORMS[self._form(connection)]
                if any(at.get(f"{table}_is") != _mark(connection, table, at[table]) for table in MARKED if table in at):
                    at = begun_anew(at)
                    yield Chunk(cursor=dict(at))
                name = called(self.name, at)
                newest = newest_batch(connection)
                bringers = Bringers(bringing(connection, behind=at.get("drained", 0)))
                while (batches := batches_behind(connection, at.get("batches", 0), name, SIGNED)) is not None:
                    at["batches"], rows = batches
                    at["batches_is"] = _mark(connection, "batches", at["batches"])
                    yield Chunk(batches=rows, cursor=dict(at))
                for table, rejected, conflict in (("entries", "rejected", 0), ("conflicts", "NULL", 1)):
                    rows = connection.execute(
                        f"SELECT device, epoch, sequence, received, {fields}, {rejected}, {conflict}, rowid "  # noqa: S608
                        f"FROM {table} WHERE rowid > ? ORDER BY rowid",
                        (at.get(table, 0),),
                    )
                    while fetched := _fetched(rows, self._chunk):
                        at[table], found = fetched
                        at[f"{table}_is"] = _mark(connection, table, at[table])
                        if not conflict:
                            found = with_names(found, bringers.names(name, found))
                        yield Chunk(rows=found, cursor=dict(at))
                if newest > at.get("drained", 0):
                    yield Chunk(cursor=at | {"drained": newest})
        except (sqlite3.Error, *NO_ROWS) as error:
            raise SourceError(
                self.path,
                Text(f"cannot be read: {error}", f"无法读取：{error}"),
                Text("Name a collector's store that is whole", "请指定完好的采集库"),
            ) from error

    def _form(self, connection: sqlite3.Connection) -> int:
        kind = connection.execute("PRAGMA application_id").fetchone()[0]
        form = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if kind != _APPLICATION_ID or form not in _FORMS:
            raise SourceError(
                self.path,
                Text("is no collector's store of a form that is known", "不是可识别的采集库"),
                Text("Name the file that `yima collect` writes", "请指定 yima collect 写入的文件"),
            )
        return form


class ParquetSource:
    """A folder as `export` writes it; files that come later must sort behind those before."""

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path = path
        self.name = name or path.name

    def chunks(self, cursor: dict[str, int]) -> Iterator[Chunk]:
        """File by file, row group by row group; the cursor counts rows."""
        at = dict(cursor)
        folders = {"batches": self.path / "batches", "rows": self.path}
        try:
            if any(
                at.get(f"{place}_is") != _mark_in(folders[place], place, at[place]) for place in folders if place in at
            ):
                at = begun_anew(at)
                yield Chunk(cursor=dict(at))
            for place, schema in (("batches", SIGNED), ("rows", FIELDS)):
                for rows, end in _groups(folders[place], schema, at.get(place, 0)):
                    at[place], at[f"{place}_is"] = end, _mark_of_last(rows, place)
                    mine = _renamed(rows, called(self.name, at))
                    more = {"batches": mine} if place == "batches" else {"rows": mine}
                    yield Chunk(**more, cursor=dict(at))
        except (OSError, *NO_ROWS) as error:
            raise SourceError(
                self.path,
                Text(f"cannot be read: {error}", f"无法读取：{error}"),
                Text("Name a folder that `yima centre export` wrote", "请指定由 yima centre export 写入的文件夹"),
            ) from error


def export(source: Source, folder: Path) -> int:
    """Writes all that a source has into a folder, for a ParquetSource elsewhere; returns the number of entries."""
    signed = (chunk.batches for chunk in source.chunks({}))
    parquet.write(folder / "batches" / "batches.parquet", SIGNED, signed)
    return parquet.write(folder / "entries.parquet", FIELDS, (chunk.rows for chunk in source.chunks({})))


def _mark(connection: sqlite3.Connection, table: str, place: int) -> int:
    if table == "batches" and not has_batches(connection):
        return 0
    return mark_of(connection.execute(f"SELECT {MARKED[table]} FROM {table} WHERE rowid = ?", (place,)).fetchone())  # noqa: S608


_MARKED_IN = {
    "batches": ["batch", "signature", "received"],
    "rows": ["device", "epoch", "sequence", "hash", "received"],
}


def _mark_in(folder: Path, place: str, count: int) -> int:
    """Of the last of so many rows."""
    start = 0
    for path in sorted(folder.glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                size = file.metadata.row_group(group).num_rows
                start += size
                if start >= count:
                    rows = file.read_row_group(group, columns=_MARKED_IN[place])
                    return _mark_of_last(rows.slice(0, size - (start - count)), place)
    return 0


def _mark_of_last(rows: pa.Table | pa.RecordBatch, place: str) -> int:
    return mark_of(rows[name][-1].as_py() for name in _MARKED_IN[place])


def _groups(folder: Path, schema: pa.Schema, done: int) -> Iterator[tuple[pa.RecordBatch, int]]:
    """The rows behind the first `done`, with how many there are up to their end."""
    may_be_null = pa.schema([field.with_nullable(True) for field in schema])  # who takes the rows in names such a one
    start = 0
    for path in sorted(folder.glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                size = file.metadata.row_group(group).num_rows
                start += size
                if start <= done:
                    continue
                rows = file.read_row_group(group).select(schema.names).cast(may_be_null)
                (batch,) = rows.slice(max(0, size - (start - done))).combine_chunks().to_batches()
                yield pa.RecordBatch.from_arrays(batch.columns, schema=schema), start


def _renamed(rows: pa.RecordBatch, name: str) -> pa.RecordBatch:
    """Batches are named by the store that they were in; two exports may have had stores of one name."""
    place = rows.schema.get_field_index("batch")
    named = pc.binary_join_element_wise(name, rows["batch"], "/")
    return rows.set_column(place, rows.schema.field(place), named)


def _none(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], one.type) for one in schema], schema=schema)


def with_names(rows: pa.RecordBatch, names: pa.Array) -> pa.RecordBatch:
    """The entries under batches of these names."""
    place = FIELDS.get_field_index("batch")
    return rows.set_column(place, FIELDS.field(place), names)


def _fetched(rows: sqlite3.Cursor, most: int) -> tuple[int, pa.RecordBatch] | None:
    """Up to so many rows, with the number of the last; a few thousand at a time, so that they do not pile up as
    Python's values. None: there are no more."""
    parts: list[pa.RecordBatch] = []
    last = count = 0
    while count < most and (got := rows.fetchmany(min(AT_ONCE, most - count))):
        parts.append(entries_of(got))
        last, count = got[-1][-1], count + len(got)
    return (last, pa.Table.from_batches(parts).combine_chunks().to_batches()[0]) if parts else None


def entries_of(rows: Iterable[tuple[Any, ...]]) -> pa.RecordBatch:
    """Rows of _NAMES as entries under no batch."""
    columns = dict(zip(_NAMES, zip(*rows, strict=True), strict=False))
    count = len(columns["device"])
    arrays = []
    for one in FIELDS:
        if one.name == "batch":
            arrays.append(pa.nulls(count, one.type))
        elif pa.types.is_boolean(one.type):
            arrays.append(pa.array(columns[one.name], pa.int64()).cast(one.type))
        else:
            arrays.append(pa.array(columns[one.name], one.type))
    return pa.RecordBatch.from_arrays(arrays, schema=FIELDS)
