"""A disk for the journal's segments whose power can be cut at each call and inside it."""

import errno
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

SECTOR = 512


class PowerCutError(Exception):
    """The device lost its power: nothing of the program runs on."""


@dataclass
class File:
    """durable: what the last flush left. now: what a program reads."""

    durable: bytes
    now: bytearray

    @property
    def unsure(self) -> list[int]:
        """Sectors whose new content may or may not have reached the disk."""
        sectors = range(0, len(self.now), SECTOR)
        return [at for at in sectors if self.now[at : at + SECTOR] != self.durable[at : at + SECTOR]]


@dataclass
class SegmentDisk:
    """The port SegmentFiles over memory. It loses its power in the middle of call `cut_at`, or fails there.

    It models that any sectors of what was not flushed may be there, and that a sector may be half written. It does not
    model a disk that lies about flushing, and bytes that rot.
    """

    cut_at: int | None = None
    fail_at: int | None = None
    errno: int = errno.EIO
    room: int | None = None
    calls: list[str] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)

    def names(self) -> list[str]:
        return sorted(self.files)

    def make(self, name: str, size: int) -> None:
        if self.room is not None and len(self.files) >= self.room:
            raise OSError(28, "No space left on device")
        self._call("make")
        self.files[name] = File(bytes(size), bytearray(size))

    def read(self, name: str, at: int, size: int) -> bytes:
        if name not in self.files:
            raise FileNotFoundError(2, "No such file or directory", name)
        return bytes(self.files[name].now[at : at + size])

    def write(self, name: str, at: int, data: bytes) -> None:
        self.files[name].now[at : at + len(data)] = data
        self._call("write")

    def flush(self, name: str) -> None:
        self._call("flush")
        self.files[name].durable = bytes(self.files[name].now)

    def remove(self, name: str) -> None:
        self._call("remove")
        del self.files[name]

    def replace(self, name: str, content: bytes) -> None:
        self._call("replace")
        self.files[name] = File(content, bytearray(content))

    def close(self) -> None:
        pass

    def after_cut(self, draw: random.Random) -> Iterator["SegmentDisk"]:
        """Disks that may be found: nothing, everything, and some drawn sets of sectors, torn ones among them."""

        def by_chance() -> int:
            return draw.choice((0, SECTOR, draw.randrange(SECTOR)))

        fates: list[Callable[[], int]] = [lambda: 0, lambda: SECTOR, *(by_chance,) * 6]
        for fate in fates:
            files = {}
            for name, file in self.files.items():
                found = bytearray(file.durable)
                for at in file.unsure:
                    kept = fate()
                    found[at : at + kept] = file.now[at : at + kept]
                files[name] = File(bytes(found), found)
            yield SegmentDisk(files=files)

    def _call(self, verb: str) -> None:
        number = len(self.calls)
        self.calls.append(verb)
        if number == self.cut_at:
            raise PowerCutError(f"in {verb}, call {number}")
        if number == self.fail_at:
            raise OSError(self.errno, os.strerror(self.errno))
