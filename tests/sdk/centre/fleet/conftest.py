"""The fleet's tables, empty, in SQLite and in a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sdk.centre.clearing.test_postgres import cluster, psycopg
from yima.sdk.centre.fleet.database import Database, open_fleet

__all__ = ["cluster"]


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store's name, as --store has it."""
    if request.param == "sqlite":
        return str(tmp_path / "trips.db")
    home = request.getfixturevalue("cluster").split()[0].removeprefix("host=")
    address = f"postgresql://yima@/postgres?host={home}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return address


@pytest.fixture
def database(store: str) -> Iterator[Database]:
    opened = open_fleet(store)
    yield opened
    opened.close()
