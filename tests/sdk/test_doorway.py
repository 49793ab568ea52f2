"""The door of a service: strangers who say nothing keep nobody out, and no log is filled with them."""

import json
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.uplinks import until
from yima.sdk import doorway
from yima.sdk.serving import Serving

HALF = b"POST /v1/batches HTTP/1.1\r\nHost: x\r\nX-Yima"


def half(url: str) -> socket.socket:
    """A connection on which headers begin and do not end."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    line = socket.create_connection((host, int(port)), timeout=60)
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
        assert self.go.wait(60)
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
        with httpx.Client(trust_env=False, timeout=60) as another:
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
        thread = threading.Thread(target=lambda: answers.append(httpx.get(f"{serving.url}/slow", timeout=60).text))
        thread.start()
        assert slow.begun.acquire(timeout=60)
        with half(serving.url) as line:
            assert is_over(line)
        slow.go.set()
        thread.join(60)
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
            with socket.create_connection((host, int(port)), timeout=60) as line:
                line.sendall(rubbish)
                assert line.recv(100).startswith(b"HTTP/1.1 400 ")
    assert capfd.readouterr().err == ""
