"""The demonstration's tap on the gate controller: a section with figures, or a sentence; never a failure."""

import importlib.util
import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

from tests.install_commands import commands_in
from yima.hwsim.demo.tap_on_board import tap_on_board

INSTALLED = all(importlib.util.find_spec(name) for name in ("unicorn", "elftools", "imgtool", "smp", "ziglang"))
needs_board = pytest.mark.skipif(not INSTALLED, reason="the extras board and firmware are not installed")
HEADING = "<h2>A tap on the gate controller"


def without(module: str, directory: Path, **environment: str) -> str:
    """The section and the line, as another process makes them in which a module is missing."""
    program = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from pathlib import Path; from yima.hwsim.demo.tap_on_board import tap_on_board\n"
        "made = tap_on_board(Path(sys.argv[1])); assert not made.measured; print(made.section, made.said.en)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(directory)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_board
def test_it_shows_table_and_chart_and_leaves_nothing_behind(tmp_path: Path) -> None:
    made = tap_on_board(tmp_path)
    assert made.measured, made.said
    assert made.section.startswith(HEADING)
    assert made.section.count("<svg") == 1
    assert made.section.count("<table") == 2
    assert "issuer's signature" not in made.said.en
    assert "a model" in made.said.en
    assert "模型" in made.said.zh
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("module", ["elftools", "imgtool", "ziglang"])
def test_without_the_extras_it_says_how_to_get_them(tmp_path: Path, module: str) -> None:
    said = without(module, tmp_path)
    assert HEADING in said
    assert commands_in(unescape(said)) == [["-e", ".[board,firmware]"]] * 3
    assert "未测量" in said
    assert "<svg" not in said


@needs_board
def test_a_board_that_does_not_come_up_is_no_failure(tmp_path: Path) -> None:
    """What is made of its description is kept in a folder; here that cannot be made."""
    (tmp_path / "file").write_text("in the way")
    said = without("no_such_module", tmp_path, YIMA_BOARD_CACHE=str(tmp_path / "file" / "cache"))
    assert HEADING in said
    assert re.search(r"Not measured: \S+/cache/map-\w+: cannot be written: Not a directory", said)
    assert "Set YIMA_BOARD_CACHE to a folder that can" in said
    assert "未测量：" in said


@needs_board
def test_a_disk_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    made = tap_on_board(tmp_path / "gone")
    assert not made.measured
    assert "No such file or directory" in made.said.en
    assert list(tmp_path.iterdir()) == []
