"""The metrics' port: one small HTTP answer at a time, on a thread of its own.

Whoever reaches it may be hostile, and a gate stands beside it. Rules:
- It binds to this machine unless an address is given.
- One connection at a time, for at most a second as a whole, with a request of at most 4 KB: whoever is slow, silent or
  endless is hung up on, and keeps others waiting for no longer than that. Nothing grows with the number of requests.
- The page is made anew at most once a second, so a flood of requests costs the loop of a tap next to nothing.
- Only GET /metrics is answered.
"""

import socket
import time
from collections.abc import Callable
from typing import Final

from yima.sdk.listening import host_and_port, listen
from yima.validator.errors import YimaError
from yima.validator.guarding.watched import ThreadState, Watched

WITHIN_S: Final = 1.0
REQUEST_MAX: Final = 4096
PAGE_EVERY_S: Final = 1.0
_LOOK_S: Final = 0.5  # how soon a stop is noticed
_TEXT: Final = "text/plain; version=1.0.0; charset=utf-8"


def address_of(text: str) -> tuple[str, int]:
    """The parts of HOST:PORT, or of PORT alone on this machine. Raises ServingError."""
    return host_and_port(f"127.0.0.1:{text}" if text.isascii() and text.isdecimal() else text)


class Endpoint:
    """Answers with what `page` gives, between `start` and `stop`. Raises ServingError if the port cannot be had."""

    def __init__(
        self, address: tuple[str, int], page: Callable[[], bytes], *, on_trouble: Callable[[YimaError], None]
    ) -> None:
        self._listening = listen(*address)
        self._listening.settimeout(_LOOK_S)
        self.port: int = self._listening.getsockname()[1]
        self._page = page
        self._made: tuple[float, bytes] | None = None
        self._over = False
        self._thread = Watched("yima-metrics", self._run, on_trouble=on_trouble)

    @property
    def thread(self) -> ThreadState:
        """How its thread stands."""
        return self._thread.state

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def look(self) -> None:
        """Begins the thread again if it has died; returns at once."""
        self._thread.look()

    def stop(self) -> None:
        """Frees the port."""
        self._over = True
        self._thread.join(_LOOK_S + WITHIN_S)
        self._listening.close()

    def _run(self) -> None:
        while not self._over:
            try:
                connection, _ = self._listening.accept()
            except TimeoutError:
                continue
            with connection:
                try:
                    self._answer(connection)
                except OSError:
                    continue  # whoever asked has gone, or was too slow

    def _answer(self, connection: socket.socket) -> None:
        by = time.monotonic() + WITHIN_S
        request = b""
        while b"\r\n\r\n" not in request:
            part = _received(connection, by) if len(request) <= REQUEST_MAX else b""
            if not part:
                return
            request += part
        words = request.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or words[0] != b"GET" or words[1].split(b"?")[0] != b"/metrics":
            answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        else:
            page = self._page_now()
            head = (
                f"HTTP/1.1 200 OK\r\nContent-Type: {_TEXT}\r\nContent-Length: {len(page)}\r\nConnection: close\r\n\r\n"
            )
            answer = head.encode() + page
        while answer:
            connection.settimeout(_left(by))
            answer = answer[connection.send(answer) :]

    def _page_now(self) -> bytes:
        now = time.monotonic()
        if self._made is None or now - self._made[0] >= PAGE_EVERY_S:
            self._made = now, self._page()
        return self._made[1]


def _received(connection: socket.socket, by: float) -> bytes:
    connection.settimeout(_left(by))
    return connection.recv(REQUEST_MAX)


def _left(by: float) -> float:
    left = by - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
