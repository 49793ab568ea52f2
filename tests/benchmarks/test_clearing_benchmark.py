"""The benchmark of clearing, small: it ends well, and what it says holds."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.clearing_figures import differing

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
