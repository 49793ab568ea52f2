"""`yima params deny`: from CSV to a file, day by day, signed, and back."""

import argparse
import time
from pathlib import Path

import pytest

from yima.sdk.cli import params_deny
from yima.sdk.cli.main import main
from yima.sdk.parameters.signing import make_key_file
from yima.sdk.sm2 import SigningKey
from yima.validator.deny.denylist import DenyList
from yima.validator.errors import ParametersError
from yima.validator.packages import Kind, PackageError, pins_as_text, read_package

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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--version", "0"], "is version 1; no device that has it would take version 0"),
        (["--version", "1"], "is version 1; no device that has it would take version 1"),
        (["--issued-at", "1789999999"], "was drawn up at"),
    ],
)
def test_a_list_that_is_joined_is_newer_than_its_parts(full: Path, tmp_path: Path, words: list[str], said: str) -> None:
    """A bug found: the list was made, and devices refused it as older."""
    joined = tmp_path / "new.ymd"
    with pytest.raises(ParametersError, match=said):
        deny("apply", full, "-o", joined, *words)
    assert not joined.exists()
    assert deny("apply", full, "-o", joined, "--version", "2", "--issued-at", "1790000000") == 0


def test_no_list_comes_behind_the_last_version(full: Path, tmp_path: Path) -> None:
    last = tmp_path / "last.ymd"
    assert deny("build", tmp_path / "full.csv", "-o", last, "--version", "4294967295") == 0
    with pytest.raises(ParametersError, match="the last that there is"):
        deny("apply", last, "-o", full)


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


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A signer's key file, and beside it `pins`, the file that trusts it."""
    path = tmp_path / "signer.key"
    (tmp_path / "pins").write_text(pins_as_text([make_key_file(path).compressed]))
    return path


def test_a_full_list_and_its_increment_are_signed_so_that_a_device_takes_them(
    full: Path, key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = int(time.time())
    (tmp_path / "new.csv").write_text(f"account\n{A}\n")
    (tmp_path / "more.csv").write_text(f"account\n{B}\n")
    one, two = tmp_path / "one.ymp", tmp_path / "two.ymp"
    assert deny("build", tmp_path / "new.csv", "-o", one, "--version", "7", "--issued-at", str(now), "--key", key) == 0
    assert deny("build", tmp_path / "more.csv", "-o", two, "--version", "8", "--base", one, "--key", key) == 0
    first, second = read_package(one), read_package(two)
    assert (first.kind, first.version, first.previous, first.environment) == (Kind.DENY_LIST, 7, 0, "test")
    assert (first.not_before, first.expiry) == (now, now + 30 * 86400)
    assert (second.kind, second.base, second.previous) == (Kind.DENY_INCREMENT, first.id, 7)
    capsys.readouterr()
    assert deny("show", one, two, "--trust", tmp_path / "pins") == 0
    assert "taken" in capsys.readouterr().out
    (tmp_path / "others").write_text(pins_as_text([SigningKey.generate().compressed]))
    with pytest.raises(PackageError, match="not trusted here"):
        deny("show", one, two, "--trust", tmp_path / "others")
    assert DenyList.of_packages([first, second]).has(B)


def test_a_bare_file_is_signed_later_and_once_more(full: Path, key: Path, tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text(f"account,action\n{A},remove\n")
    bare, base, more = tmp_path / "more.ymd", tmp_path / "full.ymp", tmp_path / "more.ymp"
    assert deny("build", tmp_path / "more.csv", "-o", bare, "--version", "2", "--base", full) == 0
    assert deny("sign", full, "-o", base, "--key", key, "--expiry", "4000000000", "--city", "320500") == 0
    assert deny("sign", bare, "-o", more, "--base", base) == 0
    package = read_package(more)
    assert (package.city, package.signers, package.keys) == (320500, (), read_package(base).keys)
    assert main(["params", "sign", str(more), "-o", str(more), "--key", str(key)]) == 0
    assert len(read_package(more).signers) == 1
    with pytest.raises(ParametersError, match="yima params sign"):
        deny("sign", more, "-o", more, "--key", key)


def test_an_increment_keeps_the_signers_that_its_base_names(full: Path, key: Path, tmp_path: Path) -> None:
    keys = [SigningKey.generate().compressed for _ in range(3)]
    (tmp_path / "next").write_text(pins_as_text(keys, 2))
    (tmp_path / "more.csv").write_text(f"account,action\n{A},remove\n")
    base, more = tmp_path / "full.ymp", tmp_path / "more.ymp"
    deny("sign", full, "-o", base, "--key", key, "--next-pins", tmp_path / "next")
    deny("build", tmp_path / "more.csv", "-o", more, "--version", "2", "--base", base, "--key", key)
    package = read_package(more)
    assert (package.keys, package.needed) == (tuple(sorted(keys)), 2)


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("sign", "full.ymd", "-o", "x"), "nobody signs"),
        (("sign", "more.ymd", "-o", "x", "--key", "signer.key"), "an increment where a full list belongs"),
        (("sign", "more.ymd", "-o", "x", "--key", "signer.key", "--base", "full.ymd"), "is (no package|cut short)"),
        (("sign", "more.ymd", "-o", "x", "--key", "signer.key", "--base", "other.ymp"), "another state of the list"),
        (("sign", "zero.ymd", "-o", "x", "--key", "signer.key"), "packages begin with 1"),
        (("sign", "rotten.ymd", "-o", "x", "--key", "signer.key"), "digest wrong"),
    ],
)
def test_what_no_device_could_take_is_not_signed(
    full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.csv").write_text(f"account\n{'9' * 20}\n")
    deny("build", "b.csv", "-o", "more.ymd", "--version", "2", "--base", "full.ymd")
    deny("build", "b.csv", "-o", "other.ymp", "--version", "1", "--issued-at", "1790000000", "--key", "signer.key")
    deny("build", "b.csv", "-o", "zero.ymd", "--version", "0")
    (tmp_path / "rotten.ymd").write_bytes(full.read_bytes()[:-1] + b"\xff")
    with pytest.raises(ParametersError, match=problem):
        deny(*words)
    assert not (tmp_path / "x").exists()
