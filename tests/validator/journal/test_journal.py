"""The journal: durable, numbered without gaps, chained, a queue with a cursor, and never emptied."""

import sqlite3
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.hazmat.primitives.hashes import SM3, Hash
from hypothesis import example, given
from hypothesis import strategies as st

from yima.validator.errors import JournalError
from yima.validator.journal import JournalView, Quarantined, SqliteJournal, chain
from yima.validator.judging import Moment
from yima.validator.ports import JournalKey

EPOCH = 1_790_000_000 << 16 | 7


def opened(path: Path, device: str = "gate-7", *, epoch: int = EPOCH, max_bytes: int | None = None) -> SqliteJournal:
    return SqliteJournal(path, device, epoch_for_new=epoch, max_bytes=max_bytes)


def fill(journal: SqliteJournal, count: int, *, reason: int = 0) -> None:
    for number in range(count):
        journal.append(moment=Moment.at(1_790_000_000 + number), reason=reason, record=b"record %d" % number)


def change(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    journal = opened(path)
    yield journal
    journal.close()


def sequences(journal: SqliteJournal, limit: int = 1000) -> list[int]:
    return [entry.key.sequence for entry in journal.pending(limit)]


def test_records_are_numbered_from_one_without_gaps_and_named_by_device_and_epoch(journal: SqliteJournal) -> None:
    assert journal.next_sequence() == 1
    assert journal.append(moment=Moment.at(5), reason=0, record=b"a") == JournalKey("gate-7", EPOCH, 1)
    assert journal.next_sequence() == 2
    assert journal.append(moment=Moment.at(5), reason=64, record=b"b") == JournalKey("gate-7", EPOCH, 2)


def test_what_was_appended_comes_back_as_it_was(journal: SqliteJournal) -> None:
    moment = Moment(unix_s=1_790_000_000, tick_ms=123, trusted=False)
    journal.append(moment=moment, reason=61, record=bytes(range(256)))
    (entry,) = journal.pending(10)
    assert (entry.at, entry.time_trusted, entry.tick_ms, entry.reason) == (1_790_000_000, False, 123, 61)
    assert entry.record == bytes(range(256))


def test_a_new_start_goes_on_where_the_last_one_stopped_and_keeps_its_epoch(path: Path) -> None:
    first = opened(path)
    fill(first, 3)
    first.close()
    second = opened(path, epoch=EPOCH + 1)
    fill(second, 1)
    assert second.epoch == EPOCH
    assert sequences(second) == [1, 2, 3, 4]
    assert second.verify() == 4
    second.close()


def test_an_empty_place_begins_a_new_epoch(path: Path, tmp_path: Path) -> None:
    opened(path).close()
    other = opened(tmp_path / "other.db", epoch=EPOCH + 1)
    assert (other.epoch, other.next_sequence()) == (EPOCH + 1, 1)
    other.close()


def test_the_chain_is_sm3_over_the_documented_encoding(journal: SqliteJournal) -> None:
    fill(journal, 2)
    previous = bytes(32)
    for entry in journal.pending(2):
        hashing = Hash(SM3())  # a second implementation
        hashing.update(previous + b"\x00\x06gate-7" + struct.pack(">QQ", EPOCH, entry.key.sequence))
        hashing.update(struct.pack(">qBQH", entry.at, 1, entry.tick_ms, entry.reason))
        hashing.update(struct.pack(">I", len(entry.record)) + entry.record)
        assert entry.previous == previous
        assert entry.hash == hashing.finalize()
        previous = entry.hash


ENTRIES = st.tuples(
    st.binary(min_size=32, max_size=32),
    st.builds(JournalKey, st.text("ab", min_size=1, max_size=3), st.integers(0, 3), st.integers(1, 3)),
    st.builds(Moment, unix_s=st.integers(-2, 2), tick_ms=st.integers(0, 3), trusted=st.booleans()),
    st.integers(0, 3),
    st.binary(max_size=3),
)


@given(ENTRIES, ENTRIES)
def test_different_entries_never_share_an_encoding(
    one: tuple[bytes, JournalKey, Moment, int, bytes], other: tuple[bytes, JournalKey, Moment, int, bytes]
) -> None:
    assert (chain(*one) == chain(*other)) == (one == other)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE entries SET reason = 9 WHERE sequence = 4", "record 4 was changed"),
        ("UPDATE entries SET record = x'00' WHERE sequence = 4", "record 4 was changed"),
        ("UPDATE entries SET at = at + 1 WHERE sequence = 4", "record 4 was changed"),
        ("UPDATE entries SET previous = zeroblob(32) WHERE sequence = 4", "record 4 does not follow"),
        ("UPDATE entries SET hash = zeroblob(32) WHERE sequence = 4", "record 4 was changed"),
        ("DELETE FROM entries WHERE sequence = 4", "record 4 is missing"),
        ("DELETE FROM entries WHERE sequence = 1", "record 1 is missing"),
        ("UPDATE meta SET epoch = epoch + 1", "record 1 was changed"),
        ("UPDATE cursor SET acknowledged = 7", "the cursor stands beyond the last record"),
        ("DELETE FROM meta", "record 1 was changed"),
    ],
)
def test_a_journal_changed_by_hand_is_refused_and_says_where(path: Path, statement: str, what: str) -> None:
    journal = opened(path)
    fill(journal, 6)
    journal.close()
    change(path, statement)
    with pytest.raises(JournalError, match=f"{what}.*a new epoch begins"):
        opened(path, epoch=EPOCH + 1)


