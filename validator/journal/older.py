"""A journal of the form before segments, the SQLite file `journal.db`: it is sent and remembered, then put by.

Its entries carry tags of our own inside the record, and a chain of their own. They go to the collector under their own
epoch, in batches of the older form. When the collector has all of them and none of their codes can be shown any more,
the file is renamed to `journal.db.done` (`.done.2` and so on where there is one).
"""

import os
import sqlite3
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from yima.validator._core import sm3
from yima.validator.errors import JournalError
from yima.validator.journal.lock import locked
from yima.validator.ports import JournalKey
from yima.validator.texts import Text

APPLICATION_ID, VERSION = 0x59694D61, 1  # "YiMa"
REMEMBERED, REMEMBERED_S = 20_000, 24 * 3600
"""How many of the newest accepted taps are remembered, and for how long: an hour of the busiest gate, and a day."""
_COLUMNS = "sequence, at, time_trusted, tick_ms, reason, record, previous, hash"


@dataclass(frozen=True, slots=True, kw_only=True)
class OlderEntry:
    """One tap as the older form keeps it. at: unix seconds; content: the trip record, of refused taps too."""

    key: JournalKey
    at: int
    time_trusted: bool
    tick_ms: int
    reason: int
    content: bytes
    previous: bytes
    hash: bytes


def older_hash(entry: OlderEntry) -> bytes:
    """The hash that an entry should carry: SM3 over

        previous hash (32) ‖ length of device (2) ‖ device, UTF-8 ‖ epoch (8) ‖ sequence (8) ‖ unix seconds (8, signed)
        ‖ time trusted (1) ‖ tick in milliseconds (8) ‖ reason (2) ‖ length of record (4) ‖ record

    integers big-endian.
    """
    device = entry.key.device.encode()
    head = struct.pack(">H", len(device)) + device
    middle = struct.pack(
        ">QQqBQHI",
        entry.key.epoch,
        entry.key.sequence,
        entry.at,
        entry.time_trusted,
        entry.tick_ms,
        entry.reason,
        len(entry.content),
    )
    return sm3(entry.previous + head + middle + entry.content)


class OlderJournal:
    """The file at `path`, for one process. device: whose it must be; None: anybody's, to look at. Raises JournalError:
    in use, damaged, another device's, not ours, cannot be read.

    It takes no entries; the rest is as ports.Outbox has it.
    """

    def __init__(self, path: Path, device: str | None = None) -> None:
        self.path = path
        self._lock_fd = -1
        try:
            self._open(path)
            if device is not None:
                self._check(device)
        except BaseException:
            self._unlock()
            raise

    def _open(self, path: Path) -> None:
        with self._explained():
            self._lock_fd = locked(path, path.with_name(f"{path.name}.lock"))  # the older version holds it too
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            # Without memory that is shared with other processes: a full disk under it ends a process without a word.
            self._connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._connection.execute("PRAGMA synchronous=FULL")
            kind = self._connection.execute("PRAGMA application_id").fetchone()[0]
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            if (kind, version) != (APPLICATION_ID, VERSION):
                raise sqlite3.DatabaseError("it is no journal of the older form")
            self.device, self.epoch = self._connection.execute("SELECT device, epoch FROM meta").fetchone()

    def _check(self, device: str) -> None:
        """Its entries are chained under its device's name: sent under another, a collector refuses each for good."""
        if self.device != device:
            self._connection.close()
            raise _anothers(self.path, self.device, device)

    def last_sequence(self) -> int:
        """The newest entry's sequence, 0 if there is none."""
        return self._number("SELECT coalesce(max(sequence), 0) FROM entries")

    def acknowledged(self) -> int:
        """The cursor."""
        return self._number("SELECT acknowledged FROM cursor")

    def newest_trusted_at(self) -> int | None:
        """The unix second that the newest entry of a trusted clock carries."""
        at = self._number(
            "SELECT coalesce((SELECT at FROM entries WHERE time_trusted = 1 ORDER BY sequence DESC LIMIT 1), 0)"
        )
        return at or None

    def pending(self, limit: int) -> Sequence[OlderEntry]:
        """Entries after the cursor, oldest first."""
        return self._entries("sequence > (SELECT acknowledged FROM cursor) ORDER BY sequence LIMIT ?", limit)

    def accepted(self, newest: int = REMEMBERED) -> list[OlderEntry]:
        """The newest accepted taps, oldest of them first: their codes may still be shown."""
        return self._entries("reason = 0 ORDER BY sequence DESC LIMIT ?", newest)[::-1]

    def acknowledge(self, through: int, rejected: dict[int, str], *, at: int | None = None) -> None:
        """Moves the cursor; puts what was rejected into the quarantine. After an error the old cursor counts."""
        with self._explained(), self._whole():
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("UPDATE cursor SET acknowledged = ?", (through,))
            self._connection.executemany(
                "INSERT OR REPLACE INTO quarantine VALUES (?, ?, ?)",
                [(sequence, why[:500], at) for sequence, why in rejected.items()],
            )
            self._connection.execute("COMMIT")

    def close(self, now: int) -> None:
        """Closes the file; when it is needed no more at that unix second, it is renamed and never opened again."""
        with self._explained():
            is_sent = self.acknowledged() >= self.last_sequence()
            is_over = all(entry.at < now - REMEMBERED_S for entry in self.accepted(1))
            self._connection.close()
            if is_sent and is_over:
                self.path.rename(self._put_by())
        self._unlock()

    def _put_by(self) -> Path:
        """A name that is free: whoever went back to the older version for a while has put one by already."""
        names = (f"{self.path.name}.done{f'.{number}' if number > 1 else ''}" for number in count(1))
        return next(path for name in names if not (path := self.path.with_name(name)).exists())

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """What cannot be committed is taken back: left open, it would look done here and shut out all that follow."""
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _unlock(self) -> None:
        descriptor, self._lock_fd = self._lock_fd, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _number(self, query: str) -> int:
        with self._explained():
            return int(self._connection.execute(query).fetchone()[0])

    def _entries(self, condition: str, limit: int) -> list[OlderEntry]:
        with self._explained():
            rows = self._connection.execute(
                f"SELECT {_COLUMNS} FROM entries WHERE {condition}",  # noqa: S608
                (limit,),
            ).fetchall()
        return [
            OlderEntry(
                key=JournalKey(self.device, self.epoch, sequence),
                at=at,
                time_trusted=bool(time_trusted),
                tick_ms=tick_ms,
                reason=reason,
                content=record,
                previous=previous,
                hash=digest,
            )
            for sequence, at, time_trusted, tick_ms, reason, record, previous, digest in rows
        ]

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, TypeError) as error:
            raise JournalError(
                self.path,
                Text(f"the older journal cannot be used: {error}", f"旧版日志无法使用：{error}"),
                Text(
                    "Check the disk; a damaged one: move it away, keep it, send it to whoever runs the collector",
                    "请检查磁盘；如已损坏，请移走保留，并交给采集方",
                ),
            ) from error


def _anothers(path: Path, whose: str, device: str) -> JournalError:
    """Somebody has put it here."""
    return JournalError(
        path,
        Text(f"is the journal of device {whose}, not of {device}", f"是设备 {whose} 的日志，不是 {device} 的"),
        Text(
            f"Put it and its device's key into a state directory of {whose}'s own, and run that with --device {whose}",
            f"请将其与该设备的密钥放入 {whose} 自己的状态目录，并以 --device {whose} 运行",
        ),
    )
