"""Standard output as the system has it: how to write to it without waiting, and how with.

Only Linux opens a stream of ours once more, by /proc. A console of Windows takes text through Python's stream alone:
bytes that are written to its descriptor would be read in the console's own code page.
"""

import os
import select
import stat
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from io import FileIO
from typing import TextIO


def unblocking(descriptor: int) -> FileIO | None:
    """The same pipe or terminal, opened once more so that no write to it waits; None where that cannot be had."""
    if not hasattr(os, "O_NONBLOCK"):
        return None
    with suppress(OSError):
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode) or os.isatty(descriptor):
            flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY
            return FileIO(os.open(f"/proc/self/fd/{descriptor}", flags), "wb")
    return None


def waiting(out: TextIO, descriptor: int) -> Callable[[bytes], int]:
    """What writes some of the lines it is given to the stream, however long its reader takes, and says how many bytes
    those were; it raises OSError or ValueError."""
    if not hasattr(os, "O_NONBLOCK") and os.isatty(descriptor):
        return partial(_write_text, out)
    return partial(_write_bytes, descriptor)


def _write_text(out: TextIO, data: bytes) -> int:
    out.write(data.decode(out.encoding or "utf-8", "replace"))
    out.flush()
    return len(data)


def _write_bytes(descriptor: int, data: bytes) -> int:
    try:
        return os.write(descriptor, data)
    except BlockingIOError:  # somebody made the stream non-blocking
        select.select([], [descriptor], [])
        return 0
