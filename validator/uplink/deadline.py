"""The time an exchange has as a whole: when it is up, the exchange is cut, whatever it waits for.

One lasting thread does this for all exchanges of an uplink: an exchange needs no thread of its own, so a machine that
has none to give at that moment does not lose its uplink for good.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from yima.validator.errors import YimaError
from yima.validator.guarding.watched import Standing, Watched


class Deadline:
    """Calls `cut`, on its own thread, when an exchange has not ended in time."""

    def __init__(self, cut: Callable[[], None]) -> None:
        self._cut = cut
        self._changed = threading.Condition()
        self._by: float | None = None
        self._over = False
        self._trouble: YimaError | None = None
        self._thread = Watched("yima-deadline", self._run, on_trouble=self._note)

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """An exchange that may take so long. Raises ThreadError where nobody could end it."""
        self._thread.start()
        self._thread.look()
        if self._thread.state.standing is not Standing.RUNNING and self._trouble:
            raise self._trouble
        self._set(time.monotonic() + seconds)
        try:
            yield
        finally:
            self._set(None)

    def close(self) -> None:
        """Ends the thread."""
        with self._changed:
            self._over = True
            self._changed.notify()

    def _set(self, by: float | None) -> None:
        with self._changed:
            self._by = by
            self._changed.notify()

    def _note(self, error: YimaError) -> None:
        self._trouble = error

    def _run(self) -> None:
        with self._changed:
            while not self._over:
                left = None if self._by is None else self._by - time.monotonic()
                if left is None or left > 0:
                    self._changed.wait(left)
                else:
                    self._by = None
                    self._cut()


class HttpDeadline:
    """A deadline for the exchanges of one httpx client, which has one connection at a time and passes `extensions`."""

    def __init__(self) -> None:
        self.was_cut = False
        """Whether the last exchange ran out of time."""
        self.extensions = {"trace": self._watch}
        self._stream: Any = None  # httpcore's, of the newest connection: the next exchange may go over it as well
        self._is_closed = False
        self._deadline = Deadline(self._cut)

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """See Deadline."""
        self.was_cut = False
        with self._deadline.within(seconds):
            yield

    def close(self) -> None:
        """Ends the thread and whatever waits. Also a connection that is being made: a client that is closed meanwhile
        knows nothing of it, so it would stay open and nobody would end what waits on it."""
        self._is_closed = True
        self._deadline.close()
        self._cut()

    def _watch(self, event: str, info: dict[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._stream = info["return_value"]
            if self.was_cut or self._is_closed:
                self._cut()

    def _cut(self) -> None:
        self.was_cut = True
        if self._stream is not None:
            with suppress(OSError):  # it may have ended by itself meanwhile
                self._stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
