"""Rides: one test a kind and a cause; random days are in test_against_plain.py."""

import random
from collections.abc import Callable, Generator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.sdk.centre.clearing import centre, world
from tests.sdk.centre.clearing.lines import HOUR, ONE_DAY, Case, Ending, Line, Rides, lived, together
from tests.sdk.centre.clearing.test_against_plain import tariff
from tests.sdk.centre.clearing.world import DAY, NOON
from yima.sdk.centre.clearing.engine import open_engine
from yima.sdk.centre.clearing.rides import rides_sql
from yima.sdk.centre.clearing.rides.rules import MissingExit, RideRules, ride_rules
from yima.sdk.centre.clearing.tables import REDUCTIONS, REVERSALS
from yima.sdk.centre.clearing.toml_rows import Row, TermsError
from yima.sdk.centre.clearing.workspace import Workspace
from yima.validator.journal.facts import Outcome
from yima.validator.judging import Direction

Played = Generator[None, Rides, None]


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(tmp_path)


def a_bus_tap_is_a_ride(line: Line) -> Played:
    line.bus.tap(line.rider(1, world.SUZHOU, data=bytes(10)).code(NOON), NOON)
    (ride,) = (yield).values()
    assert (ride["kind"], ride["issuer"], ride["operator"]) == ("BUS", world.SUZHOU, "40000001")
    assert (ride["gross_fen"], ride["fare_fen"], ride["gate_fare_fen"], ride["cause"]) == (200, 200, 200, "NONE")
    assert (ride["city"], ride["issuer_city"], ride["service_date"]) == (world.CITY, 320500, DAY)


def a_concession_is_a_reduction_with_its_funder(line: Line) -> Played:
    line.bus.tap(line.rider(1, account_type=3).code(NOON), NOON)
    (ride,) = (yield).values()
    assert (ride["gross_fen"], ride["fare_fen"]) == (200, 100)
    (row,) = line.mine(REDUCTIONS)
    assert (row["source"], row["rule"], row["fen"]) == ("GATE", "student-half", -100)
    assert (row["funder"], row["funder_id"]) == ("OPERATOR", "40000001")


def an_exit_whose_code_told_the_same_entry(line: Line) -> Played:
    line.enter(1, 101, NOON)
    line.leave(1, 309, NOON + HOUR, world.inside(101, NOON))
    (ride,) = (yield).values()
    assert (ride["kind"], ride["entry_tap"], ride["exit_tap"]) == ("METRO", "entry-101/7/1", "exit-309/7/1")
    assert (ride["entry_station"], ride["exit_station"], ride["entry_at"]) == (101, 309, NOON)
    assert (ride["fare_fen"], ride["gate_fare_fen"], ride["cause"]) == (500, 500, "NONE")


def an_exit_whose_code_could_not_tell_the_entry_is_priced_from_the_tap(line: Line) -> Played:
    line.enter(1, 205, NOON)
    line.leave(1, 309, NOON + HOUR)
    (ride,) = (yield).values()
    assert (ride["fare_fen"], ride["gate_fare_fen"], ride["cause"]) == (400, 500, "ENTRY_UNKNOWN_AT_GATE")


def an_exit_whose_code_told_an_older_entry(line: Line) -> Played:
    line.enter(1, 101, NOON)
    line.leave(1, 309, NOON + HOUR, world.inside(205, NOON - 600))
    (ride,) = (yield).values()
    assert (ride["fare_fen"], ride["gate_fare_fen"], ride["cause"]) == (500, 400, "OTHER_ENTRY")


def a_concession_is_computed_anew_with_the_fare(line: Line) -> Played:
    line.enter(1, 205, NOON)
    line.leave(1, 309, NOON + HOUR, kind=3)
    (ride,) = (yield).values()
    assert (ride["gross_fen"], ride["fare_fen"], ride["gate_fare_fen"]) == (400, 200, 250)
    assert [row["fen"] for row in line.mine(REDUCTIONS)] == [-200]


