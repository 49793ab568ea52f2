"""Where in a picture something fine stands, as the modules of a code do: a coarse map, for a fifth of a decoder's time.

What the map holds is how far the pixels of a cell lie from their surroundings, in grey levels: noise lifts every cell
alike and is taken off, an edge fills a row of cells and is too thin, a symbol fills a square of them.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom lie outside."""

CELL: Final = 8
"""Pixels of the picture to a side of one cell of the map."""

_LEAST: Final = 4.0  # grey levels above which a cell is textured in a picture without noise
_PER_NOISE: Final = 1.6  # times the noise that is added: the highest of a thousand cells of noise alone is below it
_MOST_NOISE: Final = 8.0  # a code that fills the picture leaves no cell that shows the noise alone
_LEAST_CELLS: Final = 12
_MOST_BOXES: Final = 2
_SQUARE: Final = np.ones((3, 3), dtype=np.uint8)
_EVEN: Final = 0.75  # of a box's cells, with their gaps closed: what is textured in a symbol; lines of writing have 0.7
_ROUND: Final = 0.3  # of the square over the longer side: a symbol turned by an eighth and tilted still fills it


def texture(half: Gray) -> Gray:
    """The map, from a picture of half the size: one value for each CELL x CELL pixels of the whole picture."""
    deviation = cv2.absdiff(half, cv2.blur(half, (5, 5)))
    size = (max(half.shape[1] * 2 // CELL, 1), max(half.shape[0] * 2 // CELL, 1))
    return np.asarray(cv2.resize(deviation, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def textured_boxes(values: Gray, masked: Sequence[NDArray[np.float64]]) -> list[Box]:
    """Boxes around what is textured, the largest first, at most two.

    masked: quadrilaterals of corners in pixels, shape (4, 2), that have been read and do not count.
    """
    fine = _fine(values)
    for corners in masked:
        middle = corners.mean(axis=0)
        wider = (middle + 1.25 * (corners - middle)) / CELL
        cv2.fillConvexPoly(fine, np.rint(np.clip(wider, -4096, 4096)).astype(np.int32), 0)
    fine = np.asarray(cv2.morphologyEx(fine, cv2.MORPH_CLOSE, _SQUARE), dtype=np.uint8)
    fine = np.asarray(cv2.morphologyEx(fine, cv2.MORPH_OPEN, _SQUARE), dtype=np.uint8)
    if not fine.any():
        return []
    _, _, statistics, _ = cv2.connectedComponentsWithStats(fine, connectivity=4)
    blobs = sorted(statistics[1:].tolist(), key=lambda blob: -blob[4])[:_MOST_BOXES]
    return [
        (left * CELL, top * CELL, (left + wide) * CELL, (top + high) * CELL)
        for left, top, wide, high, cells in blobs
        if cells >= _LEAST_CELLS
    ]


def is_even(values: Gray, box: Box) -> bool:
    """Whether a box is filled as by a symbol, without gaps and about as wide as high; by lines of writing it is not."""
    left, top, right, bottom = (edge // CELL for edge in box)
    fine = _fine(values)[top:bottom, left:right]
    closed = int(cv2.morphologyEx(fine, cv2.MORPH_CLOSE, _SQUARE).sum())
    return int(fine.sum()) >= _EVEN * closed and closed >= _ROUND * max(fine.shape) ** 2


def _fine(values: Gray) -> Gray:
    """1 for each cell that stands out from the noise, else 0."""
    noise = min(_level(values, 0.1), _MOST_NOISE)
    return np.asarray(values > _LEAST + _PER_NOISE * noise, dtype=np.uint8)


def _level(values: NDArray[np.uint8], share: float) -> int:
    """The grey level under which such a share of the values lies; counting is several times as fast as sorting."""
    return int(np.searchsorted(np.cumsum(np.bincount(values.ravel())), share * values.size))


def widened(box: Box, share: float, picture: Gray) -> Box:
    """The box with a margin of a share of its longer side, inside the picture."""
    left, top, right, bottom = box
    margin = round(share * max(right - left, bottom - top)) + CELL
    height, width = picture.shape
    return max(left - margin, 0), max(top - margin, 0), min(right + margin, width), min(bottom + margin, height)


def light_on_dark(gray: Gray, box: Box) -> bool:
    """Whether what surrounds the box is darker than what is in it on average: a code in the colours of a dark mode."""
    left, top, right, bottom = box
    inside = gray[top:bottom:4, left:right:4]
    outer = widened(box, 0.0, gray)
    rim = (gray[outer[1] : top, left:right], gray[bottom : outer[3], left:right],
           gray[top:bottom, outer[0] : left], gray[top:bottom, right : outer[2]])  # fmt: skip
    around = np.concatenate([strip.ravel() for strip in rim])
    if not around.size or not inside.size:
        return False
    return _level(around, 0.5) < (_level(inside, 0.1) + _level(inside, 0.9)) / 2
