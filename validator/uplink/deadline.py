"""The time an exchange has as a whole: when it is up, the exchange is cut, whatever it waits for.

One lasting thread does this for all exchanges of an uplink: an exchange needs no thread of its own, so a machine that
has none to give at that moment does not lose its uplink for good.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
