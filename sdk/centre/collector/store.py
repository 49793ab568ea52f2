"""What the collector keeps, in one SQLite file (`durable`: WAL, synchronous=FULL, one writer).

Rules it keeps:

- A batch is one transaction; the answer is given after it is durable.
- Per (device, epoch) the sequences it holds run from 1 without gaps. Beyond a gap nothing is stored.
- An entry that is wrong (its hash, its link to the one before, its facts, its record's integrity) is kept as refused,
  with why: that answers it, so that one bad entry does not hold up those behind it.
- Entries of both forms are kept as they came; the columns beside `content` are what it says of itself. An entry that
  is no tap has reason 0.
- Nothing is overwritten: the same sequence with other content is refused and kept apart, as evidence.
- A device's key is the one that was enrolled or seen first; any other is refused.
- Of every batch that brought something the device's signature is kept, with what was signed: first and last entry where
  the bytes can be made again from what is held (`proofs`), else the bytes themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from yima.sdk.centre.collector.durable import DurableFile, FileKind
from yima.validator.errors import Kind, YimaError
from yima.validator.journal import FIRST_PREVIOUS, chain
from yima.validator.journal.facts import FactsError, TapFacts, parse
from yima.validator.journal.kept import fault_of
from yima.validator.journal.older import OlderEntry, older_hash
from yima.validator.ports import Entry, JournalKey
from yima.validator.texts import Text
from yima.validator.uplink.batches import INT64, Acknowledgement, Batch, encode_batch

COLUMNS = "form, kind, at, time_trusted, tick_ms, reason, content, previous, hash"
CONFLICT = "another record is already held under this sequence"


class StoreError(YimaError):
    """A store that cannot be written or trusted; nothing was acknowledged that is not in it."""

    kind = Kind.STATE


class KeyRefusedError(Exception):
    """A batch signed by a key that is not the device's."""


BATCHES = """CREATE TABLE batches (
            id INTEGER PRIMARY KEY, device TEXT NOT NULL, epoch INTEGER NOT NULL,
            first INTEGER NOT NULL, last INTEGER NOT NULL, form INTEGER NOT NULL,
            key TEXT NOT NULL, signature TEXT NOT NULL, body BLOB, received INTEGER NOT NULL) STRICT"""

