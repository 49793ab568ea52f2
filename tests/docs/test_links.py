"""Every link between pages, pictures and sources leads somewhere, its anchor included; others are not fetched."""

from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.pages import PAGES, ROOT, Page, name_of, parse, read


def anchors_of(path: Path) -> set[str]:
    """Where links into a file may lead; nowhere in what is no page."""
    return read(path).anchors() if path.suffix == ".md" else set()


def complaints(page: Page) -> list[str]:
    """What is wrong with the links of a page: line, target, why."""
    found = []
    for line, link in page.links:
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        target, _, anchor = unquote(link).partition("#")
        path = (page.path.parent / target).resolve()
        if target and not (path.is_relative_to(ROOT) and path.exists()):
            found.append(f"{page.path.name}:{line}: {link}: there is no such file")
        elif anchor and anchor not in (anchors_of(path) if target else page.anchors()):
            found.append(f"{page.path.name}:{line}: {link}: there is no such heading")
    return found


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_link_leads_somewhere(path: Path) -> None:
    assert complaints(read(path)) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("# A b\n\n[x](#a-b)", 0),
        ("# 快速 入门（一）\n\n[x](#快速-入门一)", 0),
        ("# A\n\n# A\n\n[x](#a-1)", 0),
        ("# A\n\n[x](#b)", 1),
        ("[x](no-such-page.md)", 1),
        ("[x](../../../../etc/passwd)", 1),
        ("![x](../docs/demo.svg)", 0),
        ("![x](../docs/gone.svg)", 1),
        ("[x](../Makefile#L1)", 1),
        ("`[x](no-such-page.md)`", 0),
        ("```\n[x](no-such-page.md)\n```", 0),
        ("[x](https://example.org/gone)", 0),
    ],
)
def test_a_link_that_leads_nowhere_is_found(text: str, wrong: int) -> None:
    assert len(complaints(parse(text, ROOT / "docs" / "page.md"))) == wrong
