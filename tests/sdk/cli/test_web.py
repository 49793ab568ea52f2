"""`yima web`: whatever a browser or a stranger asks, and however it goes away, the terminal stays as it is."""

import http.client
import mimetypes
import socket
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from yima.sdk.cli.web import _CONNECTIONS, _Handler, _Server
from yima.sdk.web.build import PAGE


@pytest.fixture
def server() -> Iterator[_Server]:
    """Serves the page on a free port."""
    made = _Server(("127.0.0.1", 0), partial(_Handler, directory=str(PAGE)))
    serving = threading.Thread(target=made.serve_forever, args=(0.01,))
    serving.start()
    yield made
    made.shutdown()
    serving.join()
    made.server_close()


@pytest.mark.parametrize(("path", "status"), [("/index.html", 200), ("/nowhere", 404), ("/%00", 404)])
def test_a_name_that_no_file_can_have_is_not_there(
    path: str, status: int, server: _Server, capsys: pytest.CaptureFixture[str]
) -> None:
    asking = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=200)
    asking.request("GET", path)
    assert asking.getresponse().status == status
    asking.close()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("error", "is_told"), [(ConnectionResetError(), False), (RuntimeError(), True)])
def test_a_connection_that_was_reset_is_not_told_and_a_fault_of_ours_is(
    error: Exception, is_told: bool, server: _Server, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        raise error
    except (OSError, RuntimeError):
        server.handle_error(None, ("127.0.0.1", 1))
    assert ("Traceback" in capsys.readouterr().err) == is_told


@pytest.mark.parametrize(
    ("path", "kind"), [("/page.js", "text/javascript"), ("/style.css", "text/css"), ("/", "text/html")]
)
def test_a_script_is_called_a_script_whatever_the_system_calls_it(
    path: str, kind: str, server: _Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug found: where Windows' registry says text/plain of .js, the browser ran no script: a page without a word."""
    monkeypatch.setattr(mimetypes, "guess_type", lambda *_: ("text/plain", None))
    asking = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=200)
    asking.request("GET", path)
    assert asking.getresponse().headers["Content-Type"] == f"{kind}; charset=utf-8"
    asking.close()


def test_who_says_nothing_is_hung_up_on(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug found: each held a thread for ever."""
    assert _Handler.timeout == 20
    monkeypatch.setattr(_Handler, "timeout", 0.01)
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=200) as silent:
        assert silent.recv(1) == b""


def test_no_more_connections_are_served_than_there_may_be(server: _Server) -> None:
    there = [socket.create_connection(("127.0.0.1", server.server_port), timeout=200) for _ in range(_CONNECTIONS + 1)]
    assert there[-1].recv(1) == b""
    there[0].sendall(b"GET /index.html HTTP/1.0\r\n\r\n")
    assert there[0].recv(12) == b"HTTP/1.0 200"
    for one in there:
        one.close()
