"""JSON and TOML that somebody else has written: whatever is wrong with it is a ValueError.

The parsers of Python also raise RecursionError, where lists lie in one another a thousand deep; who forgets it once
lets a file end a program, or a line end a thread. So nothing else here calls them.
"""

import json
import tomllib
from collections.abc import Callable
from typing import Any


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
