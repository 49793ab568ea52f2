"""Frames as gates see them: the simulated phone in the conditions that readers fail in, one at a time.

What they model, in plain form: `held` a phone held about right; `dark` its code light on dark; `poster` a sheet with
another code beside it; `glare` a lamp in the glass; `bands` the rows that a dimmed screen leaves dark while a rolling
shutter passes; `interlace` every second row from a moment later, with the phone moving; `low-light` a dark hall, pale
and grainy; `close` a screen so near that the code fills the frame. Each is another at every frame, by the generator's
seed. They are no photographs: they show that a reader fails, never that it is good.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from yima.hwsim.phone import Gray, Phone, Poster, View

Condition = Callable[[np.random.Generator, bytes, int, int], Gray]
"""Makes a frame: generator, code, width and height in pixels."""


def held_view(rng: np.random.Generator) -> View:
    """A phone held about right, each time a little different."""
    tilt, pan = rng.normal(0, 6, 2)
    return View(
        x=rng.uniform(0.44, 0.56),
        y=rng.uniform(0.46, 0.54),
        size=rng.uniform(0.58, 0.68),
        rotation_deg=rng.uniform(-12, 12),
        tilt_deg=float(tilt),
        pan_deg=float(pan),
    )


def _held(rng: np.random.Generator, code: bytes, width: int, height: int) -> Gray:
    return Phone(rng, width=width, height=height).frame(code, held_view(rng))


def _dark(rng: np.random.Generator, code: bytes, width: int, height: int) -> Gray:
    return Phone(rng, width=width, height=height, dark=True).frame(code, held_view(rng))


def _poster(rng: np.random.Generator, code: bytes, width: int, height: int) -> Gray:
    beside = replace(held_view(rng), x=rng.uniform(0.3, 0.35), size=rng.uniform(0.45, 0.55))
    return Phone(rng, width=width, height=height, poster=Poster()).frame(code, beside)


def _glare(rng: np.random.Generator, code: bytes, width: int, height: int) -> Gray:
    return Phone(rng, width=width, height=height).frame(code, replace(held_view(rng), glare=rng.uniform(90, 200)))


def _bands(rng: np.random.Generator, code: bytes, width: int, height: int) -> Gray:
    gray = _held(rng, code, width, height)
    rows = np.sin(2 * np.pi * (np.arange(height) / (height * rng.uniform(0.06, 0.25)) + rng.uniform()))
    lit = 1 - rng.uniform(0.4, 0.75) * (rows > rng.uniform(-0.4, 0.4))
    return np.asarray(np.rint(gray * lit[:, None]), dtype=np.uint8)


def _interlace(rng: np.random.Generator, code: bytes, width: int, height: int) -> Gray:
    view = held_view(rng)
    moved = replace(view, x=view.x + rng.uniform(2, 5) / width, y=view.y + rng.uniform(-2, 2) / height)
    phone = Phone(rng, width=width, height=height)
    gray = phone.frame(code, view)
    gray[1::2] = phone.frame(code, moved)[1::2]
    return gray


def _low_light(rng: np.random.Generator, code: bytes, width: int, height: int) -> Gray:
    dim = replace(
        held_view(rng), contrast=rng.uniform(0.15, 0.3), brightness=rng.uniform(-90, -60), noise=rng.uniform(5, 9)
    )
    return Phone(rng, width=width, height=height).frame(code, dim)


def _close(rng: np.random.Generator, code: bytes, width: int, height: int) -> Gray:
    near = replace(held_view(rng), x=0.5, y=0.5, size=rng.uniform(0.86, 0.94), rotation_deg=rng.uniform(-2, 2),
                   blur_px=height / 480 * rng.uniform(1, 2.5), noise=rng.uniform(8, 20))  # fmt: skip
    return Phone(rng, width=width, height=height).frame(code, near)


CONDITIONS: Final[dict[str, Condition]] = {
    "held": _held,
    "dark": _dark,
    "poster": _poster,
    "glare": _glare,
    "bands": _bands,
    "interlace": _interlace,
    "low-light": _low_light,
    "close": _close,
}


def code_without_signature(rng: np.random.Generator) -> bytes:
    """Bytes with the marks and the size of a ministry code, signed by nobody."""
    size = int(rng.integers(332, 365))
    return b"\x80" + (size - 3).to_bytes(2, "big") + b"\x24" + rng.bytes(size - 4)
