"""Locks that the system releases when their process dies: flock, or on Windows a locked byte of the file.

On Windows nobody else can read a byte that is locked. So the one that is locked lies far beyond the end of the file,
and whoever finds it locked can read in the file which process has it.
"""

import errno
import importlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from yima.validator.system.disk import BINARY, NO_LINKS

try:
    import fcntl

    _msvcrt: Any = None
except ModuleNotFoundError:
    _msvcrt = importlib.import_module("msvcrt")

_BYTE: Final = 1 << 30  # which one is locked
_AGAIN_S: Final = 0.05


class HeldError(Exception):
    """Another process holds the lock. holder: its number, `?` where it has not said."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


def hold(path: Path) -> int:
    """A descriptor that holds the lock until it is closed; the file says which process has it.

    Raises HeldError, OSError.
    """
    descriptor = _opened(path)
    try:
        holder = None if _taken(descriptor) else os.read(descriptor, 32).decode("ascii", "replace").strip() or "?"
        if holder is None:
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, f"{os.getpid()}\n".encode())
    except OSError:
        os.close(descriptor)
        raise
    if holder is not None:
        os.close(descriptor)
        raise HeldError(holder)
    return descriptor


def hold_device(path: str) -> int | None:
    """A descriptor that holds the lock on a device's node until it is closed; nothing is written there. None where the
    system has no such lock, or the node cannot be opened: whoever opens the device is told why.

    Raises HeldError.
    """
    if _msvcrt is not None:
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        is_ours = _taken(descriptor)
    except OSError:  # a driver that knows no locks
        is_ours = True
    if is_ours:
        return descriptor
    os.close(descriptor)
    raise HeldError("?")


@contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """Holds the lock, waiting for whoever has it. Raises OSError where the file cannot be made."""
    descriptor = _opened(path)
    try:
        while not _taken(descriptor):
            time.sleep(_AGAIN_S)
        yield
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | NO_LINKS | BINARY, 0o600)


def _taken(descriptor: int) -> bool:
    """Whether the lock is ours now; at once."""
    try:
        if _msvcrt is None:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            os.lseek(descriptor, _BYTE, os.SEEK_SET)
            _msvcrt.locking(descriptor, _msvcrt.LK_NBLCK, 1)
    except OSError as refused:
        if refused.errno not in {errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK}:
            raise
        os.lseek(descriptor, 0, os.SEEK_SET)
        return False
    return True
