"""Entries that somebody put into a collector's store, and that no device signed: they change nothing for anybody."""

import sqlite3
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.centre.clearing import centre, folders, world
from tests.sdk.centre.clearing.test_against_plain import tariff
from tests.sdk.centre.clearing.test_signatures import KEY, OTHER, collected, engine, give
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

__all__ = ["engine"]
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


WAYS = ["unsigned", "under another key", "as what a key was taken for"]


@pytest.mark.parametrize("late", [0, 1])
def test_an_outcome_that_the_device_did_not_sign_takes_no_ride_back(tmp_path: Path, engine: Engine, late: int) -> None:
    """A device for each way in which it came."""
    good: list[Path] = []
    bad: list[Path] = []
    for number, way in enumerate(WAYS):
        device = Device(f"bus-{number}", tariff())
        for card in range(6):
            device.tap(world.rider(10 * number + card).code(NOON), NOON + card)
        forger = forger_of(device, 6)
        forger.outcome(1, Outcome.FAILED, NOON + 10, reverses=True, received=NOON + 60 + late * DAY_S)
        good.append(collected(tmp_path / f"good-{number}.db", device, [(1, 6, 1)]))
        bad.append(tmp_path / f"bad-{number}.db")
        if way == "under another key":
            collected(bad[-1], forger, [(1, 7, 60 + late * DAY_S)], OTHER)
        elif way == "unsigned":
            world.store(bad[-1], forger.entries[6:])
        else:
            world.store(bad[-1], [], forger.entries[6:])
    keys = {f"bus-{number}": frozenset({KEY.public}) for number in range(len(WAYS))}
    workspace = found(tmp_path, engine, [good, bad] if late else [[*good, *bad]], keys=keys)
    assert centre.rows(workspace, VOIDS) == []
    for number, way in enumerate(WAYS):
        mine = [row for row in centre.rows(workspace, CHECKS) if row["device"] == f"bus-{number}"]
        assert {row["sequence"] for row in mine if row["verdict"] == "OK"} == {1, 2, 3, 4, 5, 6}, way
        (why,) = {row["why"] for row in mine if row["sequence"] == 7}
        assert why == ("DEVICE_SIGNATURE" if way == "under another key" else "UNSIGNED"), way
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


@pytest.mark.parametrize("way", ["whole", "broken", "of the older form"])
def test_an_entry_that_the_device_did_not_sign_is_no_link_and_takes_no_place(
    tmp_path: Path, engine: Engine, way: str
) -> None:
    """Read on the first day, when half of the journal was there; a device for each place at which it was put in."""
    forged, buses = [], []
    for number, sequence in enumerate((4, 5, 9, (1 << 63) - 1)):
        buses.append(Device(f"bus-{number}", tariff()))
        for card in range(6):
            buses[-1].tap(world.rider(10 * number + card).code(NOON), NOON + card)
        row = {"device": f"bus-{number}", "epoch": 7, "sequence": sequence, "entry": b"\0" * 50, "previous": b"\1" * 32}
        forged.append(row | {"hash": b"\2" * 32 if way == "broken" else world.link(row), "received": NOON + 60})
    keys = {bus.name: frozenset({KEY.public}) for bus in buses}
    bad = world.store(tmp_path / "bad.db", forged)
    if way == "of the older form":
        with sqlite3.connect(bad) as connection:
            connection.execute("UPDATE entries SET form = 1")
    good = [collected(tmp_path / f"good-{bus.name}.db", bus, [(1, 3, 1)]) for bus in buses]
    workspace = found(tmp_path, engine, [[bad, *good]], keys=keys)
    for bus, store in zip(buses, good, strict=True):
        give(Store(store), bus, [(4, 6, DAY_S)])
        ingest(workspace, SqliteSource(store))
    for day in (DAY + 1, DAY + 2):
        check_day(workspace, engine, centre.published(tariff()), day, threads=1, keys=keys)
    for row in forged:
        counted = [
            check["sequence"]
            for check in centre.rows(workspace, CHECKS)
            if check["device"] == row["device"] and check["why"] == "NONE"
        ]
        assert counted == [1, 2, 3, 4, 5, 6], row["sequence"]
        key = {name: row[name] for name in ("device", "epoch", "sequence")}
        assert DAY in arrived(workspace, engine, [key], before=DAY + 3), row["sequence"]
    workspace.close()


def test_an_outcome_that_the_device_did_not_sign_decides_no_dispute(tmp_path: Path) -> None:
    """A ride for which one was forged is disputed, and one for which none was."""
    path = folders.folder(tmp_path / "centre")
    for left in (*(path / INCOMING).iterdir(), *(path / STORES).iterdir()):
        left.unlink()
    (path / "devices.txt").write_text(f"bus-1 {KEY.public}\nbus-2 {KEY.public}\n")
    records: list[dict[str, str | int]] = []
    for number in (1, 2):
        device = Device(f"bus-{number}", tariff())
        device.tap(world.rider(number).code(NOON), NOON)
        device.outcome(1, Outcome.PASSED, NOON + 3, reverses=False)
        collected(path / STORES / f"good-{number}.db", device, [(1, 2, 1)])
        if number == 1:
            forger = forger_of(device, 2)
            forger.outcome(1, Outcome.NOT_PASSED, NOON + 4, reverses=False)
            world.store(path / STORES / "bad.db", forger.entries[2:])
        records.append({
            "dispute_id": f"n-{number}", "reference": f"bus-{number}/7/1", "raised_by": folders.ISSUER,
            "reason": "NO_PASSAGE", "claimed_fen": -1,
        })  # fmt: skip
    raised = header("ED", DAY + 1, folders.ISSUER, 2) + "\n" + "".join(line("ED", record) for record in records)
    (path / INCOMING / file_name("ED", DAY + 1, folders.ISSUER, 1)).write_text(raised)
    with Centre(CentreFolder(path), memory="200MB") as opened:
        opened.ingest()
        for day in (DAY, DAY + 1):
            for step in STEPS:
                opened.run(step, day)
        decided = {
            row["dispute_id"]: (row["decision"], row["reply"]) for row in centre.rows(opened.workspace, DISPUTES)
        }
    assert decided == dict.fromkeys(("n-1", "n-2"), ("REFUSED", "GATE_SAW_PASSAGE"))
