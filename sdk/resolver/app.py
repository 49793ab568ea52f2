"""The bench resolver as a web application: the other end of yima.validator.resolvers.http, so that the path is real.

It claims no compatibility with any province's service: none has published one. Every question is hostile until checked;
tokens stay out of what it tells, which has their SM3's first bytes instead.
"""

import asyncio
import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from yima.sdk.resolver.tokens import TOKEN_MAX, answer_for
from yima.validator import _core
from yima.validator.outside import json_of
from yima.validator.ports import Answer
from yima.validator.resolvers.http import PATH

QUESTION_MAX = 16 << 10
WORD_MAX = 64


class BenchResolver:
    """Answers from a table of tokens. delay_s: how long it thinks. on_event is told each question, and each refusal."""

    def __init__(
        self,
        tokens: Mapping[bytes, Answer],
        *,
        default: Answer = Answer.REFUSE,
        delay_s: float = 0.0,
        on_event: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self._tokens = tokens
        self._default = default
        self._delay_s = delay_s
        self._on_event = on_event or (lambda event: None)

    def app(self) -> Starlette:
        """The application, to be served."""
        return Starlette(routes=[Route(PATH, self._resolve, methods=["POST"])])

    async def _resolve(self, request: Request) -> Response:
        body = bytearray()
        try:
            async for part in request.stream():
                body += part
                if len(body) > QUESTION_MAX:
                    return self._bad("question too long", 413)
        except ClientDisconnect:
            return self._bad("the device went away", 400)
        question = _question(bytes(body))
        if question is None:
            return self._bad("no question", 400)
        token, nonce, family = question
        answer = answer_for(self._tokens, token, self._default)
        await asyncio.sleep(self._delay_s)
        name = _core.sm3(token)[:4].hex()
        self._on_event({"event": "question", "family": family, "token_sm3": name, "answer": str(answer)})
        return JSONResponse({"answer": str(answer), "nonce": nonce})

    def _bad(self, why: str, status: int) -> Response:
        self._on_event({"event": "refused", "status": status, "why": why})
        return JSONResponse({"error": why}, status_code=status)


def _question(body: bytes) -> tuple[bytes, str, str] | None:
    """(token, nonce, family), or None where the bytes are no question."""
    try:
        said = json_of(body)
        token = base64.b64decode(said["token"], validate=True)
        nonce, family = said["nonce"], said["family"]
    except (ValueError, KeyError, TypeError, binascii.Error):
        return None
    for word in (nonce, family):
        if not isinstance(word, str) or len(word) > WORD_MAX or not word.isascii() or not word.isprintable():
            return None
    return (token, nonce, family) if 0 < len(token) <= TOKEN_MAX else None
