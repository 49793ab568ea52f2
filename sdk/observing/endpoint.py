"""A port on which a running program answers: one small HTTP answer at a time, on a thread of its own.

Whoever reaches it may be hostile, and a gate stands beside it. Rules:
- It binds to this machine unless an address is given.
- One connection at a time, for at most a second as a whole, with a request of at most 4 KB: whoever is slow, silent or
  endless is hung up on, and keeps others waiting for no longer than that. Nothing grows with the number of requests.
- A page is made anew at most once a second, so a flood of requests costs the loop of a tap next to nothing.
- Only GET of the pages it has is answered.
"""

import socket
import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from yima.sdk.listening import host_and_port, listen
from yima.validator.errors import YimaError
from yima.validator.guarding.watched import ThreadState, Watched

WITHIN_S: Final = 1.0
REQUEST_MAX: Final = 4096
PAGE_EVERY_S: Final = 1.0
_LOOK_S: Final = 0.5  # how soon a stop is noticed


class Page(NamedTuple):
    """What stands under a path. kind: its Content-Type; make: its bytes; headers: more lines of the answer."""

    kind: str
    make: Callable[[], bytes]
    headers: tuple[str, ...] = ()


Guard = Callable[[str, Mapping[str, str]], str | None]
"""(path, headers by their names in lower case) -> the status of a refusal, such as "401 Unauthorized"; None: answer."""


def address_of(text: str) -> tuple[str, int]:
    """The parts of HOST:PORT, or of PORT alone on this machine. Raises ServingError."""
    return host_and_port(f"127.0.0.1:{text}" if text.isascii() and text.isdecimal() else text)


class Endpoint:
    """Answers with its pages, by path, between `start` and `stop`. Raises ServingError if the port cannot be had."""

    def __init__(
        self,
        address: tuple[str, int],
        pages: Mapping[str, Page],
        *,
        on_trouble: Callable[[YimaError], None],
        name: str = "yima-metrics",
        guard: Guard = lambda path, headers: None,
    ) -> None:
        self._listening = listen(*address)
        self._listening.settimeout(_LOOK_S)
        self.port: int = self._listening.getsockname()[1]
        self._pages = pages
        self._guard = guard
        self._made: dict[str, tuple[float, bytes]] = {}
        self._over = False
        self._thread = Watched(name, self._run, on_trouble=on_trouble)

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
        answer = self._answer_to(request.decode("latin-1"))
        while answer:
            connection.settimeout(_left(by))
            answer = answer[connection.send(answer) :]

    def _answer_to(self, request: str) -> bytes:
        line, *lines = request.partition("\r\n\r\n")[0].split("\r\n")
        words = line.split(" ")
        path = words[1].partition("?")[0] if len(words) == 3 and words[0] == "GET" else ""
        page = self._pages.get(path)
        if page is None:
            return _answer("404 Not Found", (), b"")
        headers = {name.strip().lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
        refusal = self._guard(path, headers)
        if refusal is not None:
            return _answer(refusal, page.headers, b"")
        return _answer("200 OK", (f"Content-Type: {page.kind}", *page.headers), self._page_now(path, page))

    def _page_now(self, path: str, page: Page) -> bytes:
        now = time.monotonic()
        made = self._made.get(path)
        if made is None or now - made[0] >= PAGE_EVERY_S:
            made = self._made[path] = now, page.make()
        return made[1]


def _answer(status: str, headers: tuple[str, ...], body: bytes) -> bytes:
    lines = (f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "Connection: close", "", "")
    return "\r\n".join(lines).encode() + body


def _received(connection: socket.socket, by: float) -> bytes:
    connection.settimeout(_left(by))
    return connection.recv(REQUEST_MAX)


def _left(by: float) -> float:
    left = by - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
