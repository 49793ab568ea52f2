"""One process writes a journal, and a second one is told which."""

from pathlib import Path

from yima.validator.errors import JournalError
from yima.validator.system.locks import HeldError, hold
from yima.validator.texts import Text


def locked(folder: Path, lock: Path) -> int:
    """A descriptor that holds the lock until it is closed.

    folder: of what, for the message. Raises JournalError if it is held, OSError.
    """
    try:
        return hold(lock)
    except HeldError as held:
        raise JournalError(
            folder,
            Text(f"in use by process {held.holder}", f"正被进程 {held.holder} 使用"),
            Text(
                "One process writes one journal: stop that one, or give this one another --state",
                "一份日志只能由一个进程写入：请停止该进程，或另选 --state",
            ),
        ) from None