def test_a_change_before_the_tail_is_found_by_verifying_the_whole(path: Path) -> None:
    journal = opened(path)
    fill(journal, 400)
    journal.close()
    change(path, "UPDATE entries SET reason = 9 WHERE sequence = 17")
    still_opens = opened(path)
    with pytest.raises(JournalError, match="record 17 was changed"):
        still_opens.verify()
    still_opens.close()


def test_the_cursor_moves_forward_and_back_and_is_durable(path: Path) -> None:
    journal = opened(path)
    fill(journal, 5)
    journal.acknowledge(4, {})
    assert sequences(journal) == [5]
    journal.close()
    again = opened(path)
    assert again.acknowledged() == 4
    again.acknowledge(2, {})
    assert sequences(again) == [3, 4, 5]
    assert sequences(again, limit=2) == [3, 4]
    again.close()


@pytest.mark.parametrize(
    ("through", "rejected"), [(6, {}), (-1, {}), (5, {6: "beyond"}), (5, {0: "before"}), (2, {-3: "nowhere"})]
)
def test_an_answer_for_records_that_do_not_exist_moves_nothing(
    journal: SqliteJournal, through: int, rejected: dict[int, str]
) -> None:
    fill(journal, 5)
    journal.acknowledge(3, {})
    with pytest.raises(JournalError, match="holds records 1 to 5"):
        journal.acknowledge(through, rejected)
    assert journal.acknowledged() == 3
    assert journal.quarantined() == []


def test_what_the_collector_refused_is_quarantined_with_its_reason_and_not_deleted(path: Path) -> None:
    journal = opened(path)
    fill(journal, 5)
    journal.acknowledge(5, {2: "not intact", 4: "x" * 10_000}, at=77)
    journal.close()
    again = opened(path)
    assert again.quarantined() == [
        Quarantined(sequence=2, why="not intact", at=77),
        Quarantined(sequence=4, why="x" * 500, at=77),
    ]
    assert [entry.key.sequence for entry in again.entries(0, 10)] == [1, 2, 3, 4, 5]
    again.close()


def test_accepted_taps_are_found_again_by_their_time(journal: SqliteJournal) -> None:
    for number in range(600):
        journal.append(moment=Moment.at(1000 + number), reason=0 if number % 2 else 64, record=b"")
    found = [entry.at for entry in journal.accepted_since(1000 + 20)]
    assert found == list(range(1021, 1600, 2))


