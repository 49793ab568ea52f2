"""A collector's store in PostgreSQL, a real one that the test starts: the same day gives the same bytes as SQLite."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.postgres import new_database, server
from tests.sdk.centre.clearing import centre, world
from tests.sdk.centre.clearing.folders import copied, folder
from tests.sdk.centre.clearing.test_against_plain import tariff
from tests.sdk.centre.clearing.test_signatures import COUNT, KEY, bus, collected, engine, give
from tests.sdk.centre.clearing.world import DAY, NOON, Device
from yima.sdk.centre.clearing.day import STEPS, Centre
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.folder import STORES, CentreFolder
from yima.sdk.centre.clearing.tables import BATCHES, CHECKS, ENTRIES
from yima.sdk.centre.clearing.taps.checks import check_day
from yima.sdk.centre.clearing.taps.ingest import ingest
from yima.sdk.centre.clearing.taps.postgres import PostgresSource
from yima.sdk.centre.clearing.taps.stores import SourceError, SqliteSource
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.centre.collector.postgres import PostgresStore
from yima.sdk.centre.collector.postgres_schema import DAY_S, make_day

__all__ = ["bus", "engine", "new_database", "server"]
psycopg = pytest.importorskip("psycopg", reason="needs the extra postgres")


@pytest.fixture
def database(new_database: Callable[[], str]) -> str:
    """A database of the test's own, with the collector's tables."""
    url = new_database()
    PostgresStore(url).close()
    return url


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
    with psycopg.connect(connection.info.dsn) as own:
        for day in {row[places["received"]] // DAY_S for row in rows}:
            make_day(own, day)
    values = [tuple(row[places[name]] for name in [*kept, numbered]) for row in rows]
    marks = ", ".join(["%s"] * (len(kept) + 1))
    connection.cursor().executemany(f"INSERT INTO {table} ({', '.join([*kept, 'id'])}) VALUES ({marks})", values)


def named(path: Path, database: str) -> Path:
    path.write_text(f"{database}\n")
    return path


def cleared(path: Path) -> dict[str, bytes]:
    with Centre(CentreFolder(path), memory="200MB") as opened:
        opened.ingest()
        for day in (DAY, DAY + 1):
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
    for chunk, sizes in ((1, [1] * COUNT), (4, [4, COUNT - 4])):
        pieces = PostgresSource(path, chunk=chunk).chunks({})
        assert [piece.rows.num_rows for piece in pieces if piece.rows.num_rows] == sizes, "no more lies in memory"
    assert found[0] == found[1]
    assert sorted(found[2][0], key=lambda row: row["sequence"]) == found[0][0]


def test_what_a_collector_stored_there_is_cleared_as_from_its_file(
    tmp_path: Path, bus: Device, engine: Engine, database: str
) -> None:
    """The same batches, given to both of the collector's own stores."""
    sent = [(1, 2, 1), (1, 2, 2), (2, 4, 2), (3, 6, 3)]
    file = SqliteSource(collected(tmp_path / "s.db", bus, sent))
    give(PostgresStore(database), bus, sent)
    found = []
    for name, source in (("file", file), ("database", PostgresSource(named(tmp_path / "s.pg", database)))):
        workspace = Workspace(tmp_path / name)
        assert ingest(workspace, source).entries == COUNT
        keys = {"bus-1": frozenset({KEY.public})}
        check_day(workspace, engine, centre.published(tariff()), DAY, threads=1, keys=keys)
        assert [row["why"] for row in centre.rows(workspace, CHECKS)] == ["NONE"] * COUNT
        found.append((centre.rows(workspace, ENTRIES), centre.rows(workspace, CHECKS)))
        workspace.close()
    assert found[0] == found[1]


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


def test_another_database_under_the_same_name_is_read_whole(
    tmp_path: Path, bus: Device, database: str, new_database: Callable[[], str]
) -> None:
    """Of the same server, so that numbers of its transactions go on; its batches count from 1 again."""
    path, workspace = named(tmp_path / "s.pg", database), Workspace(tmp_path / "w")
    give(PostgresStore(database), bus, [(1, 2, 1), (3, 4, 2)])
    assert ingest(workspace, PostgresSource(path, chunk=1)).entries == 4
    other = Device("bus-2", tariff())
    for card in range(5):
        other.tap(world.rider(20 + card).code(NOON), NOON + card)
    another = new_database()
    give(PostgresStore(another), other, [(1, 3, 3), (4, 5, 4)])
    with psycopg.connect(another) as connection:  # where the cursor stood
        for table in ("entries", "batches"):
            connection.execute(f"UPDATE {table} SET stored = '3' WHERE id = (SELECT min(id) FROM {table})")
    named(path, another)
    assert ingest(workspace, PostgresSource(path, chunk=1)).entries == 5
    assert ingest(workspace, PostgresSource(path)).entries == 0
    names = [row["batch"] for row in centre.rows(workspace, BATCHES)]
    assert len(names) == len(set(names)) == 4
    workspace.close()


def test_a_dump_restored_on_another_server_is_named_with_what_to_do(tmp_path: Path, bus: Device, database: str) -> None:
    """Its rows lie in what is the future of this server's transactions; once they do not, all is read again."""
    path, workspace = named(tmp_path / "s.pg", database), Workspace(tmp_path / "w")
    give(PostgresStore(database), bus, [(1, 4, 1)])
    assert ingest(workspace, PostgresSource(path)).entries == 4
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE entries SET stored = '999999999999'")
    give(PostgresStore(database), bus, [(5, 6, 2)])
    with pytest.raises(SourceError, match="UPDATE entries SET stored") as raised:
        ingest(workspace, PostgresSource(path))
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE" + raised.value.remedy.en.partition("UPDATE")[2])
    assert ingest(workspace, PostgresSource(path)).entries == 6
    workspace.close()


@pytest.mark.parametrize("said", ["", "host=/nowhere user=nobody", "what=ever", "\0"])
def test_a_store_that_is_not_there_is_named_with_what_to_do(tmp_path: Path, said: str) -> None:
    path = tmp_path / "city.pg"
    path.write_text(said)
    with pytest.raises(SourceError, match=r"city\.pg.*pgpass"):
        list(PostgresSource(path).chunks({}))


def test_a_database_of_another_shape_is_named(tmp_path: Path, new_database: Callable[[], str]) -> None:
    path = named(tmp_path / "city.pg", new_database())
    with pytest.raises(SourceError, match=r"batches.*docs/clearing.md"):
        list(PostgresSource(path).chunks({}))


@pytest.mark.parametrize(
    "said",
    [
        "host=db password geheim", "host=db geheim", "password='geheim", "postgresql://centre:geheim@db:x/yima?geheim",
        "postgresql://centre:ge%heim@db/yima", "geheim=1",
    ],
)  # fmt: skip
def test_what_libpq_cannot_read_is_not_repeated(tmp_path: Path, said: str) -> None:
    """A password that was written in spite of the advice stood in the error."""
    path = tmp_path / "city.pg"
    path.write_text(said)
    with pytest.raises(SourceError, match=r"city\.pg.*service=collector") as raised:
        list(PostgresSource(path).chunks({}))
    assert "heim" not in str(raised.value)
