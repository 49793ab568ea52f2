"""A capture of the bench as a reader: `replay:FILE` delivers what was read then, at the pace it came.

A capture is JSON Lines, an object a presentation: `at_ms` and `last_ms`, when its first and last byte came after the
capture began; `payload`, hex; `faults`, what the reader mended. Other names are for people and are passed over. A
presentation that was kept without its bytes is skipped and counted. A last line that a power cut has torn is told and
left out: those before it are whole.
"""

import logging
import time
from collections import deque
from pathlib import Path
from typing import Final

from yima.validator.errors import ReaderError
from yima.validator.outside import json_of
from yima.validator.ports import Reading
from yima.validator.readers import address as addresses
from yima.validator.readers.framing import LIMIT
from yima.validator.texts import Text, say

_LARGEST: Final = 64 << 20  # bytes of a capture
_LONGEST_MS: Final = 3_660 * 86_400_000  # ten years; its nanoseconds are far from where a counter ends

_log = logging.getLogger(__name__)


def open_reader(address: str) -> "ReplayReader":
    """Opens a capture; option speed: so many times as fast, 0 at once (default 1). Raises ReaderError."""
    place, options = addresses.split(address, known=("speed",))
    speed = addresses.number(place, options, "speed", 1, least=0, most=1000)
    return ReplayReader(Path(place), speed=speed)


class ReplayReader:
    """Delivers a capture's payloads; see yima.validator.ports.Reader. skipped: presentations without bytes."""

    def __init__(self, path: Path, *, speed: int = 1) -> None:
        self._speed = speed
        self.skipped = 0
        self._coming: deque[tuple[float, float, Reading]] = deque()
        lines = _lines(path)
        if _is_torn(lines[-1]):
            _tell_torn(path, len(lines))
            del lines[-1]
        for number, line in enumerate(lines, 1):
            if line.strip():
                self._take(path, number, line)
        self._began_ns = time.monotonic_ns()

    @property
    def exhausted(self) -> bool:
        """Whether everything has been delivered."""
        return not self._coming

    def read(self, timeout_s: float) -> Reading | None:
        """The next payload when its moment has come, or None when it has not within timeout_s."""
        until_ns = time.monotonic_ns() + int(timeout_s * 1e9)
        if not self._coming:
            time.sleep(timeout_s)
            return None
        at_ms, last_ms, reading = self._coming[0]
        if self._speed == 0:  # it comes when it is asked for, so that what was asked for before costs it no time
            first_ns = last_ns = time.monotonic_ns()
        else:
            first_ns, last_ns = self._moment(at_ms), self._moment(last_ms)
        if last_ns > until_ns and self._speed:
            time.sleep(timeout_s)
            return None
        time.sleep(max(0, last_ns - time.monotonic_ns()) / 1e9)
        self._coming.popleft()
        return Reading(payload=reading.payload, first_ns=first_ns, last_ns=last_ns, faults=reading.faults)

    def close(self) -> None:
        """Forgets what was not delivered."""
        self._coming.clear()

    def _moment(self, ms: float) -> int:
        return self._began_ns + int(ms * 1e6 / self._speed)

    def _take(self, path: Path, number: int, line: str) -> None:
        try:
            row = json_of(line)
            at_ms, last_ms = float(row["at_ms"]), float(row["last_ms"])
            payload = None if row.get("payload") is None else bytes.fromhex(row["payload"])
            faults = tuple(str(fault) for fault in row.get("faults", ()))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            raise _malformed(path, number) from None
        if not 0 <= at_ms <= last_ms <= _LONGEST_MS or payload == b"" or len(payload or b"") > LIMIT:
            raise _malformed(path, number)
        if payload is None:
            self.skipped += 1
        else:
            self._coming.append((at_ms, last_ms, Reading(payload=payload, first_ns=0, last_ns=0, faults=faults)))


def _is_torn(last: str) -> bool:
    """Whether the last line, which no line break has ended, is the beginning of a presentation, or the zeros that a
    file system leaves of one."""
    try:
        return (last != "" and not last.strip("\0")) or (last.startswith("{") and json_of(last) is None)
    except ValueError:
        return True


def _tell_torn(path: Path, number: int) -> None:
    said = Text(
        f"{path}, line {number}: torn, its end was never written; it is left out",
        f"{path} 第 {number} 行不完整（未写完），已略过",
    )
    _log.warning("%s", say(said))


def _malformed(path: Path, number: int) -> ReaderError:
    return ReaderError(
        f"{path}, line {number}",
        Text("no presentation as the bench captures them", "不是采集文件中的一次出示"),
        Text("Take captures as `yima bench --capture` writes them", "请使用 `yima bench --capture` 写出的文件"),
    )


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            contents = file.read(_LARGEST + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = Text("Name a capture of `yima bench --capture`", "请给出 `yima bench --capture` 的文件")
        raise ReaderError(path, Text(f"cannot be read ({reason})", f"无法读取（{reason}）"), remedy) from error
    if len(contents) > _LARGEST:
        problem = Text(f"larger than {_LARGEST >> 20} MiB", f"大于 {_LARGEST >> 20} MiB")
        raise ReaderError(path, problem, Text("Split it by lines", "请按行拆分"))
    # Line feeds alone end a line: a text in JSON may hold the other characters at which Python splits.
    return contents.decode("utf-8-sig", "replace").split("\n")
