"""The collector's store: contiguous, never overwritten, one bad entry never holds up the rest."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.entries import AT, note, tap
from tests.uplinks import KEY, append, record
from tests.vectors.make_facts import vectors
from yima.sdk.centre.collector.schema import StoreError
from yima.sdk.centre.collector.store import CONFLICT, Arrival, Journey, KeyRefusedError, Store
from yima.validator.journal import SegmentJournal, chain
from yima.validator.journal.facts import parse, write
from yima.validator.ports import Entry, JournalKey
from yima.validator.uplink.batches import Acknowledgement, Batch


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "trips.db")
    yield store
    store.close()


@pytest.fixture
def entries(tmp_path: Path) -> list[Entry]:
    """Ten entries of a journal."""
    journal = SegmentJournal(tmp_path / "journal", "gate-7", epoch_for_new=7)
    append(journal, 10)
    found = journal.entries(0, 10)
    journal.close()
    return found


def give(store: Store, entries: list[Entry], *, device: str = "gate-7", epoch: int = 7) -> tuple[int, dict[int, str]]:
    answer, _ = store.accept(Batch(device=device, epoch=epoch, entries=tuple(entries)), KEY.public, received=99)
    return answer.acknowledged, answer.rejected


def linked(entry: Entry) -> Entry:
    """With the hash that belongs to it."""
    return replace(entry, hash=chain(entry.previous, *entry.key, entry.content))


def held(store: Store, epoch: int = 7) -> list[int]:
    return [row["sequence"] for row in store.entries("gate-7", epoch, after=0, limit=100)]


def test_what_follows_without_a_gap_is_held_and_acknowledged(store: Store, entries: list[Entry]) -> None:
    assert give(store, entries[:4]) == (4, {})
    assert give(store, entries[4:]) == (10, {})
    assert held(store) == list(range(1, 11))


def test_several_devices_batches_are_one_transaction_and_each_has_its_answer(
    store: Store, entries: list[Entry]
) -> None:
    mine = Batch(device="gate-7", epoch=7, entries=tuple(entries))
    foreign, again = replace(mine, entries=()), Arrival(mine, KEY.public, 9)
    found = store.accept_all([again, Arrival(foreign, "bb" * 32, 9), again])
    assert found[0] == (Acknowledgement(10, {}), True)
    assert isinstance(found[1], KeyRefusedError)
    assert found[2] == (Acknowledgement(10, {}), False)
    assert held(store) == list(range(1, 11))


def test_who_reads_keeps_no_batch_waiting(store: Store, entries: list[Entry]) -> None:
    """A list of all journals counted every entry under the writers' lock."""
    with store._file.reading() as connection:
        rows = connection.execute("SELECT * FROM entries")
        assert give(store, entries) == (10, {})
        assert rows.fetchall() == []


def test_a_store_of_the_form_before_knows_how_far_its_journals_have_come(
    store: Store, entries: list[Entry], tmp_path: Path
) -> None:
    wrong = linked(replace(entries[3], content=b"damaged"))
    give(store, [*entries[:3], wrong])
    give(store, entries[3:4])
    before = store.journeys()
    assert (before[0].acknowledged, before[0].rejected, before[0].conflicts) == (4, 1, 1)
    store.close()
    with sqlite3.connect(tmp_path / "trips.db") as connection:
        connection.execute("DROP TABLE heads")
        connection.execute("DROP TABLE statements")
        connection.execute("PRAGMA user_version=2")
    connection.close()
    upgraded = Store(tmp_path / "trips.db")
    assert upgraded.journeys() == before
    following = linked(replace(entries[4], previous=wrong.hash))
    assert give(upgraded, [following]) == (5, {})
    upgraded.close()


def test_a_repeat_is_answered_as_success_and_held_once(store: Store, entries: list[Entry]) -> None:
    give(store, entries[:6])
    assert give(store, entries[:6]) == (6, {})
    assert give(store, entries[2:8]) == (8, {})
    assert held(store) == list(range(1, 9))


def test_beyond_a_gap_nothing_is_held(store: Store, entries: list[Entry]) -> None:
    assert give(store, entries[1:]) == (0, {})
    assert give(store, [*entries[:3], *entries[5:]]) == (3, {})
    assert held(store) == [1, 2, 3]


def test_a_question_is_answered_and_stores_nothing(store: Store, entries: list[Entry]) -> None:
    assert give(store, []) == (0, {})
    give(store, entries[:2])
    assert give(store, []) == (2, {})


def test_journals_of_different_epochs_and_devices_do_not_meet(store: Store, entries: list[Entry]) -> None:
    give(store, entries)
    assert give(store, [], epoch=8) == (0, {})
    assert give(store, [], device="gate-8") == (0, {})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"content": b"changed"}, "hash does not match"),
        ({"content": tap(AT + 1, body=record(b"code 4"))}, "hash does not match"),
        ({"key": JournalKey("gate-7", 7, 5), "content": b""}, "hash does not match"),
        ({"hash": bytes(32)}, "hash does not match"),
    ],
)
def test_a_changed_entry_is_refused_once_and_recorded_as_refused(
    store: Store, entries: list[Entry], changes: dict[str, object], why: str
) -> None:
    forged = replace(entries[4], **changes)  # type: ignore[arg-type]
    acknowledged, rejected = give(store, [*entries[:4], forged, *entries[5:]])
    assert acknowledged == 10
    assert why in rejected[5]
    # Where its hash was touched, the next entry's link breaks as well; then the chain is whole again.
    assert set(rejected) <= {5, 6}
    assert give(store, [forged])[1] == {5: rejected[5]}
    assert store.entries("gate-7", 7, after=4, limit=1)[0]["rejected"] == rejected[5]


