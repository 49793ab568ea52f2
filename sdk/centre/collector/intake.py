"""Batches on their way into the store: a bounded row, many devices' batches in one transaction, and a word when it is
too much.

Rules it keeps:

- What waits is bounded in batches and in bytes; beyond that a batch is turned away at once, before its body is read.
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

from yima.sdk.centre.collector.schema import StoreError
from yima.sdk.centre.collector.store import Arrival, KeyRefusedError, Store
from yima.validator.uplink.batches import Acknowledgement

WAITING_MOST = 256
"""Batches that may wait for the store."""
BYTES_MOST = 64 << 20
"""Bytes of bodies that are being read or wait for the store."""
GROUP_MOST = 4000
"""Entries after which a transaction takes no further batch."""
WITHIN_S = 10.0
"""Seconds after which a batch that waits is given up: a device gives up at 15."""
TRY_AFTER_S = 2.0
"""Seconds for which it is believed that a store can be written, or not."""

Answer = tuple[Acknowledgement, bool]


class BusyError(Exception):
    """More batches than the store takes: come again later."""


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

    def __init__(self, store: Store, enrolled: Callable[[], Mapping[str, str] | None]) -> None:
        self._store = store
        self._enrolled = enrolled
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._work: asyncio.Task[None] | None = None
        self._one_writer = anyio.CapacityLimiter(1)
        self._stored_at = self._tried_at = -TRY_AFTER_S
        self._trouble: StoreError | None = None

    def check_room(self) -> None:
        """Raises BusyError when a batch that begins to arrive now would not be taken."""
        if len(self._waiting) >= WAITING_MOST or self._bytes >= BYTES_MOST:
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
        return Depth(len(self._waiting), self._bytes, oldest)

    def came(self, count: int) -> None:
        """That many bytes of a body have come. Raises BusyError when there is no room for them."""
        if self._bytes + count > BYTES_MOST:
            raise BusyError
        self._bytes += count

    def left(self, count: int) -> None:
        """That many bytes are no longer held."""
        self._bytes -= count

    async def take(self, arrival: Arrival) -> Answer:
        """The store's answer. Raises KeyRefusedError, StoreError, and BusyError when it was not stored in time."""
        self.check_room()
        answer: asyncio.Future[Answer | KeyRefusedError] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(arrival=arrival, answer=answer))
        if self._work is None:
            self._work = asyncio.create_task(self._store_all())
        try:
            async with asyncio.timeout(WITHIN_S):
                found = await answer
        except TimeoutError:
            raise BusyError from None
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
            if not one.answer.done():  # cancelled: its sender has gone, or it has waited for too long
                group.append(one)
                entries += len(one.arrival.batch.entries)
        return group
