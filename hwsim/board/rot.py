"""Flash that decays: bits of log, settings and parameters flip; cells of the log are weak or dead.

Each case takes a flash as the device wrote it, with a log that has gone round and records that the station has not got,
spoils it, and lets the firmware's own code read it (rot_model.c). What may be lost is lost by name: an entry whose
bytes have rotted is among the numbers that the device's own list tells the station, settings or parameters of which no
copy is good are refused. What must not be:

- silent: a record that differs, or is missing from what is handed out and from that list; one that stands in both;
  settings or parameters that are not those written;
- jammed: the log takes nothing more;
- doubled: a number is given again.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from yima.firmware_images.provision import Settings, parameters_copy, settings_copy
from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.layout import FLASH_HIGH, FLASH_LOW, PARAMETERS, SETTINGS
from yima.hwsim.board.native import rot_model
from yima.hwsim.board.workshop import make_world
from yima.validator.texts import Text

ROUNDS: Final = 4  # of the log's ring
UNSENT: Final = 146  # records that the station has not got
FLIPS_MAX: Final = 8
_SETTINGS = Settings(terminal="YM000042", city=320500, line=7, station=12, plate="苏E00042")


_COUNTED: Final = ("noticed", "lost", "silent", "jammed", "doubled")


class _Outcome(ctypes.Structure):
    """rot_outcome."""

    _fields_ = tuple((name, ctypes.c_uint32) for name in _COUNTED)


@dataclass(slots=True)
class Decayed:
    """tried: cases. noticed: in so many somebody was told. lost: so many lost something, by name. silent, jammed,
    doubled: cases in which what must not be was."""

    tried: int = 0
    noticed: int = 0
    lost: int = 0
    silent: int = 0
    jammed: int = 0
    doubled: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether nothing was that must not be."""
        return not (self.silent or self.jammed or self.doubled)

    def __str__(self) -> str:
        counted = (
            f"{self.tried} tried, {self.noticed} noticed, {self.lost} lost, "
            f"{self.silent} silent, {self.jammed} jammed, {self.doubled} doubled"
        )
        chinese = (
            f"试验 {self.tried}，察觉 {self.noticed}，丢失 {self.lost}，"
            f"无声 {self.silent}，卡死 {self.jammed}，重号 {self.doubled}"
        )
        return f"{counted} {chinese}"


@contextmanager
def _model(path: Path) -> Iterator[tuple[ctypes.CDLL, int, int]]:
    """The model, filled, and the sizes of what is written of a copy of settings and of parameters."""
    library = ctypes.CDLL(str(path))
    settings, parameters = settings_copy(_SETTINGS), parameters_copy(bytes(make_world().parameters.image))
    image = bytearray(b"\xff" * FLASH_HIGH)
    for place, copy in ((SETTINGS, settings), (PARAMETERS, parameters)):
        for start in place:
            image[start : start + len(copy)] = copy
    if not library.rot_begin(bytes(image[FLASH_LOW:]), ROUNDS, UNSENT):
        raise BoardError(
            "rot",
            Text("there is no room for a flash at its addresses", "无法在规定地址处放置闪存"),
            Text("Run it in a process of its own", "请在独立进程中运行"),
        )
    try:
        yield library, len(settings), len(parameters)
    finally:
        library.rot_end()


def rot(cases: int, seed: int = 0, *, model: Path | None = None) -> dict[str, Decayed]:
    """Tries so many cases: of each ten, eight rot the log (two of these with weak cells, which read as they please, two
    with dead ones, which always read the same), one the settings, one the parameters.

    model: rot_model.c as a library, around another log than the firmware's. Raises BoardError where there is no
    compiler.
    """
    with _model(model or rot_model()) as (library, settings, parameters):
        return _rot(library, cases, seed, settings, parameters)


def _rot(library: ctypes.CDLL, cases: int, seed: int, settings: int, parameters: int) -> dict[str, Decayed]:
    found = {name: Decayed() for name in ("log", "weak", "dead", "settings", "parameters")}
    outcome = _Outcome()
    for case in range(cases):
        number, flips = ctypes.c_uint64(seed << 32 | case), 1 + case // 10 % FLIPS_MAX
        match case % 10:
            case 8:
                count = found["settings"]
                library.rot_settings(number, flips, settings, ctypes.byref(outcome))
            case 9:
                count = found["parameters"]
                library.rot_parameters(number, flips, parameters, ctypes.byref(outcome))
            case kind:
                count = found["log" if kind < 4 else "weak" if kind < 6 else "dead"]
                still, bad = (flips, 0) if kind < 4 else (flips // 2, flips)
                library.rot_log(number, still, bad, int(kind >= 6), ctypes.byref(outcome))
        count.tried += 1
        for name in _COUNTED:
            setattr(count, name, getattr(count, name) + (getattr(outcome, name) != 0))
    return found