def test_an_entry_that_does_not_follow_is_refused(store: Store, entries: list[Entry]) -> None:
    other = linked(replace(entries[3], previous=bytes(range(32))))
    acknowledged, rejected = give(store, [*entries[:3], other])
    assert (acknowledged, list(rejected)) == (4, [4])
    assert "does not follow" in rejected[4]


TAP = parse(bytes.fromhex(vectors()["tap-bus"]["entry"]))[0]
REFUSED = bytes.fromhex(vectors()["tap-refused"]["entry"])
OUTCOME = bytes.fromhex(vectors()["outcome-failed"]["entry"])


def test_entries_of_every_kind_are_held(tmp_path: Path, store: Store) -> None:
    journal = SegmentJournal(tmp_path / "journal", "gate-7", epoch_for_new=7)
    for content in (write(TAP) + record(b"code"), REFUSED, OUTCOME, note(b"text")):
        journal.append(content)
    assert give(store, journal.entries(0, 10)) == (4, {})
    journal.close()


@pytest.mark.parametrize(
    "content",
    [
        b"no record",
        record(b"code"),
        write(TAP),
        write(TAP) + b"code",
        write(TAP) + record(b"code")[:-1],
        REFUSED[:100],
        OUTCOME + b"\0",
    ],
)
def test_a_record_that_is_not_intact_is_refused_and_the_chain_goes_on(
    tmp_path: Path, store: Store, content: bytes
) -> None:
    journal = SegmentJournal(tmp_path / "journal", "gate-7", epoch_for_new=7)
    append(journal, 1)
    journal.append(content)
    append(journal, 1)
    acknowledged, rejected = give(store, journal.entries(0, 10))
    journal.close()
    assert acknowledged == 3
    assert list(rejected) == [2]
    assert "intact" in rejected[2] or "facts cannot be read" in rejected[2]


def test_another_record_under_a_sequence_that_is_held_is_refused_and_kept_as_evidence(
    store: Store, entries: list[Entry]
) -> None:
    give(store, entries)
    fork = linked(replace(entries[4], content=tap(body=record(b"another code"))))
    assert give(store, [fork]) == (10, {5: CONFLICT})
    assert give(store, [fork]) == (10, {5: CONFLICT})
    assert store.entries("gate-7", 7, after=4, limit=1)[0]["content"] == entries[4].content
    assert store.journeys() == [Journey(device="gate-7", epoch=7, acknowledged=10, rejected=0, conflicts=1, last_at=AT)]


def test_the_first_key_is_the_devices_and_any_other_is_refused(store: Store, entries: list[Entry]) -> None:
    batch = Batch(device="gate-7", epoch=7, entries=tuple(entries[:2]))
    assert store.accept(batch, "aa" * 32, received=1)[1] is True
    assert store.accept(batch, "aa" * 32, received=1)[1] is False
    with pytest.raises(KeyRefusedError, match="first seen with another key"):
        store.accept(batch, "bb" * 32, received=1)


def test_only_enrolled_devices_with_their_own_key_are_heard(store: Store, entries: list[Entry]) -> None:
    batch = Batch(device="gate-7", epoch=7, entries=tuple(entries[:2]))
    for enrolled in ({}, {"gate-8": "aa" * 32}, {"gate-7": "bb" * 32}):
        with pytest.raises(KeyRefusedError, match="not enrolled with this key"):
            store.accept(batch, "aa" * 32, received=1, enrolled=enrolled)
    assert store.journeys() == []
    assert store.accept(batch, "aa" * 32, received=1, enrolled={"gate-7": "aa" * 32})[0].acknowledged == 2
    # A device that got a new key is enrolled anew, by a person.
    assert store.accept(batch, "bb" * 32, received=1, enrolled={"gate-7": "bb" * 32})[0].acknowledged == 2


def test_a_full_store_acknowledges_nothing_that_it_does_not_hold(tmp_path: Path, entries: list[Entry]) -> None:
    path = tmp_path / "small.db"
    small = Store(path, max_bytes=64 << 10)
    journal = SegmentJournal(tmp_path / "long.db", "gate-7", epoch_for_new=7)
    append(journal, 2000)
    taken = 0
    with pytest.raises(StoreError, match="full"):
        while True:
            taken, _ = give(small, journal.entries(taken, 50))
    small.close()
    again = Store(path)
    assert 0 < taken == give(again, [])[0]
    assert give(again, journal.entries(taken, 50)) == (taken + 50, {})
    again.close()
    journal.close()


def test_what_was_acknowledged_is_there_after_a_restart_and_one_store_has_one_collector(
    tmp_path: Path, entries: list[Entry]
) -> None:
    path = tmp_path / "trips.db"
    first = Store(path)
    give(first, entries)
    with pytest.raises(StoreError, match="in use by process"):
        Store(path)
    first.close()
    second = Store(path)
    assert held(second) == list(range(1, 11))
    second.close()
