"""What the collector keeps, in one SQLite file (`durable`: WAL, synchronous=FULL, one writer).

Rules it keeps:

- A batch is one transaction; the answer is given after it is durable.
- Per (device, epoch) the sequences it holds run from 1 without gaps. Beyond a gap nothing is stored.
- An entry that is wrong (its hash, its link to the one before, its facts, its record's integrity) is kept as refused,
  with why: that answers it, so that one bad entry does not hold up those behind it.
- Entries of both forms are kept as they came; the columns beside `content` are what it says of itself. An entry that
  is no tap has reason 0.
- How far each journal has come stands in a table of its own, changed in the same transaction: whoever asks for it
  counts nothing, and reads beside whoever writes.
- Nothing is overwritten: the same sequence with other content is refused and kept apart, as evidence.
- A device's key is the one that was enrolled or seen first; any other is refused.
- Of every batch that brought something the device's signature is kept, with what was signed: first and last entry where
  the bytes can be made again from what is held (`proofs`), else the bytes themselves.
- What a device says of its versions is kept as it was signed, once for as long as it says the same: from when to when.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from yima.sdk.centre.collector import statements
from yima.sdk.centre.collector.durable import DurableFile
from yima.sdk.centre.collector.schema import KIND
from yima.sdk.centre.collector.statements import SAID_EVERY_S, Statement
from yima.validator.journal import FIRST_PREVIOUS, chain
from yima.validator.journal.facts import FactsError, TapFacts, parse
from yima.validator.journal.kept import fault_of
from yima.validator.journal.older import OlderEntry, older_hash
from yima.validator.ports import Entry, JournalKey
from yima.validator.uplink.batches import INT64, Acknowledgement, Batch, encode_batch

_Values = tuple[int, int, int, bool, int, int, bytes, bytes, bytes]
COLUMNS = "form, kind, at, time_trusted, tick_ms, reason, content, previous, hash"
CONFLICT = "another record is already held under this sequence"


class KeyRefusedError(Exception):
    """A batch signed by a key that is not the device's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """How far one journal has come: acknowledged is the highest sequence held without a gap."""

    device: str
    epoch: int
    acknowledged: int
    rejected: int
    conflicts: int
    last_at: int


class Signed(NamedTuple):
    """A batch as it came: the body, and the signature over it (128 hex digits)."""

    body: bytes
    signature: str


class Arrival(NamedTuple):
    """A batch that came, signed by `key` (64 hex digits). received: unix seconds. signed: what the device signed, None
    where nobody needs to know later. stated: what it said of its versions, whose signature holds."""

    batch: Batch
    key: str
    received: int
    signed: Signed | None = None
    stated: Signed | None = None


class Proof(NamedTuple):
    """A signature that is kept. body: what was signed; None: the batch of the entries from first to last, in form."""

    first: int
    last: int
    form: int
    key: str
    signature: str
    body: bytes | None
    received: int


