"""Batches on their way into the store: a bounded row, many devices' batches in one transaction, and a word when it is
too much.

Rules it keeps:

- What waits is bounded in batches, in bytes, and by the time that the store will take for it as it works now; beyond
  that a batch is turned away at once.
- A batch whose last bytes came LATE_S ago has waited for this process: it is turned away before it costs anything. So
  where a thousand come at once, as many are taken as can be, and all are answered soon.
- Bodies that arrive have room of their own. Where it is used up, the body that began first and is still not whole is
  given up: whoever sends without coming to an end drives out his own.
- While one transaction is synced to the disk the next one's batches gather: the more devices come at once, the fewer
  syncs a batch costs. Where only one comes, nothing waits for another.
- A batch that has waited for WITHIN_S is given up: it never reaches the store, and the device sends it again. Once it
  is in a transaction it is stored, whoever hears the answer.
- A store that fails fails all the batches of that transaction; none of them is acknowledged. A batch with which nobody
  reckoned fails alone: the others are stored without it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import anyio
import anyio.to_thread

from yima.sdk.centre.collector.arrivals import Answer, Arrival, KeyRefusedError, Ledger
from yima.sdk.centre.collector.schema import StoreError

WAITING_MOST = 256
"""Batches that may wait for the store."""
BYTES_MOST = 64 << 20
"""Bytes of bodies that wait for the store."""
ARRIVING_MOST = 16 << 20
"""Bytes of bodies that are not whole yet."""
GROUP_MOST = 500
"""Entries after which a transaction takes no further batch."""
WAIT_MOST_S = 0.8
"""Seconds that what waits may take the store, by how fast it is."""
LATE_S = 0.4
"""Seconds from the last bytes of a batch to the look at it."""
PACE_S = 0.00025
"""An entry's time until the first were stored."""
A_BATCH = 2
"""How many entries' time a batch itself takes."""
ALWAYS = 8
"""Batches that may wait whatever the store has taken for those before."""
WITHIN_S = 10.0
"""Seconds after which a batch that waits is given up: a device gives up at 15."""
TRY_AFTER_S = 2.0
"""Seconds for which it is believed that a store can be written, or not."""


class BusyError(Exception):
    """More batches than the store takes: come again later."""


class GivenUpError(BusyError):
    """A body that others' took the room of."""


class Body:
    """The bytes of one body, while they are in memory. limit: the time that its arrival has."""

    def __init__(self, intake: "Intake") -> None:
        self._intake = intake
        self.size = 0
        self.limit: asyncio.Timeout | None = None
        self.is_given_up = False
        self._has_arrived = False

    def grow(self, count: int) -> None:
        """So many bytes more have come. Raises BusyError when there is no room for them."""
        self.size += count
        self._intake.grown(self, count)

    def is_whole(self) -> None:
        """It waits for the store from here on."""
        self._has_arrived = True
        self._intake.arrived(self)

    def give_up(self) -> None:
        """Its arrival ends now."""
        self.is_given_up = True
        if self.limit is not None:
            self.limit.reschedule(asyncio.get_running_loop().time())

    def __enter__(self) -> "Body":
        return self

    def __exit__(self, *_: object) -> None:
        self._intake.left(self, has_arrived=self._has_arrived)


@dataclass(slots=True, kw_only=True)
class _Waiting:
    arrival: Arrival
    answer: asyncio.Future[Answer | KeyRefusedError]
    since: float = field(default_factory=time.monotonic)


class Depth(NamedTuple):
    """What waits for the store: batches, bytes in memory, and for how many seconds the oldest batch has waited."""

    batches: int
    bytes: int
    oldest_s: float


