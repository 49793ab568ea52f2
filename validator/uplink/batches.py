"""The wire form of a batch and of its answer: bytes in, values out, no I/O.

A batch is JSON, signed as it stands (`state.keys`):

    {"form": 2, "device": "…", "epoch": 117…, "entries": [{"sequence": 1, "entry": "<base64>",
      "previous": "<64 hex>", "hash": "<64 hex>"}, …]}

An entry is facts and body, as the journal keeps them (`journal.facts`); its hash is the journal's (`journal.form`).
entries ascend; none at all asks "how far are you?". Without "form" it is a batch of the older form, whose entries are

    {"sequence": 1, "at": …, "time_trusted": true, "tick_ms": …, "reason": 0, "record": "<base64>", "previous": …,
      "hash": …}

Such come from journals that were begun before entries had facts. The answer to either is

    {"acknowledged": 12, "rejected": {"5": "why"}}

acknowledged: the highest sequence such that the collector holds, durably, it and all before it (a refused one that it
keeps as refused counts as held). Both ends treat the other's bytes as hostile: sizes are capped, every field's type and
range is checked, and anything wrong is a BatchError. A reason is made fit to be shown as it comes in.
"""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from yima.validator.guarding.guards import WHY_MAX
from yima.validator.journal.older import OlderEntry
from yima.validator.ports import DEVICE, Entry, JournalKey
from yima.validator.shown import shown

BODY_MAX = 2 << 20
ANSWER_MAX = 1 << 20
ENTRIES_MAX = 1000
CONTENT_MAX = 8192  # a payload has at most 4096 bytes, the rest of an entry a few hundred
FORM = 2
KEY_HEADER = "X-Yima-Key"
SIGNATURE_HEADER = "X-Yima-Signature"
HASH = re.compile(r"[0-9a-f]{64}")
INT64 = (1 << 63) - 1


class BatchError(ValueError):
    """Bytes that are no batch, or no answer; the message says why, in English, for the other end's log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a device sends at once."""

    device: str
    epoch: int
    entries: tuple[Entry | OlderEntry, ...]


class Acknowledgement(NamedTuple):
    """What a collector says it has."""

    acknowledged: int
    rejected: dict[int, str]


def encode_batch(device: str, epoch: int, entries: Sequence[Entry | OlderEntry]) -> bytes:
    """The body for these entries, which are all of one form."""
    rows = [
        {
            "sequence": entry.key.sequence,
            **(_older_fields(entry) if isinstance(entry, OlderEntry) else {"entry": _text(entry.content)}),
            "previous": entry.previous.hex(),
            "hash": entry.hash.hex(),
        }
        for entry in entries
    ]
    is_older = any(isinstance(entry, OlderEntry) for entry in entries)
    head: dict[str, Any] = {} if is_older else {"form": FORM}
    return _ENCODER.encode({**head, "device": device, "epoch": epoch, "entries": rows}).encode()


def _older_fields(entry: OlderEntry) -> dict[str, Any]:
    return {
        "at": entry.at,
        "time_trusted": entry.time_trusted,
        "tick_ms": entry.tick_ms,
        "reason": entry.reason,
        "record": _text(entry.content),
    }


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def fitting(entries: Sequence[Entry | OlderEntry]) -> Sequence[Entry | OlderEntry]:
    """As many of the first entries as one body holds; at least one."""
    size = 256
    for count, entry in enumerate(entries):
        size += 400 + len(entry.content) * 4 // 3
        if count and (size > BODY_MAX or count >= ENTRIES_MAX):
            return entries[:count]
    return entries


def parse_batch(body: bytes) -> Batch:
    """The batch in a body. Raises BatchError on anything else."""
    if len(body) > BODY_MAX:
        raise BatchError(f"a body has at most {BODY_MAX} bytes")
    outer = _object(_json(body), "the batch")
    device = outer.get("device")
    if not isinstance(device, str) or not DEVICE.fullmatch(device):
        raise BatchError("device: 1 to 64 letters, digits, dots, dashes, underscores")
    epoch = _integer(outer, "epoch", 0, INT64)
    form = _integer({"form": 1} | outer, "form", 1, FORM)
    rows = outer.get("entries")
    if not isinstance(rows, list) or len(rows) > ENTRIES_MAX:
        raise BatchError(f"entries: a list of at most {ENTRIES_MAX}")
    read = _entry if form == FORM else _older_entry
    entries = tuple(read(device, epoch, _object(row, "an entry")) for row in rows)
    sequences = [entry.key.sequence for entry in entries]
    if any(later <= earlier for earlier, later in pairwise(sequences)):
        raise BatchError("entries must ascend by sequence")
    return Batch(device=device, epoch=epoch, entries=entries)


