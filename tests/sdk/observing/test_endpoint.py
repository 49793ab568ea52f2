"""The metrics' port: what it answers, and that whoever is slow, silent, endless or rude holds up nobody for long."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx
import pytest

from tests.uplinks import until
from yima.sdk.listening import ServingError
from yima.sdk.observing import endpoint as endpoint_module
from yima.sdk.observing.endpoint import Endpoint, Page, address_of
from yima.validator.errors import YimaError


@pytest.fixture
def troubles() -> list[YimaError]:
    return []


@pytest.fixture
def endpoint(troubles: list[YimaError]) -> Iterator[Endpoint]:
    made = Endpoint(("127.0.0.1", 0), page(lambda: b"yima_info 1\n"), on_trouble=troubles.append)
    made.start()
    yield made
    made.stop()


def page(make: Callable[[], bytes]) -> dict[str, Page]:
    return {"/metrics": Page("text/plain; version=1.0.0", make)}


def get(endpoint: Endpoint, path: str = "/metrics", method: str = "GET") -> httpx.Response:
    with httpx.Client(trust_env=False, timeout=200) as client:
        return client.request(method, f"http://127.0.0.1:{endpoint.port}{path}")


def test_it_binds_to_this_machine_unless_told_otherwise() -> None:
    assert address_of("9464") == ("127.0.0.1", 9464)
    assert address_of("0.0.0.0:9464") == ("0.0.0.0", 9464)
    assert address_of("[::1]:9464") == ("::1", 9464)
    for wrong in ("", "gate", ":9464", "host:port"):
        with pytest.raises(ServingError):
            address_of(wrong)


def test_it_answers_with_the_page(endpoint: Endpoint) -> None:
    answer = get(endpoint)
    assert (answer.status_code, answer.text) == (200, "yima_info 1\n")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert get(endpoint, "/metrics?x=1").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("POST", "/metrics"), ("DELETE", "/metrics"), ("GET", "/m")]
)
def test_it_answers_nothing_else(endpoint: Endpoint, method: str, path: str) -> None:
    assert get(endpoint, path, method).status_code == 404


def silent(line: socket.socket) -> None:
    pass


def half(line: socket.socket) -> None:
    line.sendall(b"GET /metrics HTTP/1.1\r\nHost: ")


def endless(line: socket.socket) -> None:
    line.sendall(b"GET /" + b"x" * 100_000)


def rude(line: socket.socket) -> None:
    line.sendall(b"\x16\x03\x01\x00\xff\r\n\r\n")


def gone(line: socket.socket) -> None:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    line.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
    line.close()


@pytest.mark.parametrize("does", [silent, half, endless, rude, gone], ids=lambda does: does.__name__)
def test_whoever_is_hostile_is_hung_up_on_and_the_next_is_answered(
    endpoint: Endpoint, troubles: list[YimaError], does: Callable[[socket.socket], None]
) -> None:
    lines = [socket.create_connection(("127.0.0.1", endpoint.port)) for _ in range(3)]
    for line in lines:
        with suppress(OSError):  # it may have hung up already
            does(line)
    assert get(endpoint).status_code == 200
    for line in lines:
        line.close()
    assert troubles == []


def test_a_byte_now_and_then_is_not_for_ever(monkeypatch: pytest.MonkeyPatch, troubles: list[YimaError]) -> None:
    monkeypatch.setattr(endpoint_module, "WITHIN_S", 0.2)
    monkeypatch.setattr(endpoint_module, "REQUEST_MAX", 1000)
    endpoint = Endpoint(("127.0.0.1", 0), page(lambda: b""), on_trouble=troubles.append)
    endpoint.start()
    with socket.create_connection(("127.0.0.1", endpoint.port)) as line:
        sent = 0

        def hung_up() -> bool:
            nonlocal sent
            try:
                sent += line.send(b"x")
            except OSError:
                return True
            return False

        until(hung_up)
        assert sent < 1000, "not for its length"
    endpoint.stop()


def test_a_request_without_an_end_is_hung_up_on_for_its_length(
    monkeypatch: pytest.MonkeyPatch, endpoint: Endpoint
) -> None:
    monkeypatch.setattr(endpoint_module, "WITHIN_S", 3600.0)
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=20) as line, suppress(ConnectionError):
        endless(line)
        assert line.recv(1) == b""


def test_whoever_reads_too_slowly_is_hung_up_on(monkeypatch: pytest.MonkeyPatch, troubles: list[YimaError]) -> None:
    monkeypatch.setattr(endpoint_module, "WITHIN_S", 0.2)
    pages = page(lambda: b"here") | {"/large": Page("text/plain", lambda: bytes(32 << 20))}
    endpoint = Endpoint(("127.0.0.1", 0), pages, on_trouble=troubles.append)
    endpoint.start()
    received, pace = 0, threading.Event()
    with socket.create_connection(("127.0.0.1", endpoint.port)) as line, suppress(ConnectionError):
        line.sendall(b"GET /large HTTP/1.1\r\n\r\n")
        while part := line.recv(65536):
            received += len(part)
            pace.wait(0.001)
    assert received < 32 << 20
    monkeypatch.setattr(endpoint_module, "WITHIN_S", 3600.0)
    assert get(endpoint).text == "here"
    endpoint.stop()


def test_a_flood_of_requests_makes_a_page_once(monkeypatch: pytest.MonkeyPatch, troubles: list[YimaError]) -> None:
    monkeypatch.setattr(endpoint_module, "PAGE_EVERY_S", 3600.0)
    made: list[None] = []

    def counted() -> bytes:
        made.append(None)
        return b"%d" % len(made)

    endpoint = Endpoint(("127.0.0.1", 0), page(counted), on_trouble=troubles.append)
    endpoint.start()
    assert [get(endpoint).text for _ in range(5)] == ["1"] * 5
    endpoint.stop()


def test_a_page_that_cannot_be_made_is_told_and_the_thread_begins_again(troubles: list[YimaError]) -> None:
    pages = iter([LookupError("no page")])

    def made() -> bytes:
        for error in pages:
            raise error
        return b"page"

    endpoint = Endpoint(("127.0.0.1", 0), page(made), on_trouble=troubles.append)
    endpoint.start()
    with pytest.raises(httpx.HTTPError):
        get(endpoint)
    until(lambda: len(troubles) == 1)

    def answers() -> bool:
        endpoint.look()
        return endpoint.thread.restarts > 0

    until(answers)
    assert get(endpoint).text == "page"
    endpoint.stop()


def test_a_port_that_is_taken_is_said_at_once(endpoint: Endpoint) -> None:
    with pytest.raises(ServingError, match="in use"):
        Endpoint(("127.0.0.1", endpoint.port), page(lambda: b""), on_trouble=lambda error: None)
