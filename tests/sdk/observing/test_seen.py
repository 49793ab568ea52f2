"""A look at a device: what waits, what is in force and what comes next, and no look that fails."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import entries
from tests.packages_world import DAY, NOW, PINS, Disk, package
from yima.sdk.observing.seen import UNKNOWN, Looking, Seen
from yima.validator.journal import SegmentJournal
from yima.validator.judging.judge import Memory
from yima.validator.packages.store import PackageStore
from yima.validator.upkeep.parameters import Packages


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SegmentJournal]:
    journal = SegmentJournal(tmp_path / "journal", "gate-7", epoch_for_new=7)
    yield journal
    journal.close()


@pytest.fixture
def source(tmp_path: Path) -> Packages:
    found = Packages(None, tmp_path / "packages", PINS, "test")
    found.store = PackageStore(Disk(), PINS, "test")  # which takes images of nothing
    return found


def seen(journal: SegmentJournal, source: Packages) -> Seen:
    device: Any = SimpleNamespace(
        validator=SimpleNamespace(memory=Memory(used=1, most=2, refused=0, lost_until=0)), time_trusted=True, threads=()
    )
    parameters: Any = SimpleNamespace(version=7)
    looking = Looking(
        device=device, journal=journal, source=source, deny=None, parameters=parameters, limit_bytes=9,
        lines_dropped=lambda: 3,
    )  # fmt: skip
    return looking.look()


def test_of_records_that_wait_the_oldest_is_told_if_its_time_was_known(
    journal: SegmentJournal, source: Packages
) -> None:
    found = seen(journal, source)
    assert (found.pending, found.oldest_pending_at) == (0, 0)
    journal.append(entries.note(at=entries.AT, trusted=False))
    for at in (entries.AT + 1, entries.AT + 2):
        journal.append(entries.note(at=at))
    found = seen(journal, source)
    assert (found.pending, found.oldest_pending_at, found.journal_bytes) == (3, 0, journal.size())
    journal.acknowledge(1, {})
    found = seen(journal, source)
    assert (found.pending, found.oldest_pending_at) == (2, entries.AT + 1)


def test_what_is_in_force_is_told_with_its_times_and_what_comes_first_of_what_waits(
    journal: SegmentJournal, source: Packages
) -> None:
    found = seen(journal, source)
    assert (found.parameters_not_before, found.parameters_expiry, found.parameters_waiting) == (0, 0, 0)
    for version, begins in ((1, NOW - DAY), (2, NOW + DAY), (3, NOW + 2 * DAY)):
        source.store.take(package(version, not_before=begins, expiry=NOW + 9 * DAY, previous=0), NOW)
    assert [one.version for one in source.store.waiting] == [2, 3]
    found = seen(journal, source)
    assert (found.parameters_not_before, found.parameters_expiry) == (NOW - DAY, NOW + 9 * DAY)
    assert (found.parameters_waiting, found.parameters_waiting_from) == (2, NOW + DAY)


def test_a_journal_that_cannot_be_read_is_unknown_and_the_rest_is_told(
    journal: SegmentJournal, source: Packages, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(journal, "size", broken)
    found = seen(journal, source)
    assert (found.pending, found.oldest_pending_at, found.journal_bytes) == (UNKNOWN, 0, UNKNOWN)
    assert (found.parameters_version, found.journal_limit_bytes, found.lines_dropped) == (7, 9, 3)
