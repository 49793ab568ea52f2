"""The journal: every tap, durable before the gate moves, and at the same time the queue of what is to be uploaded.

Rules it keeps:

- `append` returns after the entry is on stable storage (`segments`); if it raises, nothing was stored.
- Entries are named by (device, epoch, sequence). Sequences run from 1 without gaps. An epoch is one journal folder: an
  empty one begins a new epoch, so a re-flashed device never reuses a name.
- Entries are chained: each hash covers the one before (`form`), so none can be changed, dropped or put in between
  without the collector noticing.
- Upload is a cursor. It moves only by `acknowledge`: forward, and back when a collector was restored from a backup.
- What is not acknowledged is never deleted. What is goes by age and size, oldest first, as whole segments.
- No clock and no randomness: entries carry their moment, a new folder's epoch is passed in.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from yima.validator.errors import JournalError
from yima.validator.journal.archiving import joined
from yima.validator.journal.cursor import Cursor, CursorWriter, Quarantined
from yima.validator.journal.files import FolderFiles, SegmentFiles
from yima.validator.journal.form import Header
from yima.validator.journal.glance import good_until_of, reverses, summary_of
from yima.validator.journal.lock import locked
from yima.validator.journal.segments import DamagedError, Segments
from yima.validator.journal.trouble import damaged, explained
from yima.validator.journal.writing import SegmentWriter
from yima.validator.ports import Entry, JournalKey
from yima.validator.texts import Text

TAIL_CHECKED = 256  # entries whose chain is checked at every opening; `verify` checks all


class JournalView:
    """A journal to look at: the device itself may be writing it. Raises JournalError."""

    def __init__(self, folder: Path, files: SegmentFiles, segments: Segments, cursor: Cursor, header: Header) -> None:
        self.folder = folder
        self._files = files
        self._segments = segments
        self._cursor = cursor
        self._turn = threading.Lock()
        self.device = header.device
        self.epoch = header.epoch

    @classmethod
    def open(cls, folder: Path, archive: Path | None = None) -> "JournalView":
        """Opens for reading. archive: together with what of this journal was put there."""
        with explained(folder):
            files: SegmentFiles = FolderFiles(folder)
            segments, cursor = Segments(files, summary_of), Cursor(files)
            header = segments.header
            if header is None:
                raise DamagedError("it has no segment that was begun")
            if archive is not None:
                files = joined(folder, archive, header.device, header.epoch)
                segments = Segments(files, summary_of)
            return cls(folder, files, segments, cursor, header)

    def last_sequence(self) -> int:
        """The newest entry's sequence, 0 if there is none."""
        return self._segments.last

    def first_sequence(self) -> int:
        """The oldest entry that is kept; those before it were acknowledged and are archived or gone."""
        return self._segments.first

    def acknowledged(self) -> int:
        """The cursor: everything up to it has been answered by the collector."""
        return self._cursor.acknowledged

    def run(self) -> int:
        """The highest run of the device that an entry tells of, 0 if there is none."""
        return self._segments.summary.run

    def size(self) -> int:
        """Bytes that the journal takes."""
        with explained(self.folder):
            return self._segments.size

    def entries(self, after: int, limit: int) -> list[Entry]:
        """Entries beyond `after`, oldest first."""
        found: list[Entry] = []
        with self._turn, explained(self.folder):
            for frame in self._segments.frames(after):
                if len(found) == limit:
                    break
                previous = found[-1].hash if found else self._segments.hash_of(frame.sequence - 1)
                key = JournalKey(self.device, self.epoch, frame.sequence)
                found.append(Entry(key=key, content=frame.entry, previous=previous, hash=frame.hash))
        return found

    def used_codes(self, good_until: int) -> Iterator[bytes]:
        """Entries (their bytes) by which the memory of used codes is filled: accepted taps whose code could still be
        shown at that second, and what reverses taps; by the order in which they were made."""
        with self._turn, explained(self.folder):
            found = list(self._segments.needed(good_until, lambda entry: _is_wanted(entry, max(good_until, 1))))
        yield from found

    def newest_trusted_at(self) -> int | None:
        """The unix second that the newest entry of a trusted clock carries: the time is not before it."""
        return self._segments.summary.trusted_at or None

    def quarantined(self) -> list[Quarantined]:
        """What the collector refused, by sequence."""
        with explained(self.folder):
            return self._cursor.quarantined()

    def verify(self, after: int = 0) -> int:
        """Checks numbering and chain beyond `after`, as far as entries are kept; how many entries that were."""
        with self._turn, explained(self.folder):
            return self._segments.verify(max(after, self._segments.first - 1))

    def close(self) -> None:
        """Ends the use of the files."""
        self._files.close()


