"""Answers that say whether anything is new: a strong ETag, and 304 for who has it already.

A tag follows from who asks, what for, and which days are committed: tables are only added to, so the bytes of an answer
follow from these, and a tag costs no reading. Whether the caller may have the answer is settled before.
"""

import hashlib
from collections.abc import Callable

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from yima.validator.version import VERSION


def tag(request: Request, *parts: object) -> str:
    """The ETag of what this request asks for. parts: whatever else the bytes of the answer follow from."""
    words = (VERSION, request.url.path, request.url.query, *parts)
    return f'"{hashlib.sha256(repr(words).encode()).hexdigest()[:32]}"'


def headers(etag: str) -> dict[str, str]:
    """What goes along with it: nobody between keeps the answer for others, and who keeps it asks again."""
    return {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}


def answer(request: Request, etag: str, make: Callable[[], BaseModel]) -> Response:
    """The answer as JSON; made only if the caller has not got it."""
    if is_held(request, etag):
        return Response(status_code=304, headers=headers(etag))
    return Response(make().model_dump_json(), media_type="application/json", headers=headers(etag))


def is_held(request: Request, etag: str) -> bool:
    """Whether If-None-Match names it (RFC 9110, 13.1.2)."""
    asked = [one.strip().removeprefix("W/") for one in ",".join(request.headers.getlist("if-none-match")).split(",")]
    return etag in asked or asked == ["*"]
