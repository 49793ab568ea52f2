"""The devices' own signatures, checked again: Ed25519 over the body of each batch as it was sent.

A collector checks them when a batch comes in. Where it keeps them (`batches`), the centre need not believe it: the body
is written again from the entries that it carried, which is the same bytes, and asked of the key. Where it does not, the
batch of an entry is NULL, and the chain is what is left.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from yima.sdk.centre.clearing import parquet
from yima.sdk.centre.clearing.tables import BATCHES, ENTRIES
from yima.sdk.centre.clearing.workspace import Workspace
from yima.validator.state.keys import is_signed

UNSIGNED = pa.schema([pa.field("batch", pa.string(), nullable=False)])
_READ = ["device", "epoch", "sequence", "entry", "previous", "hash", "batch"]


def body_of(device: str, epoch: int, entries: Iterable[Mapping[str, Any]]) -> bytes:
    """The body of a batch of form 2, as devices send it."""
    rows = [
        {
            "sequence": row["sequence"],
            "entry": base64.b64encode(row["entry"]).decode(),
            "previous": row["previous"].hex(),
            "hash": row["hash"].hex(),
        }
        for row in entries
    ]
    whole = {"form": 2, "device": device, "epoch": epoch, "entries": rows}
    return json.dumps(whole, separators=(",", ":")).encode()


def unsigned(workspace: Workspace, day: int) -> pa.Table:
    """The batches of a day whose signature does not hold over what the centre has of them."""
    batches = workspace.read(BATCHES, day=day).to_pylist()
    if not batches:
        return UNSIGNED.empty_table()
    carried: dict[str, dict[int, dict[str, Any]]] = {}
    for rows in parquet.read(workspace.files(ENTRIES, day=day), _READ):
        for row in rows.filter(pc.is_valid(rows["batch"])).to_pylist():
            carried.setdefault(row["batch"], {}).setdefault(row["sequence"], row)
    bad = [
        batch["batch"]
        for batch in batches
        if not is_signed(batch["key"], batch["signature"].hex(), _body(batch, carried.get(batch["batch"], {})))
    ]
    return pa.table({"batch": pa.array(sorted(bad), pa.string())}, schema=UNSIGNED)


def _body(batch: Mapping[str, Any], entries: Mapping[int, Mapping[str, Any]]) -> bytes:
    span = range(batch["first_sequence"], batch["last_sequence"] + 1)
    return body_of(batch["device"], batch["epoch"], (entries[sequence] for sequence in span if sequence in entries))
