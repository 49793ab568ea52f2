"""A symbol that is seen and cannot be read in any single frame: its modules are voted on over several.

zxing-cpp tells where a symbol lies whose error correction fails. What is done with it, frame by frame:
1. The frame is straightened to the symbol's modules, and the place made exact by the patterns that each symbol of its
   version has (finder, alignment).
2. The blur is undone: a small linear filter is fitted by least squares, so that it turns what is seen at the known
   modules into what they are, and is applied to the unknown ones. How well it fits is the weight of the frame's votes.
3. Votes are added up for each module, and the sum's signs decoded as a clean symbol by zxing-cpp.

Votes are of one symbol alone. Where a frame disagrees with the sum in a part of the symbol, another code is shown (a
phone has refreshed its own, or the next rider has come): the old votes are dropped, and so they are with time. What a
mixture could give is left to the error correction, and to the signatures in a code.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import cv2
import numpy as np
import segno
from numpy.typing import NDArray
from segno import consts

Gray = NDArray[np.uint8]
Grid = NDArray[np.float32]
"""One value for each module, shape (modules, modules): above 0 dark, below 0 light."""
Corners = NDArray[np.float64]
"""The symbol's, from its own top left clockwise, shape (4, 2), in pixels of the frame."""

FEWEST_VERSION: Final = 7  # from here on a symbol has six alignment patterns and more
MOST_VERSION: Final = 21  # 364 bytes at level H take version 20
_PIXELS: Final = 4  # a module's side in the straightened picture
_RIM: Final = 4  # modules around the symbol that are straightened with it: the quiet zone
_REACH: Final = (1.5, 0.75)  # modules: how far a pattern is looked for, in the first and in the second round
_LIKE: Final = 0.5  # correlation from which a pattern counts as found
_FEWEST_PATTERNS: Final = 5
_ASTRAY: Final = 0.6  # modules: a pattern so far from where the others put it is another thing
_FIT: Final = 0.45  # share of the known modules' variance that the filter must explain
_RIDGE: Final = 2.0
_STRIPS: Final = 6
_AGREE: Final = 0.66  # of a strip's modules; two frames of one code agree in more, of two codes in half
_FADE: Final = 0.93  # of the votes at each further frame: a phone is held for a second or two
_FORGET: Final = 20  # frames without a vote after which none is left
_DRAWN: Final = 3  # pixels of a module of the clean symbol


@dataclass(slots=True, eq=False)
class _Symbol:
    version: int
    corners: Corners
    votes: Grid
    last: int
    frames: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What one frame shows of a symbol. fit: 0 to 1, see _FIT."""

    corners: Corners
    grid: Grid
    fit: float


class Votes:
    """The votes of one camera's frames, for one symbol at a time."""

    def __init__(self, zxing: Any, formats: Any) -> None:
        """zxing: the module zxingcpp. formats: what it looks for."""
        self._zxing = zxing
        self._formats = formats
        self._symbol: _Symbol | None = None

    def place(self, number: int) -> tuple[int, Corners] | None:
        """Version and corners of the symbol that is voted on, as last seen; None when that is too long ago."""
        if self._symbol and number - self._symbol.last > _FORGET:
            self._symbol = None
        return (self._symbol.version, self._symbol.corners) if self._symbol else None

    def add(self, gray: Gray, version: int, corners: Corners, number: int) -> tuple[bytes, Corners] | None:
        """Takes the votes of frame `number` for the symbol of a version at the corners. The payload, when the votes
        until now give one, and where the symbol lies; None until then, and where no such symbol is seen."""
        if not FEWEST_VERSION <= version <= MOST_VERSION:
            return None
        sample = sampled(gray, version, corners)
        if sample is None:
            return None
        known = self.place(number)
        old = self._symbol
        votes = sample.grid * np.float32(sample.fit / (1.02 - sample.fit))
        if old and known and known[0] == version and agree(old.votes, sample.grid):
            old.votes = old.votes * np.float32(_FADE ** (number - old.last)) + votes
            old.corners, old.last, old.frames = sample.corners, number, old.frames + 1
        else:
            self._symbol = _Symbol(version, sample.corners, votes, number)
        assert self._symbol is not None
        payload = self._decoded(self._symbol)
        return (payload, sample.corners) if payload else None

    def _decoded(self, symbol: _Symbol) -> bytes:
        kinds, _ = patterns(symbol.version)
        modules = np.where(kinds == 0, symbol.votes, kinds) > 0
        drawn = np.where(np.pad(modules, _RIM), 0, 255).astype(np.uint8)
        picture = np.kron(drawn, np.ones((_DRAWN, _DRAWN), dtype=np.uint8))
        read = self._zxing.read_barcodes(
            picture, formats=self._formats, try_rotate=False, try_invert=False, try_downscale=False
        )
        return bytes(read[0].bytes) if read else b""


