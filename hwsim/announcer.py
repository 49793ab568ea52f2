"""A stop announcer that is not there: says into a pseudo-terminal where the bus is, as an on-board unit does.

What it models: the sentences of yima.validator.places.sentences, written a second time from their description, whole
or broken by a line's faults. What it does not model: the wire, and how the unit knows where it is.
"""

import os

from yima.hwsim.pseudo_terminal import PseudoTerminal


def sentence(line: int | None, stop: int | None, direction: str = "") -> bytes:
    """One sentence with its line break; None: nothing is said of it."""
    fields = ["YIMAP", *("" if number is None else str(number) for number in (line, stop)), direction]
    body = ",".join(fields).encode("ascii")
    checksum = 0
    for byte in body:
        checksum ^= byte
    return b"$%s*%02X\r\n" % (body, checksum)


class StopAnnouncer:
    """One announcer. path: what `yima run --place serial:` opens."""

    def __init__(self) -> None:
        self._terminal = PseudoTerminal("announcer")
        self.path = self._terminal.path

    def announce(self, line: int | None = None, stop: int | None = None, direction: str = "") -> None:
        """Says where the bus is."""
        self.say(sentence(line, stop, direction))

    def say(self, data: bytes) -> None:
        """Bytes as they are: a line's faults, another unit's sentences."""
        os.write(self._terminal.master, data)

    def close(self) -> None:
        """Pulls the plug."""
        self._terminal.close()

    def __enter__(self) -> "StopAnnouncer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
