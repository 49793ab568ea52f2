"""A network between devices and collectors that does to batches whatever networks do, by a seeded choice.

It carries HTTP: a whole request, then its answer. Each fault is noted with the records that were in its batch.
"""

import asyncio
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

WIRE = ("dropped", "delayed", "duplicated", "reordered", "cut in the body", "answer lost", "answer cut")
DELAY_S = 0.15
WITHIN_S = 20.0
OLD_MOST = 200


class Span(NamedTuple):
    """The records of one batch."""

    device: str
    epoch: int
    first: int
    last: int


class Proxy:
    """Carries, on a thread of its own, to any of the collectors that `targets` gives. chance: of a fault at a request.
    faults: by kind, the batches that it struck; answers: the collectors', by status. As a context manager it ends with
    the block."""

    def __init__(self, targets: Callable[[], Sequence[tuple[str, int]]], *, chance: float, seed: int) -> None:
        self._targets, self._chance = targets, chance
        self._random = random.Random(seed)
        self._old: list[bytes] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.faults: dict[str, list[Span]] = {kind: [] for kind in WIRE}
        self.answers: Counter[int] = Counter()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="faults-proxy", daemon=True)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        made = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop)
        self._server = made.result()
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def calm(self) -> None:
        """No more faults from here on."""
        self._chance = 0.0

    async def _end(self) -> None:
        self._server.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, TimeoutError, asyncio.CancelledError):
            while True:
                await self._one(await _message(reader), writer)
        writer.close()

    async def _one(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        span = _span(request)
        kind = self._random.choice(WIRE) if span and self._random.random() < self._chance else ""
        if kind and span:
            self.faults[kind].append(span)
        if kind == "dropped":
            raise ConnectionError
        if kind == "delayed":
            await asyncio.sleep(self._random.random() * DELAY_S)
        if kind == "cut in the body":
            cut = self._random.randrange(1, len(request) // 2)
            await self._carry(request[:-cut], wants_answer=False)
            raise ConnectionError
        if kind == "duplicated":
            await asyncio.gather(self._carry(request), self._late(request, 0.0))
        if kind == "reordered":
            task = asyncio.ensure_future(self._late(self._random.choice(self._old or [request]), DELAY_S))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if len(self._old) < OLD_MOST or self._random.random() < 0.1:
            self._old = [*self._old[-OLD_MOST:], request]
        answer = await self._carry(request)
        if kind == "answer lost":
            raise ConnectionError
        writer.write(answer[: len(answer) // 2] if kind == "answer cut" else answer)
        await writer.drain()
        if kind == "answer cut":
            raise ConnectionError

    async def _late(self, request: bytes, wait_s: float) -> None:
        """A copy, that nobody waits for."""
        await asyncio.sleep(wait_s * self._random.random())
        with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            await self._carry(request)

    async def _carry(self, request: bytes, *, wants_answer: bool = True) -> bytes:
        host, port = self._random.choice(list(self._targets()))
        async with asyncio.timeout(WITHIN_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(request)
                await writer.drain()
                if not wants_answer:
                    return b""
                answer = await _message(reader)
                self.answers[int(answer.split(b" ", 2)[1])] += 1
                return answer
            finally:
                writer.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """A whole request or answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return head + await reader.readexactly(int(line.partition(b":")[2]))
    return head


def _span(request: bytes) -> Span | None:
    """None: it only asks."""
    said = json.loads(request.partition(b"\r\n\r\n")[2])
    rows = said["entries"]
    return Span(said["device"], said["epoch"], rows[0]["sequence"], rows[-1]["sequence"]) if rows else None
