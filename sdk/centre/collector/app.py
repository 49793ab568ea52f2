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
- How batches are taken is `taking`'s and `intake`'s.
- Who reads keeps no batch waiting: readers take turns, and all of them together have READING of the time of one
  processor, however often they ask. Whoever comes when many wait is told to come again.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping

import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from yima.sdk.centre.collector.arrivals import Ledger
from yima.sdk.centre.collector.certificates import Certificates
from yima.sdk.centre.collector.intake import BusyError, Depth, Intake
from yima.sdk.centre.collector.schema import StoreError
from yima.sdk.centre.collector.taking import Event, Taking, retry_after_s
from yima.validator.ports import DEVICE
from yima.validator.shown import shown
from yima.validator.uplink.batches import INT64

BATCHES = "/v1/batches"
LISTED_MAX = 500
READING = 0.03
"""How much of a processor's time readers have."""
READERS_MOST = 20
"""Readers that may wait for their turn."""


class Collector:
    """The app's handlers over one store.

    enrolled: gives the key (64 hex digits) by device that counts now; None: the first key that a device shows is
    trusted from then on. trust: for a bench, told of the name and key of each batch before it is stored. may_read:
    whether a shown key is a reader's; None, for a bench: everyone is. certificates: what is asked of those that devices
    show; None: nothing. on_event is told of batches, new devices,
    refusals and trouble, as {"event": …}; it is called on several threads.
    """

    def __init__(
        self,
        store: Ledger,
        *,
        enrolled: Callable[[], Mapping[str, str]] | None = None,
        trust: Callable[[str, str], None] | None = None,
        may_read: Callable[[str], bool] | None = None,
        certificates: Certificates | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self._store = store
        self._may_read = may_read
        self._on_event = on_event or (lambda event: None)
        self._intake = Intake(store, enrolled or (lambda: None))
        is_open = enrolled is None or trust is not None
        self.taking = Taking(
            self._intake,
            trust=trust,
            is_open=is_open,
            certificates=certificates or Certificates(),
            on_event=self._on_event,
        )
        self._reading = asyncio.Lock()
        self._readers, self._rested_at = 0, 0.0

    def depth(self) -> Depth:
        """What waits for the store."""
        return self._intake.depth()

    def app(self) -> ASGIApp:
        """The ASGI application."""
        others = Starlette(
            routes=[
                Route(BATCHES, self.taking, methods=["POST"]),
                Route("/v1/devices/{device}/{epoch}", self.journal, methods=["GET"]),
                Route("/devices", self.devices, methods=["GET"]),
                Route("/health", self.health, methods=["GET"]),
                Route("/ready", self.ready, methods=["GET"]),
            ]
        )

        async def either(scope: Scope, receive: Receive, send: Send) -> None:
            """The router costs a batch of one entry a tenth of its time."""
            if scope["type"] == "http" and scope["path"] == BATCHES and scope["method"] == "POST":
                await self.taking(scope, receive, send)
            else:
                await others(scope, receive, send)

        return either

    async def journal(self, request: Request) -> Response:
        """One journal's entries: no accounts, so no records."""
        if (refusal := self._no_reader(request) or _slip(request, "after")) is not None:
            return refusal
        try:
            epoch = _number(request.path_params["epoch"])
            after = _number(request.query_params.get("after", "0"))
        except ValueError:
            return JSONResponse({"error": "epoch and after are whole numbers"}, 400)
        device = request.path_params["device"]
        if not DEVICE.fullmatch(device):
            return JSONResponse({"error": f"{shown(device, 80)!r} is no name of a device"}, 400)

        def read() -> list[Event]:
            found = self._store.entries(device, epoch, after=after, limit=LISTED_MAX)
            return [
                {name: value for name, value in row.items() if name != "content"} | {"hash": row["hash"].hex()}
                for row in found
            ]

        return await self._listed(read, "entries")

    async def devices(self, request: Request) -> Response:
        """How far each journal has come."""
        if (refusal := self._no_reader(request) or _slip(request)) is not None:
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
        if self._readers >= READERS_MOST:
            return _later("more ask than can be answered")
        self._readers += 1
        try:
            async with self._reading:
                await asyncio.sleep(self._rested_at - time.monotonic())
                content, took_s = await anyio.to_thread.run_sync(_read, read, name)
                self._rested_at = time.monotonic() + took_s * (1 / READING - 1)
        except StoreError as error:
            self._on_event({"event": "trouble", "why": str(error)})
            return JSONResponse({"error": "the store cannot be read"}, 503)
        finally:
            self._readers -= 1
        return Response(content, media_type="application/json")


def _read(read: Callable[[], list[Event]], name: str) -> tuple[bytes, float]:
    """What is read, as JSON, and the processor time that it took."""
    begun = time.thread_time()
    content = json.dumps({name: read()}, ensure_ascii=False, separators=(",", ":")).encode()
    return content, time.thread_time() - begun


def _later(why: str) -> Response:
    return JSONResponse({"error": why}, 503, headers={"Retry-After": str(retry_after_s())})


def _slip(request: Request, *known: str) -> Response | None:
    """A parameter that is not known, or comes twice, would be a default in silence."""
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if name not in known or names.count(name) > 1:
            may = f"may be {' and '.join(known)}, once" if known else "may be none"
            return JSONResponse({"error": f"parameter {shown(name, 40)!r}: there {may}"}, 400)
    return None


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 19 or int(text) > INT64:
        raise ValueError(text)
    return int(text)
