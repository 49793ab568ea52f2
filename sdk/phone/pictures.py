"""How a phone shows a code: plain, in dark mode, mirrored, pale, or with a poster's code above it."""

import io
from enum import StrEnum
from typing import Any, Final

from segno import writers

from yima.sdk.qr import QUIET_ZONE, Level, qr_matrix

POSTER: Final = b"https://example.org/timetable?stop=0417"
_BETWEEN: Final = 8  # modules between a poster's code and the rider's
_PALE: Final = ("#686868", "#989898")
_PLAIN: Final = ("#000000", "#ffffff")


class Style(StrEnum):
    """How it is shown."""

    GOOD = "good"
    DARK = "dark"
    MIRRORED = "mirrored"
    PALE = "pale"
    POSTER = "poster"


def modules(code: bytes, style: Style, level: Level) -> list[list[bool]]:
    """Rows of modules, dark = True, with the quiet zone; of a dark style light = True. Raises ValueError."""
    rows = _quiet(qr_matrix(code, level))
    if style is Style.MIRRORED:
        rows = [row[::-1] for row in rows]
    if style is Style.POSTER:
        poster = _quiet(qr_matrix(POSTER, "M"))
        wide = len(rows)
        beside = [[False] * (wide - len(poster)) + row for row in poster]
        rows = [*beside, *([False] * wide for _ in range(_BETWEEN)), *rows]
    return rows


def colours(style: Style) -> tuple[str, str]:
    """(of a module, of the ground), as #rrggbb."""
    if style is Style.DARK:
        return _PLAIN[1], _PLAIN[0]
    return _PALE if style is Style.PALE else _PLAIN


def png(code: bytes, style: Style, level: Level, scale: int = 8) -> bytes:
    """A PNG; scale: pixels a module. Raises ValueError for what no symbol holds."""
    rows = [bytes(row) for row in modules(code, style, level)]
    dark, light = colours(style)
    out = io.BytesIO()
    write: Any = writers.__dict__["write_png"]  # segno decorates it in a way that hides its type
    write(rows, (len(rows[0]), len(rows)), out, dark=dark, light=light, scale=scale, border=0)
    return out.getvalue()


def terminal(code: bytes, style: Style, level: Level) -> str:
    """Lines for a terminal of 24-bit colours, whatever its own ground is: two modules in a character."""
    rows = modules(code, style, level)
    rows += [[False] * len(rows[0])] * (len(rows) % 2)
    dark, light = (";".join(str(byte) for byte in bytes.fromhex(colour[1:])) for colour in colours(style))
    blocks = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}
    lines = (
        "".join(blocks[pair] for pair in zip(*both, strict=True)) for both in zip(rows[::2], rows[1::2], strict=True)
    )
    return "".join(f"\x1b[38;2;{dark}m\x1b[48;2;{light}m{line}\x1b[0m\n" for line in lines)


def _quiet(rows: list[list[bool]]) -> list[list[bool]]:
    size = len(rows) + 2 * QUIET_ZONE
    edge = [False] * QUIET_ZONE
    empty = [[False] * size for _ in range(QUIET_ZONE)]
    return [*empty, *([*edge, *row, *edge] for row in rows), *empty]
