"""A phone held before a camera that is not there: its screen with the code, as a gray camera frame.

What it models, in plain form: where the phone is, how large, turned and tilted (perspective), defocus as one Gaussian
blur, exposure and contrast, sensor noise, one soft patch of glare, a trembling hand, a phone that comes and leaves, one
in dark mode (the code light on dark), one that shows a page without a code, and a poster with a code of its own.
What it does not model: motion blur, rolling shutter, screen refresh bands, moire, bloom, lens distortion, vignetting,
JPEG, colour. Its frames are good enough to drive a device; they say nothing of how well a camera reads in the field.
All randomness comes from the generator that is handed in: the same seed gives the same frames.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from yima.sdk.qr import QUIET_ZONE, Level, qr_matrix

Gray = NDArray[np.uint8]

_OVERSAMPLING: Final = 2
_MODULE: Final = 8  # pixels of one module on the drawn screen
_DISTANCE: Final = 3.0  # from lens to screen, in symbol sides: how strong the perspective of a tilt is
_NO_CODE: Final = 65  # modules' widths of a page that shows no code
_ROOM: Final = 60  # grey of the room behind the phone


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How the phone stands before the camera.

    x, y: centre of the symbol, as shares of the frame (0.5, 0.5 is the middle; outside 0..1 is out of view). size: side
    of the symbol as a share of the frame's height. rotation_deg: in the picture's plane; tilt_deg, pan_deg: away from
    the lens. blur_px: sigma of the defocus. contrast, brightness: picture * contrast + brightness, about mid-grey.
    noise: sigma in grey levels. glare: grey levels added at the brightest spot.
    """

    x: float = 0.5
    y: float = 0.5
    size: float = 0.66
    rotation_deg: float = 0.0
    tilt_deg: float = 0.0
    pan_deg: float = 0.0
    blur_px: float = 0.6
    contrast: float = 0.85
    brightness: float = 0.0
    noise: float = 3.0
    glare: float = 0.0


HELD: Final = View(rotation_deg=3.0, tilt_deg=8.0, pan_deg=-6.0, glare=40.0)
"""A rider who holds the phone about right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """A sheet with a QR code on the wall behind the phone. x, y, size: as in View."""

    payload: bytes = b"https://example.org/timetable?stop=0417"
    x: float = 0.85
    y: float = 0.24
    size: float = 0.28


class Phone:
    """Renders frames of width x height pixels, uint8."""

    def __init__(
        self,
        rng: np.random.Generator,
        *,
        view: View = HELD,
        level: Level = "L",
        width: int = 640,
        height: int = 480,
        dark: bool = False,
        poster: Poster | None = None,
    ) -> None:
        """level: the QR error correction level the phone's app shows. dark: whether in the colours of a dark mode.
        poster: what hangs in the room."""
        self.view = view
        self._dark = dark
        self._poster = poster
        self._rng = rng
        self._level: Level = level
        self._width = width
        self._height = height

    def frame(self, code: bytes | None, view: View | None = None) -> Gray:
        """One camera frame with the phone showing `code`, a page without one for b"", or the empty room for None."""
        view = view or self.view
        wide, high = self._width * _OVERSAMPLING, self._height * _OVERSAMPLING
        scene: NDArray[Any] = np.full((high, wide), _ROOM, dtype=np.uint8)
        if self._poster:
            hung = View(x=self._poster.x, y=self._poster.y, size=self._poster.size)
            _draw(scene, *_sheet(self._poster.payload), self._corners(hung))
        if code is not None:
            _draw(scene, *_screen(code, self._level, self._dark), self._corners(view))
        picture = cv2.resize(scene, (self._width, self._height), interpolation=cv2.INTER_AREA).astype(np.float32)
        if view.blur_px > 0:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), view.blur_px), dtype=np.float32)
        picture = (picture - 128) * view.contrast + 128 + view.brightness
        if view.glare and code is not None:
            picture = picture + self._glare(view)
        if view.noise:
            picture = picture + self._rng.standard_normal(picture.shape, dtype=np.float32) * np.float32(view.noise)
        return np.clip(np.rint(picture), 0, 255).astype(np.uint8)

    def approach(self, code: bytes, *, coming: int = 8, held: int = 15, leaving: int = 6) -> Iterator[Gray]:
        """The frames of one presentation: the phone comes in from below, is held with a trembling hand, and leaves."""
        for step in range(coming):
            yield self.frame(code, self._on_the_way((coming - step) / coming))
        for _ in range(held):
            tremor = self._rng.normal(0.0, 1.0, 3)
            yield self.frame(
                code,
                replace(
                    self.view,
                    x=self.view.x + 0.002 * float(tremor[0]),
                    y=self.view.y + 0.002 * float(tremor[1]),
                    rotation_deg=self.view.rotation_deg + 0.3 * float(tremor[2]),
                ),
            )
        for step in range(leaving):
            yield self.frame(code, self._on_the_way((step + 1) / leaving))

    def _on_the_way(self, away: float) -> View:
        """away: 0 where it is held, 1 out of view. A phone on its way is out of focus as well."""
        return replace(
            self.view,
            y=self.view.y + away * (1.6 - self.view.y),
            size=self.view.size * (1 - 0.3 * away),
            rotation_deg=self.view.rotation_deg + 20 * away,
            blur_px=self.view.blur_px + 2.5 * away,
        )

    def _corners(self, view: View) -> NDArray[np.float32]:
        """Where the symbol's four corners (from top left, clockwise) come to lie in the frame, in pixels."""
        roll, tilt, pan = np.radians([view.rotation_deg, view.tilt_deg, view.pan_deg])
        in_plane = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        about_x = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
        about_y = np.array([[np.cos(pan), 0, np.sin(pan)], [0, 1, 0], [-np.sin(pan), 0, np.cos(pan)]])
        square = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]])
        turned = square @ (in_plane.T @ about_x.T @ about_y.T)
        flat = turned[:, :2] * (_DISTANCE / (_DISTANCE + turned[:, 2:]))
        middle = np.array([view.x * self._width, view.y * self._height])
        return np.asarray(flat * view.size * self._height + middle, dtype=np.float32)

    def _glare(self, view: View) -> NDArray[np.float32]:
        """A soft bright patch somewhere on the screen."""
        middle = self._rng.normal((view.x * self._width, view.y * self._height), 0.15 * view.size * self._height)
        spread = 0.2 * view.size * self._height
        x = np.exp(-(((np.arange(self._width) - middle[0]) / spread) ** 2) / 2)
        y = np.exp(-(((np.arange(self._height) - middle[1]) / spread) ** 2) / 2)
        return np.asarray(view.glare * np.outer(y, x), dtype=np.float32)


