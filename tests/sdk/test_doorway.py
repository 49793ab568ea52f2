"""The door of a service: strangers who say nothing keep nobody out, and no log is filled with them."""

import asyncio
import errno
import json
import resource
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.tls_world import authority
from tests.uplinks import until
from yima.sdk import doorway
from yima.sdk.doorway import Doorway
from yima.sdk.serving import Serving
from yima.sdk.tls import Tls

HALF = b"POST /v1/batches HTTP/1.1\r\nHost: x\r\nX-Yima"


def half(url: str) -> socket.socket:
    """A connection on which headers begin and do not end."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    line = socket.create_connection((host, int(port)), timeout=200)
    line.sendall(HALF)
    return line


def is_over(line: socket.socket) -> bool:
    try:
        return line.recv(1) == b""
    except ConnectionError:
        return True


class Slow:
    """An app whose /slow answers when it is let go."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Semaphore(0), threading.Event()
        self.app = Starlette(routes=[Route("/", self.plain), Route("/slow", self.slow)])

    async def plain(self, _: Request) -> PlainTextResponse:
        return PlainTextResponse("here")

    def slow(self, _: Request) -> PlainTextResponse:
        self.begun.release()
        assert self.go.wait(200)
        return PlainTextResponse("late")


@contextmanager
def collecting(tmp_path: Path, first: str, *more: str) -> Iterator[tuple[str, Path]]:
    """A collector before which Python ran `first`; its address, and what it says on standard error."""
    code = f"{first}; import runpy; runpy.run_module('yima.sdk.cli.main', run_name='__main__')"
    words = ["collect", "--bench", "--json", "--listen", "127.0.0.1:0", "--store", str(tmp_path / "trips.db"), *more]
    stderr = tmp_path / "stderr"
    with (
        stderr.open("wb") as out,
        subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.PIPE, stderr=out) as process,
    ):
        assert process.stdout
        try:
            yield json.loads(process.stdout.readline())["url"], stderr
        finally:
            process.terminate()
            process.stdout.read()


@pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 700, reason="needs descriptors of its own")
def test_with_256_descriptors_600_half_written_headers_keep_nobody_out_and_fill_no_log(tmp_path: Path) -> None:
    """It was dead, and said so 139,362 times in ten seconds."""
    few = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))"
    with (
        collecting(tmp_path, few) as (url, stderr),
        ExitStack() as ending,
        httpx.Client(trust_env=False) as client,
    ):
        assert client.get(f"{url}/health").status_code == 200
        for _ in range(600):
            ending.callback(half(url).close)
        with httpx.Client(trust_env=False, timeout=200) as another:
            for _ in range(5):
                assert another.get(f"{url}/health").status_code == 200
        assert client.get(f"{url}/ready").status_code == 200
    assert stderr.read_bytes() == b""


def test_who_has_rested_for_the_longest_makes_room() -> None:
    with Serving(Slow().app, connections_max=3) as serving, ExitStack() as ending:
        lines = [ending.enter_context(half(serving.url)) for _ in range(3)]
        assert httpx.get(serving.url).text == "here"
        assert is_over(lines[0])
        lines[2].sendall(b": y\r\n\r\n")
        assert lines[2].recv(12) == b"HTTP/1.1 404"


def test_where_all_are_at_work_whoever_comes_is_turned_away_at_once() -> None:
    slow = Slow()
    with Serving(slow.app, connections_max=1) as serving:
        answers: list[str] = []
        thread = threading.Thread(target=lambda: answers.append(httpx.get(f"{serving.url}/slow", timeout=200).text))
        thread.start()
        assert slow.begun.acquire(timeout=200)
        with half(serving.url) as line:
            assert is_over(line)
        slow.go.set()
        thread.join(200)
        assert answers == ["late"]
        assert httpx.get(serving.url).text == "here", "the place is free again"


def test_one_address_has_no_more_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    with Serving(Slow().app, connections_each=2) as serving, ExitStack() as ending:
        for _ in range(4):
            ending.enter_context(half(serving.url))
        assert httpx.get(serving.url).text == "here", "a proxy on this machine brings everybody"
        monkeypatch.setattr(doorway, "is_own", lambda host: False)
        with half(serving.url) as line:
            assert is_over(line)
        ending.close()
        until(lambda: _answers(serving.url))


@pytest.mark.parametrize(("open_already", "comes_in"), [(1, True), (2, False)])
def test_the_share_of_one_address_is_its_number(
    open_already: int, comes_in: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorway, "is_own", lambda host: False)
    with Serving(Slow().app, connections_each=2) as serving, ExitStack() as ending:
        for _ in range(open_already):
            ending.enter_context(half(serving.url))
        assert _answers(serving.url) is comes_in


class Staying(asyncio.Protocol):
    """A connection that rests and does not go, though it is told to make room."""

    def __init__(self, door: Doorway) -> None:
        self.door, self.transport = door, self

    def abort(self) -> None:
        """It is slow to go."""

    def connection_made(self, _: asyncio.BaseTransport) -> None:
        self.door.rests(self)


