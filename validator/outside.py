"""What somebody else has written: files no larger than they may be, JSON and TOML whose only error is ValueError.

A file is read whole where it is small; one that is not, or has no end as a device has none, would take all memory. The
parsers of Python also raise RecursionError, where lists lie in one another a thousand deep; who forgets it once lets a
file end a program, or a line end a thread. So nothing else here calls them.
"""

import errno
import json
import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

TEXT_MAX: Final = 64 << 20
"""Bytes of a text that people write, or of an image of flash."""
_PIECE: Final = 1 << 20


def bytes_of(path: Path, most: int = TEXT_MAX) -> bytes:
    """A file of at most so many bytes. Raises OSError, also for a larger one."""
    with path.open("rb") as file:
        # Asked for `most` at once, Python would set as much memory aside; what has no size is read in pieces.
        pieces = [file.read(min(os.fstat(file.fileno()).st_size, most) + 1)]
        while pieces[-1] and sum(map(len, pieces)) <= most:
            pieces.append(file.read(_PIECE))
    content = b"".join(filter(None, pieces))
    if len(content) > most:
        size = f"{most >> 20} MiB" if most >> 20 else f"{most} bytes"
        raise OSError(errno.EOVERFLOW, f"larger than {size}", str(path))
    return content


def text_of(path: Path, most: int = TEXT_MAX) -> str:
    """The text of a file: UTF-8, with or without the mark that editors on Windows put in front. Raises OSError, and
    UnicodeDecodeError."""
    return bytes_of(path, most).decode("utf-8-sig")


def json_of(data: str | bytes, *, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """What a JSON text says. pairs: makes what stands for an object of its names and values. Raises ValueError."""
    try:
        return json.loads(data, object_pairs_hook=pairs)  # noqa: TID251
    except RecursionError:
        raise _too_deep() from None


def toml_of(text: str) -> dict[str, Any]:
    """What a TOML text says. Raises ValueError; where it is the text's form that is wrong, TOMLDecodeError."""
    try:
        return tomllib.loads(text)  # noqa: TID251
    except RecursionError:
        raise _too_deep() from None


def _too_deep() -> ValueError:
    return ValueError("nested too deeply")
