"""The fleet's tables, empty, in SQLite and in a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import new_database, server
from yima.sdk.centre.fleet.database import Database, open_fleet

__all__ = ["new_database", "server"]


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store's name, as --store has it."""
    if request.param == "sqlite":
        return str(tmp_path / "trips.db")
    url: str = request.getfixturevalue("new_database")()
    return url


@pytest.fixture
def database(store: str) -> Iterator[Database]:
    opened = open_fleet(store)
    yield opened
    opened.close()
