"""Since when the device is without its collector: the oldest entry that waits and knows its time tells it."""

from pathlib import Path

import pytest

from tests.entries import AT, note
from yima.validator.journal import SegmentJournal, backlog
from yima.validator.journal.backlog import Backlog


class Loop:
    """What the loop of a tap is told."""

    def __init__(self) -> None:
        self.told: list[int] = []

    def unsent(self, oldest: int) -> None:
        self.told.append(oldest)

    def eased(self) -> None:
        raise AssertionError


class Device:
    def __init__(self, folder: Path) -> None:
        self.journal = SegmentJournal(folder / "journal", "gate-7", epoch_for_new=1)
        self._loop = Loop()
        self._backlog = Backlog(self.journal, self._loop)  # type: ignore[arg-type]

    def keep(self, *entries: tuple[int, bool]) -> None:
        for at, trusted in entries:
            self.journal.append(note(at=at, trusted=trusted))

    def since(self) -> int:
        self._backlog.look(1)
        return self._loop.told[-1]


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Device:
    monkeypatch.setattr(backlog, "UNSENT_S", 0)
    return Device(tmp_path)


def test_an_empty_journal_waits_for_nobody(device: Device) -> None:
    assert device.since() == 0


def test_the_oldest_that_waits_tells_and_goes_with_its_acknowledgement(device: Device) -> None:
    device.keep((AT, True), (AT + 5, True))
    assert device.since() == AT
    device.journal.acknowledge(1, {})
    assert device.since() == AT + 5
    device.journal.acknowledge(2, {})
    assert device.since() == 0
    device.journal.acknowledge(0, {})
    assert device.since() == AT, "a collector that was restored has lost it"


def test_a_start_without_a_clock_hides_nothing_that_waits_behind_it(device: Device) -> None:
    device.keep((7, False), (8, False))
    assert device.since() == 0
    device.keep((AT, True), (AT + 5, True))
    assert device.since() == AT
    device.journal.acknowledge(1, {})
    assert device.since() == AT
    device.journal.acknowledge(3, {})
    assert device.since() == AT + 5


def test_however_many_do_not_know_their_time_the_first_that_does_is_found(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "LOOKED_AT", 4)
    device.keep(*[(7, False)] * 9, (AT, True))
    assert [device.since() for _ in range(4)] == [0, 0, AT, AT]


def test_where_any_time_is_allowed_nothing_is_asked(device: Device) -> None:
    device.keep((AT, True))
    device._backlog.look(0)
    assert device._loop.told == []


def test_it_is_asked_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    device = Device(tmp_path)
    device.keep((AT, True))
    for now, told in ((100.0, 1), (100.5, 1), (101.0, 2), (101.9, 2), (102.0, 3)):
        device.since()
        assert len(device._loop.told) == told, now
