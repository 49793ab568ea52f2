"""What devices signed, byte for byte, for whoever is to check it without the centre."""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from yima.sdk.centre.clearing import parquet
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.tables import BATCHES
from yima.sdk.centre.clearing.taps.batches import body_of, spanned
from yima.sdk.centre.clearing.workspace import Workspace


class SignedBody(NamedTuple):
    """A batch as it was sent, the signature over it (128 hex digits), and the key that is said to have made it."""

    body: bytes
    signature: str
    key: str


def bodies(workspace: Workspace, engine: Engine, names: Collection[str], days: Iterable[int]) -> dict[str, SignedBody]:
    """Batches by name; their entries came in on one of these days. Raises EngineError."""
    days = list(days)
    found = _named(workspace, names, days)
    if len(found) < len(set(names)):  # a day was closed between a batch and its entries
        found |= _named(workspace, names, workspace.days(BATCHES))
    lots = spanned(workspace, engine, max(days, default=0), [row for row in found.values() if row["body"] is None])
    signed = {}
    for name, row in found.items():
        body = row["body"]
        if body is None:
            entries = lots[name].rows
            body = body_of(row["device"], row["epoch"], (entries[sequence] for sequence in sorted(entries)))
        signed[name] = SignedBody(body, row["signature"].hex(), row["key"])
    return signed


def _named(workspace: Workspace, names: Collection[str], days: Iterable[int]) -> dict[str, dict[str, Any]]:
    wanted = list(names)
    rows: list[dict[str, Any]] = []
    for batch in parquet.read(workspace.files_of(BATCHES, days)) if wanted else ():
        rows += batch.filter(pc.is_in(batch["batch"], pa.array(wanted, pa.string()))).to_pylist()
    return {row["batch"]: row for row in rows}
