"""Used codes for stations: a gate asks what was used at the others, and hears it within half a second.

Rules it keeps:
- Who asks is an enrolled device: the question is signed like a batch, and names a moment that is not long ago.
- A question waits until there is something for its station, for as long as it says; it holds no thread meanwhile.
- Tables that answer slowly, or not at all, hold up no batch: the register, too, is asked on another thread.
- What lies behind one number is answered in the same order by every collector on the same tables.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import anyio
import anyio.to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from yima.sdk.centre.collector.certificates import Certificates
from yima.sdk.centre.fleet import uses
from yima.sdk.centre.fleet.database import Database
from yima.sdk.centre.fleet.uses import Place, Use, place_of
from yima.validator.errors import YimaError
from yima.validator.state.keys import is_signed
from yima.validator.uplink.batches import KEY_HEADER, SIGNATURE_HEADER
from yima.validator.uplink.uses_wire import (
    QUESTION_MAX,
    USES_MAX,
    Question,
    Used,
    UsesError,
    encode_answer,
    parse_question,
)

LOOK_EVERY_S = 0.1
ASKED_WITHIN_S = 600
"""Seconds by which a question's moment may differ from ours; a clock that is further off opens no gate anyway."""
WAITING_MOST = 40_000
ASKED_MOST = 256
"""Answers that are held for whoever asks the same; a gate may ask from any number on, and gets what it asks for."""
BODY_WITHIN_S = 10.0
_AT_ONCE = 2000


_JSON = "application/json"


class _RefusedError(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Feed:
    """Answers gates out of the fleet's tables. enrolled: key by device. certificates: what is asked of theirs. now:
    unix seconds."""

    def __init__(
        self,
        database: Database,
        enrolled: Callable[[], Mapping[str, str]],
        *,
        certificates: Certificates | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._enrolled, self._now = database, enrolled, now
        self._certificates = certificates or Certificates()
        self._newest = 0
        self._of_place: dict[Place, int] = {}
        self._begun_at = -1  # what came before lies in the tables alone
        self._waiting = 0
        self._stopped = False
        self._asked: dict[tuple[Place, int], asyncio.Future[tuple[int, list[Use]]]] = {}  # until something new comes
        self._changed = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._one = anyio.CapacityLimiter(1)

    def stop(self) -> None:
        """Whoever waits is answered, that there is nothing, so that the service can end. On its own event loop."""
        self._stopped = True
        self._wake()

    async def answer(self, request: Request) -> Response:
        """POST /v1/uses."""
        try:
            question = await self._question(request)
            if self._waiting >= WAITING_MOST:
                return _busy("more gates ask than can wait")
            self._waiting += 1
            try:
                return await self._answered(question)
            finally:
                self._waiting -= 1
        except _RefusedError as refused:
            return JSONResponse({"error": str(refused)}, refused.status)
        except YimaError:
            return _busy("the tables cannot be read")

    async def _question(self, request: Request) -> Question:
        try:
            async with asyncio.timeout(BODY_WITHIN_S):
                body = await _body(request)
        except TimeoutError as error:
            raise _RefusedError(408, f"the body took longer than {BODY_WITHIN_S:.0f} s") from error
        except ClientDisconnect as error:
            raise _RefusedError(400, "the body ended before its end") from error
        key = request.headers.get(KEY_HEADER, "").lower()
        if not is_signed(key, request.headers.get(SIGNATURE_HEADER, ""), body):
            raise _RefusedError(401, f"{KEY_HEADER} and {SIGNATURE_HEADER} do not sign this body")
        try:
            question = parse_question(body)
        except UsesError as error:
            raise _RefusedError(400, str(error)) from error
        if why := self._certificates.allowed(request.scope)(question.device):
            raise _RefusedError(403, why)
        enrolled = await anyio.to_thread.run_sync(self._enrolled, limiter=self._one)
        if enrolled.get(question.device) != key:
            raise _RefusedError(403, f"device {question.device} is not enrolled with this key")
        if abs(question.at - self._now()) > ASKED_WITHIN_S:
            raise _RefusedError(403, f"at: more than {ASKED_WITHIN_S} s from now")
        return question

    async def _answered(self, question: Question) -> Response:
        place = place_of(question.city, question.line, question.station)
        until = time.monotonic() + question.wait_s
        if self._looking is None:
            await self._look()
        # Beyond the newest there is nothing: the tables are those of a backup, and everything in them is new.
        after = question.after if question.after <= self._newest else 0
        while True:
            changed = self._changed
            found: list[Use] = []
            if after < self._begun_at or self._of_place.get(place, 0) > after:
                after, found = await self._found(place, after)
            mine = [_used(use) for use in found if use.device != question.device]
            left = until - time.monotonic()
            if mine or left <= 0 or self._stopped:
                return Response(encode_answer(max(after, self._newest) if not found else after, mine), media_type=_JSON)
            if found:
                continue
            if self._looking is None:
                self._looking = asyncio.create_task(self._look_on())
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await changed.wait()

    async def _found(self, place: Place, after: int) -> tuple[int, list[Use]]:
        """Up to which number was looked, and what there was. The gates of a station ask the same at the same time: the
        tables are asked once."""
        asked = self._asked.get((place, after))
        if asked is None:
            while len(self._asked) >= ASKED_MOST:  # the oldest goes: whoever waits for it has it
                del self._asked[next(iter(self._asked))]
            asked = self._asked[place, after] = asyncio.ensure_future(self._read(place, after))
        try:
            return await asyncio.shield(asked)
        except YimaError:
            self._asked.pop((place, after), None)
            raise

    async def _read(self, place: Place, after: int) -> tuple[int, list[Use]]:
        """What came while it was read is for the next question."""
        newest, alive = self._newest, int(self._now())

        def read() -> list[Use]:
            with self._database.reading() as rows:
                return uses.at_place(rows, place, after, alive=alive, limit=USES_MAX)

        found = await anyio.to_thread.run_sync(read, limiter=self._one)
        if len(found) == USES_MAX:
            return found[-1].number, found
        return newest, [use for use in found if use.number <= newest]

    async def _look_on(self) -> None:
        """Looks for what is new, for as long as somebody waits for it."""
        try:
            while self._waiting and not self._stopped:
                await asyncio.sleep(LOOK_EVERY_S)
                await self._look()
        except YimaError:
            self._wake()  # who waits asks again, and is told
        finally:
            self._looking = None

    async def _look(self) -> None:
        def read() -> list[Use]:
            with self._database.reading() as rows:
                return uses.behind(rows, self._newest, limit=_AT_ONCE)

        def read_newest() -> int:
            with self._database.reading() as rows:
                return uses.newest(rows)

        newest = await anyio.to_thread.run_sync(read_newest, limiter=self._one)
        if self._begun_at < 0 or newest < self._newest:
            # Numbers begin anew where all uses were forgotten by a clock that was ahead, or the tables were restored.
            self._begun_at = self._newest = newest
            self._of_place.clear()
            self._wake()
            return
        while found := await anyio.to_thread.run_sync(read, limiter=self._one):
            for use in found:
                self._of_place[place_of(use.city, use.line, use.station)] = use.number
            self._newest = found[-1].number
            self._wake()
            if len(found) < _AT_ONCE:
                return

    def _wake(self) -> None:
        self._asked.clear()
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _used(use: Use) -> Used:
    return Used(bytes.fromhex(use.digest), use.at, use.good_until, use.family, bool(use.reversed))


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > QUESTION_MAX:
            break  # a question that is too long is said to be one
    return bytes(body)


def _busy(why: str) -> Response:
    return JSONResponse({"error": why}, 503, headers={"Retry-After": "5"})
