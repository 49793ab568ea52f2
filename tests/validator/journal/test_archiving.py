"""The archive: what goes there is verified before it is removed here, and the device runs meanwhile."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.entries import AT, note, tap
from yima.validator.errors import JournalError
from yima.validator.journal import JournalView, SegmentJournal, archiving
from yima.validator.journal.archiving import archive, folder_in
from yima.validator.journal.files import FolderFiles
from yima.validator.journal.form import SEGMENT_SIZE
from yima.validator.journal.segments import name_of

EPOCH = 7 << 16
A_SEGMENT = 34  # entries of BIG bytes
BIG = 60_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def journal(folder: Path) -> Iterator[SegmentJournal]:
    """Four segments; the collector has three of them."""
    journal = SegmentJournal(folder, "gate-7", epoch_for_new=EPOCH)
    fill(journal, 3 * A_SEGMENT + 10)
    journal.acknowledge(3 * A_SEGMENT, {})
    yield journal
    journal.close()


def fill(journal: SegmentJournal, count: int) -> None:
    begin = journal.next_sequence()
    for number in range(begin, begin + count):
        journal.append(note(bytes(200), at=AT + number) + bytes(BIG - 248))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.seg"))


def test_what_the_collector_has_goes_and_the_device_goes_on(
    journal: SegmentJournal, folder: Path, tmp_path: Path
) -> None:
    whole = {name: (folder / name).read_bytes() for name in names(folder)}
    done = archive(folder, tmp_path / "stick", journal.acknowledged())
    assert done == (tmp_path / "stick" / f"gate-7-{EPOCH}", 3, 1, 102)
    assert names(done.folder) == [name_of(1), name_of(2), name_of(3)]
    assert all((done.folder / name).read_bytes() == whole[name] for name in names(done.folder))
    assert names(folder) == [name_of(4)]
    fill(journal, 2 * A_SEGMENT)
    journal.care()
    assert journal.first_sequence() == 103
    assert journal.verify() == 10 + 2 * A_SEGMENT
    assert [entry.key.sequence for entry in journal.pending(2)] == [103, 104]
    assert list(journal.used_codes(0)) == []


def test_what_waits_can_be_sent_at_once_after_the_segment_before_it_has_gone(
    journal: SegmentJournal, folder: Path, tmp_path: Path
) -> None:
    before = journal.pending(1)
    archive(folder, tmp_path / "stick", journal.acknowledged())
    assert journal.pending(1) == before
    with pytest.raises(JournalError, match="begins with record 103, and the collector has only those up to 5"):
        journal.acknowledge(5, {})
    assert journal.acknowledged() == 102


def test_the_journal_and_its_archive_are_verified_as_one(journal: SegmentJournal, folder: Path, tmp_path: Path) -> None:
    there = archive(folder, tmp_path, 2 * A_SEGMENT).folder
    journal.close()
    assert JournalView.open(folder).verify() == A_SEGMENT + 10
    view = JournalView.open(folder, tmp_path)
    assert (view.verify(), view.first_sequence(), view.last_sequence()) == (112, 1, 112)
    changed = bytearray((there / name_of(1)).read_bytes())
    changed[1000] ^= 1
    (there / name_of(1)).write_bytes(changed)
    with pytest.raises(JournalError, match=r"entry 1 in 0000000001\.seg"):
        JournalView.open(folder, tmp_path).verify()
    with pytest.raises(JournalError, match="holds nothing of gate-7"):
        JournalView.open(folder, tmp_path / "elsewhere")


def test_an_archive_goes_on_where_it_ended(journal: SegmentJournal, folder: Path, tmp_path: Path) -> None:
    for through in (A_SEGMENT, 2 * A_SEGMENT, 2 * A_SEGMENT + 5):
        archive(folder, tmp_path, through)
    assert JournalView.open(folder, tmp_path).verify() == 112
    assert len(names(folder)) == 2


def test_what_is_not_acknowledged_or_not_full_or_needed_for_its_codes_stays(folder: Path, tmp_path: Path) -> None:
    journal = SegmentJournal(folder, "gate-7", epoch_for_new=EPOCH)
    for number in range(3 * A_SEGMENT):
        journal.append(tap(AT + number, body=bytes(BIG), good_until=AT + 60 if number < 50 else AT + 5000))
    journal.acknowledge(journal.last_sequence(), {})
    assert archive(folder, tmp_path, A_SEGMENT - 1).segments == 0
    assert archive(folder, tmp_path, journal.acknowledged()).segments == 1
    journal.close()


def test_what_a_restored_collector_lacks_again_stays_though_it_was_copied_already(
    journal: SegmentJournal, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The collector is restored from a backup while the archive copies: the cursor moves back."""
    copy = archiving._copy

    def meanwhile(*given: Any) -> None:
        copy(*given)
        if journal.acknowledged() == 3 * A_SEGMENT:
            journal.acknowledge(A_SEGMENT + 5, {})

    monkeypatch.setattr(archiving, "_copy", meanwhile)
    done = archive(folder, tmp_path / "stick", journal.acknowledged())
    assert done[1:] == (1, 1, A_SEGMENT)
    assert names(folder) == [name_of(number) for number in (2, 3, 4)]
    assert [entry.key.sequence for entry in journal.pending(2)] == [A_SEGMENT + 6, A_SEGMENT + 7]
    journal.acknowledge(2 * A_SEGMENT, {})
    assert archive(folder, tmp_path / "stick", journal.acknowledged())[1:] == (1, A_SEGMENT + 1, 2 * A_SEGMENT)
    assert JournalView.open(folder, tmp_path / "stick").verify() == 112


