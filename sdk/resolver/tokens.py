"""Which tokens a bench resolver knows, and what it says of each.

A text file, one token a line: `accept TOKEN` or `refuse TOKEN`; a token that is no plain text is written `hex:00FF...`.
Empty lines and lines that begin with # say nothing.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from yima.validator.errors import ResolverError
from yima.validator.outside import text_of
from yima.validator.ports import Answer
from yima.validator.texts import Text

TOKEN_MAX = 4096
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")


def read_tokens(path: Path) -> dict[bytes, Answer]:
    """The tokens of a file. Raises ResolverError that names file and line; tokens stay out of messages."""
    try:
        lines = text_of(path).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "not UTF-8"
        raise ResolverError(
            path, Text(f"cannot be read ({why})", f"无法读取（{why}）"), Text("Check the path", "请检查路径")
        ) from error
    tokens: dict[bytes, Answer] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        word, _, text = line.partition(" ")
        token = _token(text.strip())
        if word not in ("accept", "refuse") or token is None or token in tokens:
            raise ResolverError(
                f"{path}:{number}",
                Text("no line of a token, or one that stands twice", "不是令牌行，或令牌重复"),
                Text(
                    "Write accept or refuse, a blank, and the token (or hex: and its bytes)",
                    "请写 accept 或 refuse、空格，再写令牌（或 hex: 加十六进制）",
                ),
            )
        tokens[token] = Answer(word)
    return tokens


def answer_for(tokens: Mapping[bytes, Answer], token: bytes, default: Answer) -> Answer:
    """What the file says of a token, else the default."""
    return tokens.get(token, default)


def _token(text: str) -> bytes | None:
    if text.startswith("hex:"):
        digits = text.removeprefix("hex:")
        token = bytes.fromhex(digits) if _HEX.fullmatch(digits) else b""
    else:
        token = text.encode()
    return token if 0 < len(token) <= TOKEN_MAX else None
