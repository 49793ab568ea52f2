"""What the region's riders pay, reckoned from the written truth alone: over all codes of a person, to the fen.

The reckoning is the slow settlement of the tests, which shares no line with the centre. Of the region it reads the
truth and the terms; who is one person, and who is in a group, it is told by those who made the statements.
"""

import json
import shutil
import tomllib
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.once import once
from tests.sdk.centre.clearing.money import slow
from tests.sdk.centre.example import region_at_work
from tests.sdk.centre.example.consents import CONSENTS
from yima.sdk.centre.example.making import settlement_days

# Two days are too few for the profile's thresholds: with these every rule takes something off, in the largest cities.
LOW = """
companion_s = 180

[[concession]]
rule = "half"
city = 310000
groups = ["senior", "veteran"]
modes = ["bus", "metro"]
homes = [310000, 320500, 330100]
percent = 50
funded_by = "issuer-city"

[[concession]]
rule = "pupils"
city = 310000
groups = ["student"]
modes = ["metro"]
percent = 33
funded_by = "operator"
from = 2026-09-08

[[concession]]
rule = "free"
city = 330100
groups = ["veteran", "student"]
modes = ["bus"]
free = true
funded_by = "region"

[[transfer]]
rule = "less"
city = 310000
legs = ["bus-metro", "metro-bus", "bus-bus"]
within_min = 240
less_fen = 100
funded_by = "riding-city"

[[daily_cap]]
rule = "cap"
city = 310000
modes = ["bus", "metro"]
cap_fen = 600
funded_by = "riding-city"

[[monthly_total]]
rule = "month"
city = 310000
modes = ["bus", "metro"]
by = "fen"
tiers = [{ beyond = 300, percent = 90 }, { beyond = 800, percent = 60 }]
funded_by = "issuer-city"

[[monthly_total]]
rule = "often"
city = 330100
modes = ["bus", "metro"]
by = "rides"
tiers = [{ beyond = 2, percent = 80 }]
funded_by = "region"
"""
LOW += "".join(
    f"""
[[concession]]
rule = "rest-{city}"
city = {city}
groups = ["senior", "student", "veteran"]
modes = ["bus", "metro"]
percent = 40
funded_by = "riding-city"
"""
    for city in (320100, 320200, 320500, 320600, 330600, 340100)
)
STEPS = ("concession", "transfer", "daily_cap", "monthly_total")
NUMBERS = {"bus": 1, "metro": 2}


@pytest.fixture(scope="module")
def profiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Under the profile's own rules."""
    return region_at_work.cleared_example(tmp_path_factory)


