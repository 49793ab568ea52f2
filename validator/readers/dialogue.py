"""What is said to a scanner module, and which of its own words are no codes: `init=`, `trigger=` and `ignore=`.

Rules it keeps:
- Nothing is guessed: only what the address names is sent, and only what it names is ignored.
- A code of a known family is never ignored, nor is anything cut off one.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from yima.validator._core import family_of
from yima.validator.errors import ReaderError
from yima.validator.ports import Reading
from yima.validator.readers import address as addresses
from yima.validator.readers.framing import Framer, Profile
from yima.validator.texts import Text

OPTIONS: Final = ("ignore", "init", "trigger", "trigger_ms")
ANSWER_S: Final = 0.1
"""How long a module has to answer to one command at opening; what comes meanwhile is its answer."""
_MOST: Final = 16
_BYTES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """init: sent one after the other at opening. trigger: sent to begin a reading, and again after trigger_s without
    one. ignore: (bytes, whether what begins so is meant, else what is these bytes alone)."""

    init: Sequence[bytes] = ()
    trigger: bytes = b""
    trigger_s: float = 3.0
    ignore: Sequence[tuple[bytes, bool]] = ()

    @classmethod
    def of(cls, place: str, options: Mapping[str, str]) -> "Dialogue":
        """From an address's options. Raises ReaderError."""
        trigger = [piece for piece, _ in _hex_list(place, options, "trigger", most=1)]
        return cls(
            init=[piece for piece, _ in _hex_list(place, options, "init")],
            trigger=trigger[0] if trigger else b"",
            trigger_s=addresses.number(place, options, "trigger_ms", 3000, least=100, most=600_000) / 1000,
            ignore=_hex_list(place, options, "ignore", open_ended=True),
        )


class Speaking:
    """One line's dialogue while it is open. send: writes bytes; discard: reads what is there and drops it."""

    def __init__(
        self, dialogue: Dialogue, profile: Profile, send: Callable[[bytes], object], discard: Callable[[float], object]
    ) -> None:
        self._dialogue, self._send = dialogue, send
        self._ignored = [(form, begins) for piece, begins in dialogue.ignore for form in _forms(piece, profile)]
        self._next_ns = time.monotonic_ns() if dialogue.trigger else None
        for command in dialogue.init:
            send(command)
            discard(ANSWER_S)

    @property
    def wake_ns(self) -> int | None:
        """When the next trigger is due; None: never."""
        return self._next_ns

    def look(self, now_ns: int) -> None:
        """Sends the trigger if it is due."""
        if self._next_ns is not None and now_ns >= self._next_ns:
            self._send(self._dialogue.trigger)
            self._next_ns = now_ns + int(self._dialogue.trigger_s * 1e9)

    def heard(self, readings: Sequence[Reading]) -> list[Reading]:
        """Those that are no words of the module. Behind a code the next trigger is due at once."""
        kept = [reading for one in readings if (reading := self._without_words(one)) is not None]
        if kept and self._next_ns is not None:
            self._next_ns = time.monotonic_ns()
        return kept

    def _without_words(self, reading: Reading) -> Reading | None:
        payload = reading.payload
        while self._ignored and family_of(payload) == "unknown":
            rest = next((self._rest(payload, *word) for word in self._ignored if payload.startswith(word[0])), payload)
            if not rest:
                return None
            if rest == payload:
                break
            payload = rest
        if payload == reading.payload:
            return reading
        if family_of(payload) == "unknown":
            return reading  # it only begins like a word of the module
        return replace(reading, payload=payload)

    @staticmethod
    def _rest(payload: bytes, word: bytes, begins: bool) -> bytes:
        return b"" if begins else payload[len(word) :]


def _forms(piece: bytes, profile: Profile) -> set[bytes]:
    """The bytes, and what is left of them when the framer has taken off what it takes for prefix and suffix."""
    framer = Framer(profile)
    readings = [*framer.feed(piece, 0), *framer.silence(1 << 62)]
    return {piece, *(reading.payload for reading in readings)} - {b""}


def _hex_list(
    place: str, options: Mapping[str, str], name: str, *, most: int = _MOST, open_ended: bool = False
) -> list[tuple[bytes, bool]]:
    """Pieces of bytes in hex with commas between; a `*` behind one: what begins so. Raises ReaderError."""
    text = options.get(name)
    if text is None:
        return []
    star = r"\*?" if open_ended else ""
    pieces = text.split(",")
    if len(pieces) > most or not all(re.fullmatch(rf"([0-9A-Fa-f]{{2}}){{1,{_BYTES}}}{star}", one) for one in pieces):
        raise ReaderError(
            f"{place}?{name}={text}",
            Text(f"'{text}' is no value for {name}", f"“{text}”不能用作 {name} 的值"),
            Text(
                f"Give up to {most} pieces of at most {_BYTES} bytes as hex digits, with commas between",
                f"请给出至多 {most} 段十六进制数，以逗号分隔，每段至多 {_BYTES} 字节",
            ),
        )
    return [(bytes.fromhex(one.rstrip("*")), one.endswith("*")) for one in pieces]
