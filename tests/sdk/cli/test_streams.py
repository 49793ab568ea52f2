"""What is said when a stream is full, closed, or lacks the characters: one line, a status that is no verdict, JSON that
is JSON."""

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from yima.sdk.cli.main import main

ROOT = Path(__file__).parents[3]
IS_FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has it")


def shell(redirected: str, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a shell starts it with its streams redirected."""
    line = ["sh", "-c", f'exec "$@" {redirected}', "sh", sys.executable, "-m", "yima.sdk.cli.main", *map(str, words)]
    variables = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    encoding = environment.get("PYTHONIOENCODING", "utf-8")
    return subprocess.run(line, capture_output=True, encoding=encoding, env=variables, timeout=200, check=False)


@IS_FULL
@pytest.mark.parametrize("words", [("inspect", "{code}"), ("inspect", "{code}", "--json"), ("--version",)])
def test_output_that_finds_no_room_is_one_line_and_no_verdict(words: tuple[str, ...], code_file: Path) -> None:
    done = shell("> /dev/full", *(word.format(code=code_file) for word in words))
    assert done.returncode == 5
    assert done.stderr.count("\n") == 1
    assert "stdout: cannot be written (No space left on device)" in done.stderr


@IS_FULL
def test_a_sound_code_is_not_refused_since_a_disk_is_full(code_file: Path, params_file: Path, now: int) -> None:
    done = shell("> /dev/full", "judge", code_file, "--params", params_file, "--at", now)
    assert (done.returncode, done.stderr.count("\n")) == (5, 1)


@pytest.mark.parametrize(
    ("closed", "words", "status"),
    [
        (">&-", ("inspect", "{code}"), 0),
        (">&-", ("inspect", "nowhere"), 3),
        ("2>&-", ("inspect", "nowhere"), 3),
        ("2>&-", ("jugde",), 2),
        ("<&-", ("inspect", "-"), 3),
        ("<&- >&- 2>&-", ("inspect", "{code}"), 0),
    ],
)
def test_a_stream_that_the_caller_has_closed_changes_no_status(
    closed: str, words: tuple[str, ...], status: int, code_file: Path
) -> None:
    done = shell(closed, *(word.format(code=code_file) for word in words))
    assert done.returncode == status
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("error", "status"), [(OSError(errno.ENOSPC, "full"), 5), (BrokenPipeError(), 1)])
def test_a_stream_in_memory_that_takes_no_more_is_no_traceback(
    error: OSError, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever calls the command in a process of theirs may catch its output so; it has no descriptor to turn away."""

    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise error

    monkeypatch.setattr(sys, "stdout", Full())
    assert main(["--version"]) == status
    assert capsys.readouterr().err.count("stdout: cannot be written (full)") == (1 if status == 5 else 0)


@pytest.mark.parametrize("encoding", ["gbk", "ascii"])
def test_json_is_json_in_every_encoding(encoding: str, code_file: Path, tmp_path: Path) -> None:
    capture = tmp_path / "capture.jsonl"
    capture.write_text(json.dumps({"at_ms": 0, "last_ms": 0, "payload": code_file.read_bytes().hex()}) + "\n")
    for words in (("inspect", code_file, "--json"), ("bench", f"replay:{capture}", "--json")):
        done = shell("", *words, PYTHONIOENCODING=encoding)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert told["diagnosis" if words[0] == "bench" else "fields"]
        assert "¥" in json.dumps(told, ensure_ascii=False) or words[0] == "bench"


def test_a_symbol_is_drawn_in_no_encoding_that_lacks_the_blocks(code_file: Path, tmp_path: Path) -> None:
    for words in (("bench", "--card"), ("phone", "--terminal", "--count", "1")):
        done = shell("", *words, PYTHONIOENCODING="gbk")
        assert done.returncode in (2, 3)
        assert done.stdout == ""
        assert "no half blocks" in done.stderr
    assert shell("", "bench", "--card", tmp_path / "card.png", PYTHONIOENCODING="gbk").returncode == 0


def test_the_list_of_verbs_has_room_between_name_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert all(len(row.split()[0]) < len(row[2:].partition("  ")[0]) + 1 for row in rows)
    assert "  completion  " in "\n".join(rows)
