"""Files are written alike whether the system has pread, fdatasync and folders that can be flushed, or not."""

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from yima.validator.system import disk


@pytest.fixture(params=["posix", "windows"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """With what Windows takes in place of pread, pwrite and folders, or as it is."""
    if request.param == "windows":
        monkeypatch.setattr(disk, "_FOLDER", None)
        monkeypatch.setattr(disk, "_pwrite", disk._write_at)
        monkeypatch.setattr(disk, "read_at", disk._read_at)
        monkeypatch.setattr(disk, "flush_data", disk._flush_all)
    yield request.param


@pytest.mark.usefixtures("system")
def test_bytes_are_put_and_found_where_they_were_put(tmp_path: Path) -> None:
    descriptor = disk.create(tmp_path / "file")
    disk.write_at(descriptor, bytes(100), 0)
    disk.write_at(descriptor, b"here\r\n\x1a", 50)
    disk.flush_data(descriptor)
    os.close(descriptor)
    reading = os.open(tmp_path / "file", os.O_RDONLY)
    assert disk.read_at(reading, 7, 50) == b"here\r\n\x1a"
    assert disk.read_at(reading, 7, 98) == b"\0\0"
    os.close(reading)
    disk.flush_file(tmp_path / "file")
    disk.flush_folder(tmp_path)


@pytest.mark.usefixtures("system")
def test_the_content_of_a_file_outlives_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "empty").touch()
    with (tmp_path / "file").open("rb") as file, (tmp_path / "empty").open("rb") as empty:
        content, nothing = disk.content_of(file), disk.content_of(empty)
    disk.remove(tmp_path / "file")
    assert (bytes(content), bytes(nothing)) == (b"content", b"")


def _refusing(times: int, act: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
    left = iter(range(times))

    def refused(fresh: Path, path: Path) -> Path:
        if next(left, None) is not None:
            raise PermissionError(13, "open elsewhere")
        return act(fresh, path)

    return refused


def test_on_windows_a_file_that_somebody_has_open_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "_FOLDER", None)
    monkeypatch.setattr(disk, "_RETRY_S", (0, 0))
    monkeypatch.setattr(Path, "replace", _refusing(2, Path.replace))
    disk.write_whole(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"
    monkeypatch.setattr(Path, "replace", _refusing(3, Path.replace))
    with pytest.raises(PermissionError):
        disk.write_whole(tmp_path / "file", b"other")
    assert (tmp_path / "file").read_bytes() == b"content"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_on_macos_the_drive_itself_is_asked_to_flush(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", lambda descriptor, what: asked.append(what))
    descriptor = disk.create(tmp_path / "file")
    disk.flush(descriptor)
    os.close(descriptor)
    assert asked == [51]
