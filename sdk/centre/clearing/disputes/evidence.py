"""What a dispute is answered with: the entries of the ride byte for byte, the batches in which their devices sent and
signed them, and what the centre found in them. Anyone who has it can check it without the centre, see checking.py.

An entry has the whole code in it, with the account. Who raises a dispute over a ride of others, or asks after a record
that is not theirs, gets none: rides have names that anybody can guess.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.money.tables import CENTRE_PARTY, DISPUTES
from yima.sdk.centre.clearing.tables import CHECKS, ENTRIES, JUDGED, TAPS
from yima.sdk.centre.clearing.taps.arrivals import arrived, keys_of
from yima.sdk.centre.clearing.taps.batches import Keys
from yima.sdk.centre.clearing.taps.bodies import SignedBody, bodies
from yima.sdk.centre.clearing.workspace import Workspace, flush_all

SIGNERS = {"ca": 1, "issuer": 2, "rider": 4}
FORM = 2
AT_ONCE = 1000
"""Bundles that are held in memory: each has whole batches, some hundred KB of them."""

# Views: told (bundle, tap, raised_by; is_party: to the ride as it is booked), entries, checks, taps, judged.
_SQL = """
WITH
legs AS (
    SELECT DISTINCT bundle, raised_by, is_party, split_part(tap, '/', 1) AS device,
        TRY_CAST(split_part(tap, '/', 2) AS BIGINT) AS epoch, TRY_CAST(split_part(tap, '/', 3) AS BIGINT) AS sequence
    FROM (SELECT bundle, raised_by, is_party, split_part(tap, '#', 1) AS tap FROM told) AS named
),
keys AS (SELECT DISTINCT device, epoch, sequence FROM legs)
SELECT
    l.bundle, e.device, e.epoch, e.sequence, e.hash, e.previous, e.entry, e.form, e.received, e.batch,
    c.verdict, c.why, c.signatures, c.core_fare_fen, t.parameters_version, t.parameters_digest,
    coalesce(c.copy, 0) AS copy
FROM legs AS l
JOIN entries AS e ON e.device = l.device AND e.epoch = l.epoch AND e.sequence = l.sequence
LEFT JOIN checks AS c
    ON c.device = e.device AND c.epoch = e.epoch AND c.sequence = e.sequence AND c.hash = e.hash AND c.copy = 0
