"""The thread that looks after the journal: what a tap finds done, and what it is told before a tap meets it."""

import threading
from pathlib import Path

from tests.entries import AT, note
from tests.segment_disk import SegmentDisk
from tests.uplinks import until
from yima.validator.errors import YimaError
from yima.validator.journal import SegmentJournal
from yima.validator.journal.caring import Caretaker


def test_no_tap_makes_or_removes_a_file() -> None:
    disk = SegmentDisk()
    journal = SegmentJournal(Path("journal"), "gate-7", epoch_for_new=7, files=disk)
    troubles: list[YimaError] = []
    caretaker = Caretaker(journal.care, on_trouble=troubles.append, on_recovered=lambda: None, every_s=0.001)
    caretaker.start()
    by_tap: list[str] = []
    mine = threading.get_ident()
    real = disk._call

    def call(verb: str) -> None:
        if threading.get_ident() == mine:
            by_tap.append(verb)
        real(verb)

    disk._call = call  # type: ignore[method-assign]
    for number in range(80):  # more than two segments
        journal.append(note(at=AT + number).ljust(60_000, b"\0"))
        until(lambda: len(disk.files) == number // 34 + 3)  # noqa: B023 - cursor, segments so far, one that is ready
    caretaker.stop()
    assert set(by_tap) == {"write", "flush"}
    assert by_tap.count("flush") == 80 + 2
    assert troubles == []


def test_a_full_disk_is_told_once_before_a_tap_meets_it_and_that_it_is_over() -> None:
    disk = SegmentDisk(room=2)  # a cursor and a segment
    journal = SegmentJournal(Path("journal"), "gate-7", epoch_for_new=7, files=disk)
    told: list[str] = []
    caretaker = Caretaker(
        journal.care,
        on_trouble=lambda error: told.append(error.problem.en),
        on_recovered=lambda: told.append("over"),
        every_s=0.001,
    )
    caretaker.start()
    assert told == ["the disk, or the space set for it, is full"]
    journal.append(note())
    disk.room = 9
    until(lambda: len(told) > 1)
    caretaker.stop()
    assert told == ["the disk, or the space set for it, is full", "over"]


def test_it_stops_at_once_and_without_having_started() -> None:
    cared: list[int] = []
    caretaker = Caretaker(
        lambda: cared.append(1), on_trouble=lambda error: None, on_recovered=lambda: None, every_s=3600
    )
    caretaker.stop()
    caretaker.stop()
    assert cared == []
