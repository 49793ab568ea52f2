"""A day's disputes: what was raised or waits is looked up, decided, and written down before the day's money is booked.

Rules it keeps:
- Decided once: a dispute that was upheld or refused is closed. One that waits is looked at again when the other party
  has spoken, the day after it was asked at the earliest; a new row says what comes of it. Nobody else's word counts.
- Of several disputes of one day over one ride, in the order of their numbers and raisers, the first that is upheld is
  the last that is decided; the others are told DECIDED_BEFORE.
- What a dispute is decided by was booked on an earlier day: nobody disputes what has not been sent to them.
- One code pays for one ride. The ride that came first is decided about first, so that one which is void by now has
  paid for no other.
- Rides have names that anybody can guess. Whoever is neither of its two parties is told no more than that.
"""

from typing import Any

import pyarrow as pa

from yima.sdk.centre.clearing.days import shifted
from yima.sdk.centre.clearing.disputes.deciding import Known, Ruling, decide
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.money.tables import (
    CENTRE_PARTY,
    CLEARED,
    CONFIRMED,
    DISPUTES,
    RAISED,
    Decision,
    Effect,
    Reason,
)
from yima.sdk.centre.clearing.tables import CHECKS, OUTCOMES, REVERSALS, RIDES
from yima.sdk.centre.clearing.taps.arrivals import arrived, keys_of
from yima.sdk.centre.clearing.workspace import Workspace

STEP = "disputes"
_CLOSED = ["dispute_id", "ride_id", "raised_by", "against", "reason", "decision"]

