"""The tables of docs/facts.md, out of the core's own; `python -m yima.sdk.facts_page` writes them between the markers.

A table that people read and one that the compiler reads would drift apart; so there is one, and this shows it.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from yima.validator import _core
from yima.validator.texts import Text

PAGE = Path(__file__).parent.parent / "docs" / "facts.md"
BEGIN, END = "<!-- facts -->", "<!-- facts end -->"
_PARTS = {
    0: Text("Head, of every entry", "首部（各类记录共有）"),
    1: Text("Tap", "刷码"),
    5: Text("Rule, one for each that set the fare, behind the tap", "计费规则（随刷码事实之后）"),
    2: Text("Outcome", "结果"),
    3: Text("Time", "时间"),
    4: Text("Note", "备注"),
}
_FORMS = {"U": "number", "S": "signed number", "B": "bytes", "Z": "zeros"}


def tables() -> str:
    """The tables in Markdown, whole lines."""
    return "".join(f"{line}\n" for line in _lines())


def page_with_tables(page: str) -> str:
    """The page with the tables as they are now. Raises ValueError if its markers are gone."""
    head, begin, rest = page.partition(f"{BEGIN}\n")
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} has lost its markers {BEGIN} and {END}")
    return head + begin + tables() + end + tail


def _lines() -> Iterator[str]:
    for part, title in _PARTS.items():
        yield ""
        yield f"### {title.en} · {title.zh}"
        yield ""
        yield "| at | bytes | name | form | what | 中文 |"
        yield "|---|---|---|---|---|---|"
        for kind, form, name, offset, size, english, chinese in _core.FACTS_LAYOUT:
            if kind == part:
                shown = "" if form == "Z" else f"`{name}`"
                yield f"| {offset} | {size} | {shown} | {_FORMS[form]} | {english} | {chinese} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page_with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
