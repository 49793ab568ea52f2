"""The example is what it says: real stores, the same out of the same seed, and the centre comes to the truth."""

import json
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.sdk.centre.example import region_at_work
from tests.sdk.centre.example.region_at_work import DAYS, ODD, SEED, TAPS
from yima.sdk.centre.clearing.money.tables import POSTINGS
from yima.sdk.centre.clearing.tables import ALL, Cause, Kind, Table, Why
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.centre.collector.proofs import proven
from yima.sdk.centre.collector.store import Store
from yima.sdk.centre.collector.weighing import SAID
from yima.sdk.centre.example import comparing, truth
from yima.sdk.centre.example.comparing import compare
from yima.sdk.centre.example.journeys import Happens
from yima.sdk.centre.example.making import ExampleError, make_example
from yima.sdk.centre.example.sending import send_again
from yima.validator.journal.facts import Facts, FactsError, TapFacts, parse


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return region_at_work.example(tmp_path_factory)


@pytest.fixture(scope="module")
def cleared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy: a process has its workspace for itself."""
    made = tmp_path_factory.mktemp("cleared") / "region"
    return Path(shutil.copytree(region_at_work.cleared_example(tmp_path_factory), made))


def rows(folder: Path, table: Table) -> list[dict[str, Any]]:
    files = sorted((folder / "truth" / table.name).glob("*.parquet"))
    return [row for path in files for row in pq.read_table(path).to_pylist()]


def held(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What a store has, but for when it came and how its rows are numbered."""
    connection = sqlite3.connect(path)
    found = {}
    for table, more in (("entries", "rejected, received"), ("conflicts", "received")):
        columns = f"device, epoch, sequence, {SAID}, {more}"
        found[table] = connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2, 3, 12").fetchall()
    proofs = "SELECT device, epoch, first, last, form, key, signature, body, received FROM batches ORDER BY id"
    found["batches"] = connection.execute(proofs).fetchall()
    found["keys"] = connection.execute("SELECT * FROM keys ORDER BY device").fetchall()
    connection.close()
    return found


def told(path: Path) -> list[tuple[Any, ...]]:
    """What entries say but for signatures and what is computed over them."""
    rows = []
    content_at = SAID.split(", ").index("content")
    for device, epoch, sequence, *rest in held(path)["entries"]:
        content = rest[content_at]
        try:
            facts: Facts | None = parse(content)[0]
        except FactsError:
            facts = None  # it is damaged
        if isinstance(facts, TapFacts):
            facts = replace(facts, digest=None)  # it goes over the issuer's signature
        rows.append((device, epoch, sequence, facts))
    return rows


def stores(folder: Path) -> list[Path]:
    return sorted((folder / "stores").glob("*.db"))


def copied(path: Path, folder: Path) -> Path:
    """A store of the example for this test alone: one process opens a store, and the example is everybody's."""
    return Path(shutil.copyfile(path, folder / f"source-{path.name}"))


def test_it_has_as_many_taps_as_were_asked_for(example: Path) -> None:
    asked = json.loads((example / "example.json").read_bytes())
    taps = [row for row in rows(example, truth.TAPS) if row["why"] != Why.CONFLICT]
    extra = [row for row in taps if row["happens"] == Happens.LATE_REVERSAL]
    assert len(taps) - len(extra) == TAPS == asked["made"]["taps"]
    assert asked["made"]["copies"] > 0
    assert asked["made"]["late"] > 0


def test_everything_that_can_happen_happens(example: Path) -> None:
    assert {row["happens"] for row in rows(example, truth.TAPS)} == set(Happens)
    rides = rows(example, truth.RIDES)
    assert {row["kind"] for row in rides} == set(Kind)
    assert {row["cause"] for row in rides} == set(Cause) - {Cause.OVER_CAP, Cause.NO_SUCH_RIDE}
    assert {row["why"] for row in rows(example, truth.TAPS)} >= {Why.CHAIN, Why.RECORD, Why.CONFLICT, Why.DOUBLE_USE}


def test_stores_hold_what_the_collector_itself_would_have_stored(tmp_path: Path, example: Path) -> None:
    for path in stores(example):
        send_again(copied(path, tmp_path), tmp_path / path.name)
        assert held(tmp_path / path.name) == held(path), path.name


