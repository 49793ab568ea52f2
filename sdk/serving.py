"""Running a web service of ours, the collector or the bench's resolver: the socket, uvicorn, and a clean end.

`serve` runs it in the calling thread until SIGTERM or SIGINT; `Serving` runs it on a thread of its own, for tests and
programs that have other things to do.
"""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Coroutine, Sequence
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from yima.sdk.doorway import Doorway
from yima.sdk.listening import listen, url_of
from yima.sdk.patience import PatientProtocol
from yima.sdk.tls import Tls

Beside = Callable[[], Coroutine[Any, Any, None]]
STOP_WITHIN_S = 3
# Windows' own loop has no readers; uvloop asks for what only POSIX has.
_LOOP = "uvloop" if hasattr(signal, "siginterrupt") else "asyncio:SelectorEventLoop"


def serve(
    app: ASGIApp,
    listening: socket.socket,
    *,
    on_ready: Callable[[], None],
    connections_max: int | None = None,
    connections_each: int | None = None,
    again: Callable[[], None] | None = None,
    tls: Tls | None = None,
    on_stranger: Callable[[str], None] = lambda why: None,
    beside: Sequence[Beside] = (),
) -> None:
    """Serves until SIGTERM or SIGINT, finishes what is under way, returns. on_ready: says that it listens;
    from then on it ends as it should, whoever asks. connections_max, connections_each: how many may be open, and how
    many of one address (`doorway`); None: as many as files may be. again: what SIGHUP asks for, which ends nothing.
    tls: None: plain HTTP. on_stranger: told why a certificate was refused. beside: run on the same loop, and cancelled
    at the end."""

    server = _Server(app, most=connections_max, each=connections_each, tls=tls, on_stranger=on_stranger, beside=beside)

    def ended(_number: int, _frame: FrameType | None) -> None:
        """Until uvicorn hears signals itself; those it heard it raises again at its end, and nothing is left to do."""
        server.should_exit = True

    def hung_up(_number: int, _frame: FrameType | None) -> None:
        if again is not None:
            again()

    before = {number: signal.signal(number, ended) for number in (signal.SIGTERM, signal.SIGINT)}
    if hasattr(signal, "SIGHUP"):  # Windows lacks it
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, hung_up)
    try:
        on_ready()
        server.run(sockets=[listening])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        listening.close()


class Serving:
    """A service on a thread. url: where it listens. As a context manager it stops at the end."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        connections_max: int | None = None,
        connections_each: int | None = None,
        tls: Tls | None = None,
        on_stranger: Callable[[str], None] = lambda why: None,
        beside: Sequence[Beside] = (),
    ) -> None:
        self._listening = listen(host, port)
        self.url = url_of(self._listening, "http" if tls is None else "https")
        self._server = _Server(
            app, most=connections_max, each=connections_each, tls=tls, on_stranger=on_stranger, beside=beside
        )
        self._thread = threading.Thread(target=self._run, name="yima-service", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finishes what is under way and frees the port; twice is once."""
        self._server.should_exit = True
        self._thread.join(STOP_WITHIN_S * 2)

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._listening])
        finally:
            self._listening.close()  # not before: on a busy machine the server may still be about to take it

    def __enter__(self) -> "Serving":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(uvicorn.Server):
    """uvicorn behind a door of ours. It tells an application when it ends: one with a method `stopping` may keep
    answers waiting."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        most: int | None,
        each: int | None,
        tls: Tls | None,
        on_stranger: Callable[[str], None],
        beside: Sequence[Beside],
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=PatientProtocol,
                loop=_LOOP,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,  # nothing here goes by what a request says of its sender
                timeout_keep_alive=75,
                timeout_graceful_shutdown=STOP_WITHIN_S,
            )
        )
        self._most, self._each = most, each
        self._tls, self._on_stranger, self._beside = tls, on_stranger, beside
        self._tasks: list[asyncio.Task[None]] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens; each connection is a protocol of uvicorn's."""
        assert sockets is not None
        self.servers = []
        self._door = Doorway(
            sockets[0],
            self._protocol,
            most=self._most,
            each=self._each,
            tls=None if self._tls is None else self._tls.context,
            on_stranger=self._on_stranger,
        )
        self._tasks = [asyncio.ensure_future(run()) for run in self._beside]
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends what is under way."""
        self._door.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        stopping = getattr(self.config.app, "stopping", None)
        if stopping is not None:
            stopping()
        await super().shutdown(sockets)

    def _protocol(self, door: Doorway) -> PatientProtocol:
        return PatientProtocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state, door=door
        )
