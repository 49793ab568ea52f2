"""What a group of batches locks, reads and writes in the collectors' PostgreSQL database, in a few statements for all.

Locks are taken in one order, keys before heads, each in the order of its bytes, so that nobody waits in a circle.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from yima.sdk.centre.collector.arrivals import Arrival, Statement
from yima.sdk.centre.collector.weighing import CONFLICTING, ENTRY, PROOF, SAID, Head, Row, Weighed

_TEXT, _INT8, _INT4, _BYTES = 25, 20, 23, 17
_SAID_TYPES = (_INT4, _INT4, _INT8, _INT4, _INT8, _INT4, _BYTES, _BYTES, _BYTES)
_ENTRY_TYPES = (_TEXT, _INT8, _INT8, *_SAID_TYPES, _TEXT, _INT8)
_PROOF_TYPES = (_TEXT, _INT8, _INT8, _INT8, _INT4, _TEXT, _TEXT, _BYTES, _INT8)


class LockedRows:
    """What the database holds of a group's devices and journals, locked until the transaction ends."""

    def __init__(self, connection: Any, arrivals: Sequence[Arrival], enrolled: Mapping[str, str] | None) -> None:
        self._connection = connection
        heard = [one for one in arrivals if enrolled is None or enrolled.get(one.batch.device) == one.key]
        self._lock_keys(heard)
        heard = [one for one in heard if enrolled is not None or self._keys.get(one.batch.device) == one.key]
        self._lock_heads(heard)
        self._fetch_rows(heard)

    def key(self, device: str) -> str | None:
        return self._keys.get(device)

    def head(self, device: str, epoch: int) -> Head | None:
        return self._heads.get((device, epoch))

    def row(self, device: str, epoch: int, sequence: int) -> Sequence[Any] | None:
        return self._rows.get((device, epoch, sequence))

    def keep_conflict(self, row: Row) -> bool:
        places = ", ".join(["%s"] * len(row))
        done = self._connection.execute(
            f"INSERT INTO conflicts ({CONFLICTING}) VALUES ({places}) ON CONFLICT DO NOTHING",  # noqa: S608
            row,
        )
        return bool(done.rowcount)

    def is_first(self, arrival: Arrival) -> bool:
        """Whether it is the batch with which its device became known; true once."""
        device = arrival.batch.device
        if device in self._new and self._keys.get(device) == arrival.key:
            self._new.discard(device)
            return True
        return False

    def _lock_keys(self, arrivals: Sequence[Arrival]) -> None:
        """The keys of the devices; a device that has none gets that of its first batch, unless another collector was
        quicker."""
        self._new: set[str] = set()
        devices = sorted({one.batch.device for one in arrivals})
        self._keys: dict[str, str] = self._found_keys(devices)
        lacking: dict[str, Arrival] = {}
        for one in arrivals:
            if one.batch.device not in self._keys:
                lacking.setdefault(one.batch.device, one)
        if not lacking:
            return
        first = [lacking[device] for device in sorted(lacking)]
        rows = self._connection.execute(
            "INSERT INTO keys SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[]) "
            "ON CONFLICT DO NOTHING RETURNING device",
            ([one.batch.device for one in first], [one.key for one in first], [one.received for one in first]),
        )
        self._new = {device for (device,) in rows}
        self._keys |= self._found_keys(sorted(lacking))

    def _found_keys(self, devices: list[str]) -> dict[str, str]:
        return dict(self._connection.execute("SELECT device, key FROM keys WHERE device = ANY(%s)", (devices,)))

    def _lock_heads(self, arrivals: Sequence[Arrival]) -> None:
        self._heads: dict[tuple[str, int], Head] = {}
        places = sorted({(one.batch.device, one.batch.epoch) for one in arrivals if one.batch.entries})
        asked = {(one.batch.device, one.batch.epoch) for one in arrivals} - set(places)
        columns = "h.device, h.epoch, h.acknowledged, h.hash, h.rejected, h.conflicts, h.last_at"
        of = "FROM heads h JOIN unnest(%s::text[], %s::bigint[]) AS w (device, epoch) USING (device, epoch)"
        if places:
            self._connection.execute(
                "INSERT INTO heads (device, epoch) SELECT * FROM unnest(%s::text[], %s::bigint[]) "
                "ON CONFLICT DO NOTHING",
                _columns(places),
            )
            # The order of the locks is that of the bytes, as it is here.
            query = f'SELECT {columns} {of} ORDER BY h.device COLLATE "C", h.epoch FOR UPDATE OF h'
            self._take(self._connection.execute(query, _columns(places), binary=True))
        if asked:
            self._take(self._connection.execute(f"SELECT {columns} {of}", _columns(sorted(asked)), binary=True))

    def _take(self, rows: Any) -> None:
        for device, epoch, *rest in rows:
            self._heads[device, epoch] = Head(*rest)

    def _fetch_rows(self, arrivals: Sequence[Arrival]) -> None:
        """The entries that come again."""
        self._rows: dict[tuple[str, int, int], Sequence[Any]] = {}
        spans = []
        for batch in (one.batch for one in arrivals):
            head = self._heads.get((batch.device, batch.epoch))
            if head and batch.entries and (first := batch.entries[0].key.sequence) <= head.acknowledged:
                spans.append((batch.device, batch.epoch, first, min(head.acknowledged, batch.entries[-1].key.sequence)))
        if spans:
            query = f"""SELECT e.device, e.epoch, e.sequence, rejected, {SAID} FROM
                unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[]) AS w (device, epoch, first, last)
                JOIN entries e ON e.device = w.device AND e.epoch = w.epoch AND e.sequence BETWEEN w.first AND w.last
                """  # noqa: S608
            for device, epoch, sequence, *row in self._connection.execute(query, _columns(spans), binary=True):
                self._rows[device, epoch, sequence] = row


