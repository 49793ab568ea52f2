"""A collector's store in PostgreSQL, a real one that the test starts: the same day gives the same bytes as SQLite."""

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.centre.clearing import centre
from tests.sdk.centre.clearing.folders import copied, folder
from tests.sdk.centre.clearing.test_against_plain import tariff
from tests.sdk.centre.clearing.test_signatures import COUNT, KEY, bus, collected, engine
from tests.sdk.centre.clearing.world import DAY, Device
from yima.sdk.centre.clearing.day import STEPS, Centre
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.folder import STORES, CentreFolder
from yima.sdk.centre.clearing.tables import CHECKS, ENTRIES
from yima.sdk.centre.clearing.taps.checks import check_day
from yima.sdk.centre.clearing.taps.ingest import ingest
from yima.sdk.centre.clearing.taps.postgres import SHAPE, PostgresSource
from yima.sdk.centre.clearing.taps.stores import SourceError, SqliteSource
from yima.sdk.centre.clearing.workspace import Workspace

__all__ = ["bus", "engine"]
psycopg = pytest.importorskip("psycopg", reason="needs the extra postgres")
USER = "postgres" if os.getuid() == 0 else None  # PostgreSQL runs for nobody who may do everything


def programs() -> Path | None:
    """Where PostgreSQL's programs are, as Debian puts them or on PATH."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return places[-1] if places and (places[-1] / "initdb").exists() else None


def run_as(home: Path, *command: Path | str) -> None:
    """A program of PostgreSQL's, as its user. The server inherits standard output, so that is no pipe."""
    with (home.parent / f"{home.name}.out").open("w+") as out:
        done = subprocess.run(command, user=USER, cwd=home, check=False, stdout=out, stderr=out)
        out.seek(0)
        assert done.returncode == 0, out.read()
    Path(out.name).unlink()


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A cluster of its own on a socket in a temporary folder; the connection string of its server."""
    place = programs()
    if place is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql (make setup does it as root)")
    home = Path(tempfile.mkdtemp(prefix="yima-pg-", dir="/tmp"))
    if USER:
        shutil.chown(home, USER)
    said = ["--auth=trust", "--username=yima", "--encoding=UTF8", "--no-sync", "--pgdata", str(home / "data")]
    options = f"-k {home} -c listen_addresses='' -c fsync=off"
    control: list[Path | str] = [place / "pg_ctl", "-D", home / "data", "-l", home / "log", "-w"]
    try:
        run_as(home, place / "initdb", *said)
        run_as(home, *control, "-o", options, "start")
        yield f"host={home} user=yima"
        run_as(home, *control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home)


@pytest.fixture
def database(cluster: str, request: pytest.FixtureRequest) -> str:
    """A database of the test's own, with the collector's tables."""
    name = f"t{abs(hash(request.node.name))}"
    with psycopg.connect(f"{cluster} dbname=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    with psycopg.connect(f"{cluster} dbname={name}") as connection:
        connection.execute(SHAPE)
    return f"{cluster} dbname={name}"


def brought_over(store: Path, database: str, *, behind: int = 0, upto: int = 1 << 62) -> None:
    """The rows of a SQLite store, in one transaction."""
    with sqlite3.connect(store) as old, psycopg.connect(database) as new:
        for table in ("entries", "conflicts", "batches"):
            if not old.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
                continue
            rows = old.execute(f"SELECT * , rowid AS place FROM {table} WHERE rowid > ? AND rowid <= ?", (behind, upto))
            names = [column[0] for column in rows.description]
            copy(new, table, names, rows.fetchall())


def copy(connection: Any, table: str, names: list[str], rows: list[tuple[Any, ...]]) -> None:
    places = {name: place for place, name in enumerate(names)}
    kept = [name for name in names if name not in {"id", "place"}]
    numbered = "place" if table != "batches" else "id"
    values = [tuple(row[places[name]] for name in [*kept, numbered]) for row in rows]
    marks = ", ".join(["%s"] * (len(kept) + 1))
    connection.cursor().executemany(f"INSERT INTO {table} ({', '.join([*kept, 'id'])}) VALUES ({marks})", values)


def named(path: Path, database: str) -> Path:
    path.write_text(f"{database}\n")
    return path


def cleared(path: Path) -> dict[str, bytes]:
    with Centre(CentreFolder(path), memory="200MB") as opened:
        opened.ingest()
        for day in (DAY, DAY + 1, DAY + 2):
            for step in STEPS:
                opened.run(step, day)
    found = centre.content(path / "workspace")
    del found["state.json"]  # how far which source was read
    return found


def test_the_same_day_from_either_store_is_the_same_bytes(tmp_path: Path, database: str) -> None:
    there = folder(tmp_path / "sqlite")
    here = copied(there, tmp_path / "postgres")
    brought_over(here / STORES / "one.db", database)
    (here / STORES / "one.db").unlink()
    named(here / STORES / "one.pg", database)
    of_sqlite, of_postgres = cleared(there), cleared(here)
    assert len(of_sqlite) > 50 and sorted(of_sqlite) == sorted(of_postgres)
    assert [name for name in of_sqlite if of_sqlite[name] != of_postgres[name]] == []


def test_signatures_come_along_and_a_chunk_is_no_matter(
    tmp_path: Path, bus: Device, engine: Engine, database: str
) -> None:
    store = collected(tmp_path / "s.db", bus, [(1, 2, 1), (3, 4, 2), (5, 6, 2)])
    brought_over(store, database)
    path = named(tmp_path / "s.pg", database)
    found = []
    for name, source in (
        ("sqlite", SqliteSource(store)), ("whole", PostgresSource(path)), ("pieces", PostgresSource(path, chunk=1))
    ):  # fmt: skip
        workspace = Workspace(tmp_path / name)
        assert ingest(workspace, source).entries == COUNT
        assert ingest(workspace, source).entries == 0
        keys = {"bus-1": frozenset({KEY.public})}
        check_day(workspace, engine, centre.published(tariff()), DAY, threads=1, keys=keys)
        assert [row["why"] for row in centre.rows(workspace, CHECKS)] == ["NONE"] * COUNT
        found.append((centre.rows(workspace, ENTRIES), centre.rows(workspace, CHECKS)))
        workspace.close()
    assert found[0] == found[1]
    assert sorted(found[2][0], key=lambda row: row["sequence"]) == found[0][0]


def test_what_is_stored_while_another_transaction_is_open_is_not_passed_over(
    tmp_path: Path, bus: Device, database: str
) -> None:
    """Two collectors: the one that took its numbers first ends last."""
    store = collected(tmp_path / "s.db", bus, [(1, 6, 1)])
    source = PostgresSource(named(tmp_path / "s.pg", database))
    workspace = Workspace(tmp_path / "w")
    with sqlite3.connect(store) as old:
        rows = old.execute("SELECT *, rowid AS place FROM entries")
        names, values = [column[0] for column in rows.description], rows.fetchall()
    slow, quick = psycopg.connect(database), psycopg.connect(database)
    copy(slow, "entries", names, values[:3])
    copy(quick, "entries", names, values[3:])
    quick.commit()
    assert ingest(workspace, source).entries == 0
    slow.commit()
    slow.close()
    quick.close()
    assert ingest(workspace, source).entries == COUNT
    assert ingest(workspace, source).entries == 0
    assert [row["sequence"] for row in centre.rows(workspace, ENTRIES)] == [1, 2, 3, 4, 5, 6]
    workspace.close()


@pytest.mark.parametrize("said", ["", "host=/nowhere user=nobody", "what=ever", "\0"])
def test_a_store_that_is_not_there_is_named_with_what_to_do(tmp_path: Path, said: str) -> None:
    path = tmp_path / "city.pg"
    path.write_text(said)
    with pytest.raises(SourceError, match=r"city\.pg.*pgpass"):
        list(PostgresSource(path).chunks({}))


def test_a_database_of_another_shape_is_named(tmp_path: Path, cluster: str) -> None:
    path = named(tmp_path / "city.pg", f"{cluster} dbname=template1")
    with pytest.raises(SourceError, match=r"batches.*docs/clearing.md"):
        list(PostgresSource(path).chunks({}))
