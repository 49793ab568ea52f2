"""The benchmark of signature verification: what it prints, and that it has others to compare with."""

import json
import subprocess
import sys

import pytest

from benchmarks import rivals
from benchmarks.verify import inputs, main, measure
from yima.validator import _core

KEYS = {
    "fresh_us",
    "known_issuer_us",
    "code_us_p50",
    "code_us_p99",
    "libcrypto_fresh_us",
    "ratio_fresh",
    "ratio_known_issuer",
    "ratio_code",
}


def test_json_has_the_times_and_ratios_of_one_run() -> None:
    command = [sys.executable, "-m", "benchmarks.verify", "--json", "--rounds", "10"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    found = json.loads(done.stdout)
    assert found.keys() >= KEYS
    assert all(found[key] > 0 for key in KEYS)
    assert abs(found["ratio_fresh"] - found["libcrypto_fresh_us"] / found["fresh_us"]) < 0.1
    assert abs(found["ratio_code"] - 3 * found["libcrypto_fresh_us"] / found["code_us_p50"]) < 0.1
    assert list(found["kernels"]) == list(_core.sm2_kernels())


def test_people_read_a_table_with_every_kernel(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["verify", "--rounds", "10"])
    main()
    shown = capsys.readouterr().out
    assert "libcrypto, fresh key" in shown
    assert "whole code, issuer known" in shown
    for kernel in _core.sm2_kernels()[1:]:
        assert f"kernel {kernel}, fresh key" in shown


def test_every_contest_measures_what_it_was_asked_for() -> None:
    for contest in measure(10):
        assert len(contest.values_us) == 10
        assert 0 < contest.median_us <= contest.p99_us


def test_rivals_that_are_installed_accept_what_is_valid_and_refuse_what_is_not() -> None:
    found, missing = rivals.installed()
    assert {rival.name for rival in found} | set(missing) == {"tongsuopy", "gmssl-pyx", "gmssl"}
    for rival in found:
        key, message, signature = inputs()[0]
        assert rival.verify(key, message, signature), rival.name
        assert not rival.verify(key, message + b".", signature), rival.name
