"""Entries that somebody put into a collector's store, and that no device signed: they change nothing for anybody."""

import sqlite3
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.centre.clearing import centre, folders, world
from tests.sdk.centre.clearing.test_against_plain import tariff
from tests.sdk.centre.clearing.test_signatures import KEY, OTHER, bus, collected, engine, give
from tests.sdk.centre.clearing.world import DAY, NOON, Device
from yima.sdk.centre.clearing.day import STEPS, Centre
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.files.layouts import file_name, header, line
from yima.sdk.centre.clearing.folder import INCOMING, STORES, CentreFolder
from yima.sdk.centre.clearing.money.tables import DISPUTES
from yima.sdk.centre.clearing.tables import CHECKS, VOIDS
from yima.sdk.centre.clearing.taps.arrivals import arrived
from yima.sdk.centre.clearing.taps.checks import check_day
from yima.sdk.centre.clearing.taps.ingest import ingest
from yima.sdk.centre.clearing.taps.stores import SqliteSource
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.centre.collector.store import Store
from yima.validator.journal.facts import Outcome

__all__ = ["bus", "engine"]
KEYS = {"bus-1": frozenset({KEY.public})}
DAY_S = 86400


def forger_of(device: Device, entries: int) -> Device:
    """Whoever has seen so many entries of a journal, and goes on with it."""
    forger = copy(device)
    forger.entries = list(device.entries[:entries])
    return forger


def found(folder: Path, engine: Engine, days: Sequence[Sequence[Path]], **more: Any) -> Workspace:
    """The workspace after these stores of each day were read, one day after the other."""
    workspace = Workspace(folder / "w")
    for day, stores in enumerate(days, DAY):
        for store in stores:
            ingest(workspace, SqliteSource(store))
        check_day(workspace, engine, centre.published(tariff()), day, threads=1, **({"keys": KEYS} | more))
    return workspace


def whys(workspace: Workspace) -> list[tuple[int, str]]:
    return [(row["sequence"], row["why"]) for row in centre.rows(workspace, CHECKS)]


@pytest.mark.parametrize("way", ["unsigned", "under another key", "as what a key was taken for"])
@pytest.mark.parametrize("late", [0, 1])
def test_an_outcome_that_the_device_did_not_sign_takes_no_ride_back(
    tmp_path: Path, bus: Device, engine: Engine, way: str, late: int
) -> None:
    forger = forger_of(bus, 6)
    forger.outcome(1, Outcome.FAILED, NOON + 10, reverses=True, received=NOON + 60 + late * DAY_S)
    good, bad = collected(tmp_path / "good.db", bus, [(1, 6, 1)]), tmp_path / "bad.db"
    if way == "under another key":
        collected(bad, forger, [(1, 7, 60 + late * DAY_S)], OTHER)
    elif way == "unsigned":
        world.store(bad, forger.entries[6:])
    else:
        world.store(bad, [], forger.entries[6:])
    workspace = found(tmp_path, engine, [[good], [bad]] if late else [[good, bad]])
    counted = {row["sequence"] for row in centre.rows(workspace, CHECKS) if row["verdict"] == "OK"}
    assert (counted, centre.rows(workspace, VOIDS)) == ({1, 2, 3, 4, 5, 6}, [])
    (why,) = {why for sequence, why in whys(workspace) if sequence == 7}
    assert why == ("DEVICE_SIGNATURE" if way == "under another key" else "UNSIGNED")
    workspace.close()


def test_an_outcome_counts_that_came_unsigned_and_signed(tmp_path: Path, engine: Engine) -> None:
    device = Device("bus-1", tariff())
    device.tap(world.rider(1).code(NOON), NOON)
    device.outcome(1, Outcome.FAILED, NOON + 2, reverses=True)
    bare = world.store(tmp_path / "bare.db", device.entries[1:])
    workspace = found(tmp_path, engine, [[bare, collected(tmp_path / "good.db", device, [(1, 2, 1)])]])
    assert whys(workspace) == [(1, "REVERSED"), (2, "UNSIGNED")]
    workspace.close()


