"""What batches are worth: what is to be written for them and what their devices are told. No I/O of its own.

Rules it keeps:

- Per (device, epoch) the sequences that are held run from 1 without gaps. Beyond a gap nothing is stored.
- An entry that is wrong (its hash, its link to the one before, its facts, its record's integrity) is kept as refused,
  with why: that answers it, so that one bad entry does not hold up those behind it.
- Entries of both forms are kept as they came; the columns beside `content` are what it says of itself. An entry that
  is no tap has reason 0.
- Nothing is overwritten: the same sequence with other content is refused and kept apart, as evidence. An entry whose
  row has been moved away, as old days may be, was held all the same.
- A device's key is the one that was enrolled or seen first; any other is refused.
- Of every batch that brought something the device's signature is kept, with what was signed: first and last entry where
  the bytes can be made again from what is held (`proofs`), else the bytes themselves.
- What a device says of its versions is kept as it was signed, once for as long as it says the same: from when to when.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from yima.sdk.centre.collector.arrivals import SAID_EVERY_S, Answer, Arrival, KeyRefusedError, Statement
from yima.validator import _core
from yima.validator.journal import FIRST_PREVIOUS, chain
from yima.validator.journal.kept import NOT_INTACT, fault_of
from yima.validator.journal.older import OlderEntry, older_hash
from yima.validator.judging.record import record_is_intact
from yima.validator.ports import Entry, JournalKey
from yima.validator.uplink.batches import INT64, Acknowledgement, encode_batch

JOURNAL = "device, epoch, sequence"
SAID = "form, kind, at, time_trusted, tick_ms, reason, content, previous, hash"
ENTRY = f"{JOURNAL}, {SAID}, rejected, received"
CONFLICTING = f"{JOURNAL}, {SAID}, received"
PROOF = "device, epoch, first, last, form, key, signature, body, received"
"""The columns of rows, in their order."""
CONFLICT = "another record is already held under this sequence"
_TAP = 1

Row = tuple[Any, ...]


@dataclass(slots=True)
class Head:
    """How far a journal has come, and what its next entry has to follow."""

    acknowledged: int = 0
    hash: bytes = FIRST_PREVIOUS
    rejected: int = 0
    conflicts: int = 0
    last_at: int = 0

    def follow(self, entry: Entry | OlderEntry, *, at: int, is_rejected: bool) -> None:
        """The next entry."""
        self.acknowledged, self.hash = entry.key.sequence, entry.hash
        self.rejected += is_rejected
        self.last_at = max(self.last_at, at)


class Held(Protocol):
    """What a store holds of the journals that are asked for, while nobody else changes them."""

    def key(self, device: str) -> str | None:
        """Of a device that has sent something."""

    def head(self, device: str, epoch: int) -> Head | None:
        """Of a journal of which something is held."""

    def row(self, device: str, epoch: int, sequence: int) -> Sequence[Any] | None:
        """`rejected` and the columns SAID of an entry."""

    def keep_conflict(self, row: Row) -> bool:
        """Keeps a row of CONFLICTING; whether it was not kept already."""


@dataclass(slots=True)
class Weighed:
    """What is to be written. answers: in the order of the arrivals. keys: key and since by device. heads: those that
    changed. rows: of ENTRY. proofs: of PROOF. statements: in order, those that say nothing new included."""

    answers: list[Answer | KeyRefusedError] = field(default_factory=list)
    keys: dict[str, tuple[str, int]] = field(default_factory=dict)
    heads: dict[tuple[str, int], Head] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    proofs: list[Row] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)


def weigh(arrivals: Sequence[Arrival], enrolled: Mapping[str, str] | None, held: Held) -> Weighed:
    """Several batches, of any devices, one after the other."""
    return _Weighing(enrolled, held).all_of(arrivals)


class _Weighing:
    def __init__(self, enrolled: Mapping[str, str] | None, held: Held) -> None:
        self._enrolled = enrolled
        self._held = held
        self._out = Weighed()
        self._heads: dict[tuple[str, int], Head] = {}
        self._new: dict[tuple[str, int, int], Row] = {}

    def all_of(self, arrivals: Sequence[Arrival]) -> Weighed:
        for arrival in arrivals:
            try:
                new = self._check_key(arrival)
            except KeyRefusedError as error:
                self._out.answers.append(error)
                continue
            self._out.answers.append((self._one(arrival), new))
            if arrival.stated:
                said, at = arrival.stated, arrival.received
                self._out.statements.append(
                    Statement(arrival.batch.device, said.body, arrival.key, said.signature, at, at)
                )
        return self._out

    def _check_key(self, arrival: Arrival) -> bool:
        """Whether the device is new here."""
        device, key = arrival.batch.device, arrival.key
        if self._enrolled is not None and self._enrolled.get(device) != key:
            raise KeyRefusedError(f"device {device} is not enrolled with this key")
        known = self._out.keys[device][0] if device in self._out.keys else self._held.key(device)
        if known == key:
            return False
        if known is not None and self._enrolled is None:
            raise KeyRefusedError(f"device {device} was first seen with another key")
        self._out.keys[device] = (key, arrival.received)
        return known is None

    def _one(self, arrival: Arrival) -> Acknowledgement:
        batch, received = arrival.batch, arrival.received
        place = batch.device, batch.epoch
        head = self._heads.get(place)
        if head is None:
            head = self._heads[place] = self._held.head(*place) or Head()
        had, as_sent = head.acknowledged, True
        rejected: dict[int, str] = {}
        for entry in batch.entries:
            sequence = entry.key.sequence
            if sequence > head.acknowledged + 1:
                as_sent = False
                break
            said, why = _look(entry)
            if sequence <= head.acknowledged:
                why = self._compare(entry, said, head, received)
                as_sent = as_sent and why != CONFLICT
            else:
                why = _fault_of_chain(entry, head.hash) or why
                row = (*entry.key, *said, why, received)
                self._out.rows.append(row)
                self._new[entry.key] = row
                head.follow(entry, at=said[2], is_rejected=why is not None)
            if why is not None:
                rejected[sequence] = why
        if head.acknowledged > had or CONFLICT in rejected.values():
            self._out.heads[place] = head
            if arrival.signed:
                self._out.proofs.append(_proof(arrival, as_sent=as_sent))
        return Acknowledgement(head.acknowledged, rejected)

    def _compare(self, entry: Entry | OlderEntry, said: Row, head: Head, received: int) -> str | None:
        """A sequence that is held already: its recorded answer if it is the same, else a conflict."""
        new = self._new.get(entry.key)
        row = self._held.row(*entry.key) if new is None else (new[-2], *new[3:-2])
        if row is None or tuple(row[1:]) == said:
            return None if row is None else row[0]
        head.conflicts += self._held.keep_conflict((*entry.key, *said, received))
        return CONFLICT


class Known:
    """The statements that are known to be kept: most batches say nothing new."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[bytes, int]] = {}

    def news(self, statements: Sequence[Statement]) -> list[Statement]:
        """Those of them that are to be written."""
        found, said = list[Statement](), dict[str, tuple[bytes, int]]()
        for one in statements:
            known, at = said.get(one.device) or self._said.get(one.device, (b"", 0))
            if known != one.said or one.last - at >= SAID_EVERY_S:
                found.append(one)
                said[one.device] = (one.said, one.last)
        return found

    def kept(self, news: Sequence[Statement]) -> None:
        """They are durable."""
        self._said |= {one.device: (one.said, one.last) for one in news}


