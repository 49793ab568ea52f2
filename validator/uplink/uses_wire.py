"""The wire form of "which codes were used at my station?": bytes in, values out, no I/O.

A device asks by POST /v1/uses, signed like a batch, with

    {"device": "…", "at": 1790000000, "after": 1790000000123, "wait_s": 20, "city": 320500, "line": 0, "station": 101}

at: unix seconds by its clock; after: what the answer before called `next`, 0 at first; wait_s: for how long the answer
may be kept until there is something. The answer is

    {"next": 1790000004567, "uses": [{"code": "<64 hex>", "at": …, "good_until": …, "family": 1, "taken_back": false}]}

code: the digest that names the code, as in facts. taken_back: its gate let nobody in, the code may be shown again.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from yima.validator.outside import json_of
from yima.validator.ports import DEVICE

QUESTION_MAX = 1024
ANSWER_MAX = 256 << 10
USES_MAX = 500
WAIT_MAX_S = 25
_HASH = re.compile(r"[0-9a-f]{64}")
_INT64 = (1 << 63) - 1


class UsesError(ValueError):
    """Bytes that are no question, or no answer; the message says why, in English, for the other end's log."""


class Used(NamedTuple):
    """A code that was used elsewhere. code: 32 bytes. at, good_until: unix seconds. family: the core's number."""

    code: bytes
    at: int
    good_until: int
    family: int
    taken_back: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a device asks; see above."""

    device: str
    at: int
    after: int
    wait_s: int
    city: int
    line: int
    station: int


_LIMITS = {
    "at": _INT64, "after": _INT64, "wait_s": WAIT_MAX_S, "city": 999_999, "line": 0xFFFF, "station": 0xFFFF_FFFF,
}  # fmt: skip


def encode_question(question: Question) -> bytes:
    """Its body."""
    return json.dumps(asdict(question), separators=(",", ":")).encode()


def parse_question(body: bytes) -> Question:
    """Raises UsesError."""
    said = _object(body, QUESTION_MAX)
    device = said.get("device")
    if not isinstance(device, str) or not DEVICE.fullmatch(device):
        raise UsesError("device: 1 to 64 letters, digits, dots, dashes, underscores")
    return Question(device=device, **{name: _number(said, name, most) for name, most in _LIMITS.items()})


def encode_answer(number: int, uses: Sequence[Used]) -> bytes:
    """The body of an answer."""
    rows = [{**use._asdict(), "code": use.code.hex()} for use in uses]
    return json.dumps({"next": number, "uses": rows}, separators=(",", ":")).encode()


def parse_answer(body: bytes) -> tuple[int, list[Used]]:
    """Where to go on, and what was used. Raises UsesError."""
    said = _object(body, ANSWER_MAX)
    number = _number(said, "next", _INT64)
    rows = said.get("uses")
    if not isinstance(rows, list) or len(rows) > USES_MAX:
        raise UsesError(f"uses: a list of at most {USES_MAX}")
    return number, [_used(row) for row in rows]


def _used(row: Any) -> Used:
    if not isinstance(row, dict):
        raise UsesError("a use must be an object")
    code, taken_back = row.get("code"), row.get("taken_back")
    if not isinstance(code, str) or not _HASH.fullmatch(code):
        raise UsesError("code: 64 hexadecimal digits in lower case")
    if not isinstance(taken_back, bool):
        raise UsesError("taken_back: true or false")
    at, good_until = _number(row, "at", _INT64), _number(row, "good_until", _INT64)
    return Used(bytes.fromhex(code), at, good_until, _number(row, "family", 255), taken_back)


def _object(body: bytes, most: int) -> dict[str, Any]:
    if len(body) > most:
        raise UsesError(f"at most {most} bytes")
    try:
        said = json_of(body.decode())
    except ValueError as error:
        raise UsesError(f"not JSON in UTF-8: {str(error)[:80]}") from error
    if not isinstance(said, dict):
        raise UsesError("an object")
    return said


def _number(said: dict[str, Any], name: str, most: int) -> int:
    value = said.get(name)
    if type(value) is not int or not 0 <= value <= most:
        raise UsesError(f"{name}: a whole number up to {most}")
    return value
