"""A thread that is looked after: what ends it is told, and it is begun again.

Rules it keeps:
- `look` never waits; whoever turns all the time (the loop of a tap) calls it.
- An exception ends the work, never the watching: it is told as trouble, once until something else goes wrong, and the
  work begins anew, after a pause that grows while it keeps dying. Work that returns has ended for good.
- A machine that has no thread to give just now is such trouble too.
"""

import threading
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple

from yima.validator.errors import YimaError
from yima.validator.shown import shown
from yima.validator.texts import Text

PAUSE_MIN_S: Final = 0.5
PAUSE_MAX_S: Final = 60.0


class Standing(StrEnum):
    """How a thread stands. DEAD: it is begun again when its pause is over."""

    IDLE = "idle"
    RUNNING = "running"
    DEAD = "dead"
    ENDED = "ended"


class ThreadState(NamedTuple):
    """A thread as it is seen from outside. restarts: how often it was begun again."""

    name: str
    standing: Standing
    restarts: int


class ThreadError(YimaError):
    """A thread that died or could not be begun; it is tried again."""


class Watched:
    """Does `work` on a daemon thread from `start` on. on_trouble is called on whichever thread notices."""

    def __init__(self, name: str, work: Callable[[], None], *, on_trouble: Callable[[YimaError], None]) -> None:
        self.name = name
        self._work = work
        self._on_trouble = on_trouble
        self._thread: threading.Thread | None = None
        self._standing = Standing.IDLE
        self._began = 0.0
        self._again_at = 0.0
        self._deaths = 0
        self._told = ""
        self.restarts = 0

    @property
    def state(self) -> ThreadState:
        """How it stands."""
        return ThreadState(self.name, self._standing, self.restarts)

    def start(self) -> None:
        """Begins; where there is no thread to be had, `look` tries again."""
        if self._standing is Standing.IDLE:
            self._begin()

    def look(self) -> None:
        """Begins again what has died, when its pause is over. Never waits."""
        alive = self._thread is not None and self._thread.is_alive()
        if self._standing is Standing.RUNNING and not alive:  # asked after `alive`: the end of the work sets it first
            self._died("it ended without a word")
        if self._standing is Standing.DEAD and time.monotonic() >= self._again_at:
            self.restarts += 1
            self._begin()

    def join(self, within_s: float) -> bool:
        """Waits for the work to return; whether it has. What is dead by now is not begun again."""
        if self._standing is Standing.RUNNING and self._thread is not None:
            self._thread.join(within_s)
        if self._standing in (Standing.IDLE, Standing.DEAD):
            self._standing = Standing.ENDED
        return self._standing is Standing.ENDED

    def _begin(self) -> None:
        thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread, self._standing, self._began = thread, Standing.RUNNING, time.monotonic()
        try:
            thread.start()
        except RuntimeError as error:
            self._died(str(error))

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:
            self._died(f"{type(error).__name__}: {error}")
        else:
            self._standing = Standing.ENDED

    def _died(self, why: str) -> None:
        now = time.monotonic()
        if now - self._began > PAUSE_MAX_S:
            self._deaths, self._told = 0, ""
        self._again_at = now + min(PAUSE_MAX_S, PAUSE_MIN_S * 2.0 ** min(self._deaths, 16))
        self._deaths += 1
        self._standing = Standing.DEAD
        if why != self._told:
            self._told = why
            says = shown(why, 200)
            self._on_trouble(
                ThreadError(
                    self.name,
                    Text(f"the thread cannot run ({says})", f"线程无法运行（{says}）"),
                    Text("It is begun again; if it comes back, report it", "将自动重启；若反复出现请报告"),
                )
            )
