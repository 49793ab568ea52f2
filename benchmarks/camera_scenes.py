"""Frames for `benchmarks.camera`, from the simulated phone: each set with a name and seeds of its own.

Severity 0 is a phone held about right, at 3 bare zxing-cpp reads more than half of the frames, at 5 next to none: the
screen is smaller, out of focus (sigma in modules of the symbol), tilted, noisy and pale, with more glare. They are no
photographs: gains found on them hold for small, dense and soft codes, which photographs of larger ones do not show.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import numpy as np

from yima.hwsim.conditions import CONDITIONS, code_without_signature
from yima.hwsim.phone import Gray, Phone, Poster, View
from yima.validator.readers.pictures import PictureError, grays_of

SIZES: Final = {"VGA": (640, 480), "HD": (1280, 720)}
SEVERITIES: Final = range(6)
_SYMBOL: Final = 69  # modules of a symbol of version 13, between those of levels L and M
_PICTURES: Final = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
_ENCODINGS: Final = ("utf-8", "latin-1", "shift-jis", "gbk")


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One frame. codes: the payloads of which one is to be read; none if there is none. beside: others in view."""

    gray: Gray
    codes: frozenset[bytes]
    beside: frozenset[bytes] = frozenset()


def view_of(rng: np.random.Generator, severity: int, height: int, *, x: float = 0.5) -> View:
    """How the phone stands at a severity, in a frame of so many rows."""
    size = rng.uniform(0.60, 0.74) - 0.033 * severity
    tilt, pan = rng.normal(0, 5 + 2 * severity, 2)
    return View(
        x=rng.uniform(x - 0.06, x + 0.06),
        y=rng.uniform(0.45, 0.55),
        size=size,
        rotation_deg=rng.uniform(-20, 20) * (1 + severity / 3),
        tilt_deg=float(tilt),
        pan_deg=float(pan),
        blur_px=size * height / _SYMBOL * rng.uniform(0.8, 1.2) * (0.2 + 0.057 * severity),
        contrast=rng.uniform(0.75, 0.95) - 0.04 * severity,
        brightness=rng.uniform(-15, 15),
        noise=rng.uniform(2, 4) + 1.3 * severity,
        glare=rng.uniform(0, 10 + 16 * severity),
    )


def held(size: str, severity: int, number: int, *, dark: bool = False, poster: Poster | None = None) -> Iterator[Shot]:
    """A phone with a code, each frame another; seeds by the arguments."""
    rng = np.random.default_rng([list(SIZES).index(size), severity, dark, poster is not None])
    width, height = SIZES[size]
    beside = frozenset({poster.payload} if poster else ())
    for index in range(number):
        code = code_without_signature(rng)
        phone = Phone(rng, level="M" if index % 2 else "L", width=width, height=height, dark=dark, poster=poster)
        view = view_of(rng, severity, height, x=0.34 if poster else 0.5)
        yield Shot(phone.frame(code, view), frozenset({code}), beside)


def in_condition(size: str, condition: str, number: int) -> Iterator[Shot]:
    """Frames in one of the field's conditions, see yima.hwsim.conditions."""
    rng = np.random.default_rng([list(SIZES).index(size), list(CONDITIONS).index(condition), 55])
    for _ in range(number):
        code = code_without_signature(rng)
        yield Shot(CONDITIONS[condition](rng, code, *SIZES[size]), frozenset({code}))


def empty(size: str, number: int, *, phone: bool) -> Iterator[Shot]:
    """The room alone, or with a phone that shows a page without a code."""
    rng = np.random.default_rng([list(SIZES).index(size), phone, 77])
    width, height = SIZES[size]
    for _ in range(number):
        shown = b"" if phone else None
        yield Shot(
            Phone(rng, width=width, height=height).frame(shown, view_of(rng, int(rng.integers(3)), height)), frozenset()
        )


def approach(size: str, severity: int, seed: int) -> tuple[bytes, Iterator[Gray]]:
    """A code, and the frames of a phone that comes near with it, is held and leaves."""
    rng = np.random.default_rng([list(SIZES).index(size), severity, seed, 99])
    width, height = SIZES[size]
    code = code_without_signature(rng)
    phone = Phone(rng, view=view_of(rng, severity, height), level="M" if seed % 2 else "L", width=width, height=height)
    return code, phone.approach(code, coming=10, held=20, leaving=0)


def photographs(folder: Path, *, turned: bool) -> Iterator[Shot]:
    """Pictures of a folder and those below it, in the order of their names, with what is in them in a file of the same
    name that ends in .bin or .txt. turned: each four times, by a quarter turn more."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in _PICTURES:
            continue
        codes = _expected(path)
        try:
            gray = grays_of(path.read_bytes())[0]
        except PictureError:
            continue
        for quarter in range(4 if turned else 1):
            yield Shot(np.ascontiguousarray(np.rot90(gray, quarter)), codes)


def _expected(path: Path) -> frozenset[bytes]:
    raw, text = path.with_suffix(".bin"), path.with_suffix(".txt")
    if raw.is_file():
        return frozenset({raw.read_bytes()})
    if not text.is_file():
        return frozenset()
    said = text.read_bytes().decode("utf-8", errors="replace")
    found = {said.encode(encoding, errors="ignore") for encoding in _ENCODINGS}
    return frozenset(found | {one.replace(b"\r\n", b"\n") for one in found} | {one.rstrip(b"\r\n") for one in found})


def sets(number: int) -> Iterator[tuple[str, Iterator[Shot]]]:
    """All rendered sets, so many frames for each severity."""
    for size in SIZES:
        for severity in SEVERITIES:
            yield f"{size}, severity {severity}", held(size, severity, number)
        for severity in (0, 2):
            yield f"{size}, inverted, severity {severity}", held(size, severity, number, dark=True)
        for severity in (0, 2):
            yield f"{size}, poster, severity {severity}", held(size, severity, number, poster=Poster())
        for condition in ("glare", "bands", "interlace", "low-light", "close"):
            yield f"{size}, {condition}", in_condition(size, condition, number)
        yield f"{size}, blank", empty(size, number, phone=False)
        yield f"{size}, phone without a code", empty(size, number, phone=True)


def seeds() -> Iterator[int]:
    """Of sequences."""
    return count(1)
