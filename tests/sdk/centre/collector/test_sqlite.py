"""What is true of the store in one SQLite file alone."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sdk.centre.collector.test_store import entries, give, held, linked
from tests.uplinks import append
from yima.sdk.centre.collector.schema import StoreError
from yima.sdk.centre.collector.store import Store
from yima.validator.journal import SegmentJournal
from yima.validator.ports import Entry

__all__ = ["entries"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "trips.db")
    yield store
    store.close()


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


def test_an_entry_whose_row_was_moved_away_is_held_all_the_same(store: Store, entries: list[Entry]) -> None:
    """As old days may be: who sends it again is no forger, and what comes behind it is not held up."""
    give(store, entries[:5])
    with store._file.transaction() as connection:
        connection.execute("DELETE FROM entries WHERE sequence < 5")
    assert give(store, entries[2:7]) == (7, {})
    assert held(store) == [5, 6, 7]
    assert store.journeys()[0].conflicts == 0


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
