"""Who may send: a file that is read again when it has changed, and whose faults change nothing."""

from pathlib import Path

import pytest

from yima.sdk.centre.collector import enrolment
from yima.sdk.centre.collector.enrolment import Enrolled, read_devices
from yima.sdk.centre.collector.schema import StoreError

A, B = "ab" * 32, "cd" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "devices.txt"
    made.write_text(f"gate-7 {A}\n")
    return made


@pytest.fixture(autouse=True)
def looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enrolment, "LOOK_EVERY_S", 0.0)


def replace(path: Path, text: str) -> None:
    path.with_suffix(".new").write_text(text)
    path.with_suffix(".new").replace(path)


def test_a_device_is_enrolled_rotated_and_taken_out_while_it_runs(path: Path) -> None:
    """A new device had to wait for a restart of the collector."""
    enrolled = Enrolled(path, on_trouble=lambda error: pytest.fail(str(error)))
    assert enrolled.keys() == {"gate-7": A}
    replace(path, f"gate-7 {B}\ngate-8 {A}\n")
    assert enrolled.keys() == {"gate-7": B, "gate-8": A}
    replace(path, f"gate-8 {A}\n")
    assert enrolled.keys() == {"gate-8": A}


def test_a_file_that_has_become_wrong_changes_nothing_and_is_told_once(path: Path) -> None:
    told: list[StoreError] = []
    enrolled = Enrolled(path, on_trouble=told.append)
    for change in ("gate-7 nonsense\n", None):
        if change is None:
            path.unlink()
        else:
            replace(path, change)
        assert [enrolled.keys() for _ in range(3)] == [{"gate-7": A}] * 3
    assert len(told) == 2
    replace(path, f"gate-9 {B}\n")
    assert enrolled.keys() == {"gate-9": B}


def test_it_is_not_looked_at_for_every_batch(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enrolment, "LOOK_EVERY_S", 3600.0)
    enrolled = Enrolled(path, on_trouble=lambda error: pytest.fail(str(error)))
    replace(path, f"gate-8 {A}\n")
    assert enrolled.keys() == {"gate-7": A}
    enrolled.read_again()
    assert enrolled.keys() == {"gate-8": A}, "when it is told to"


def test_a_file_that_is_wrong_from_the_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        Enrolled(tmp_path / "none", on_trouble=lambda error: None)


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
