"""What a dispute is answered with: the entries of the ride byte for byte, and what the centre found in them.

Anyone who has it can check it without the centre: the entry's hash is the chain's over its bytes and the hash before,
the facts are in its bytes, the code with its three signatures is in its body, and the parameters are named by digest.
"""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from yima.sdk.centre.clearing import columns
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.money.tables import DISPUTES
from yima.sdk.centre.clearing.tables import BATCHES, CHECKS, ENTRIES, JUDGED, RIDES, TAPS
from yima.sdk.centre.clearing.workspace import Workspace
from yima.validator.journal.facts import FactsError, TapFacts, parse

SIGNERS = {"ca": 1, "issuer": 2, "rider": 4}
_FORM = 1

# Views: told (dispute_id, ride_id), rides, entries, checks, taps, judged, batches.
_SQL = """
WITH
named AS (
    SELECT t.dispute_id, t.ride_id AS tap FROM told AS t
    UNION SELECT t.dispute_id, r.entry_tap AS tap FROM told AS t JOIN rides AS r ON r.ride_id = t.ride_id
        WHERE r.entry_tap IS NOT NULL
    UNION SELECT t.dispute_id, t.other AS tap FROM told AS t WHERE t.other IS NOT NULL
),
legs AS (
    SELECT dispute_id, split_part(tap, '/', 1) AS device, TRY_CAST(split_part(tap, '/', 2) AS BIGINT) AS epoch,
        TRY_CAST(split_part(tap, '/', 3) AS BIGINT) AS sequence
    FROM named
),
keys AS (SELECT DISTINCT device, epoch, sequence FROM legs)
SELECT
    l.dispute_id, e.device, e.epoch, e.sequence, e.hash, e.previous, e.entry, e.form, e.received, e.batch,
    b.key AS batch_key, b.signature AS batch_signature, c.verdict, c.why, c.signatures, c.core_fare_fen,
    t.parameters_version, t.parameters_digest, coalesce(c.copy, 0) AS copy
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
LEFT JOIN batches AS b ON b.batch = e.batch
ORDER BY l.dispute_id, e.device, e.epoch, e.sequence, e.hash, e.received
"""
_TOLD = pa.schema([("dispute_id", pa.string()), ("ride_id", pa.string()), ("other", pa.string())])
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
        ("batch_key", pa.string()),
        ("batch_signature", pa.binary()),
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
    told = pa.Table.from_pylist([{name: row[name] for name in _TOLD.names} for row in disputes], _TOLD)
    engine.register("told", told)
    for table in (RIDES, ENTRIES, CHECKS, TAPS, JUDGED, BATCHES):
        engine.scan(table.name, table, workspace.files(table, before=day + 1))
    entries: dict[str, list[dict[str, Any]]] = {}
    seen: set[tuple[str, str]] = set()
    for batch in engine.query(_SQL, _FOUND):
        for row in batch.to_pylist():
            key = (row["dispute_id"], row["hash"].hex())
            if key not in seen:
                seen.add(key)
                entries.setdefault(row["dispute_id"], []).append(_shown(row))
    folder = workspace.path / "answers" / str(day)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for dispute in disputes:
        name = "".join(c if c.isalnum() or c in "-_" else "_" for c in dispute["dispute_id"])
        bundle = {"form": _FORM, "dispute": dispute, "entries": entries.get(dispute["dispute_id"], [])}
        path = folder / f"evidence-{dispute['raised_by']}-{name}.json"
        path.write_text(json.dumps(bundle, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


def check_evidence(bundle: dict[str, Any]) -> list[str]:
    """What does not hold in a bundle, in words; nothing: its entries are what their hashes and facts say."""
    wrong = []
    for place, shown in enumerate(bundle["entries"]):
        try:
            entry, previous = bytes.fromhex(shown["entry"]), bytes.fromhex(shown["previous"])
        except ValueError:
            wrong.append(f"entry {place}: no bytes")
            continue
        if shown["form"] != 2:
            continue  # an older record: its hash covers a row, not these bytes alone
        row = {"device": shown["device"], "epoch": shown["epoch"], "sequence": shown["sequence"]}
        one = pa.RecordBatch.from_pylist(
            [{**row, "entry": entry, "previous": previous}],
            pa.schema([(name, ENTRIES.schema.field(name).type) for name in (*row, "entry", "previous")]),
        )
        if columns.hashes(one)[0].as_py().hex() != shown["hash"]:
            wrong.append(f"entry {place}: the hash is of other bytes")
        try:
            facts, _ = parse(entry)
        except FactsError as error:
            wrong.append(f"entry {place}: {error}")
            continue
        named = shown["parameters"]
        if not isinstance(facts, TapFacts):
            wrong.append(f"entry {place}: no tap")
        elif named["digest"] not in (None, facts.parameters_digest.hex()):
            wrong.append(f"entry {place}: names other parameters")
    return wrong


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    held = row["signatures"] or 0
    return {
        **{name: row[name] for name in ("device", "epoch", "sequence", "form", "received", "verdict", "why")},
        **{name: row[name].hex() for name in ("entry", "previous", "hash")},
        "signatures": {name: bool(held & bit) for name, bit in SIGNERS.items()},
        "core_fare_fen": row["core_fare_fen"],
        "parameters": {"version": row["parameters_version"], "digest": row["parameters_digest"]},
        "batch": None
        if row["batch"] is None
        else {
            "name": row["batch"],
            "key": row["batch_key"],
            "signature": row["batch_signature"].hex() if row["batch_signature"] else None,
        },
    }