def write(connection: Any, found: Weighed) -> None:
    cursor = connection.cursor()
    if found.keys:  # those of devices that were enrolled anew
        keys = [(device, *found.keys[device]) for device in sorted(found.keys)]
        cursor.execute(
            "INSERT INTO keys SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[]) "
            "ON CONFLICT (device) DO UPDATE SET key = excluded.key, since = excluded.since",
            _columns(keys),
        )
    _copy(cursor, f"entries ({ENTRY})", _ENTRY_TYPES, found.rows)
    _copy(cursor, f"batches ({PROOF})", _PROOF_TYPES, found.proofs)
    if found.heads:
        rows = [
            (device, epoch, head.acknowledged, head.hash, head.rejected, head.conflicts, head.last_at)
            for (device, epoch), head in found.heads.items()
        ]
        cursor.execute(
            "UPDATE heads h SET acknowledged = n.acknowledged, hash = n.hash, rejected = n.rejected, "
            "conflicts = n.conflicts, last_at = n.last_at "
            "FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bytea[], %s::bigint[], %s::bigint[], %s::bigint[])"
            " AS n (device, epoch, acknowledged, hash, rejected, conflicts, last_at) "
            "WHERE h.device = n.device AND h.epoch = n.epoch",
            _columns(rows),
        )


def keep_statements(connection: Any, news: Sequence[Statement]) -> None:
    """One of each device at a time, so that what it says one after the other is kept in that order."""
    left = list(news)
    while left:
        now = {one.device: one for one in reversed(left)}
        left = [one for one in left if now[one.device] is not one]
        rows = [(one.device, one.said, one.key, one.signature, one.first) for one in now.values()]
        for statement in (_SAID_AGAIN, _SAID_ANEW):
            connection.execute(statement, _columns(rows))


_STATED = """unnest(%s::text[], %s::bytea[], %s::text[], %s::text[], %s::bigint[])
    AS n (device, said, key, signature, at) {} JOIN LATERAL
    (SELECT id, said FROM statements s WHERE s.device = n.device ORDER BY id DESC LIMIT 1) l ON true"""
_SAID_AGAIN = (
    "UPDATE statements u SET last = greatest(u.last, f.at) FROM (SELECT l.id, n.at FROM "  # noqa: S608
    + _STATED.format("")
    + " WHERE l.said = n.said) f WHERE u.id = f.id"
)
_SAID_ANEW = (
    "INSERT INTO statements (device, said, key, signature, first, last) "  # noqa: S608
    "SELECT n.device, n.said, n.key, n.signature, n.at, n.at FROM "
    + _STATED.format("LEFT")
    + " WHERE l.said IS DISTINCT FROM n.said"
)


def _copy(cursor: Any, into: str, types: Sequence[int], rows: Sequence[Row]) -> None:
    if rows:
        with cursor.copy(f"COPY {into} FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)


def _columns(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
