"""sdk.loop_page: the page and the picture of the loop are those of the core's table."""

from pathlib import Path
from xml.etree import ElementTree

from yima.sdk.loop_page import page, picture
from yima.validator import _core

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_the_tables() -> None:
    made = "".join(f"{line}\n" for line in page())
    assert (DOCS / "loop.md").read_text() == made, "python -m yima.sdk.loop_page > docs/loop.md"


def test_the_picture_is_the_tables_and_shows_every_state() -> None:
    made = "".join(f"{line}\n" for line in picture())
    drawn = (DOCS / "images" / "loop.svg").read_text()
    assert drawn == made, "python -m yima.sdk.loop_page --picture > docs/images/loop.svg"
    texts = {element.text for element in ElementTree.fromstring(made).iter() if element.text}
    assert {name for name, _, _ in _core.LOOP[0]} <= texts
