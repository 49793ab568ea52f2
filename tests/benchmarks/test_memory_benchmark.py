"""The benchmark of the memory of used codes, small: what it counts, and that it can fail."""

import json
import subprocess
import sys
from typing import Any

import pytest

from benchmarks import memory
from yima.validator.judging import Validator


def run(*words: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", "--json", *words],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_new_code_is_accepted_once_over_a_start_and_no_photograph_of_one() -> None:
    found = run("--rate", "8", "--hours", "1.2")
    assert (found["new_codes"], found["accepted"], found["accepted_twice"]) == (576, 576, 0)
    assert found["starts"] == 2
    assert found["shown_again"] >= found["new_codes"]
    assert found["refused_repeated"] == found["shown_again"]
    assert found["memory_entries"] >= 8 * 65535 // 60


def test_more_riders_than_the_parameters_say_are_refused_rather_than_accepted_twice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--json", "--rate", "10", "--made-for", "1", "--hours", "0.4", "--validity", "600"]
    monkeypatch.setattr("sys.argv", ["memory", *words])
    assert memory.main() == 0
    found = json.loads(capsys.readouterr().out)
    assert found["accepted_twice"] == 0
    assert found["refused_memory_full"] > 0
    assert found["memory_most_used"] == found["memory_entries"]


def test_a_memory_that_forgets_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one of 4096 entries did, or one that was not filled at a start."""
    monkeypatch.setattr(Validator, "remember", lambda self, entry: False)
    found = memory.measured(rate=1, made_for=1, hours=1.1, validity_s=65535)
    assert found["accepted_twice"] > 0
