"""The collector's stores: tests that take `store` run on each."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.postgres import new_database, server
from yima.sdk.centre.collector.arrivals import Ledger
from yima.sdk.centre.collector.postgres import PostgresStore
from yima.sdk.centre.collector.store import Store

__all__ = ["new_database", "server"]


@pytest.fixture(params=["sqlite", "postgresql"])
def again(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Ledger]:
    """Opens the test's own store, anew at each call."""
    if request.param == "sqlite":
        return lambda: Store(tmp_path / "trips.db")
    url: str = request.getfixturevalue("new_database")()
    return lambda: PostgresStore(url)


@pytest.fixture
def store(again: Callable[[], Ledger]) -> Iterator[Ledger]:
    store = again()
    yield store
    store.close()
