"""The benchmarks: they run, name what they measured and where, and judge nothing."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import readme
from benchmarks.measurement import Series, machine, timed
from benchmarks.pages import ROOT, read_between
from yima.validator.texts import Text

SERIES = [
    "judge_known_issuer",
    "judge_new_issuer",
    "judge_garbage",
    "frame_to_verdict",
    "journal_commit",
    "byte_to_gate",
    "byte_to_gate_device",
]


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_measures_every_part_of_a_tap_and_names_the_machine(tmp_path: Path) -> None:
    found = json.loads(run("--json", "--rounds", "10", "--directory", str(tmp_path)))
    assert [series["name"] for series in found["series"]] == SERIES
    for series in found["series"]:
        assert series["size"] == 10
        assert 0 < series["p50_us"] <= series["p99_us"] <= series["max_us"]
    assert {"date", "processor", "cores", "python", "yima", "journal_filesystem"} <= set(found["machine"])
    assert list(tmp_path.iterdir()) == []


def test_people_read_a_table_with_the_same_series() -> None:
    shown = run("--rounds", "3")
    assert "judge, issuer known" in shown
    assert "last serial byte to gate command" in shown
    assert "processor" in shown


def test_a_series_gives_its_numbers_in_microseconds() -> None:
    series = Series(name="x", what=Text("a thing", "某项"), values_us=tuple(float(n) for n in range(1, 101)))
    assert series.as_mapping() == {
        "name": "x",
        "what": "a thing",
        "size": 100,
        "p50_us": 50.0,
        "p99_us": 99.0,
        "max_us": 100.0,
        "note": "",
    }


def test_timed_gives_one_value_an_input_and_hides_no_error() -> None:
    assert len(timed(lambda number: number + 1, range(5))) == 5
    with pytest.raises(ZeroDivisionError):
        timed(lambda number: 1 // number, [1, 0])


def test_the_file_system_named_is_that_of_the_directory() -> None:
    assert machine(Path("/proc"))["journal_filesystem"] == "proc"


def test_the_chinese_readme_has_the_figures_of_the_english_one() -> None:
    english = read_between(ROOT / "README.md", readme.BEGIN, readme.END)
    assert read_between(ROOT / "README.zh.md", readme.BEGIN, readme.END) == readme.chinese(english)
    assert not re.search("signature|issuer|Measured|Ratios", readme.chinese(english))
