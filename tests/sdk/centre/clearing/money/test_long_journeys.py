"""Journeys of more than a day (`pair_within_s`), which come in behind the month in which they began."""

from pathlib import Path
from typing import Any

import pytest

from tests.sdk.centre.clearing.money.test_settle import RATES, RULES, compare, engine, settled
from tests.sdk.centre.clearing.money.world import moment, ride, workspace_of, world
from yima.sdk.centre.clearing.days import midnight
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.money.tables import CLEARED

__all__ = ["engine"]

SHANGHAI: dict[str, Any] = {"city": 310000, "issuer": "99310000", "issuer_city": 310000, "operator": "99310001"}


def test_a_journey_of_days_makes_companions_in_the_month_in_which_it_began(engine: Engine, tmp_path: Path) -> None:
    """The month before was looked at for what came in on a first of a month alone: what a rider owes hung on that."""
    rides = [
        ride(1, moment_s=moment(20260731, 1260), day=20260731, service_date=20260731, line=1, **SHANGHAI),
        ride(2, moment_s=moment(20260731, 1350), day=20260731, service_date=20260731, line=2, device="b", **SHANGHAI),
        ride(
            3, moment_s=moment(20260802, 600), day=20260802, service_date=20260802, mode=2, device="out",
            entry_at=moment(20260731, 1320), entry_line=5, line=5, **SHANGHAI,
        ),
    ]  # fmt: skip
    said = world(rides, rules=RULES, rates=RATES)
    workspace = workspace_of(tmp_path / "one", said)
    settled(workspace, engine, said)
    compare(workspace, said)
    of_second = [row for row in workspace.read(CLEARED).to_pylist() if row["ride_id"] == rides[1]["ride_id"]]
    assert [(row["day"], row["fare_fen"], row["reverses"]) for row in of_second] == [
        (20260731, 100, False), (20260802, -100, True), (20260802, 200, False),
    ]  # fmt: skip
    workspace.close()


@pytest.mark.parametrize(("entered", "left"), [(20260131, 20260302), (20260130, 20260301), (20260630, 20260730)])
def test_a_journey_may_have_begun_two_months_before(entered: int, left: int, engine: Engine, tmp_path: Path) -> None:
    """The longest that rules allow, 30 days, is longer than a February."""
    begun = midnight(entered) + 22 * 3600
    ended = begun + 30 * 86400
    rides = [
        ride(1, moment_s=begun - 3600, day=entered, service_date=entered, line=1, **SHANGHAI),
        ride(2, moment_s=begun + 1800, day=entered, service_date=entered, line=2, device="b", **SHANGHAI),
        ride(
            3, moment_s=ended, day=left, service_date=left, mode=2, device="out",
            entry_at=begun, entry_line=5, line=5, **SHANGHAI,
        ),
    ]  # fmt: skip
    said = world(rides, rules=RULES, rates=RATES)
    workspace = workspace_of(tmp_path / "one", said)
    settled(workspace, engine, said, (entered, left))
    booked = [row for row in workspace.read(CLEARED, day=left).to_pylist() if row["ride_id"] == rides[1]["ride_id"]]
    assert [(row["fare_fen"], row["reverses"]) for row in booked] == [(-100, True), (200, False)]
    workspace.close()
