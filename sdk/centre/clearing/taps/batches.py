"""The devices' own signatures, checked again: Ed25519 over the body of each batch as it was sent.

A collector checks them when a batch comes in. Where it keeps them (`batches`), the centre need not believe it.

Rules it keeps:
- The body is written again from the entries that came under it, which is the same bytes, or is the one that was kept;
  then each of those entries must be in it.
- Whose key may sign is said by the centre's own list of devices, if it has one; then an entry that nobody signed does
  not count either. Without a list any key may, and where no signature is kept the chain is what is left.
- An entry lies under the batch that brought it. What else the batch spanned came before, and may lie on earlier days.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from yima.sdk.centre.clearing import parquet
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.tables import BATCHES, ENTRIES
from yima.sdk.centre.clearing.workspace import Workspace
from yima.validator.ports import JournalKey
from yima.validator.state.keys import is_signed
from yima.validator.uplink.batches import BatchError, parse_batch

Keys = Mapping[str, frozenset[str]]
"""The keys (64 hex digits) that a device has had, by device."""

UNSIGNED = pa.schema([pa.field("batch", pa.string(), nullable=False)])
_READ = [
    "device", "epoch", "sequence", "form", "entry", "previous", "hash", "moment", "time_trusted", "tick_ms", "reason",
    "batch", "conflict",
]  # fmt: skip
_SPANS = pa.schema(
    [("batch", pa.string()), ("source", pa.string()), ("device", pa.string())]
    + [(name, pa.int64()) for name in ("epoch", "first", "last")]
)
_SPANNED = pa.schema(
    [pa.field(name, pa.string()) for name in ("batch", "source", "brought_by")]
    + [ENTRIES.schema.field(name).with_nullable(True) for name in _READ if name not in {"batch", "conflict"}]
)
# Views: spans (batches of which the day has not all entries), held: entries up to the day.
_SPANNED_SQL = """
SELECT s.batch, s.source, e.batch AS brought_by, e.device, e.epoch, e.sequence, e.form, e.entry, e.previous, e.hash,
    e.moment, e.time_trusted, e.tick_ms, e.reason
FROM spans AS s
JOIN held AS e ON e.device = s.device AND e.epoch = s.epoch AND e.sequence >= s.first AND e.sequence <= s.last
WHERE NOT e.conflict
ORDER BY s.batch, e.sequence, e.day, e.received, e.hash
"""
Row = Mapping[str, Any]


def body_of(device: str, epoch: int, entries: Iterable[Row]) -> bytes:
    """The body of a batch as devices send it; its entries are of one form."""
    rows = []
    form = 2
    for row in entries:
        form = row["form"]
        content = base64.b64encode(row["entry"]).decode()
        said = {"entry": content} if form == 2 else {**{name: row[of] for name, of in _OLDER}, "record": content}
        link = {"previous": row["previous"].hex(), "hash": row["hash"].hex()}
        rows.append({"sequence": row["sequence"], **said, **link})
    head = {"form": form} if form == 2 else {}
    return json.dumps({**head, "device": device, "epoch": epoch, "entries": rows}, separators=(",", ":")).encode()


_OLDER = (("at", "moment"), ("time_trusted", "time_trusted"), ("tick_ms", "tick_ms"), ("reason", "reason"))


def unsigned(workspace: Workspace, engine: Engine, day: int, keys: Keys | None = None) -> pa.Table:
    """The batches, of those under which entries of a day came, whose signature does not hold. Raises EngineError."""
    batches = {row["batch"]: row for row in workspace.read(BATCHES, day=day).to_pylist()}
    bad: set[str] = set()
    spans: list[dict[str, Any]] = []
    for name, entries in _together(workspace, day):
        batch = batches.get(name) or _earlier(workspace, day, batches, name)
        if batch is None:
            bad.add(name)
        elif batch["body"] is None and len(entries) <= batch["last_sequence"] - batch["first_sequence"]:
            spans.append(_span(batch))
        elif not _holds(batch, entries, keys):
            bad.add(name)
    if spans:
        engine.register("spans", pa.Table.from_pylist(spans, _SPANS))
        engine.scan("held", ENTRIES, workspace.files(ENTRIES, before=day + 1))
        found: dict[str, dict[int, Row]] = {span["batch"]: {} for span in spans}
        for rows in engine.query(_SPANNED_SQL, _SPANNED):
            for row in rows.to_pylist():
                if str(row["brought_by"]).rpartition("/")[0] == row["source"]:
                    found[row["batch"]].setdefault(row["sequence"], row)
        bad |= {name for name, entries in found.items() if not _holds(batches[name], entries, keys)}
    return pa.table({"batch": pa.array(sorted(bad), pa.string())}, schema=UNSIGNED)


def _together(workspace: Workspace, day: int) -> Iterator[tuple[str, dict[int, Row]]]:
    """The entries of a day by the batch that brought them, as soon as all of them are there."""
    for path in workspace.files(ENTRIES, day=day):  # a batch comes out of one source, nearly always in one file
        waiting: dict[str, dict[int, Row]] = {}
        for rows in parquet.read([path], _READ):
            signed = rows.filter(pc.is_valid(rows["batch"]))
            seen = set()
            for row in signed.to_pylist():
                seen.add(row["batch"])
                waiting.setdefault(row["batch"], {}).setdefault(row["sequence"], row)
            for name in [name for name in waiting if name not in seen]:
                yield name, waiting.pop(name)
        yield from waiting.items()


def _earlier(workspace: Workspace, day: int, batches: dict[str, Row], name: str) -> Row | None:
    """A batch that was read on an earlier day than its entries: the day was closed between the two."""
    for row in workspace.read(BATCHES, before=day).to_pylist():
        batches.setdefault(row["batch"], row)
    return batches.get(name)


def _span(batch: Row) -> dict[str, Any]:
    of = {"first": batch["first_sequence"], "last": batch["last_sequence"]}
    source = batch["batch"].rpartition("/")[0]
    return {"batch": batch["batch"], "source": source, "device": batch["device"], "epoch": batch["epoch"], **of}


def _holds(batch: Row, entries: Mapping[int, Row], keys: Keys | None) -> bool:
    """Whether the signature is over these entries, by a key that is the device's."""
    if keys is not None and batch["key"] not in keys.get(batch["device"], frozenset()):
        return False
    device, epoch, body = batch["device"], batch["epoch"], batch["body"]
    if any((row["device"], row["epoch"]) != (device, epoch) for row in entries.values()):
        return False
    if body is None:
        body = body_of(device, epoch, (entries[sequence] for sequence in sorted(entries)))
    elif not _has(body, entries):
        return False
    return is_signed(batch["key"], batch["signature"].hex(), body)


def _has(body: bytes, entries: Mapping[int, Row]) -> bool:
    """Whether each of these entries is in a body that was kept."""
    try:
        sent = {entry.key: entry for entry in parse_batch(body).entries}
    except BatchError:
        return False
    for row in entries.values():
        entry = sent.get(JournalKey(row["device"], row["epoch"], row["sequence"]))
        if entry is None or (entry.content, entry.previous, entry.hash) != (row["entry"], row["previous"], row["hash"]):
            return False
    return True
