"""CONTRIBUTING's first change: its files are what lint would let through, and its test passes on its module.

The commands between them were tried by hand; here they are only held against the files that they edit.
"""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text().partition("## A first change, step by step")[2]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """The page's two files where it says they go, under a folder of their own."""
    files = re.findall(r"[Ii]t is `([\w/.]+)`:\n\n```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(files) == 2
    for name, content in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(content)
    return tmp_path


def test_its_test_passes_on_its_module(written: Path) -> None:
    program = """
import os
import sys
from importlib import metadata
import pytest
import yima.sdk.cli
from yima.sdk.cli import main
yima.sdk.cli.__path__.append(os.path.abspath("sdk/cli"))
known, ours = metadata.entry_points, metadata.EntryPoint("reasons", "yima.sdk.cli.reasons", "yima.commands")
main.entry_points = lambda group: [*known(group=group), ours]
sys.exit(pytest.main(["-p", "no:cacheprovider", "tests"]))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=written, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_its_files_are_as_lint_wants_them(written: Path) -> None:
    for command in (["check"], ["format", "--check"]):
        line = [sys.executable, "-m", "ruff", *command, "--config", str(ROOT / "pyproject.toml"), "."]
        done = subprocess.run(line, cwd=written, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_its_commands_find_the_lines_that_they_edit(tmp_path: Path) -> None:
    edits = re.findall(r"^(sed -i .*) ([\w.]+)$", PAGE, re.MULTILINE)
    assert {name for _, name in edits} == {"pyproject.toml", "README.md", "README.zh.md", "CHANGELOG.md"}
    for command, name in edits:
        before = (ROOT / name).read_text()
        (tmp_path / name).write_text(before)
        subprocess.run(["bash", "-c", f"{command} {name}"], cwd=tmp_path, check=True)
        after = (tmp_path / name).read_text()
        added = [line for line in Counter(after.splitlines()) - Counter(before.splitlines()) if line]
        assert len(added) == 1, name
        assert "reasons" in added[0]
