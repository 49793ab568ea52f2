"""Who did not pass and tapped again pays once, on whatever days the two taps and the gate's word came."""

from pathlib import Path

import pytest

from tests.sdk.centre.clearing import centre, world
from tests.sdk.centre.clearing.lines import HOUR, Line
from tests.sdk.centre.clearing.test_against_plain import tariff
from tests.sdk.centre.clearing.test_signatures import engine
from tests.sdk.centre.clearing.world import DAY, NOON, Device
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.rides.rules import MissingExit, RideRules
from yima.sdk.centre.clearing.tables import CHECKS, REVERSALS, RIDES, VOIDS
from yima.sdk.centre.clearing.workspace import Workspace
from yima.validator.journal.facts import Outcome
from yima.validator.judging import Direction

__all__ = ["engine"]
DAY_S = 86400
MIDNIGHT = NOON + 12 * HOUR


def standing(workspace: Workspace) -> dict[str, int]:
    """The rides that were not taken back, with their fares."""
    back = {row["ride_id"] for row in centre.rows(workspace, REVERSALS)}
    return {row["ride_id"]: row["fare_fen"] for row in centre.rows(workspace, RIDES) if row["ride_id"] not in back}


def test_the_days_on_which_things_come_are_no_matter(tmp_path: Path, engine: Engine) -> None:
    """Days late: the first tap, the word that nobody passed, the second tap."""
    late = [
        (0, 0, 0),
        (0, 0, 1),
        (0, 0, 3),
        (0, 1, 0),
        (0, 1, 1),
        (0, 1, 2),
        (0, 3, 1),
        (1, 1, 0),
        (1, 2, 0),
        (2, 2, 1),
    ]
    devices = []
    for card, (at, days) in enumerate((at, days) for at in (NOON, MIDNIGHT - 120) for days in late):
        first, told, again = (at + 300 + DAY_S * count for count in days)
        bus, other = Device(f"first-{card}", tariff()), Device(f"second-{card}", tariff())
        bus.tap(world.rider(card).code(at), at, received=first)
        bus.outcome(1, Outcome.NOT_PASSED, at + 5, reverses=False, received=told)
        other.tap(world.rider(card).code(at + 240), at + 240, received=again)
        devices += [bus, other]
    workspace = Workspace(tmp_path / "w")
    store = world.store(tmp_path / "s.db", world.all_rows(*devices))
    centre.run(workspace, [store], centre.published(tariff()), [DAY + n for n in range(5)], engine=engine)
    assert standing(workspace) == {f"second-{card}/7/1": 200 for card in range(2 * len(late))}
    whys = {row["why"] for row in (*centre.rows(workspace, CHECKS), *centre.rows(workspace, VOIDS))}
    assert whys == {"NONE", "NOT_PASSED"}
    workspace.close()


def test_over_midnight_it_must_follow_as_soon_as_within_a_day(tmp_path: Path, engine: Engine) -> None:
    bus, at = Device("bus-1", tariff()), MIDNIGHT - 120
    for card in (600, 601):
        bus.tap(world.rider(card).code(at), at)
        bus.outcome(len(bus.entries), Outcome.NOT_PASSED, at + 5, reverses=False)
    for card in (600, 601):
        bus.tap(world.rider(card).code(at + card), at + card)
    workspace = Workspace(tmp_path / "w")
    store = world.store(tmp_path / "s.db", bus.entries)
    centre.run(workspace, [store], centre.published(tariff()), [DAY, DAY + 1], engine=engine)
    assert sorted(standing(workspace)) == ["bus-1/7/3", "bus-1/7/5", "bus-1/7/6"]
    workspace.close()


def test_a_retry_that_was_taken_back_lets_the_first_tap_count(tmp_path: Path, engine: Engine) -> None:
    """The second gate did not open: the first one did, and nobody can say that it was for nothing."""
    bus, other, at = Device("bus-1", tariff()), Device("bus-2", tariff()), MIDNIGHT - 120
    bus.tap(world.rider(1).code(at), at)
    bus.outcome(1, Outcome.NOT_PASSED, at + 5, reverses=False)
    other.tap(world.rider(1).code(at + 240), at + 240)
    other.outcome(1, Outcome.FAILED, at + 241, reverses=True)
    workspace = Workspace(tmp_path / "w")
    store = world.store(tmp_path / "s.db", world.all_rows(bus, other))
    centre.run(workspace, [store], centre.published(tariff()), [DAY, DAY + 1], engine=engine)
    assert standing(workspace) == {"bus-1/7/1": 200}
    workspace.close()


@pytest.mark.parametrize("at", [MIDNIGHT - HOUR, MIDNIGHT - 120], ids=["on one day", "over midnight"])
def test_an_entry_that_was_tapped_again_costs_no_missing_exit(tmp_path: Path, at: int) -> None:
    line = Line(tmp_path)
    line.enter(2, 101, at)
    line.gates[Direction.ENTRY, 101].outcome(1, Outcome.NOT_PASSED, at + 5, reverses=False)
    line.enter(2, 101, at + 240)
    line.leave(2, 309, at + HOUR, world.inside(101, at + 240))
    line.rides(6, RideRules(missing_exit=(MissingExit(city=0, since=0, fen=700),)))
    assert list(standing(line.workspace).values()) == [500]
