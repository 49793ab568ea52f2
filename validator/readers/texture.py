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


def texture(half: Gray) -> Gray:
    """The map, from a picture of half the size: one value for each CELL x CELL pixels of the whole picture."""
    deviation = cv2.absdiff(half, cv2.blur(half, (5, 5)))
    size = (max(half.shape[1] * 2 // CELL, 1), max(half.shape[0] * 2 // CELL, 1))
    return np.asarray(cv2.resize(deviation, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def textured_boxes(values: Gray, masked: Sequence[NDArray[np.float64]]) -> list[Box]:
    """Boxes around what is textured, the largest first, at most two.

    masked: quadrilaterals of corners in pixels, shape (4, 2), that have been read and do not count.
    """
    noise = min(float(np.percentile(values, 10)), _MOST_NOISE)
    fine = np.asarray(values > _LEAST + _PER_NOISE * noise, dtype=np.uint8)
    for corners in masked:
        middle = corners.mean(axis=0)
        wider = (middle + 1.25 * (corners - middle)) / CELL
        cv2.fillConvexPoly(fine, np.rint(np.clip(wider, -4096, 4096)).astype(np.int32), 0)
    square = np.ones((3, 3), dtype=np.uint8)
    fine = np.asarray(cv2.morphologyEx(fine, cv2.MORPH_CLOSE, square), dtype=np.uint8)
    fine = np.asarray(cv2.morphologyEx(fine, cv2.MORPH_OPEN, square), dtype=np.uint8)
    if not fine.any():
        return []
    _, _, statistics, _ = cv2.connectedComponentsWithStats(fine, connectivity=4)
    blobs = sorted(statistics[1:].tolist(), key=lambda blob: -blob[4])[:_MOST_BOXES]
    return [
        (left * CELL, top * CELL, (left + wide) * CELL, (top + high) * CELL)
        for left, top, wide, high, cells in blobs
        if cells >= _LEAST_CELLS
    ]


def widened(box: Box, share: float, picture: Gray) -> Box:
    """The box with a margin of a share of its longer side, inside the picture."""
    left, top, right, bottom = box
    margin = round(share * max(right - left, bottom - top)) + CELL
    height, width = picture.shape
    return max(left - margin, 0), max(top - margin, 0), min(right + margin, width), min(bottom + margin, height)


def light_on_dark(gray: Gray, box: Box) -> bool:
    """Whether what surrounds the box is darker than what is in it on average: a code in the colours of a dark mode."""
    left, top, right, bottom = box
    inside = gray[top:bottom:2, left:right:2]
    outer = widened(box, 0.0, gray)
    rim = (gray[outer[1] : top, left:right], gray[bottom : outer[3], left:right],
           gray[top:bottom, outer[0] : left], gray[top:bottom, right : outer[2]])  # fmt: skip
    around = np.concatenate([strip.ravel() for strip in rim])
    if not around.size or not inside.size:
        return False
    darkest, lightest = np.percentile(inside, (10, 90))
    return float(np.median(around)) < (float(darkest) + float(lightest)) / 2
