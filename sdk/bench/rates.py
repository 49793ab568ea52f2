"""Which speed a scanner sends at, found by reading at one after the other: somebody scans a code again for each.

What comes at a wrong speed often tells the right one (yima.sdk.bench.lines); that one is then tried next.
"""

import time
from collections.abc import Callable
from contextlib import closing
from typing import Final

from yima.sdk.bench.card import diagnose_card
from yima.sdk.bench.causes import Cause
from yima.sdk.bench.diagnosis import diagnose
from yima.sdk.bench.lines import mismatch
from yima.sdk.dissection.families import family_of
from yima.validator.ports import Reader

ORDER: Final = (115200, 9600, 57600, 38400, 19200, 4800, 230400, 2400, 1200)
"""The usual ones first."""
_REST_S: Final = 0.3  # a code at a wrong speed comes in pieces
_TEXT: Final = 6


def search(open_at: Callable[[int], Reader], ask: Callable[[int], object], *, wait_s: float) -> int | None:
    """The speed at which what was scanned makes sense, in baud; None if none does. open_at: the line at a speed. ask:
    is told each speed when a code should be scanned. wait_s: how long one is waited for. Raises ReaderError."""
    left = list(ORDER)
    while left:
        rate = left.pop(0)
        with closing(open_at(rate)) as reader:
            ask(rate)
            came = _came(reader, wait_s)
        if makes_sense(came):
            return rate
        found = mismatch(came, rate) if came else None
        likely = min(left, key=lambda one: abs(one - rate * found.ratio), default=0) if found else 0
        if likely:
            left.remove(likely)
            left.insert(0, likely)
    return None


def makes_sense(came: bytes) -> bool:
    """Whether these bytes are what a scanner sends: a code of a known family, the card, or plain text."""
    if family_of(came) not in ("unknown", "ministry"):
        return True
    found = diagnose_card(came) or diagnose(came)
    if found.cause is Cause.WHOLE or found.proved:
        return True
    text = came.rstrip(b"\r\n\t")
    return len(text) >= _TEXT and all(0x20 <= byte < 0x7F for byte in text)


def _came(reader: Reader, wait_s: float) -> bytes:
    until = time.monotonic() + wait_s
    came = b""
    while (left := until - time.monotonic()) > 0:
        reading = reader.read(left)
        if reading is not None:
            came += reading.payload
            until = min(until, time.monotonic() + _REST_S)
    return came