class Store:
    """The collector's store at `path`; made if it is not there. Raises StoreError. Threads may share it.

    read_only: looks at a file that a collector may be writing."""

    def __init__(self, path: Path, *, max_bytes: int | None = None, read_only: bool = False) -> None:
        self._file = DurableFile(path, KIND, max_bytes=max_bytes, read_only=read_only)
        self._stated: dict[str, tuple[bytes, int]] = {}  # what is known to be kept: most batches say nothing new

    def accept(
        self,
        batch: Batch,
        key: str,
        *,
        received: int,
        enrolled: Mapping[str, str] | None = None,
        signed: Signed | None = None,
    ) -> tuple[Acknowledgement, bool]:
        """Stores what it can of a batch signed by `key` (64 hex digits); (the answer, whether the device is new here).

        enrolled: the keys by device that are accepted; None: the first key a device shows is its key. received: unix
        seconds. signed: what the device signed, None where nobody needs to know later. Raises KeyRefusedError,
        StoreError; then nothing was stored.
        """
        (answer,) = self.accept_all([Arrival(batch, key, received, signed)], enrolled=enrolled)
        if isinstance(answer, KeyRefusedError):
            raise answer
        return answer

    def accept_all(
        self, arrivals: Sequence[Arrival], *, enrolled: Mapping[str, str] | None = None
    ) -> list[tuple[Acknowledgement, bool] | KeyRefusedError]:
        """Several batches, of any devices, in one transaction; what `accept` gives or raises for each. One sync of the
        disk is for all of them. Raises StoreError; then nothing was stored of any."""
        with self._file.transaction() as connection:
            answers = [self._accept(connection, arrival, enrolled) for arrival in arrivals]
        for arrival, answer in zip(arrivals, answers, strict=True):
            if arrival.stated and not isinstance(answer, KeyRefusedError) and self._is_news(arrival):
                self._stated[arrival.batch.device] = (arrival.stated.body, arrival.received)
        return answers

    def _is_news(self, arrival: Arrival) -> bool:
        said, at = self._stated.get(arrival.batch.device, (b"", 0))
        assert arrival.stated is not None
        return said != arrival.stated.body or arrival.received - at >= SAID_EVERY_S

    def _accept(
        self, connection: Any, arrival: Arrival, enrolled: Mapping[str, str] | None
    ) -> tuple[Acknowledgement, bool] | KeyRefusedError:
        batch, key, received, signed, stated = arrival
        try:
            new = self._check_key(connection, batch.device, key, received, enrolled)
        except KeyRefusedError as error:
            return error
        head = _head(connection, batch.device, batch.epoch)
        had, as_sent = head.acknowledged, True
        rejected: dict[int, str] = {}
        for entry in batch.entries:
            sequence = entry.key.sequence
            if sequence > head.acknowledged + 1:
                as_sent = False
                break
            if sequence <= head.acknowledged:
                why = self._compare(connection, entry, head, received)
                as_sent = as_sent and why != CONFLICT
            else:
                why = _fault(entry, head.hash)
                values = self._insert(connection, "entries", entry, rejected=why, received=received)
                head.follow(entry, at=values[2], is_rejected=why is not None)
            if why is not None:
                rejected[sequence] = why
        if head.acknowledged > had or CONFLICT in rejected.values():
            _keep_head(connection, batch.device, batch.epoch, head)
            if signed:
                self._keep_proof(connection, batch, key, signed, received, as_sent=as_sent)
        if stated and self._is_news(arrival):
            statements.keep(connection, Statement(batch.device, stated.body, key, stated.signature, received, received))
        return Acknowledgement(head.acknowledged, rejected), new

    def statements(self, after: int = 0) -> list[Statement]:
        """What devices said of their versions, the last of it not before `after` (unix seconds), in order of coming."""
        with self._file.reading() as connection:
            return statements.read(connection, after)

    def taps_by_image(self, after: int) -> tuple[list[tuple[bytes, int, int]], int]:
        """See statements.taps_by_image."""
        with self._file.reading() as connection:
            return statements.taps_by_image(connection, after)

    def devices(self) -> list[str]:
        """Every device that ever sent something."""
        with self._file.reading() as connection:
            return [row[0] for row in connection.execute("SELECT device FROM keys ORDER BY device").fetchall()]

    def journeys(self) -> list[Journey]:
        """Every (device, epoch) it holds something of."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT device, epoch, acknowledged, rejected, conflicts, last_at FROM heads ORDER BY device, epoch"
            ).fetchall()
        return [
            Journey(device=device, epoch=epoch, acknowledged=last, rejected=rejected, conflicts=conflicts, last_at=at)
            for device, epoch, last, rejected, conflicts, at in rows
        ]

    def entries(self, device: str, epoch: int, *, after: int, limit: int) -> list[dict[str, Any]]:
        """What it holds of one journal beyond `after`, by the columns' names.

        content: facts and body; of an entry of the older form (1) the trip record.
        """
        with self._file.reading() as connection:
            rows = connection.execute(
                """SELECT sequence, form, kind, at, time_trusted, reason, hash, content, rejected FROM entries
                WHERE device = ? AND epoch = ? AND sequence > ? ORDER BY sequence LIMIT ?""",
                (device, epoch, after, limit),
            ).fetchall()
        return [
            {
                "sequence": sequence,
                "form": form,
                "kind": kind,
                "at": at,
                "time_trusted": bool(time_trusted),
                "reason": reason,
                "hash": digest,
                "content": content,
                "rejected": rejected,
            }
            for sequence, form, kind, at, time_trusted, reason, digest, content, rejected in rows
        ]

    def proofs(self, device: str, epoch: int) -> list[Proof]:
        """The signatures under the batches of one journal, in the order in which they came."""
        with self._file.reading() as connection:
            rows = connection.execute(
                """SELECT first, last, form, key, signature, body, received FROM batches
                WHERE device = ? AND epoch = ? ORDER BY id""",
                (device, epoch),
            ).fetchall()
        return [Proof(*row) for row in rows]

    def held(self, device: str, epoch: int, first: int, last: int) -> list[Entry | OlderEntry]:
        """The entries from `first` to `last` as they came."""
        with self._file.reading() as connection:
            rows = connection.execute(
                f"""SELECT sequence, {COLUMNS} FROM entries
                WHERE device = ? AND epoch = ? AND sequence BETWEEN ? AND ? ORDER BY sequence""",  # noqa: S608
                (device, epoch, first, last),
            ).fetchall()
        return [_entry_of(JournalKey(device, epoch, sequence), row) for sequence, *row in rows]

    def check_writable(self) -> None:
        """Writes a few pages and takes them back. Raises StoreError when that cannot be done."""
        with self._file.transaction() as connection:
            connection.execute("CREATE TABLE tried AS SELECT zeroblob(8192) AS content")
            connection.execute("DROP TABLE tried")

    def close(self) -> None:
        """Leaves the store whole."""
        self._file.close()

    @staticmethod
    def _check_key(connection: Any, device: str, key: str, received: int, enrolled: Mapping[str, str] | None) -> bool:
        if enrolled is not None and enrolled.get(device) != key:
            raise KeyRefusedError(f"device {device} is not enrolled with this key")
        row = connection.execute("SELECT key FROM keys WHERE device = ?", (device,)).fetchone()
        if row is None:
            connection.execute("INSERT INTO keys VALUES (?, ?, ?)", (device, key, received))
            return True
        if row[0] != key:
            if enrolled is None:
                raise KeyRefusedError(f"device {device} was first seen with another key")
            connection.execute("UPDATE keys SET key = ?, since = ? WHERE device = ?", (key, received, device))
        return False

    @staticmethod
    def _keep_proof(connection: Any, batch: Batch, key: str, signed: Signed, received: int, *, as_sent: bool) -> None:
        entries = batch.entries
        again = as_sent and encode_batch(batch.device, batch.epoch, entries) == signed.body
        form = 1 if isinstance(entries[0], OlderEntry) else 2
        first, last = entries[0].key.sequence, entries[-1].key.sequence
        proof = (batch.device, batch.epoch, first, last, form, key, signed.signature, None if again else signed.body)
        columns = "device, epoch, first, last, form, key, signature, body, received"
        connection.execute(f"INSERT INTO batches ({columns}) VALUES (?,?,?,?,?,?,?,?,?)", (*proof, received))  # noqa: S608

    def _compare(self, connection: Any, entry: Entry | OlderEntry, head: "_Head", received: int) -> str | None:
        """A sequence that is held already: its recorded answer if it is the same, else a conflict."""
        row = connection.execute(
            f"SELECT rejected, {COLUMNS} FROM entries WHERE device = ? AND epoch = ? AND sequence = ?",  # noqa: S608
            entry.key,
        ).fetchone()
        if tuple(row[1:]) == _values(entry):
            why: str | None = row[0]
            return why
        had = connection.total_changes
        self._insert(connection, "conflicts", entry, received=received)
        head.conflicts += connection.total_changes - had
        return CONFLICT

    @staticmethod
    def _insert(connection: Any, table: str, entry: Entry | OlderEntry, **more: str | int | None) -> _Values:
        said = _values(entry)
        values = (*entry.key, *said, *more.values())
        columns = ", ".join(("device, epoch, sequence", COLUMNS, *more))
        places = ", ".join("?" * len(values))
        kind = "INSERT OR IGNORE" if table == "conflicts" else "INSERT"
        connection.execute(f"{kind} INTO {table} ({columns}) VALUES ({places})", values)
        return said


@dataclass(slots=True)
class _Head:
    """How far a journal has come, and what its next entry has to follow."""

    acknowledged: int
    hash: bytes
    rejected: int
    conflicts: int
    last_at: int

    def follow(self, entry: Entry | OlderEntry, *, at: int, is_rejected: bool) -> None:
        """The next entry."""
        self.acknowledged, self.hash = entry.key.sequence, entry.hash
        self.rejected += is_rejected
        self.last_at = max(self.last_at, at)


def _head(connection: Any, device: str, epoch: int) -> _Head:
    row = connection.execute(
        "SELECT acknowledged, hash, rejected, conflicts, last_at FROM heads WHERE device = ? AND epoch = ?",
        (device, epoch),
    ).fetchone()
    return _Head(0, FIRST_PREVIOUS, 0, 0, 0) if row is None else _Head(*row)


def _keep_head(connection: Any, device: str, epoch: int, head: _Head) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO heads VALUES (?, ?, ?, ?, ?, ?, ?)",
        (device, epoch, head.acknowledged, head.hash, head.rejected, head.conflicts, head.last_at),
    )


def _values(entry: Entry | OlderEntry) -> _Values:
    if isinstance(entry, OlderEntry):
        said = (1, 1, entry.at, entry.time_trusted, entry.tick_ms, entry.reason)
    else:
        said = _said(entry.content)
    return (*said, entry.content, entry.previous, entry.hash)


def _entry_of(key: JournalKey, row: Sequence[Any]) -> Entry | OlderEntry:
    """An entry by its COLUMNS."""
    form, _, at, time_trusted, tick_ms, reason, content, previous, digest = row
    if form == 2:
        return Entry(key=key, content=content, previous=previous, hash=digest)
    return OlderEntry(
        key=key, at=at, time_trusted=bool(time_trusted), tick_ms=tick_ms, reason=reason, content=content,
        previous=previous, hash=digest,
    )  # fmt: skip


def _said(content: bytes) -> tuple[int, int, int, bool, int, int]:
    """What an entry says of itself: form, kind, at, time_trusted, tick_ms, reason. Zeros of what is no entry."""
    try:
        facts, _ = parse(content)
    except FactsError:
        return (2, 0, 0, False, 0, 0)
    reason = facts.reason if isinstance(facts, TapFacts) else 0
    return (2, content[3], facts.at, facts.trusted, min(facts.tick_ms, INT64), reason)


def _fault(entry: Entry | OlderEntry, previous: bytes) -> str | None:
    """Why an entry that is next in line is refused, None if it is good."""
    if _hash_of(entry) != entry.hash:
        return "its hash does not match its content"
    if entry.previous != previous:
        return "it does not follow the record held before it"
    return fault_of(entry if isinstance(entry, OlderEntry) else entry.content)


def _hash_of(entry: Entry | OlderEntry) -> bytes:
    if isinstance(entry, OlderEntry):
        return older_hash(entry)
    return chain(entry.previous, entry.key.device, entry.key.epoch, entry.key.sequence, entry.content)