# Views: asked (dispute_id, ride_id, raised_by, reason, claimed_fen, agrees), cleared, rides, checks, outcomes, and of
# this day reversals: such a ride's legs are settled anew today, under another name.
_BOOKED = """
WITH
named AS (
    SELECT ride_id, split_part(ride_id, '/', 1) AS device, TRY_CAST(split_part(ride_id, '/', 2) AS BIGINT) AS epoch,
        TRY_CAST(split_part(split_part(ride_id, '/', 3), '#', 1) AS BIGINT) AS sequence
    FROM (SELECT DISTINCT ride_id FROM asked) AS once
),
booked AS (SELECT b.* FROM cleared AS b WHERE b.ride_id IN (SELECT ride_id FROM asked)),
mine AS (
    SELECT b.* FROM booked AS b
    WHERE NOT b.reverses AND NOT EXISTS (
        SELECT 1 FROM booked AS a WHERE a.ride_id = b.ride_id AND a.number = b.number AND a.reverses
    ) AND NOT EXISTS (SELECT 1 FROM reversals AS v WHERE v.ride_id = b.ride_id)
),
alike AS (SELECT b.* FROM cleared AS b WHERE b.code_digest IN (SELECT code_digest FROM mine WHERE code_digest <> '')),
live AS (
    SELECT b.* FROM alike AS b
    WHERE NOT b.reverses AND NOT EXISTS (
        SELECT 1 FROM alike AS a WHERE a.ride_id = b.ride_id AND a.number = b.number AND a.reverses
    ) AND NOT EXISTS (SELECT 1 FROM reversals AS v WHERE v.ride_id = b.ride_id)
)
"""
# Of each ride the others that its code has paid before.
_OTHERS_SQL = (
    _BOOKED
    + """
SELECT m.ride_id, b.ride_id AS other
FROM mine AS m
JOIN live AS b
    ON b.code_digest = m.code_digest AND b.kind = m.kind
    AND (b.moment < m.moment OR (b.moment = m.moment AND b.ride_id < m.ride_id))
WHERE m.code_digest <> ''
ORDER BY m.ride_id, other
"""
)
_KNOWN_SQL = (
    _BOOKED  # noqa: S608 - both are ours
    + """,
judged AS (
    SELECT
        n.ride_id, c.verdict, c.why, c.signatures,
        row_number() OVER (
            PARTITION BY n.ride_id ORDER BY CASE c.verdict WHEN 'OK' THEN 0 ELSE 1 END, c.day, c.hash, c.copy
        ) AS place
    FROM named AS n
    JOIN checks AS c ON c.device = n.device AND c.epoch = n.epoch AND c.sequence = n.sequence
),
seen AS (
    SELECT
        n.ride_id, x.outcome, row_number() OVER (PARTITION BY n.ride_id ORDER BY x.sequence DESC, x.hash) AS place
    FROM named AS n
    JOIN outcomes AS x ON x.device = n.device AND x.epoch = n.epoch AND x.tap = n.sequence
    LEFT JOIN checks AS c
        ON c.device = x.device AND c.epoch = x.epoch AND c.sequence = x.sequence AND c.hash = x.hash AND c.day = x.day
        AND c.copy = 0
    WHERE c.device IS NULL -- an outcome has a check of its own only if its entry is not in order
)
SELECT
    q.dispute_id, q.ride_id, q.raised_by, q.reason, q.claimed_fen, q.agrees, m.issuer, m.operator,
    m.gross_fen + m.gate_fen AS fare_fen,
    CASE WHEN q.raised_by IN (k.issuer, k.operator) THEN k.entry_tap END AS entry_tap,
    r.core_fare_fen, coalesce(j.signatures, 0) AS signatures, j.verdict, j.why, o.outcome
FROM asked AS q
LEFT JOIN mine AS m ON m.ride_id = q.ride_id
LEFT JOIN (
    SELECT ride_id, max(entry_tap) AS entry_tap, max(issuer) AS issuer, max(operator) AS operator
    FROM booked
    GROUP BY ride_id
) AS k ON k.ride_id = q.ride_id -- a ride that was never booked has no parties, and nothing of it is told
LEFT JOIN rides AS r ON r.ride_id = m.ride_id
LEFT JOIN judged AS j ON j.ride_id = q.ride_id AND j.place = 1
LEFT JOIN seen AS o ON o.ride_id = q.ride_id AND o.place = 1
ORDER BY m.moment, q.ride_id, q.dispute_id, q.raised_by -- those of which nothing is booked decide nothing of others
"""
)
# Views: asked, checks.
_DATES_SQL = """
SELECT MIN(c.service_date) AS service_date
FROM checks AS c
JOIN (
    SELECT split_part(ride_id, '/', 1) AS device, TRY_CAST(split_part(ride_id, '/', 2) AS BIGINT) AS epoch,
        TRY_CAST(split_part(split_part(ride_id, '/', 3), '#', 1) AS BIGINT) AS sequence
    FROM asked
) AS n ON c.device = n.device AND c.epoch = n.epoch AND c.sequence = n.sequence
ORDER BY service_date
"""
_DATES = pa.schema([("service_date", pa.int32())])
_ASKED = pa.schema(
    [
        ("dispute_id", pa.string()),
        ("ride_id", pa.string()),
        ("raised_by", pa.string()),
        ("reason", pa.string()),
        ("claimed_fen", pa.int64()),
        ("agrees", pa.bool_()),
    ]
)
_KNOWN = pa.schema(
    [
        *_ASKED,
        ("issuer", pa.string()),
        ("operator", pa.string()),
        ("fare_fen", pa.int64()),
        ("entry_tap", pa.string()),
        ("core_fare_fen", pa.int64()),
        ("signatures", pa.int32()),
        ("verdict", pa.string()),
        ("why", pa.string()),
        ("outcome", pa.int32()),
    ]
)


_OTHERS = pa.schema([("ride_id", pa.string()), ("other", pa.string())])


def settle_disputes(workspace: Workspace, engine: Engine, day: int) -> int:
    """Decides the day's disputes, before `settle`; returns how many rows it wrote."""
    if workspace.is_done(STEP, day):
        return 0
    closed: set[tuple[str, str, str]] = set()  # ride, raised by, reason
    upheld: dict[str, Effect] = {}  # by ride
    waiting: dict[tuple[str, str], str] = {}  # number and its raiser, whose word is waited for
    for row in workspace.read(DISPUTES, before=day).select(_CLOSED).to_pylist():
        waiting.pop((row["dispute_id"], row["raised_by"]), None)
        if row["decision"] == Decision.WAITING:
            waiting[row["dispute_id"], row["raised_by"]] = row["against"]
            continue
        closed.add((row["ride_id"], row["raised_by"], row["reason"]))
    asked = _asked(workspace, day, waiting)
    rows = []
    if asked:
        _see(workspace, engine, day, asked)
        others = _others(engine)
        for batch in engine.query(_KNOWN_SQL, _KNOWN):
            for found in batch.to_pylist():
                key = (found["ride_id"], found["raised_by"], found["reason"])
                against = _against(found)
                decided_before = key in closed or found["ride_id"] in upheld
                found["other"] = _other(found, others, upheld)
                names = [name for name in Known.__slots__ if name in found]
                ruling = decide(Known(**{name: found[name] for name in names}, decided_before=decided_before))
                if ruling.decision is Decision.UPHELD:
                    upheld[found["ride_id"]] = ruling.effect
                rows.append(_row(found, ruling, against, day))
    count = 0
    if rows:
        rows.sort(key=lambda row: (row["dispute_id"], row["raised_by"]))
        count = workspace.write(DISPUTES, day, "centre", pa.Table.from_pylist(rows, DISPUTES.schema).to_batches())
    workspace.done(STEP, day)
    return count


