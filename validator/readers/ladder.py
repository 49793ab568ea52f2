"""The passes in which zxing-cpp looks for a code in a camera's frames: cheap ones first, dear ones in turn.

The order, which ends at a code that may be a ride's:
1. Where the last frame had its codes, in the way that read them.
2. The whole frame as it is (of a large frame: half its size, then a quarter).
3. A map of the texture. Where nothing fine stands, nothing more is tried: an idle gate costs no more than this.
4. A box that looks like a code light on dark, inverted.
5. Half the frame's size: what is grainy and not small has edges there. The frame sharpened; of a large one half its
   size, and the textured boxes. Where the texture has gaps as writing has, a box alone is sharpened.
6. One dear pass a frame in turn: a code is before the lens for ten frames and more. The last in turn is zxing-cpp with
   all its own options on the whole frame, so that nothing that it reads is missed. Where the texture has gaps, three
   frames of four go without.
7. Votes over the modules of a symbol that a pass has located and not decoded (`yima.validator.readers.votes`), in one
   place a frame: as soon as one is located, or where the last frames had one.

A code that is no ride's (an advertisement beside the phone) does not end the search: its place is taken out of the
map, and what is left is looked at. A single picture is not seen again, so that all passes are tried on it at once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from yima.validator._core import family_of
from yima.validator.readers.texture import Box, is_even, light_on_dark, texture, textured_boxes, widened
from yima.validator.readers.votes import FEWEST_VERSION, MOST_VERSION, Votes

Gray = NDArray[np.uint8]

_LARGE: Final = (
    640 * 480 * 2
)  # pixels; above this half the size is tried first: a code fills more of them than it needs
_MARGIN: Final = 0.15  # of a box's side: the quiet zone and more
_STEP: Final = 0.2  # of a code's side: how far a phone moves from one frame to the next
_MOST_DOUBLED: Final = 2_000_000  # pixels; a code that needs doubling is a small one
_MOST_SEEN: Final = 4
_FEWEST: Final = 21  # modules to a side of the smallest symbol
_REST: Final = 16  # of so many frames in which nothing fine stands, one is looked at with all of zxing's own options
_DOUBT: Final = 4  # of so many frames whose texture is no symbol's by its looks, one has its dear pass
_NO_RIDES: Final = ("unknown", "suishen-hall")  # suishen-hall: any web address that is no other family's


@dataclass(frozen=True, slots=True, eq=False)
class Failed:
    """A symbol located and not decoded. corners, rung: as in Hit."""

    version: int
    corners: NDArray[np.float64]
    rung: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A code read. corners: shape (4, 2), in pixels of the whole picture. rung: the pass that read it."""

    payload: bytes
    corners: NDArray[np.float64]
    rung: str

    @property
    def rides(self) -> bool:
        """Whether it may be a ride's, by its family."""
        return family_of(self.payload) not in _NO_RIDES

    @property
    def box(self) -> Box:
        """The upright box around it."""
        (left, top), (right, bottom) = self.corners.min(axis=0), self.corners.max(axis=0)
        return int(left), int(top), int(right) + 1, int(bottom) + 1


def sharpened(gray: Gray) -> Gray:
    """Difference of Gaussians: lifts the small dense modules of a code seen out of focus above the soft background."""
    fine = cv2.GaussianBlur(gray, (5, 5), 0.7)
    coarse = cv2.blur(fine, (7, 7))
    return np.asarray(cv2.addWeighted(fine, 3.5, coarse, -2.5, 0), dtype=np.uint8)


