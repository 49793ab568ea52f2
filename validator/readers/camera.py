"""A camera as reader: `camera:0`, `camera:/dev/video0?width=1280&height=720`, `camera:tap.mp4`, `camera:http://…`.

Rules it keeps:
- Only the newest frame is read: a code is judged by what the camera sees now, frames that came meanwhile are dropped.
  A recording is the exception, it is read frame by frame to its end.
- A code is delivered for every frame that shows it; that the same presentation counts once is the core's business.
- The moment of a reading is when the camera handed over its frame, before decoding.
- A frame that is no picture, or at which the decoder fails, is one without a code: each kind of fault is said once.
"""

import logging
import os
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from yima.validator.errors import ReaderError
from yima.validator.ports import Reading
from yima.validator.readers import address as addresses
from yima.validator.readers.decoders import DECODERS, DecodingError, Gray, decoder_named
from yima.validator.readers.framing import LIMIT, unfolded
from yima.validator.shown import shown
from yima.validator.system.paths import is_file
from yima.validator.texts import Text, say

# FFmpeg inside OpenCV writes to the terminal by itself; it reads this at its first film. -8 is its word for nothing.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

_OPTIONS: Final = ("decoder", "width", "height")
_CLOSING_S: Final = 2.0
_STREAM_LIMITS: Final = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 5000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 5000]
_TO_GRAY: Final = {3: cv2.COLOR_BGR2GRAY, 4: cv2.COLOR_BGRA2GRAY}
_MOST_FAULTS: Final = 16  # kinds of fault that are said; a camera that finds ever new ones must not fill the log

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One picture. picture: as the camera gave it, see to_gray. captured_ns: time.monotonic_ns() when it did."""

    picture: NDArray[Any]
    captured_ns: int


class FrameError(Exception):
    """What a camera gave is no picture. name: the same for each of this form."""

    def __init__(self, picture: object) -> None:
        form = f"{type(picture).__name__} {getattr(picture, 'shape', '')} {getattr(picture, 'dtype', '')}"
        self.name = shown(form, most=80)
        self.why = Text(f"a frame that is no picture ({self.name})", f"不是图像的帧（{self.name}）")
        super().__init__(self.why.en)


class FrameSource(Protocol):
    """Hands over the newest frame, each at most once. One with an end has a property `exhausted` as well."""

    def read(self, timeout_s: float) -> Frame | None:
        """The newest frame not yet handed over, None if none came in time. Raises ReaderError when it is gone."""

    def close(self) -> None:
        """Releases the camera."""


def open_reader(address: str) -> "CameraReader":
    """Opens a camera by number, device, recording or URL; options decoder, width, height. Raises ReaderError."""
    place, options = _split(address)
    shown = without_password(place)
    decoder = addresses.choice(shown, options, "decoder", "zxing", among=DECODERS)
    decoder_named(decoder)  # a missing library is said before the camera's light goes on
    width = addresses.number(shown, options, "width", 0, least=160, most=3840)
    height = addresses.number(shown, options, "height", 0, least=120, most=2160)
    source: FrameSource
    if "://" not in place and not _is_number(place) and (not place.startswith("/dev/") or is_file(Path(place))):
        source = Recording(Path(place))
    else:
        source = LiveCamera(place, width=width, height=height)
    return CameraReader(source, decoder=decoder)


class CameraReader:
    """Decodes a source's frames; see yima.validator.ports.Reader."""

    def __init__(self, source: FrameSource, decoder: str = "zxing") -> None:
        self._source = source
        self._decode = decoder_named(decoder)
        self._ready: deque[Reading] = deque()
        self._said: set[str] = set()

    @property
    def exhausted(self) -> bool:
        """Whether a recording has come to its end; a camera never does."""
        return not self._ready and bool(getattr(self._source, "exhausted", False))

    def read(self, timeout_s: float) -> Reading | None:
        """The next payload, or None when no frame within timeout_s showed one. Raises ReaderError."""
        until = time.monotonic() + timeout_s
        while not self._ready:
            frame = self._source.read(max(0.0, until - time.monotonic()))
            if frame is not None:
                self._ready += [_reading(payload, frame.captured_ns) for payload in self._payloads(frame.picture)]
            if not self._ready and (time.monotonic() >= until or self.exhausted):
                return None
        return self._ready.popleft()

    def close(self) -> None:
        """Releases the camera."""
        self._source.close()

    def _payloads(self, picture: NDArray[Any]) -> list[bytes]:
        try:
            return self._decode(to_gray(picture))
        except (FrameError, DecodingError) as fault:
            if fault.name not in self._said and len(self._said) < _MOST_FAULTS:
                self._said.add(fault.name)
                counts = Text(
                    f"{fault.why.en}; it counts as one without a code, and so do all like it, unsaid",
                    f"{fault.why.zh}；按无码处理，同类情况不再提示",
                )
                _log.warning("%s", say(counts))
            return []