@lru_cache(maxsize=MOST_VERSION)
def patterns(version: int) -> tuple[Grid, list[tuple[int, int, int]]]:
    """What each symbol of a version has: 1 for dark, -1 for light, 0 for what differs from symbol to symbol; and of its
    finder and alignment patterns each the row and column of the first module, and the side."""
    symbol = segno.make(b"", version=version, error="L", boost_error=False, micro=False, mode="byte", mask=0)
    types = np.array([list(row) for row in symbol.matrix_iter(border=0, verbose=True)])
    free = (consts.TYPE_DATA_DARK, consts.TYPE_DATA_LIGHT, consts.TYPE_FORMAT_DARK, consts.TYPE_FORMAT_LIGHT)
    kinds = np.where(np.isin(types, free), 0, np.where(types > _LAST_LIGHT, 1, -1)).astype(np.float32)
    side = len(kinds)
    centres = np.argwhere(types == consts.TYPE_ALIGNMENT_PATTERN_DARK)
    alike = {(int(row), int(column)) for row, column in centres}
    squares = [
        (row - 2, column - 2, 5)
        for row, column in alike
        if all((row + down, column + right) in alike for down in (-2, 2) for right in (-2, 2))
    ]
    return kinds, [(0, 0, 7), (0, side - 7, 7), (side - 7, 0, 7), *sorted(squares)]


_LAST_LIGHT: Final = 255  # segno's numbers of dark modules' types lie above, those of light ones below


def sampled(gray: Gray, version: int, corners: Corners) -> Sample | None:
    """The modules of the symbol about the corners, where its patterns are found; None where they are not."""
    kinds, squares = patterns(version)
    place = _place(len(kinds), corners)
    for reach in _REACH:
        found = _pinned(_straight(gray, place, len(kinds)), kinds, squares, reach)
        if found is None:
            return None
        place = place @ found
    straight = _straight(gray, place, len(kinds)).astype(np.float32)
    modules = cv2.resize(straight, None, fx=1 / _PIXELS, fy=1 / _PIXELS, interpolation=cv2.INTER_AREA)
    grid, fit = _unblurred(np.asarray(modules, dtype=np.float32), kinds)
    if fit < _FIT:
        return None
    side = float(len(kinds))
    outer = np.array([[[0, 0], [side, 0], [side, side], [0, side]]], dtype=np.float64)
    return Sample(np.asarray(cv2.perspectiveTransform(outer, place)[0], dtype=np.float64), grid, fit)


def agree(votes: Grid, grid: Grid) -> bool:
    """Whether both are of one code: in each upright strip, for a code that is renewed keeps a part of its modules."""
    same = (votes > 0) == (grid > 0)
    return all(float(strip.mean()) > _AGREE for strip in np.array_split(same, _STRIPS, axis=1))


def _place(side: int, corners: Corners) -> NDArray[np.float64]:
    """From modules to pixels of the frame."""
    square = np.array([[0, 0], [side, 0], [side, side], [0, side]], dtype=np.float32)
    return np.asarray(cv2.getPerspectiveTransform(square, corners.astype(np.float32)), dtype=np.float64)


