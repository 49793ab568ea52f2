"""Whoever asks and does not read: his connection ends, and no log is filled with it."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any, cast

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from yima.sdk import patience
from yima.sdk.patience import READ_LEAST, READ_WITHIN_S, PatientProtocol
from yima.sdk.serving import Serving

BODY = b"x" * (16 << 20)  # more than the system's buffers take
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Wordy:
    """An app that has much to say."""

    def __init__(self) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": BODY, "more_body": True})
        self.begun.set()
        try:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self.ended.set()


def asking(url: str, requests: int) -> socket.socket:
    """Asks so many times at once, and does not read."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    line = socket.create_connection((host, int(port)), timeout=200)
    line.sendall(REQUEST * requests)
    return line


def test_the_connection_of_whoever_asks_and_does_not_read_ends(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(patience, "READ_WITHIN_S", 0.02)
    app = Wordy()
    with Serving(app) as serving, asking(serving.url, 1):
        assert app.ended.wait(200)
    assert caplog.records == []


def test_whoever_goes_away_before_his_answers_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """Four kilobytes of it for each connection: uvicorn wrote on for a request with others behind it."""
    app = Wordy()
    with Serving(app) as serving:
        with asking(serving.url, 3) as line:
            assert app.begun.wait(200)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert app.ended.wait(200)
    assert caplog.records == []


class Line(asyncio.Transport):
    """The end of a connection. waits: bytes that its other end has not taken."""

    def __init__(self) -> None:
        super().__init__()
        self.waits, self.is_over = 0, False

    def get_write_buffer_size(self) -> int:
        return self.waits

    def abort(self) -> None:
        self.is_over = True


class Loop:
    """What is to be called later."""

    def __init__(self) -> None:
        self.later: list[tuple[float, Callable[..., None], tuple[Any, ...]]] = []

    def call_later(self, after_s: float, act: Callable[..., None], *words: Any) -> "Loop":
        self.later.append((after_s, act, words))
        return self

    def cancel(self) -> None:
        self.later.clear()

    def go_on(self) -> None:
        """The time has come."""
        ((after_s, act, words),) = self.later
        assert after_s == READ_WITHIN_S
        self.later.clear()
        act(*words)


def test_whoever_reads_slowly_may() -> None:
    line, loop, door = Line(), cast(Any, Loop()), cast(Any, None)
    config = uvicorn.Config(Wordy(), http=PatientProtocol, ws="none", lifespan="off", log_config=None)
    protocol = PatientProtocol(config=config, server_state=ServerState(), app_state={}, _loop=loop, door=door)
    protocol.transport, protocol.flow = line, patience._Flow(line, loop)
    line.waits = 3 * READ_LEAST
    protocol.pause_writing()
    for _ in range(2):
        line.waits -= READ_LEAST
        loop.go_on()
    protocol.resume_writing()
    assert loop.later == [] and not line.is_over
    protocol.pause_writing()
    line.waits -= READ_LEAST - 1
    loop.go_on()
    assert loop.later == [] and line.is_over
