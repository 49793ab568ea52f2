"""The fleet's tables, empty, in SQLite and in a real PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sdk.centre.clearing.test_postgres import cluster, psycopg
from yima.sdk.centre.fleet.database import Database, open_fleet

__all__ = ["cluster"]


@pytest.fixture
def in_postgres(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Makes a store's name in an empty database."""

    def make() -> str:
        home = request.getfixturevalue("cluster").split()[0].removeprefix("host=")
        address = f"postgresql://yima@/postgres?host={home}"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        return address

    return make


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def store(request: pytest.FixtureRequest, tmp_path: Path, in_postgres: Callable[[], str]) -> str:
    """A store's name, as --store has it."""
    return str(tmp_path / "trips.db") if request.param == "sqlite" else in_postgres()


@pytest.fixture
def database(store: str) -> Iterator[Database]:
    opened = open_fleet(store)
    yield opened
    opened.close()