def _straight(gray: Gray, place: NDArray[np.float64], side: int) -> Gray:
    """The symbol and its rim, _PIXELS to a module."""
    half = 0.5 / _PIXELS - _RIM  # the middle of the first pixel, in modules
    to_modules = np.array([[1 / _PIXELS, 0, half], [0, 1 / _PIXELS, half], [0, 0, 1]])
    pixels = np.array(
        [[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]]
    )  # corners count from a pixel's edge, OpenCV from its middle
    whole = (side + 2 * _RIM) * _PIXELS
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    straight = cv2.warpPerspective(gray, pixels @ place @ to_modules, (whole, whole), flags=flags,
                                   borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
    return np.asarray(straight, dtype=np.uint8)


def _pinned(
    straight: Gray, kinds: Grid, squares: list[tuple[int, int, int]], reach: float
) -> NDArray[np.float64] | None:
    """From modules as they should be to where the patterns are found; None where too few are."""
    step = round(reach * _PIXELS)
    there, found = [], []
    for row, column, side in squares:
        template = _template(side)
        high = template.shape[0]
        around = (high - side * _PIXELS) // 2
        top, left = ((at + _RIM) * _PIXELS - around for at in (row, column))
        window = straight[max(top - step, 0) : top + high + step, max(left - step, 0) : left + high + step]
        likeness = cv2.matchTemplate(window, template, cv2.TM_CCOEFF_NORMED)
        _, most, _, (x, y) = cv2.minMaxLoc(likeness)
        if most < _LIKE:
            continue
        middle = np.array((column, row)) + side / 2
        moved = np.array((x + _peak(likeness[y], x) + max(left - step, 0) - left,
                          y + _peak(likeness[:, x], y) + max(top - step, 0) - top))  # fmt: skip
        there.append(middle)
        found.append(middle + moved / _PIXELS)
    if len(there) < _FEWEST_PATTERNS:
        return None
    place, _ = cv2.findHomography(np.array(there), np.array(found), cv2.RANSAC, _ASTRAY)
    return None if place is None else np.asarray(place, dtype=np.float64)


def _peak(values: NDArray[Any], at: int) -> float:
    """Where between its neighbours the highest value lies, by a parabola."""
    if not 0 < at < len(values) - 1:
        return 0.0
    before, here, after = (float(value) for value in values[at - 1 : at + 2])
    bend = before - 2 * here + after
    return 0.0 if bend >= 0 else 0.5 * (before - after) / bend


@lru_cache(maxsize=2)
def _template(side: int) -> Gray:
    """A finder (7) or an alignment pattern (5), as soft as a frame that is not read, and a module more around the
    former."""
    away = np.abs(np.arange(side + 2) - (side + 1) / 2)
    rings = np.maximum.outer(away, away)
    light = (rings == (side - 1) / 2 - 1) | (rings > side / 2)
    squares = np.kron(np.where(light, 200, 55), np.ones((_PIXELS, _PIXELS)))
    drawn = np.asarray(squares, dtype=np.uint8)
    soft = np.asarray(cv2.GaussianBlur(drawn, (0, 0), 0.5 * _PIXELS), dtype=np.uint8)
    return soft if side == 7 else np.ascontiguousarray(soft[_PIXELS:-_PIXELS, _PIXELS:-_PIXELS])


def _unblurred(modules: Grid, kinds: Grid) -> tuple[Grid, float]:
    """What is seen at the modules, with the rim around them, made into votes from -1 to 1; and how well that fits."""
    mean = cv2.blur(modules, (9, 9))
    size = len(kinds)

    def moved(down: int, right: int) -> Grid:
        return modules[_RIM + down : _RIM + down + size, _RIM + right : _RIM + right + size]

    seen = np.stack(
        [
            moved(0, 0),
            moved(0, 1) + moved(0, -1),
            moved(1, 0) + moved(-1, 0),
            moved(1, 1) + moved(-1, -1),
            moved(1, -1) + moved(-1, 1),
            moved(0, 2) + moved(0, -2),
            moved(2, 0) + moved(-2, 0),
            np.asarray(mean[_RIM:-_RIM, _RIM:-_RIM]),
        ],
        axis=-1,
    ).astype(np.float64) / 64  # fmt: skip
    seen = np.concatenate([seen, np.ones((size, size, 1))], axis=-1)
    known = kinds != 0
    rows, truth = seen[known], kinds[known].astype(np.float64)
    weights = np.linalg.solve(rows.T @ rows + _RIDGE * np.eye(rows.shape[1]) / 10, rows.T @ truth)
    left = truth - rows @ weights
    fit = 1 - float(left.var()) / float(truth.var())
    return np.clip(seen @ weights, -1, 1).astype(np.float32), fit
