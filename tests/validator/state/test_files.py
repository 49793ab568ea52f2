"""Files of the state directory: whole or not at all, private, and no descriptor stays open."""

import contextlib
from pathlib import Path

import pytest

from yima.validator.errors import UplinkError
from yima.validator.state.keys import DeviceKey
from yima.validator.system.disk import write_whole


def descriptors() -> dict[str, str]:
    """What this process has open, by descriptor; the one that looks is left out."""
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found[entry.name] = str(entry.readlink())
    return {number: target for number, target in found.items() if not target.endswith("/fd")}


def test_a_file_is_put_in_place_whole_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_what_cannot_be_put_in_place_leaves_things_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "full").write_bytes(b"")
    before = descriptors()
    with pytest.raises(OSError, match="folder"):
        write_whole(tmp_path / "folder", b"content")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]
    assert descriptors() == before


def test_writing_and_reading_leave_no_descriptor_open(tmp_path: Path) -> None:
    before = descriptors()
    write_whole(tmp_path / "file", b"content")
    assert descriptors() == before
    DeviceKey.load_or_create(tmp_path / "device.key")
    DeviceKey.load_or_create(tmp_path / "device.key")
    (tmp_path / "device.key").write_bytes(b"no key")
    with pytest.raises(UplinkError):
        DeviceKey.load_or_create(tmp_path / "device.key")
    assert descriptors() == before
