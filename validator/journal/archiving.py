"""Sealed segments that are needed no more go to an archive: another disk, a share, a stick.

Rules it keeps:
- Only what the collector has acknowledged goes, and of that only what no code needs that could still be shown.
- Nothing is removed before its copy is durable there, was read back, and its chain was checked from entry to entry.
- It works while the device runs: the device looks, before it reads so far back, which segments are still there. A
  collector that was restored may have moved the cursor back meanwhile, so it is read again before each removal.
- An archive is a folder of segments, one folder for each journal; `JoinedFiles` reads it and the journal as one.
"""

import os
from pathlib import Path
from typing import NamedTuple

from yima.validator.errors import JournalError
from yima.validator.journal.cursor import Cursor
from yima.validator.journal.files import FolderFiles, SegmentFiles
from yima.validator.journal.form import SEGMENT_SIZE
from yima.validator.journal.glance import summary_of
from yima.validator.journal.lock import locked
from yima.validator.journal.segments import DamagedError, Segments
from yima.validator.journal.trouble import explained
from yima.validator.journal.writing import is_over
from yima.validator.system.paths import is_folder
from yima.validator.texts import Text

_ASTRAY = "the archive does not end where the journal goes on"


class Archived(NamedTuple):
    """What went: the folder, how many segments, and the first and last entry in them (0: none). Copies of segments that
    must stay after all lie there too."""

    folder: Path
    segments: int
    first: int
    last: int


class JoinedFiles:
    """Two folders of segments as one, to read: what is in both is read in the first."""

    def __init__(self, folder: SegmentFiles, archive: SegmentFiles) -> None:
        self._folder = folder
        self._archive = archive

    def names(self) -> list[str]:
        """See SegmentFiles."""
        archived = (name for name in self._archive.names() if name.endswith(".seg"))
        return sorted({*self._folder.names(), *archived})

    def read(self, name: str, at: int, size: int) -> bytes:
        """See SegmentFiles."""
        try:
            return self._folder.read(name, at, size)
        except FileNotFoundError:
            return self._archive.read(name, at, size)

    def make(self, name: str, size: int) -> None:
        """Nothing is written here."""
        raise PermissionError(name)

    def write(self, name: str, at: int, data: bytes) -> None:
        """Nothing is written here."""
        raise PermissionError(name)

    def flush(self, name: str) -> None:
        """Nothing is written here."""
        raise PermissionError(name)

    def remove(self, name: str) -> None:
        """Nothing is written here."""
        raise PermissionError(name)

    def replace(self, name: str, content: bytes) -> None:
        """Nothing is written here."""
        raise PermissionError(name)

    def close(self) -> None:
        """See SegmentFiles."""
        self._folder.close()
        self._archive.close()


def joined(folder: Path, archive: Path, device: str, epoch: int) -> JoinedFiles:
    """The journal in `folder` with what of it lies in `archive`. Raises JournalError if there is nothing of it."""
    there = folder_in(archive, device, epoch)
    if not is_folder(there):
        raise JournalError(
            archive,
            Text(f"holds nothing of {device}, epoch {epoch}", f"没有 {device} 纪元 {epoch} 的内容"),
            Text("Check the path, or leave --archive out", "请检查路径，或去掉 --archive"),
        )
    return JoinedFiles(FolderFiles(folder), FolderFiles(there))


def folder_in(archive: Path, device: str, epoch: int) -> Path:
    """Where an archive keeps the segments of one journal."""
    return archive / f"{device}-{epoch}"


def archive(folder: Path, to: Path, acknowledged: int) -> Archived:
    """Moves what may go from the journal in `folder` to the archive `to`. acknowledged: the journal's cursor.

    Raises JournalError: another one archives, the disk there is full, what lies there is of another journal.
    """
    with explained(folder):
        lock = locked(folder, folder / "archiving")
    try:
        source = FolderFiles(folder)
        with explained(folder):
            segments = Segments(source, summary_of)
            header = segments.header
            if header is None:
                raise DamagedError("it has no segment that was begun")
        going = _over(segments, acknowledged)
        there = folder_in(to, header.device, header.epoch)
        with explained(there):
            there.mkdir(mode=0o700, parents=True, exist_ok=True)
            copies = FolderFiles(there)
            before = Segments(copies, summary_of)
            if before.header and before.last < segments.first - 1:
                raise _does_not_follow(there, before.last, segments.first)
            for name in going:
                _copy(source, copies, name)
            kept = Segments(copies, summary_of)
            if going:
                _check(kept, segments, going)
                _check_beyond(source, copies, going[-1], {name for name, _ in segments.sealed()})
        with explained(folder):
            last = _remove(source, segments, going)
    finally:
        os.close(lock)
    gone = [seal for _, seal in segments.sealed() if seal.last <= last]
    return Archived(there, len(gone), segments.first if gone else 0, last)


def _remove(source: FolderFiles, segments: Segments, going: list[str]) -> int:
    """Removes these, oldest first, as far as the cursor still stands behind them; the last entry that went, 0: none."""
    seals, last = dict(segments.sealed()), 0
    for name in going:
        if Cursor(source).acknowledged < seals[name].last:
            break  # the collector was restored meanwhile: this is to be sent again
        source.remove(name)
        last = seals[name].last
    return last


def _over(segments: Segments, acknowledged: int) -> list[str]:
    now, names = segments.summary.trusted_at, []
    for name, seal in segments.sealed():
        if not is_over(seal.last, seal.summary, acknowledged, now):
            break
        names.append(name)
    return names


def _copy(source: SegmentFiles, copies: FolderFiles, name: str) -> None:
    """Durably, and with nothing left in memory from which it could be read back instead of from the disk."""
    content = source.read(name, 0, SEGMENT_SIZE)
    if name in copies.names() and copies.read(name, 0, SEGMENT_SIZE) != content:
        raise JournalError(
            copies.folder / name,
            Text("is another segment of that name", "同名的另一分段"),
            Text("Give another --to: nothing in an archive is overwritten", "请另选 --to：归档内容不会被覆盖"),
        )
    copies.replace(name, content)
    copies.forget(name)
    if copies.read(name, 0, SEGMENT_SIZE) != content:
        raise DamagedError(f"the copy of {name} is not what was written")


def _check(kept: Segments, segments: Segments, going: list[str]) -> None:
    """The copies hang together with each other, with what was archived before, and with what stays."""
    last = dict(segments.sealed())[going[-1]].last
    if kept.last < last or kept.hash_of(last) != segments.hash_of(last):
        raise DamagedError(_ASTRAY)
    kept.verify(max(segments.first, kept.first) - 1)


def _check_beyond(source: SegmentFiles, copies: SegmentFiles, last: str, sealed: set[str]) -> None:
    """What lies in the archive beyond that segment was copied once and stayed here: it is still the same."""
    for name in (name for name in copies.names() if name.endswith(".seg") and name > last):
        if name not in sealed or source.read(name, 0, SEGMENT_SIZE) != copies.read(name, 0, SEGMENT_SIZE):
            raise DamagedError(_ASTRAY)


def _does_not_follow(there: Path, last: int, first: int) -> JournalError:
    return JournalError(
        there,
        Text(f"ends with record {last}, the journal begins with {first}", f"止于记录 {last}，而日志从 {first} 开始"),
        Text("Give another --to: what is between was removed by age or size", "请另选 --to：其间的记录已删除"),
    )
