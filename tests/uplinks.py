"""What tests of uploads share: a device's key, small records, and servers that answer with these very bytes."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx

from tests import entries
from yima.validator import _core
from yima.validator.journal import SegmentJournal
from yima.validator.state.keys import DeviceKey
from yima.validator.uplink.http import HttpUplink


def record(payload: bytes) -> bytes:
    """A small trip record with its integrity tag."""
    before = b"\x00\x00\x00\x01\x00" + b"\x00\x01" + len(payload).to_bytes(2) + payload
    return before + b"\x00\x11\x00\x20" + _core.sm3(before)


def append(journal: SegmentJournal, count: int) -> None:
    for number in range(count):
        journal.append(entries.tap(body=record(b"code %d" % number)))


def until(condition: Callable[[], bool]) -> None:
    """Waits for what another thread does; a test that waits in vain fails."""
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def plain_http(**how: Any) -> httpx.Client:
    """A client for this machine over plain HTTP, which needs no authorities: to load them costs more than an answer."""
    return httpx.Client(trust_env=False, verify=False, **how)


KEY = DeviceKey.generate()


@contextmanager
def uplink_to(url: str, *, total_s: float = 5.0) -> Iterator[HttpUplink]:
    uplink = HttpUplink(url, key=KEY, device="gate-7", epoch=7, total_s=total_s)
    try:
        yield uplink
    finally:
        uplink.close()


def read_request(connection: socket.socket) -> bytes:
    """Reads a request; its head. Of whoever hangs up, what came until then."""
    received = b""
    while b"\r\n\r\n" not in received and (part := connection.recv(65536)):
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    size = int((head.lower().partition(b"content-length:")[2].split() or [b"0"])[0])
    while len(body) < size and (part := connection.recv(65536)):
        body += part
    return head


@contextmanager
def dripping(*answers: bytes) -> Iterator[str]:
    """A server that answers the requests of a connection with these very bytes, and after the last drips on."""
    listening = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip() -> None:
        connection, _ = listening.accept()
        with connection:
            for answer in answers:
                read_request(connection)
                connection.sendall(answer)
            while not stop.wait(0.05):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        stop.set()
        thread.join()
        listening.close()


@contextmanager
def answering(*answers: bytes, heads: list[bytes] | None = None) -> Iterator[str]:
    """A server that reads a request and answers it with these very bytes, one answer a connection; then hangs up.
    heads: what it was asked."""
    heads = [] if heads is None else heads
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for answer in answers:
            connection, _ = listening.accept()
            with connection:
                heads.append(read_request(connection))
                try:
                    connection.sendall(answer)
                except OSError:
                    continue  # whoever asked has heard enough
        listening.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        thread.join()


class Cutting:
    """A line to a port of this machine that passes on so many bytes of whoever calls, then hangs up on both."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.cut_after: int | None = None
        self.passed = 0
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            caller, _ = self._listening.accept()
            with caller:
                if self._to < 0:
                    return
                with socket.create_connection(("127.0.0.1", self._to)) as called:
                    back = threading.Thread(target=self._carry, args=(called, caller, None))
                    back.start()
                    self.passed += self._carry(caller, called, self.cut_after)
                    back.join()

    def _carry(self, here: socket.socket, there: socket.socket, most: int | None) -> int:
        passed = 0
        with suppress(OSError):
            while most is None or passed < most:
                data = here.recv(65536 if most is None else most - passed)
                if not data:
                    break
                there.sendall(data)
                passed += len(data)
        for end in (here, there):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        return passed

    def close(self) -> None:
        self._to = -1
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join()
        self._listening.close()


@contextmanager
def cutting(to: int) -> Iterator[Cutting]:
    line = Cutting(to)
    try:
        yield line
    finally:
        line.close()


def http(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
