"""The benchmark of clearing, small: it ends well, and what it says holds."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import clearing
from benchmarks.clearing_figures import differing
from yima.sdk.centre.clearing.folder import WORKSPACE
from yima.sdk.centre.example.making import make_example

_TAPS = 600


def run(directory: Path, *words: str, timeout: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.clearing", "--json", "--taps", str(_TAPS)]
    command += ["--directory", str(directory)]
    done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    assert list(directory.iterdir()) == []
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_region_is_cleared_and_everything_holds(tmp_path: Path) -> None:
    found = run(tmp_path, "--no-kills", "--no-spark", timeout=590)
    assert found["does_not_hold"] == []
    assert (found["postings_sum_fen"], found["net_sum_fen"], found["differences_from_the_truth"]) == (0, 0, 0)
    assert found["made"]["taps"] == _TAPS
    assert found["rides"] > _TAPS / 2 and found["postings"] > 6 * found["rides"]
    assert found["differences_without_a_cause"] == 0
    assert found["small"]["the_same_bytes_twice"] is True
    assert found["whole"]["cpu_s"] > 0 and found["peak_rss_mib"] > 0


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(3600)
def test_every_ride_is_billed_once_though_every_batch_came_three_times_and_every_commit_was_the_last(
    tmp_path: Path,
) -> None:
    found = run(tmp_path, "--no-spark", timeout=3590)
    assert found["small"]["killed"] > 100
    assert found["small"]["the_same_bytes_killed_at_every_commit"] is True
    assert found["small"]["billed_once_sent_three_times_and_killed_at_every_commit"] is True


def test_files_that_are_not_the_same_are_named() -> None:
    assert differing({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "3", "d": "4"}) == ["b", "c", "d"]


def main_with(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["clearing", *map(str, words)])
    return clearing.main()


def test_a_folder_that_is_no_example_is_refused_with_what_makes_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main_with(monkeypatch, "--region", tmp_path)
    assert f"{tmp_path}: no example; make one with yima centre example" in capsys.readouterr().err


def test_an_example_that_was_cleared_is_refused_for_nothing_would_be_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "example.json").write_text("{}")
    (tmp_path / WORKSPACE).mkdir()
    with pytest.raises(SystemExit, match="2"):
        main_with(monkeypatch, "--region", tmp_path)
    assert f"{tmp_path / WORKSPACE}: cleared already; remove it" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.long
def test_a_region_made_before_is_cleared_where_it_is_and_stays(tmp_path: Path) -> None:
    region, work = tmp_path / "region", tmp_path / "work"
    work.mkdir()
    make_example(region, _TAPS, 3, days=1)
    found = run(work, "--region", str(region), "--no-kills", "--no-spark", timeout=290)
    assert (found["taps"], found["made"]["taps"], found["does_not_hold"]) == (_TAPS, _TAPS, [])
    assert (region / "example.json").is_file() and (region / WORKSPACE).is_dir()
