"""The signatures that a collector's store keeps (`batches`), and which of them lies above an entry.

A store keeps a row for each batch that brought something. An entry was brought by the first batch that spans it and
came in the same second. A batch whose own bytes are kept spans what it did not bring (it came before a gap was closed,
or with another entry in the place of one), so it is the last to be asked. Stores of the form before have no such rows,
and their entries no batch.
"""

import sqlite3
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

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
    return int(rows[-1][0]), signatures(source, rows, schema)


def signatures(source: str, rows: Iterable[tuple[Any, ...]], schema: pa.Schema) -> pa.RecordBatch:
    """Rows (number, device, epoch, form, first, last, key, signature, body, received) as the centre keeps them."""
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
    return pa.RecordBatch.from_pylist(found, schema=schema)


def bringing(connection: sqlite3.Connection, *, behind: int) -> Iterable[tuple[Any, ...]]:
    """What Bringers asks for. behind: batches up to this number have brought nothing that is still to be read."""
    if not has_batches(connection):
        return ()
    return connection.execute(
        "SELECT id, device, epoch, first, last, received, body IS NOT NULL FROM batches WHERE id > ? ORDER BY id",
        (behind,),
    )


class Bringers:
    """Which batch brought an entry. rows: (number, device, epoch, first, last, received, whether its bytes are kept) of
    the batches that may have, in the order of their numbers."""

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._of: dict[tuple[str, int], tuple[list[int], list[_Span]]] = defaultdict(lambda: ([], []))
        for number, device, epoch, first, last, received, has_body in rows:
            lasts, batches = self._of[device, epoch]
            place = bisect_left(lasts, last)  # nearly always the end
            lasts.insert(place, last)
            batches.insert(place, (has_body, number, first, received))

    def names(self, source: str, rows: pa.RecordBatch) -> pa.Array:
        """The names of the batches that brought these entries, in their order; None: none is kept. Entries that came
        in one second and follow each other lie under one batch nearly always, and are named at once."""
        names: list[str | None] = []
        for start, end in _runs(rows):
            device, epoch, first, received = (
                rows[name][start].as_py() for name in ("device", "epoch", "sequence", "received")
            )
            names += self._of_run(source, device, epoch, range(first, first + end - start), received)
        return pa.array(names, pa.string())

    def _of_run(self, source: str, device: str, epoch: int, sequences: range, received: int) -> list[str | None]:
        lasts, batches = self._of.get((device, epoch), ([], []))
        places = [bisect_left(lasts, sequence) for sequence in (sequences[0], sequences[-1])]
        spans = [span for span in batches[places[0] : places[1] + _NEAR] if span[3] == received]
        if not spans:
            return [None] * len(sequences)
        if len(spans) == 1 and places[0] == places[1] and spans[0][2] <= sequences[0]:
            return [name_of(source, spans[0][1])] * len(sequences)
        return [self._of_one(source, lasts, batches, sequence, received) for sequence in sequences]

    @staticmethod
    def _of_one(source: str, lasts: list[int], batches: list[_Span], sequence: int, received: int) -> str | None:
        place = bisect_left(lasts, sequence)
        spans = batches[place : place + _NEAR]
        found = min((span for span in spans if span[3] == received and span[2] <= sequence), default=None)
        return None if found is None else name_of(source, found[1])


def _runs(rows: pa.RecordBatch) -> Iterator[tuple[int, int]]:
    """Where entries of one journal follow each other without a gap, and came in the same second: (start, end) each."""
    if not rows.num_rows:
        return
    before, after = rows.slice(0, rows.num_rows - 1), rows.slice(1)
    breaks = pc.not_equal(pc.subtract(after["sequence"], before["sequence"]), 1)
    for name in ("device", "epoch", "received"):
        breaks = pc.or_(breaks, pc.not_equal(before[name], after[name]))
    ends = [place + 1 for place in pc.indices_nonzero(breaks).to_pylist()]
    yield from pairwise([0, *ends, rows.num_rows])


def _is_hex(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) == 64
    except ValueError:
        return False
