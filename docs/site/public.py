"""Reads docs/api.md: which names a user may import. The site's reference and the test of the imports both go by it.

A heading of code font names a module; in the tables below it, the first cell of a row holds its public names.
"""

import re
from dataclasses import dataclass
from pathlib import Path

API = Path(__file__).parents[1] / "api.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A module that may be imported, and the names in it, in the order of the page."""

    name: str
    names: list[str]


def modules(text: str | None = None) -> list[Module]:
    """The modules of the page, or of a text in hand."""
    found: list[Module] = []
    for line in (text if text is not None else API.read_text(encoding="utf-8")).splitlines():
        if heading := re.fullmatch(r"#+ `(yima\.[\w.]+)`", line):
            found.append(Module(name=heading[1], names=[]))
        elif line.startswith("#"):
            found.append(Module(name="", names=[]))
        elif line.startswith("| `") and found:
            found[-1].names.extend(re.findall(r"`(\w+)`", line.split("|")[1]))
    return [module for module in found if module.name]
