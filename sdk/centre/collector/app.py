"""The collector's HTTP face (ASGI, Starlette).

    POST /v1/batches                     a signed batch; the answer is yima.validator.uplink.batches' Acknowledgement
    GET  /v1/devices/{device}/{epoch}    what is held of one journal beyond ?after=, without the records themselves (R)
    GET  /devices                        how far each journal has come (R)
    GET  /health                         {"status": "ok"}: it listens
    GET  /ready                          the same when the store can be written, else 503 with why

R: for who has a key of `yima centre keys make` in the role operator, auditor, clerk or region (Authorization: Bearer).

Rules it keeps:

- Nothing of a device is told to strangers, and none becomes one by coming first: who may send is enrolled, who may read
  has a key. Only on a bench are both left out.
- More than the store takes is answered 503 at once, with a Retry-After that is another for each, so that a fleet does
  not come back in step (`intake`). Who reads takes turns of their own, and keeps no batch waiting.

- A body is counted while it arrives, and given up beyond the cap or when it takes too long.
- The signature is checked over the bytes as they came before anything in them is believed.
- Whatever bytes come, the answer is 4xx with why; a store that cannot write is 503, and nothing is acknowledged.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from yima.sdk.centre.collector.intake import BusyError, Depth, Intake
from yima.sdk.centre.collector.schema import StoreError
from yima.sdk.centre.collector.store import Arrival, KeyRefusedError, Signed, Store
from yima.validator.state.keys import is_signed
from yima.validator.uplink.batches import (
    BODY_MAX,
    INT64,
    KEY_HEADER,
    SIGNATURE_HEADER,
    Acknowledgement,
    Batch,
    BatchError,
    encode_answer,
    parse_batch,
)
from yima.validator.uplink.versions import (
    VERSIONS_HEADER,
    VERSIONS_SIGNATURE_HEADER,
    parse_versions,
    signed_bytes,
)

BODY_WITHIN_S = 30.0
LISTED_MAX = 500
RETRY_AFTER_S = (5, 20)
"""Seconds from and to which devices are told to wait, each for a random time."""
READERS_AT_ONCE = 2
STATED_MOST = 100_000
"""Devices whose last statement is remembered, so that it is not verified again."""

Event = dict[str, Any]


class _RefusedError(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class Collector:
    """The app's handlers over one store.

    enrolled: gives the key (64 hex digits) by device that counts now; None: the first key that a device shows is
    trusted from then on. trust: for a bench, told of the name and key of each batch before it is stored. may_read:
    whether a shown key is a reader's; None, for a bench: everyone is. on_event is told of batches, new devices,
    refusals and trouble, as {"event": …}; it is called on several threads.
    """

    def __init__(
        self,
        store: Store,
        *,
        enrolled: Callable[[], Mapping[str, str]] | None = None,
        trust: Callable[[str, str], None] | None = None,
        may_read: Callable[[str], bool] | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self._store = store
        self._enrolled = enrolled
        self._trust = trust
        self._may_read = may_read
        self._on_event = on_event or (lambda event: None)
        self._intake = Intake(store, enrolled or (lambda: None))
        self._stated: dict[str, tuple[str, Signed]] = {}  # key and statement that were verified last, by device
        self._readers = anyio.CapacityLimiter(READERS_AT_ONCE)

    def depth(self) -> Depth:
        """What waits for the store."""
        return self._intake.depth()

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/v1/batches", self.take, methods=["POST"]),
                Route("/v1/devices/{device}/{epoch}", self.journal, methods=["GET"]),
                Route("/devices", self.devices, methods=["GET"]),
                Route("/health", self.health, methods=["GET"]),
                Route("/ready", self.ready, methods=["GET"]),
            ]
        )

    async def take(self, request: Request) -> Response:
        """One batch."""
        try:
            answer = await self._taken(request)
        except _RefusedError as refused:
            self._on_event({"event": "refused", "status": refused.status, "why": refused.why})
            return JSONResponse({"error": refused.why}, refused.status)
        except BusyError:
            return _later("more comes than can be stored")
        except StoreError as error:
            self._on_event({"event": "trouble", "why": str(error)})
            return _later("the store cannot be written")
        return Response(encode_answer(answer), media_type="application/json")

    async def _taken(self, request: Request) -> Acknowledgement:
        self._intake.check_room()
        held = _Held(self._intake)
        try:
            body = await _body(request, held)
            key = _signer(request, body)
            batch = _parsed(body)
            if self._trust is not None:
                await anyio.to_thread.run_sync(self._trust, batch.device, key, limiter=self._readers)
            signed = Signed(body, request.headers[SIGNATURE_HEADER])
            try:
                stated = self._statement(request, batch.device, key)
                answer, new = await self._intake.take(Arrival(batch, key, int(time.time()), signed, stated))
            except KeyRefusedError as error:
                raise _RefusedError(403, str(error)) from error
        finally:
            held.release()
        self._tell(batch, key, answer, new=new)
        return answer

    def _statement(self, request: Request, device: str, key: str) -> Signed | None:
        """What the device says of its versions beside the batch; verified once for as long as it says the same."""
        said = request.headers.get(VERSIONS_HEADER)
        if said is None:
            return None
        stated = Signed(said.encode("latin-1"), request.headers.get(VERSIONS_SIGNATURE_HEADER, ""))
        if self._stated.get(device) == (key, stated):
            return stated
        if not is_signed(key, stated.signature, signed_bytes(stated.body)):
            raise _RefusedError(401, f"{VERSIONS_SIGNATURE_HEADER} does not sign {VERSIONS_HEADER}")
        try:
            named = parse_versions(stated.body).device
        except ValueError as error:
            raise _RefusedError(400, f"{VERSIONS_HEADER}: {error}") from error
        if named != device:
            raise _RefusedError(400, f"{VERSIONS_HEADER} is another device's")
        if len(self._stated) >= STATED_MOST:
            self._stated.clear()
        self._stated[device] = (key, stated)
        return stated

    def _tell(self, batch: Batch, key: str, answer: Acknowledgement, *, new: bool) -> None:
        if new:
            how = "enrolled" if self._enrolled is not None and self._trust is None else "trusted on first use"
            self._on_event({"event": "device", "device": batch.device, "key": key, "how": how})
        self._on_event(
            {
                "event": "batch",
                "device": batch.device,
                "epoch": batch.epoch,
                "entries": len(batch.entries),
                "acknowledged": answer.acknowledged,
                "rejected": {str(sequence): why for sequence, why in answer.rejected.items()},
            }
        )

    async def journal(self, request: Request) -> Response:
        """One journal's entries: no accounts, so no records."""
        if (refusal := self._no_reader(request)) is not None:
            return refusal
        try:
            epoch = _number(request.path_params["epoch"])
            after = _number(request.query_params.get("after", "0"))
        except ValueError:
            return JSONResponse({"error": "epoch and after are whole numbers"}, 400)
        device = request.path_params["device"]

        def read() -> list[Event]:
            found = self._store.entries(device, epoch, after=after, limit=LISTED_MAX)
            return [
                {name: value for name, value in row.items() if name != "content"} | {"hash": row["hash"].hex()}
                for row in found
            ]

        return await self._listed(read, "entries")

    async def devices(self, request: Request) -> Response:
        """How far each journal has come."""
        if (refusal := self._no_reader(request)) is not None:
            return refusal

        def read() -> list[Event]:
            return [
                {
                    "device": journey.device,
                    "epoch": journey.epoch,
                    "acknowledged": journey.acknowledged,
                    "rejected": journey.rejected,
                    "conflicts": journey.conflicts,
                    "last_at": journey.last_at,
                }
                for journey in self._store.journeys()
            ]

        return await self._listed(read, "devices")

    async def health(self, _request: Request) -> Response:
        """Whether it listens."""
        return JSONResponse({"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """Whether a batch would be taken now."""
        try:
            await self._intake.check_ready()
        except BusyError:
            return _later("more comes than can be stored")
        except StoreError:
            return _later("the store cannot be written")
        return JSONResponse({"status": "ok"})

    def _no_reader(self, request: Request) -> Response | None:
        if self._may_read is None:
            return None
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._may_read(shown.strip()):
            return None
        why = "for who has a key: send Authorization: Bearer with one of the collector's --readers"
        return JSONResponse({"error": why}, 401, headers={"WWW-Authenticate": "Bearer"})

    async def _listed(self, read: Callable[[], list[Event]], name: str) -> Response:
        try:
            return JSONResponse({name: await anyio.to_thread.run_sync(read, limiter=self._readers)})
        except StoreError as error:
            self._on_event({"event": "trouble", "why": str(error)})
            return JSONResponse({"error": "the store cannot be read"}, 503)


class _Held:
    """The bytes of one body, while they are in memory."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._count = 0

    def add(self, count: int) -> None:
        self._intake.came(count)
        self._count += count

    def release(self) -> None:
        self._intake.left(self._count)
        self._count = 0


async def _body(request: Request, held: _Held) -> bytes:
    if request.headers.get("content-encoding", "identity") != "identity":
        raise _RefusedError(415, "send the body as it is, without Content-Encoding")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for part in request.stream():
                body += part
                if len(body) > BODY_MAX:
                    raise _RefusedError(413, f"a body has at most {BODY_MAX} bytes")
                held.add(len(part))
    except TimeoutError as error:
        raise _RefusedError(408, f"the body took longer than {BODY_WITHIN_S:.0f} s") from error
    except ClientDisconnect as error:
        raise _RefusedError(400, "the body ended before its end") from error
    return bytes(body)


def _later(why: str) -> Response:
    wait = random.randint(*RETRY_AFTER_S)  # noqa: S311 - it only has to differ
    return JSONResponse({"error": why}, 503, headers={"Retry-After": str(wait)})


def _signer(request: Request, body: bytes) -> str:
    key = request.headers.get(KEY_HEADER, "").lower()
    if not is_signed(key, request.headers.get(SIGNATURE_HEADER, ""), body):
        raise _RefusedError(401, f"{KEY_HEADER} and {SIGNATURE_HEADER} do not sign this body")
    return key


def _parsed(body: bytes) -> Batch:
    try:
        return parse_batch(body)
    except BatchError as error:
        raise _RefusedError(400, str(error)) from error


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 19 or int(text) > INT64:
        raise ValueError(text)
    return int(text)