def entry_of(key: JournalKey, row: Sequence[Any]) -> Entry | OlderEntry:
    """An entry by its columns SAID."""
    form, _, at, time_trusted, tick_ms, reason, content, previous, digest = row
    if form == 2:
        return Entry(key=key, content=content, previous=previous, hash=digest)
    return OlderEntry(
        key=key, at=at, time_trusted=bool(time_trusted), tick_ms=tick_ms, reason=reason, content=content,
        previous=previous, hash=digest,
    )  # fmt: skip


def _look(entry: Entry | OlderEntry) -> tuple[Row, str | None]:
    """The columns SAID, and why the entry is nothing that a device keeps; zeros of what is no entry."""
    rest = (entry.content, entry.previous, entry.hash)
    if isinstance(entry, OlderEntry):
        said = (1, 1, entry.at, int(entry.time_trusted), entry.tick_ms, entry.reason)
        return (*said, *rest), fault_of(entry)
    try:
        facts = _core.facts_read(entry.content)
    except ValueError as error:
        return (2, 0, 0, 0, 0, 0, *rest), f"its facts cannot be read: {error}"
    kind = facts["kind"]
    reason = facts["reason"] if kind == _TAP else 0
    said = (2, kind, facts["at"], int(facts["trust"] == 1), min(facts["tick_ms"], INT64), reason)
    is_ride = kind == _TAP and reason == 0
    return (*said, *rest), NOT_INTACT if is_ride and not record_is_intact(entry.content[facts["size"] :]) else None


def _fault_of_chain(entry: Entry | OlderEntry, previous: bytes) -> str | None:
    """Why an entry that is next in line does not hold to the one before; None if it does."""
    if _hash_of(entry) != entry.hash:
        return "its hash does not match its content"
    if entry.previous != previous:
        return "it does not follow the record held before it"
    return None


def _hash_of(entry: Entry | OlderEntry) -> bytes:
    if isinstance(entry, OlderEntry):
        return older_hash(entry)
    return chain(entry.previous, entry.key.device, entry.key.epoch, entry.key.sequence, entry.content)


def _proof(arrival: Arrival, *, as_sent: bool) -> Row:
    batch, key, received, signed, _ = arrival
    assert signed is not None
    again = as_sent and encode_batch(batch.device, batch.epoch, batch.entries) == signed.body
    form = 1 if isinstance(batch.entries[0], OlderEntry) else 2
    first, last = batch.entries[0].key.sequence, batch.entries[-1].key.sequence
    body = None if again else signed.body
    return (batch.device, batch.epoch, first, last, form, key, signed.signature, body, received)