class Intake:
    """The row before one store; one event loop's. enrolled: the keys that count when a transaction begins, None: the
    first key that a device shows is its key."""

    def __init__(self, store: Ledger, enrolled: Callable[[], Mapping[str, str] | None]) -> None:
        self._store = store
        self._enrolled = enrolled
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._arriving: dict[Body, None] = {}
        self._arriving_bytes = 0
        self._work_waiting = 0  # in entries' time
        self._pace_s = PACE_S
        self._work: asyncio.Task[None] | None = None
        self._one_writer = anyio.CapacityLimiter(1)
        self._stored_at = self._tried_at = -TRY_AFTER_S
        self._trouble: StoreError | None = None

    def check_room(self) -> None:
        """Raises BusyError when a batch that begins to arrive now would not be taken."""
        count = len(self._waiting)
        if count >= WAITING_MOST or self._bytes >= BYTES_MOST:
            raise BusyError
        if count >= ALWAYS and self._work_waiting * self._pace_s > WAIT_MOST_S:
            raise BusyError

    def check_late(self, late_s: float) -> None:
        """Raises BusyError when a batch that has been here for so long would be answered too late."""
        if late_s > LATE_S:
            raise BusyError

    async def check_ready(self) -> None:
        """Raises BusyError or StoreError when a batch would not be stored now. The store is tried only when nothing
        was stored of late, and not more often than every TRY_AFTER_S."""
        self.check_room()
        now = time.monotonic()
        if now - self._stored_at < TRY_AFTER_S:
            return
        if now - self._tried_at >= TRY_AFTER_S:
            self._tried_at = now
            try:
                await anyio.to_thread.run_sync(self._store.check_writable, limiter=self._one_writer)
                self._trouble = None
            except StoreError as error:
                self._trouble = error
        if self._trouble is not None:
            raise self._trouble

    def depth(self) -> Depth:
        """What waits now."""
        oldest = time.monotonic() - self._waiting[0].since if self._waiting else 0.0
        return Depth(len(self._waiting), self._bytes + self._arriving_bytes, oldest)

    def body(self) -> Body:
        """One that begins to arrive; a context."""
        return Body(self)

    def grown(self, body: Body, count: int) -> None:
        """Of one that arrives. Raises BusyError when there is no room for it."""
        self._arriving[body] = None
        self._arriving_bytes += count
        while self._arriving_bytes > ARRIVING_MOST:
            oldest = next(iter(self._arriving))
            self._forget(oldest)
            if oldest is body:
                raise BusyError
            oldest.give_up()

    def arrived(self, body: Body) -> None:
        """It is whole."""
        self._forget(body)
        self._bytes += body.size

    def left(self, body: Body, *, has_arrived: bool) -> None:
        """Its bytes are no longer held."""
        self._forget(body)
        if has_arrived:
            self._bytes -= body.size

    def _forget(self, body: Body) -> None:
        if body in self._arriving:
            del self._arriving[body]
            self._arriving_bytes -= body.size

    async def take(self, arrival: Arrival) -> Answer:
        """The store's answer. Raises KeyRefusedError, StoreError, and BusyError when it was not stored in time."""
        self.check_room()
        answer: asyncio.Future[Answer | KeyRefusedError] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(arrival=arrival, answer=answer))
        self._work_waiting += _work(arrival)
        if self._work is None:
            self._work = asyncio.create_task(self._store_all())
        over = asyncio.get_running_loop().call_later(WITHIN_S, _give_up, answer)  # a third of what a timeout costs
        try:
            found = await answer
        finally:
            over.cancel()
        if isinstance(found, KeyRefusedError):
            raise found
        return found

    async def _store_all(self) -> None:
        """Transaction by transaction, until nothing waits."""
        try:
            while group := self._next_group():
                await self._store_group(group)
        finally:
            self._work = None

    async def _store_group(self, group: Sequence[_Waiting]) -> None:
        arrivals = [one.arrival for one in group]
        begun = time.monotonic()
        try:
            answers = await anyio.to_thread.run_sync(self._accept, arrivals, limiter=self._one_writer)
        except Exception as error:  # whatever it fails with is its senders' answer, and ends nothing here
            if len(group) > 1 and not isinstance(error, StoreError):
                for one in group:
                    await self._store_group([one])
                return
            for one in group:
                if not one.answer.done():
                    one.answer.set_exception(error)
        else:
            self._stored_at = time.monotonic()
            pace = (self._stored_at - begun) / sum(map(_work, arrivals))
            # A group with few entries says more of the sync than of them.
            self._pace_s += (pace - self._pace_s) * min(0.5, sum(map(_work, arrivals)) / GROUP_MOST)
            for one, answer in zip(group, answers, strict=True):
                if not one.answer.done():
                    one.answer.set_result(answer)

    def _accept(self, arrivals: Sequence[Arrival]) -> list[Answer | KeyRefusedError]:
        return self._store.accept_all(arrivals, enrolled=self._enrolled())

    def _next_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        entries = 0
        while self._waiting and entries < GROUP_MOST:
            one = self._waiting.popleft()
            self._work_waiting -= _work(one.arrival)
            if not one.answer.done():  # cancelled: its sender has gone, or it has waited for too long
                group.append(one)
                entries += len(one.arrival.batch.entries)
        return group


def _give_up(answer: asyncio.Future[Answer | KeyRefusedError]) -> None:
    if not answer.done():
        answer.set_exception(BusyError())


def _work(arrival: Arrival) -> int:
    """What a batch takes, in entries' time."""
    return len(arrival.batch.entries) + A_BATCH
