"""What devices say of their versions, as the collector keeps it; and what came of the taps under each of them."""

from typing import Any

from yima.sdk.centre.collector.arrivals import Statement

DIGEST_AT = 68
"""Where a tap names the image that judged it; a test holds it against the form of facts."""
LATEST = 1_000_000
"""Taps that are looked at most when it is asked how a package does."""


def keep(connection: Any, statement: Statement) -> None:
    """A statement that came: a row more, or a later `last` where the device says what it said before."""
    row = connection.execute(
        "SELECT id, said FROM statements WHERE device = ? ORDER BY id DESC LIMIT 1", (statement.device,)
    ).fetchone()
    if row is not None and row[1] == statement.said:
        connection.execute("UPDATE statements SET last = max(last, ?) WHERE id = ?", (statement.last, row[0]))
    else:
        columns = "device, said, key, signature, first, last"
        connection.execute(f"INSERT INTO statements ({columns}) VALUES (?, ?, ?, ?, ?, ?)", statement)  # noqa: S608


def read(connection: Any, after: int) -> list[Statement]:
    """Those whose last is not before `after`, in order of coming."""
    rows = connection.execute(
        "SELECT device, said, key, signature, first, last FROM statements WHERE last >= ? ORDER BY id", (after,)
    ).fetchall()
    return [Statement(*row) for row in rows]


def taps_by_image(connection: Any, after: int) -> tuple[list[tuple[bytes, int, int]], int]:
    """(the first 16 bytes of SM3 over the image that judged, reason, how many) of taps that came after row `after`, of
    at most LATEST rows; and the row to go on from."""
    last = connection.execute("SELECT coalesce(max(rowid), 0) FROM entries").fetchone()[0]
    rows = connection.execute(
        """SELECT substr(content, ?, 16), reason, count(*) FROM entries
        WHERE rowid > ? AND rowid <= ? AND form = 2 AND kind = 1 AND rejected IS NULL GROUP BY 1, 2""",
        (DIGEST_AT + 1, max(after, last - LATEST), last),
    ).fetchall()
    return rows, last
