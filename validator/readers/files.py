"""Payloads and pictures from the disk as a reader: `file:codes/`, `file:code.bin`, `file:codes/*.png`.

Rules it keeps:
- Files are read in the order of their names, each once; then the reader is exhausted.
- The ending says what is inside: .bin the bytes, .hex and .b64 the same as text, .txt a text code, .png .jpg .jpeg a
  picture with any number of QR codes. A file named by itself may have another ending and is taken as bytes; in a
  folder it is left alone.
- A file that cannot be read or holds no code is skipped, said in the log and kept in `skipped`: one bad picture among a
  thousand must not stop a bench.
"""

import base64
import binascii
import glob
import logging
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from yima.validator.errors import ReaderError
from yima.validator.ports import Reading
from yima.validator.readers.framing import LIMIT
from yima.validator.remedies import missing_module
from yima.validator.texts import Text, say

_LARGEST: Final = 32 << 20  # bytes of one file
_MOST_PIXELS: Final = 64_000_000  # of one picture; a small file may unfold to gigabytes

_log = logging.getLogger(__name__)


class _UnusableError(Exception):
    """Why one file is skipped."""

    def __init__(self, why: Text) -> None:
        super().__init__(why)
        self.why = why


def open_reader(address: str) -> "FileReader":
    """Opens a file, a folder or a glob pattern; there are no options. Raises ReaderError if nothing is there."""
    path = Path(address)
    if not address:
        raise _nothing("file:")
    if path.is_dir():
        found = sorted(entry for entry in path.iterdir() if entry.suffix.lower() in _KINDS and entry.is_file())
    elif path.is_file():
        found = [path]
    else:
        found = sorted(entry for entry in map(Path, glob.glob(address, recursive=True)) if entry.is_file())  # noqa: PTH207 - absolute patterns too
    if not found:
        raise _nothing(address)
    return FileReader(found)


class FileReader:
    """Delivers the payloads of files one after another; see yima.validator.ports.Reader."""

    def __init__(self, paths: list[Path]) -> None:
        self._paths = deque(paths)
        self._ready: deque[Reading] = deque()
        self.skipped: list[tuple[Path, Text]] = []

    @property
    def exhausted(self) -> bool:
        """Whether every file has been delivered or skipped."""
        return not self._ready and not self._paths

    def read(self, timeout_s: float) -> Reading | None:
        """The next payload at once; None after timeout_s when there is none left."""
        while not self._ready and self._paths:
            self._take(self._paths.popleft())
        if self._ready:
            return self._ready.popleft()
        time.sleep(timeout_s)
        return None

    def close(self) -> None:
        """Forgets the files not yet read."""
        self._paths.clear()
        self._ready.clear()

    def _take(self, path: Path) -> None:
        try:
            payloads = _payloads(path)
        except _UnusableError as skipped:
            self.skipped.append((path, skipped.why))
            _log.warning("%s: %s", path, say(skipped.why))
            return
        now_ns = time.monotonic_ns()
        for payload in payloads:
            faults = (f"cut at {LIMIT} of {len(payload)} bytes",) if len(payload) > LIMIT else ()
            self._ready.append(Reading(payload=payload[:LIMIT], first_ns=now_ns, last_ns=now_ns, faults=faults))


def _payloads(path: Path) -> list[bytes]:
    payloads = [payload for payload in _KINDS.get(path.suffix.lower(), _raw)(_contents(path)) if payload]
    if not payloads:
        raise _UnusableError(Text("no code in it", "其中没有码"))
    return payloads


def _contents(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            contents = file.read(_LARGEST + 1)
    except OSError as refused:
        reason = refused.strerror or str(refused)
        raise _UnusableError(Text(f"cannot be read ({reason})", f"无法读取（{reason}）")) from refused
    if len(contents) > _LARGEST:
        raise _UnusableError(Text(f"larger than {_LARGEST >> 20} MiB", f"大于 {_LARGEST >> 20} MiB"))
    return contents


def _raw(contents: bytes) -> list[bytes]:
    return [contents]


def _text(contents: bytes) -> list[bytes]:
    return [contents.rstrip(b"\r\n")]


def _hex(contents: bytes) -> list[bytes]:
    try:
        return [bytes.fromhex(contents.decode("ascii"))]
    except ValueError as wrong:
        raise _UnusableError(Text("not a text of hex digits", "不是十六进制文本")) from wrong


def _base64(contents: bytes) -> list[bytes]:
    try:
        return [base64.b64decode(b"".join(contents.split()), validate=True)]
    except binascii.Error as wrong:
        raise _UnusableError(Text("not a base64 text", "不是 base64 文本")) from wrong


def _picture(contents: bytes) -> list[bytes]:
    try:
        import cv2  # noqa: PLC0415 - payloads must be readable without the extra `camera`
        import numpy as np  # noqa: PLC0415

        from yima.validator.readers.decoders import decode  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise ReaderError("file:", *missing_module(missing)) from missing
    width, height = _size_of(contents)
    if not 0 < width * height <= _MOST_PIXELS:
        raise _UnusableError(
            Text(f"not a PNG or JPEG of at most {_MOST_PIXELS} pixels", f"不是不超过 {_MOST_PIXELS} 像素的 PNG 或 JPEG")
        )
    try:
        picture = cv2.imdecode(np.frombuffer(contents, dtype=np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        picture = None
    if picture is None:
        raise _UnusableError(Text("a damaged picture", "图片已损坏"))
    return decode(np.asarray(picture, dtype=np.uint8))


def _size_of(contents: bytes) -> tuple[int, int]:
    """Width and height that a PNG or JPEG announces, before anything is unfolded; (0, 0) if it is neither."""
    if contents.startswith(b"\x89PNG\r\n\x1a\n") and len(contents) >= 24:
        return int.from_bytes(contents[16:20], "big"), int.from_bytes(contents[20:24], "big")
    at = 2 if contents.startswith(b"\xff\xd8") else len(contents)
    while at + 9 <= len(contents) and contents[at] == 0xFF:
        marker = contents[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:  # a start of frame, not DHT, JPG or DAC
            height, width = contents[at + 5 : at + 7], contents[at + 7 : at + 9]
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
        at += 2 + int.from_bytes(contents[at + 2 : at + 4], "big")
    return 0, 0


def _nothing(address: str) -> ReaderError:
    endings = " ".join(sorted(_KINDS))
    return ReaderError(
        address,
        Text("no file with a code is there", "该处没有含码的文件"),
        Text(f"Name a file, a folder or a pattern; endings: {endings}", f"请给出文件、文件夹或通配；扩展名：{endings}"),
    )


_KINDS: Final[dict[str, Callable[[bytes], list[bytes]]]] = {
    ".bin": _raw,
    ".hex": _hex,
    ".b64": _base64,
    ".txt": _text,
    ".png": _picture,
    ".jpg": _picture,
    ".jpeg": _picture,
}
