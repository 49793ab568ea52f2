"""Collectors' stores filled in bulk: the real file, made by the collector's own code, the rows that it would have.

A collector flushes every batch to disk, which a made-up past need not wait for. That the rows are those of
`Store.accept` is a test's matter.
"""

import sqlite3
from pathlib import Path

from yima.sdk.centre.collector.store import Store
from yima.sdk.centre.collector.weighing import SAID
from yima.sdk.centre.example.gates import EPOCH, Kept, Sent

_FORM = 2
_WHICH = f"device, epoch, sequence, {SAID}"


class Filling:
    """A new store at `path`; batches in the order in which they arrive. Call close."""

    def __init__(self, path: Path) -> None:
        Store(path).close()
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("BEGIN")
        self._seen: set[str] = set()

    def take(self, sent: Sent, *, received: int | None = None) -> None:
        """Stores one batch and its proof. received: when it came here, if not when it was sent."""
        at = sent.received if received is None else received
        execute, many = self._connection.execute, self._connection.executemany
        if sent.device not in self._seen:
            self._seen.add(sent.device)
            execute("INSERT INTO keys VALUES (?, ?, ?)", (sent.device, sent.key, at))
        places = ", ".join("?" * 12)
        if sent.taken:
            many(
                f"INSERT INTO conflicts ({_WHICH}, received) VALUES ({places}, ?)",  # noqa: S608
                [(*_row(kept), at) for kept in sent.kept],
            )
        else:
            many(
                f"INSERT INTO entries ({_WHICH}, rejected, received) VALUES ({places}, ?, ?)",  # noqa: S608
                [(*_row(kept), kept.rejected, at) for kept in sent.kept],
            )
        first, last = sent.kept[0].entry.key.sequence, sent.kept[-1].entry.key.sequence
        execute(
            "INSERT INTO batches (device, epoch, first, last, form, key, signature, body, received) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (sent.device, EPOCH, first, last, _FORM, sent.key, sent.signature, sent.body, at),
        )

    def close(self) -> None:
        """Writes what it has."""
        self._connection.execute("COMMIT")
        self._connection.close()


def _row(kept: Kept) -> tuple[object, ...]:
    entry = kept.entry
    said = (_FORM, kept.kind, kept.at, 1, kept.tick_ms, kept.reason)
    return (*entry.key, *said, entry.content, entry.previous, entry.hash)
