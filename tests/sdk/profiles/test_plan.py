"""The region's plan as data: what its rows mean, and what is said of a row that cannot be."""

import csv
from datetime import date
from pathlib import Path

import pytest

from yima.sdk.profiles.yangtze_delta.plan import (
    CITIES_FILE,
    CONTRADICTIONS,
    PILOTS_FILE,
    PLAN_FILE,
    load_plan,
    read_plan,
)
from yima.validator.errors import ParametersError
from yima.validator.parameters import Mode

# GB/T 2260, written down a second time.
DIVISIONS = {
    "Shanghai": 310000,
    "Nanjing": 320100,
    "Wuxi": 320200,
    "Xuzhou": 320300,
    "Suzhou": 320500,
    "Nantong": 320600,
    "Lianyungang": 320700,
    "Huaian": 320800,
    "Hangzhou": 330100,
    "Ningbo": 330200,
    "Jiaxing": 330400,
    "Shaoxing": 330600,
    "Taizhou": 331000,
    "Hefei": 340100,
}


def test_thirteen_cities_of_three_provinces_and_shanghai_take_part() -> None:
    plan = load_plan()
    assert {city.name.en: city.division for city in plan.cities} == DIVISIONS
    by_province = {city.province.en for city in plan.cities}
    assert by_province == {"Shanghai", "Jiangsu", "Zhejiang", "Anhui"}
    assert len(plan.rows) == 19
    assert {row.city.name.en for row in plan.rows if row.mode is Mode.METRO} == {
        "Shanghai",
        "Wuxi",
        "Nantong",
        "Hangzhou",
        "Shaoxing",
    }


def test_every_city_is_told_in_both_languages() -> None:
    for city in load_plan().cities:
        assert city.name.en.isascii()
        assert not city.name.zh.isascii()


def test_a_row_counts_from_the_first_day_of_its_year() -> None:
    plan = load_plan()
    assert plan.joined(plan.city("Ningbo")) == plan.joined(plan.city("Ningbo"), Mode.BUS) == date(2023, 1, 1)
    assert plan.joined(plan.city("Shanghai"), Mode.METRO) == date(2024, 1, 1)
    assert plan.joined(plan.city("Ningbo"), Mode.METRO) is None


def test_a_pair_begins_when_the_later_of_the_two_has_joined() -> None:
    plan = load_plan()
    ningbo, suzhou, shanghai, wuxi = map(plan.city, ("Ningbo", "Suzhou", "Shanghai", "Wuxi"))
    assert plan.begins(ningbo, suzhou, Mode.BUS) == date(2023, 1, 1)
    assert plan.begins(shanghai, suzhou, Mode.BUS) == date(2024, 1, 1)
    assert plan.begins(suzhou, wuxi, Mode.METRO) == date(2024, 1, 1)  # a bus city's riders ride another's metro
    assert plan.begins(wuxi, suzhou, Mode.METRO) is None
    assert len(list(plan.pairs())) == len(plan.rows) * len(plan.cities)


def test_codes_beside_the_ministrys_ride_where_the_plan_pilots_them() -> None:
    plan = load_plan()
    of = {city.name.en: plan.families(city)[1:] for city in plan.cities if len(plan.families(city)) > 1}
    assert of == {"Shanghai": ("suishen",), "Suzhou": ("suishen", "sufu"), "Hefei": ("suishen", "anhui")}
    assert plan.families() == ("ministry", "suishen", "sufu", "anhui")
    assert {(pilot.family, pilot.issuer) for pilot in plan.pilots} == {
        ("suishen", DIVISIONS["Shanghai"]),
        ("sufu", 320000),
        ("anhui", 340000),
    }


def test_a_contradiction_names_rows_of_the_plan_and_both_readings_in_both_languages() -> None:
    rows = {(row.city.name.en, row.mode) for row in load_plan().rows}
    assert [one.rows for one in CONTRADICTIONS] == [(("Hangzhou", Mode.METRO), ("Shaoxing", Mode.METRO))]
    for one in CONTRADICTIONS:
        assert set(one.rows) <= rows, "the rows stand in the plan, as the reading that was taken has it"
        for said in (one.table, one.text, one.taken):
            assert said.en.isascii()
            assert not said.zh.isascii()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Changzhou,bus,sufu,2023,", r"city: \"Changzhou\" is not what belongs here"),
        ("Hefei,tram,anhui,2023,", "mode: .* Write bus or metro"),
        ("Wuxi,bus,ministry,2023,", "family: .* Write suishen or sufu or anhui"),
        ("Wuxi,bus,sufu,1999,", "from_year: .* a whole number from 2000"),
        ("Hefei,bus,anhui,2024,", "repeats line"),
    ],
)
def test_a_pilot_that_cannot_be_is_named_with_file_and_line(tmp_path: Path, line: str, reason: str) -> None:
    pilots = tmp_path / "pilots.csv"
    pilots.write_text(PILOTS_FILE.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(ParametersError, match=reason):
        read_plan(PLAN_FILE, CITIES_FILE, pilots)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Changzhou,Jiangsu,bus,2024,", r"city: \"Changzhou\" is not what belongs here\. Write a city of cities\.csv"),
        ("Taizhou,Jiangsu,metro,2024,", "province: .* Write Zhejiang, where Taizhou lies"),
        ("Hefei,Anhui,tram,2024,", "mode: .* Write bus or metro"),
        ("Hefei,Anhui,metro,soon,", "ministry_code_from: .* a whole number from 2000"),
        ("Hefei,Anhui,bus,2024,", "repeats line"),
        ("Hefei,Anhui,bus,2024,a,b", "6 cells for 5 columns"),
    ],
)
def test_a_row_that_cannot_be_is_named_with_file_and_line(tmp_path: Path, line: str, reason: str) -> None:
    plan = tmp_path / "plan.csv"
    text = PLAN_FILE.read_text(encoding="utf-8")
    plan.write_text(text + line + "\n", encoding="utf-8")
    with pytest.raises(ParametersError, match=reason) as refused:
        read_plan(plan, CITIES_FILE, PILOTS_FILE)
    assert refused.value.thing.startswith(f"{plan}: line {len(text.splitlines()) + 1}")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Taizhou,泰州,321200", "repeats line"),
        ("Beijing,北京,110000", "division: .* a division of the region"),
        ("Changzhou,常州,3204", "division: .* 6 digits"),
    ],
)
def test_a_city_that_cannot_be_is_named_with_file_and_line(tmp_path: Path, line: str, reason: str) -> None:
    cities = tmp_path / "cities.csv"
    cities.write_text(CITIES_FILE.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(ParametersError, match=reason):
        read_plan(PLAN_FILE, cities, PILOTS_FILE)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"city,mode\n"])
def test_what_is_no_plan_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "plan.csv").write_bytes(content)
    with pytest.raises(ParametersError):
        read_plan(tmp_path / "plan.csv", CITIES_FILE, PILOTS_FILE)
    with pytest.raises(ParametersError):
        read_plan(tmp_path / "nowhere.csv", CITIES_FILE, PILOTS_FILE)


def test_the_plan_file_holds_what_a_spreadsheet_would_read() -> None:
    lines = [line for line in PLAN_FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert len(list(csv.DictReader(lines))) == len(load_plan().rows)