def _see(workspace: Workspace, engine: Engine, day: int, asked: list[dict[str, object]]) -> None:
    """Names what is known of the rides that are asked after; of the past no more than lies behind their taps."""
    days = arrived(workspace, engine, keys_of(str(row["ride_id"]) for row in asked), before=day + 1)
    engine.register("asked", pa.Table.from_pylist(asked, _ASKED))
    engine.scan("reversals", REVERSALS, workspace.files(REVERSALS, day=day))
    for table in (CHECKS, OUTCOMES):
        engine.scan(table.name, table, workspace.files_of(table, days))
    engine.scan("rides", RIDES, workspace.files(RIDES, since=min(days, default=day), before=day + 1))
    # Another ride with the same code may have come before; its tap is no older than the code, which holds for minutes.
    dates = pa.Table.from_batches(engine.query(_DATES_SQL, _DATES), _DATES)["service_date"].to_pylist()
    since = min([*days, *(shifted(date, -1) for date in dates if date)], default=day)
    engine.scan("cleared", CLEARED, workspace.files(CLEARED, since=since, before=day))


def _others(engine: Engine) -> dict[str, list[str]]:
    """By ride those that the same code has paid before."""
    found: dict[str, list[str]] = {}
    for batch in engine.query(_OTHERS_SQL, _OTHERS):
        for row in batch.to_pylist():
            found.setdefault(row["ride_id"], []).append(row["other"])
    return found


def _other(found: dict[str, Any], others: dict[str, list[str]], upheld: dict[str, Effect]) -> str | None:
    """The first of them that is not void since today; told to the parties of the ride alone."""
    if found["raised_by"] not in (found["issuer"], found["operator"]):
        return None
    return next((one for one in others.get(found["ride_id"], []) if upheld.get(one) is not Effect.VOID), None)


def _asked(workspace: Workspace, day: int, waiting: dict[tuple[str, str], str]) -> list[dict[str, object]]:
    """Disputes raised today, and those that wait and whose other party has spoken."""
    words = {
        (row["dispute_id"], row["raised_by"], row["confirmed_by"]): row["agrees"]
        for row in workspace.read(CONFIRMED, before=day + 1).to_pylist()
    }
    asked = []
    for row in workspace.read(RAISED, before=day + 1).to_pylist():
        number = (row["dispute_id"], row["raised_by"])
        agrees = words.get((*number, waiting.get(number)))
        if row["day"] != day and agrees is None:
            continue
        asked.append({**{name: row[name] for name in _ASKED.names if name != "agrees"}, "agrees": agrees})
    return asked


def _against(found: dict[str, str | None]) -> str:
    issuer, operator = found["issuer"], found["operator"]
    if found["reason"] == Reason.MISSING or issuer is None or operator is None:
        return CENTRE_PARTY
    return {issuer: operator, operator: issuer}.get(str(found["raised_by"]), CENTRE_PARTY)


def _row(found: dict[str, Any], ruling: Ruling, against: str, day: int) -> dict[str, Any]:
    return {
        **{name: found[name] for name in ("dispute_id", "ride_id", "raised_by", "reason", "entry_tap", "other")},
        "against": against,
        "decision": str(ruling.decision),
        "decided_by": str(ruling.decided_by),
        "effect": str(ruling.effect),
        "delta_fen": ruling.delta_fen,
        "reply": ruling.reply,
        "day": day,
    }
