"""Every text a rider or an engineer sees, in English and Chinese.

A text is written once, as a pair, where it is used; `say` picks the language of the process: YIMA_LANG (`en` or `zh`),
else the locale's own variables, else English.
"""

import os
from typing import NamedTuple

__all__ = ["Text", "language", "say"]


class Text(NamedTuple):
    """One text in both languages."""

    en: str
    zh: str


def language() -> str:
    """`en` or `zh`, by the environment."""
    for variable in ("YIMA_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable, "")
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def say(text: Text) -> str:
    """The text in the process's language."""
    return text.zh if language() == "zh" else text.en
