"""How pages are written: lines end by column 120 (tables apart), blocks name their language, both languages agree,
their figures too."""

import re
import unicodedata
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, Page, name_of, parse, read

LAST_COLUMN = 120
IN_CHINESE = sorted([ROOT / "README.zh.md", *(ROOT / "docs" / "zh").glob("*.md")])


def width(text: str) -> int:
    """Columns on a terminal: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def english_of(path: Path) -> Path:
    """The page that a Chinese one translates."""
    return ROOT / "README.md" if path.name == "README.zh.md" else ROOT / "docs" / path.name


def figures_of(page: Page) -> list[str]:
    """The cells of its tables that are a number and nothing else."""
    cells = [cell.strip() for _, line in page.prose if line.startswith("|") for cell in line.split("|")]
    return [cell for cell in cells if re.fullmatch(r"\d[\d,.]*", cell)]


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_lines_end_by_column_120(path: Path) -> None:
    page = read(path)
    lines = [(number, line) for number, line in page.prose if not line.startswith("|")]
    lines += [(block.line + row, line) for block in page.blocks for row, line in enumerate(block.text.splitlines())]
    too_long = [number for number, line in lines if width(line) > LAST_COLUMN and len(line.split()) > 1]
    assert too_long == []


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_commands_stand_in_blocks_that_name_their_language(path: Path) -> None:
    page = read(path)
    assert [block.line for block in page.blocks if not block.language] == []
    indented = [
        number
        for (_, before), (number, line) in zip(page.prose, page.prose[1:], strict=False)
        if line.startswith("    ") and not before.strip()
    ]
    assert indented == []


@pytest.mark.parametrize("path", IN_CHINESE, ids=name_of)
def test_a_chinese_page_has_the_headings_and_blocks_of_its_english_one(path: Path) -> None:
    chinese, english = read(path), read(english_of(path))
    assert [level for level, _ in chinese.headings] == [level for level, _ in english.headings]
    assert [(block.language, block.text) for block in chinese.blocks] == [
        (block.language, block.text) for block in english.blocks
    ]


@pytest.mark.parametrize("path", IN_CHINESE, ids=name_of)
def test_a_chinese_page_has_the_tables_of_its_english_one(path: Path) -> None:
    def rows(of: Path) -> list[int]:
        return [line.replace("\\|", "").count("|") for _, line in read(of).prose if line.startswith("|")]

    assert rows(path) == rows(english_of(path))


@pytest.mark.parametrize("path", IN_CHINESE, ids=name_of)
def test_a_chinese_page_has_the_figures_of_its_english_one(path: Path) -> None:
    """A tool may write a table into the English page alone."""
    assert figures_of(read(path)) == figures_of(read(english_of(path)))


def test_figures_are_the_cells_that_are_a_number() -> None:
    text = "| what | new |\n|---|---:|\n| pins, 2 | 20,683 |\n| ms at 100 MHz | 37.64 |\n\nNot 5.\n"
    assert figures_of(parse(text, ROOT / "docs" / "page.md")) == ["20,683", "37.64"]


def test_what_a_vendor_or_a_bench_engineer_reads_first_is_in_both_languages() -> None:
    first = {"quickstart-core", "quickstart-firmware", "quickstart-bench", "quickstart-parameters", "troubleshooting"}
    assert {path.stem for path in IN_CHINESE} >= {"README.zh", *first}


def test_decisions_are_numbered_in_order_and_no_number_stands_twice() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [path.name[:4] for path in records] == [f"{number:04}" for number in range(1, len(records) + 1)]
    for path in records:
        assert path.read_text(encoding="utf-8").startswith(f"# {path.name[:4]} "), path.name
