"""yima completion: a real bash completes verbs, options, choices and files by it; zsh where there is one."""

import contextlib
import shutil
import subprocess
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from yima.sdk.cli.main import main


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the scripts `bash` and `zsh`."""
    folder = tmp_path_factory.mktemp("completion")
    for shell in ("bash", "zsh"):
        with (folder / shell).open("w", encoding="utf-8") as script, contextlib.redirect_stdout(script):
            assert main(["completion", shell]) == 0
    return folder


def completed(scripts: Path, *words: str) -> set[str]:
    """What bash offers for the last of these words."""
    program = f"""
        source {scripts / "bash"}
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${{#COMP_LINE}}
        $(complete -p yima | sed 's/.*-F \\([^ ]*\\).*/\\1/') yima "${{@: -1}}" "${{@: -2:1}}"
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    line = ["bash", "--norc", "-c", program, "bash", *words]
    done = subprocess.run(line, cwd=scripts, capture_output=True, text=True, timeout=200, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_every_verb_is_offered(scripts: Path) -> None:
    verbs = {entry.name for entry in entry_points(group="yima.commands")}
    assert verbs <= completed(scripts, "yima", "")
    assert completed(scripts, "yima", "in") == {"inspect"}


def test_options_actions_and_choices_are_offered(scripts: Path) -> None:
    assert {"--roots", "--reveal"} <= completed(scripts, "yima", "inspect", "--r")
    assert completed(scripts, "yima", "params", "rot") == {"rotate-keys"}
    assert completed(scripts, "yima", "issue", "--level", "") == {"L", "M", "Q", "H"}


def test_files_are_offered_where_files_are_taken(scripts: Path) -> None:
    (scripts / "code-001.bin").write_bytes(b"")
    assert "code-001.bin" in completed(scripts, "yima", "inspect", "code")
    assert "code-001.bin" in completed(scripts, "yima", "judge", "--params", "code")


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_script_is_one_that_the_shell_parses(shell: str, scripts: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    done = subprocess.run([shell, "-n", scripts / shell], capture_output=True, text=True, timeout=200, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_another_shell_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 2
    assert "bash" in capsys.readouterr().err