def staying_too_long_costs_more(line: Line) -> Played:
    for card, after_s in enumerate((14400, 14401)):
        line.enter(card, 101, NOON)
        line.leave(card, 309, NOON + after_s)
    found = {name: (ride["kind"], ride["gross_fen"], ride["fare_fen"]) for name, ride in (yield).items()}
    assert found == {"exit-309/7/1": ("METRO", 500, 500), "exit-309/7/2": ("METRO_OVER_TIME", 700, 700)}


def a_fare_from_the_centres_entry_that_the_code_forbids_is_not_taken(line: Line) -> Played:
    line.enter(1, 101, NOON)
    code = line.rider(1, data=world.inside(309, NOON), cap=300).code(NOON + HOUR)
    assert line.gates[Direction.EXIT, 309].tap(code, NOON + HOUR).accepted
    (ride,) = (yield).values()
    assert (ride["fare_fen"], ride["gate_fare_fen"], ride["cause"]) == (200, 200, "OVER_CAP")
    assert (ride["core_gross_fen"], ride["core_fare_fen"]) == (None, None)


def the_latest_entry_counts_and_each_is_used_once(line: Line) -> Played:
    line.enter(1, 101, NOON)
    line.enter(1, 205, NOON + 60)
    line.leave(1, 309, NOON + HOUR)
    line.leave(1, 309, NOON + HOUR + 60)
    pairs = {name: ride["entry_tap"] for name, ride in (yield).items()}
    assert pairs == {"exit-309/7/1": "entry-205/7/1", "exit-309/7/2": "entry-101/7/1"}


def an_entry_in_the_same_second_lies_before_the_exit(line: Line) -> Played:
    line.enter(1, 205, NOON)
    line.leave(1, 309, NOON)
    (ride,) = (yield).values()
    assert ride["entry_tap"] == "entry-205/7/1"


OF_ONE_DAY: list[Case] = [
    a_bus_tap_is_a_ride,
    a_concession_is_a_reduction_with_its_funder,
    an_exit_whose_code_told_the_same_entry,
    an_exit_whose_code_could_not_tell_the_entry_is_priced_from_the_tap,
    an_exit_whose_code_told_an_older_entry,
    a_concession_is_computed_anew_with_the_fare,
    staying_too_long_costs_more,
    a_fare_from_the_centres_entry_that_the_code_forbids_is_not_taken,
    the_latest_entry_counts_and_each_is_used_once,
    an_entry_in_the_same_second_lies_before_the_exit,
]


@pytest.fixture(scope="module")
def one_day(tmp_path_factory: pytest.TempPathFactory) -> list[Ending]:
    return together(tmp_path_factory.mktemp("day"), OF_ONE_DAY)


@pytest.mark.parametrize("place", range(len(OF_ONE_DAY)), ids=lambda place: OF_ONE_DAY[place].__name__)
def test_on_one_day(one_day: list[Ending], place: int) -> None:
    one_day[place]()


def an_entry_too_far_back_is_not_the_exits(line: Line) -> Played:
    for card, back_s in enumerate((86400, 86401)):
        line.enter(card, 101, NOON)
        line.leave(card, 309, NOON + back_s)
    kinds = {name: ride["kind"] for name, ride in (yield).items()}
    assert kinds == {
        "exit-309/7/1": "METRO_OVER_TIME", "entry-101/7/2": "METRO_NO_EXIT", "exit-309/7/2": "METRO_NO_ENTRY",
    }  # fmt: skip


def a_missing_exit_costs_no_more_than_the_code_allows(line: Line) -> Played:
    for card, cap in enumerate((2000, 899, 500)):
        assert line.gates[Direction.ENTRY, 101].tap(line.rider(card, cap=cap).code(NOON), NOON).accepted
    found = {name: (ride["kind"], ride["gross_fen"], ride["fare_fen"], ride["cause"]) for name, ride in (yield).items()}
    assert found == {
        f"entry-101/7/{place}": ("METRO_NO_EXIT", fare, fare, "MISSING_EXIT")
        for place, fare in enumerate((900, 899, 500), 1)
    }