def test_who_is_slow_to_make_room_is_not_waited_for_without_end() -> None:
    async def kept() -> int:
        made = []

        def make(door: Doorway) -> Staying:
            made.append(Staying(door))
            return made[-1]

        with socket.create_server(("127.0.0.1", 0), backlog=100) as listening, ExitStack() as ending:
            door = Doorway(listening, make, most=40)
            for _ in range(100):
                line = ending.enter_context(socket.create_connection(listening.getsockname()))
                await asyncio.sleep(0)
            line.setblocking(False)
            over = asyncio.get_running_loop().sock_recv(line, 1)
            assert await asyncio.wait_for(over, 20) == b"", "the last one is turned away"
            door.close()
        return len(made)

    assert asyncio.run(kept()) == 40 + doorway.OWN_FILES // 2


class Greeting(asyncio.Protocol):
    """A connection that says that it is in, and rests."""

    def __init__(self, door: Doorway) -> None:
        self.door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(b"in")
        self.door.rests(self)

    def connection_lost(self, _: Exception | None) -> None:
        self.door.gone(self)


def test_of_two_that_come_in_one_turn_of_the_loop_the_first_makes_room() -> None:
    """It was not yet known to rest, so the second was turned away."""

    async def heard() -> list[bytes]:
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as listening, ExitStack() as ending:
            both = [ending.enter_context(socket.create_connection(listening.getsockname())) for _ in range(2)]
            door = Doorway(listening, Greeting, most=1)
            for line in both:
                line.setblocking(False)
            heard = [await loop.sock_recv(line, 2) for line in both]
            door.close()
        return heard

    assert asyncio.run(heard()) == [b"", b"in"]


class Lacking(socket.socket):
    """A listening socket in a system that has run out, so many times."""

    def __init__(self, number: int, times: int) -> None:
        super().__init__(fileno=socket.create_server(("127.0.0.1", 0)).detach())
        self.number, self.times, self.tries = number, times, 0

    def accept(self) -> tuple[socket.socket, Any]:
        self.tries += 1
        if self.tries <= self.times:
            raise OSError(self.number, "lacking")
        return super().accept()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_where_the_system_has_run_out_who_waits_comes_in_later(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "REST_S", 0.0)

    troubles: list[object] = []

    async def heard() -> bytes:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
        with Lacking(number, 3) as listening, socket.create_connection(listening.getsockname()) as line:
            door = Doorway(listening, Greeting)
            line.setblocking(False)
            heard = await asyncio.get_running_loop().sock_recv(line, 2)
            door.close()
        return heard

    assert asyncio.run(heard()) == b"in"
    assert troubles == []


def test_where_the_system_has_run_out_it_is_not_asked_at_every_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "REST_S", 3600.0)

    async def tries() -> int:
        with Lacking(errno.EMFILE, 1000) as listening, socket.create_connection(listening.getsockname()):
            Doorway(listening, Greeting)
            for _ in range(50):
                await asyncio.sleep(0)
            return listening.tries

    assert asyncio.run(tries()) == 1


def test_whoever_shakes_no_hands_makes_room(tmp_path: Path) -> None:
    made = authority(tmp_path / "ca")
    trusted = ssl.create_default_context(cafile=made.folder / "ca.pem")
    with Serving(Slow().app, connections_max=1, tls=Tls(made.folder / "collector.pem")) as serving:
        address = ("127.0.0.1", httpx.URL(serving.url).port or 0)
        with socket.create_connection(address, timeout=200) as silent:
            assert httpx.get(serving.url, verify=trusted).text == "here"
            assert is_over(silent)


def test_a_collector_has_no_more_connections_of_one_address_than_it_was_told(tmp_path: Path) -> None:
    from_afar = "import yima.sdk.doorway as doorway; doorway.is_own = lambda host: False"
    with collecting(tmp_path, from_afar, "--connections-each", "2") as (url, _), ExitStack() as ending:
        for _ in range(2):
            ending.callback(half(url).close)
        with half(url) as line:
            assert is_over(line)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).text == "here"
    except httpx.TransportError:
        return False


@pytest.mark.parametrize(
    ("host", "own"), [("127.0.0.1", True), ("::1", True), ("", True), ("192.0.2.1", False), ("fe80::1%eth0", False)]
)
def test_this_machines_own_addresses_are_its_loopback(host: str, own: bool) -> None:
    assert doorway.is_own(host) is own


def test_what_is_no_http_is_answered_and_logged_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    with Serving(Slow().app) as serving:
        for rubbish in (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 100):
            host, _, port = serving.url.removeprefix("http://").rpartition(":")
            with socket.create_connection((host, int(port)), timeout=200) as line:
                line.sendall(rubbish)
                assert line.recv(100).startswith(b"HTTP/1.1 400 ")
    assert capfd.readouterr().err == ""
