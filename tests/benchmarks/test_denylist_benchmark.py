"""The deny-list's benchmark: it builds a list, asks it, checks every answer, and judges no time."""

import json
import subprocess
import sys
from pathlib import Path

SERIES = ["open", "open_cold", "first_cold", "timer", "hit", "miss", "range", "miss_increments"]


def run(*arguments: str) -> str:
    command = [
        sys.executable,
        "-m",
        "benchmarks.denylist",
        "--accounts",
        "20000",
        "--ranges",
        "50",
        "--look-ups",
        "100",
    ]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_measures_look_ups_and_says_how_large_the_list_is(tmp_path: Path) -> None:
    found = json.loads(run("--json", "--directory", str(tmp_path)))
    assert [series["name"] for series in found["series"]] == SERIES
    assert all(0 < series["p50_us"] <= series["p99_us"] <= series["max_us"] for series in found["series"])
    assert (found["list"]["accounts"], found["list"]["ranges"]) == (20000, 50)
    assert found["list"]["bytes_an_account"] <= 12
    assert list(tmp_path.iterdir()) == []


def test_people_read_a_table_with_the_goals() -> None:
    shown = run()
    assert "account on the list" in shown
    assert "< 1" in shown
    assert "bytes_an_account" in shown
