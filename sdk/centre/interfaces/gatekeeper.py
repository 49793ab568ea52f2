"""What every request passes before anything of it is looked at: its size, its key, how often the key asks.

Rules it keeps:

- Without a key that holds, every path is the same 401. What a caller sends is never repeated, and no key is in a log:
  an event tells the key's id, the path's pattern (no account is in it), and the status.
- A request has no body, its query is short, its headers are few; how long they may take is the server's (patience.py).
- A key that asks too often is told when to come back; of requests under way there are never more than a few.
- A request that takes too long, by a caller who does not read, is given up.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from yima.sdk.centre.clearing.days import day_of
from yima.sdk.centre.interfaces.keys import Key, KeyBook
from yima.sdk.centre.interfaces.limits import RateLimit
from yima.sdk.centre.interfaces.problems import RefusedError, unavailable, wrong_key
from yima.sdk.centre.interfaces.watched import Watched
from yima.validator.errors import YimaError
from yima.validator.texts import Text

HEADERS_MAX: Final = 16 << 10  # bytes; the server has an end for those that come in parts
QUERY_MAX: Final = 1024  # bytes
UNDER_WAY_MAX: Final = 64
ANSWER_WITHIN_S: Final = 600
Event = dict[str, Any]


class Gatekeeper:
    """Stands before an app. on_event is told of every request, as {"event": "request", …}. now: unix seconds."""

    def __init__(
        self,
        app: ASGIApp,
        keys: Watched[KeyBook],
        *,
        per_minute: int,
        on_event: Callable[[Event], None],
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app, self._keys, self._on_event, self._now = app, keys, on_event, now
        self._limit = RateLimit(per_minute, clock)
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError("speaks HTTP only")
        inner = dict(scope, headers=[one for one in scope["headers"] if one[0] != b"range"])  # answers come whole
        if scope["method"] == "HEAD":
            inner["method"] = "GET"
        told: Event = {"event": "request", "key": None, "method": scope["method"], "path": None, "status": None}

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                told["status"] = message["status"]
            elif scope["method"] == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        self._under_way += 1
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                try:
                    key = self._let_in(inner)
                except RefusedError as refused:
                    await refused.response()(inner, receive, answer)
                else:
                    told["key"] = key.id
                    inner["state"] = {**scope.get("state", {}), "key": key}
                    await self._app(inner, receive, answer)
        except TimeoutError:
            if told["status"] is None:
                await _too_slow()(inner, receive, answer)
        finally:
            self._under_way -= 1
            told["path"] = getattr(inner.get("route"), "path", None)
            self._on_event(told)

    def _let_in(self, scope: Scope) -> Key:
        """The key of a request that may go on. Raises RefusedError."""
        if self._under_way > UNDER_WAY_MAX:
            raise _busy()
        headers = scope["headers"]
        if sum(len(name) + len(value) for name, value in headers) > HEADERS_MAX:
            raise _large_headers()
        shown = [value for name, value in headers if name == b"authorization"]
        scheme, _, word = shown[0].decode("latin-1").partition(" ") if len(shown) == 1 else ("", "", "")
        try:
            book = self._keys.get()
        except (YimaError, OSError) as error:
            self._on_event({"event": "trouble", "why": str(error)})
            raise unavailable(Text("the list of keys", "密钥清单")) from error
        key = book.find(word.strip(), day_of(int(self._now())))
        if key is None or scheme.lower() != "bearer":
            raise wrong_key()
        wait_s = self._limit.wait_s(key.id)
        if wait_s:
            raise _too_often(wait_s)
        if len(scope["query_string"]) > QUERY_MAX:
            raise _too_long()
        if any(
            (name == b"content-length" and value != b"0") or name == b"transfer-encoding" for name, value in headers
        ):
            raise _with_body()
        return key


def _busy() -> RefusedError:
    return RefusedError(
        503,
        "BUSY",
        Text("the service", "服务"),
        Text("has too many requests under way", "正在处理的请求过多"),
        Text("Try again in a second", "请一秒后重试"),
        headers={"Retry-After": "1"},
    )


def _too_often(wait_s: float) -> RefusedError:
    seconds = int(wait_s) + 1
    return RefusedError(
        429,
        "TOO_OFTEN",
        Text("this key", "此密钥"),
        Text("asks too often", "请求过于频繁"),
        Text(f"Come back in {seconds} s, with a larger `limit`", f"请 {seconds} 秒后重试，并加大 limit"),
        headers={"Retry-After": str(seconds)},
    )


def _too_long() -> RefusedError:
    return RefusedError(
        414,
        "QUERY_TOO_LONG",
        Text("the query", "查询串"),
        Text(f"is longer than {QUERY_MAX} bytes", f"超过 {QUERY_MAX} 字节"),
        Text("Send the parameters that /openapi.json names, each once", "请只发送 /openapi.json 所列参数，每个一次"),
    )


def _large_headers() -> RefusedError:
    return RefusedError(
        431,
        "HEADERS",
        Text("the headers", "请求头"),
        Text(f"are larger than {HEADERS_MAX} bytes", f"超过 {HEADERS_MAX} 字节"),
        Text("Send Authorization and what you need", "请只发送 Authorization 与所需的请求头"),
        headers={"Connection": "close"},
    )


def _with_body() -> RefusedError:
    return RefusedError(
        413,
        "BODY",
        Text("the request", "请求"),
        Text("has a body", "带有请求体"),
        Text("Send none: everything here is only read", "请勿发送：此处均为只读"),
        headers={"Connection": "close"},
    )


def _too_slow() -> Response:
    return RefusedError(
        503,
        "TOO_SLOW",
        Text("the answer", "应答"),
        Text("took too long", "耗时过长"),
        Text("Ask for less at once", "请减少单次请求的数据量"),
        headers={"Retry-After": "30"},
    ).response()
