"""The benchmark of a collector's intake, small: what was sent is held once, and every number is there."""

import json
import subprocess
import sys
from pathlib import Path


def test_it_sends_signed_batches_and_counts_what_is_held(tmp_path: Path) -> None:
    words = ["--devices", "12", "--entries", "5", "--only", "burst", "--json", "--directory", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.ingest", *words], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["burst"]
    assert (found["records"], found["held"], found["twice"]) == (60, 60, 0)
    assert found["answers"] == {"200": 12}
    assert found["cpu_s_per_1000"]["database"] == 0.0 < found["p99_s"]
    assert list(tmp_path.iterdir()) == []
