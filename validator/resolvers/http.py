"""A resolver over HTTP: one POST a question, on a connection of its own.

The protocol is Yima's own, for benches and for those who put a bridge before a province's service; it claims no
compatibility with a service nobody has published. `POST /v1/resolve`, JSON both ways:

    {"family": "sufu", "token": base64, "nonce": hex, "mode": "bus", "city": 320500, "line": 0, "station": 0,
     "direction": "none", "fare_fen": 200, "at": unix seconds, "deadline_ms": 800}
    {"answer": "accept" or "refuse", "nonce": the same}

Rules it keeps:
- The deadline holds whatever the network or the server does: the question runs on a thread of its own, and when time is
  up its socket is cut and the answer is UNREACHABLE. While MOST_OPEN questions hang on, nothing more is asked.
- Only a well-formed answer of status 200 to this very question (its nonce) counts. A redirect, an error page, an answer
  to another question, an endless one, one that says a thing twice: UNREACHABLE. Never "accept" by accident.
- The other end is who it says it is: plain HTTP is for this machine only.
- A proxy of the environment is not asked.
"""

import base64
import http.client
import json
import secrets
import socket
import ssl
import threading
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from yima.validator.errors import ResolverError
from yima.validator.outside import json_of
from yima.validator.ports import Answer, Question
from yima.validator.texts import Text
from yima.validator.uplink.http import is_loopback
from yima.validator.version import VERSION

PATH = "/v1/resolve"
ANSWER_MAX = 4096
MOST_OPEN = 4


class HttpResolver:
    """Asks the service at `url` (http or https, without path). Raises ResolverError for a URL that cannot be one.

    context: for https, which certificates are trusted; default the system's.
    """

    def __init__(self, url: str, *, context: ssl.SSLContext | None = None) -> None:
        self.url = url
        host, port, encrypted = _parts(url)
        if not encrypted and not is_loopback(host):
            raise ResolverError(
                url,
                Text("plain HTTP to another machine: anyone on the way could answer", "明文 HTTP 可被途中任何人冒充"),
                Text("Use https", "请使用 https"),
            )
        self._host, self._port = host, port
        self._context = (context or ssl.create_default_context()) if encrypted else None
        self._places = threading.Semaphore(MOST_OPEN)

    def resolve(self, question: Question) -> Answer:
        """The issuer's answer, within the deadline."""
        if not self._places.acquire(blocking=False):
            return Answer.UNREACHABLE
        exchange = _Exchange(self._connection(question.deadline_ms / 1000), question)
        thread = threading.Thread(target=self._hold_place, args=(exchange,), name="yima-resolver", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the machine has no thread to give just now
            self._places.release()
            return Answer.UNREACHABLE
        thread.join(question.deadline_ms / 1000)
        exchange.cut()
        return exchange.answer

    def close(self) -> None:
        """Nothing stays open between questions."""

    def _hold_place(self, exchange: "_Exchange") -> None:
        try:
            exchange.run()
        finally:
            self._places.release()

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
        return http.client.HTTPSConnection(self._host, self._port, timeout=timeout_s, context=self._context)


class _Exchange:
    """One question and its answer. `run` may be cut from another thread; what it finds afterwards does not count."""

    def __init__(self, connection: http.client.HTTPConnection, question: Question) -> None:
        self._connection = connection
        self._question = question
        self._nonce = secrets.token_hex(16)
        self._turn = threading.Lock()
        self._over = False
        self._socket: socket.socket | None = None  # the connection lets go of it before the answer has been read
        self.answer = Answer.UNREACHABLE

    def run(self) -> None:
        """Asks and takes the answer; any failure leaves it UNREACHABLE."""
        try:
            self._connection.connect()
            self._socket = self._connection.sock
            if self._over:
                return  # nobody waits any more, so nothing is asked
            self._connection.request("POST", PATH, self._body(), _HEADERS)
            response = self._connection.getresponse()
            body = response.read(ANSWER_MAX + 1) if response.status == 200 else b""
            answer = _answer_in(body, self._nonce)
        except (OSError, http.client.HTTPException):
            return
        finally:
            self._connection.close()
        with self._turn:
            if not self._over:
                self.answer = answer

    def cut(self) -> None:
        """Time is up, or it has ended: what comes now comes too late."""
        with self._turn:
            self._over = True
        if self._socket is not None:
            with suppress(OSError):  # it may have ended by itself meanwhile
                self._socket.shutdown(socket.SHUT_RDWR)

    def _body(self) -> bytes:
        question = self._question
        return json.dumps(
            {
                "family": question.family,
                "token": base64.b64encode(question.token).decode(),
                "nonce": self._nonce,
                "mode": question.gate.mode,
                "city": question.gate.city,
                "line": question.gate.line,
                "station": question.gate.station,
                "direction": question.gate.direction,
                "fare_fen": question.fare_fen,
                "at": question.at,
                "deadline_ms": question.deadline_ms,
            }
        ).encode()


_HEADERS = {"Content-Type": "application/json", "User-Agent": f"yima/{VERSION}", "Connection": "close"}


def _answer_in(body: bytes, nonce: str) -> Answer:
    """What a well-formed answer to this question says; anything else is UNREACHABLE."""
    try:
        said = json_of(body, pairs=_once) if len(body) <= ANSWER_MAX else None
    except ValueError:
        return Answer.UNREACHABLE
    if not isinstance(said, dict) or said.get("nonce") != nonce:
        return Answer.UNREACHABLE
    # Compared as text: True, 1 and the like say nothing.
    return {"accept": Answer.ACCEPT, "refuse": Answer.REFUSE}.get(str(said.get("answer")), Answer.UNREACHABLE)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name that stands twice says two things, of which Python would take the last. Raises ValueError."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _parts(url: str) -> tuple[str, int | None, bool]:
    """(host, port, whether encrypted) of a service's URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")  # as connecting will, where nobody could be told
    except ValueError:
        host, port = None, None
    if (
        host is None
        or parts.scheme not in ("http", "https")
        or parts.path.strip("/")
        or parts.query
        or parts.fragment
        or parts.username is not None
        or not all("!" <= character <= "~" for character in host)
    ):
        raise ResolverError(
            url,
            Text("no address of a resolver", "不是联网核验端地址"),
            Text(
                "Give one like https://resolver.example or http://127.0.0.1:8090",
                "格式如 https://resolver.example 或 http://127.0.0.1:8090",
            ),
        )
    return host, port, parts.scheme == "https"


def open_http(address: str) -> HttpResolver:
    """The back-end `http:`; address: what follows, such as //127.0.0.1:8090. Raises ResolverError."""
    return HttpResolver(f"http:{address}")


def open_https(address: str) -> HttpResolver:
    """The back-end `https:`. Raises ResolverError."""
    return HttpResolver(f"https:{address}")
