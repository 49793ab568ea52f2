"""A service on a thread: it answers, it ends, and whoever stops it early takes nothing from under it."""

import asyncio
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from yima.sdk import serving as serving_module
from yima.sdk.serving import Serving

ROOT = Path(__file__).parents[2]


def app() -> Starlette:
    return Starlette(routes=[Route("/", lambda request: PlainTextResponse("here"))])


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def test_it_answers_until_it_is_stopped_and_frees_its_port() -> None:
    with Serving(app()) as serving:
        assert httpx.get(serving.url).text == "here"
        port = port_of(serving.url)
    serving.stop()
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_a_server_that_has_not_begun_when_it_is_stopped_keeps_its_socket_until_it_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seen on a busy machine: the socket was closed first, and the thread died of "Invalid file descriptor: -1"."""
    may_begin, descriptors = threading.Event(), []
    begin = uvicorn.Server.run

    def late(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        may_begin.wait(200)
        descriptors.append(sockets[0].fileno())
        begin(server, sockets=sockets)

    monkeypatch.setattr(uvicorn.Server, "run", late)
    monkeypatch.setattr(serving_module, "STOP_WITHIN_S", 0)
    serving = Serving(app())
    serving.stop()
    may_begin.set()
    monkeypatch.setattr(serving_module, "STOP_WITHIN_S", 15)
    serving.stop()
    assert descriptors and descriptors[0] >= 0
    with socket.create_server(("127.0.0.1", port_of(serving.url))):
        pass


PROGRAM = """
import os, signal
from tests.sdk.test_serving import app
from yima.sdk.listening import listen
from yima.sdk.serving import serve

serve(app(), listen("127.0.0.1", 0), on_ready=lambda: os.kill(os.getpid(), signal.SIGTERM))
"""


def test_a_signal_as_soon_as_it_says_that_it_listens_ends_it_as_it_should() -> None:
    """In the first twentieth of a second whoever ended a collector waited in vain, or it died of the signal."""
    assert subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, timeout=200, check=False).returncode == 0


SIGNALLED = """
import os, signal
from tests.sdk.test_serving import app
from yima.sdk.listening import listen
from yima.sdk.serving import serve

NUMBERS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
before, asked, listening = [signal.getsignal(one) for one in NUMBERS], [], listen("127.0.0.1", 0)

def ready():
    for one in (signal.SIGHUP, signal.SIGHUP, signal.SIGINT):
        os.kill(os.getpid(), one)

serve(app(), listening, on_ready=ready, again=lambda: asked.append(1))
assert asked == [1, 1], "SIGHUP ends nothing"
assert [signal.getsignal(one) for one in NUMBERS] == before, "signals are the caller's again"
assert listening.fileno() == -1, "the port is free"
"""


def test_hanging_up_asks_again_and_ends_nothing_and_at_the_end_signals_and_port_are_given_back() -> None:
    subprocess.run([sys.executable, "-c", SIGNALLED], cwd=ROOT, timeout=200, check=True)


def test_what_runs_beside_it_is_cancelled_at_the_end() -> None:
    begun, ended = threading.Event(), threading.Event()

    async def beside() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with Serving(app(), beside=[beside]):
        assert begun.wait(200)
        assert not ended.is_set()
    assert ended.is_set()


def test_an_app_that_keeps_answers_waiting_is_told_of_the_end() -> None:
    class Waiting:
        """Answers when it ends, not before."""

        def __init__(self) -> None:
            self.asked, self.over = threading.Event(), asyncio.Event()

        def stopping(self) -> None:
            self.over.set()

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            self.asked.set()
            await self.over.wait()
            await PlainTextResponse("over")(scope, receive, send)

    waiting, heard = Waiting(), []
    with Serving(waiting) as serving:
        thread = threading.Thread(target=lambda: heard.append(httpx.get(serving.url, timeout=200).text))
        thread.start()
        assert waiting.asked.wait(200)
    thread.join(200)
    assert heard == ["over"]


def test_nothing_goes_by_what_a_request_says_of_its_sender() -> None:
    def who(request: Request) -> PlainTextResponse:
        assert request.client
        return PlainTextResponse(f"{request.client.host} by {request.url.scheme}")

    with Serving(Starlette(routes=[Route("/", who)])) as serving:
        told = httpx.get(serving.url, headers={"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}).text
    assert told == "127.0.0.1 by http"
