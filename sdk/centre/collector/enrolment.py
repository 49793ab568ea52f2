"""The file of enrolled devices: `device hexkey` a line, `#` begins a comment.

A device prints its line when it is refused; the key is the public one, so the file is no secret, but who may write it
decides who may send trips.

`Enrolled` is the file while a collector runs: read again when it has changed, so that a device is enrolled, given a new
key or taken out without a restart. A file that has become wrong changes nothing, and is told.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from yima.sdk.centre.collector.schema import StoreError
from yima.validator.ports import DEVICE
from yima.validator.texts import Text
from yima.validator.uplink.batches import HASH

FILE_MAX = 16 << 20
LOOK_EVERY_S = 1.0
"""Seconds between two looks at whether the file has changed."""


class Enrolled:
    """Key by device as the file has it now. Threads may share it. on_trouble is told of a file that has become wrong,
    once for each change. Raises StoreError when it is wrong from the start."""

    def __init__(self, path: Path, *, on_trouble: Callable[[StoreError], None]) -> None:
        self._path, self._on_trouble = path, on_trouble
        self._turn = threading.Lock()
        self._looked_at, self._seen = time.monotonic(), _mark(path)
        self._keys: Mapping[str, str] = read_devices(path)

    def keys(self) -> Mapping[str, str]:
        """Those that count now."""
        with self._turn:
            now = time.monotonic()
            if now - self._looked_at >= LOOK_EVERY_S:
                self._looked_at = now
                self._look()
            return self._keys

    def read_again(self) -> None:
        """At the next question, whether it seems changed or not: what SIGHUP asks for."""
        self._looked_at, self._seen = -LOOK_EVERY_S, None

    def _look(self) -> None:
        mark = _mark(self._path)
        if mark == self._seen:
            return
        self._seen = mark
        try:
            self._keys = read_devices(self._path)
        except StoreError as error:
            self._on_trouble(error)


def read_devices(path: Path) -> dict[str, str]:
    """Key by device. Raises StoreError with the line that is wrong."""
    found: dict[str, str] = {}
    for where, device, key in _lines(path):
        if device in found:
            raise _wrong(where)
        found[device] = key
    return found


def read_all_keys(path: Path) -> dict[str, frozenset[str]]:
    """Every key by device, for who checks what was sent before a device had its newest key: a device may have several
    lines. Raises StoreError with the line that is wrong."""
    found: dict[str, set[str]] = {}
    for _, device, key in _lines(path):
        found.setdefault(device, set()).add(key)
    return {device: frozenset(keys) for device, keys in found.items()}


def _lines(path: Path) -> Iterator[tuple[str, str, str]]:
    """Where a line stands, its device and its key."""
    try:
        with path.open("rb") as file:
            text = file.read(FILE_MAX).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(
            path,
            Text(f"the list of devices cannot be read ({error})", f"无法读取设备清单（{error}）"),
            Text("Check the path; the file is text, `device hexkey` a line", "请检查路径；文件为文本，每行“设备 公钥”"),
        ) from error
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        device, key = words if len(words) == 2 else ("", "")
        where = f"{path}:{number}"
        if not DEVICE.fullmatch(device) or not HASH.fullmatch(key.lower()):
            raise _wrong(where)
        yield where, device, key.lower()


def _wrong(where: str) -> StoreError:
    return StoreError(
        where,
        Text("not a device and its key, or a device named twice", "不是“设备 公钥”，或设备重复"),
        Text("Write `device hexkey`, the key as 64 hexadecimal digits", "请写“设备 公钥”，公钥为 64 位十六进制"),
    )


def _mark(path: Path) -> tuple[int, int, int] | None:
    """What changes when the file does; None where it cannot be looked at."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)
