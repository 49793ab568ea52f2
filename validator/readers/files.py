"""Payloads and pictures from the disk as a reader: `file:codes/`, `file:code.bin`, `file:codes/*.png`.

Rules it keeps:
- Files are read in the order of their names, each once; then the reader is exhausted. In a folder, a picture beside
  bytes or text of the same name is that code, as `yima issue` writes it, and is not read again; pictures are all read.
- The ending says what is inside: .bin the bytes, .hex and .b64 the same as text, .txt a text code, .png .jpg and the
  other usual pictures any number of QR codes. A file named by itself may have another ending and is taken as bytes; in
  a folder it is left alone.
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
from yima.validator.readers.framing import LIMIT, unfolded
from yima.validator.readers.pictures import PictureError
from yima.validator.remedies import does_not_load, missing_module
from yima.validator.system.paths import is_file, is_folder
from yima.validator.texts import Text, say

_LARGEST: Final = 32 << 20  # bytes of one file

PICTURES: Final = (
    ".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".jp2", ".avif", ".heic", ".heif", ".pdf",
)  # fmt: skip
"""Endings of pictures; those that cannot be read (HEIC, PDF) are skipped and named."""

_ROOT: Final = b"\x21\x01\x01\x00\x00"  # how a root certificate begins: header, service id
_ROOT_SIZE: Final = 144

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
    if is_folder(path):
        try:
            found = code_files(path)
        except OSError as refused:
            raise _nothing(address, f"{refused.strerror}") from refused
    elif is_file(path):
        found = [path]
    else:
        found = sorted(entry for entry in map(Path, glob.glob(address, recursive=True)) if is_file(entry))  # noqa: PTH207 - absolute patterns too
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
        for held in payloads:
            payload, form = unfolded(held)
            cut = f"cut at {LIMIT} of {len(payload)} bytes" if len(payload) > LIMIT else ""
            faults = tuple(said for said in (cut, form) if said)
            self._ready.append(Reading(payload=payload[:LIMIT], first_ns=now_ns, last_ns=now_ns, faults=faults))


def code_files(folder: Path) -> list[Path]:
    """The files of a folder that may hold codes, in the order of their names; of bytes and text of one name the one
    nearest to the bytes, and every picture that lies beside neither."""
    order = list(_KINDS)
    entries = [entry for entry in folder.iterdir() if entry.suffix.lower() in _KINDS and is_file(entry)]
    pictures = [entry for entry in entries if entry.suffix.lower() in PICTURES]
    nearest: dict[str, Path] = {}
    for entry in sorted(entries, key=lambda entry: (order.index(entry.suffix.lower()), entry.name)):
        if entry not in pictures:
            nearest.setdefault(entry.stem, entry)
    return sorted([*nearest.values(), *(entry for entry in pictures if entry.stem not in nearest)])


def holds_roots(path: Path) -> bool:
    """Whether a file is one of root certificates, as `yima issue` writes beside its codes."""
    try:
        with path.open("rb") as file:
            return _are_roots(file.read(_LARGEST))
    except OSError:
        return False  # whoever reads it says why it cannot be


def _are_roots(payload: bytes) -> bool:
    return payload.startswith(_ROOT) and len(payload) % _ROOT_SIZE == 0


def _payloads(path: Path) -> list[bytes]:
    payloads = [payload for payload in _KINDS.get(path.suffix.lower(), _raw)(_contents(path)) if payload]
    if not payloads:
        raise _UnusableError(Text("no code in it", "其中没有码"))
    if all(map(_are_roots, payloads)):
        raise _UnusableError(Text("root certificates, no code", "是根证书，不是码"))
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
        from yima.validator.readers.decoders import DecodingError, decode_file  # noqa: PLC0415 - bytes do without it
    except ModuleNotFoundError as missing:
        raise ReaderError("file:", *missing_module(missing)) from missing
    except ImportError as broken:
        raise ReaderError("file:", *does_not_load(broken)) from broken
    try:
        return decode_file(contents)
    except ModuleNotFoundError as missing:
        raise ReaderError("file:", *missing_module(missing)) from missing
    except (DecodingError, PictureError) as error:
        raise _UnusableError(error.why) from error


def _nothing(address: str, why: str = "") -> ReaderError:
    endings = " ".join(sorted(_KINDS))
    return ReaderError(
        address,
        Text(f"cannot be read ({why})", f"无法读取（{why}）")
        if why
        else Text("no file with a code is there", "该处没有含码的文件"),
        Text(f"Name a file, a folder or a pattern; endings: {endings}", f"请给出文件、文件夹或通配；扩展名：{endings}"),
    )


_KINDS: Final[dict[str, Callable[[bytes], list[bytes]]]] = {
    ".bin": _raw,
    ".hex": _hex,
    ".b64": _base64,
    ".txt": _text,
    **dict.fromkeys(PICTURES, _picture),
}
