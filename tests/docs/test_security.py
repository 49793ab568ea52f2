"""Every control of the threat model names a test that is there, and both languages name the same."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(
    r"^\| (?P<attack>[^|]+) \| (?P<by>[^|]+) \| (?P<control>[^|]+) \| `(?P<test>[^`|]+)` \|$", re.MULTILINE
)
PAGES = ("security.md", "zh/security.md")


def rows(page: str) -> list[re.Match[str]]:
    return list(ROW.finditer((ROOT / "docs" / page).read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES)
def test_every_control_has_a_test_that_is_there(page: str) -> None:
    named = [row["test"] for row in rows(page)]
    assert len(named) > 20
    for name in named:
        path, _, function = name.partition("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, name


@pytest.mark.parametrize("page", PAGES)
def test_every_row_of_the_table_is_one_that_is_checked(page: str) -> None:
    """A row of another shape would stand there without a test."""
    lines = (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.startswith("|")]) == len(rows(page)) + 2


def test_both_languages_name_the_same_tests_in_the_same_order() -> None:
    english, chinese = ([row["test"] for row in rows(page)] for page in PAGES)
    assert english == chinese
