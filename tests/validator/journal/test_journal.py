"""The journal: durable, numbered without gaps, chained, a queue with a cursor, and never emptied of what is unsent."""

import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.hazmat.primitives.hashes import SM3, Hash
from hypothesis import example, given
from hypothesis import strategies as st

from tests.entries import AT, note, reversal, tap
from yima.validator.errors import JournalError
from yima.validator.journal import JournalView, Quarantined, SegmentJournal, chain
from yima.validator.journal.form import HEADER_SIZE, SEGMENT_SIZE
from yima.validator.journal.segments import name_of
from yima.validator.ports import JournalKey

EPOCH = AT << 16 | 7


def opened(folder: Path, device: str = "gate-7", *, epoch: int = EPOCH, max_bytes: int | None = None) -> SegmentJournal:
    return SegmentJournal(folder, device, epoch_for_new=epoch, max_bytes=max_bytes)


def fill(journal: SegmentJournal, count: int, size: int = 0) -> None:
    for number in range(count):
        journal.append(tap(AT + number, body=b"record %d" % number + bytes(size)))


def change(folder: Path, at: int, flip: int = 1) -> None:
    """One bit in the first segment."""
    path = folder / name_of(1)
    data = bytearray(path.read_bytes())
    data[at] ^= flip
    path.write_bytes(data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def journal(folder: Path) -> Iterator[SegmentJournal]:
    journal = opened(folder)
    yield journal
    journal.close()


def sequences(journal: SegmentJournal, limit: int = 1000) -> list[int]:
    return [entry.key.sequence for entry in journal.pending(limit)]


def test_entries_are_numbered_from_one_without_gaps_and_named_by_device_and_epoch(journal: SegmentJournal) -> None:
    assert journal.next_sequence() == 1
    assert journal.append(tap()) == JournalKey("gate-7", EPOCH, 1)
    assert journal.next_sequence() == 2
    assert journal.append(note()) == JournalKey("gate-7", EPOCH, 2)


def test_what_was_appended_comes_back_as_it_was(journal: SegmentJournal) -> None:
    contents = [tap(body=bytes(range(256))), note(b"x"), bytes(5)]
    for content in contents:
        journal.append(content)
    assert [entry.content for entry in journal.pending(10)] == contents


def test_a_new_start_goes_on_where_the_last_one_stopped_and_keeps_its_epoch(folder: Path) -> None:
    first = opened(folder)
    fill(first, 3)
    first.close()
    second = opened(folder, epoch=EPOCH + 1)
    fill(second, 1)
    assert second.epoch == EPOCH
    assert sequences(second) == [1, 2, 3, 4]
    assert second.verify() == 4
    second.close()


def test_an_empty_place_begins_a_new_epoch(folder: Path, tmp_path: Path) -> None:
    opened(folder).close()
    other = opened(tmp_path / "other", epoch=EPOCH + 1)
    assert (other.epoch, other.next_sequence()) == (EPOCH + 1, 1)
    other.close()


def test_the_chain_is_sm3_over_the_documented_encoding(journal: SegmentJournal) -> None:
    fill(journal, 2)
    previous = bytes(32)
    for entry in journal.pending(2):
        hashing = Hash(SM3())  # a second implementation
        hashing.update(previous + b"\x00\x06gate-7" + struct.pack(">QQ", EPOCH, entry.key.sequence) + entry.content)
        assert entry.previous == previous
        assert entry.hash == hashing.finalize()
        previous = entry.hash


ENTRIES = st.tuples(
    st.binary(min_size=32, max_size=32),
    st.text("ab", min_size=1, max_size=3),
    st.integers(0, 3),
    st.integers(1, 3),
    st.binary(max_size=3),
)


@given(ENTRIES, ENTRIES)
def test_different_entries_never_share_an_encoding(
    one: tuple[bytes, str, int, int, bytes], other: tuple[bytes, str, int, int, bytes]
) -> None:
    assert (chain(*one) == chain(*other)) == (one == other)


def test_the_cursor_moves_by_acknowledgement_alone_forward_and_back(journal: SegmentJournal, folder: Path) -> None:
    fill(journal, 5)
    journal.acknowledge(3, {})
    assert (journal.acknowledged(), sequences(journal)) == (3, [4, 5])
    journal.acknowledge(1, {})
    assert sequences(journal) == [2, 3, 4, 5]
    assert [entry.key.sequence for entry in journal.pending(2)] == [2, 3]
    assert JournalView.open(folder).acknowledged() == 1


@pytest.mark.parametrize(("through", "rejected"), [(6, {}), (-1, {}), (2, {6: "why"}), (2, {0: "why"})])
def test_an_answer_for_what_does_not_exist_moves_nothing(
    journal: SegmentJournal, through: int, rejected: dict[int, str]
) -> None:
    fill(journal, 5)
    journal.acknowledge(2, {})
    with pytest.raises(JournalError, match="cannot be meant for it"):
        journal.acknowledge(through, rejected)
    assert (journal.acknowledged(), journal.quarantined()) == (2, [])


def test_what_the_collector_refused_stands_in_the_quarantine_with_its_reason(folder: Path) -> None:
    journal = opened(folder)
    fill(journal, 3)
    journal.acknowledge(2, {1: "too \u202e odd\n" + "x" * 600}, at=AT)
    journal.acknowledge(3, {1: "again", 3: "\ud800"}, at=None)
    journal.close()
    again = opened(folder)
    assert again.quarantined() == [
        Quarantined(sequence=1, why="again", at=None),
        Quarantined(sequence=3, why="\ud800", at=None),
    ]
    again.close()


def test_a_lost_or_torn_cursor_counts_as_the_one_before_or_as_none(folder: Path) -> None:
    journal = opened(folder)
    fill(journal, 3)
    journal.acknowledge(1, {})
    journal.acknowledge(2, {})
    journal.close()
    data = bytearray((folder / "cursor").read_bytes())
    data[8] ^= 1  # the younger slot: generation 2
    (folder / "cursor").write_bytes(data)
    again = opened(folder)
    assert again.acknowledged() == 1
    again.close()
    (folder / "cursor").unlink()
    again = opened(folder)
    assert again.acknowledged() == 0
    again.close()


def test_a_cursor_beyond_the_last_entry_is_damage(folder: Path, tmp_path: Path) -> None:
    journal = opened(folder)
    fill(journal, 3)
    journal.acknowledge(3, {})
    journal.close()
    other = tmp_path / "other"
    opened(other).close()
    (other / "cursor").write_bytes((folder / "cursor").read_bytes())
    with pytest.raises(JournalError, match="cursor stands beyond"):
        opened(other)


def test_one_process_writes_and_says_who_it_is(journal: SegmentJournal, folder: Path) -> None:
    with pytest.raises(JournalError, match="in use by process"):
        opened(folder)


def test_another_devices_journal_is_refused(journal: SegmentJournal, folder: Path) -> None:
    journal.close()
    with pytest.raises(JournalError, match="is the journal of device gate-7, not of gate-8"):
        opened(folder, "gate-8")


@pytest.mark.parametrize(
    ("at", "what"),
    [(HEADER_SIZE + 40, "is damaged"), (20, "header of 0000000001.seg is destroyed")],
    ids=["an entry", "the header"],
)
def test_damage_is_named_with_what_to_do_and_what_is_good_is_not_touched(folder: Path, at: int, what: str) -> None:
    journal = opened(folder)
    fill(journal, 3)
    journal.close()
    change(folder, at)
    before = (folder / name_of(1)).read_bytes()
    with pytest.raises(JournalError, match=what) as caught:
        opened(folder)
    assert "Move the journal's folder away and keep it" in caught.value.remedy.en
    assert (folder / name_of(1)).read_bytes() == before


def test_verify_finds_a_changed_entry_wherever_it_stands(folder: Path) -> None:
    journal = opened(folder)
    fill(journal, 400)
    journal.close()
    change(folder, HEADER_SIZE + 16 + 60)
    view_of_a_damaged = pytest.raises(JournalError, match=r"entry 1 in 0000000001\.seg is not as it was written")
    with view_of_a_damaged:
        JournalView.open(folder).verify()


def test_full_is_told_as_full_and_an_acknowledgement_makes_room(folder: Path) -> None:
    journal = opened(folder, max_bytes=3 * SEGMENT_SIZE)
    with pytest.raises(JournalError, match="is full") as caught:
        fill(journal, 1000, size=60_000)
    assert "--journal-max-mb" in caught.value.remedy.en
    last = journal.last_sequence()
    journal.append(note(at=AT + 10_000))
    journal.acknowledge(last, {})
    journal.care()
    fill(journal, 30, size=60_000)
    assert journal.first_sequence() > 1
    assert journal.verify() == journal.last_sequence() - journal.first_sequence() + 1
    journal.close()


def test_used_codes_are_those_that_could_still_be_shown_and_what_reverses_them(journal: SegmentJournal) -> None:
    contents = [tap(AT), tap(AT + 100), tap(AT + 200, reason=64), reversal(2), note()]
    for content in contents:
        journal.append(content)
    assert list(journal.used_codes(AT + 150)) == [contents[1], contents[3]]
    assert list(journal.used_codes(AT)) == [contents[0], contents[1], contents[3]]


def test_the_newest_trusted_time_is_that_of_the_newest_entry_not_the_greatest(journal: SegmentJournal) -> None:
    assert journal.newest_trusted_at() is None
    for at, trusted in ((AT + 5_000_000, True), (AT, True), (AT + 9, False)):
        journal.append(note(at=at, trusted=trusted, run=3))
    assert (journal.newest_trusted_at(), journal.run()) == (AT, 3)


def test_a_view_sees_what_was_there_when_it_was_opened(journal: SegmentJournal, folder: Path) -> None:
    fill(journal, 2)
    view = JournalView.open(folder)
    fill(journal, 1)
    assert (view.last_sequence(), view.device, view.epoch) == (2, "gate-7", EPOCH)
    assert view.verify() == 2


def test_a_place_without_a_journal_is_told_so(folder: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal"):
        JournalView.open(folder)


def test_one_thread_appends_while_another_reads_and_acknowledges(journal: SegmentJournal) -> None:
    stop = threading.Event()
    seen: list[int] = []

    def upload() -> None:
        while not stop.is_set() or journal.pending(1):
            for entry in journal.pending(50):
                seen.append(entry.key.sequence)
                journal.acknowledge(entry.key.sequence, {})

    uploading = threading.Thread(target=upload)
    uploading.start()
    fill(journal, 80, size=50_000)
    stop.set()
    uploading.join()
    assert seen == list(range(1, 81))


def test_files_are_for_their_owner_alone(journal: SegmentJournal, folder: Path) -> None:
    fill(journal, 1)
    journal.acknowledge(1, {1: "no"})
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


@given(content=st.binary(min_size=1, max_size=200), at=st.none() | st.floats(0, 1))
@example(content=b"YimaSeg2", at=None)
@example(content=b"\xff" * 16, at=0.0)
@example(content=b"\0\0\0\0", at=0.001)
def test_any_bytes_as_a_segment_are_a_journal_or_the_one_error(content: bytes, at: float | None) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name, "journal")
        made = opened(folder)
        fill(made, 20)
        made.close()
        path = folder / name_of(1)
        whole = bytearray(path.read_bytes() if at is not None else content)
        start = int((at or 0) * 20_000)  # where the entries lie
        whole[start : start + len(content)] = content
        path.write_bytes(whole)
        try:
            journal = opened(folder)
        except JournalError as refused:
            assert str(folder) in refused.thing
            return
        try:
            journal.pending(1000)
            journal.verify()
            journal.append(note(b"the next"))
        except JournalError as refused:
            assert str(folder) in refused.thing
        finally:
            journal.close()
