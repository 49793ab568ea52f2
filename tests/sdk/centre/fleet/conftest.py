"""The fleet's tables, empty, in SQLite and in a real PostgreSQL, and a city that has them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.postgres import new_database, server
from tests.sdk.centre.clearing import world
from tests.sdk.centre.fleet.city import City
from yima.sdk.centre.fleet.database import Database, open_fleet
from yima.validator.parameters import Parameters

__all__ = ["new_database", "server"]


@pytest.fixture
def in_postgres(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Makes a store's name in an empty database."""
    return lambda: str(request.getfixturevalue("new_database")())


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def store(request: pytest.FixtureRequest, tmp_path: Path, in_postgres: Callable[[], str]) -> str:
    """A store's name, as --store has it."""
    return str(tmp_path / "trips.db") if request.param == "sqlite" else in_postgres()


@pytest.fixture
def database(store: str) -> Iterator[Database]:
    opened = open_fleet(store)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def parameters(tmp_path_factory: pytest.TempPathFactory) -> Parameters:
    return world.parameters(tmp_path_factory.mktemp("source"))


@pytest.fixture
def city(tmp_path: Path, database: Database, parameters: Parameters) -> City:
    return City(tmp_path, database, parameters)
