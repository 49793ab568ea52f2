"""Where packages lie: a port of six calls, so that tests can cut the power at each of them and inside.

What a disk promises, and the store builds on no more:
- `write` alone promises nothing: after a power cut the file may be missing, cut short, or hold anything.
- After `sync` the content is durable, but the name may not be.
- `rename` replaces a name in one step; before `sync_names` a power cut may undo it, and it and other changes of names
  may survive in any combination.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from yima.validator.system import disk

_PIECE = 4 << 20  # a big file goes out piece by piece: the journal on the same disk must never wait for all of it


class Storage(Protocol):
    """A flat place of named files. Every call raises OSError when it fails."""

    def names(self) -> Iterable[str]:
        """The files there are."""

    def read(self, name: str) -> memoryview:
        """The whole file, read in place; it stays readable after the name is gone."""

    def write(self, name: str, content: bytes | memoryview) -> None:
        """A new file of that name in place of any old one; what was read before stays as it was."""

    def sync(self, name: str) -> None:
        """Returns when the content of the file is durable."""

    def rename(self, name: str, to: str) -> None:
        """Gives the file another name, taking it from any other file."""

    def remove(self, name: str) -> None:
        """Takes the name away."""

    def sync_names(self) -> None:
        """Returns when all names are durable."""


class DirectoryStorage:
    """A directory (0700) with files that only their owner may read. Files are mapped, never changed in place."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def __str__(self) -> str:
        return str(self.directory)

    def names(self) -> Iterable[str]:
        """See Storage."""
        return [path.name for path in self.directory.iterdir() if path.is_file()]

    def read(self, name: str) -> memoryview:
        """See Storage."""
        with (self.directory / name).open("rb") as file:
            return disk.content_of(file)

    def write(self, name: str, content: bytes | memoryview) -> None:
        """See Storage."""
        path = self.directory / name
        path.unlink(missing_ok=True)
        descriptor = disk.create(path)
        with os.fdopen(descriptor, "wb") as file:
            for start in range(0, len(content), _PIECE):
                file.write(content[start : start + _PIECE])
                if len(content) > _PIECE:
                    file.flush()
                    disk.flush_data(descriptor)

    def sync(self, name: str) -> None:
        """See Storage."""
        disk.flush_file(self.directory / name)

    def rename(self, name: str, to: str) -> None:
        """See Storage."""
        disk.replace(self.directory / name, self.directory / to)

    def remove(self, name: str) -> None:
        """See Storage."""
        disk.remove(self.directory / name)

    def sync_names(self) -> None:
        """See Storage."""
        disk.flush_folder(self.directory)
