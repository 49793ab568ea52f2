"""Random days, settled twice: by the centre's steps, and by the plain reading of the same rules. They agree."""

import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.sdk.centre.clearing import centre, world
from tests.sdk.centre.clearing.plain import Plain
from tests.sdk.centre.clearing.world import DAY, NOON, STATIONS, Device
from yima.sdk.centre.clearing.rides.rules import MissingExit, RideRules
from yima.sdk.centre.clearing.tables import REDUCTIONS, REVERSALS
from yima.sdk.centre.clearing.workspace import Workspace
from yima.validator.journal.facts import Outcome
from yima.validator.judging import Direction, Mode
from yima.validator.parameters import Parameters

DAYS = [DAY + n for n in range(6)]
MISSING_EXIT = 700
TRICKS = [
    "", "", "", "", "again", "reuse", "reverse", "reverse late", "not passed", "damage", "tapped again",
    "tapped again late", "told late", "reuse reverse late", "reuse reverse both",
]  # fmt: skip
ACTS = st.fixed_dictionaries(
    {
        "card": st.integers(1, 4),
        "place": st.sampled_from(["bus", *(f"{way}-{s}" for way in ("in", "out") for s in STATIONS)]),
        "at": st.integers(0, 2 * 86400).map(lambda s: s - s % 600),
        "late": st.sampled_from([0, 0, 0, 0, 1, 2, 4]),
        "student": st.booleans(),
        "told": st.sampled_from(["nothing", "right", "other"]),
        "trick": st.sampled_from(TRICKS),
    }
)


@cache
def tariff() -> Parameters:
    with tempfile.TemporaryDirectory() as folder:
        return world.parameters(Path(folder) / "source")


def devices() -> dict[str, Device]:
    made = {"bus": Device("bus-1", tariff()), "bus-2": Device("bus-2", tariff())}
    for station in STATIONS:
        made[f"in-{station}"] = Device(f"in-{station}", tariff(), Mode.METRO, Direction.ENTRY, station)
        made[f"out-{station}"] = Device(f"out-{station}", tariff(), Mode.METRO, Direction.EXIT, station)
    return made


def play(acts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What collectors hold of these acts, in the order of receipt."""
    made = devices()
    entered: dict[int, tuple[int, int]] = {}
    extra: list[dict[str, Any]] = []
    for count, act in enumerate(sorted(acts, key=lambda act: act["at"])):
        device = made[act["place"]]
        now = NOON - 43200 + act["at"] + count
        received = now + 20 + 86400 * act["late"]
        data = world.OUTSIDE
        if act["place"].startswith("out"):
            entry = entered.get(act["card"], (205, now - 1000))
            told = {"nothing": None, "right": entry, "other": (309, now - 15000)}[act["told"]]
            data = b"" if told is None else world.inside(*told)
        kind = 3 if act["student"] else 0
        cap = 600 if act["card"] == 3 and act["place"].startswith("in") else 2000  # less than a missing exit costs
        code = world.rider(act["card"], data=data, account_type=kind, cap=cap).code(now - 5)
        device.tap(code, now, received=received)
        sequence = len(device.entries)
        if act["place"].startswith("in"):
            entered[act["card"]] = (device.station, now)
        if act["trick"] == "again":
            extra.append(device.entries[-1] | {"received": received + 86400})
        elif act["trick"].startswith("reuse"):
            made["bus-2"].tap(code, now + 1, received=received + 1)
            if act["trick"] != "reuse":
                device.outcome(sequence, Outcome.FAILED, now + 2, reverses=True, received=received + 86400)
            if act["trick"] == "reuse reverse both":
                second = len(made["bus-2"].entries)
                made["bus-2"].outcome(
                    second, Outcome.FAILED, now + 2, reverses=True, received=received + 86400 * act["card"]
                )
        elif act["trick"].startswith("reverse"):
            later = 86400 if act["trick"] == "reverse late" else 0
            device.outcome(sequence, Outcome.FAILED, now + 2, reverses=True, received=received + later)
        elif act["trick"] == "not passed":
            device.outcome(sequence, Outcome.NOT_PASSED, now + 2, reverses=False, received=received)
        elif act["trick"] in {"tapped again", "tapped again late", "told late"}:
            told = received + (86400 if act["trick"] == "told late" else 0)
            later = received + (86400 if act["trick"] == "tapped again late" else 0)
            device.outcome(sequence, Outcome.NOT_PASSED, now + 2, reverses=False, received=told)
            code = world.rider(act["card"], data=data, account_type=kind, cap=cap).code(now + 300)
            device.tap(code, now + 300, received=max(told, later))
        elif act["trick"] == "damage":
            row = device.entries[-1]
            row["entry"] = row["entry"][:-40] + bytes([row["entry"][-40] ^ 1]) + row["entry"][-39:]
    return sorted(world.all_rows(*made.values()) + extra, key=lambda row: row["received"])


def split(held: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What two collectors hold: what is there twice came by way of the second."""
    seen: set[Any] = set()
    first: list[dict[str, Any]] = []
    second: list[dict[str, Any]] = []
    for row in held:
        key = (row["device"], row["sequence"])
        (second if key in seen else first).append(row)
        seen.add(key)
    return first, second


# Days take seconds, and no two runs sign alike: a day that fails is printed as it is, not searched for a smaller one. A
# few runs with many acts show as much as many with few, in less time.
@pytest.mark.slow
@settings(
    max_examples=4,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(ACTS, min_size=30, max_size=50), st.sampled_from([0, 1, 2]))
def test_random_days_come_out_the_same(acts: list[dict[str, Any]], close_after: int) -> None:
    held = play(acts)
    expected = Plain([tariff()], days=DAYS, close_after=close_after, missing_exit=MISSING_EXIT).run(held)
    with tempfile.TemporaryDirectory() as folder:
        first, second = split(held)
        stores = [world.store(Path(folder) / "a.db", first), world.store(Path(folder) / "b.db", second)]
        workspace = Workspace(Path(folder) / "w")
        rules = RideRules(close_after_days=close_after, missing_exit=(MissingExit(city=0, since=0, fen=MISSING_EXIT),))
        centre.run(workspace, stores, centre.published(tariff()), DAYS, rules=rules)
        assert centre.why(workspace) == expected.why
        found = centre.rides(workspace)
        assert {
            name: {key: ride[key] for key in expected.rides[name]} for name, ride in found.items()
        } == expected.rides
        assert {row["ride_id"]: row["day"] for row in centre.rows(workspace, REVERSALS)} == expected.reversals
        reduced: dict[str, int] = {}
        for row in centre.rows(workspace, REDUCTIONS):
            assert row["fen"] < 0
            reduced[row["ride_id"]] = reduced.get(row["ride_id"], 0) + row["fen"]
        for name, ride in found.items():
            assert ride["gross_fen"] + reduced.get(name, 0) == ride["fare_fen"]
        workspace.close()
