"""One process has a board's flash file: a board that runs writes into it, and the factory puts another in its place.

Two at once would write over each other's log without a word. The lock lies beside the file, as the file itself is
replaced; the system releases it when its process dies.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yima.hwsim.board.errors import BoardError
from yima.validator.system.locks import HeldError, hold
from yima.validator.texts import Text


@contextmanager
def alone_with(flash: Path) -> Iterator[None]:
    """Nobody else has the file meanwhile. Raises BoardError where somebody has it, OSError."""
    if not flash.parent.is_dir():  # there is no such flash, as whoever opens it says
        yield
        return
    try:
        lock = hold(flash.with_name(f"{flash.name}.lock"))
    except HeldError as held:
        raise BoardError(
            flash,
            Text(f"in use by process {held.holder}", f"正被进程 {held.holder} 使用"),
            Text("Power that board off, or give this one another --flash", "请先将该板断电，或为本板另选 --flash"),
        ) from None
    try:
        yield
    finally:
        os.close(lock)
