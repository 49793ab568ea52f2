"""What is run on two engines to be compared: the steps from stores to rides, and those of money and files."""

import random
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from tests.sdk.centre.clearing import centre, world
from tests.sdk.centre.clearing.disputes.test_day import file, raised
from tests.sdk.centre.clearing.money.test_settle import made, settled
from tests.sdk.centre.clearing.money.world import DAYS, workspace_of
from tests.sdk.centre.clearing.test_against_plain import play, split, tariff
from tests.sdk.centre.clearing.world import DAY, STATIONS
from yima.sdk.centre.clearing.disputes.answering import answer_disputes
from yima.sdk.centre.clearing.disputes.intake import take_files
from yima.sdk.centre.clearing.disputes.settling import settle_disputes
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.files.reconciling import Side, reconcile
from yima.sdk.centre.clearing.files.writing import write_files
from yima.sdk.centre.clearing.money.settle import STEPS
from yima.sdk.centre.clearing.money.tables import CLEARED
from yima.sdk.centre.clearing.rides.rules import MissingExit, RideRules
from yima.sdk.centre.clearing.workspace import Workspace

TRICKS = (
    "", "", "", "again", "reuse", "reverse", "reverse late", "not passed", "damage", "reuse reverse late",
    "reuse reverse both",
)  # fmt: skip


def acts(count: int, seed: int) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    places = ["bus", *(f"{way}-{station}" for way in ("in", "out") for station in STATIONS)]
    return [
        {
            "card": chance.randint(1, 4),
            "place": chance.choice(places),
            "at": chance.randrange(0, 86400, 600),
            "late": chance.choice([0, 0, 1]),
            "student": chance.random() < 0.5,
            "told": chance.choice(["nothing", "right", "other"]),
            "trick": chance.choice(TRICKS),
        }
        for _ in range(count)
    ]


def taps_and_rides(
    folder: Path, engines: Mapping[str, Engine], *, first_on_duckdb: bool = False
) -> dict[str, dict[str, bytes]]:
    """Two days from stores to rides, on each engine; every file of its workspace. first_on_duckdb: the first day, from
    which rides stay open, is DuckDB's for all of them, and they begin with the second."""
    first, second = split(play(acts(60, 7)))
    stores = [world.store(folder / "a.db", first), world.store(folder / "b.db", second)]
    rules = RideRules(close_after_days=2, missing_exit=(MissingExit(city=0, since=0, fen=700),))

    def run(place: Path, days: list[int], engine: Engine) -> None:
        workspace = Workspace(place)
        centre.run(workspace, stores, centre.published(tariff()), days, rules=rules, engine=engine)
        workspace.close()

    if first_on_duckdb:
        run(folder / "base", [DAY], engines["duckdb"])
    found = {}
    for name, engine in engines.items():
        if first_on_duckdb:
            shutil.copytree(folder / "base", folder / name)
        run(folder / name, [DAY, DAY + 1], engine)
        found[name] = centre.content(folder / name)
    assert any(f"day={DAY + 1}" in name for name in found["duckdb"])
    return found


def second_day(folder: Path, engines: Mapping[str, Engine]) -> dict[str, dict[str, bytes]]:
    """The second of those days alone."""
    return taps_and_rides(folder, engines, first_on_duckdb=True)


def money_and_files(folder: Path, engines: Mapping[str, Engine]) -> dict[str, dict[str, bytes]]:
    """A third day's disputes, bookings and files after two that DuckDB booked; reconciliation beside them."""
    said = made(random.Random(21), 300, 12)
    base = workspace_of(folder / "base", said)
    settled(base, engines["duckdb"], said, DAYS[:2])
    live = base.read(CLEARED, day=DAYS[0]).to_pylist()[0]
    row = raised("d-1", 0, "OTHER", live["issuer"]) | {"reference": live["ride_id"]}
    take_files(base, DAYS[2], [file(folder, "ED", DAYS[2], live["issuer"], [row])])
    base.close()
    found = {}
    for name, engine in engines.items():
        shutil.copytree(folder / "base", folder / name)
        workspace = Workspace(folder / name)
        settle_disputes(workspace, engine, DAYS[2])
        settled(workspace, engine, said, DAYS[2:3])
        write_files(workspace, engine, DAYS[2])
        answer_disputes(workspace, engine, DAYS[2])
        theirs = pa.table({"reference": [live["ride_id"], "none/1/1"], "fen": [live["fare_fen"], 1]})
        code = live["operator"]
        same = reconcile(workspace, engine, theirs, side=Side.OPERATOR, party=code, since=DAYS[0], until=DAYS[2])
        workspace.close()
        found[name] = centre.content(folder / name) | {"reconciled": repr(same.to_pylist()).encode()}
    assert all(f"tables/{table.name}/day={DAYS[2]}/centre.parquet" in found["duckdb"] for table in STEPS)
    return found
