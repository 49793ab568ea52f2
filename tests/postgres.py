"""A PostgreSQL server for tests, begun once a run and worker; each test has a database of its own."""

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from benchmarks.postgres import LACKING, Cluster, cluster, programs

MEMORY = Path("/dev/shm")  # a sync costs nothing there, and a test cuts no power


@pytest.fixture(scope="session")
def server() -> Iterator[Cluster]:
    """A server that syncs."""
    pytest.importorskip("psycopg", reason="needs the extra postgres")
    if programs() is None:
        pytest.skip(LACKING.en)
    with cluster(MEMORY if os.access(MEMORY, os.W_OK) else None) as made:
        yield made


@pytest.fixture(scope="session")
def new_database(server: Cluster) -> Callable[[], str]:
    """Makes an empty one; its URL."""
    numbers = count(1)
    return lambda: server.make(f"t{next(numbers)}")
