"""Which tap used a code first, across all gates: a second one is found at once, and gates are told of both.

Rules it keeps:
- The first tap that came with a code is its use; every further one is a case. A tap that its gate took back used
  nothing: the code's use is the tap that came next with it, or, where none did, the code may be shown again.
- What changes gets a higher number, so "everything behind number" is what a station has not heard yet.
- A use is kept for KEPT_S beyond the code's own end; a repeat that comes still later is found by the day's clearing.
"""

from collections.abc import Iterable
from typing import NamedTuple

from yima.sdk.centre.clearing.tables import tap_id
from yima.sdk.centre.fleet.database import Statements
from yima.sdk.centre.fleet.verdicts import Examined

KEPT_S = 3 * 86400
ASKED_AT_ONCE = 400
_COLUMNS = "digest, number, device, epoch, sequence, at, good_until, family, city, line, station, reversed"


class Use(NamedTuple):
    """A code's use. digest: 64 hex digits. at, good_until: unix seconds; family: the core's number."""

    digest: str
    number: int
    device: str
    epoch: int
    sequence: int
    at: int
    good_until: int
    family: int
    city: int
    line: int
    station: int
    reversed: int

    @property
    def tap(self) -> str:
        """The tap's name."""
        return tap_id(self.device, self.epoch, self.sequence)


class Tap(NamedTuple):
    """One that uses a code, and where; at: unix seconds."""

    device: str
    epoch: int
    sequence: int
    at: int
    city: int
    line: int
    station: int


class Uses:
    """The uses that one transaction has to do with. now: unix seconds."""

    def __init__(self, rows: Statements, digests: Iterable[str], *, now: float) -> None:
        self._rows = rows
        self._known: dict[str, Use] = {}
        asked = sorted(set(digests))
        for start in range(0, len(asked), ASKED_AT_ONCE):
            some = asked[start : start + ASKED_AT_ONCE]
            marks = ", ".join("?" * len(some))
            found = rows.execute(f"SELECT {_COLUMNS} FROM uses WHERE digest IN ({marks})", some)  # noqa: S608
            self._known |= {row[0]: Use(*row) for row in found.fetchall()}
        self._changed: dict[str, Use] = {}
        # Numbers follow the clock, so that they go on rising when all that was numbered is forgotten.
        self._number = max(newest(rows), int(now * 1000))

    def other(self, one: Examined) -> str:
        """The tap that used this one's code before; empty: none did, and this is the use."""
        assert one.tap is not None
        digest = one.tap["code_digest"]
        known = self._known.get(digest)
        if known is not None and not known.reversed:
            return "" if (known.device, known.epoch, known.sequence) == one[:3] else known.tap
        tap = {name: int(one.tap[name] or 0) for name in ("good_until", "family", "city", "line", "station")}
        self._keep(Use(digest, 0, one.device, one.epoch, one.sequence, one.at, **tap, reversed=0))
        return ""

    def take_back(self, device: str, epoch: int, sequence: int, after: Tap | None = None) -> None:
        """That tap used nothing. after: the one that used its code then; None: none did."""
        mine = (device, epoch, sequence)
        use = next((use for use in self._changed.values() if use[2:5] == mine), None)
        if use is None:
            found = self._rows.execute(
                f"SELECT {_COLUMNS} FROM uses WHERE device = ? AND epoch = ? AND sequence = ?",  # noqa: S608
                mine,
            ).fetchone()
            # A code that has changed in this transaction is another tap's by now.
            use = Use(*found) if found and found[0] not in self._changed else None
        if use is not None and not use.reversed:
            self._keep(use._replace(**after._asdict()) if after else use._replace(reversed=1))

    def write(self) -> None:
        """What has changed."""
        self._rows.executemany(
            f"INSERT INTO uses ({_COLUMNS}) VALUES ({', '.join('?' * len(Use._fields))}) "  # noqa: S608
            "ON CONFLICT (digest) DO UPDATE SET "
            + ", ".join(f"{name} = excluded.{name}" for name in Use._fields if name != "digest"),
            list(self._changed.values()),
        )

    def _keep(self, use: Use) -> None:
        self._number += 1
        self._known[use.digest] = self._changed[use.digest] = use._replace(number=self._number)


def behind(rows: Statements, number: int, *, limit: int) -> list[Use]:
    """What has changed behind that number, in order."""
    found = rows.execute(f"SELECT {_COLUMNS} FROM uses WHERE number > ? ORDER BY number LIMIT ?", (number, limit))  # noqa: S608
    return [Use(*row) for row in found.fetchall()]


def newest(rows: Statements) -> int:
    """The highest number; 0: there is none."""
    return int(rows.execute("SELECT COALESCE(MAX(number), 0) FROM uses").fetchone()[0])


def forget(rows: Statements, now: int) -> None:
    """What is too old to be asked for."""
    rows.execute("DELETE FROM uses WHERE good_until < ?", (now - KEPT_S,))


class Place(NamedTuple):
    """Where uses concern a gate: its station, or, where it has none, its line."""

    city: int
    line: int
    station: int


def place_of(city: int, line: int, station: int) -> Place:
    """Of a gate, or of a use: a station is one, whichever line its gates are called by."""
    return Place(city, 0 if station else line, station)


def at_place(rows: Statements, place: Place, number: int, *, alive: int, limit: int) -> list[Use]:
    """What has changed there behind that number, of codes that can be shown at `alive` (unix seconds) or later."""
    which, values = ("", (place.city, place.station)) if place.station else ("AND line = ?", (*place[::2], place.line))
    found = rows.execute(
        f"SELECT {_COLUMNS} FROM uses WHERE city = ? AND station = ? {which} AND number > ? AND good_until >= ? "  # noqa: S608
        "ORDER BY number LIMIT ?",
        (*values, number, alive, limit),
    )
    return [Use(*row) for row in found.fetchall()]