LEFT JOIN (
    SELECT x.device, x.epoch, x.sequence, x.hash, max(x.parameters_version) AS parameters_version,
        max(x.parameters_digest) AS parameters_digest, max(x.operator) AS operator
    FROM taps AS x
    JOIN keys AS k ON k.device = x.device AND k.epoch = x.epoch AND k.sequence = x.sequence
    GROUP BY x.device, x.epoch, x.sequence, x.hash
) AS t ON t.device = e.device AND t.epoch = e.epoch AND t.sequence = e.sequence AND t.hash = e.hash
LEFT JOIN (
    SELECT x.device, x.epoch, x.sequence, x.hash, max(x.issuer) AS issuer
    FROM judged AS x
    JOIN keys AS k ON k.device = x.device AND k.epoch = x.epoch AND k.sequence = x.sequence
    GROUP BY x.device, x.epoch, x.sequence, x.hash
) AS s ON s.device = e.device AND s.epoch = e.epoch AND s.sequence = e.sequence AND s.hash = e.hash
WHERE l.is_party OR coalesce(t.operator, '') = l.raised_by OR coalesce(s.issuer, '') = l.raised_by
ORDER BY l.bundle, e.device, e.epoch, e.sequence, e.hash, e.received, e.batch, c.day DESC
"""
_TOLD = pa.schema([("bundle", pa.string()), ("tap", pa.string()), ("raised_by", pa.string()), ("is_party", pa.bool_())])
_FOUND = pa.schema(
    [
        ("bundle", pa.string()),
        ("device", pa.string()),
        ("epoch", pa.int64()),
        ("sequence", pa.int64()),
        ("hash", pa.binary()),
        ("previous", pa.binary()),
        ("entry", pa.binary()),
        ("form", pa.int32()),
        ("received", pa.int64()),
        ("batch", pa.string()),
        ("verdict", pa.string()),
        ("why", pa.string()),
        ("signatures", pa.int32()),
        ("core_fare_fen", pa.int64()),
        ("parameters_version", pa.int64()),
        ("parameters_digest", pa.string()),
    ]
)


def write_evidence(workspace: Workspace, engine: Engine, day: int, *, keys: Keys | None = None) -> list[Path]:
    """A JSON file for each dispute that was decided on this day, in answers/<day>/. keys: as for the checks of a
    day."""
    disputes = workspace.read(DISPUTES, day=day).to_pylist()
    if not disputes:
        return []
    folder = workspace.path / "answers" / str(day)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for start in range(0, len(disputes), AT_ONCE):
        some = disputes[start : start + AT_ONCE]
        entries = _entries(workspace, engine, some, day, keys)
        for dispute in some:
            name = evidence_name(dispute)
            bundle = {"form": FORM, "dispute": dispute, "entries": entries.get(name, [])}
            path = folder / name
            path.write_text(json.dumps(bundle, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
            paths.append(path)
    flush_all(folder)
    return paths


def _entries(
    workspace: Workspace, engine: Engine, disputes: Sequence[Mapping[str, Any]], day: int, keys: Keys | None
) -> dict[str, list[dict[str, Any]]]:
    """What each bundle has of entries, by its name."""
    told = [
        {
            "bundle": evidence_name(row),
            "tap": tap,
            "raised_by": row["raised_by"],
            "is_party": row["against"] != CENTRE_PARTY,  # else it may still be whose record it is
        }
        for row in disputes
        for tap in (row["ride_id"], row["entry_tap"], row["other"])
        if tap is not None
    ]
    days = arrived(workspace, engine, keys_of(row["tap"] for row in told), before=day + 1)
    engine.register("told", pa.Table.from_pylist(told, _TOLD))
    for table in (ENTRIES, CHECKS, TAPS, JUDGED):
        engine.scan(table.name, table, workspace.files_of(table, days))
    found = pa.Table.from_batches(engine.query(_SQL, _FOUND), _FOUND).to_pylist()
    signed = bodies(workspace, engine, {row["batch"] for row in found} - {None}, days)
    copies: dict[tuple[str, bytes], list[dict[str, Any]]] = {}
    for row in found:
        copies.setdefault((row["bundle"], row["hash"]), []).append(row)
    entries: dict[str, list[dict[str, Any]]] = {}
    for (bundle, _), rows in copies.items():
        entries.setdefault(bundle, []).append(_shown(_best(rows, signed, keys), signed))
    return entries


def _best(rows: Sequence[dict[str, Any]], signed: Mapping[str, SignedBody], keys: Keys | None) -> dict[str, Any]:
    """Of the copies of an entry the first that its device has signed, which is what counted; else the first that came:
    when that was is a collector's word."""
    if len(rows) == 1:
        return rows[0]
    covered = (row for row in rows if row["batch"] in signed and signed[row["batch"]].covers(row, keys))
    return next(covered, rows[0])


def evidence_name(dispute: Mapping[str, Any]) -> str:
    """The name of the bundle for a row of DISPUTES: no other one's. What no file name may have is percent-encoded."""
    return f"evidence-{dispute['raised_by']}-{quote(dispute['dispute_id'], safe='')}.json"


def _shown(row: Mapping[str, Any], signed: Mapping[str, SignedBody]) -> dict[str, Any]:
    held = row["signatures"] or 0
    batch = signed.get(row["batch"])
    return {
        **{name: row[name] for name in ("device", "epoch", "sequence", "form", "received", "verdict", "why")},
        **{name: row[name].hex() for name in ("entry", "previous", "hash")},
        "signatures": {name: bool(held & bit) for name, bit in SIGNERS.items()},
        "core_fare_fen": row["core_fare_fen"],
        "parameters": {"version": row["parameters_version"], "digest": row["parameters_digest"]},
        "batch": None
        if batch is None
        else {
            "name": row["batch"],
            "key": batch.key,
            "signature": batch.signature,
            "body": batch.body.decode("utf-8", "replace"),
        },
    }
