"""The frames that `benchmarks.camera_instructions` counts on, and the program that callgrind counts.

`python -m benchmarks.camera_paths render DIR` writes the frames and prints what tells them and the processor's parts in
use apart, as JSON. `python -m benchmarks.camera_paths count DIR LIBRARY`, under callgrind, looks at them.
"""

import ctypes
import gc
import hashlib
import json
import sys
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import zxingcpp

from yima.validator.readers.ladder import Ladder

PATHS: Final = ("VGA blank", "VGA phone without a code", "VGA read", "HD read")
TURNS: Final = (
    16  # looks at each path's frames; the dear passes have come round after eight, the rest of a gate after 16
)
_FRAMES: Final = 4  # of each path, each looked at with another turn
_QR_CODES: Final = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


_Look = Callable[[int, np.ndarray], list[bytes]]


def name_of(path: str, side: str) -> str:
    """As callgrind is told. side: `yima` or `zxing`."""
    return f"{side}: {path}"


def render(directory: Path) -> dict[str, str]:
    """Writes the frames. What depends on where that is done: the frames' digest, the processor's parts in use."""
    from benchmarks import camera_scenes as scenes  # noqa: PLC0415 - counting does without what renders

    digest = hashlib.sha256()
    for path in PATHS:
        size, _, what = path.partition(" ")
        read, phone = what == "read", what != "blank"
        shots = scenes.held(size, 0, 4 * _FRAMES) if read else scenes.empty(size, _FRAMES, phone=phone)
        easy = (shot.gray for shot in shots if not shot.codes or not shot.codes.isdisjoint(_zxing(0, shot.gray)))
        frames = np.stack(list(islice(easy, _FRAMES)))
        np.save(directory / f"{path}.npy", frames)
        digest.update(frames.tobytes())
    used = [part.lstrip("*") for part in cv2.getCPUFeaturesLine().split() if not part.endswith("?")]
    return {"processor": " ".join(used), "frames": digest.hexdigest()[:16]}


def count(directory: Path, library: Path) -> None:
    """Looks at the frames of each path TURNS times, each time with a reader that has seen none, and bare zxing-cpp."""
    marks = ctypes.CDLL(str(library))
    cv2.setNumThreads(1)
    gc.collect()
    gc.disable()
    for path in PATHS:
        frames = list(np.load(directory / f"{path}.npy"))
        numbered = [(turn, frames[turn % _FRAMES]) for turn in range(TURNS)]
        for side, look in {"yima": _yima, "zxing": _zxing}.items():
            if path.endswith("read") and not all(look(*one) for one in numbered):
                sys.exit(f"{path}: {side} does not read each frame")
            _each(look, numbered)  # what is made once is not a frame's
            marks.counting()
            _each(look, numbered)
            marks.counted(name_of(path, side).encode())


def _each(look: _Look, numbered: Iterable[tuple[int, np.ndarray]]) -> None:
    for turn, gray in numbered:
        look(turn, gray)


def _yima(turn: int, gray: np.ndarray) -> list[bytes]:
    return Ladder(turn).frame(gray)


def _zxing(_: int, gray: np.ndarray) -> list[bytes]:
    return [bytes(code.bytes) for code in zxingcpp.read_barcodes(gray, formats=_QR_CODES)]


if __name__ == "__main__":
    if sys.argv[1] == "render":
        print(json.dumps(render(Path(sys.argv[2]))))
    else:
        count(Path(sys.argv[2]), Path(sys.argv[3]))