def _draw(scene: NDArray[Any], surface: Gray, symbol: NDArray[np.float32], corners: NDArray[np.float32]) -> None:
    """Draws a surface into the scene, so that the symbol on it comes to lie at the corners."""
    place = cv2.getPerspectiveTransform(symbol, corners * _OVERSAMPLING)
    high, wide = scene.shape
    cv2.warpPerspective(
        surface, place, (wide, high), dst=scene, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT
    )


def _symbol(code: bytes, level: Level) -> Gray:
    modules = np.array(qr_matrix(code, level))
    drawn = np.kron(np.where(modules, 0, 255), np.ones((_MODULE, _MODULE), dtype=np.uint8))
    return np.asarray(drawn, dtype=np.uint8)


def _page() -> Gray:
    """Where the symbol would be: lines of writing."""
    page = np.full((_NO_CODE * _MODULE, _NO_CODE * _MODULE), 255, dtype=np.uint8)
    for line in range(2, _NO_CODE // 8):
        words = "Line 4 to the east gate, platform two  " * 2
        cv2.putText(page, words[line:], (8, line * 8 * _MODULE), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 60, 3, cv2.LINE_AA)
    return page


@lru_cache(maxsize=8)
def _sheet(code: bytes) -> tuple[Gray, NDArray[np.float32]]:
    """A sheet of paper, and the corners of the symbol on it."""
    symbol = _symbol(code, "M")
    edge, side = QUIET_ZONE * _MODULE, symbol.shape[0]
    near, far = edge, edge + side
    corners = np.array([[near, near], [far, near], [far, far], [near, far]], dtype=np.float32)
    return np.pad(symbol, edge, constant_values=235), corners


@lru_cache(maxsize=8)
def _screen(code: bytes, level: Level, dark: bool) -> tuple[Gray, NDArray[np.float32]]:
    """The phone's screen as the app draws it, and the symbol's corners on it, from top left, clockwise."""
    symbol = _symbol(code, level) if code else _page()
    side = symbol.shape[0] // _MODULE
    edge = 2 * QUIET_ZONE * _MODULE  # from the symbol to the bezel, left and right
    above, below = edge + side * _MODULE // 4, edge + side * _MODULE // 2
    bezel, quiet = 3 * _MODULE, QUIET_ZONE * _MODULE
    left, top = bezel + edge, bezel + above
    right, bottom = left + side * _MODULE, top + side * _MODULE
    screen = np.full((bottom + below + bezel, right + edge + bezel), 15, dtype=np.uint8)  # the phone's dark frame
    screen[bezel:-bezel, bezel:-bezel] = 245  # the app's page
    screen[bezel : bezel + above // 2, bezel:-bezel] = 150  # its title bar
    screen[top - quiet : bottom + quiet, left - quiet : right + quiet] = 255  # the card under the symbol
    screen[top:bottom, left:right] = symbol
    if dark:
        screen[bezel:-bezel, bezel:-bezel] = 255 - screen[bezel:-bezel, bezel:-bezel]
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float32)
    return screen, corners
