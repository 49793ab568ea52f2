"""`yima params deny`: from CSV to a file, day by day, and back."""

import argparse
from pathlib import Path

import pytest

from sdk.cli import params_deny
from validator.denylist import DenyList
from validator.errors import ParametersError

A, B, C = (f"310487{n:014}" for n in (1, 2, 3))


def deny(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    params_deny.add_arguments(parser)
    return params_deny.run(parser.parse_args([str(word) for word in words]))


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """Version 1: A, and the range from B to C."""
    (tmp_path / "full.csv").write_text(f"account,last\n{A}\n{B},{C}\n")
    path = tmp_path / "full.ymd"
    assert deny("build", tmp_path / "full.csv", "-o", path, "--version", "1", "--issued-at", "1790000000") == 0
    return path


def test_an_increment_is_built_upon_its_base_and_joined_with_it(full: Path, tmp_path: Path) -> None:
    (tmp_path / "day2.csv").write_text(f"account,action\n{A},remove\n{B},remove\n")
    more, joined = tmp_path / "day2.ymd", tmp_path / "new.ymd"
    assert deny("build", tmp_path / "day2.csv", "-o", more, "--version", "2", "--base", full) == 0
    layered = DenyList.open(full, more)
    assert [layered.has(account) for account in (A, B, C)] == [False, False, True]
    assert deny("apply", full, more, "-o", joined) == 0
    one = DenyList.open(joined)
    assert [one.has(account) for account in (A, B, C)] == [False, False, True]
    assert (one.version, one.issued_at, len(one.files)) == (3, layered.issued_at, 1)


def test_an_increment_is_worked_out_from_a_whole_list(full: Path, tmp_path: Path) -> None:
    (tmp_path / "whole.csv").write_text(f"account\n{A}\n{C}\n")
    more = tmp_path / "day2.ymd"
    assert deny("build", tmp_path / "whole.csv", "--whole", "-o", more, "--version", "2", "--base", full) == 0
    layered = DenyList.open(full, more)
    assert [layered.has(account) for account in (A, B, C)] == [True, False, True]
    with pytest.raises(ParametersError, match="Name the base"):
        deny("build", tmp_path / "whole.csv", "--whole", "-o", more, "--version", "2")


def test_show_verifies_and_answers_for_one_account(full: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert deny("show", full, "--account", A) == 1
    shown = capsys.readouterr().out
    assert "1 accounts" in shown
    assert "1 ranges" in shown
    assert "2026-09-21" in shown
    assert A not in shown
    assert deny("show", full, "--account", "9" * 20) == 0
    with pytest.raises(ParametersError, match="20 digits"):
        deny("show", full, "--account", "12")
    content = full.read_bytes()
    full.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ParametersError, match="digest wrong"):
        deny("show", full)


def test_what_cannot_be_written_leaves_the_old_file(full: Path, tmp_path: Path) -> None:
    before = full.read_bytes()
    (tmp_path / "bad.csv").write_text("account\n12\n")
    with pytest.raises(ParametersError, match="line 2, account"):
        deny("build", tmp_path / "bad.csv", "-o", full, "--version", "2")
    assert full.read_bytes() == before
    with pytest.raises(ParametersError, match="cannot be written"):
        deny("apply", full, "-o", tmp_path / "nowhere" / "x.ymd")
