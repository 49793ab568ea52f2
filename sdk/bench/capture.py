"""What was presented on a bench, kept as JSON Lines that `replay:FILE` reads: masked unless asked otherwise.

Three levels: `shape`, no byte of the payload, only its length, family and diagnosis; `masked`, the default, accounts
of a ministry code written over with zeros (its signatures then no longer hold), other payloads as `shape`; `raw`, every
byte, for codes that are nobody's.
"""

import json
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

from yima.sdk.bench.live import Presentation
from yima.sdk.bench.wholeness import bare, is_shaped
from yima.validator.errors import YimaError
from yima.validator.texts import Text


class Level(StrEnum):
    """How much of a payload is kept."""

    SHAPE = "shape"
    MASKED = "masked"
    RAW = "raw"


class CaptureError(YimaError):
    """A file that cannot be written."""


def kept(payload: bytes, level: Level) -> bytes | None:
    """What a capture holds of a payload; None: no byte. Fields 4, 5 and 14 are where a code tells whose it is."""
    if level is Level.RAW:
        return payload
    if level is Level.SHAPE or not is_shaped(payload):
        return None
    at = len(payload) - len(bare(payload))
    data = len(payload) - at - 332
    hidden = bytearray(payload)
    for begin, end in ((120, 146), (158, 191), (198, 198 + data)):  # the rider's key names the rider as well
        hidden[at + begin : at + end] = bytes(end - begin)
    return bytes(hidden)


class Capture:
    """A new file that is written to; what lies there stays. Raises CaptureError."""

    def __init__(self, path: Path, level: Level) -> None:
        self._path, self._level, self._size = path, level, 0
        try:
            self._file = path.open("xb", buffering=0)
        except FileExistsError as error:
            remedy = Text("Name another file: nothing is overwritten", "请另选文件：不会覆盖已有文件")
            raise CaptureError(path, Text("is there already", "已存在"), remedy) from error
        except OSError as error:
            raise self._error(error) from error

    def add(self, shown: Presentation) -> None:
        """Keeps one presentation; it is in the file when this returns."""
        row: dict[str, Any] = {
            "at_ms": round(shown.at_ms, 3),
            "last_ms": round(shown.last_ms, 3),
            "size": len(shown.reading.payload),
            "family": shown.family,
            "cause": str(shown.diagnosis.cause),
            "masked": self._level is not Level.RAW,
            "faults": list(shown.reading.faults),
        }
        payload = kept(shown.reading.payload, self._level)
        if payload is not None:
            row["payload"] = payload.hex()
        try:
            self._write(f"{json.dumps(row)}\n".encode())
        except OSError as error:
            raise self._error(error) from error

    def _write(self, line: bytes) -> None:
        """The whole line or, where the disk is full, nothing of it: a torn one would cost the replay all the others."""
        left = memoryview(line)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError:
            with suppress(OSError):
                self._file.truncate(self._size)
            raise
        self._size += len(line)

    def close(self) -> None:
        """Ends the file."""
        with suppress(OSError):  # `add` has said what could not be written
            self._file.close()

    def _error(self, error: OSError) -> CaptureError:
        why = error.strerror or str(error)
        remedy = Text("Name a file in a folder that can be written", "请指定可写文件夹中的文件")
        return CaptureError(self._path, Text(f"cannot be written ({why})", f"无法写入（{why}）"), remedy)
