"""What waits for the collector, as the loop of a tap must know it: for how long at least, and whether there is room.

An entry whose time was not trusted does not tell for how long it has waited: a device that starts without a clock makes
one each time. Those behind it have waited for less, so the first of them whose time was trusted answers.
"""

import time

from yima.validator.errors import JournalError
from yima.validator.journal.glance import summary_of
from yima.validator.judging.loop import TapLoop
from yima.validator.ports import Journal

UNSENT_S = 1.0  # how often it is asked how long the oldest entry waits
LOOKED_AT = 64  # so many entries at most are read between two taps


class Backlog:
    """Looks at the journal's cursor between taps. A journal that cannot be read tells nothing: the next entry meets the
    same trouble, refuses the rider and tells it."""

    def __init__(self, journal: Journal, loop: TapLoop) -> None:
        self._journal, self._loop = journal, loop
        self._asked = float("-inf")
        self._fails = False
        self._cursor: int | None = None
        self._behind = 0  # the cursor when the oldest was last asked for
        self._through = 0  # no entry from there to this one has a trusted time
        self._oldest_at = 0  # of the entry behind that

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
        """When the oldest entry of a trusted time was made that no collector has; 0: there is none, as far as known."""
        try:
            cursor = self._journal.acknowledged()
            if not self._behind <= cursor <= self._through:
                self._through, self._oldest_at = cursor, 0
            self._behind = cursor
            waiting = [] if self._oldest_at else self._journal.entries(self._through, LOOKED_AT)
        except JournalError:
            return 0
        for entry in waiting:
            self._oldest_at = summary_of(entry.content).trusted_at
            if self._oldest_at:
                break
            self._through = entry.key.sequence
        return self._oldest_at
