"""The thread that looks after the journal between taps: room ahead of need, and what is old and acknowledged goes.

A tap then writes and flushes, and nothing else. What this thread cannot do (a full disk) is told before a tap meets it.
"""

import threading
from collections.abc import Callable

from yima.validator.errors import JournalError, YimaError
from yima.validator.guarding.watched import ThreadState, Watched

CARE_S = 5.0  # a segment takes about 2000 taps
STOP_WITHIN_S = 10.0  # what is under way is durable or not there: nothing needs to be waited for any longer


class Caretaker:
    """Calls `care` at once and then every few seconds, between `start` and `stop`.

    on_trouble is told an error once until it changes, on_recovered when it is over; both on this thread.
    """

    def __init__(
        self,
        care: Callable[[], None],
        *,
        on_trouble: Callable[[YimaError], None],
        on_recovered: Callable[[], None],
        every_s: float = CARE_S,
    ) -> None:
        self._care = care
        self._on_trouble = on_trouble
        self._on_recovered = on_recovered
        self._every_s = every_s
        self._stop = threading.Event()
        self._told = ""
        self._thread = Watched("yima-journal", self._run, on_trouble=on_trouble)

    def start(self) -> None:
        """The first time before it returns: the first tap finds room made."""
        self._once()
        self._thread.start()

    def stop(self) -> None:
        """Waits for what is under way; may be called again, and without a start."""
        self._stop.set()
        self._thread.join(STOP_WITHIN_S)

    @property
    def thread(self) -> ThreadState:
        """How its thread stands."""
        return self._thread.state

    def look(self) -> None:
        """Begins the thread again if it has died; returns at once."""
        self._thread.look()

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self._once()

    def _once(self) -> None:
        try:
            self._care()
        except JournalError as error:
            if str(error) != self._told:
                self._told = str(error)
                self._on_trouble(error)
        else:
            if self._told:
                self._told = ""
                self._on_recovered()
