"""HTTP for services of ours: uvicorn's protocol on httptools, with an end to its patience.

uvicorn waits for ever for the first request of a connection and for the rest of headers that have begun, and keeps all
of them; whoever opens connections and says nothing, or never comes to an end, would hold them all. Here headers are
whole within HEADERS_WITHIN_S and HEADERS_MAX bytes, or the connection ends. So does that of whoever asks and does not
read: when more waits for him than is to wait, READ_LEAST bytes of it go within each READ_WITHIN_S. What is no HTTP is
answered 400 and logged nowhere: nobody fills a log by sending rubbish, or by going away before his answer. A request
knows when its newest bytes were heard (`heard_at` of its state, by the monotonic clock): what has waited since then has
waited for us. Bytes that lay in the system's buffer while we did not read were heard when we stopped reading.
"""

import asyncio
import logging
import time
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from yima.sdk.doorway import Doorway
from yima.sdk.tls import Shown, shown_by

HEADERS_WITHIN_S = 10.0
HEADERS_MAX = 16 << 10
"""Bytes of a request's line and headers."""
READ_WITHIN_S = 30.0
READ_LEAST = 64 << 10
_LOG = logging.getLogger("yima.http")
_LOG.setLevel(logging.ERROR)


class _Flow(FlowControl):
    """Knows whether what is read now may have waited for us: until the loop has once looked again at what there is."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(transport)
        self._loop = loop
        self._looks = 0

    @property
    def may_have_waited(self) -> bool:
        """Whether reading has just been taken up."""
        return self.read_paused or self._looks > 0

    def resume_reading(self) -> None:
        """Takes it up."""
        if self.read_paused:
            self._looks += 1
            self._loop.call_soon(self._loop.call_soon, self._looked)  # the first comes before a look, the second after
        super().resume_reading()

    def _looked(self) -> None:
        self._looks -= 1


class PatientProtocol(HttpToolsProtocol):
    """One connection. door: told when it rests, works, and is gone."""

    def __init__(self, *words: Any, door: Doorway, **named: Any) -> None:
        super().__init__(*words, **named)
        self.logger = _LOG
        self._door = door
        self._waiting: asyncio.TimerHandle | None = None
        self._is_in_headers = False
        self._size = 0
        self._shown: Shown | None = None
        self._reading: asyncio.TimerHandle | None = None
        self._answering: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """It begins: its first request is waited for."""
        super().connection_made(transport)
        self.flow: _Flow = _Flow(transport, self.loop)
        self._shown = shown_by(transport)
        self._door.rests(self)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        self._wait_no_more()
        self._read()
        self._door.gone(self)
        if self._answering is not None:  # uvicorn knows the request that came last, and writes on for one before it
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """More waits for who asked than is to wait."""
        super().pause_writing()
        self._wait_for_reader()

    def resume_writing(self) -> None:
        """He has read."""
        self._read()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """More of it."""
        if self._is_in_headers:
            self._size += len(data)
        is_new = not self.flow.may_have_waited
        super().data_received(data)
        if self.scope is not None and (is_new or "heard_at" not in self.scope["state"]):
            self.scope["state"]["heard_at"] = time.monotonic()
        if self.transport.is_closing():
            return
        if self._is_in_headers and self._size > HEADERS_MAX:
            self.send_400_response("The headers are too large.")
        elif self._waiting is None and (self._is_in_headers or not self._is_at_work()):
            self._wait()

    def on_message_begin(self) -> None:
        """Headers begin."""
        super().on_message_begin()
        self._is_in_headers, self._size = True, 0
        if self._shown is not None:
            self.scope["state"]["certificate"] = self._shown

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of them is whole."""
        self._size += len(name) + len(value)
        if self._size > 2 * HEADERS_MAX:  # each is counted as it comes and once more here
            raise ValueError("headers too large")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """From here on the request has the time of whoever answers it."""
        self._is_in_headers = False
        self._wait_no_more()
        self._door.works(self)
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """The next request is waited for, for as long as uvicorn keeps a connection alive."""
        super().on_response_complete()
        if not self._is_at_work():
            self._door.rests(self)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _wait_for_reader(self) -> None:
        waits = self.transport.get_write_buffer_size()
        self._reading = self.loop.call_later(READ_WITHIN_S, self._look_at_reader, waits)

    def _look_at_reader(self, waited: int) -> None:
        if waited - self.transport.get_write_buffer_size() < READ_LEAST:
            self.transport.abort()
        else:
            self._wait_for_reader()

    def _read(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _is_at_work(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(HEADERS_WITHIN_S, self._end)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _end(self) -> None:
        self._waiting = None
        if self._is_at_work():  # what follows has begun before the answer is given
            self._wait()
        else:
            self.transport.close()