def shrunk(gray: Gray, times: int) -> Gray:
    """The picture at a part of its size, each pixel the mean of those it stands for."""
    size = (max(gray.shape[1] // times, 1), max(gray.shape[0] // times, 1))
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def doubled(gray: Gray, sigma: float = 1.0, side: int = 11, gain: float = 5.0) -> Gray:
    """The picture at twice its size, sharpened as in `sharpened` with more gain: for small modules, or wider for soft
    ones. sigma, side: of the two blurs, in pixels of the doubled picture."""
    large = cv2.resize(gray, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    taps = 2 * round(2 * sigma) + 1
    fine = cv2.GaussianBlur(large, (taps, taps), sigma)
    return np.asarray(cv2.addWeighted(fine, gain, cv2.blur(fine, (side, side)), 1 - gain, 0), dtype=np.uint8)


def inverted(gray: Gray) -> Gray:
    """Light for dark."""
    return np.asarray(cv2.bitwise_not(gray), dtype=np.uint8)


_RUNGS: Final[dict[str, Callable[[Gray], Gray]]] = {
    "plain": lambda gray: gray,
    "sharpened": sharpened,
    "half": lambda gray: shrunk(gray, 2),
    "half, sharpened": lambda gray: sharpened(shrunk(gray, 2)),
    "third": lambda gray: shrunk(gray, 3),
    "quarter": lambda gray: shrunk(gray, 4),
    "doubled": doubled,
    "doubled, wider": lambda gray: doubled(gray, 1.8, 17, 6.0),
    "inverted": inverted,
    "inverted, half": lambda gray: inverted(shrunk(gray, 2)),
    "inverted, sharpened": lambda gray: sharpened(inverted(gray)),
}
_OWN: Final = "zxing's own"  # not in _RUNGS: another call
_OLD: Final = "zxing's own, Model 1 too"  # with it, zxing-cpp also reads symbols drawn with one pixel a module
_LEAST_FRAME: Final = 120  # pixels to a side; what is less is no camera's, and may be drawn with one pixel a module
# Of the frame's height: the side of a box below which its modules rather need doubling than halving. The box stands
# upright, and that of a symbol turned by an eighth is 1.4 times as wide as the symbol.
_SMALL: Final = 0.85
_WIDE: Final = "doubled, wider"
_TURNS_SMALL: Final = ("doubled", "doubled", "doubled", "inverted", "doubled", _WIDE, "doubled", _OWN)
_TURNS_LARGE: Final = ("doubled", "doubled", "third", "inverted", "doubled", _WIDE, "third", _OWN)
_EVERY: Final = (
    "half", "half, sharpened", "inverted", "inverted, half", "inverted, sharpened", "third", "doubled", _WIDE
)  # fmt: skip
_ON_THE_BOX: Final = ("doubled", _WIDE, "inverted")  # what enlarges; what makes smaller is cheap on the whole frame


class Ladder:
    """Reads one camera's frames in the order they come, or single pictures. Not for two threads at once."""

    def __init__(self, turn: int = 0) -> None:
        """turn: at which of the dear passes it begins. Raises ModuleNotFoundError without zxing-cpp."""
        import zxingcpp  # noqa: PLC0415 - only the decoder that is used must be installed

        self._zxing: Any = zxingcpp
        named = zxingcpp.BarcodeFormat
        self._formats = zxingcpp.BarcodeFormats(named.QRCodeModel2)  # Micro QR and rMQR hold no fare
        self._old = zxingcpp.BarcodeFormats([named.QRCodeModel1, named.QRCodeModel2])
        self._seen: list[Hit] = []
        self._number = turn
        self._votes = Votes(zxingcpp, self._formats)
        self._failed: Failed | None = None  # of this frame
        self._voted: Failed | None = None  # what the votes are for, as last located

    def frame(self, gray: Gray) -> list[bytes]:
        """The payloads in the camera's next frame, each once."""
        found: list[Hit] = []
        self._number += 1
        self._failed = None
        seen, self._seen = self._seen, []  # gone already, should a pass fail: it must not fail at the next frame again
        for hits in self._passes(gray, found, seen, every=False):
            found += hits
            if any(hit.rides for hit in hits):
                break
        self._seen = found[:_MOST_SEEN]
        return _payloads(found)

    def picture(self, gray: Gray) -> list[bytes]:
        """The payloads in a single picture, each once: every pass is tried until a ride's code is read."""
        found: list[Hit] = []
        self._failed = None
        for hits in self._passes(gray, found, [], every=True):
            found += hits
            if any(hit.rides for hit in hits):
                break
        return _payloads(found)

    def _passes(self, gray: Gray, found: list[Hit], seen: list[Hit], *, every: bool) -> Iterator[list[Hit]]:
        """What each pass reads, one after the other. found: what the passes until now have read; seen: what the last
        frame had."""
        whole: Box = (0, 0, gray.shape[1], gray.shape[0])
        large = gray.size > _LARGE
        for hit in seen:
            yield self._look(gray, widened(hit.box, _STEP, gray), hit.rung)
        if not found:
            yield self._look(gray, whole, "half" if large else "plain")
        if not found and large:
            yield self._look(gray, whole, "quarter")
        values = texture(shrunk(gray, 2))
        boxes = textured_boxes(values, [hit.corners for hit in found])
        even = bool(boxes) and (every or is_even(values, boxes[0]))
        if boxes:
            yield from self._dark(gray, boxes[0])
            if not found and not large:
                yield self._look(gray, whole, "half")
            yield from self._sharp(gray, boxes, found, "half, sharpened" if large else "sharpened", even=even)
        located = self._failed
        if located:
            yield self._vote(gray, located)
        if every:
            yield from self._every(gray, boxes, found)
        elif even:
            yield from self._turn(gray, boxes[0], whole, self._number)
        elif boxes:
            if self._number % _DOUBT == 0:
                yield from self._turn(gray, boxes[0], whole, self._number // _DOUBT)
        elif not found and self._number % _REST == 0:
            yield self._look(gray, whole, _OWN)
        if boxes and not located and (late := self._failed or self._voted):
            yield self._vote(gray, late)

    def _vote(self, gray: Gray, failed: Failed) -> list[Hit]:
        """What the votes give with those of this frame."""
        self._voted = failed
        seen = inverted(gray) if failed.rung.startswith("inverted") else gray
        read = self._votes.add(seen, failed.version, failed.corners, self._number)
        place = self._votes.place(self._number)
        self._voted = Failed(*place, failed.rung) if place else None
        return [Hit(*read, failed.rung)] if read else []

    def _dark(self, gray: Gray, box: Box) -> Iterator[list[Hit]]:
        if light_on_dark(gray, box):
            around = widened(box, _MARGIN, gray)
            yield self._look(gray, around, "inverted")
            yield self._look(gray, around, "inverted, sharpened")

    def _sharp(self, gray: Gray, boxes: list[Box], found: list[Hit], rung: str, *, even: bool) -> Iterator[list[Hit]]:
        if not found and even:
            yield self._look(gray, (0, 0, gray.shape[1], gray.shape[0]), rung)
        one = self._number % len(boxes)
        for around in [widened(box, _MARGIN, gray) for box in (boxes if even else boxes[one : one + 1])]:
            if found:  # another code has ended the plain pass, which may not have looked here
                yield self._look(gray, around, "plain")
                yield self._look(gray, around, rung)
            if rung != "sharpened" or not (found or even):
                yield self._look(gray, around, "sharpened")

    def _turn(self, gray: Gray, box: Box, whole: Box, number: int) -> Iterator[list[Hit]]:
        around = widened(box, _MARGIN, gray)
        side = max(box[2] - box[0], box[3] - box[1])
        turns = _TURNS_SMALL if side < _SMALL * whole[3] else _TURNS_LARGE
        rung = turns[number % len(turns)]
        yield self._look(gray, around if rung in _ON_THE_BOX else whole, rung)

    def _every(self, gray: Gray, boxes: list[Box], found: list[Hit]) -> Iterator[list[Hit]]:
        whole: Box = (0, 0, gray.shape[1], gray.shape[0])
        for box in boxes:
            for rung in _EVERY:
                yield self._look(gray, widened(box, _MARGIN, gray), rung)
        if boxes or not found:
            for rung in (_OWN, _OLD, "sharpened"):
                yield self._look(gray, whole, rung)

    def _look(self, gray: Gray, box: Box, rung: str) -> list[Hit]:
        left, top, right, bottom = box
        part = gray[top:bottom, left:right]
        if right - left < _FEWEST or bottom - top < _FEWEST:  # frames may change their size, and a box lie outside
            return []
        if rung in (_OWN, _OLD):
            old = rung == _OLD or min(gray.shape) < _LEAST_FRAME
            symbols = self._zxing.read_barcodes(part, formats=self._old if old else self._formats)
            scale = 1.0
        else:
            if rung in ("doubled", _WIDE) and part.size > _MOST_DOUBLED:
                return []
            picture = _RUNGS[rung](part)
            # An upright dark-on-light symbol is all that these options give up in linear codes; a QR code is found at
            # any angle by its three corners.
            symbols = self._zxing.read_barcodes(
                picture,
                formats=self._formats,
                try_rotate=False,
                try_invert=False,
                try_downscale=False,
                return_errors=True,
            )
            scale = part.shape[1] / picture.shape[1]
            self._note(symbols, scale, (left, top), rung)
        hits = [(bytes(symbol.bytes), symbol.position) for symbol in symbols if symbol.valid]
        return [Hit(payload, _corners(position) * scale + (left, top), rung) for payload, position in hits if payload]

    def _note(self, symbols: Any, scale: float, origin: tuple[int, int], rung: str) -> None:
        """Keeps the frame's last symbol whose error correction has failed, of a size that votes are taken for."""
        for symbol in symbols:
            version = "" if symbol.valid else str((symbol.extra or {}).get("Version", ""))
            if version.isdigit() and FEWEST_VERSION <= int(version) <= MOST_VERSION:
                self._failed = Failed(int(version), _corners(symbol.position) * scale + origin, rung)


def _corners(position: Any) -> NDArray[np.float64]:
    points = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    return np.array([(point.x, point.y) for point in points], dtype=np.float64)


def _payloads(hits: list[Hit]) -> list[bytes]:
    return list(dict.fromkeys(hit.payload for hit in hits))
