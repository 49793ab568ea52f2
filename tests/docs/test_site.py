"""What docs/site makes of the repository, without building the site: pages of headers, places and links."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from docs.site.headers import page_of
from docs.site.hooks import HEADERS, ROOT, generated, moved, named, on_config, outside_pages, place_of
from tests.docs.pages import parse

_NAMES = re.compile(r"\b(?:yima|YIMA|port)_\w+")


@pytest.mark.parametrize("path", HEADERS.values(), ids=HEADERS)
def test_a_header_is_on_its_page_whole(path: str) -> None:
    header = (ROOT / path).read_text(encoding="utf-8")
    page = page_of(header, Path(path).name, path)
    guard = re.compile(r"\w+_H\b")
    assert _NAMES.findall(guard.sub("", header)) == _NAMES.findall(guard.sub("", page))
    code = "".join(block.text for block in parse(page, ROOT / "page.md").blocks)
    for line in header.splitlines():
        if line.endswith(";") and not line.startswith(("/*", " *")):
            assert line in code


def test_comments_become_text_and_headings_and_declarations_code() -> None:
    header = (
        '/* a.h - what it is. */\n#ifndef YIMA_A_H\n#define YIMA_A_H\n#ifdef __cplusplus\nextern "C" {\n#endif\n'
        "/* ---- First ---- */\n\n/* Adds *one* to yima_n:\n"
        " * - never fails;\n *   at all;\n * - never waits. */\nint add(int n); /* n < 9 */\n"
        "#ifdef __cplusplus\n}\n#endif\n#endif\n"
    )
    assert page_of(header, "a.h", "x/a.h") == (
        "# a.h\n\nFrom `x/a.h`, which has nothing more to say.\n\na.h - what it is.\n\n## First\n\n"
        "Adds \\*one\\* to `yima_n`:\n\n- never fails;\n  at all;\n- never waits.\n\n"
        "```c\nint add(int n); /* n < 9 */\n```\n"
    )


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("README.md", "index.md"),
        ("README.zh.md", "zh/index.md"),
        ("docs/zh/troubleshooting.md", "zh/troubleshooting.md"),
        ("CONTRIBUTING.md", "contributing.md"),
        ("validator/core/include/yima/core.h", "reference/core.h.md"),
        ("tests/vectors/README.md", "files/tests/vectors/README.md"),
        ("benchmarks/board.json", "files/benchmarks/board.json.md"),
    ],
)
def test_each_file_has_its_place(source: str, place: str) -> None:
    assert place_of(source) == place


def test_links_follow_the_pages_to_their_places() -> None:
    text = (
        "[a](docs/firmware.md#images-and-keys) [b](validator/core/include/yima/core.h) [c](https://x.org/a.md) [d](#e)"
    )
    assert moved(text, "README.md") == (
        "[a](firmware.md#images-and-keys) [b](reference/core.h.md) [c](https://x.org/a.md) [d](#e)"
    )
    assert moved("[a](../../README.md) ![b](../demo.svg)", "docs/zh/x.md") == "[a](../index.md) ![b](../demo.svg)"
    assert moved("```md\n[a](docs/board.md)\n```", "README.md") == "```md\n[a](docs/board.md)\n```"


def test_a_line_that_ends_in_chinese_goes_on_without_a_blank() -> None:
    assert moved("判定，\n并写出\nA\n判", "README.zh.md") == "判定，并写出\nA\n判"


def test_every_page_is_in_the_navigation() -> None:
    config = SimpleNamespace(
        nav=[{"Home": "index.md"}, {"Reference": ["api.md"]}, {"Contributor": ["architecture.md"]}]
    )
    on_config(config)
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert pages | {"index.md"} | generated().keys() - {"zh/index.md"} <= named(config.nav)


def test_every_file_that_a_page_leads_to_has_a_page() -> None:
    assert {"README.md", "README.zh.md", "benchmarks/board.json", "tests/vectors/README.md"} <= outside_pages().keys()
    assert all(text.startswith(("#", "<!--")) for text in generated().values())
