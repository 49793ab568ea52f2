"""What a dispute is answered with: the entries of the ride byte for byte, the batches in which their devices sent and
signed them, and what the centre found in them. Anyone who has it can check it without the centre, see checking.py.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.money.tables import DISPUTES
from yima.sdk.centre.clearing.tables import CHECKS, ENTRIES, TAPS
from yima.sdk.centre.clearing.taps.arrivals import arrived, keys_of
from yima.sdk.centre.clearing.taps.bodies import SignedBody, bodies
from yima.sdk.centre.clearing.workspace import Workspace

SIGNERS = {"ca": 1, "issuer": 2, "rider": 4}
FORM = 2

# Views: told (dispute_id, tap), entries, checks, taps.
_SQL = """
WITH
legs AS (
    SELECT DISTINCT dispute_id, split_part(tap, '/', 1) AS device, TRY_CAST(split_part(tap, '/', 2) AS BIGINT) AS epoch,
        TRY_CAST(split_part(tap, '/', 3) AS BIGINT) AS sequence
    FROM (SELECT dispute_id, split_part(tap, '#', 1) AS tap FROM told) AS named
),
keys AS (SELECT DISTINCT device, epoch, sequence FROM legs)
SELECT
    l.dispute_id, e.device, e.epoch, e.sequence, e.hash, e.previous, e.entry, e.form, e.received, e.batch,
    c.verdict, c.why, c.signatures, c.core_fare_fen, t.parameters_version, t.parameters_digest,
    coalesce(c.copy, 0) AS copy
FROM legs AS l
JOIN entries AS e ON e.device = l.device AND e.epoch = l.epoch AND e.sequence = l.sequence
LEFT JOIN checks AS c
    ON c.device = e.device AND c.epoch = e.epoch AND c.sequence = e.sequence AND c.hash = e.hash AND c.copy = 0
LEFT JOIN (
    SELECT x.device, x.epoch, x.sequence, x.hash, max(x.parameters_version) AS parameters_version,
        max(x.parameters_digest) AS parameters_digest
    FROM taps AS x
    JOIN keys AS k ON k.device = x.device AND k.epoch = x.epoch AND k.sequence = x.sequence
    GROUP BY x.device, x.epoch, x.sequence, x.hash
) AS t ON t.device = e.device AND t.epoch = e.epoch AND t.sequence = e.sequence AND t.hash = e.hash
ORDER BY l.dispute_id, e.device, e.epoch, e.sequence, e.hash, e.received, e.batch
"""
_TOLD = pa.schema([("dispute_id", pa.string()), ("tap", pa.string())])
_FOUND = pa.schema(
    [
        ("dispute_id", pa.string()),
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


def write_evidence(workspace: Workspace, engine: Engine, day: int) -> list[Path]:
    """A JSON file for each dispute that was decided on this day, in answers/<day>/."""
    disputes = workspace.read(DISPUTES, day=day).to_pylist()
    if not disputes:
        return []
    told = [
        {"dispute_id": row["dispute_id"], "tap": tap}
        for row in disputes
        for tap in (row["ride_id"], row["entry_tap"], row["other"])
        if tap is not None
    ]
    days = arrived(workspace, engine, keys_of(row["tap"] for row in told), before=day + 1)
    engine.register("told", pa.Table.from_pylist(told, _TOLD))
    for table in (ENTRIES, CHECKS, TAPS):
        engine.scan(table.name, table, workspace.files_of(table, days))
    found = pa.Table.from_batches(engine.query(_SQL, _FOUND), _FOUND).to_pylist()
    signed = bodies(workspace, engine, {row["batch"] for row in found} - {None}, days)
    entries: dict[str, list[dict[str, Any]]] = {}
    seen: set[tuple[str, str]] = set()
    for row in found:
        key = (row["dispute_id"], row["hash"].hex())
        if key not in seen:
            seen.add(key)
            entries.setdefault(row["dispute_id"], []).append(_shown(row, signed))
    folder = workspace.path / "answers" / str(day)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for dispute in disputes:
        bundle = {"form": FORM, "dispute": dispute, "entries": entries.get(dispute["dispute_id"], [])}
        path = folder / evidence_name(dispute)
        path.write_text(json.dumps(bundle, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


def evidence_name(dispute: Mapping[str, Any]) -> str:
    """The name of the bundle for a row of DISPUTES."""
    name = "".join(c if c.isalnum() or c in "-_" else "_" for c in dispute["dispute_id"])
    return f"evidence-{dispute['raised_by']}-{name}.json"


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
