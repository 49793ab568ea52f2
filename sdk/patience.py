"""HTTP for services of ours: uvicorn's protocol, with an end to its patience.

uvicorn waits for ever for the first request of a connection and for the rest of headers that have begun; whoever opens
connections and says nothing would hold them all. Here headers are whole within HEADERS_WITHIN_S, or the connection
ends.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_WITHIN_S = 10.0


class PatientProtocol(H11Protocol):
    """One connection."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """It begins: its first request is waited for."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """More of it."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """What comes behind an answer may have begun already."""
        super().on_response_complete()
        self.loop.call_soon(self._look)

    def _look(self) -> None:
        """While a request is answered nothing is waited for; between two of them keep-alive has its own time."""
        has_begun = bool(self.conn.trailing_data[0])
        if self.conn.their_state is not h11.IDLE or (not has_begun and self.cycle is not None):
            self._wait_no_more()
        elif self._waiting is None and not self.transport.is_closing():
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(HEADERS_WITHIN_S, self._end)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _end(self) -> None:
        self.transport.close()
