"""The table of docs/troubleshooting.md that says what can happen to a code's bytes, from the table of causes.

`python -m yima.sdk.bench.page` writes it into the page in both languages.
"""

import sys
from pathlib import Path

from yima.sdk.bench.causes import CAUSES

BEGIN, END = "<!-- causes: python -m yima.sdk.bench.page -->", "<!-- end -->"
_DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = {"en": _DOCS / "troubleshooting.md", "zh": _DOCS / "zh" / "troubleshooting.md"}
_HEADS = {"en": "| `diagnosis.cause` | what happened | what to do |", "zh": "| `diagnosis.cause` | 现象 | 处理 |"}


def table(language: str) -> str:
    """The rows in one language, `en` or `zh`, whole lines."""
    rows = [_HEADS[language], "|---|---|---|"]
    for cause, explained in CAUSES.items():
        what, cure = (getattr(text, language) for text in explained[:2])
        rows.append(f"| `{cause}` | {what} | {cure} |")
    return "\n" + "\n".join(rows) + "\n\n"


def page_with_table(page: str, language: str) -> str:
    """The page with the table as it is now. Raises ValueError if its markers are gone."""
    head, begin, rest = page.partition(f"{BEGIN}\n")
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has lost its markers {BEGIN} and {END}")
    return head + begin + table(language) + end + tail


if __name__ == "__main__":
    for language, path in PAGES.items():
        path.write_text(page_with_table(path.read_text(encoding="utf-8"), language), encoding="utf-8")
        sys.stdout.write(f"{path}\n")
