"""The demonstration's picture: what is Chinese has the room of its cells."""

import io
import re
from html import unescape

import pytest
from rich.cells import cell_len
from rich.console import Console

from yima.hwsim.demo.screen import in_its_width

_CELL = 12.2  # of a rich picture, in its own units


@pytest.mark.parametrize("text", ["Certificate", "证书无效", "bus 公交 & metro 地铁", "<¥2.00>"])
def test_text_in_the_picture_is_as_wide_as_its_cells(text: str) -> None:
    console = Console(record=True, width=60, file=io.StringIO())
    console.print(text, markup=False, highlight=False, end="|\n")
    picture = in_its_width(console.export_svg(title="x"))
    found = re.findall(r'textLength="([\d.]+)"[^>]*>([^<]*)<', picture)
    pieces = {unescape(held).replace("\xa0", " ").rstrip(): (float(width), unescape(held)) for width, held in found}
    width, whole = next(piece for held, piece in pieces.items() if held.startswith(text))
    assert width == pytest.approx(_CELL * cell_len(whole), abs=0.1)
