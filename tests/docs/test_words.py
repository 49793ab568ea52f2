"""What docs/troubleshooting.md quotes, a program says: each quotation stands in the sources, in its language.

In the tables' first column a quotation is what stands in backticks. `…` in it stands for a placeholder, or a value for
what was put there. Reasons are compared with the core's table, lab case included.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, read
from yima.validator import Reason

PAGES = [ROOT / "docs" / "troubleshooting.md", ROOT / "docs" / "zh" / "troubleshooting.md"]
PACKAGES = ("validator", "sdk", "hwsim", "firmware_images")


def literal(node: ast.AST) -> str | None:
    """The text of a string, its placeholders as …; None where it is no string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(literal(part) or "…" for part in node.values)
    return None


@cache
def words_of_the_programs() -> list[str]:
    """Every string of the Python sources but docstrings, and the table of reasons."""
    found = [(ROOT / "validator/core/reasons.def").read_text(encoding="utf-8")]
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        found += [text for node in ast.walk(tree) if id(node) not in docstrings and (text := literal(node))]
    return found


def first_cells(path: Path) -> list[tuple[int, str]]:
    """The first column of every table."""
    return [(number, line.split("|")[1].strip()) for number, line in read(path).prose if line.startswith("| ")]


def is_said(quotation: str) -> bool:
    """Whether a text of the sources holds it, or is it when its placeholders are filled in."""
    for text in words_of_the_programs():
        if quotation in text:
            return True
        parts = text.split("…")
        alike = (
            len(parts) > 1 and sum(map(len, parts)) > len(quotation) / 2 and all(part in quotation for part in parts)
        )
        if alike and re.fullmatch(".+".join(map(re.escape, parts)), quotation):
            return True
    return False


@pytest.mark.parametrize("path", PAGES, ids=["en", "zh"])
def test_what_is_quoted_is_said_by_a_program(path: Path) -> None:
    quoted = [(number, text) for number, cell in first_cells(path) for text in re.findall(r"`([^`]+)`", cell)]
    assert len(quoted) >= 9
    assert [(number, text) for number, text in quoted if not is_said(text)] == []


@pytest.mark.parametrize(("name", "heading"), [("board.md", "## Troubles"), ("zh/board.md", "## 症状与处理")])
def test_troubles_of_the_board_are_said_by_a_program(name: str, heading: str) -> None:
    page = ROOT / "docs" / name
    lines = page.read_text(encoding="utf-8").splitlines()
    troubles = [cell for number, cell in first_cells(page) if number > lines.index(heading)]
    quoted = [
        text for cell in troubles if not cell.startswith(("gdb:", "gdb：")) for text in re.findall(r"`([^`]+)`", cell)
    ]
    assert len(quoted) >= 4
    assert [text for text in quoted if not is_said(text)] == []


@pytest.mark.parametrize("path", PAGES, ids=["en", "zh"])
def test_reasons_have_the_names_and_lab_cases_of_the_core(path: Path) -> None:
    named = [
        (name, int(case) if case else None)
        for _, cell in first_cells(path)
        for name, case in re.findall(r"\b([A-Z]{3,}(?:_[A-Z]+)+|REPEATED)(?: (\d{4}))?", cell)
    ]
    assert len(named) >= 9
    for name, case in named:
        assert case in {None, Reason[name].case}, name


def test_words_that_no_program_says_are_noticed() -> None:
    assert not is_said("no such port on this machine")
    assert not is_said("permission denied")
    assert is_said("in use by process …")
    assert is_said("in use by process 4711")
    assert not is_said("anything whatever that is long enough to be a message")
    assert not is_said("Words that no program says")
    assert not is_said("没有能启动的映像")


def test_docstrings_are_not_words_of_a_program() -> None:
    assert not is_said("Errors that an engineer reads: each names the thing")