def test_a_tap_that_is_only_held_as_another_one_under_its_key_is_not_paid(tmp_path: Path, engine: Engine) -> None:
    """Of such entries a store keeps no signature, whatever stands in its table of entries."""
    device = Device("bus-1", tariff())
    device.tap(world.rider(1).code(NOON), NOON)
    workspace = found(tmp_path, engine, [[world.store(tmp_path / "bad.db", [], device.entries)]])
    assert whys(workspace) == [(1, "UNSIGNED")]
    workspace.close()


@pytest.mark.parametrize("sequence", [4, 5, 9, (1 << 63) - 1])
@pytest.mark.parametrize("way", ["whole", "broken", "of the older form"])
def test_an_entry_that_the_device_did_not_sign_is_no_link_and_takes_no_place(
    tmp_path: Path, bus: Device, engine: Engine, sequence: int, way: str
) -> None:
    """Read on the first day, when half of the journal was there."""
    forged = {"device": "bus-1", "epoch": 7, "sequence": sequence, "entry": b"\0" * 50, "previous": b"\1" * 32}
    forged |= {"hash": b"\2" * 32 if way == "broken" else world.link(forged), "received": NOON + 60}
    bad = world.store(tmp_path / "bad.db", [forged])
    if way == "of the older form":
        with sqlite3.connect(bad) as connection:
            connection.execute("UPDATE entries SET form = 1")
    good = collected(tmp_path / "good.db", bus, [(1, 3, 1)])
    workspace = found(tmp_path, engine, [[bad, good]])
    give(Store(good), bus, [(4, 6, DAY_S)])
    ingest(workspace, SqliteSource(good))
    for day in (DAY + 1, DAY + 2):
        check_day(workspace, engine, centre.published(tariff()), day, threads=1, keys=KEYS)
    assert [sequence for sequence, why in whys(workspace) if why == "NONE"] == [1, 2, 3, 4, 5, 6]
    key = {"device": "bus-1", "epoch": 7, "sequence": sequence}
    assert DAY in arrived(workspace, engine, [key], before=DAY + 3)
    workspace.close()


@pytest.mark.parametrize("forges", [False, True])
def test_an_outcome_that_the_device_did_not_sign_decides_no_dispute(tmp_path: Path, forges: bool) -> None:
    path = folders.folder(tmp_path / "centre")
    for left in (*(path / INCOMING).iterdir(), *(path / STORES).iterdir()):
        left.unlink()
    (path / "devices.txt").write_text(f"bus-1 {KEY.public}\n")
    device = Device("bus-1", tariff())
    device.tap(world.rider(1).code(NOON), NOON)
    device.outcome(1, Outcome.PASSED, NOON + 3, reverses=False)
    collected(path / STORES / "good.db", device, [(1, 2, 1)])
    if forges:
        forger = forger_of(device, 2)
        forger.outcome(1, Outcome.NOT_PASSED, NOON + 4, reverses=False)
        world.store(path / STORES / "bad.db", forger.entries[2:])
    record: dict[str, str | int] = {
        "dispute_id": "n-1", "reference": "bus-1/7/1", "raised_by": folders.ISSUER, "reason": "NO_PASSAGE",
        "claimed_fen": -1,
    }  # fmt: skip
    raised = header("ED", DAY + 1, folders.ISSUER, 1) + "\n" + line("ED", record)
    (path / INCOMING / file_name("ED", DAY + 1, folders.ISSUER, 1)).write_text(raised)
    with Centre(CentreFolder(path), memory="200MB") as opened:
        opened.ingest()
        for day in (DAY, DAY + 1):
            for step in STEPS:
                opened.run(step, day)
        (row,) = centre.rows(opened.workspace, DISPUTES)
    assert (row["decision"], row["reply"]) == ("REFUSED", "GATE_SAW_PASSAGE")
