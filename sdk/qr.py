"""A code as a QR symbol, the way a phone shows it: byte mode, the level asked for and no other.

Level L keeps the symbol smallest, and soft cameras read a dense symbol best when its modules are large; M, Q and H are
lab cases 5717 to 5719.
"""

from pathlib import Path
from typing import Literal, get_args

import segno

from yima.validator.texts import Text

__all__ = ["qr_matrix", "qr_png", "qr_text"]

Level = Literal["L", "M", "Q", "H"]
LEVELS: tuple[Level, ...] = get_args(Level)
QUIET_ZONE = 4
"""Light modules around the symbol, ISO/IEC 18004."""
NO_BLOCKS = Text("its encoding has no half blocks to draw a code with", "终端编码缺少绘制二维码所需的半块字符")
"""What is wrong with a terminal for which `draws` is False."""
_BLOCKS = "█▀▄ "


def qr_matrix(code: bytes, level: Level = "L") -> list[list[bool]]:
    """The symbol's modules, row by row, dark = True, without quiet zone. Raises ValueError for what does not fit."""
    return [[bool(module) for module in row] for row in _symbol(code, level).matrix]


def qr_png(code: bytes, path: Path, level: Level = "L", scale: int = 6) -> None:
    """Writes the symbol with its quiet zone as a PNG; scale: pixels a module. Raises OSError, ValueError."""
    _symbol(code, level).save(str(path), kind="png", scale=scale, border=QUIET_ZONE)


def draws(encoding: str | None) -> bool:
    """Whether a stream of that encoding has the characters of `qr_text`."""
    try:
        _BLOCKS.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def qr_text(code: bytes, level: Level = "L") -> str:
    """The symbol for a terminal of dark ground: light modules are drawn, two in a character, one over the other."""
    modules = qr_matrix(code, level)
    size = len(modules) + 2 * QUIET_ZONE
    light = [[True] * size for _ in range(size + size % 2)]
    for row, line in enumerate(modules):
        light[row + QUIET_ZONE][QUIET_ZONE:-QUIET_ZONE] = [not dark for dark in line]
    blocks = dict(zip(((True, True), (True, False), (False, True), (False, False)), _BLOCKS, strict=True))
    rows = zip(light[::2], light[1::2], strict=True)
    return "".join("".join(blocks[pair] for pair in zip(*both, strict=True)) + "\n" for both in rows)


def _symbol(code: bytes, level: Level) -> segno.QRCode:
    # boost_error would silently raise the level, micro would change the symbology.
    return segno.make(code, error=level, mode="byte", boost_error=False, micro=False)
