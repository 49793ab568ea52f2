"""What collectors keep, in one PostgreSQL database (13 or later) that several of them share.

Rules it keeps, beside those of `weighing`:

- A group of batches is one transaction, committed as durably as the server promises; one that does not sync is refused.
- Who writes to a journal holds the lock on its row of `heads` until the commit, so collectors that are given the same
  batch at once take turns, and the second finds it held: a sequence is stored once, whoever brings it and how often.
  Locks are taken in one order, keys before heads, so that nobody waits in a circle.
- Entries lie in a table a day (UTC, by `received`), each with (device, epoch, sequence) unique. A day's table is made
  beside the others and then attached, which keeps no reader and no writer waiting.
- A collector that dies, or its connection, leaves nothing half done. One that hangs within a transaction is thrown out
  by the server after ABANDONED_S, and its locks are free.
- A commit of which nobody knows whether it came through is told as trouble: the device sends again, and finds it held.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from yima.sdk.centre.collector.arrivals import Answer, Arrival, Journey, KeyRefusedError, Ledger, Proof, Statement
from yima.sdk.centre.collector.postgres_rows import LockedRows, keep_statements, write
from yima.sdk.centre.collector.postgres_schema import DAY_S, make_day, prepare
from yima.sdk.centre.collector.postgres_trouble import explained, server, shown
from yima.sdk.centre.collector.schema import StoreError
from yima.sdk.centre.collector.statements import DIGEST_AT, LATEST
from yima.sdk.centre.collector.store import SHOWN
from yima.sdk.centre.collector.weighing import (
    SAID,
    Known,
    entry_of,
    weigh,
)
from yima.validator.journal.older import OlderEntry
from yima.validator.ports import Entry, JournalKey
from yima.validator.texts import Text

CONNECT_WITHIN_S = 5
ABANDONED_S = 10
"""Seconds after which the server ends a transaction whose collector says nothing more."""
STATEMENT_WITHIN_S = 30
TRIES = 3


def connected(psycopg: Any, url: str, *, name: str, autocommit: bool) -> Any:
    """A connection to the database at `url`, as `name`, on which nobody waits for ever: the server ends what hangs, and
    the system finds out that the other side has gone. Raises psycopg.Error."""
    connection = psycopg.connect(
        url,
        autocommit=autocommit,
        connect_timeout=CONNECT_WITHIN_S,
        application_name=name,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=30_000,
    )
    for setting, value in (
        ("statement_timeout", f"{STATEMENT_WITHIN_S}s"),
        ("idle_in_transaction_session_timeout", f"{ABANDONED_S}s"),
        ("synchronous_commit", "on"),
    ):
        connection.execute("SELECT set_config(%s, %s, false)", (setting, value))
    if not autocommit:
        connection.commit()
    return connection


class PostgresStore(Ledger):
    """The collector's store in the database at `url` (postgresql://…, a password belongs in ~/.pgpass); its tables are
    made if they are not there. Raises StoreError. Threads may share it, and so may processes and machines. read_only:
    only looks; its user needs SELECT alone."""

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self._psycopg = server(url)
        self._url, self.name = url, shown(url)
        self._turn, self._reading_turn = threading.Lock(), threading.Lock()
        self._writer: Any = None
        self._reader: Any = None
        self._days: set[int] = set()
        self._known = Known()
        self._closed = False
        if read_only:
            return
        try:
            with self._transaction() as connection:
                prepare(connection, self.name)
        except BaseException:
            self.close()
            raise

    def accept_all(
        self, arrivals: Sequence[Arrival], *, enrolled: Mapping[str, str] | None = None
    ) -> list[Answer | KeyRefusedError]:
        """As `Ledger` says."""
        self._make_days({max(0, arrival.received) // DAY_S for arrival in arrivals})
        for attempt in range(1, TRIES + 1):
            try:
                return self._accept_all(arrivals, enrolled)
            except _AgainError as error:
                if attempt == TRIES:
                    raise error.trouble from error
        raise AssertionError

    def _accept_all(
        self, arrivals: Sequence[Arrival], enrolled: Mapping[str, str] | None
    ) -> list[Answer | KeyRefusedError]:
        with self._transaction() as connection:
            held = LockedRows(connection, arrivals, enrolled)
            found = weigh(arrivals, enrolled, held)
            write(connection, found)
            news = self._known.news(found.statements)
            keep_statements(connection, news)
        self._known.kept(news)
        # The key of a device that was new stands there before its batches are weighed; `held` knows that it is new.
        return [
            answer if isinstance(answer, KeyRefusedError) else (answer[0], answer[1] or held.is_first(arrival))
            for arrival, answer in zip(arrivals, found.answers, strict=True)
        ]

    def statements(self, after: int = 0) -> list[Statement]:
        """As `Ledger` says."""
        rows = self._read(
            "SELECT device, said, key, signature, first, last FROM statements WHERE last >= %s ORDER BY id", after
        )
        return [Statement(*row) for row in rows]

    def taps_by_image(self, after: int) -> tuple[list[tuple[bytes, int, int]], int]:
        """As `Ledger` says. A place is a transaction: what is still open behind it is left for the next time."""
        ((until,),) = self._read("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        rows = self._read(
            """SELECT substr(content, %s, 16), reason, count(*) FROM
            (SELECT * FROM entries WHERE stored >= %s::text::xid8 AND stored < %s::text::xid8
             ORDER BY stored DESC, id DESC LIMIT %s) e
            WHERE form = 2 AND kind = 1 AND rejected IS NULL GROUP BY 1, 2""",
            DIGEST_AT + 1, after, until, LATEST,
        )  # fmt: skip
        return rows, until

    def journeys(self) -> list[Journey]:
        """Every (device, epoch) it holds something of."""
        rows = self._read(
            "SELECT device, epoch, acknowledged, rejected, conflicts, last_at FROM heads WHERE acknowledged > 0 "
            'ORDER BY device COLLATE "C", epoch'
        )
        return [
            Journey(device=device, epoch=epoch, acknowledged=last, rejected=rejected, conflicts=conflicts, last_at=at)
            for device, epoch, last, rejected, conflicts, at in rows
        ]

    def entries(self, device: str, epoch: int, *, after: int, limit: int) -> list[dict[str, Any]]:
        """As `Ledger` says."""
        rows = self._read(
            f"""SELECT {", ".join(SHOWN)} FROM entries
            WHERE device = %s AND epoch = %s AND sequence > %s ORDER BY sequence LIMIT %s""",  # noqa: S608
            device, epoch, after, limit,
        )  # fmt: skip
        return [
            {**(row := dict(zip(SHOWN, values, strict=True))), "time_trusted": bool(row["time_trusted"])}
            for values in rows
        ]

    def proofs(self, device: str, epoch: int) -> list[Proof]:
        """The signatures under the batches of one journal, in the order in which they came."""
        rows = self._read(
            """SELECT first, last, form, key, signature, body, received FROM batches
            WHERE device = %s AND epoch = %s ORDER BY id""",
            device, epoch,
        )  # fmt: skip
        return [Proof(*row) for row in rows]

    def held(self, device: str, epoch: int, first: int, last: int) -> list[Entry | OlderEntry]:
        """The entries from `first` to `last` as they came."""
        rows = self._read(
            f"""SELECT sequence, {SAID} FROM entries
            WHERE device = %s AND epoch = %s AND sequence BETWEEN %s AND %s ORDER BY sequence""",  # noqa: S608
            device, epoch, first, last,
        )  # fmt: skip
        return [entry_of(JournalKey(device, epoch, sequence), row) for sequence, *row in rows]

    def check_writable(self) -> None:
        """Commits a word of its own. Raises StoreError when that cannot be done."""
        with self._transaction() as connection:
            connection.execute("UPDATE store SET tried_at = now()")

    def close(self) -> None:
        """Leaves the database."""
        with self._turn, self._reading_turn:
            self._closed = True
            for one in (self._writer, self._reader):
                if one is not None:
                    one.close()
            self._writer = self._reader = None

    def _read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._reading_turn:
            try:
                if self._reader is None or self._reader.closed:
                    self._reader = self._connect(autocommit=True)
                    self._reader.execute("SET default_transaction_read_only = on")
                found: list[tuple[Any, ...]] = self._reader.execute(query, values, binary=True).fetchall()
            except self._psycopg.Error as error:
                raise explained(self._psycopg, self.name, error) from error
            return found

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        """One durable transaction. Raises StoreError; _AgainError where the server asks to try again."""
        with self._turn:
            try:
                if self._writer is None or self._writer.closed:
                    self._writer = self._connect(autocommit=False)
                yield self._writer
                self._writer.commit()
            except BaseException as error:
                self._give_up()
                if isinstance(error, self._psycopg.Error):
                    trouble = explained(self._psycopg, self.name, error)
                    if isinstance(error, (self._psycopg.errors.DeadlockDetected, self._psycopg.errors.UniqueViolation)):
                        raise _AgainError(trouble) from error
                    raise trouble from error
                raise

    def _give_up(self) -> None:
        """What was begun is undone; a connection that cannot even do that is not used again."""
        if self._writer is not None:
            with suppress(self._psycopg.Error):
                self._writer.rollback()
                return
            self._writer.close()

    def _connect(self, *, autocommit: bool) -> Any:
        if self._closed:
            raise StoreError(self.name, Text("is closed", "已关闭"), Text("Open it again", "请重新打开"))
        return connected(self._psycopg, self._url, name="yima-collector", autocommit=autocommit)

    def _make_days(self, days: set[int]) -> None:
        """The tables of these days and of the next, so that midnight finds them."""
        if days <= self._days:
            return
        for day in sorted(days | {max(days) + 1}):
            if day not in self._days:
                with self._transaction() as connection:
                    make_day(connection, day)
        self._days |= days


class _AgainError(Exception):
    """Another collector was in the way; from the beginning."""

    def __init__(self, trouble: StoreError) -> None:
        super().__init__(str(trouble))
        self.trouble = trouble