OF_LEGS_THAT_WAIT: list[Case] = [
    an_entry_too_far_back_is_not_the_exits, a_missing_exit_costs_no_more_than_the_code_allows
]  # fmt: skip


@pytest.fixture(scope="module")
def four_days(tmp_path_factory: pytest.TempPathFactory) -> list[Ending]:
    return together(tmp_path_factory.mktemp("days"), OF_LEGS_THAT_WAIT, 4, ONE_DAY)


@pytest.mark.parametrize("place", range(len(OF_LEGS_THAT_WAIT)), ids=lambda place: OF_LEGS_THAT_WAIT[place].__name__)
def test_when_a_leg_waits_a_day(four_days: list[Ending], place: int) -> None:
    four_days[place]()


@pytest.mark.parametrize("late", ["entry", "exit"])
def test_a_leg_that_comes_days_late_is_still_paired(line: Line, late: str) -> None:
    line.enter(1, 205, NOON, received=NOON + 2 * 86400 * (late == "entry"))
    line.leave(1, 309, NOON + HOUR, received=NOON + HOUR + 2 * 86400 * (late == "exit"))
    (ride,) = line.rides(4).values()
    assert (ride["kind"], ride["day"], ride["service_date"], ride["fare_fen"]) == ("METRO", DAY + 2, DAY, 400)


def test_missing_legs_are_closed_by_rule_when_they_have_waited(line: Line) -> None:
    line.enter(1, 101, NOON)
    line.leave(2, 309, NOON)
    rules = RideRules(close_after_days=2, missing_exit=(
        MissingExit(city=0, since=0, fen=900), MissingExit(city=world.CITY, since=0, fen=600),
        MissingExit(city=world.CITY, since=DAY, fen=700), MissingExit(city=world.CITY, since=DAY + 1, fen=800),
    ))  # fmt: skip
    rides = line.rides(4, rules)
    assert {(ride["kind"], ride["day"], ride["fare_fen"], ride["cause"]) for ride in rides.values()} == {
        ("METRO_NO_EXIT", DAY + 2, 700, "MISSING_EXIT"), ("METRO_NO_ENTRY", DAY + 2, 500, "NONE"),
    }  # fmt: skip


def test_legs_are_closed_although_nothing_came_in_on_the_days_between(tmp_path: Path, line: Line) -> None:
    line.enter(1, 101, NOON)
    line.bus.tap(world.rider(2).code(NOON + 7 * 86400), NOON + 7 * 86400)
    store = world.store(tmp_path / "s.db", world.all_rows(line.bus, *line.gates.values()))
    workspace = Workspace(tmp_path / "w")
    centre.run(workspace, [store], centre.published(tariff()), [DAY, DAY + 7])
    assert {ride["kind"]: ride["day"] for ride in centre.rides(workspace).values()} == {
        "METRO_NO_EXIT": DAY + 7, "BUS": DAY + 7,
    }  # fmt: skip
    workspace.close()


def test_a_bus_ride_that_turns_void_is_named_for_reversal(line: Line) -> None:
    line.bus.tap(world.rider(1).code(NOON), NOON)
    line.bus.outcome(1, Outcome.FAILED, NOON + 1, reverses=True, received=NOON + 86400)
    assert len(line.rides(2)) == 1
    assert [(row["ride_id"], row["why"], row["day"]) for row in centre.rows(line.workspace, REVERSALS)] == [
        ("bus-1/7/1", "REVERSED", DAY + 1)
    ]


def test_when_an_entry_turns_void_its_exit_is_settled_anew_under_a_name_of_its_own(line: Line) -> None:
    line.enter(1, 101, NOON)
    line.leave(1, 309, NOON + HOUR)
    gate = line.gates[Direction.ENTRY, 101]
    gate.outcome(1, Outcome.UNKNOWN, NOON + 1, reverses=True, received=NOON + 5 * 86400)
    rides = line.rides(6)
    assert {name: (ride["kind"], ride["day"]) for name, ride in rides.items()} == {
        "exit-309/7/1": ("METRO", DAY), "exit-309/7/1#2": ("METRO_NO_ENTRY", DAY + 5),
    }  # fmt: skip
    assert [row["ride_id"] for row in centre.rows(line.workspace, REVERSALS)] == ["exit-309/7/1"]


