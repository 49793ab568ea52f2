"""Finds the install commands that a text tells its reader to type, and says what is wrong with each.

What may be told is read from pyproject.toml, which is not where the advice itself reads it.
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
REQUIREMENTS: list[str] = [*PROJECT["dependencies"], *(line for lines in EXTRAS.values() for line in lines)]

# The word `in` ends a command in a sentence: "type … in /the/folder".
_WORD = r"""(?:'[^']*'|"[^"]*"|(?!in\b)[^\s'"`,，（]+)"""
_COMMAND = re.compile(rf"pip install((?: {_WORD})+)")
_OURS = re.compile(r"(?:\.|(?P<name>[A-Za-z][\w.-]*))(?:\[(?P<extras>[\w,-]*)\])?")


def commands_in(text: str) -> list[list[str]]:
    """The words after each `pip install`, without their quotes."""
    return [[word.strip("'\"") for word in re.findall(_WORD, found)] for found in _COMMAND.findall(text)]


def faults_of(command: list[str]) -> list[str]:
    """What would not do what is told when this command is typed; empty for a sound one."""
    if not (wanted := [word for word in command if not word.startswith("-")]):
        return ["nothing to install"]
    return [f"{word}: {fault}" for word in wanted if (fault := _fault_of(word))]


def _fault_of(word: str) -> str:
    if word in REQUIREMENTS:
        return "" if "==" in word else "is not pinned"
    found = _OURS.fullmatch(word)
    if found is None or (found["name"] or PROJECT["name"]) != PROJECT["name"]:
        return "is neither ours nor required by us"
    unknown = {extra for extra in (found["extras"] or "").split(",") if extra} - set(EXTRAS)
    return f"has no extra {sorted(unknown)}" if unknown else ""