KIND = FileKind(
    application_id=0x59694D63,  # "YiMc"
    version=2,
    schema=(
        "CREATE TABLE keys (device TEXT PRIMARY KEY, key TEXT NOT NULL, since INTEGER NOT NULL) STRICT",
        """CREATE TABLE entries (
            device TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
            form INTEGER NOT NULL, kind INTEGER NOT NULL,
            at INTEGER NOT NULL, time_trusted INTEGER NOT NULL, tick_ms INTEGER NOT NULL, reason INTEGER NOT NULL,
            content BLOB NOT NULL, previous BLOB NOT NULL, hash BLOB NOT NULL,
            rejected TEXT, received INTEGER NOT NULL,
            PRIMARY KEY (device, epoch, sequence)) STRICT""",
        """CREATE TABLE conflicts (
            device TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
            form INTEGER NOT NULL, kind INTEGER NOT NULL,
            at INTEGER NOT NULL, time_trusted INTEGER NOT NULL, tick_ms INTEGER NOT NULL, reason INTEGER NOT NULL,
            content BLOB NOT NULL, previous BLOB NOT NULL, hash BLOB NOT NULL, received INTEGER NOT NULL,
            PRIMARY KEY (device, epoch, sequence, hash)) STRICT""",
        BATCHES,
    ),
    upgrades={
        1: (
            BATCHES,
            *(
                f"ALTER TABLE {table} {change}"
                for table in ("entries", "conflicts")
                for change in (
                    "RENAME COLUMN record TO content",
                    "ADD COLUMN form INTEGER NOT NULL DEFAULT 1",
                    "ADD COLUMN kind INTEGER NOT NULL DEFAULT 1",
                )
            ),
        )
    },
    error=StoreError,
    start_over=Text(
        "Keep the file and restore the last good copy, or give another --store: devices send again what it lacks",
        "请保留此文件并恢复最近的完好备份，或另选 --store：设备会补发缺少的记录",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """How far one journal has come: acknowledged is the highest sequence held without a gap."""

    device: str
    epoch: int
    acknowledged: int
    rejected: int
    conflicts: int
    last_at: int | None


class Signed(NamedTuple):
    """A batch as it came: the body, and the signature over it (128 hex digits)."""

    body: bytes
    signature: str


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
    """The collector's store at `path`; made if it is not there. Raises StoreError. Threads may share it."""

    def __init__(self, path: Path, *, max_bytes: int | None = None) -> None:
        self._file = DurableFile(path, KIND, max_bytes=max_bytes)

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
        with self._file.transaction() as connection:
            new = self._check_key(connection, batch.device, key, received, enrolled)
            last, previous = self._tail(connection, batch.device, batch.epoch)
            had, as_sent = last, True
            rejected: dict[int, str] = {}
            for entry in batch.entries:
                sequence = entry.key.sequence
                if sequence > last + 1:
                    as_sent = False
                    break
                if sequence <= last:
                    why = self._compare(connection, entry, received)
                    as_sent = as_sent and why != CONFLICT
                else:
                    why = _fault(entry, previous)
                    self._insert(connection, "entries", entry, rejected=why, received=received)
                    last, previous = sequence, entry.hash
                if why is not None:
                    rejected[sequence] = why
            if signed and (last > had or CONFLICT in rejected.values()):
                self._keep_proof(connection, batch, key, signed, received, as_sent=as_sent)
        return Acknowledgement(last, rejected), new

    def journeys(self) -> list[Journey]:
        """Every (device, epoch) it holds something of."""
        with self._file.reading() as connection:
            rows = connection.execute(
                """SELECT e.device, e.epoch, max(e.sequence), count(e.rejected), max(e.at),
                    (SELECT count(*) FROM conflicts c WHERE c.device = e.device AND c.epoch = e.epoch)
                FROM entries e GROUP BY e.device, e.epoch ORDER BY e.device, e.epoch"""
            ).fetchall()
        return [
            Journey(device=device, epoch=epoch, acknowledged=last, rejected=rejected, conflicts=conflicts, last_at=at)
            for device, epoch, last, rejected, at, conflicts in rows
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

    @staticmethod
    def _tail(connection: Any, device: str, epoch: int) -> tuple[int, bytes]:
        row = connection.execute(
            "SELECT sequence, hash FROM entries WHERE device = ? AND epoch = ? ORDER BY sequence DESC LIMIT 1",
            (device, epoch),
        ).fetchone()
        return (0, FIRST_PREVIOUS) if row is None else (int(row[0]), bytes(row[1]))

    def _compare(self, connection: Any, entry: Entry | OlderEntry, received: int) -> str | None:
        """A sequence that is held already: its recorded answer if it is the same, else a conflict."""
        row = connection.execute(
            f"SELECT rejected, {COLUMNS} FROM entries WHERE device = ? AND epoch = ? AND sequence = ?",  # noqa: S608
            entry.key,
        ).fetchone()
        if tuple(row[1:]) == _values(entry):
            why: str | None = row[0]
            return why
        self._insert(connection, "conflicts", entry, received=received)
        return CONFLICT

    @staticmethod
    def _insert(connection: Any, table: str, entry: Entry | OlderEntry, **more: str | int | None) -> None:
        values = (*entry.key, *_values(entry), *more.values())
        columns = ", ".join(("device, epoch, sequence", COLUMNS, *more))
        places = ", ".join("?" * len(values))
        kind = "INSERT OR IGNORE" if table == "conflicts" else "INSERT"
        connection.execute(f"{kind} INTO {table} ({columns}) VALUES ({places})", values)


def _values(entry: Entry | OlderEntry) -> tuple[int, int, int, bool, int, int, bytes, bytes, bytes]:
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
