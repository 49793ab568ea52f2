"""The three tariffs: their tables of expected fares, and random trips against calculators of another hand."""

import csv
import random
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path

import pytest

from tests.sdk.profiles import published_fares
from yima.sdk.cli.main import main
from yima.sdk.parameters.asking import Asker, Ride
from yima.sdk.parameters.compile import open_any
from yima.sdk.parameters.lint import findings
from yima.sdk.parameters.source import read_source
from yima.sdk.parameters.trips import refuse_surprises
from yima.sdk.profiles.tariffs import NAMES, tariff
from yima.validator.errors import ParametersError
from yima.validator.judging import Mode

LOCAL = timezone(timedelta(hours=8))
EARLY = """
    土桥 临河里 梨园 九棵树 果园 通州北苑 八里桥 管庄 双桥 传媒大学 高碑店 南邵 沙河高教园 沙河 巩华城 朱辛庄
"""
EDGES = ("03:59", "04:00", "06:59", "07:00", "07:01", "08:29", "08:30", "16:59", "17:00", "18:29", "18:30", "00:10")
GROUPS = ("", "", "student", "senior", "veteran")


@cache
def asker(name: str) -> Asker:
    return Asker(read_source(tariff(name)).rules)


@cache
def metres(name: str) -> Callable[[int, int], int]:
    with (tariff(name) / "network.csv").open() as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    return published_fares.lengths({frozenset((int(r["from"]), int(r["to"]))): int(r["metres"]) for r in rows})


@cache
def column(name: str, file: str, key: str, value: str) -> dict[str, str]:
    with (tariff(name) / file).open() as opened:
        return {row[key]: row[value] for row in csv.DictReader(opened)}


@pytest.mark.parametrize("name", NAMES)
def test_every_expected_fare_holds_and_lint_has_nothing_to_say(name: str) -> None:
    source = read_source(tariff(name))
    assert source.trips is not None
    assert refuse_surprises(source.trips, source.city, source.rules) >= 10
    said = {finding.name for finding in findings(open_any(tariff(name)), 1_790_000_000)}
    assert said <= set(source.silenced)


@pytest.mark.parametrize("name", NAMES)
def test_an_expected_fare_that_is_wrong_is_told(name: str, tmp_path: Path) -> None:
    source = read_source(tariff(name))
    assert source.trips is not None
    lines = source.trips.read_text().replace(",300,", ",301,")
    (tmp_path / "trips.csv").write_text(lines)
    with pytest.raises(ParametersError, match="the core says 300, expected is 301"):
        refuse_surprises(tmp_path / "trips.csv", source.city, source.rules)


def moment(dice: random.Random) -> datetime:
    """A moment of 2026; half of them at the edges of bands and of days."""
    day = datetime(2026, 1, 2, tzinfo=LOCAL) + timedelta(days=dice.randrange(363))
    if dice.random() < 0.5:
        hour, minute = map(int, dice.choice(EDGES).split(":"))
        return day.replace(hour=hour, minute=minute, second=dice.choice((0, 59)))
    return day + timedelta(seconds=dice.randrange(86_400))


def trip(dice: random.Random, name: str) -> tuple[Ride, int]:
    """A random ride of a tariff, and what it is due by the calculator."""
    entered = moment(dice)
    left = entered + timedelta(minutes=dice.choice((3, 30, 65, 239, 240)), seconds=dice.randrange(60))
    group, kind = dice.choice(GROUPS), dice.choice((0, 0, 0, 2, 0x41))
    who = "+".join(filter(None, [group, str(kind) if kind else ""]))
    if name == "beijing-bus":
        stops = column(name, "stations.csv", "station", "metres")
        start, end = dice.choices(sorted(stops), k=2)
        due = published_fares.beijing_bus(abs(int(stops[start]) - int(stops[end])), group)
        mode, city, line = Mode.BUS, 110000, 901
    elif name == "beijing-metro":
        names = column(name, "stations.csv", "station", "name")
        start, end = dice.choices(sorted(names), k=2)
        due = published_fares.beijing_metro(
            metres(name)(int(start), int(end)),
            early_station=f" {names[start]} " in EARLY.replace("\n", " "),
            entered=entered,
            left=left,
        )
        mode, city, line = Mode.METRO, 110000, 0
    else:
        start, end = dice.choices([str(station) for station in range(1, 13)], k=2)
        due = published_fares.hangzhou_metro(metres(name)(int(start), int(end)), group, kind, entered)
        mode, city, line = Mode.METRO, 330100, 0
    ride = Ride(
        mode=mode, city=city, line=line, start=int(start), end=int(end), who=who, at=int(left.timestamp()),
        entered=int(entered.timestamp()),
    )  # fmt: skip
    return ride, due


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.long)])
def test_random_trips_cost_what_the_published_words_say_to_the_fen(count: int) -> None:
    dice = random.Random(count)
    for number in range(count):
        name = NAMES[number % len(NAMES)]
        ride, due = trip(dice, name)
        verdict = asker(name).ask(ride)
        assert (verdict.reason.name, verdict.fare_fen) == ("ACCEPTED", due), (name, ride)


def test_a_tariff_is_written_by_its_name_and_builds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["params", "example", str(tmp_path / "city"), "--tariff", "hangzhou-metro"]) == 0
    assert main(["params", "check", str(tmp_path / "city")]) == 0
    asked = ["params", "fare", str(tmp_path / "city"), "--from", "1", "--to", "4", "--as", "senior"]
    assert main([*asked, "--entered", "2026-11-26 08:20", "--at", "2026-11-26 09:00"]) == 0
    assert "¥2.00  hangzhou-distance+over-70-half" in capsys.readouterr().out
    assert main(["params", "example", "--tariff", "beijing-bus"]) == 6
    assert "Name one that is not there yet" in capsys.readouterr().err
