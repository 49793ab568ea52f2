"""The benchmark of large journals, small."""

import json
import subprocess
import sys
from pathlib import Path


def test_it_fills_a_journal_and_finds_the_codes_of_an_hour(tmp_path: Path) -> None:
    words = ["--json", "--entries", "5000", "--directory", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.journals", *words], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["entries"], found["segments"]) == (5000, 3), "two with entries, one that is ready"
    assert found["codes_found"] == 3600 // 29 + 120 // 29 + 1
    for name in ("append_us", "open_ms", "used_codes_ms", "care_ms"):
        assert found[name]["p50"] > 0
    assert list(tmp_path.iterdir()) == []
