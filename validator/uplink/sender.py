"""The thread that empties the journal into the uplink whenever it can, for as many days as it takes.

Rules:

- The first exchange after a start comes at a random moment within the policy's spread, so that a depot that powers up
  its buses at once does not come at once; an entry appended meanwhile waits no longer than any other.
- A batch goes when enough entries wait or the oldest has waited long enough; a backlog goes at once, batch by batch.
- The cursor moves only on an answer, and only as far as this journal reaches: a collector that claims more than exists
  is not believed. It moves back when the collector has less than it once had (restored from a backup).
- A collector that has less than it once had is sent the rest at once. After a failure, or an answer that covers less
  than was sent in the right place, it waits: each time up to twice as long, and a random part of that, so that a fleet
  does not come back in step. `Retry-After` is a lower bound.
- When idle it asks now and then how far the collector is, so that a restored one is noticed without a tap.
- Nothing here stops the device: failures are told, once each, and the records wait. A failure that nobody foresaw is
  one too; what ends the thread all the same begins anew (`look`).
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from yima.validator.errors import BatchTooLargeError, CollectorBusyError, JournalError, UplinkError, YimaError
from yima.validator.guarding.guards import trouble
from yima.validator.guarding.watched import ThreadState, Watched
from yima.validator.ports import Outbox, Uplink
from yima.validator.texts import Text
from yima.validator.uplink.batches import fitting

WAIT_MIN_S = 0.5
WAIT_MAX_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPolicy:
    """When a batch goes. count: entries; age_s: how long the oldest may wait; check_in_s: between idle questions;
    spread_s: within how long after a start the first exchange comes."""

    count: int = 100
    age_s: float = 5.0
    check_in_s: float = 300.0
    spread_s: float = 0.0


def waiting_s(failures: int, roll: float) -> float:
    """Seconds to wait after the n-th failure in a row (from 1); roll: a random number in [0, 1)."""
    ceiling = min(WAIT_MAX_S, WAIT_MIN_S * 2.0 ** min(failures, 16))
    return WAIT_MIN_S + roll * (ceiling - WAIT_MIN_S)


def first_at(begun: float, roll: float, policy: BatchPolicy, oldest: float | None) -> float:
    """When the first exchange after a start comes; oldest: since when an entry waits that was appended meanwhile. All
    by one clock, in seconds."""
    moment = begun + roll * policy.spread_s
    return moment if oldest is None else min(moment, oldest + policy.age_s)


class Sender:
    """Sends `journal` through `uplink` on a thread of its own between `start` and `stop`; closes the uplink at the end.

    on_trouble is told an error once until it changes, on_recovered that it works again after such a trouble, on_answer
    each answer that moved the cursor (acknowledged, rejected). All are called on this thread.
    now gives unix seconds for the quarantine's note; roll a random number in [0, 1), which spreads a fleet.
    """

    def __init__(
        self,
        *,
        journal: Outbox,
        uplink: Uplink,
        policy: BatchPolicy,
        now: Callable[[], int],
        on_trouble: Callable[[YimaError], None],
        on_recovered: Callable[[], None],
        on_answer: Callable[[int, dict[int, str]], None],
        roll: Callable[[], float] = random.random,
    ) -> None:
        self._journal = journal
        self._uplink = uplink
        self._policy = policy
        self._now = now
        self._on_trouble = on_trouble
        self._on_recovered = on_recovered
        self._on_answer, self._roll = on_answer, roll
        self._wake = threading.Condition()
        self._stop_by: float | None = None
        self._oldest: float | None = None  # since when the oldest entry that waits has waited
        self._count = policy.count
        self._failures = 0
        self._told = ""
        self._thread = Watched("yima-uplink", self._run, on_trouble=on_trouble)

    def start(self) -> None:
        """Begins with what waits from last time, or by asking how far the collector is."""
        self._oldest = None  # what the start itself has written waits for the spread too
        self._thread.start()

    @property
    def thread(self) -> ThreadState:
        """How its thread stands."""
        return self._thread.state

    def look(self) -> None:
        """Begins the thread again if it has died; returns at once."""
        self._thread.look()

    def appended(self) -> None:
        """An entry was appended; returns at once."""
        with self._wake:
            if self._oldest is None:
                self._oldest = time.monotonic()
            self._wake.notify()

    def stop(self, within_s: float) -> None:
        """Sends what still waits, for at most within_s; then the records wait for the next start."""
        with self._wake:
            if self._stop_by is not None:
                return
            self._stop_by = time.monotonic() + within_s
            self._wake.notify()
        if self._thread.join(within_s):
            self._uplink.close()

    def _run(self) -> None:
        has_asked = self._awaited()
        if has_asked:
            pause = self._exchange()
            while self._sleep(pause):
                pause = self._exchange()
        self._failures = 0
        try:
            while self._failures == 0 and self._time_left() and (self._waiting() or not has_asked):
                self._exchange()
                has_asked = True
        except JournalError as error:
            self._tell(error)

    def _time_left(self) -> bool:
        return self._stop_by is None or time.monotonic() < self._stop_by

    def _waiting(self) -> int:
        return self._journal.last_sequence() - self._journal.acknowledged()

    def _awaited(self) -> bool:
        """Waits for this device's moment after the start, or for an entry that is due; False: it is time to stop."""
        begun, roll = time.monotonic(), self._roll()
        with self._wake:
            while self._stop_by is None:
                now = time.monotonic()
                due = first_at(begun, roll, self._policy, self._oldest)
                if now >= due:
                    return True
                self._wake.wait(due - now)
        return False

    def _sleep(self, pause: float) -> bool:
        """Waits for the pause, then until a batch or a question is due; False: it is time to stop."""
        begun = time.monotonic()
        with self._wake:
            while self._stop_by is None:
                now = time.monotonic()
                due = max(begun + pause, min(begun + self._policy.check_in_s, self._due(now)))
                if now >= due:
                    return True
                self._wake.wait(due - now)
        return False

    def _due(self, now: float) -> float:
        """When the entries that wait should go, by the monotonic clock."""
        if self._failures:
            return now
        try:
            waiting = self._waiting()
        except JournalError:
            return now  # the exchange will meet it too, tell it, and wait
        if waiting == 0:
            self._oldest = None
            return float("inf")
        if waiting >= self._count:
            return now
        if self._oldest is None:
            self._oldest = now
        return self._oldest + self._policy.age_s

    def _exchange(self) -> float:
        """Sends one batch and takes the answer; returns the seconds to wait before the next."""
        with self._wake:
            self._oldest = None
        try:
            before = self._journal.acknowledged()
            entries = fitting(self._journal.pending(self._count))
            through, rejected = self._send(entries)
            sent_to = entries[-1].key.sequence if entries else before
            # What the collector has beyond this batch was sent before; it will say so again when that is sent again.
            reached = min(through, sent_to)
            if entries or reached < sent_to:
                self._journal.acknowledge(reached, rejected, at=self._now())
        except (UplinkError, JournalError) as error:
            return self._failed(error)
        except Exception as error:
            return self._failed(trouble(UplinkError, "uplink", error))
        if entries or reached < sent_to:
            self._on_answer(reached, rejected)
        if self._told:
            self._told = ""
            self._on_recovered()
        if before <= reached < sent_to:
            return self._pause()
        self._failures = 0
        return 0.0

    def _send(self, entries: Sequence[Any]) -> tuple[int, dict[int, str]]:
        through, rejected = self._uplink.send(entries)
        if through > self._journal.last_sequence():
            raise _from_another_time(through, self._journal)
        return through, rejected

    def _pause(self) -> float:
        self._failures += 1
        return waiting_s(self._failures, self._roll())

    def _failed(self, error: YimaError) -> float:
        pause = self._pause()
        if isinstance(error, CollectorBusyError) and error.retry_after_s is not None:
            pause = max(pause, error.retry_after_s)
        if isinstance(error, BatchTooLargeError) and self._count > 1:
            self._count //= 2
            pause = 0.0
        self._tell(error)
        return pause

    def _tell(self, error: YimaError) -> None:
        # After the end nobody listens: a journal closed while the last answer was on its way is no trouble, since the
        # same entries will be sent again.
        if self._time_left() and str(error) != self._told:
            self._told = str(error)
            self._on_trouble(error)


def _from_another_time(through: int, journal: Outbox) -> UplinkError:
    return UplinkError(
        f"{journal.device} {journal.epoch}",
        Text(
            f"the collector says it has record {through}, this journal ends at {journal.last_sequence()}",
            f"采集端称已有记录 {through}，而本日志止于 {journal.last_sequence()}",
        ),
        Text(
            "This journal is an older copy, or the collector is wrong: move the journal away and start a new epoch",
            "本日志是旧副本，或采集端有误：请移走日志，开始新的纪元",
        ),
    )
