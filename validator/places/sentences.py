"""The sentences of a stop announcer, by which a bus is told where it is. The profile is documented here.

A sentence is a line of ASCII, framed as NMEA 0183 frames its own, which on-board units speak already:

    $YIMAP,<line>,<stop>,<direction>*<checksum>\\r\\n        $YIMAP,101,7,*67

- line, stop: the operator's own numbers, 1 to 65535, as in the fare tables; 0: at none; empty: as before. A line that
  runs both ways is two lines, so which way it goes is said by the line.
- direction: what a tap means there: none, entry or exit; empty: as before.
- checksum: two hex digits, XOR of all bytes between `$` and `*`.
- Said at every change and, if anything, again every few seconds: a sentence that was lost is then made good.

What comes is hostile: a line longer than 80 bytes, another checksum or a number out of bounds is no sentence, and
sentences of other kinds (an on-board unit's GPS) are passed over.
"""

import re
from functools import reduce

from yima.validator.judging import Direction
from yima.validator.ports import Whereabouts

SENTENCE_MAX = 80  # bytes, its `$` and checksum included
_FORM = re.compile(rb"\$(YIMAP,([0-9]{0,5}),([0-9]{0,5}),(none|entry|exit|))\*([0-9A-Fa-f]{2})")
_NUMBER_MAX = 0xFFFF


def whereabouts_of(line: bytes) -> Whereabouts | None:
    """What one line says, without its line break; None: it is no sentence of this profile."""
    found = _FORM.fullmatch(line) if len(line) <= SENTENCE_MAX else None
    if not found or reduce(lambda x, byte: x ^ byte, found[1], 0) != int(found[5], 16):
        return None
    numbers = [int(digits) if digits else None for digits in (found[2], found[3])]
    if any(number is not None and number > _NUMBER_MAX for number in numbers):
        return None
    direction = Direction(found[4].decode()) if found[4] else None
    return Whereabouts(line=numbers[0], stop=numbers[1], direction=direction)


class Sentences:
    """Takes bytes as they come and gives what they say, in order. It never holds more than one sentence's bytes."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._skipping = False  # a line that is too long, until its end

    def feed(self, data: bytes) -> list[Whereabouts]:
        """What the lines that end in these bytes say; those that say nothing are left out."""
        found = []
        for piece in re.split(rb"(?<=[\r\n])", data):
            ends = piece[-1:] in (b"\r", b"\n")
            self._held += piece.rstrip(b"\r\n")
            if len(self._held) > SENTENCE_MAX:
                self._held.clear()
                self._skipping = True
            if ends:
                said = None if self._skipping else whereabouts_of(bytes(self._held))
                self._held.clear()
                self._skipping = False
                found += [said] if said else []
        return found