def test_an_entry_that_comes_after_its_exit_was_closed_takes_the_ride_back(line: Line) -> None:
    line.leave(1, 309, NOON + HOUR)
    line.enter(1, 205, NOON, received=NOON + 3 * 86400)
    rides = line.rides(6, ONE_DAY)
    assert (rides["exit-309/7/1"]["kind"], rides["exit-309/7/1"]["day"]) == ("METRO_NO_ENTRY", DAY + 1)
    assert lived(line, rides) == {"exit-309/7/1#2": ("METRO", "entry-205/7/1", 400, DAY + 3)}
    assert [(row["ride_id"], row["why"]) for row in centre.rows(line.workspace, REVERSALS)] == [
        ("exit-309/7/1", "PAIRED")
    ]


def test_an_exit_that_comes_after_its_entry_was_closed_takes_the_ride_back(line: Line) -> None:
    line.enter(1, 205, NOON)
    line.leave(1, 309, NOON + HOUR, received=NOON + 3 * 86400)
    rides = line.rides(6, ONE_DAY)
    assert (rides["entry-205/7/1"]["fare_fen"], rides["entry-205/7/1"]["day"]) == (900, DAY + 1)
    assert lived(line, rides) == {"exit-309/7/1": ("METRO", "entry-205/7/1", 400, DAY + 3)}


def test_an_entry_that_comes_late_and_lies_nearer_sets_the_other_one_free(line: Line) -> None:
    line.enter(1, 101, NOON)
    line.leave(1, 309, NOON + 2 * HOUR)
    line.enter(1, 205, NOON + HOUR, received=NOON + 86400)
    rides = line.rides(6, ONE_DAY)
    assert (rides["exit-309/7/1"]["entry_tap"], rides["exit-309/7/1"]["day"]) == ("entry-101/7/1", DAY)
    assert lived(line, rides) == {
        "exit-309/7/1#2": ("METRO", "entry-205/7/1", 400, DAY + 1),
        "entry-101/7/1": ("METRO_NO_EXIT", "entry-101/7/1", 900, DAY + 1),
    }


def test_a_ride_that_was_settled_anew_is_settled_anew_again(line: Line) -> None:
    """The exit was lost once: it had come long before the ride that is taken back, and nobody looked there."""
    line.leave(1, 309, NOON + 2 * HOUR)
    line.enter(1, 101, NOON, received=NOON + 3 * 86400)
    line.enter(1, 205, NOON + HOUR, received=NOON + 5 * 86400)
    rides = line.rides(8, ONE_DAY)
    assert [row["ride_id"] for row in centre.rows(line.workspace, REVERSALS)] == ["exit-309/7/1", "exit-309/7/1#2"]
    assert lived(line, rides) == {
        "exit-309/7/1#3": ("METRO", "entry-205/7/1", 400, DAY + 5),
        "entry-101/7/1": ("METRO_NO_EXIT", "entry-101/7/1", 900, DAY + 5),
    }


def test_a_late_leg_changes_no_ride_that_it_has_nothing_to_do_with(line: Line) -> None:
    line.enter(1, 101, NOON)
    line.leave(1, 309, NOON + HOUR)
    line.enter(1, 205, NOON + 2 * HOUR, received=NOON + 2 * 86400)
    line.leave(1, 309, NOON + 3 * HOUR, received=NOON + 2 * 86400)
    line.enter(2, 205, NOON, received=NOON + 2 * 86400)
    rides = line.rides(5, ONE_DAY)
    assert centre.rows(line.workspace, REVERSALS) == []
    assert {ride["kind"] for ride in rides.values()} == {"METRO", "METRO_NO_EXIT"} and len(rides) == 3


