"""One process writes a journal: a lock that the kernel releases when that process dies, with its number in it."""

import fcntl
import os
from pathlib import Path

from yima.validator.errors import JournalError
from yima.validator.texts import Text


def locked(folder: Path, lock: Path) -> int:
    """A descriptor that holds the lock until it is closed.

    folder: of what, for the message. Raises JournalError if it is held, OSError.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "?"
        os.close(descriptor)
        raise JournalError(
            folder,
            Text(f"in use by process {holder}", f"正被进程 {holder} 使用"),
            Text(
                "One process writes one journal: stop that one, or give this one another --state",
                "一份日志只能由一个进程写入：请停止该进程，或另选 --state",
            ),
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor
