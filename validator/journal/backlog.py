"""What waits for the collector, as the loop of a tap must know it: how old the oldest entry is, and whether there is
room."""

import time

from yima.validator.errors import JournalError
from yima.validator.journal.glance import summary_of
from yima.validator.judging.loop import TapLoop
from yima.validator.ports import Journal

UNSENT_S = 1.0  # how often it is asked how long the oldest entry waits


class Backlog:
    """Looks at the journal's cursor between taps. A journal that cannot be read tells nothing: the next entry meets the
    same trouble, refuses the rider and tells it."""

    def __init__(self, journal: Journal, loop: TapLoop) -> None:
        self._journal, self._loop = journal, loop
        self._asked = float("-inf")
        self._fails = False
        self._cursor: int | None = None

    def look(self, offline_max_s: int) -> None:
        """offline_max_s: for how long the device may be without its collector; 0: any time, and nothing is asked."""
        if offline_max_s and time.monotonic() - self._asked >= UNSENT_S:
            self._asked = time.monotonic()
            self._loop.unsent(self._oldest())
        if self._fails:
            self._look_for_room()

    def failed(self) -> None:
        """The journal has not taken an entry."""
        if not self._fails:
            self._fails = True
            self._cursor = self._acknowledged()

    def works(self) -> bool:
        """The journal has taken an entry; whether that is news."""
        failed, self._fails = self._fails, False
        return failed

    def _look_for_room(self) -> None:
        """What the collector has taken makes room, so riders may try again though nothing was recorded since."""
        cursor = self._acknowledged()
        if cursor is not None and cursor != self._cursor:
            self._cursor = cursor
            self._loop.eased()

    def _acknowledged(self) -> int | None:
        try:
            return self._journal.acknowledged()
        except JournalError:
            return None

    def _oldest(self) -> int:
        """When the oldest entry was made that no collector has; 0: there is none, or its time was not trusted."""
        try:
            waiting = self._journal.pending(1)
        except JournalError:
            return 0
        summary = summary_of(waiting[0].content) if waiting else None
        return summary.trusted_at if summary else 0
