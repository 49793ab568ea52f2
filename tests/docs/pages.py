"""The pages as a reader of Markdown sees them, for the tests of this folder; needs none of the site's packages.

Only the forms that the pages use are known: fenced blocks, headings with #, links in brackets. What stands in a fenced
block is neither a heading nor a link.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "firmware_images").rglob("*.md"),
        *(ROOT / "tests").rglob("*.md"),
    ]
)

_MADE = {".git", "build", "dist", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
_FENCE = re.compile(r"```(\S*)(.*)")
_COMMENT = re.compile(r"<!-- ([a-z-]+): (.+) -->")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`[^`]*`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block. line: of its first line, from 1. notes: of the comments above it, `<!-- no-run: why -->`."""

    language: str
    text: str
    line: int
    notes: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page taken apart. headings: level and text. links: line and target. prose: numbered lines outside blocks."""

    path: Path
    blocks: list[Block]
    headings: list[tuple[int, str]]
    links: list[tuple[int, str]]
    prose: list[tuple[int, str]]

    def anchors(self) -> set[str]:
        """What may stand after # in a link to this page: small letters, blanks to hyphens, numbered where repeated."""
        found: list[str] = []
        for _, text in self.headings:
            plain = re.sub(r"[^\w\s-]", "", text.lower()).strip()
            slug = re.sub(r"\s", "-", plain)
            found.append(f"{slug}-{found.count(slug)}" if slug in found else slug)
        return set(found)


def kept() -> list[Path]:
    """What stands at the top of the repository, without what is made there."""
    return sorted(path for path in ROOT.iterdir() if path.name not in _MADE and path.suffix != ".egg-info")


def name_of(path: Path) -> str:
    """A page's path from the root, for the names of tests and complaints."""
    return str(path.relative_to(ROOT))


def read(path: Path) -> Page:
    """Takes a page apart. Raises ValueError for a block that does not end."""
    return parse(path.read_text(encoding="utf-8"), path)


def parse(text: str, path: Path) -> Page:
    """As `read`, of a text in hand."""
    page = Page(path=path, blocks=[], headings=[], links=[], prose=[])
    notes: dict[str, str] = {}
    opened: tuple[str, int, dict[str, str]] | None = None
    inside: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        fence = _FENCE.fullmatch(line.strip())
        if opened:
            if line.strip() == "```":
                language, start, kept = opened
                page.blocks.append(Block(language=language, text="\n".join(inside) + "\n", line=start, notes=kept))
                opened, inside = None, []
            else:
                inside.append(line)
            continue
        if fence:
            opened, notes = (fence[1], number + 1, notes), {}
            continue
        page.prose.append((number, line))
        if comment := _COMMENT.fullmatch(line.strip()):
            notes[comment[1]] = comment[2]
            continue
        if line.strip():
            notes = {}
        if heading := re.fullmatch(r"(#{1,6}) (.+)", line):
            page.headings.append((len(heading[1]), heading[2]))
        page.links.extend((number, target) for target in _LINK.findall(_CODE.sub("", line)))
    if opened:
        raise ValueError(f"{path}: the block of line {opened[1]} does not end")
    return page
