"""Lists of devices: a name and a key a line, and what is wrong is named with its line."""

from pathlib import Path

import pytest

from yima.sdk.centre.collector.enrolment import read_devices
from yima.sdk.centre.collector.schema import StoreError


def test_the_list_of_devices_is_read_with_comments(tmp_path: Path) -> None:
    path = tmp_path / "devices.txt"
    path.write_text(f"# ours\n\ngate-7 {'AB' * 32}   # the north gate\ngate-8\t{'cd' * 32}\n")
    assert read_devices(path) == {"gate-7": "ab" * 32, "gate-8": "cd" * 32}


@pytest.mark.parametrize(
    "line", ["gate-7", "gate-7 xyz", f"gate 7 {'ab' * 32}", f"gate/7 {'ab' * 32}", f"gate-6 {'ab' * 32}"]
)
def test_a_wrong_line_in_the_list_of_devices_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "devices.txt"
    path.write_text(f"gate-6 {'ab' * 32}\n{line}\n")
    with pytest.raises(StoreError, match=r"devices\.txt:2: "):
        read_devices(path)


def test_a_list_of_devices_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        read_devices(tmp_path / "nowhere.txt")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(StoreError, match="cannot be read"):
        read_devices(tmp_path / "binary")
