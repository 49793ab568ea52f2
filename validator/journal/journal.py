"""The journal: every tap, durable before the gate moves, and at the same time the queue of what is to be uploaded.

Rules it keeps:

- `append` returns after the record is on stable storage (`durable`); if it raises, nothing was stored.
- Records are named by (device, epoch, sequence). Sequences run from 1 without gaps. An epoch is one journal file: an
  empty one begins a new epoch, so a re-flashed device never reuses a name.
- Records are chained: each entry's hash covers the one before (`chain`), so none can be changed, dropped or put in
  between without the collector noticing.
- Upload is a cursor. It moves only by `acknowledge`: forward, and back when a collector was restored from a backup.
- Nothing is deleted, acknowledged or not: a collector that lost its store gets everything again. What the collector
  refused stands in the quarantine as well, with its reason. A record takes about 1 KB.
- No clock and no randomness: moments and a new file's epoch are passed in.
"""

import sqlite3
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from yima.validator._core import sm3
from yima.validator.errors import JournalError
from yima.validator.journal.durable import DurableFile, FileKind
from yima.validator.journal.facts import FactsError, parse
from yima.validator.judging import Moment
from yima.validator.ports import Entry, JournalKey
from yima.validator.texts import Text

FIRST_PREVIOUS = bytes(32)  # what stands before sequence 1
TAIL_CHECKED = 256  # entries whose chain is checked at every opening; `verify` checks all
WHY_MAX = 500  # characters of a collector's reason that are kept

KIND = FileKind(
    application_id=0x59694D61,  # "YiMa"
    version=1,
    schema=(
        "CREATE TABLE meta (device TEXT NOT NULL, epoch INTEGER NOT NULL) STRICT",
        """CREATE TABLE entries (
            sequence INTEGER PRIMARY KEY CHECK (sequence > 0),
            at INTEGER NOT NULL, time_trusted INTEGER NOT NULL, tick_ms INTEGER NOT NULL, reason INTEGER NOT NULL,
            record BLOB NOT NULL, previous BLOB NOT NULL, hash BLOB NOT NULL) STRICT""",
        "CREATE INDEX accepted ON entries (at) WHERE reason = 0",
        "CREATE TABLE cursor (acknowledged INTEGER NOT NULL) STRICT",
        "INSERT INTO cursor VALUES (0)",
        "CREATE TABLE quarantine (sequence INTEGER PRIMARY KEY, why TEXT NOT NULL, at INTEGER) STRICT",
    ),
    error=JournalError,
    start_over=Text(
        "Move the journal files away and keep them, then start again: a new epoch begins. Send the old files to whoever"
        " runs the collector",
        "请移走并保留日志文件后重新启动（将开始新的纪元），并把旧文件交给采集方",
    ),
)
COLUMNS = "sequence, at, time_trusted, tick_ms, reason, record, previous, hash"


def chain(previous: bytes, key: JournalKey, moment: Moment, reason: int, record: bytes) -> bytes:
    """The hash of one entry: SM3 over

        previous hash (32) ‖ length of device (2) ‖ device, UTF-8 ‖ epoch (8) ‖ sequence (8) ‖ unix seconds (8, signed)
        ‖ time trusted (1) ‖ tick in milliseconds (8) ‖ reason (2) ‖ length of record (4) ‖ record

    integers big-endian. Before the first entry stand 32 zero bytes.
    """
    device = key.device.encode()
    head = struct.pack(">H", len(device)) + device
    middle = struct.pack(
        ">QQqBQHI",
        key.epoch,
        key.sequence,
        moment.unix_s,
        moment.trusted,
        moment.tick_ms,
        reason,
        len(record),
    )
    return sm3(previous + head + middle + record)


def entry_hash(entry: Entry) -> bytes:
    """The hash that an entry should carry, computed anew."""
    moment = Moment(unix_s=entry.at, tick_ms=entry.tick_ms, trusted=entry.time_trusted)
    return chain(entry.previous, entry.key, moment, entry.reason, entry.record)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """One record that the collector refused. at: unix seconds when it was told, None if nobody said."""

    sequence: int
    why: str
    at: int | None


