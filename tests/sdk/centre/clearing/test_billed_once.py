"""Every leg is billed once, whatever decides about its ride: a dispute, another rule than yesterday's, midnight."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from tests.sdk.centre.clearing import centre, world
from tests.sdk.centre.clearing.disputes.test_day import booked
from tests.sdk.centre.clearing.lines import HOUR, ONE_DAY, Line, lived
from tests.sdk.centre.clearing.test_against_plain import tariff
from tests.sdk.centre.clearing.world import DAY, NOON
from yima.sdk.centre.clearing.engine import open_engine
from yima.sdk.centre.clearing.money.tables import CLEARED, DISPUTES
from yima.sdk.centre.clearing.rides.rides import ride_day
from yima.sdk.centre.clearing.rides.rules import MissingExit, RideRules
from yima.sdk.centre.clearing.tables import REVERSALS, RIDES
from yima.sdk.centre.clearing.taps.checks import check_day
from yima.sdk.centre.clearing.taps.ingest import ingest
from yima.sdk.centre.clearing.taps.stores import SqliteSource
from yima.sdk.centre.clearing.workspace import Workspace
from yima.validator.journal.facts import Outcome
from yima.validator.judging import Direction

UPHELD = {
    "dispute_id": "d-1", "ride_id": "exit-309/7/1", "raised_by": world.SHANGHAI, "against": "40000001",
    "reason": "OTHER", "decision": "UPHELD", "decided_by": "HAND", "effect": "VOID", "delta_fen": 0,
    "reply": "AGREED", "entry_tap": "entry-101/7/1", "other": None, "day": DAY + 1,
}  # fmt: skip


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(tmp_path)


def test_a_ride_that_a_dispute_has_taken_back_is_not_billed_again_when_its_gates_outcome_comes(line: Line) -> None:
    """Its entry was closed by rule once, and the rider who had been given right paid for a missing exit."""
    line.enter(1, 101, NOON)
    line.leave(1, 309, NOON + HOUR)
    gate = line.gates[Direction.EXIT, 309]
    gate.outcome(1, Outcome.FAILED, NOON + HOUR + 1, reverses=True, received=NOON + 2 * 86400)
    store = world.store(line.folder / "s.db", world.all_rows(*line.gates.values()))
    workspace = Workspace(line.folder / "w")
    engine = open_engine("duckdb", workspace.scratch)
    for day in range(DAY, DAY + 5):
        centre.run(workspace, [store], centre.published(tariff()), [day], rules=ONE_DAY, engine=engine)
        if day == DAY + 1:
            workspace.write(DISPUTES, day, "centre", pa.Table.from_pylist([UPHELD], DISPUTES.schema).to_batches())
        booked(workspace, engine, day)
    engine.close()
    assert [(row["cause"], row["fare_fen"]) for row in centre.rows(workspace, CLEARED)] == [
        ("RIDE", 500), ("DISPUTE", -500)
    ]  # fmt: skip
    workspace.close()


@pytest.mark.parametrize("waits", [[5, 5, 5, 1], [4, 0], [1, 1, 4], [0, 3]])
def test_every_leg_ends_in_one_ride_although_the_rule_for_how_long_it_waits_is_changed(
    line: Line, waits: Sequence[int]
) -> None:
    """Legs that had waited for longer than they were to wait from today on were lost for good."""
    for day in range(3):
        line.enter(day, 101, NOON + day * 86400)
    line.enter(7, 205, NOON + 11 * HOUR)
    line.leave(7, 309, NOON + 13 * HOUR)
    workspace = Workspace(line.folder / "w")
    engine = open_engine("duckdb", workspace.scratch)
    ingest(workspace, SqliteSource(world.store(line.folder / "s.db", world.all_rows(*line.gates.values()))))
    for place, day in enumerate(range(DAY, DAY + 8)):
        check_day(workspace, engine, centre.published(tariff()), day, threads=1, unsigned_counts=True)
        rules = RideRules(close_after_days=waits[min(place, len(waits) - 1)])
        ride_day(workspace, engine, centre.published(tariff()), rules, day)
    engine.close()
    gone = {row["ride_id"] for row in centre.rows(workspace, REVERSALS)}
    standing = [ride for ride in centre.rows(workspace, RIDES) if ride["ride_id"] not in gone]
    assert sorted((ride["entry_tap"], ride["exit_tap"]) for ride in standing) == [
        ("entry-101/7/1", None), ("entry-101/7/2", None), ("entry-101/7/3", None), ("entry-205/7/1", "exit-309/7/1"),
    ]  # fmt: skip
    workspace.close()


@pytest.mark.parametrize(("waits", "taken_back"), [(0, ["entry-205/7/1"]), (1, [])])
def test_a_journey_over_midnight_is_one_ride_where_no_leg_waits(line: Line, waits: int, taken_back: list[str]) -> None:
    """Its entry was closed on its own day, and its exit on the next, as if neither had been late."""
    line.enter(1, 205, NOON + 11 * HOUR)
    line.leave(1, 309, NOON + 13 * HOUR)
    rides = line.rides(3, RideRules(close_after_days=waits, missing_exit=(MissingExit(city=0, since=0, fen=900),)))
    assert lived(line, rides) == {"exit-309/7/1": ("METRO", "entry-205/7/1", 400, DAY + 1)}
    assert [row["ride_id"] for row in centre.rows(line.workspace, REVERSALS)] == taken_back


def test_a_journey_longer_than_legs_wait_is_one_ride(line: Line) -> None:
    line.enter(1, 205, NOON)
    line.leave(1, 309, NOON + 3 * 86400)
    rides = line.rides(5, RideRules(close_after_days=1, pair_within_s=3 * 86400))
    assert [(ride[0], ride[3]) for ride in lived(line, rides).values()] == [("METRO_OVER_TIME", DAY + 3)]
