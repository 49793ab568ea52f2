"""A journal over the years: it lives within its limit, opens without reading its past, names what a disk did to it."""

import errno
import os
import random
import shutil
from collections import Counter
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest

from tests.entries import AT, note, tap
from tests.segment_disk import SegmentDisk
from yima.validator.errors import JournalError
from yima.validator.journal import JournalView, SegmentJournal
from yima.validator.journal.files import FolderFiles
from yima.validator.journal.form import HEADER_SIZE, SEAL_SIZE, SEGMENT_SIZE
from yima.validator.journal.older import OlderJournal
from yima.validator.journal.segments import name_of
from yima.validator.journal.writing import CODE_LIVES_MOST_S, SEGMENTS_MIN

LIMIT = SEGMENTS_MIN * SEGMENT_SIZE
LARGE = 8000  # entries of this size fill a segment with 260
DAY = 86400


class Counting(FolderFiles):
    """Counts the bytes that are read of each file."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.bytes_read: Counter[str] = Counter()

    def read(self, name: str, at: int, size: int) -> bytes:
        data = super().read(name, at, size)
        self.bytes_read[name] += len(data)
        return data


def opened(folder: Path, files: FolderFiles | None = None, max_bytes: int | None = None) -> SegmentJournal:
    folder.mkdir(exist_ok=True)
    return SegmentJournal(folder, "gate-7", epoch_for_new=7, files=files, max_bytes=max_bytes)


def filled(folder: Path, count: int, *, every_s: int = DAY // 260) -> None:
    """Rides, a segment a day."""

    class Quick(FolderFiles):
        """Nobody cuts the power while it is filled."""

        def flush(self, name: str) -> None:
            pass

    folder.mkdir()
    journal = opened(folder, Quick(folder))
    for number in range(count):
        journal.append(tap(AT + number * every_s, body=b"\x5a" * (LARGE - 148)))
    journal.close()


def test_at_its_limit_a_journal_goes_on_for_as_long_as_everything_is_acknowledged(tmp_path: Path) -> None:
    journal = opened(tmp_path / "journal", max_bytes=LIMIT)
    for number in range(1, 300):  # three times what the limit holds
        journal.append(note(at=AT + number).ljust(60_000, b"\0"))
        journal.acknowledge(number, {})
        if number % 100 == 0:
            journal.care()
        assert journal.size() <= LIMIT
    assert journal.verify() == 300 - journal.first_sequence()
    journal.close()


def test_only_what_is_unacknowledged_can_fill_it_and_that_stays(tmp_path: Path) -> None:
    journal = opened(tmp_path / "journal", max_bytes=LIMIT)
    with pytest.raises(JournalError, match="is full"):
        while True:
            journal.append(note(at=AT).ljust(60_000, b"\0"))
    full = journal.last_sequence()
    assert journal.first_sequence() == 1
    journal.acknowledge(1, {})
    with pytest.raises(JournalError, match="is full"):
        journal.append(note().ljust(60_000, b"\0"))
    journal.acknowledge(full, {})
    journal.append(note().ljust(60_000, b"\0"))
    journal.close()


def test_on_a_disk_that_others_have_filled_what_is_acknowledged_makes_room() -> None:
    disk = SegmentDisk(room=4)  # two segments beside the cursor and the quarantine
    journal = SegmentJournal(Path("journal"), "gate-7", epoch_for_new=7, files=disk)
    with pytest.raises(JournalError, match="is full"):
        while True:
            journal.append(note(at=AT).ljust(60_000, b"\0"))
    full = journal.last_sequence()
    with pytest.raises(JournalError, match="is full"):
        journal.care()
    journal.acknowledge(full, {})
    journal.append(note(at=AT).ljust(60_000, b"\0"))
    assert journal.verify() == full + 1 - (journal.first_sequence() - 1)
    assert journal.first_sequence() > 1


def test_a_code_of_a_clock_that_was_years_ahead_holds_no_room_for_years(tmp_path: Path) -> None:
    journal = opened(tmp_path / "journal", max_bytes=LIMIT)
    journal.append(tap(AT + 5 * 365 * DAY))
    for _ in range(110):
        journal.append(note(at=AT).ljust(60_000, b"\0"))
        journal.acknowledge(journal.last_sequence(), {})
    assert journal.first_sequence() > 1
    assert CODE_LIVES_MOST_S < 5 * 365 * DAY
    journal.close()


def test_to_open_it_reads_two_small_pieces_of_each_segment_of_the_past(tmp_path: Path) -> None:
    filled(tmp_path / "journal", 260 * 8 + 100)
    files = Counting(tmp_path / "journal")
    journal = opened(tmp_path / "journal", files)
    past = [name_of(number) for number in range(1, 8)]
    assert {name: files.bytes_read[name] for name in past} == dict.fromkeys(past, HEADER_SIZE + SEAL_SIZE)
    assert (journal.run(), journal.newest_trusted_at(), journal.first_sequence()) == (
        1,
        AT + (260 * 8 + 99) * (DAY // 260),
        1,
    )
    journal.close()


def test_used_codes_and_what_waits_are_found_without_the_past(tmp_path: Path) -> None:
    """What a change of parameters and an upload ask for: the segments that matter, whatever lies before them."""
    filled(tmp_path / "journal", 260 * 8 + 100)
    files = Counting(tmp_path / "journal")
    journal = opened(tmp_path / "journal", files)
    last = journal.last_sequence()
    journal.acknowledge(last - 1, {})
    files.bytes_read.clear()
    newest = journal.newest_trusted_at()
    assert newest is not None
    assert len(list(journal.used_codes(newest - 3600))) == 1 + 11  # an hour's taps, and one whose code is still good
    assert set(files.bytes_read) == {name_of(9)}
    files.bytes_read.clear()
    assert [entry.key.sequence for entry in journal.pending(10)] == [last]
    assert sum(files.bytes_read.values()) < 10 * LARGE, "one tap is not found by reading a segment"
    journal.close()


def test_no_file_of_a_journal_is_in_memory_that_a_full_disk_could_take_away(tmp_path: Path) -> None:
    """On a full ext4 of 1 KB blocks a database in shared memory ended the process with SIGBUS."""
    filled(tmp_path / "journal", 5)
    shutil.copy(Path(__file__).parents[2] / "vectors" / "older" / "journal-1.db", tmp_path / "journal.db")
    journal, older = opened(tmp_path / "journal"), OlderJournal(tmp_path / "journal.db")
    assert len(older.pending(10)) == 3
    assert journal.verify() == 5
    assert str(tmp_path) not in Path("/proc/self/maps").read_text()
    older.close(0)
    journal.close()


def test_a_disk_that_is_full_at_any_call_loses_nothing_and_the_journal_goes_on_when_there_is_room() -> None:
    begun = SegmentDisk()
    journal = SegmentJournal(Path("journal"), "gate-7", epoch_for_new=7, files=begun)
    for count in range(33):
        journal.append(note(at=AT + count).ljust(60_000, b"\0"))

    def run(disk: SegmentDisk) -> list[int]:
        """Appends until six are stored, opening again where that failed; the sequences."""
        stored: list[int] = []
        failures = 0
        while len(stored) < 6:
            try:
                journal = SegmentJournal(Path("journal"), "gate-7", epoch_for_new=7, files=disk)
                while len(stored) < 6:
                    stored.append(journal.append(b"%d" % len(stored) + bytes(60_000)).sequence)
                    journal.acknowledge(stored[-1], {})
                journal.care()
            except JournalError as error:
                failures += 1
                assert "full" in error.problem.en
                assert failures == 1
        return stored

    good = replace(begun, calls=[], files=deepcopy(begun.files))
    assert run(good) == list(range(34, 40))
    assert len(good.calls) > 20
    for fail_at in range(len(good.calls)):
        disk = replace(begun, calls=[], files=deepcopy(begun.files), fail_at=fail_at, errno=errno.ENOSPC)
        assert run(disk) == list(range(34, 40)), f"a failure at call {fail_at}"
        again = SegmentJournal(Path("journal"), "gate-7", epoch_for_new=7, files=disk)
        assert again.verify() == 40 - again.first_sequence()
        assert again.first_sequence() in (1, 35), "what is acknowledged may have made room"
        kept = [entry.content[:1] for entry in again.entries(34, 10)]
        assert kept == [b"%d" % count for count in range(1, 6)]


def test_a_disk_that_went_away_is_told_as_that_and_not_as_damage(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    filled(folder, 3)
    journal = opened(folder)
    view = JournalView.open(folder)
    folder.rename(tmp_path / "away")
    for look in (lambda: JournalView.open(folder), journal.size, view.verify):
        with pytest.raises(JournalError, match="its disk is gone") as caught:
            look()
        assert "Move the journal" not in caught.value.remedy.en
    journal.close()

    class Gone(FolderFiles):
        def flush(self, name: str) -> None:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))

    (tmp_path / "away").rename(folder)
    journal = opened(folder, Gone(folder))
    with pytest.raises(JournalError, match="its disk reports an error, or is gone") as caught:
        journal.append(note())
    assert "Move the journal" not in caught.value.remedy.en
    journal.close()


def test_a_damaged_page_is_named_wherever_it_lies_and_nothing_runs_for_ever(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    filled(folder, 260 * 2 + 130)
    whole = {path.name: path.read_bytes() for path in folder.glob("*.seg")}
    page = 4096
    draw = random.Random(1)
    end = {name_of(1): 260 * 8056, name_of(2): 260 * 8056, name_of(3): 129 * 8056}  # before the last entry
    for number in (1, 2, 3):
        name = name_of(number)
        pages = [0, end[name] // page - 1, *(draw.randrange(end[name] // page) for _ in range(8))]
        for at in pages:
            filling = draw.choice((bytes(page), b"\xff" * page, draw.randbytes(page)))
            (folder / name).write_bytes(whole[name][: at * page] + filling + whole[name][(at + 1) * page :])
            with pytest.raises(JournalError, match=rf"{name}|entries? \d+") as caught:
                journal = opened(folder)
                try:
                    list(journal.used_codes(0))
                    journal.verify()
                finally:
                    journal.close()
            assert "Move the journal's folder away and keep it" in caught.value.remedy.en
        (folder / name).write_bytes(whole[name])
    seal = bytearray(whole[name_of(1)])
    seal[-100] ^= 1
    (folder / name_of(1)).write_bytes(seal)
    journal = opened(folder)
    assert journal.verify() == 650, "a seal says nothing that the entries do not say"
    journal.close()
    assert (folder / name_of(1)).read_bytes() == whole[name_of(1)]
