"""`--link UART=PATH` of `yima board run`: names that stay for the lines of a board.

A UART has one link, and a link leads to one UART: of two, one would take the other's place without a word.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from yima.hwsim.board.errors import BoardUsageError
from yima.hwsim.board.layout import SCANNER, STATION, STATUS
from yima.validator.texts import Text

_UARTS = {"scanner": SCANNER, "station": STATION, "status": STATUS}
_NAMES = {number: name for name, number in _UARTS.items()}


def link(text: str) -> tuple[int, Path]:
    """The UART and the path of a word on the command line. Raises ArgumentTypeError."""
    name, equals, path = text.partition("=")
    if name not in _UARTS or not equals or not path:
        raise argparse.ArgumentTypeError(
            f"write scanner=PATH, station=PATH or status=PATH, not {text!r} 请写作 scanner=PATH 等形式"
        )
    return _UARTS[name], Path(path)


def check_links(links: Sequence[tuple[int, Path]]) -> None:
    """Raises BoardUsageError for two that exclude each other."""
    for place, (uart, path) in enumerate(links):
        for other, taken in links[:place]:
            if uart == other or _place(path) == _place(taken):
                first, second = f"{_NAMES[other]}={taken}", f"{_NAMES[uart]}={path}"
                raise BoardUsageError(
                    "--link",
                    Text(f"{first} and {second} exclude each other", f"{first} 与 {second} 不能同时指定"),
                    Text("Name each UART and each path once", "每个 UART 和每个路径只能指定一次"),
                )


def _place(path: Path) -> Path:
    """Where a link lies, however it is written; what lies there is not followed."""
    return path.parent.resolve() / path.name
