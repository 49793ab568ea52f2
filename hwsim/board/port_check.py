"""The self-test of a board's port (firmware_images/port_check) on a board of the bench, which does what it asks for.

On hardware somebody does that by hand: shows a code, joins the two wires of the station's line, moves the inputs, takes
the power away. The lines are the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from yima.firmware_images.build import Environment, Product, Slot, build
from yima.firmware_images.hardware import Hardware
from yima.firmware_images.keys import public_test_key
from yima.firmware_images.signing import sign
from yima.hwsim.board.emulator import Board, Outcome
from yima.hwsim.board.factory import make_flash
from yima.hwsim.board.layout import SCANNER, STATION
from yima.validator.version import VERSION

_PATTERN: Final = bytes(range(256)) * 2
_SLICE_MS, _MOST_MS = 50, 120_000
_INPUTS: Final = 3
_PINS: Final = [1, 2, 4, 8, 16]


@dataclass(frozen=True, slots=True)
class Check:
    """One function of the port. saw: what was seen, as the board told it."""

    name: str
    is_good: bool
    saw: str


def make_image(hardware: Hardware, folder: Path) -> bytes:
    """The self-test for slot A of a board, signed with the test key. Raises BuildError, SigningError."""
    built = build(Product.PORT_CHECK, Slot.A, Environment.TEST, folder, hardware)
    return sign(built.image, Slot.A, built.product.full_name, version=VERSION, counter=1, hardware=hardware)


def check_port(hardware: Hardware, folder: Path, clock: int) -> Iterator[Check]:
    """What each function of the port did, one after the other. folder: for image and flash. clock: of the board, unix
    seconds. Raises BuildError, BoardError."""
    flash = folder / "port-check.flash"
    make_flash(flash, make_image(hardware, folder), keys=[public_test_key()])
    with Board(flash) as board:
        board.set_rtc(clock)
        board.power_on()
        yield from _Bench(board).checks()


class _Bench:
    """What stands around the board."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._text = ""
        self._pins: list[int] = []

    def checks(self) -> Iterator[Check]:
        """Until it is done, or nothing more is said."""
        for _ in range(_MOST_MS // _SLICE_MS):
            outcome = self._board.run(_SLICE_MS)
            self._hear(outcome)
            *lines, self._text = self._text.split("\n")
            for line in lines:
                words = dict(word.split("=", 1) for word in line.split() if "=" in word)
                if line.startswith("check "):
                    name, ok, *saw = words.items()
                    yield Check(name[1], ok[1] == "1", " ".join(f"{key} {value}" for key, value in saw))
                elif line.startswith("waits "):
                    yield from self._do(words["for"])
                elif line == "done":
                    yield Check("done", True, "")
                    return
            if outcome.state != "running":
                break
        yield Check("done", False, f"{outcome.state}: {'; '.join(note for _, note in outcome.notes)}")

    def _hear(self, outcome: Outcome) -> None:
        self._text += outcome.status
        self._pins += [change.pins for change in outcome.pins]
        if said := outcome.sent.get(STATION):
            self._board.feed(STATION, said)  # its two wires are joined

    def _do(self, what: str) -> Iterator[Check]:
        if what == "scanner":
            self._board.feed(SCANNER, _PATTERN)
        elif what == "inputs":
            seen = [pins for pins in self._pins if pins]
            yield Check("pins", seen == _PINS, f"seen {' '.join(map(str, seen))}")
            for value in (_INPUTS, 0):
                self._board.set_buttons(value)
                self._hear(self._board.run(500))
        elif what == "power":
            self._board.power_off()
            self._hear(self._board.power_on())