def test_every_batch_is_signed_by_its_device(example: Path, tmp_path: Path) -> None:
    for path in stores(example):
        store = Store(copied(path, tmp_path))
        keys = dict(held(path)["keys"][place][:2] for place in range(len(held(path)["keys"])))
        for journey in store.journeys():
            found = proven(store, journey.device, journey.epoch, keys[journey.device])
            assert found.broken == ()
            assert len(found.entries) == journey.acknowledged
        store.close()


@pytest.mark.slow
@pytest.mark.long
def test_the_same_seed_gives_the_same_on_any_number_of_processors(tmp_path: Path, example: Path) -> None:
    make_example(tmp_path, TAPS, SEED, days=DAYS, shares=ODD, workers=1)
    for path in stores(example):
        assert told(tmp_path / "stores" / path.name) == told(path), path.name
    for table in truth.ALL.values():
        assert undigested(tmp_path, table) == undigested(example, table), table.name
    for part in ("parameters", "incoming", "rules.toml", "rates.toml", "identity.toml", "example.json"):
        assert files(tmp_path / part) == files(example / part), part
    assert stated(tmp_path) == stated(example)


def undigested(folder: Path, table: Table) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "code_digest"} for row in rows(folder, table)]


def stated(folder: Path) -> dict[str, bytes]:
    """What files of statements say, without their signatures."""
    return {name: content.rpartition(b"\n")[0][:-137] for name, content in files(folder / "statements").items()}


def files(path: Path) -> dict[str, bytes]:
    found = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    return {str(one.relative_to(path)): one.read_bytes() for one in found}


def test_the_centre_comes_to_the_truth(cleared: Path) -> None:
    workspace = Workspace(cleared / "workspace")
    assert compare(workspace, cleared) == []
    workspace.close()


def test_tables_are_asked_where_they_lie_and_what_does_not_fit_goes_to_scratch(cleared: Path) -> None:
    """They were read whole: at ten million taps that took 20 GB, and the result with it."""
    workspace = Workspace(cleared / "workspace")
    with comparing.seen(workspace, [POSTINGS]) as tables:
        views = tables.execute("SELECT sql FROM duckdb_views() WHERE view_name = 'postings'").fetchall()
        settings = tables.execute("SELECT current_setting('memory_limit'), current_setting('temp_directory')")
        assert settings.fetchone() == ("1.8 GiB", str(workspace.scratch))
    workspace.close()
    assert all("read_parquet" in sql for (sql,) in views)
    assert views


@pytest.mark.parametrize(
    "table", ["checks", "voids", "rides", "reversals", "cleared", "disputes", "persons", "members", "statements"]
)
def test_a_row_that_is_lost_is_a_difference(cleared: Path, tmp_path: Path, table: str) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(cleared / "workspace", folder)
    path = next(iter(sorted((folder / "tables" / table).rglob("*.parquet"))))
    content = pq.read_table(path)
    pq.write_table(content.slice(1), path)
    workspace = Workspace(folder)
    differences = compare(workspace, cleared)
    workspace.close()
    assert differences
    assert all(one.should is not None for one in differences)


def test_a_fare_that_is_another_is_a_difference(cleared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(cleared / "workspace", folder)
    path = next(iter(sorted((folder / "tables" / "rides").rglob("*.parquet"))))
    content = pq.read_table(path)
    changed = content.to_pylist()
    changed[0]["fare_fen"] += 1
    pq.write_table(content.from_pylist(changed, content.schema), path)
    workspace = Workspace(folder)
    (difference,) = compare(workspace, cleared)
    workspace.close()
    assert (difference.what, difference.name) == ("ride", changed[0]["ride_id"])
    assert str(difference).startswith(f"ride {changed[0]['ride_id']}: should be ")


def test_too_few_taps_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ExampleError, match="499 taps"):
        make_example(tmp_path / "new", 499, 1)


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept", encoding="utf-8")
    with pytest.raises(ExampleError, match="is not empty"):
        make_example(tmp_path, 500, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


assert set(truth.ALL) < set(ALL) | {"disputes", "persons", "groups", "files"}
