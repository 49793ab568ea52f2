"""The benchmark of faults, small: every kind happens, nothing is lost, nothing is there twice."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.postgres import programs


@pytest.mark.long
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_nothing_is_lost_or_doubled_whatever_goes_wrong(tmp_path: Path, store: str) -> None:
    if store == "postgresql" and programs() is None:
        pytest.skip("PostgreSQL is not installed")
    words = ["--store", store, "--devices", "4", "--records", "2000", "--system", "3", "--chance", "80", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.faults", *words, "--patience", "250"],
        capture_output=True, text=True, timeout=290, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    rows = {row["fault"]: row for row in found["faults"]}
    happened = {"sqlite": {"restored from a backup", "disk full"}, "postgresql": {"database killed"}}[store]
    assert happened | {"collector killed", "device re-flashed", "poison record", "answer lost"} <= set(rows)
    assert all(row["injected"] > 0 for row in rows.values())
    assert {(row["lost"], row["doubled"]) for row in rows.values()} == {(0, 0)}
    assert (rows["all"]["records"], found["misjudged"]) == (2000, 0)
