"""The place in a feed as a text that a caller keeps: opaque, and good for ever.

It says how many rows of which day have been read. Days are appended and never change, so the same cursor gives the same
rows whenever it is shown, and reading on from cursor to cursor gives each row exactly once. It is bound to one feed of
one party by a checksum, which keeps slips out; it opens nothing, since what may be read is said by the key alone.
"""

import base64
import hashlib
import struct
from dataclasses import dataclass
from typing import Final

from yima.sdk.centre.interfaces.problems import RefusedError
from yima.validator.texts import Text

PATTERN: Final = "^[A-Za-z0-9_-]{24}$"
_FORM = struct.Struct(">IQ")
_SUM_BYTES = 6


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """So many rows of this day are read, and all of the days before it."""

    day: int = 0
    rows: int = 0


def written(place: Place, feed: str) -> str:
    """The cursor of a place. feed: whatever it must not be mixed up with."""
    body = _FORM.pack(place.day, place.rows)
    return base64.urlsafe_b64encode(body + _sum(body, feed)).decode()


def read(cursor: str | None, feed: str) -> Place:
    """The place of a cursor; of none: the beginning. Raises RefusedError for one that is not of this feed."""
    if cursor is None:
        return Place()
    try:
        raw = base64.urlsafe_b64decode(cursor)
        body, check = raw[: _FORM.size], raw[_FORM.size :]
        day, rows = _FORM.unpack(body)
    except (ValueError, struct.error):
        raise refused() from None
    if check != _sum(body, feed):
        raise refused()
    return Place(day=day, rows=rows)


def refused() -> RefusedError:
    """A cursor that cannot be read on from."""
    return RefusedError(
        400,
        "CURSOR",
        Text("the parameter after", "参数 after"),
        Text("is no cursor of this feed", "不是此数据流的游标"),
        Text(
            "Send `next` of the answer before, as it was; leave it out to begin anew",
            "请原样发送上次应答中的 next；省略则从头开始",
        ),
    )


def _sum(body: bytes, feed: str) -> bytes:
    return hashlib.sha256(feed.encode() + b"\0" + body).digest()[:_SUM_BYTES]