@pytest.fixture(scope="module")
def low(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Under the rules above."""

    def make(folder: Path) -> None:
        shutil.copytree(region_at_work.example(tmp_path_factory), folder, dirs_exist_ok=True)
        rides = (folder / "rules.toml").read_text(encoding="utf-8").partition("[rides]")
        (folder / "rules.toml").write_text(LOW + "".join(rides[1:]), encoding="utf-8")
        region_at_work.clear(folder)

    return once(tmp_path_factory, "region-under-low-rules", make)


def told(folder: Path, table: str) -> list[dict[str, Any]]:
    """The truth of one kind."""
    return rows(folder / "truth" / table)


def made(folder: Path, table: str) -> list[dict[str, Any]]:
    """What the centre made; its workspace is not opened, which one process can do at a time."""
    return rows(folder / "workspace" / "tables" / table)


def rows(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(folder.rglob("*.parquet")) for row in pq.ParquetFile(path).read().to_pylist()]


def days_of(row: dict[str, Any]) -> dict[str, int]:
    return {name: int(f"{row[name]:%Y%m%d}") for name in ("from", "to") if isinstance(row.get(name), date)}


def rules_of(folder: Path) -> dict[str, Any]:
    """The rules as the slow settlement has them."""
    file = tomllib.loads((folder / "rules.toml").read_text(encoding="utf-8"))
    found: dict[str, Any] = {"companion_s": file["companion_s"], **{step: [] for step in STEPS}}
    for step in STEPS:
        for row in file.get(step, []):
            one = {**row, **days_of(row), "funder": row["funded_by"].upper().replace("-", "_")}
            one["modes"] = [NUMBERS[mode] for mode in row.get("modes", [])]
            if step == "concession":
                one["percent"] = 0 if row.get("free") else row["percent"]
            elif step == "transfer":
                one["legs"] = [tuple(NUMBERS[mode] for mode in leg.split("-")) for leg in row["legs"]]
                one |= {"within_s": row["within_min"] * 60, "less_fen": None if row.get("free") else row["less_fen"]}
            elif step == "monthly_total":
                one["tiers"] = [(tier["beyond"], tier["percent"]) for tier in row["tiers"]]
            found[step].append(one)
    return found


def world_of(folder: Path) -> dict[str, Any]:
    """The written truth as a world for the slow settlement."""
    rides = [
        {
            **row,
            "person": row["account"],
            "entry_at": row["begins"] if row["mode"] == 2 else None,
            "entry_line": None,
            "reduced": [("gate", row["gross_fen"] - row["fare_fen"], "NONE")],
        }
        for row in told(folder, "rides")
    ]
    voids = [(row["ride_id"], row["reversed_day"]) for row in rides if row["reversed_day"] is not None]
    upheld = [row for row in told(folder, "disputes") if row["effect"] != "NONE"]
    assert {row["effect"] for row in upheld} <= {"VOID"}
    persons = [row for row in told(folder, "persons") if row["since"] is not None]
    rates = tomllib.loads((folder / "rates.toml").read_text(encoding="utf-8"))
    return {
        "rides": rides,
        "voids": [*voids, *((row["ride_id"], row["day"]) for row in upheld)],
        "amounts": [],
        "persons": [
            *((row["account"], row["person"], row["since"]) for row in persons),
            *((row["account"], row["account"], row["until"]) for row in persons if row["until"] is not None),
        ],
        "members": [tuple(row.values()) for row in told(folder, "groups")],
        "rules": rules_of(folder),
        "rates": [{**row, **days_of(row)} for row in (*rates["default"], *rates["rate"])],
    }


def reckoned(folder: Path, world: dict[str, Any]) -> slow.Books:
    books = slow.Books()
    for day in settlement_days(folder):
        slow.settle_day(books, world, day)
    return books


@pytest.mark.parametrize("terms", ["profiles", pytest.param("low", marks=pytest.mark.long)])
def test_every_booking_is_what_the_truth_comes_to(terms: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(terms)
    books = reckoned(folder, world_of(folder))
    names = list(books.rows[0])
    assert sorted(tuple(row[name] for name in names) for row in made(folder, "cleared")) == sorted(
        tuple(row.values()) for row in books.rows
    )
    # The truth does not say who pays for what the gates take off.
    ours = Counter(
        tuple(row[name] for name in ("party_kind", "party", "cause", "fen", "day")) for row in made(folder, "postings")
    )
    theirs = Counter(books.postings)
    assert {one for one in ours if one[2] != "SUBSIDY"} == {one for one in theirs if one[2] != "SUBSIDY"}
    assert all(ours[one] == count for one, count in theirs.items() if one[2] != "SUBSIDY")


@pytest.mark.long
@pytest.mark.slow
def test_every_rule_takes_off_otherwise_over_all_codes_of_a_person_than_over_each_alone(low: Path) -> None:
    world = world_of(low)
    whole, alone = reckoned(low, world), reckoned(low, {**world, "persons": []})
    for place, step in enumerate(STEPS):
        changed = [name for name, row in whole.live.items() if row["off"][place] != alone.live[name]["off"][place]]
        assert changed, step


@pytest.mark.slow
@pytest.mark.long
def test_what_comes_late_ends_or_is_revoked_books_anew_and_bills_nothing_twice(low: Path) -> None:
    world = world_of(low)
    found = taken_back(reckoned(low, world))
    in_time = [one for one in world["members"] if not 0 < one[2] < one[4]]
    assert found - taken_back(reckoned(low, {**world, "members": in_time}))
    assert found - taken_back(reckoned(low, {**world, "persons": []}))
    live: Counter[str] = Counter()
    for row in made(low, "cleared"):
        live[row["ride_id"]] += -1 if row["reverses"] else 1
    assert set(live.values()) <= {0, 1}


def taken_back(books: slow.Books) -> set[tuple[str, int]]:
    return {(row["ride_id"], row["day"]) for row in books.rows if row["reverses"]}


def test_the_region_has_persons_and_statements_of_every_kind(profiles: Path) -> None:
    persons, groups, files = (told(profiles, table) for table in ("persons", "groups", "files"))
    first = settlement_days(profiles)[0]
    several = Counter(row["person"] for row in persons)
    assert set(several.values()) == {2, 3}
    assert {row["since"] is None for row in persons} == {row["until"] is None for row in persons} == {True, False}
    assert any(row["since"] is not None and row["since"] > first for row in persons)
    assert {row["group_name"] for row in groups} == {"senior", "student", "veteran"}
    assert any(row["revoked"] for row in groups) and any(row["until"] < 99999999 for row in groups)
    assert any(row["stated"] > first for row in groups) and any(row["since"] > row["stated"] for row in groups)
    rides = Counter(row["account"] for row in told(profiles, "rides"))
    shown = Counter(row["person"] for row in persons if rides[row["account"]])
    assert max(shown.values()) == 3
    counted = json.loads((profiles / "example.json").read_bytes())["made"]
    assert (counted["persons"], counted["groups"]) == (len(several), len(groups))
    stated = [row for row in files if row["file"] not in CONSENTS]
    assert counted["statements"] == sum(row["statements"] for row in stated)


def test_every_file_becomes_what_its_maker_says(profiles: Path) -> None:
    answers = profiles / "workspace" / "answers"
    for row in told(profiles, "files"):
        lines = (answers / str(row["day"]) / "statements.txt").read_text(encoding="utf-8").splitlines()
        assert [line.split("\t")[1] for line in lines if line.split("\t")[0] == row["file"]] == [row["becomes"]]
    assert {row["becomes"] for row in told(profiles, "files")} == {
        "TAKEN", "SIGNATURE", "ENVIRONMENT", "NOT_YOURS", "NOBODYS", "UNKNOWN_ISSUER", "MALFORMED", "NUMBER_TAKEN",
    }  # fmt: skip
