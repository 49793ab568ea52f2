"""The devices' own signatures, checked again: Ed25519 over the body of each batch as it was sent.

A collector checks them when a batch comes in. Where it keeps them (`batches`), the centre need not believe it.

Rules it keeps:
- The body is written again from the entries that came under it, which is the same bytes, or is the one that was kept;
  then each of those entries must be in it.
- Whose key may sign is said by the centre's own list of devices, if it has one; then an entry that nobody signed does
  not count either. Without a list any key may, and where no signature is kept the chain is what is left.
- An entry lies under the batch that brought it. What else the batch spanned came before, and may lie on earlier days.
"""

import json
from binascii import b2a_base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from yima.sdk.centre.clearing import parquet
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.tables import BATCHES, ENTRIES
from yima.sdk.centre.clearing.taps.arrivals import arrived
from yima.sdk.centre.clearing.workspace import Workspace
from yima.validator.ports import JournalKey
from yima.validator.state.keys import is_signed
from yima.validator.uplink.batches import BatchError, parse_batch

Keys = Mapping[str, frozenset[str]]
"""The keys (64 hex digits) that a device has had, by device."""

UNSIGNED = pa.schema([pa.field("batch", pa.string(), nullable=False)])
_SPANS = pa.schema(
    [("batch", pa.string()), ("source", pa.string()), ("device", pa.string())]
    + [(name, pa.int64()) for name in ("epoch", "first", "last")]
)
Batch = Mapping[str, Any]


class Row(NamedTuple):
    """What a batch's body tells of an entry; the last four only in the older form."""

    sequence: int
    form: int
    entry: bytes
    previous: bytes
    hash: bytes
    moment: int | None = None
    time_trusted: bool | None = None
    tick_ms: int | None = None
    reason: int | None = None


@dataclass(slots=True)
class Lot:
    """The entries that a batch brought, by sequence, and the journals that they are of: one, if it is whole."""

    rows: dict[int, Row] = field(default_factory=dict)
    journals: set[tuple[str, int]] = field(default_factory=set)


