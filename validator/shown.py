"""Text that came from outside, fit to be shown: nothing in it commands a terminal, nothing in it is a secret.

Whatever a collector, a scanner, a file or a network says may hold escape sequences, line breaks that forge a second
line, controls that turn the direction of writing, or halves of characters that no stream can write. Whatever names an
address may hold a password or a token. Rules:

- What no person could see is written as an escape (`\\x1b`, `\\u202e`, `\\ud800`); what can be seen stays as it is.
- Of an address, the user part before the `@`, what follows an `=`, and query and fragment are replaced by `***`: a
  token may hide behind any name, and there are cameras that take their password in the path.
- Both may be done twice: what has been made fit stays as it is.
- JSON keeps what was said, exactly, in JSON's own escapes; they are also what a stream gets whose encoding lacks a
  character (`ESCAPED`), so that JSON stays JSON.
"""

import codecs
import json
import re
import unicodedata
from typing import Any, Final

MASK: Final = "***"
ESCAPED: Final = "yima-escaped"
"""For `errors` of a stream."""

_ADDRESS: Final = re.compile(r"(?<=://)[^\s\"'<>]+")
_VALUE: Final = re.compile(r"(?<==)[^&;,/?#=]+")
_ASKED: Final = re.compile(r"(?<=[?#])[^?#=]+(?=[?#]|$)")


def shown(text: object, most: int | None = None) -> str:
    """The text with escapes for what cannot be seen. most: characters after which the rest is left out."""
    said = str(text)
    if most is not None and len(said) > most:
        said = said[:most] + "…"
    if said.isprintable():
        return said
    return "".join(character if _visible(character) else _escape(character) for character in said)


def masked_url(text: object) -> str:
    """The text with the secrets of every address in it (`scheme://…`) replaced by `***`."""
    said = str(text)
    return _ADDRESS.sub(_masked, said) if "://" in said else said


def shown_json(value: Any, *, indent: int | None = None) -> str:
    """The value as JSON, readable and without anything that would command a terminal. indent: spaces a level; None: one
    line."""
    said = json.dumps(value, ensure_ascii=False, indent=indent)
    if said.isprintable():
        return said
    return "".join(
        character if character == "\n" or _visible(character) else json.dumps(character)[1:-1] for character in said
    )


def _encoded(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


codecs.register_error(ESCAPED, _encoded)


def _visible(character: str) -> bool:
    # A wide space is not printable for Python; Chinese text has it.
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _masked(found: re.Match[str]) -> str:
    user, at, rest = found[0].rpartition("@")
    rest = _ASKED.sub(MASK, _VALUE.sub(MASK, rest))
    return (MASK + at if user else at) + rest
