"""Files that are on stable storage when we say so, on every system.

What differs between systems:
- Linux flushes a file's data alone (fdatasync). On macOS, fsync leaves data in the drive's own memory, and F_FULLFSYNC
  does not. Windows flushes (FlushFileBuffers) what is open for writing only.
- A folder can be flushed on POSIX. Windows has no such call: NTFS keeps its own journal of names.
- Windows reads and writes text unless it is told O_BINARY, knows no pread and pwrite, and neither replaces nor removes
  a file that somebody has open or mapped; a scanner for viruses is such a somebody, for a moment.
"""

import mmap
import os
import time
from collections.abc import Callable
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

try:
    import fcntl
except ModuleNotFoundError:
    fcntl = None  # type: ignore[assignment]

NO_LINKS: Final[int] = getattr(os, "O_NOFOLLOW", 0)
"""For os.open: what lies there is refused if it is a link."""
BINARY: Final[int] = getattr(os, "O_BINARY", 0)
"""For os.open: bytes stay as they are."""

_FOLDER: Final[int | None] = getattr(os, "O_DIRECTORY", None)
_RETRY_S: Final = (0.01, 0.05, 0.2, 0.5)  # how long a file that somebody has open is waited for


def create(path: Path, mode: int = 0o600) -> int:
    """A new file, open for writing; but for `mode` only its owner may read it. Raises OSError, also if something is
    there."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINKS | BINARY, mode)


def _flush_all(descriptor: int) -> None:
    full: int | None = getattr(fcntl, "F_FULLFSYNC", None)
    if full is not None:
        with suppress(OSError):  # a share on the network may not know it
            fcntl.fcntl(descriptor, full)
            return
    os.fsync(descriptor)


flush_data: Final[Callable[[int], None]] = getattr(os, "fdatasync", _flush_all)
"""Returns when what was written to the descriptor is durable; its time stamps need not be. Raises OSError."""
flush: Final[Callable[[int], None]] = _flush_all
"""Returns when the descriptor's file is durable, whole. Raises OSError."""


def flush_file(path: Path) -> None:
    """Returns when the file's content is durable. Raises OSError."""
    descriptor = os.open(path, (os.O_RDONLY if _FOLDER is not None else os.O_RDWR) | BINARY)
    try:
        flush(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(folder: Path) -> None:
    """Returns when the names in the folder are durable, as far as the system lets us ask for it. Raises OSError."""
    if _FOLDER is None:
        return
    descriptor = os.open(folder, os.O_RDONLY | _FOLDER)
    try:
        flush(descriptor)
    finally:
        os.close(descriptor)


def _read_at(descriptor: int, size: int, at: int) -> bytes:
    os.lseek(descriptor, at, os.SEEK_SET)
    return os.read(descriptor, size)


def _write_at(descriptor: int, data: bytes, at: int) -> int:
    os.lseek(descriptor, at, os.SEEK_SET)
    return os.write(descriptor, data)


read_at: Final[Callable[[int, int, int], bytes]] = getattr(os, "pread", _read_at)
"""(descriptor, size, at): the bytes there. One thread at a time, for the descriptor's place may move."""
_pwrite: Final[Callable[[int, bytes, int], int]] = getattr(os, "pwrite", _write_at)


def write_at(descriptor: int, data: bytes, at: int) -> None:
    """Puts all of the bytes there; one thread at a time. Raises OSError."""
    done = 0
    while done < len(data):
        done += _pwrite(descriptor, data[done:], at + done)


def replace(fresh: Path, path: Path) -> None:
    """Gives a file another's name in one step. Raises OSError."""
    _patiently(lambda: fresh.replace(path))


def remove(path: Path) -> None:
    """Takes a file away. Raises OSError."""
    _patiently(path.unlink)


def _patiently(act: Callable[[], Any]) -> None:
    for wait_s in () if _FOLDER is not None else _RETRY_S:
        with suppress(PermissionError):
            act()
            return
        time.sleep(wait_s)
    act()


def forget(descriptor: int) -> None:
    """What of a flushed file is in the system's memory is dropped, where that can be had: the next read asks the
    disk."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def content_of(file: BufferedReader) -> memoryview:
    """The whole file: in place where its name may then go, else read into memory. Raises OSError."""
    if os.fstat(file.fileno()).st_size == 0:  # which cannot be mapped
        return memoryview(b"")
    if _FOLDER is None:
        return memoryview(file.read())
    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def write_whole(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Puts a file in place, all of it and durably, or leaves things as they were; a private one unless another `mode`
    is given, of which the process's mask takes its part. Raises OSError.

    What lies where it is prepared is taken away first and never followed: somebody may have put a link there.
    """
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = create(fresh, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            flush(file.fileno())
        replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    flush_folder(path.absolute().parent)
