"""A journal, a store and a collector on loopback, all real."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from yima.sdk.centre.collector.app import Collector
from yima.sdk.centre.collector.store import Store
from yima.sdk.serving import Serving
from yima.validator.journal import SegmentJournal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SegmentJournal]:
    journal = SegmentJournal(tmp_path / "journal", "gate-7", epoch_for_new=7)
    yield journal
    journal.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "trips.db")
    yield store
    store.close()


@pytest.fixture
def serving(store: Store) -> Iterator[Serving]:
    with Serving(Collector(store).app()) as serving:
        yield serving