_READ = ["device", "epoch", *Row._fields]
_SPANNED = pa.schema(
    [pa.field(name, pa.string()) for name in ("batch", "source", "brought_by")]
    + [ENTRIES.schema.field(name).with_nullable(True) for name in _READ]
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


def body_of(device: str, epoch: int, entries: Iterable[Row]) -> bytes:
    """The body of a batch as devices send it; its entries are of one form."""
    form, rows = 2, []
    for row in entries:
        form = row.form
        content = b2a_base64(row.entry, newline=False).decode()
        said = f'"entry":"{content}"'
        if form == 1:
            trusted = "true" if row.time_trusted else "false"
            said = f'"at":{row.moment},"time_trusted":{trusted},"tick_ms":{row.tick_ms},"reason":{row.reason},'
            said += f'"record":"{content}"'
        link = f'"previous":"{row.previous.hex()}","hash":"{row.hash.hex()}"'
        rows.append(f'{{"sequence":{row.sequence},{said},{link}}}')
    head = '"form":2,' if form == 2 else ""
    return f'{{{head}"device":{json.dumps(device)},"epoch":{epoch},"entries":[{",".join(rows)}]}}'.encode()


def unsigned(workspace: Workspace, engine: Engine, day: int, keys: Keys | None = None) -> pa.Table:
    """The batches, of those under which entries of a day came, whose signature does not hold. Raises EngineError."""
    batches = {row["batch"]: row for row in workspace.read(BATCHES, day=day).to_pylist()}
    bad: set[str] = set()
    spans: list[Batch] = []
    for name, lot in _together(workspace, day):
        batch = batches.get(name) or _earlier(workspace, day, batches, name)
        if batch is None:
            bad.add(name)
        elif batch["body"] is None and len(lot.rows) <= batch["last_sequence"] - batch["first_sequence"]:
            spans.append(batch)
        elif not _holds(batch, lot, keys):
            bad.add(name)
    if spans:
        found = spanned(workspace, engine, day, spans)
        bad |= {name for name, lot in found.items() if not _holds(batches[name], lot, keys)}
    return pa.table({"batch": pa.array(sorted(bad), pa.string())}, schema=UNSIGNED)


def spanned(workspace: Workspace, engine: Engine, day: int, batches: Iterable[Batch]) -> dict[str, Lot]:
    """By name of a batch, all entries up to a day that the same source brought of what the batch spans: what of it was
    new may be the least."""
    spans = [_span(batch) for batch in batches]
    firsts = [{"device": span["device"], "epoch": span["epoch"], "sequence": span["first"]} for span in spans]
    since = min(arrived(workspace, engine, firsts, before=day), default=day)
    engine.register("spans", pa.Table.from_pylist(spans, _SPANS))
    engine.scan("held", ENTRIES, workspace.files(ENTRIES, since=since, before=day + 1))
    found = {str(span["batch"]): Lot() for span in spans}
    for rows in engine.query(_SPANNED_SQL, _SPANNED):
        columns = [rows[name].to_pylist() for name in ("batch", "source", "brought_by", "device", "epoch")]
        for row, (name, source, brought_by, *journal) in zip(_rows(rows), zip(*columns, strict=True), strict=True):
            if str(brought_by).rpartition("/")[0] == source:
                found[name].rows.setdefault(row.sequence, row)
                found[name].journals.add((journal[0], journal[1]))
    return found


def _together(workspace: Workspace, day: int) -> Iterator[tuple[str, Lot]]:
    """The entries of a day by the batch that brought them, as soon as all of them are there."""
    for path in workspace.files(ENTRIES, day=day):  # a batch comes out of one source, nearly always in one file
        waiting: dict[str, Lot] = {}
        for rows in parquet.read([path], [*_READ, "batch"]):
            signed = rows.filter(pc.is_valid(rows["batch"]))
            if not signed.num_rows:
                continue
            entries, journals = _rows(signed), zip(*(signed[name].to_pylist() for name in _READ[:2]), strict=True)
            of = list(journals)
            runs = pc.run_end_encode(signed["batch"])
            seen = set(runs.values.to_pylist())
            start = 0
            for end, name in zip(runs.run_ends.to_pylist(), runs.values.to_pylist(), strict=True):
                lot = waiting.setdefault(name, Lot())
                for row in entries[start:end]:
                    lot.rows.setdefault(row.sequence, row)
                lot.journals.update(of[start:end])
                start = end
            for name in [name for name in waiting if name not in seen]:
                yield name, waiting.pop(name)
        yield from waiting.items()


def _rows(rows: pa.RecordBatch) -> list[Row]:
    return list(map(Row._make, zip(*(rows[name].to_pylist() for name in Row._fields), strict=True)))


def _earlier(workspace: Workspace, day: int, batches: dict[str, Batch], name: str) -> Batch | None:
    """A batch that was read on an earlier day than its entries: the day was closed between the two."""
    for row in workspace.read(BATCHES, before=day).to_pylist():
        batches.setdefault(row["batch"], row)
    return batches.get(name)


def _span(batch: Batch) -> dict[str, Any]:
    of = {"first": batch["first_sequence"], "last": batch["last_sequence"]}
    source = batch["batch"].rpartition("/")[0]
    return {"batch": batch["batch"], "source": source, "device": batch["device"], "epoch": batch["epoch"], **of}


def _holds(batch: Batch, lot: Lot, keys: Keys | None) -> bool:
    """Whether the signature is over these entries, by a key that is the device's."""
    if keys is not None and batch["key"] not in keys.get(batch["device"], frozenset()):
        return False
    device, epoch, body = batch["device"], batch["epoch"], batch["body"]
    if not lot.journals <= {(device, epoch)}:
        return False
    if body is None:
        body = body_of(device, epoch, (lot.rows[sequence] for sequence in sorted(lot.rows)))
    elif not _has(body, batch, lot):
        return False
    return is_signed(batch["key"], batch["signature"].hex(), body)


def _has(body: bytes, batch: Batch, lot: Lot) -> bool:
    """Whether each of these entries is in a body that was kept."""
    try:
        sent = {entry.key: entry for entry in parse_batch(body).entries}
    except BatchError:
        return False
    for row in lot.rows.values():
        entry = sent.get(JournalKey(batch["device"], batch["epoch"], row.sequence))
        if entry is None or (entry.content, entry.previous, entry.hash) != (row.entry, row.previous, row.hash):
            return False
    return True
