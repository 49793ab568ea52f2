"""What the pages name is there: files and folders of the repository, modules, the core's names, verbs and options.

Records of decisions and the changelog are left out, for they tell what was so on their day; CONTRIBUTING, for it walks
through a change that nobody has made.
"""

import importlib
import io
import re
from contextlib import redirect_stdout
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, kept, name_of, read
from yima.sdk.cli.main import main

_ELSEWHERE = {"CHANGELOG.md", "CONTRIBUTING.md"}
TOLD_NOW = [path for path in PAGES if "decisions" not in path.parts and path.name not in _ELSEWHERE]
_FOLDERS = "validator|sdk|hwsim|firmware_images|benchmarks|tests|docs"
_PATH = re.compile(rf"(?:{_FOLDERS})/[\w./-]*")
_SOURCE = re.compile(r"[a-z_0-9]+\.(?:py|h|def|cpp|md|svg)")
_MODULE = re.compile(r"yima(?:\.[a-z_0-9]+)+")
_C_NAME = re.compile(r"\b(?:yima|YIMA)_[a-zA-Z0-9_]+\b")
_COMMAND = re.compile(r"(?<![\w/.-])yima ([a-z][a-z-]*)(?![\w=-])((?: [^`|&;#\n]*)?)")
_FROM_ENVIRONMENT = {"YIMA_LANG"}


def spans(path: Path) -> list[str]:
    """What stands in code font in a page's text, and its commands a line each, continued lines joined."""
    page = read(path)
    found = [span for _, line in page.prose for span in re.findall(r"`([^`]+)`", line)]
    for block in page.blocks:
        if block.language == "sh":
            found += block.text.replace("\\\n", " ").splitlines()
    return found


@cache
def files() -> list[Path]:
    """Every file of the repository, what was made in it apart."""
    tops = [path for path in kept() if path.name not in {".venv", ".links"}]
    return [path for top in tops for path in ([top] if top.is_file() else top.rglob("*")) if path.is_file()]


@cache
def c_names() -> set[str]:
    """Every name in the C of the project."""
    sources = [path for path in files() if path.suffix in {".c", ".h", ".def"}]
    return {name for path in sources for name in _C_NAME.findall(path.read_text(encoding="utf-8"))}


@cache
def help_of(*verb: str) -> str:
    """What `yima VERB --help` says."""
    said = io.StringIO()
    with redirect_stdout(said):
        assert main([*verb, "--help"]) == 0
    return said.getvalue()


@pytest.mark.parametrize("path", TOLD_NOW, ids=name_of)
def test_files_and_folders_that_a_page_names_are_there(path: Path) -> None:
    named = {span for span in spans(path) if _PATH.fullmatch(span)}
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
    alone = {span for span in spans(path) if _SOURCE.fullmatch(span)}
    assert alone - {path.name for path in files()} == set()


@pytest.mark.parametrize("path", TOLD_NOW, ids=name_of)
def test_modules_that_a_page_names_can_be_imported(path: Path) -> None:
    groups = set(entry_points().groups)
    for name in {span for span in spans(path) if _MODULE.fullmatch(span)} - groups:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            module, _, attribute = name.rpartition(".")
            assert hasattr(importlib.import_module(module), attribute), name


_DEEPER = {"deny", "whitelist", "keys", "devices", "cases", "certificates"}
"""Verbs that have verbs of their own."""


def metric_names() -> set[str]:
    """Names that Prometheus is given: they begin like the core's, and a counter's ends in `_total`."""
    places = ("sdk/observing/metrics.py", "sdk/centre/fleet/metrics.py")
    source = "".join((ROOT / place).read_text() for place in places)
    named = set(re.findall(r'"(yima_[a-z_]+)"', source))
    return named | {f"{name}_total" for name in named}


@pytest.mark.parametrize("path", TOLD_NOW, ids=name_of)
def test_names_of_the_core_that_a_page_tells_are_there(path: Path) -> None:
    told = {name for span in spans(path) for name in _C_NAME.findall(span)} - _FROM_ENVIRONMENT - metric_names()
    assert sorted(name for name in told if name not in c_names() and not name.endswith("_")) == []


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_readme_tells_of_every_verb(name: str) -> None:
    told = re.findall(r"^\| `([a-z]+)` \|", (ROOT / name).read_text(), re.MULTILINE)
    assert sorted(told) == sorted(point.name for point in entry_points(group="yima.commands"))


def test_as_many_functions_of_a_port_are_told_as_there_are() -> None:
    header = (ROOT / "firmware_images/boards/port.h").read_text()
    assert len(set(re.findall(r"^\w.*\b(port_[a-z_]+)\(", header, re.MULTILINE))) == 18
    for page, said in (
        ("README.md", "eighteen\n"),
        ("README.zh.md", "十八个函数"),
        ("docs/firmware.md", "eighteen small"),
    ):
        assert said in (ROOT / page).read_text(), page


@pytest.mark.parametrize("path", TOLD_NOW, ids=name_of)
def test_verbs_and_options_that_a_page_tells_are_there(path: Path) -> None:
    verbs = {point.name for point in entry_points(group="yima.commands")}
    for span in spans(path):
        for verb, rest in _COMMAND.findall(span):
            assert verb in verbs, span
            words = rest.split()
            below = words[:1] if words and verb in {"params", "board", "image", "centre"} and words[0].isalpha() else []
            deeper = words[1:2] if below and below[0] in _DEEPER else []
            text = help_of(verb, *below, *deeper)
            for option in re.findall(r"(?<!\S)--[a-z-]+", rest):
                assert option in text, f"{span}: {option}"
