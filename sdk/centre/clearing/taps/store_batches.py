"""The signatures that a collector's store keeps (`batches`), and which of them lies above an entry.

A store keeps a row for each batch that brought something. An entry was brought by the first batch that spans it and
came in the same second; stores of the form before have no such rows, and their entries no batch.
"""

import sqlite3
from bisect import bisect_left
from collections import defaultdict

import pyarrow as pa

_AT_ONCE = 20_000
_NEAR = 64  # batches of one journal that may reach over each other: more are nobody's way of sending
_SELECT = "SELECT id, device, epoch, form, first, last, key, signature, body, received FROM batches"


def has_batches(connection: sqlite3.Connection) -> bool:
    """Whether the store keeps signatures."""
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'batches'").fetchone()
    return found is not None


def newest_batch(connection: sqlite3.Connection) -> int:
    """The number of the newest one, 0 none."""
    if not has_batches(connection):
        return 0
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM batches").fetchone()[0])


def name_of(source: str, number: int) -> str:
    """What the centre calls a batch of a source."""
    return f"{source}/{number}"


def batches_behind(
    connection: sqlite3.Connection, behind: int, source: str, schema: pa.Schema
) -> tuple[int, pa.RecordBatch] | None:
    """The next signatures behind a number, with that of the last; None: there are no more."""
    if not has_batches(connection):
        return None
    rows = connection.execute(f"{_SELECT} WHERE id > ? ORDER BY id LIMIT ?", (behind, _AT_ONCE)).fetchall()
    if not rows:
        return None
    found = [
        {
            "batch": name_of(source, number),
            "device": device,
            "epoch": epoch,
            "form": form,
            "first_sequence": first,
            "last_sequence": last,
            "key": key,
            "signature": bytes.fromhex(signature) if _is_hex(signature) else b"",
            "body": body,
            "received": received,
        }
        for number, device, epoch, form, first, last, key, signature, body, received in rows
    ]
    return int(rows[-1][0]), pa.RecordBatch.from_pylist(found, schema=schema)


class Bringers:
    """Which batch brought an entry. behind: batches up to this number have brought nothing that is still to be read."""

    def __init__(self, connection: sqlite3.Connection, *, behind: int) -> None:
        self._of: dict[tuple[str, int], tuple[list[int], list[tuple[int, int, int]]]] = defaultdict(lambda: ([], []))
        if not has_batches(connection):
            return
        rows = connection.execute(
            "SELECT id, device, epoch, first, last, received FROM batches WHERE id > ? ORDER BY id", (behind,)
        )
        for number, device, epoch, first, last, received in rows:
            lasts, batches = self._of[device, epoch]
            # Only what reaches further than all before it can have brought an entry; so `lasts` ascend.
            if not lasts or last > lasts[-1]:
                lasts.append(last)
                batches.append((number, first, received))
            else:
                self._insert(lasts, batches, (last, number, first, received))

    @staticmethod
    def _insert(lasts: list[int], batches: list[tuple[int, int, int]], one: tuple[int, int, int, int]) -> None:
        """One that came behind a gap before: what it brings lies below an earlier batch that was not held whole."""
        last, number, first, received = one
        place = bisect_left(lasts, last)
        lasts.insert(place, last)
        batches.insert(place, (number, first, received))

    def name(self, source: str, device: str, epoch: int, sequence: int, received: int) -> str | None:
        """The name of the batch that brought it; None: none is kept."""
        lasts, batches = self._of.get((device, epoch), ([], []))
        place = bisect_left(lasts, sequence)
        for number, first, came in batches[place : place + _NEAR]:
            if came == received and first <= sequence:
                return name_of(source, number)
        return None


def _is_hex(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) == 64
    except ValueError:
        return False