class JournalView:
    """A journal to look at: the device itself may be writing it."""

    def __init__(self, file: DurableFile) -> None:
        self._file = file
        with file.reading() as connection:
            row = connection.execute("SELECT device, epoch FROM meta").fetchone()
            if row is None:
                raise file.damaged("the device's name is missing")
            self.device: str = row[0]
            self.epoch: int = row[1]

    @classmethod
    def open(cls, path: Path) -> "JournalView":
        """Opens for reading. Raises JournalError."""
        return cls(DurableFile(path, KIND, read_only=True))

    def last_sequence(self) -> int:
        """The newest record's sequence, 0 if there is none."""
        return self._number("SELECT coalesce(max(sequence), 0) FROM entries")

    def acknowledged(self) -> int:
        """The cursor: everything up to it has been answered by the collector."""
        return self._number("SELECT acknowledged FROM cursor")

    def entries(self, after: int, limit: int) -> list[Entry]:
        """Entries beyond `after`, oldest first."""
        return self._select("sequence > ? ORDER BY sequence LIMIT ?", (after, limit))

    def accepted_since(self, unix_s: int) -> Iterator[Entry]:
        """Accepted taps of that second and later by the device's clock, oldest first."""
        after = 0
        condition = "reason = 0 AND at >= ? AND sequence > ? ORDER BY sequence LIMIT 256"
        while found := self._select(condition, (unix_s, after)):
            yield from found
            after = found[-1].key.sequence

    def newest_trusted_at(self) -> int | None:
        """The latest unix second that a record carries as trusted: the time is not before it."""
        with self._file.reading() as connection:
            row = connection.execute(
                "SELECT at FROM entries WHERE time_trusted = 1 ORDER BY sequence DESC LIMIT 1"
            ).fetchone()
        return None if row is None else int(row[0])

    def newest_run(self) -> int:
        """The run that the newest entry's facts name (how often the device had started), 0 if there is none."""
        last = self.last_sequence()
        newest = self.entries(last - 1, 1) if last else []
        try:
            return parse(newest[0].record)[0].run if newest else 0
        except FactsError:
            return 0  # kept by a version that did not count

    def quarantined(self) -> list[Quarantined]:
        """What the collector refused, by sequence."""
        with self._file.reading() as connection:
            rows = connection.execute("SELECT sequence, why, at FROM quarantine ORDER BY sequence").fetchall()
        return [Quarantined(sequence=sequence, why=why, at=at) for sequence, why, at in rows]

    def verify(self, after: int = 0) -> int:
        """Checks numbering and chain beyond `after`; returns how many entries that were. Raises JournalError."""
        last = after
        previous = FIRST_PREVIOUS
        if after:
            before = self.entries(after - 1, 1)
            previous = before[0].hash if before and before[0].key.sequence == after else b""
        while found := self.entries(last, 256):
            for entry in found:
                sequence = entry.key.sequence
                if sequence != last + 1:
                    raise self._file.damaged(f"record {last + 1} is missing")
                if entry.previous != previous:
                    raise self._file.damaged(f"record {sequence} does not follow the one before it")
                if entry_hash(entry) != entry.hash:
                    raise self._file.damaged(f"record {sequence} was changed")
                last, previous = sequence, entry.hash
        return last - after

    def close(self) -> None:
        """Ends the use of the file."""
        self._file.close()

    def _number(self, query: str) -> int:
        with self._file.reading() as connection:
            return int(connection.execute(query).fetchone()[0])

    def _select(self, condition: str, values: tuple[int, ...]) -> list[Entry]:
        with self._file.reading() as connection:
            rows = connection.execute(f"SELECT {COLUMNS} FROM entries WHERE {condition}", values).fetchall()  # noqa: S608
        return [self._entry(row) for row in rows]

    def _entry(self, row: tuple[int, int, int, int, int, bytes, bytes, bytes]) -> Entry:
        sequence, at, time_trusted, tick_ms, reason, record, previous, digest = row
        return Entry(
            key=JournalKey(self.device, self.epoch, sequence),
            at=at,
            time_trusted=bool(time_trusted),
            tick_ms=tick_ms,
            reason=reason,
            record=record,
            previous=previous,
            hash=digest,
        )


