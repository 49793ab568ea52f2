"""Where the fleet's tables lie: beside a SQLite store in a file of their own, or in the store's own PostgreSQL.

Rules it keeps:
- Every statement is written once, for both: `?` for a value, text and whole numbers as types, no value in the text.
- A transaction is whole and durable, or nothing of it is there.
- Several processes may write: verbs beside a collector that runs, several collectors on one PostgreSQL. They take
  turns, and none is told that the file is in use.
- A collector that dies or hangs with its turn in hand keeps nobody waiting for long: PostgreSQL ends its transaction
  after `postgres.ABANDONED_S`, and a statement that waits for longer is told as trouble.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from yima.sdk.centre.collector.durable import DurableFile, FileKind
from yima.sdk.centre.collector.postgres import connected
from yima.sdk.centre.collector.postgres_trouble import server, shown
from yima.sdk.centre.fleet.tables import SCHEMA
from yima.validator.errors import Kind, YimaError
from yima.validator.texts import Text

SUFFIX = ".fleet"
POSTGRES = ("postgresql://", "postgres://")
_LOCK = 0x59694D66  # "YiMf": what PostgreSQL's writers take their turns by
CLOCKS_DIFFER_S = 600
"""Seconds by which the clocks of collectors may differ. A moment in the tables that lies further ahead was written by
one that was wrong and is set right by now: it says nothing."""


class FleetError(YimaError):
    """What the fleet's tables cannot do, or must not; nothing was changed."""

    kind = Kind.STATE


class FleetTroubleError(FleetError):
    """Tables that cannot be read or written; what was asked for may be right, and is to be tried again."""


class NotThereError(FleetError):
    """There is nothing of that name."""


class Statements(Protocol):
    """A connection within a transaction."""

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Any:
        """A cursor: fetchone, fetchall, rowcount."""

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> Any:
        """The same statement for each row."""


class Database(Protocol):
    """The fleet's tables. Threads may share it. Every call raises FleetError."""

    name: str

    def transaction(self) -> AbstractContextManager[Statements]:
        """Durable when the block ends, nothing of it when it raises."""

    def reading(self) -> AbstractContextManager[Statements]:
        """For a few selects."""

    def close(self) -> None:
        """Twice is once."""


def open_fleet(store: str | Path) -> Database:
    """The tables beside that store: a collector's SQLite file, or a postgresql:// address. Raises FleetError, and
    StoreError for an address that is none."""
    if str(store).startswith(POSTGRES):
        return _Postgres(str(store))
    return _Sqlite(Path(store))


def is_begun(store: str | Path) -> bool:
    """Whether there are such tables; of a postgresql:// address nobody asks, since it says so itself."""
    path = Path(store)
    return str(store).startswith(POSTGRES) or path.with_name(path.name + SUFFIX).exists()


KIND = FileKind(
    application_id=_LOCK,
    version=1,
    schema=SCHEMA,
    error=FleetTroubleError,
    start_over=Text(
        "Restore the last good copy; who may send is in it, so do not begin without it",
        "请恢复最近的完好备份；其中保存着可上传终端的清单，请勿弃用",
    ),
)


class _Sqlite:
    """`trips.db.fleet` beside `trips.db`."""

    def __init__(self, store: Path) -> None:
        path = store.with_name(store.name + SUFFIX)
        self.name = str(path)
        self._file = DurableFile(path, KIND, alone=False)
        self.transaction, self.reading, self.close = self._file.transaction, self._file.reading, self._file.close


class _Postgres:
    """Tables in the store's own database; a connection for each of the two ways, made again when it was cut."""

    def __init__(self, address: str) -> None:
        self._psycopg = server(address)
        self._address, self.name = address, shown(address)
        self._turns = {True: threading.Lock(), False: threading.Lock()}
        self._open: dict[bool, Any] = {}
        try:
            with self.transaction() as connection:
                for statement in SCHEMA:
                    connection.execute(statement)
        except BaseException:
            self.close()
            raise

    def transaction(self) -> AbstractContextManager[Statements]:
        """In turn with every other writer."""
        return self._connected(writes=True)

    def reading(self) -> AbstractContextManager[Statements]:
        """Beside whoever writes."""
        return self._connected(writes=False)

    def close(self) -> None:
        """Ends both connections."""
        for turn in self._turns.values():
            turn.acquire()
        try:
            for connection in self._open.values():
                connection.close()
            self._open.clear()
        finally:
            for turn in self._turns.values():
                turn.release()

    @contextmanager
    def _connected(self, *, writes: bool) -> Iterator[Statements]:
        with self._turns[writes]:
            try:
                connection = self._open.get(writes)
                if connection is None or connection.closed:
                    connection = self._open[writes] = connected(
                        self._psycopg, self._address, name="yima-fleet", autocommit=False
                    )
                with connection.transaction():
                    if writes:
                        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                    yield _Marked(connection, self._psycopg.DataError)
            except self._psycopg.Error as error:
                said = " ".join(str(error).split())
                raise FleetTroubleError(
                    self.name,
                    Text(f"PostgreSQL says {said}", f"PostgreSQL 报错：{said}"),
                    Text("Check that it runs and who may write", "请检查其是否运行以及写入权限"),
                ) from error


class _Marked:
    """psycopg marks values by %s. A value that fits no column is a ValueError, as SQLite's module has it: the tables
    are in order. wrong: psycopg's error for it."""

    def __init__(self, connection: Any, wrong: type[Exception]) -> None:
        self._connection, self._wrong = connection, wrong

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Any:
        with self._told():
            return self._connection.execute(statement.replace("?", "%s"), values)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> Any:
        with self._told(), self._connection.cursor() as cursor:
            cursor.executemany(statement.replace("?", "%s"), rows)
            return cursor

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self._wrong as error:
            raise ValueError(str(error)) from error
