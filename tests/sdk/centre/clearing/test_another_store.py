"""Another store under the name of one that was read, restored from a copy or new: nothing of it is passed over."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.centre.clearing import centre, world
from tests.sdk.centre.clearing.test_against_plain import tariff
from tests.sdk.centre.clearing.test_signatures import KEY, bus, collected, engine, give
from tests.sdk.centre.clearing.world import DAY, NOON, Device
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.tables import BATCHES, CHECKS, ENTRIES
from yima.sdk.centre.clearing.taps.checks import check_day
from yima.sdk.centre.clearing.taps.ingest import ingest
from yima.sdk.centre.clearing.taps.stores import ParquetSource, SqliteSource, export
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.centre.collector.store import Store

__all__ = ["bus", "engine"]
KEYS = {f"bus-{n}": frozenset({KEY.public}) for n in range(1, 4)}


def device(number: int, taps: int) -> Device:
    made = Device(f"bus-{number}", tariff())
    for card in range(taps):
        made.tap(world.rider(10 * number + card).code(NOON), NOON + card)
    return made


def gone(store: Path) -> None:
    for left in store.parent.glob(f"{store.name}*"):
        left.unlink()


def counted(workspace: Workspace, engine: Engine) -> set[Any]:
    """The taps that count, of those that came; each once."""
    check_day(workspace, engine, centre.published(tariff()), DAY, threads=1, keys=KEYS)
    rows = centre.rows(workspace, CHECKS)
    assert {row["why"] for row in rows} <= {"NONE", "DUPLICATE"}
    found = [(row["device"], row["sequence"]) for row in rows if row["why"] == "NONE"]
    assert len(found) == len(set(found))
    return set(found)


def keys(*sizes: int) -> set[Any]:
    return {(f"bus-{n}", sequence) for n, size in enumerate(sizes, 1) for sequence in range(1, size + 1)}


@pytest.mark.parametrize("chunk", [1, 1000])
def test_a_store_restored_from_a_copy_is_read_without_holes(tmp_path: Path, engine: Engine, chunk: int) -> None:
    """What it had lost comes again, behind what came in between; at the last row read the same entry stands."""
    one, two, three = device(1, 4), device(2, 1), device(3, 1)
    store, workspace = tmp_path / "city.db", Workspace(tmp_path / "w")
    give(Store(store), one, [(1, 2, 1)])
    shutil.copy(store, tmp_path / "copy")
    give(Store(store), two, [(1, 1, 2)])
    give(Store(store), one, [(3, 3, 3)])
    ingest(workspace, SqliteSource(store, chunk=chunk))
    gone(store)
    shutil.copy(tmp_path / "copy", store)
    give(Store(store), three, [(1, 1, 4)])
    give(Store(store), one, [(3, 4, 5)])
    give(Store(store), two, [(1, 1, 6)])
    ingest(workspace, SqliteSource(store, chunk=chunk))
    assert ingest(workspace, SqliteSource(store, chunk=chunk)).entries == 0
    assert counted(workspace, engine) == keys(4, 1, 1)
    workspace.close()


@pytest.mark.parametrize("taps", [1, 3, 6])
@pytest.mark.parametrize("chunk", [1, 1000])
def test_another_store_under_the_same_name_is_read_whole(
    tmp_path: Path, bus: Device, engine: Engine, taps: int, chunk: int
) -> None:
    """On one day, so that its batches and its files stand beside those of the store before it."""
    workspace = Workspace(tmp_path / "w")
    store = collected(tmp_path / "city.db", bus, [(1, 2, 1), (3, 3, 2)])
    ingest(workspace, SqliteSource(store, chunk=chunk))
    gone(store)
    collected(store, device(2, taps), [(n, n, n) for n in range(1, taps + 1)])
    assert ingest(workspace, SqliteSource(store, chunk=chunk)).entries == taps
    gone(store)
    collected(store, device(3, 4), [(1, 4, 9)])
    ingest(workspace, SqliteSource(store, chunk=chunk))
    assert counted(workspace, engine) == keys(3, taps, 4)
    names = [row["batch"] for row in centre.rows(workspace, BATCHES)]
    assert len(names) == len(set(names)) == 3 + taps
    workspace.close()


def test_a_store_without_signatures_in_the_place_of_one_with_them(tmp_path: Path, bus: Device) -> None:
    workspace = Workspace(tmp_path / "w")
    store = collected(tmp_path / "city.db", bus, [(1, 6, 1)])
    ingest(workspace, SqliteSource(store))
    gone(store)
    assert ingest(workspace, SqliteSource(world.store(store, device(2, 4).entries))).entries == 4
    workspace.close()


def test_a_folder_that_was_exported_again_is_read_without_holes(tmp_path: Path, bus: Device, engine: Engine) -> None:
    """What came under a key that was taken stands behind all entries, so that those that came since stand before it."""
    other = Device("bus-1", tariff())
    other.tap(world.rider(99).code(NOON), NOON)
    store, folder, workspace = (
        collected(tmp_path / "s.db", bus, [(1, 3, 1)]),
        tmp_path / "east",
        Workspace(tmp_path / "w"),
    )
    give(Store(store), other, [(1, 1, 2)])
    export(SqliteSource(store), folder)
    ingest(workspace, ParquetSource(folder))
    give(Store(store), bus, [(4, 6, 3)])
    export(SqliteSource(store), folder)
    ingest(workspace, ParquetSource(folder))
    assert ingest(workspace, ParquetSource(folder)).entries == 0
    held = {row["sequence"] for row in centre.rows(workspace, ENTRIES) if not row["conflict"]}
    assert held == {1, 2, 3, 4, 5, 6}
    check_day(workspace, engine, centre.published(tariff()), DAY, threads=1, keys=KEYS)
    found = [(row["sequence"], row["why"]) for row in centre.rows(workspace, CHECKS) if row["verdict"] == "OK"]
    assert found == [(n, "NONE") for n in range(1, 7)]
    workspace.close()
