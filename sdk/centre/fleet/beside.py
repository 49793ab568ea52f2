"""The fleet's interface beside a collector: made when somebody first asks for it, as taking trips needs none of it.

The collector's own paths go to the collector as they are: nothing is looked up for a batch that comes.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import anyio.to_thread
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from yima.validator.errors import YimaError
from yima.validator.remedies import missing_module
from yima.validator.texts import Text

OWN: Final = frozenset({"/v1/batches", "/devices", "/health", "/ready"})
OWN_BEGINNING: Final = "/v1/devices/"


class MissingPartError(YimaError):
    """A part that is not installed; what does not need it works."""


class Beside:
    """An ASGI application of both. make: imports and makes the fleet's; stopping: ends the answers that it keeps
    waiting; on_trouble: told once if it cannot be made."""

    def __init__(
        self,
        collector: ASGIApp,
        make: Callable[[], ASGIApp],
        *,
        stopping: Callable[[], None],
        on_trouble: Callable[[YimaError], None],
    ) -> None:
        self._collector, self._make, self._on_trouble = collector, make, on_trouble
        self.stopping = stopping
        self._turn = asyncio.Lock()
        self._fleet: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or path in OWN or path.startswith(OWN_BEGINNING):
            await self._collector(scope, receive, send)
            return
        async with self._turn:
            if self._fleet is None:
                self._fleet = await anyio.to_thread.run_sync(self._made)
        await self._fleet(scope, receive, send)

    def _made(self) -> ASGIApp:
        try:
            return self._make()
        except ModuleNotFoundError as lacks:
            error = MissingPartError("the fleet's interface 终端管理接口", *missing_module(lacks))
            self._on_trouble(error)
            return JSONResponse({"error": str(error)}, 503)


NOT_JUDGED: Final = Text(
    "without --published nothing is judged again when it comes", "未指定 --published：到达的记录不会被复核"
)
