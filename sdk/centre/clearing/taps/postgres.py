"""A collector's store in PostgreSQL, 13 or later, as `collector.postgres` makes it.

A folder names it by a file `stores/<name>.pg` with a connection string of libpq in it (`service=collector`, or
`host=db dbname=yima user=centre`); a password belongs in ~/.pgpass. The centre needs SELECT on the three tables.

Rules it keeps:
- Several collectors may write at once, so rows become visible in another order than that of their numbers. Each row
  tells the transaction that stored it (`stored`); read is what no transaction that is still open can come before, in
  the order of (stored, id). So "up to here" means something, and nothing is passed over.
- All of it is as the store was at one moment; nothing is written.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa

from yima.sdk.centre.clearing.taps.store_batches import Bringers, signatures
from yima.sdk.centre.clearing.taps.stores import (
    AT_ONCE,
    CHUNK,
    MARKED,
    NO_ROWS,
    SIGNED,
    Chunk,
    SourceError,
    begun_anew,
    called,
    entries_of,
    mark_of,
    with_names,
)
from yima.validator.outside import text_of
from yima.validator.remedies import missing_module
from yima.validator.texts import Text

SUFFIX = ".pg"

_OF_OLDER = ", ".join(f"CASE WHEN form = 1 THEN {name} END" for name in ("at", "time_trusted", "tick_ms", "reason"))
_BEHIND = "stored < %s::xid8 AND (stored, id) > (%s::xid8, %s) ORDER BY stored, id"
_PLACE = "stored::text::bigint, id"


class PostgresSource:
    """The store that a file of the folder names; it may be in use."""

    def __init__(self, path: Path, *, chunk: int = CHUNK) -> None:
        self.path = path
        self.name = path.stem
        self._chunk = chunk

    def chunks(self, cursor: dict[str, int]) -> Iterator[Chunk]:
        """Signatures, entries, then what came under a key that was taken. Raises SourceError."""
        try:
            import psycopg  # noqa: PLC0415
        except ImportError as error:
            lacks = error if isinstance(error, ModuleNotFoundError) else ModuleNotFoundError(name="psycopg")
            raise SourceError(self.path, *missing_module(lacks, wanted=["postgres"])) from error
        try:
            with closing(psycopg.connect(self._told(), connect_timeout=10)) as connection:
                connection.read_only = True
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                yield from self._chunks(connection, dict(cursor))
        except (psycopg.Error, *NO_ROWS) as error:
            said = " ".join(str(error).split())
            raise SourceError(
                self.path,
                Text(f"the store cannot be read: {said}", f"无法读取采集库：{said}"),
                Text(
                    "Check that PostgreSQL runs, what the file says (no password: ~/.pgpass), and that the tables are "
                    "those of docs/clearing.md",
                    "请检查 PostgreSQL 是否运行、文件内的连接串（密码请放入 ~/.pgpass），"
                    "以及表结构是否如 docs/clearing.md",
                ),
            ) from error

    def _told(self) -> str:
        """The connection string, which is one. Of one that is none libpq repeats parts, whatever they are."""
        import psycopg  # noqa: PLC0415

        said = self._said()
        try:
            psycopg.conninfo.conninfo_to_dict(said)
        except psycopg.ProgrammingError:
            raise SourceError(
                self.path,
                Text("is no connection string of libpq", "不是 libpq 连接串"),
                Text(
                    "Write one into it: service=collector; a password belongs in ~/.pgpass",
                    "请写入连接串：service=collector；密码请放入 ~/.pgpass",
                ),
            ) from None
        return said

    def _said(self) -> str:
        try:
            return text_of(self.path).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SourceError(
                self.path,
                Text(f"cannot be read: {error}", f"无法读取：{error}"),
                Text("Write a connection string into it: service=collector", "请写入连接串：service=collector"),
            ) from error

    def _chunks(self, connection: Any, at: dict[str, int]) -> Iterator[Chunk]:
        open_since, behind = connection.execute(
            "SELECT pg_snapshot_xmin(s)::text, pg_snapshot_xmax(s)::text FROM pg_current_snapshot() AS s"
        ).fetchone()
        self._refuse_future(connection, behind)
        if any(
            at.get(f"{table}_xid", 0) >= int(open_since) or at.get(f"{table}_is") != _mark(connection, table, at)
            for table in MARKED
            if table in at
        ):
            at = begun_anew(at)
            yield Chunk(cursor=dict(at))
        name = called(self.name, at)
        before = dict(at)
        brought = connection.execute(
            "SELECT id, device, epoch, first, last, received, body IS NOT NULL FROM batches "
            "WHERE stored < %s::xid8 AND stored >= %s::xid8 ORDER BY id",
            (open_since, str(at.get("drained_xid", 0))),
        )
        bringers = Bringers(brought)
        columns = "id, device, epoch, form, first, last, key, signature, body, received"
        for rows in self._rows(connection, "batches", columns, open_since, at):
            at["batches_is"] = _mark(connection, "batches", at)
            yield Chunk(batches=signatures(name, (row[:-2] for row in rows), SIGNED), cursor=dict(at))
        columns = f"device, epoch, sequence, received, form, content, previous, hash, {_OF_OLDER}"
        for table, more in (("entries", "rejected, 0"), ("conflicts", "NULL, 1")):
            parts: list[pa.RecordBatch] = []
            for rows in self._rows(connection, table, f"{columns}, {more}", open_since, at):
                found = entries_of(rows)
                parts.append(found if table == "conflicts" else with_names(found, bringers.names(name, found)))
                at[f"{table}_is"] = _mark(connection, table, at)
                if sum(part.num_rows for part in parts) >= self._chunk:
                    yield Chunk(rows=_whole(parts), cursor=dict(at))
                    parts = []
            if parts:
                yield Chunk(rows=_whole(parts), cursor=dict(at))
        if at != before:
            yield Chunk(cursor=at | {"drained_xid": int(open_since)})

    def _refuse_future(self, connection: Any, behind: str) -> None:
        """Rows of a dump bear numbers of the server that it was made of: what this one stores would lie before them."""
        for table in MARKED:
            if connection.execute(f"SELECT 1 FROM {table} WHERE stored >= %s::xid8 LIMIT 1", (behind,)).fetchone():  # noqa: S608
                renumber = f"UPDATE {table} SET stored = pg_current_xact_id() WHERE stored > pg_current_xact_id()"  # noqa: S608
                raise SourceError(
                    self.path,
                    Text(
                        f"{table} has rows that bear numbers of another server's transactions: a dump was restored",
                        f"{table} 中有记录带有其他服务器的事务号：曾由转储恢复",
                    ),
                    Text(f"Give them one of this server: {renumber}", f"请改为本服务器的事务号：{renumber}"),
                )

    def _rows(
        self, connection: Any, table: str, columns: str, open_since: str, at: dict[str, int]
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Rows of a table behind the cursor, which moves along, a few thousand at a time; the last two of each are its
        place."""
        most = min(AT_ONCE, self._chunk)
        with connection.cursor(name=f"yima_{table}", binary=True) as rows:
            rows.itersize = most
            rows.execute(
                f"SELECT {columns}, {_PLACE} FROM {table} WHERE {_BEHIND}",  # noqa: S608
                (open_since, str(at.get(f"{table}_xid", 0)), at.get(table, 0)),
            )
            while got := rows.fetchmany(most):
                at[f"{table}_xid"], at[table] = got[-1][-2:]
                yield got


def _mark(connection: Any, table: str, at: dict[str, int]) -> int:
    place = (str(at.get(f"{table}_xid", 0)), at[table])
    return mark_of(
        connection.execute(f"SELECT {MARKED[table]} FROM {table} WHERE stored = %s::xid8 AND id = %s", place).fetchone()  # noqa: S608
    )


def _whole(parts: list[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.Table.from_batches(parts).combine_chunks().to_batches()[0]