def test_what_was_closed_too_long_ago_is_left_alone(line: Line) -> None:
    line.leave(1, 309, NOON + HOUR)
    line.enter(1, 205, NOON, received=NOON + 4 * 86400)
    rides = line.rides(7, RideRules(close_after_days=1, pair_again_days=2))
    assert centre.rows(line.workspace, REVERSALS) == []
    assert {ride["kind"] for ride in rides.values()} == {"METRO_NO_ENTRY", "METRO_NO_EXIT"}


def test_pairs_of_many_legs_are_those_of_a_stack(tmp_path: Path) -> None:
    """The windows of the query against the loop that they stand for, on legs that come in every order."""
    chance = random.Random(5)
    legs: list[dict[str, Any]] = [
        {
            "tap": f"g/1/{n}",
            "device": "g",
            "epoch": 1,
            "sequence": n,
            "account": f"{chance.randrange(40)}",
            "city": 1,
            "moment": chance.randrange(3000),
            "mode": 2,
            "direction": chance.choice([1, 2]),
            "station": chance.randrange(9),
            "line": 0,
        }
        for n in range(4000)
    ]
    engine = open_engine("duckdb", tmp_path)
    engine.register("open", pa.Table.from_pylist(legs))
    schema = pa.schema([("tap", pa.string()), ("entry_tap", pa.string())])
    engine.keep("pairs", rides_sql.PAIRS.format(within_s=1 << 30, legs="open"))
    (found,) = engine.query("SELECT tap, entry_tap FROM pairs ORDER BY tap", schema)
    engine.close()
    stacks: dict[str, list[str]] = {}
    expected = {}
    key: Callable[[dict[str, Any]], Any] = lambda leg: (leg["moment"], leg["direction"], leg["sequence"])  # noqa: E731
    for leg in sorted(legs, key=key):
        stack = stacks.setdefault(leg["account"], [])
        if leg["direction"] == 1:
            stack.append(leg["tap"])
        elif stack:
            expected[leg["tap"]] = stack.pop()
    assert dict(zip(*found.to_pydict().values(), strict=True)) == expected


def test_rules_are_read_and_what_is_none_is_refused() -> None:
    table = {
        "pair_within_s": 7200,
        "missing_exit": [{"city": 320500, "from": date(2026, 1, 1), "fen": 200}, {"fen": 5}],
    }
    assert ride_rules(Row(table, "rules: [rides]")) == RideRules(
        pair_within_s=7200,
        missing_exit=(MissingExit(city=320500, since=20260101, fen=200), MissingExit(city=0, since=0, fen=5)),
    )
    wrong: tuple[dict[str, object], ...] = (
        {"pair_within": 1}, {"pair_within_s": 0}, {"pair_within_s": True}, {"close_after_days": "3"},
        {"missing_exit": {}}, {"missing_exit": [{"city": 1}]}, {"missing_exit": [{"fen": 1}, {"fen": 2}]},
        {"missing_exit": [{"fen": 1, "from": "2026"}]}, {"missing_exit": [{"fen": -1}]},
        {"missing_exit": [{"fen": 1, "to": date(2026, 1, 1)}]},
    )  # fmt: skip
    for bad in wrong:
        with pytest.raises(TermsError, match="rides"):
            ride_rules(Row(bad, "rules: [rides]"))


def test_every_number_of_the_rules_may_be_each_of_its_bounds_and_nothing_beyond() -> None:
    def is_taken(name: str, value: int) -> bool:
        table = {"missing_exit": [{"fen": 1} | {name: value}]} if name in {"city", "fen"} else {name: value}
        try:
            ride_rules(Row(table, "rules: [rides]"))
        except TermsError:
            return False
        return True

    bounds = {
        "city": (100000, 999999), "fen": (0, 0xFFFFFF), "pair_within_s": (1, 30 * 86400),
        "close_after_days": (0, 60), "pair_again_days": (0, 60),
    }  # fmt: skip
    for name, (least, most) in bounds.items():
        taken = [is_taken(name, value) for value in (least - 1, least, most, most + 1)]
        assert taken == [False, True, True, False], name
