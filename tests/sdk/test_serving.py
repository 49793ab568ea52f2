"""A service on a thread: it answers, it ends, and whoever stops it early takes nothing from under it."""

import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

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
        may_begin.wait(30)
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
    assert subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, timeout=60, check=False).returncode == 0