class LiveCamera:
    """A camera or a network stream through OpenCV. A thread takes every frame and keeps the newest: OpenCV's own read
    blocks for as long as it likes, and its queue would show the past."""

    def __init__(self, place: str, *, width: int = 0, height: int = 0) -> None:
        self._name = without_password(place)
        self._capture = _open_capture(int(place) if _is_number(place) else place, self._name)
        for prop, value in ((cv2.CAP_PROP_FRAME_WIDTH, width), (cv2.CAP_PROP_FRAME_HEIGHT, height)):
            if value:
                self._capture.set(prop, value)
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._ended = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._grab, name=f"camera {self._name}", daemon=True)
        self._thread.start()

    def read(self, timeout_s: float) -> Frame | None:
        """The newest frame, None if none came in time. Raises ReaderError when the camera is gone."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._ended, timeout_s)
            frame, self._newest = self._newest, None
            if frame is None and self._ended:
                raise ReaderError(
                    self._name,
                    Text("the camera sends no more pictures", "摄像头不再送出图像"),
                    Text("Check its cable or network", "请检查摄像头的连线或网络"),
                )
            return frame

    def close(self) -> None:
        """Releases the camera; one that hangs inside its driver is left behind with its thread."""
        self._closing.set()
        self._thread.join(_CLOSING_S)

    def _grab(self) -> None:
        try:
            while not self._closing.is_set():
                there, picture = self._capture.read()
                if not there:
                    break
                frame = Frame(captured_ns=time.monotonic_ns(), picture=np.asarray(picture))
                with self._changed:
                    self._newest = frame
                    self._changed.notify_all()
        finally:
            self._capture.release()
            with self._changed:
                self._ended = True
                self._changed.notify_all()


class Recording:
    """A film of taps, frame by frame as fast as they are asked for; then it is exhausted."""

    def __init__(self, path: Path) -> None:
        if not is_file(path):
            raise ReaderError(
                path,
                Text("there is no such recording", "没有这个录像文件"),
                Text(
                    "Name a film, a camera (camera:0, camera:/dev/video0) or a URL",
                    "请给出录像文件、摄像头（camera:0、camera:/dev/video0）或网址",
                ),
            )
        self._capture = _open_capture(str(path), str(path))
        self.exhausted = False

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame, None after the last. A film never keeps anyone waiting, so timeout_s is not used up."""
        if self.exhausted:
            time.sleep(timeout_s)
            return None
        there, picture = self._capture.read()
        if not there:
            self.exhausted = True
            return None
        return Frame(captured_ns=time.monotonic_ns(), picture=np.asarray(picture))

    def close(self) -> None:
        """Closes the film."""
        self.exhausted = True
        self._capture.release()


