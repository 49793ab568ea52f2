"""What devices signed, byte for byte, for whoever is to check it without the centre."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from yima.sdk.centre.clearing import parquet
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.tables import BATCHES
from yima.sdk.centre.clearing.taps.batches import Keys, body_of, spanned
from yima.sdk.centre.clearing.workspace import Workspace
from yima.validator.ports import JournalKey
from yima.validator.state.keys import is_signed
from yima.validator.uplink.batches import BatchError, parse_batch


class SignedBody(NamedTuple):
    """A batch as it was sent, the signature over it (128 hex digits), and the key that is said to have made it."""

    body: bytes
    signature: str
    key: str

    def covers(self, entry: Mapping[str, Any], keys: Keys | None) -> bool:
        """Whether a device's signature is over this row of entries. keys: as for the checks of a day."""
        if keys is not None and self.key not in keys.get(entry["device"], frozenset()):
            return False
        if not is_signed(self.key, self.signature, self.body):
            return False
        try:
            sent = {one.key: one for one in parse_batch(self.body).entries}
        except BatchError:
            return False
        one = sent.get(JournalKey(entry["device"], entry["epoch"], entry["sequence"]))
        held = tuple(entry[name] for name in ("entry", "previous", "hash"))
        return one is not None and (one.content, one.previous, one.hash) == held


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
