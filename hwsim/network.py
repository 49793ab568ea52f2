"""A network that can be cut: a TCP relay on loopback between devices and their collector.

Rules it keeps:
- Cut is what a device notices in the field: connections in use are reset, new ones are refused.
- Restored is the same address again; devices need not be told.
- Bytes are carried unchanged and counted; nothing of them is looked at.

Not modelled: loss of single packets, delay, narrow bandwidth, a network that swallows silently instead of refusing.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with no time: close sends RST instead of FIN
_CHUNK = 65536
_T = TypeVar("_T")


class Network:
    """A relay from an own port on 127.0.0.1 to `target` (host, port). Use as a context, or call close.

    bytes_up: from devices to the collector; bytes_down: back. connections: how many were carried so far.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._pipes: set[asyncio.Task[None]] = set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.bytes_up = 0
        self.bytes_down = 0
        self.connections = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._thread.start()
        self._port = 0
        self._port = self._run(self._listen())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def address(self) -> tuple[str, int]:
        """Where devices connect: host and port."""
        return ("127.0.0.1", self._port)

    @property
    def up(self) -> bool:
        """Whether connections are carried."""
        return self._server is not None

    def cut(self) -> None:
        """Resets what is connected and refuses what comes. Returns when that holds."""
        self._run(self._stop())

    def restore(self) -> None:
        """Carries connections again, at the same address."""
        if not self.up:
            self._run(self._listen())

    def close(self) -> None:
        """Ends everything."""
        if self._loop.is_closed():
            return
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port, reuse_address=True)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for end in tuple(self._ends):
            raw = end.get_extra_info("socket")
            if raw.fileno() != -1:  # not closed by its other side a moment ago
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            end.transport.abort()
        while self._pipes:
            await asyncio.gather(*self._pipes, return_exceptions=True)

    async def _carry(self, device_in: asyncio.StreamReader, device_out: asyncio.StreamWriter) -> None:
        this = asyncio.current_task()
        assert this is not None
        self._pipes.add(this)
        self._ends.add(device_out)
        self.connections += 1
        try:
            far_in, far_out = await asyncio.open_connection(*self._target)
        except OSError:  # the collector is not there: the device sees its connection end
            self._ends.discard(device_out)
            device_out.close()
            self._pipes.discard(this)
            return
        self._ends.add(far_out)
        try:
            await asyncio.gather(self._pump(device_in, far_out, up=True), self._pump(far_in, device_out, up=False))
        except OSError:  # one end was reset; the other learns it when both are closed
            pass
        finally:
            self._pipes.discard(this)
            for end in (device_out, far_out):
                self._ends.discard(end)
                end.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, up: bool) -> None:
        while piece := await source.read(_CHUNK):
            # Counted first: whoever has received a piece finds it counted.
            if up:
                self.bytes_up += len(piece)
            else:
                self.bytes_down += len(piece)
            sink.write(piece)
            await sink.drain()
        sink.close()