def test_what_a_restored_collector_lacks_again_is_not_removed_for_its_age_while_the_cursor_moves_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caretaker's thread comes at the worst moment: it was found to be there, and the cursor is on its way."""
    journal = SegmentJournal(folder, "gate-7", epoch_for_new=EPOCH, keep_s=0)
    fill(journal, 3 * A_SEGMENT)
    journal.acknowledge(2 * A_SEGMENT, {})
    move = journal._mover.move

    def meanwhile(through: int) -> None:
        journal.care()
        move(through)

    monkeypatch.setattr(journal._mover, "move", meanwhile)
    journal.acknowledge(5, {})
    assert [entry.key.sequence for entry in journal.pending(2)] == [6, 7]
    monkeypatch.undo()
    journal.acknowledge(2 * A_SEGMENT, {})
    journal.care()
    assert journal.first_sequence() > A_SEGMENT, "and later it goes as ever"
    journal.close()


def test_a_copy_that_is_not_what_was_written_removes_nothing(
    journal: SegmentJournal, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = FolderFiles.read

    def read(self: FolderFiles, name: str, at: int, size: int) -> bytes:
        """A stick that loses a bit."""
        data = real(self, name, at, size)
        return data if self.folder == folder or len(data) < SEGMENT_SIZE else b"\0" + data[1:]

    monkeypatch.setattr(FolderFiles, "read", read)
    with pytest.raises(JournalError, match=r"copy of 0000000001\.seg"):
        archive(folder, tmp_path / "stick", journal.acknowledged())
    assert names(folder)[:3] == [name_of(1), name_of(2), name_of(3)]


def test_a_segment_that_was_changed_is_not_archived(journal: SegmentJournal, folder: Path, tmp_path: Path) -> None:
    changed = bytearray((folder / name_of(2)).read_bytes())
    changed[1000] ^= 1
    (folder / name_of(2)).write_bytes(changed)
    with pytest.raises(JournalError, match=r"in 0000000002\.seg is not as it was written"):
        archive(folder, tmp_path, journal.acknowledged())
    assert len(names(folder)) == 4


def test_what_lies_in_the_archive_is_never_overwritten(journal: SegmentJournal, folder: Path, tmp_path: Path) -> None:
    there = folder_in(tmp_path, "gate-7", EPOCH)
    there.mkdir(mode=0o700)
    other = SegmentJournal(tmp_path / "other", "gate-7", epoch_for_new=EPOCH)
    other.append(note(b"another"))
    (there / name_of(1)).write_bytes((tmp_path / "other" / name_of(1)).read_bytes())
    before = (there / name_of(1)).read_bytes()
    with pytest.raises(JournalError, match="is another segment of that name"):
        archive(folder, tmp_path, journal.acknowledged())
    assert (there / name_of(1)).read_bytes() == before
    other.close()


def test_an_archive_that_goes_further_than_what_comes_now_takes_nothing(
    journal: SegmentJournal, folder: Path, tmp_path: Path
) -> None:
    """The device was set up anew from a copy of its state: what it did after that copy lies in the archive."""
    there = folder_in(tmp_path, "gate-7", EPOCH)
    there.mkdir(mode=0o700)
    shutil.copy(folder / name_of(4), there)
    with pytest.raises(JournalError, match="the archive does not end where the journal goes on"):
        archive(folder, tmp_path, journal.acknowledged())
    assert len(names(folder)) == 4


def test_an_archive_after_which_something_was_removed_is_told(folder: Path, tmp_path: Path) -> None:
    journal = SegmentJournal(folder, "gate-7", epoch_for_new=EPOCH, max_bytes=4 * SEGMENT_SIZE)
    fill(journal, 3 * A_SEGMENT)
    journal.acknowledge(journal.last_sequence(), {})
    archive(folder, tmp_path, A_SEGMENT)
    for _ in range(3):
        fill(journal, A_SEGMENT)
        journal.acknowledge(journal.last_sequence(), {})
    assert journal.first_sequence() > A_SEGMENT + 1
    with pytest.raises(JournalError, match="ends with record 34"):
        archive(folder, tmp_path, journal.acknowledged())
    journal.close()


def test_one_at_a_time_archives(journal: SegmentJournal, folder: Path, tmp_path: Path) -> None:
    (folder / "archiving").touch()
    archive(folder, tmp_path, 0)
    assert (folder / "archiving").read_text().strip().isdecimal()
