"""Where segments lie: a port of eight calls, so that tests can cut the power at each of them and inside.

What a disk promises, and the journal builds on no more:
- `make` returns when the file, all zeros, and its name are durable.
- `write` alone promises nothing: after a power cut any part of it may be there or not.
- `flush` returns when everything written to the file is durable.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from yima.validator.system import disk

_READING: Final = os.O_RDONLY | disk.NO_LINKS | disk.BINARY


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
        descriptor = disk.create(unfinished)
        try:
            try:
                disk.write_at(descriptor, bytes(size), 0)
                disk.flush(descriptor)
            finally:
                os.close(descriptor)
            disk.replace(unfinished, self.folder / name)
        except OSError:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise
        disk.flush_folder(self.folder)

    def read(self, name: str, at: int, size: int) -> bytes:
        """See SegmentFiles."""
        descriptor = os.open(self._prefix + name, _READING)
        try:
            return disk.read_at(descriptor, size, at)
        finally:
            os.close(descriptor)

    def write(self, name: str, at: int, data: bytes) -> None:
        """See SegmentFiles."""
        disk.write_at(self._descriptor(name), data, at)

    def flush(self, name: str) -> None:
        """See SegmentFiles."""
        disk.flush_data(self._descriptor(name))

    def remove(self, name: str) -> None:
        """See SegmentFiles."""
        if (held := self._open.pop(name, None)) is not None:
            os.close(held)
        disk.remove(self.folder / name)
        disk.flush_folder(self.folder)

    def replace(self, name: str, content: bytes) -> None:
        """See SegmentFiles."""
        disk.write_whole(self.folder / name, content)

    def forget(self, name: str) -> None:
        """What of a flushed file is in the system's memory is dropped, where that can be had: a read asks the disk."""
        descriptor = os.open(self.folder / name, _READING)
        try:
            disk.forget(descriptor)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """See SegmentFiles."""
        while self._open:
            os.close(self._open.popitem()[1])

    def _descriptor(self, name: str) -> int:
        if name not in self._open:
            descriptor = os.open(self.folder / name, os.O_RDWR | disk.NO_LINKS | disk.BINARY)
            for other in list(self._open):  # another thread may be at files of the other kind
                if Path(other).suffix == Path(name).suffix:
                    os.close(self._open.pop(other))
            self._open[name] = descriptor
        return self._open[name]
