"""Which devices run which parameters and deny-lists, since when: what a city must be able to prove.

A city that joins is to be accepted within 30 days of its package, one that leaves refused within 7. A tap names the
parameters that it was judged by, and a device notes when it goes over to others; both are signed in its journal.

Rules it keeps:
- A device has a version from the first moment at which its journal shows it, by the device's own clock; where that one
  was not trusted, from the arrival of the record.
- A device that was never heard of with a version does not have it: silence is no proof.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from yima.sdk.centre.fleet.database import Database, Statements
from yima.sdk.centre.fleet.devices import LISTED_MOST
from yima.sdk.centre.fleet.verdicts import DENY_KIND, PARAMETERS_KIND, Examined

ADDED_DAYS, REMOVED_DAYS = 30, 7
"""Days within which a city that was added, or removed, must be in force at every gate."""
_DAY_S = 86400


class Of(StrEnum):
    """What a version is of."""

    PARAMETERS = "parameters"
    DENY_LIST = "deny-list"


_NUMBERS = {Of.PARAMETERS: PARAMETERS_KIND, Of.DENY_LIST: DENY_KIND}


class Running(NamedTuple):
    """A device and the newest version that it was seen with; since: when first, seen: when it was heard of last, unix
    seconds. version 0: it was never heard of."""

    device: str
    version: int
    since: int
    seen: int


class Duty(StrEnum):
    """Whether a device had a version in time."""

    IN_TIME = "IN_TIME"
    LATE = "LATE"
    MISSING = "MISSING"  # it has not got it, and may still
    OVERDUE = "OVERDUE"  # it has not got it, and should have


class Proof(NamedTuple):
    """One device's standing. since: when it had the version, or a newer one; 0: it has not. days: whole ones from the
    publication to then, or to now."""

    device: str
    duty: Duty
    since: int
    days: int


def note(rows: Statements, found: Iterable[Examined]) -> None:
    """What these records say of versions."""
    spans: dict[tuple[str, int, int, str], tuple[int, int]] = {}
    for one in found:
        for kind, version, digest, at in one.versions:
            key = (one.device, kind, version, digest)
            since, seen = spans.get(key, (at, one.received))
            spans[key] = (min(since, at), max(seen, one.received))
    rows.executemany(
        "INSERT INTO versions (device, kind, version, digest, since, seen) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (device, kind, version, digest) DO UPDATE SET "
        "since = CASE WHEN versions.since < excluded.since THEN versions.since ELSE excluded.since END, "
        "seen = CASE WHEN versions.seen > excluded.seen THEN versions.seen ELSE excluded.seen END",
        [(*key, *span) for key, span in spans.items()],
    )


def running(database: Database, of: Of = Of.PARAMETERS, *, after: str = "", limit: int = LISTED_MOST) -> list[Running]:
    """The newest version of each device behind that one which was seen with any, in the order of their names."""
    with database.reading() as rows:
        found = rows.execute(
            "SELECT v.device, v.version, MIN(v.since), MAX(v.seen) FROM versions v JOIN ("
            "SELECT device, MAX(version) AS version FROM versions WHERE kind = ? AND device > ? "
            "GROUP BY device ORDER BY device LIMIT ?) n ON n.device = v.device AND n.version = v.version "
            "WHERE v.kind = ? GROUP BY v.device, v.version ORDER BY v.device",
            (_NUMBERS[of], after, limit, _NUMBERS[of]),
        ).fetchall()
    return [Running(*row) for row in found]


def prove(
    database: Database, version: int, *, published: int, within_days: int, now: int, of: Of = Of.PARAMETERS
) -> list[Proof]:
    """Of every enrolled device, whether it had the version, or a newer one, within so many days of `published` (unix
    seconds)."""
    with database.reading() as rows:
        enrolled = rows.execute("SELECT device FROM devices WHERE state = 'ENROLLED' ORDER BY device").fetchall()
        had: Mapping[str, int] = dict(
            rows.execute(
                "SELECT device, MIN(since) FROM versions WHERE kind = ? AND version >= ? GROUP BY device",
                (_NUMBERS[of], version),
            ).fetchall()
        )
    until = published + within_days * _DAY_S
    proofs = []
    for (device,) in enrolled:
        since = had.get(device, 0)
        if since:
            duty = Duty.IN_TIME if since <= until else Duty.LATE
        else:
            duty = Duty.MISSING if now <= until else Duty.OVERDUE
        days = max(0, ((since or now) - published) // _DAY_S)
        proofs.append(Proof(device, duty, since, days))
    return proofs