def test_the_newest_trusted_time_is_that_of_the_newest_record_with_a_trusted_clock(journal: SqliteJournal) -> None:
    assert journal.newest_trusted_at() is None
    journal.append(moment=Moment(unix_s=2_000_000_000, tick_ms=0), reason=0, record=b"")
    journal.append(moment=Moment(unix_s=1_790_000_000, tick_ms=0), reason=0, record=b"")
    journal.append(moment=Moment(unix_s=12, tick_ms=0, trusted=False), reason=61, record=b"")
    assert journal.newest_trusted_at() == 1_790_000_000


def test_a_full_journal_refuses_the_record_and_goes_on_without_a_gap_when_there_is_room(path: Path) -> None:
    journal = opened(path, max_bytes=96 << 10)
    appended = 0
    with pytest.raises(JournalError, match=r"full.*nothing recorded is lost"):
        while True:
            journal.append(moment=Moment.at(1), reason=0, record=bytes(1000))
            appended += 1
    with pytest.raises(JournalError, match="full"):
        journal.append(moment=Moment.at(1), reason=0, record=bytes(5000))
    assert journal.next_sequence() == appended + 1
    journal.close()
    roomier = opened(path)
    assert roomier.append(moment=Moment.at(1), reason=0, record=b"fits").sequence == appended + 1
    assert roomier.verify() == appended + 1
    roomier.close()


def test_the_journal_of_another_device_is_refused(path: Path) -> None:
    opened(path).close()
    with pytest.raises(JournalError, match="is the journal of device gate-7, not of gate-8"):
        opened(path, "gate-8")
    opened(path).close()  # and the lock was given back


def test_a_second_writer_is_refused_while_a_reader_may_look(path: Path, journal: SqliteJournal) -> None:
    fill(journal, 3)
    with pytest.raises(JournalError, match="in use by process"):
        opened(path)
    view = JournalView.open(path)
    fill(journal, 1)
    assert (view.device, view.epoch, view.last_sequence(), view.verify()) == ("gate-7", EPOCH, 4, 4)
    view.close()


def test_one_thread_may_acknowledge_while_another_appends(journal: SqliteJournal) -> None:
    done = threading.Event()
    failures: list[Exception] = []

    def acknowledge() -> None:
        try:
            while not done.is_set() or journal.pending(1):
                if entries := journal.pending(7):
                    journal.acknowledge(entries[-1].key.sequence, {})
        except JournalError as error:
            failures.append(error)

    thread = threading.Thread(target=acknowledge)
    thread.start()
    fill(journal, 200)
    done.set()
    thread.join()
    assert failures == []
    assert (journal.acknowledged(), journal.verify()) == (200, 200)


@given(content=st.binary(min_size=1, max_size=200), at=st.none() | st.floats(0, 1))
@example(content=b"SQLite format 3\0", at=None)
@example(content=b"\xff" * 16, at=0.0)
@example(content=b"\0\0\0\0", at=0.001)
def test_any_bytes_as_a_journal_are_a_journal_or_the_one_error(content: bytes, at: float | None) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "journal.db")
        if at is None:
            path.write_bytes(content)
        else:  # a real one, with other bytes in it
            made = opened(path)
            fill(made, 20)
            made.close()
            whole = bytearray(path.read_bytes())
            start = int(at * len(whole))
            whole[start : start + len(content)] = content
            path.write_bytes(whole)
        try:
            journal = opened(path)
        except JournalError as refused:
            assert str(path) in refused.thing
            return
        try:
            journal.pending(1000)
            journal.verify()
            journal.append(moment=Moment.at(1_790_000_100), reason=0, record=b"the next")
        except JournalError as refused:
            assert str(path) in refused.thing
        finally:
            journal.close()