def _is_wanted(entry: bytes, good_until: int) -> bool:
    return good_until_of(entry) >= good_until or reverses(entry)


class SegmentJournal(JournalView):
    """The device's journal in `folder`, of the device of that name; made if it is not there.

    epoch_for_new names a journal that is made now: (unix seconds << 16 | 16 random bits), by the caller's clock.
    max_bytes bounds the files; keep_s: seconds after which what is acknowledged may go. Raises JournalError: in use,
    damaged, another device's, full, read-only. The device's thread appends while another reads and acknowledges;
    `care` does between taps what no tap should wait for.
    """

    def __init__(
        self,
        folder: Path,
        device: str,
        *,
        epoch_for_new: int,
        max_bytes: int | None = None,
        keep_s: int | None = None,
        files: SegmentFiles | None = None,
    ) -> None:
        self._lock_fd = -1
        with explained(folder):
            if files is None:
                folder.mkdir(mode=0o700, exist_ok=True)
                self._lock_fd = locked(folder, folder / "lock")
                files = FolderFiles(folder)
        try:
            with explained(folder):
                self._writer = SegmentWriter(
                    files, summary_of, device=device, epoch=epoch_for_new, limit=max_bytes, keep_s=keep_s
                )
                self._mover = CursorWriter(files)
                self._writer.acknowledged = self._mover.acknowledged
            header = self._writer.header
            assert header  # the writer begins one
            super().__init__(folder, files, self._writer, self._mover, header)
            self._check(device)
        except BaseException:
            self.close()
            raise

    def _check(self, device: str) -> None:
        if self.device != device:
            raise JournalError(
                self.folder,
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
            raise damaged(self.folder, "the cursor stands beyond the last record")

    def append(self, content: bytes) -> JournalKey:
        """Stores one entry durably before it returns. Raises JournalError; then nothing was stored."""
        with self._turn, explained(self.folder):
            return JournalKey(self.device, self.epoch, self._writer.append(content))

    def next_sequence(self) -> int:
        """The sequence that the next append will get, from 1."""
        return self.last_sequence() + 1

    def pending(self, limit: int) -> Sequence[Entry]:
        """Entries after the cursor, oldest first."""
        return self.entries(self.acknowledged(), limit)

    def acknowledge(self, through: int, rejected: dict[int, str], *, at: int | None = None) -> None:
        """Moves the cursor to `through`, forward or back; quarantines `rejected` ({sequence: why}), told at `at`.

        Raises JournalError when `through` or a rejected sequence names an entry that does not exist; nothing moves.
        """
        if through < self.acknowledged():
            with self._turn, explained(self.folder):
                self._writer.forget_removed()  # what an archive has taken cannot be sent again
                if through >= self._writer.first - 1:
                    self._writer.acknowledged = through  # from here on `care` leaves what is to be sent again
        first, last, most = self.first_sequence(), self.last_sequence(), max(through, *rejected, 0)
        if 0 <= through < first - 1:
            raise JournalError(
                self.folder,
                Text(
                    f"begins with record {first}, and the collector has only those up to {through}",
                    f"从记录 {first} 开始，而采集端只有至 {through} 的记录",
                ),
                Text(
                    "The collector acknowledged more before: restore a newer backup of it; what is between lies in the"
                    " archive, if there is one",
                    "采集端曾确认过更多记录：请恢复其较新的备份；缺少的记录在归档中（如有）",
                ),
            )
        if not 0 <= through <= last or not all(1 <= sequence <= last for sequence in rejected):
            raise JournalError(
                self.folder,
                Text(
                    f"holds records {first} to {last}; an answer for {most} cannot be meant for it",
                    f"只有记录 {first} 至 {last}；对 {most} 的应答与之不符",
                ),
                Text("Check which collector and which state directory are used", "请检查所用的采集端和状态目录"),
            )
        with explained(self.folder):
            if rejected:
                self._mover.put_aside(rejected, at)
            self._mover.move(through)
            self._writer.acknowledged = through  # the next tap may need the room

    def care(self) -> None:
        """Makes the next segment ready, removes what may go. Raises JournalError when there is no room for another."""
        with explained(self.folder):
            self._writer.care(self._turn)

    def close(self) -> None:
        """Closes and unlocks; twice is once."""
        if hasattr(self, "_files"):
            super().close()
        descriptor, self._lock_fd = self._lock_fd, -1
        if descriptor >= 0:
            os.close(descriptor)
