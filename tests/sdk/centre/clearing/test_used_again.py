"""A code that was shown at two gates pays once, also where the first gate takes its tap back on a later day.

The second tap was kept as evidence for good, and the ride was billed never.
"""

from pathlib import Path

import pytest

from tests.sdk.centre.clearing import centre, world
from tests.sdk.centre.clearing.disputes.test_day import booked
from tests.sdk.centre.clearing.lines import HOUR, Line, lived
from tests.sdk.centre.clearing.test_against_plain import tariff
from tests.sdk.centre.clearing.test_signatures import engine
from tests.sdk.centre.clearing.test_tapped_again import DAY_S, standing
from tests.sdk.centre.clearing.world import DAY, NOON, Device
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.files.writing import write_files
from yima.sdk.centre.clearing.money.tables import CLEARED
from yima.sdk.centre.clearing.rides.rules import MissingExit, RideRules
from yima.sdk.centre.clearing.tables import CHECKS, VOIDS
from yima.sdk.centre.clearing.workspace import Workspace
from yima.validator.journal.facts import Outcome
from yima.validator.judging import Direction

__all__ = ["engine"]


class Buses:
    """Riders who each show one code at several buses, 20 s apart; of each bus (days until its tap comes, days until its
    word comes that it did not open; None: it never does)."""

    def __init__(self, folder: Path, engine: Engine, *riders: tuple[tuple[int, int | None], ...]) -> None:
        self.workspace = Workspace(folder / "w")
        devices = []
        for card, shown in enumerate(riders, 1):
            code = world.rider(card).code(NOON)
            for place, (came, told) in enumerate(shown, 1):
                device, at = Device(f"{card}-{place}", tariff()), NOON + 20 * place
                assert device.tap(code, at, received=at + 30 + DAY_S * came).accepted
                if told is not None:
                    received = at + 40 + DAY_S * max(came, told)
                    device.outcome(1, Outcome.FAILED, at + 2, reverses=True, received=received)
                devices.append(device)
        store = world.store(folder / "s.db", world.all_rows(*devices))
        centre.run(self.workspace, [store], centre.published(tariff()), [DAY + n for n in range(5)], engine=engine)

    def checks(self, device: str) -> list[tuple[int, str]]:
        """What each day said of its tap, oldest first."""
        rows = centre.rows(self.workspace, CHECKS)
        return sorted((row["day"] - DAY, row["why"]) for row in rows if row["device"] == device)


def test_the_second_tap_counts_and_is_booked_since_the_first_one_was_taken_back(tmp_path: Path, engine: Engine) -> None:
    buses = Buses(tmp_path, engine, ((0, 2), (0, None)))
    assert buses.checks("1-1") == [(0, "NONE")]
    assert buses.checks("1-2") == [(0, "DOUBLE_USE"), (2, "NONE")]
    assert [(row["device"], row["day"] - DAY) for row in centre.rows(buses.workspace, VOIDS)] == [("1-1", 2)]
    for day in range(DAY, DAY + 5):
        booked(buses.workspace, engine, day)
    rows = centre.rows(buses.workspace, CLEARED)
    assert sorted((row["day"] - DAY, row["ride_id"], row["fare_fen"]) for row in rows) == [
        (0, "1-1/7/1", 200), (2, "1-1/7/1", -200), (2, "1-2/7/1", 200)
    ]  # fmt: skip
    buses.workspace.close()


def test_of_several_taps_with_one_code_the_earliest_that_stands_pays_at_last(tmp_path: Path, engine: Engine) -> None:
    of: dict[tuple[tuple[int, int | None], ...], int | None] = {
        ((0, 1), (0, 1)): None,  # both were taken back on one day
        ((0, 2), (0, 1)): None,  # the second before the first
        ((0, 1), (0, 3)): None,  # the second after it had come to count
        ((0, 1), (0, None), (0, None)): 2,  # of two that wait the earlier
        ((0, 2), (0, 1), (0, None)): 3,
        ((0, 1), (0, 2), (0, None)): 3,  # one after the other
        ((0, 1), (0, 2), (0, 3)): None,
        ((0, 3), (2, None), (1, None)): 2,  # the earlier came later
        ((0, 1), (1, None)): 2,  # it came on that very day
        ((0, 1), (3, None)): 2,  # and behind it
        ((0, None), (0, None)): 1,
    }
    buses = Buses(tmp_path, engine, *of)
    paid = {f"{card}-{place}/7/1" for card, place in enumerate(of.values(), 1) if place is not None}
    assert standing(buses.workspace) == dict.fromkeys(paid, 200)
    buses.workspace.close()


@pytest.mark.parametrize("waits", [1, 4])
@pytest.mark.parametrize("late", [1, 3])
def test_an_entry_that_counts_at_last_is_paired_with_its_exit(tmp_path: Path, late: int, waits: int) -> None:
    """The first gate did not open, the rider went to the next with the same code; then came out where nobody knew."""
    line = Line(tmp_path)
    code = world.rider(1).code(NOON)
    shut, opened = line.gates[Direction.ENTRY, 101], line.gates[Direction.ENTRY, 205]
    shut.tap(code, NOON)
    shut.outcome(1, Outcome.FAILED, NOON + 2, reverses=True, received=NOON + 60 + DAY_S * late)
    opened.tap(code, NOON + 20)
    line.leave(1, 309, NOON + HOUR, world.inside(205, NOON + 20))
    rules = RideRules(close_after_days=waits, missing_exit=(MissingExit(city=0, since=0, fen=900),))
    rides = lived(line, line.rides(9, rules))
    assert [ride[:3] for ride in rides.values()] == [("METRO", "entry-205/7/1", 400)]


def test_a_leg_that_counts_at_last_stands_in_its_operators_feedback(tmp_path: Path, engine: Engine) -> None:
    line = Line(tmp_path)
    code = world.rider(1).code(NOON)
    shut, opened = line.gates[Direction.ENTRY, 101], line.gates[Direction.ENTRY, 205]
    shut.tap(code, NOON)
    shut.outcome(1, Outcome.FAILED, NOON + 2, reverses=True, received=NOON + 60 + 3 * DAY_S)
    opened.tap(code, NOON + 20)
    store = world.store(tmp_path / "s.db", world.all_rows(shut, opened))
    workspace = Workspace(tmp_path / "w")
    for day in range(DAY, DAY + 4):
        rules = RideRules(close_after_days=5)
        centre.run(workspace, [store], centre.published(tariff()), [day], rules=rules, engine=engine)
        booked(workspace, engine, day)
    folder = write_files(workspace, engine, day)
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["40000001"]
    (feedback,) = (folder / "40000001").glob("FB*")
    (record,) = feedback.read_text().splitlines()[1:]
    assert "entry-205/7/1" in record
    assert "LEG" in record
    workspace.close()