def encode_answer(answer: Acknowledgement) -> bytes:
    """The body of an answer."""
    rejected = {str(sequence): why for sequence, why in sorted(answer.rejected.items())}
    return _ENCODER.encode({"acknowledged": answer.acknowledged, "rejected": rejected}).encode()


def parse_answer(body: bytes, sent: Sequence[Entry | OlderEntry]) -> Acknowledgement:
    """The answer to the entries sent. Raises BatchError, also when it rejects what was not sent or not answered."""
    if len(body) > ANSWER_MAX:
        raise BatchError(f"an answer has at most {ANSWER_MAX} bytes")
    outer = _object(_json(body), "the answer")
    acknowledged = _integer(outer, "acknowledged", 0, INT64)
    rejected: dict[int, str] = {}
    asked = {entry.key.sequence for entry in sent}
    for name, why in _object(outer.get("rejected", {}), "rejected").items():
        if not name.isascii() or not name.isdecimal() or len(name) > 19 or int(name) not in asked:
            raise BatchError(f"rejected: {name[:40]!r} was not sent")
        if int(name) > acknowledged:
            raise BatchError(f"rejected: {name} lies beyond what is acknowledged")
        if not isinstance(why, str):
            raise BatchError(f"rejected: no reason for {name}")
        rejected[int(name)] = shown(why, WHY_MAX)
    return Acknowledgement(acknowledged, rejected)


def _json(body: bytes) -> Any:
    try:
        return _DECODER.decode(body.decode())
    except (ValueError, RecursionError) as error:
        raise BatchError(f"not JSON in UTF-8: {str(error)[:80]}") from error


def _no_constant(name: str) -> None:
    raise BatchError(f"{name} is no JSON number")


# Made once: a batch of one entry is so small that making them anew is a twentieth of its time.
_ENCODER, _DECODER = json.JSONEncoder(separators=(",", ":")), json.JSONDecoder(parse_constant=_no_constant)


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BatchError(f"{name} must be an object")
    return value


def _integer(row: dict[str, Any], name: str, low: int, high: int) -> int:
    value = row.get(name)
    if type(value) is not int or not low <= value <= high:
        raise BatchError(f"{name}: an integer from {low} to {high}")
    return value


def _hash(row: dict[str, Any], name: str) -> bytes:
    value = row.get(name)
    if not isinstance(value, str) or not HASH.fullmatch(value):
        raise BatchError(f"{name}: 64 hexadecimal digits in lower case")
    return bytes.fromhex(value)


def _content(row: dict[str, Any], name: str) -> bytes:
    text = row.get(name)
    if not isinstance(text, str) or len(text) > (CONTENT_MAX + 2) // 3 * 4:
        raise BatchError(f"{name}: base64 of at most {CONTENT_MAX} bytes")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise BatchError(f"{name}: not base64") from error


def _entry(device: str, epoch: int, row: dict[str, Any]) -> Entry:
    return Entry(
        key=JournalKey(device, epoch, _integer(row, "sequence", 1, INT64)),
        content=_content(row, "entry"),
        previous=_hash(row, "previous"),
        hash=_hash(row, "hash"),
    )


def _older_entry(device: str, epoch: int, row: dict[str, Any]) -> OlderEntry:
    time_trusted = row.get("time_trusted")
    if not isinstance(time_trusted, bool):
        raise BatchError("time_trusted: true or false")
    return OlderEntry(
        key=JournalKey(device, epoch, _integer(row, "sequence", 1, INT64)),
        at=_integer(row, "at", -INT64, INT64),
        time_trusted=time_trusted,
        tick_ms=_integer(row, "tick_ms", 0, INT64),
        reason=_integer(row, "reason", 0, 0xFFFF),
        content=_content(row, "record"),
        previous=_hash(row, "previous"),
        hash=_hash(row, "hash"),
    )
