"""Where segments lie: a port of eight calls, so that tests can cut the power at each of them and inside.

What a disk promises, and the journal builds on no more:
- `make` returns when the file, all zeros, and its name are durable.
- `write` alone promises nothing: after a power cut any part of it may be there or not.
- `flush` returns when everything written to the file is durable.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Protocol


class SegmentFiles(Protocol):
    """A folder of files of fixed size. Every call raises OSError when it fails."""

    def names(self) -> list[str]:
        """The files there are."""

    def make(self, name: str, size: int) -> None:
        """A new file of zeros, durable with its name; where there is no room for it, nothing is left behind."""

    def read(self, name: str, at: int, size: int) -> bytes:
        """What lies there, shorter at the end of the file."""

    def write(self, name: str, at: int, data: bytes) -> None:
        """Puts bytes over what lies there."""

    def flush(self, name: str) -> None:
        """Returns when everything written to the file is durable."""

    def remove(self, name: str) -> None:
        """Takes a file away, durably."""

    def replace(self, name: str, content: bytes) -> None:
        """The whole file, durably, or everything stays as it was."""

    def close(self) -> None:
        """Ends the use of the files."""


class FolderFiles:
    """A folder (0700) of files that only their owner may read. Of each kind the file written last stays open.

    Zeros are really written when a file is made: later writes then change no more than the bytes themselves, so one
    flush of one file is all that stands between a tap and its gate.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._prefix = f"{folder}{os.sep}"
        self._open: dict[str, int] = {}

    def names(self) -> list[str]:
        """See SegmentFiles."""
        return sorted(os.listdir(self._prefix))  # noqa: PTH208 - a thousand names, and nothing else is asked of them

    def make(self, name: str, size: int) -> None:
        """See SegmentFiles."""
        unfinished = self.folder / f"{name}.new"
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            try:
                _write_all(descriptor, bytes(size), 0)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            unfinished.rename(self.folder / name)
        except OSError:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise
        self._sync_names()

    def read(self, name: str, at: int, size: int) -> bytes:
        """See SegmentFiles."""
        descriptor = os.open(self._prefix + name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return os.pread(descriptor, size, at)
        finally:
            os.close(descriptor)

    def write(self, name: str, at: int, data: bytes) -> None:
        """See SegmentFiles."""
        _write_all(self._descriptor(name), data, at)

    def flush(self, name: str) -> None:
        """See SegmentFiles."""
        os.fdatasync(self._descriptor(name))

    def remove(self, name: str) -> None:
        """See SegmentFiles."""
        (self.folder / name).unlink()
        self._sync_names()

    def replace(self, name: str, content: bytes) -> None:
        """See SegmentFiles."""
        write_whole(self.folder / name, content)

    def forget(self, name: str) -> None:
        """What of a flushed file is in the system's memory is dropped: the next read asks the disk."""
        descriptor = os.open(self.folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """See SegmentFiles."""
        while self._open:
            os.close(self._open.popitem()[1])

    def _descriptor(self, name: str) -> int:
        if name not in self._open:
            descriptor = os.open(self.folder / name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            for other in list(self._open):  # another thread may be at files of the other kind
                if Path(other).suffix == Path(name).suffix:
                    os.close(self._open.pop(other))
            self._open[name] = descriptor
        return self._open[name]

    def _sync_names(self) -> None:
        _sync_folder(self.folder)


def write_whole(path: Path, content: bytes) -> None:
    """Puts a private file (0600) in place, all of it and durably, or leaves things as they were. Raises OSError.

    What lies where it is prepared is taken away first and never followed: somebody may have put a link there.
    """
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    finally:
        fresh.unlink(missing_ok=True)
    _sync_folder(path.absolute().parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes, at: int) -> None:
    done = 0
    while done < len(data):
        done += os.pwrite(descriptor, data[done:], at + done)
