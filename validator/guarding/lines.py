"""Lines of output that never hold up who writes them: a console, a log, a pipe that nobody reads.

Rules it keeps:
- `write` returns at once. On Linux a pipe or terminal gets the line there and then, as far as it has room: a descriptor
  of our own, on which nothing waits, takes it, so that what shares the stream with us notices nothing.
- The rest, and what goes elsewhere, a thread of the writer's own hands on. What waits is bounded, and what finds no
  room is dropped and counted. Where lines are missing a line says how many, as soon as there is room for it.
- Each line goes out whole and in order. What is in it commands no terminal (`shown`).
- Nothing waits at the end for a reader that does not read: `close` gives it a moment, and the process may go.
- A reader that went away is told once, by `on_broken`. A disk that is full is no such reader: lines wait and are
  dropped as before one that is slow, and it is tried again.
- A stream without a descriptor (one in memory) cannot block and is written to directly.
"""

import errno
import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from io import FileIO
from typing import Any, Final, TextIO

from yima.validator.shown import ESCAPED, shown, shown_json
from yima.validator.system import console
from yima.validator.texts import Text, say

WAITING_MAX: Final = 1 << 18
"""Bytes that may wait for a slow reader, about a thousand taps."""
CLOSE_WITHIN_S: Final = 2.0
_AGAIN_S: Final = 1.0
"""How long a stream that took nothing is left alone, unless another line comes."""
_GONE: Final = frozenset({errno.EPIPE, errno.EBADF, errno.ECONNRESET, errno.EINVAL})  # Windows says EINVAL of a pipe


def lost_as_line(count: int) -> str:
    """What is said of lines that were dropped, for people."""
    return say(
        Text(
            f"  ! {count} lines dropped: nobody read fast enough, or the disk was full",
            f"  ! 输出无人读取或磁盘已满，丢弃 {count} 行",
        ),
    )


def lost_as_json(count: int) -> str:
    """What is said of lines that were dropped, for programs."""
    return shown_json({"event": "lines_dropped", "count": count})


class LineWriter:
    """Writes lines from several threads to one stream.

    on_broken: called once, from any thread, when its reader is gone. lost: the line that tells of so many dropped ones.
    """

    def __init__(self, out: TextIO, *, on_broken: Callable[[], None] = lambda: None) -> None:
        self._out = out
        self._descriptor = _descriptor(out)
        self._direct = None if self._descriptor is None else console.unblocking(self._descriptor)
        self._is_terminal = self._descriptor is not None and os.isatty(self._descriptor)
        self.on_broken = on_broken
        self.lost: Callable[[int], str] = lost_as_line
        self.broken = False
        self.dropped = 0
        self._told = 0
        self._waiting: deque[bytes] = deque()
        self._size = 0  # of what waits or is under way
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        if self._descriptor is not None:
            with suppress(OSError):
                out.flush()  # what was printed before us goes first

    def write(self, text: str) -> None:
        """One line, or a few that belong together; returns at once."""
        line = "\n".join(map(shown, text.split("\n"))) + "\n"
        if self._descriptor is None:
            self._write_here(line)
            return
        data = self._encoded(line)
        with self._changed:
            if self.broken:
                return
            if self._size + len(data) > WAITING_MAX:
                self.dropped += 1
                return
            self._tell_lost()
            if not self._size and self._direct is not None:
                data = data[_written(self._direct, data) :]
                if not data:
                    return
            self._put(data)
            self._keep_running()

    def write_json(self, mapping: dict[str, Any]) -> None:
        """One JSON object on a line."""
        self.write(shown_json(mapping))

    def close(self, within_s: float = CLOSE_WITHIN_S) -> None:
        """Waits until what was written has gone out, but no longer than that; may be called again."""
        if self._descriptor is None:
            return
        with self._changed:
            self._tell_lost()
            self._keep_running()
            self._changed.wait_for(lambda: self.broken or self._size == 0, within_s)
            self._let_go()

    def _let_go(self) -> None:
        """Whoever reads sees the end when the stream is closed, not when we are gone."""
        if self._direct is not None:
            self._direct.close()
            self._direct = None

    def _tell_lost(self) -> None:
        if self.dropped > self._told:
            self._put(self._encoded(self.lost(self.dropped - self._told) + "\n"))
            self._told = self.dropped

    def _encoded(self, line: str) -> bytes:
        return line.encode(self._out.encoding or "utf-8", ESCAPED)

    def _put(self, data: bytes) -> None:
        self._waiting.append(data)
        self._size += len(data)
        self._changed.notify_all()

    def _keep_running(self) -> None:
        """A thread that could not be started, or has died, is tried again with the next line."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="yima-lines", daemon=True)
            with suppress(RuntimeError):
                self._thread.start()

    def _run(self) -> None:
        lines, hand_on = b"", console.waiting(self._out, self._descriptor or 0)
        while not self.broken:
            with self._changed:
                self._size -= len(lines)  # what is under way still takes its room
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting)
                lines = b"".join(self._waiting)
                self._waiting.clear()
            self._hand_on(lines, hand_on)

    def _hand_on(self, left: bytes, write: Callable[[bytes], int]) -> None:
        while left and not self.broken:
            try:
                left = left[write(left) :]
            except (OSError, ValueError) as error:
                if self._tells_of_the_end(error):
                    self._break()
                    return
                with self._changed:
                    self._changed.wait(_AGAIN_S)

    def _tells_of_the_end(self, error: OSError | ValueError) -> bool:
        """A closed stream says ValueError, and a terminal that has hung up EIO, which of a disk is a fault."""
        if not isinstance(error, OSError) or error.errno in _GONE:
            return True
        return self._is_terminal and error.errno == errno.EIO

    def _write_here(self, line: str) -> None:
        with self._changed:
            if self.broken:
                return
            try:
                self._out.write(line)
                self._out.flush()
            except (OSError, ValueError):  # a closed stream says ValueError
                self._break()

    def _break(self) -> None:
        with self._changed:
            self.broken = True
            self._let_go()
            self._changed.notify_all()
        self.on_broken()


_SHARED: Final[dict[int, LineWriter]] = {}
"""One writer a stream of the process: whoever writes to one console keeps the order of its lines."""


def shared_writer(out: TextIO) -> LineWriter:
    """The writer of a stream of this process, the same for all who ask."""
    writer = _SHARED.get(id(out))
    if writer is None or writer._out is not out:
        if writer is not None:
            writer.close(0)
        writer = _SHARED[id(out)] = LineWriter(out)
    return writer


def close_shared(within_s: float = CLOSE_WITHIN_S) -> None:
    """At the end of the process: gives every shared writer a moment to hand on its last lines."""
    for writer in list(_SHARED.values()):
        writer.close(within_s)
    _SHARED.clear()


def _descriptor(out: TextIO) -> int | None:
    try:
        return out.fileno()
    except (OSError, ValueError, AttributeError):
        return None


def _written(direct: FileIO, data: bytes) -> int:
    """How much of it went out at once. What is wrong with the stream, the thread meets too, and tells."""
    try:
        return direct.write(data) or 0
    except OSError:
        return 0