def to_gray(picture: NDArray[Any]) -> Gray:
    """One channel of whatever the camera gave. Once per frame: decoders would each do it again, and slower.

    picture: height x width, or height x width x channels (1 gray, 2 YUYV as it came, 3 BGR, 4 BGRA), of uint8 or of
    uint16, of which the eight bits are taken that the brightest pixel needs. Raises FrameError for anything else.
    """
    if not isinstance(picture, np.ndarray) or picture.ndim not in (2, 3) or 0 in picture.shape:
        raise FrameError(picture)
    if picture.dtype == np.uint16:
        picture = (picture >> max(int(picture.max()).bit_length() - 8, 0)).astype(np.uint8)
    channels = 1 if picture.ndim == 2 else picture.shape[2]
    if picture.dtype != np.uint8 or channels > 4:
        raise FrameError(picture)
    if channels > 2:
        return np.asarray(cv2.cvtColor(picture, _TO_GRAY[channels]), dtype=np.uint8)
    return picture if picture.ndim == 2 else np.ascontiguousarray(picture[:, :, 0])


def without_password(place: str) -> str:
    """The address as it may be shown: a URL without name, password and query, where a key may stand."""
    scheme, colon, rest = place.partition("://")
    if not colon:
        return place
    if "/" not in (user := rest.partition("?")[0]) and "@" not in user and "@" in rest:
        rest = rest.rpartition("@")[2]  # a password with a question mark in it: what stands before it is no host
    authority, slash, path = rest.partition("?")[0].partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def _split(address: str) -> tuple[str, dict[str, str]]:
    """As address.split, but options in a URL that are not ours belong to the URL."""
    if "://" not in address:
        if is_file(Path(address)):  # a film may have a question mark in its name
            return address, {}
        return addresses.split(address, known=_OPTIONS)
    place, _, query = address.partition("?")
    parts = query.split("&") if query else []
    ours = [part for part in parts if part.partition("=")[0] in _OPTIONS]
    theirs = [part for part in parts if part not in ours]
    _, options = addresses.split(f"{without_password(place)}?{'&'.join(ours)}", known=_OPTIONS)
    return (f"{place}?{'&'.join(theirs)}" if theirs else place), options


def _is_number(place: str) -> bool:
    """Whether a camera is named by number, one that OpenCV can take."""
    return place.isascii() and place.isdigit() and len(place) <= 9


def _open_capture(place: int | str, name: str) -> cv2.VideoCapture:
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # our own error says it in two languages
    try:
        limits = _STREAM_LIMITS if "://" in name else []
        capture = cv2.VideoCapture(place, cv2.CAP_ANY, limits)
    finally:
        cv2.utils.logging.setLogLevel(level)
    if capture.isOpened():
        return capture
    raise _unopened(name)


def _unopened(name: str) -> ReaderError:
    if "://" in name:
        problem = Text("this stream cannot be opened", "无法打开该视频流")
        remedy = Text(
            "Check the address, name and password, and that the camera is reached from here",
            "请检查地址、用户名与密码，以及从本机能否连通该摄像头",
        )
    elif is_file(Path(name)):
        problem = Text("this is no film, or a damaged one", "不是录像文件，或已损坏")
        remedy = Text(
            "Play it elsewhere, or record it again as MP4 or AVI", "请用其他软件播放确认，或重新录制为 MP4 或 AVI"
        )
    else:
        problem = Text("no camera can be opened here", "无法打开该摄像头")
        remedy = Text(
            "Check that it is plugged in, that no other program uses it and that you are in the group video",
            "请检查摄像头已接好、没有被其他程序占用，并且您在 video 用户组中",
        )
    return ReaderError(name, problem, remedy)


def _reading(payload: bytes, captured_ns: int) -> Reading:
    payload, form = unfolded(payload)
    cut = f"cut at {LIMIT} of {len(payload)} bytes" if len(payload) > LIMIT else ""
    faults = tuple(said for said in (cut, form) if said)
    return Reading(payload=payload[:LIMIT], first_ns=captured_ns, last_ns=captured_ns, faults=faults)
