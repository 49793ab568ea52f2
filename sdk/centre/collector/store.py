"""What the collector keeps, in one SQLite file (`durable`: WAL, synchronous=FULL, one writer).

Rules it keeps, beside those of `weighing`:

- A group of batches is one transaction; the answers are given after it is durable.
- How far each journal has come stands in a table of its own, changed in the same transaction: whoever asks for it
  counts nothing, and reads beside whoever writes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from yima.sdk.centre.collector import statements
from yima.sdk.centre.collector.arrivals import Answer, Arrival, Journey, KeyRefusedError, Ledger, Proof, Statement
from yima.sdk.centre.collector.durable import DurableFile
from yima.sdk.centre.collector.schema import KIND
from yima.sdk.centre.collector.weighing import (
    CONFLICTING,
    ENTRY,
    PROOF,
    SAID,
    Head,
    Known,
    Row,
    Weighed,
    entry_of,
    weigh,
)
from yima.validator.journal.older import OlderEntry
from yima.validator.ports import Entry, JournalKey

SHOWN = ("sequence", "form", "kind", "at", "time_trusted", "reason", "hash", "content", "rejected")
"""What `entries` tells."""


class Store(Ledger):
    """The collector's store at `path`; made if it is not there. Raises StoreError. Threads may share it.

    read_only: looks at a file that a collector may be writing."""

    def __init__(self, path: Path, *, max_bytes: int | None = None, read_only: bool = False) -> None:
        self._file = DurableFile(path, KIND, max_bytes=max_bytes, read_only=read_only)
        self._known = Known()

    def accept_all(
        self, arrivals: Sequence[Arrival], *, enrolled: Mapping[str, str] | None = None
    ) -> list[Answer | KeyRefusedError]:
        """As `Ledger` says."""
        with self._file.transaction() as connection:
            found = weigh(arrivals, enrolled, _Held(connection))
            _write(connection, found)
            news = self._known.news(found.statements)
            for one in news:
                statements.keep(connection, one)
        self._known.kept(news)
        return found.answers

    def statements(self, after: int = 0) -> list[Statement]:
        """As `Ledger` says."""
        with self._file.reading() as connection:
            return statements.read(connection, after)

    def taps_by_image(self, after: int) -> tuple[list[tuple[bytes, int, int]], int]:
        """As `Ledger` says."""
        with self._file.reading() as connection:
            return statements.taps_by_image(connection, after)

    def journeys(self) -> list[Journey]:
        """Every (device, epoch) it holds something of."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT device, epoch, acknowledged, rejected, conflicts, last_at FROM heads ORDER BY device, epoch"
            ).fetchall()
        return [
            Journey(device=device, epoch=epoch, acknowledged=last, rejected=rejected, conflicts=conflicts, last_at=at)
            for device, epoch, last, rejected, conflicts, at in rows
        ]

    def entries(self, device: str, epoch: int, *, after: int, limit: int) -> list[dict[str, Any]]:
        """As `Ledger` says."""
        with self._file.reading() as connection:
            rows = connection.execute(
                f"""SELECT {", ".join(SHOWN)} FROM entries
                WHERE device = ? AND epoch = ? AND sequence > ? ORDER BY sequence LIMIT ?""",  # noqa: S608
                (device, epoch, after, limit),
            ).fetchall()
        return [
            {**(row := dict(zip(SHOWN, values, strict=True))), "time_trusted": bool(row["time_trusted"])}
            for values in rows
        ]

    def proofs(self, device: str, epoch: int) -> list[Proof]:
        """The signatures under the batches of one journal, in the order in which they came."""
        with self._file.reading() as connection:
            rows = connection.execute(
                """SELECT first, last, form, key, signature, body, received FROM batches
                WHERE device = ? AND epoch = ? ORDER BY id""",
                (device, epoch),
            ).fetchall()
        return [Proof(*row) for row in rows]

    def held(self, device: str, epoch: int, first: int, last: int) -> list[Entry | OlderEntry]:
        """The entries from `first` to `last` as they came."""
        with self._file.reading() as connection:
            rows = connection.execute(
                f"""SELECT sequence, {SAID} FROM entries
                WHERE device = ? AND epoch = ? AND sequence BETWEEN ? AND ? ORDER BY sequence""",  # noqa: S608
                (device, epoch, first, last),
            ).fetchall()
        return [entry_of(JournalKey(device, epoch, sequence), row) for sequence, *row in rows]

    def check_writable(self) -> None:
        """Writes a few pages and takes them back. Raises StoreError when that cannot be done."""
        with self._file.transaction() as connection:
            connection.execute("CREATE TABLE tried AS SELECT zeroblob(8192) AS content")
            connection.execute("DROP TABLE tried")

    def close(self) -> None:
        """Leaves the store whole."""
        self._file.close()


class _Held:
    """What the file holds, within a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def key(self, device: str) -> str | None:
        row = self._connection.execute("SELECT key FROM keys WHERE device = ?", (device,)).fetchone()
        return None if row is None else str(row[0])

    def head(self, device: str, epoch: int) -> Head | None:
        row = self._connection.execute(
            "SELECT acknowledged, hash, rejected, conflicts, last_at FROM heads WHERE device = ? AND epoch = ?",
            (device, epoch),
        ).fetchone()
        return row and Head(*row)

    def row(self, device: str, epoch: int, sequence: int) -> Sequence[Any] | None:
        found: Sequence[Any] | None = self._connection.execute(
            f"SELECT rejected, {SAID} FROM entries WHERE device = ? AND epoch = ? AND sequence = ?",  # noqa: S608
            (device, epoch, sequence),
        ).fetchone()
        return found

    def keep_conflict(self, row: Row) -> bool:
        had = self._connection.total_changes
        self._connection.execute(_insert("OR IGNORE INTO conflicts", CONFLICTING), row)
        return self._connection.total_changes > had


def _write(connection: Connection, found: Weighed) -> None:
    keys = [(device, key, since) for device, (key, since) in found.keys.items()]
    heads = [
        (device, epoch, head.acknowledged, head.hash, head.rejected, head.conflicts, head.last_at)
        for (device, epoch), head in found.heads.items()
    ]
    connection.executemany(_insert("OR REPLACE INTO keys", "device, key, since"), keys)
    connection.executemany(_insert("INTO entries", ENTRY), found.rows)
    connection.executemany("INSERT OR REPLACE INTO heads VALUES (?, ?, ?, ?, ?, ?, ?)", heads)
    connection.executemany(_insert("INTO batches", PROOF), found.proofs)


def _insert(into: str, columns: str) -> str:
    return f"INSERT {into} ({columns}) VALUES ({', '.join('?' * len(columns.split(',')))})"  # noqa: S608
