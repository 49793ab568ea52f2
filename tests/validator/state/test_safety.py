"""The state directory is its device's alone, and no planted link leads its key elsewhere."""

import os
import stat
from pathlib import Path

import pytest

from yima.validator.errors import JournalError
from yima.validator.state import DeviceState
from yima.validator.state.keys import DeviceKey
from yima.validator.system.disk import write_whole


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o775, 0o702, 0o720])
def test_a_directory_that_others_may_write_is_refused_and_left_alone(tmp_path: Path, mode: int) -> None:
    directory = tmp_path / "state"
    directory.mkdir()
    directory.chmod(mode)
    with pytest.raises(JournalError, match="chmod go-w"):
        DeviceState.open(directory)
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755])
def test_a_directory_that_others_may_only_read_is_used(tmp_path: Path, mode: int) -> None:
    directory = tmp_path / "state"
    directory.mkdir()
    directory.chmod(mode)
    assert DeviceState.open(directory, "gate-7").device == "gate-7"


def test_a_directory_that_is_made_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        DeviceState.open(tmp_path / "state")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_a_directory_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    DeviceState.open(tmp_path / "state")
    owner = (tmp_path / "state").stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(JournalError, match=f"belongs to user {owner}, and this is user {owner + 1}"):
        DeviceState.open(tmp_path / "state")


@pytest.mark.parametrize("planted", ["device.key.{}.new", "device.key.new", "device.key"])
def test_a_planted_link_is_not_followed(tmp_path: Path, planted: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    directory = tmp_path / "state"
    directory.mkdir(mode=0o700)
    (directory / planted.format(os.getpid())).symlink_to(elsewhere)
    made = DeviceKey.load_or_create(directory / "device.key")
    assert not elsewhere.exists()
    assert not (directory / "device.key").is_symlink()
    assert DeviceKey.load_or_create(directory / "device.key").public == made.public


def test_a_file_left_by_a_power_cut_does_not_stop_the_next_attempt(tmp_path: Path) -> None:
    (tmp_path / "device.new").write_bytes(b"half")
    (tmp_path / "device.new").chmod(0o666)
    write_whole(tmp_path / "device", b"whole")
    assert (tmp_path / "device").read_bytes() == b"whole"
    assert stat.S_IMODE((tmp_path / "device").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["device"]
