"""The signatures that a collector's store keeps (`batches`), and which of them lies above an entry.

A store keeps a row for each batch that brought something. An entry was brought by the first batch that spans it and
came in the same second. A batch whose own bytes are kept spans what it did not bring (it came before a gap was closed,
or with another entry in the place of one), so it is the last to be asked. Stores of the form before have no such rows,
and their entries no batch.
"""

import sqlite3
from bisect import bisect_left
from collections import defaultdict

import pyarrow as pa

_AT_ONCE = 20_000
_Span = tuple[int, int, int, int]  # whether its bytes are kept, number, first sequence, second
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
        self._of: dict[tuple[str, int], tuple[list[int], list[_Span]]] = defaultdict(lambda: ([], []))
        if not has_batches(connection):
            return
        rows = connection.execute(
            "SELECT id, device, epoch, first, last, received, body IS NOT NULL FROM batches WHERE id > ? ORDER BY id",
            (behind,),
        )
        for number, device, epoch, first, last, received, has_body in rows:
            lasts, batches = self._of[device, epoch]
            place = bisect_left(lasts, last)  # nearly always the end
            lasts.insert(place, last)
            batches.insert(place, (has_body, number, first, received))

    def name(self, source: str, device: str, epoch: int, sequence: int, received: int) -> str | None:
        """The name of the batch that brought it; None: none is kept."""
        lasts, batches = self._of.get((device, epoch), ([], []))
        place = bisect_left(lasts, sequence)
        spans = batches[place : place + _NEAR]
        found = min((span for span in spans if span[3] == received and span[2] <= sequence), default=None)
        return None if found is None else name_of(source, found[1])


def _is_hex(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) == 64
    except ValueError:
        return False