class SqliteJournal(JournalView):
    """The device's journal at `path`, of the device of that name; made if it is not there.

    epoch_for_new names a journal that is made now: (unix seconds << 16 | 16 random bits), by the caller's clock.
    max_bytes bounds the file. Raises JournalError: in use, damaged, not ours, newer, another device's, full, read-only.
    The device's thread appends while another reads and acknowledges.
    """

    def __init__(self, path: Path, device: str, *, epoch_for_new: int, max_bytes: int | None = None) -> None:
        file = DurableFile(path, KIND, max_bytes=max_bytes)
        try:
            with file.reading() as connection:
                named = connection.execute("SELECT count(*) FROM meta").fetchone()[0]
            if not named:
                with file.transaction() as connection:
                    connection.execute("INSERT INTO meta VALUES (?, ?)", (device, epoch_for_new))
            super().__init__(file)
            self._check(device)
            self._tail: tuple[int, bytes] | None = None
        except BaseException:
            file.close()
            raise

    def _check(self, device: str) -> None:
        if self.device != device:
            raise self._file.trouble(
                Text(
                    f"is the journal of device {self.device}, not of {device}",
                    f"是设备 {self.device} 的日志，不是 {device} 的",
                ),
                Text(
                    f"Run with --device {self.device}, or with another --state",
                    f"请使用 --device {self.device}，或另选 --state",
                ),
            )
        self.verify(max(0, self.last_sequence() - TAIL_CHECKED))
        if self.acknowledged() > self.last_sequence():
            raise self._file.damaged("the cursor stands beyond the last record")

    def append(self, *, moment: Moment, reason: int, record: bytes) -> JournalKey:
        """Stores one record durably before it returns. Raises JournalError; then nothing was stored."""
        # Known again only after the commit: if that fails, the next append asks the file where it stands.
        tail, self._tail = self._tail, None
        with self._file.transaction() as connection:
            last, previous = tail or self._read_tail(connection)
            key = JournalKey(self.device, self.epoch, last + 1)
            digest = chain(previous, key, moment, reason, record)
            connection.execute(
                f"INSERT INTO entries ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                (key.sequence, moment.unix_s, moment.trusted, moment.tick_ms, reason, record, previous, digest),
            )
        self._tail = (key.sequence, digest)
        return key

    def next_sequence(self) -> int:
        """The sequence that the next append will get, from 1."""
        return (self._tail[0] if self._tail else self.last_sequence()) + 1

    def pending(self, limit: int) -> Sequence[Entry]:
        """Entries after the cursor, oldest first."""
        return self._select(
            "sequence > (SELECT acknowledged FROM cursor) ORDER BY sequence LIMIT ?",
            (limit,),
        )

    def acknowledge(self, through: int, rejected: dict[int, str], *, at: int | None = None) -> None:
        """Moves the cursor to `through`, forward or back; quarantines `rejected` ({sequence: why}), told at `at`.

        Raises JournalError when `through` or a rejected sequence names a record that does not exist; nothing moves.
        """
        with self._file.transaction() as connection:
            last, _ = self._read_tail(connection)
            if not 0 <= through <= last or not all(1 <= sequence <= last for sequence in rejected):
                raise self._file.trouble(
                    Text(
                        f"holds records 1 to {last}; an answer for {max(through, *rejected, 0)} cannot be meant for it",
                        f"只有记录 1 至 {last}；对 {max(through, *rejected, 0)} 的应答与之不符",
                    ),
                    Text("Check which collector and which state directory are used", "请检查所用的采集端和状态目录"),
                )
            connection.execute("UPDATE cursor SET acknowledged = ?", (through,))
            connection.executemany(
                "INSERT OR REPLACE INTO quarantine VALUES (?, ?, ?)",
                [(sequence, why[:WHY_MAX], at) for sequence, why in rejected.items()],
            )

    @staticmethod
    def _read_tail(connection: sqlite3.Connection) -> tuple[int, bytes]:
        row = connection.execute("SELECT sequence, hash FROM entries ORDER BY sequence DESC LIMIT 1").fetchone()
        return (0, FIRST_PREVIOUS) if row is None else (int(row[0]), bytes(row[1]))
