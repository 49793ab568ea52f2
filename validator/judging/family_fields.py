"""Where codes of each family carry the two fields that displays and logs ask for: card account and institution.

For codes whose format the core has found right; nothing here is verified. A family that is not listed has no such field
that is known, and a code that only its issuer can verify is never looked into.
"""

import base64

from yima.validator import _core

MINISTRY_LAYOUT = frozenset({"ministry", "unified"})
LAB_FAMILIES = MINISTRY_LAYOUT | {"ministry-226"}
"""Families to whose refusals the test lab's case numbers belong."""

SUISHEN_PREFIX = b"https://s.sh.gov.cn/"
SUISHEN_CARD = slice(115, 125)
MINISTRY_226_CARD = slice(34, 44)

_OFFSETS = {name: slice(offset, offset + size) for name, _, offset, size, _ in _core.CODE_LAYOUT}


def suishen_body(code: bytes) -> bytes:
    """The decoded body of a code in 随申码's transit form. Raises ValueError where it is none."""
    text = code[len(SUISHEN_PREFIX) + 4 :].removesuffix(b"##").rstrip(b"=")
    return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


def card_account(family: str, code: bytes) -> str:
    """Its digits, without padding; empty where the family has none that is known."""
    if family in MINISTRY_LAYOUT:
        field = _ministry(family, code)[_OFFSETS["CARD_ACCOUNT"]]
    elif family == "ministry-226":
        field = code[MINISTRY_226_CARD]
    elif family == "suishen":
        field = suishen_body(code)[SUISHEN_CARD]
    else:
        return ""
    return field.hex().rstrip("f")


def organisation(family: str, code: bytes) -> str | None:
    """Field 6, 8 digits; None where the family has none."""
    return _ministry(family, code)[_OFFSETS["ORGANISATION"]].hex() if family in MINISTRY_LAYOUT else None


def _ministry(family: str, code: bytes) -> bytes:
    """From where the ministry's layout begins: the unified platform puts 55 before it."""
    return code[1:] if family == "unified" else code
