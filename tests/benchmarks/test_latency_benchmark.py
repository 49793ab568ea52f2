"""The latency benchmark: real processes, three that take turns, on two file systems."""

import json
import subprocess
import sys
from pathlib import Path


def test_it_measures_echo_flush_and_ours_on_tmpfs_and_on_a_disk(tmp_path: Path) -> None:
    words = ["--json", "--rounds", "5", "--directory", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.latency", *words], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["tmpfs"]["machine"]["journal_filesystem"] == "tmpfs"
    for place in ("tmpfs", "disk"):
        for name in ("echo", "flush", "ours"):
            series = found[place][name]
            assert series["size"] == 5
            assert 0 < series["p50_ms"] <= series["p99_ms"] <= series["p999_ms"]
        assert found[place]["steps"]["journal_ms"]["size"] == 5
    assert list(tmp_path.iterdir()) == []
