"""Past rides under other parameters: the same where they are the same, and as a second reckoning says where not."""

import csv
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.sdk.centre.clearing.centre import rows
from tests.sdk.centre.example.region_at_work import SEED, cleared_example
from tests.sdk.centre.example.test_reckoning import world_of
from tests.sdk.centre.simulation import plain
from yima.sdk.centre.clearing.day import Centre
from yima.sdk.centre.clearing.folder import CentreFolder
from yima.sdk.centre.clearing.money.settle import OrderError
from yima.sdk.centre.clearing.money.tables import CLEARED, DISPUTES, FUNDED
from yima.sdk.centre.clearing.tables import REVERSALS, RIDES
from yima.sdk.centre.example import region
from yima.sdk.centre.simulation.other import read_other
from yima.sdk.centre.simulation.settling import Simulation, simulate
from yima.sdk.centre.simulation.sums import faults, funders, pairs, refused
from yima.sdk.cli import main as command
from yima.sdk.profiles.yangtze_delta.build import write_source
from yima.sdk.profiles.yangtze_delta.plan import load_plan
from yima.validator.errors import ParametersError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("simulated") / "region"
    return Path(shutil.copytree(cleared_example(tmp_path_factory), made))


@pytest.fixture
def centre(folder: Path) -> Iterator[Centre]:
    """Nothing that a simulation does changes the workspace."""
    with Centre(CentreFolder(folder), memory="500MB") as made:
        yield made


def source(path: Path, *, city: str | None = None) -> Path:
    """The profile's source under the region's roots, as gates have it."""
    begin = datetime.fromtimestamp(region.midnight(-1), UTC)
    return write_source(
        path,
        [region.root(SEED, index).certificate for index in (1, 2)],
        not_before=begin,
        expiry=begin + timedelta(days=90),
        version=7,
        city=load_plan().city(city) if city else None,
    )


def other_source(path: Path, *, city: str | None = None) -> Path:
    """The one that `plain` reckons with."""
    source(path, city=city)
    divisions = [one.division for one in load_plan().cities]
    halves = [f"half,{plain.SENIOR},{home},{there},,,,50,,issuer-city\n" for home in divisions for there in divisions]
    head = "rule,account_type,issuer_city,riding_city,mode,from,to,percent,fen,funded_by\n"
    (path / "concessions.csv").write_text(head + "".join(halves))
    fares = (
        (path / "fares.csv")
        .read_text()
        .replace("suzhou-bus,bus,320500,,,,flat,200", "suzhou-bus,bus,320500,,,,flat,251")
    )
    (path / "fares.csv").write_text(fares)
    kept = [
        row for row in (path / "acceptance.csv").read_text().splitlines(keepends=True)
        if not (row.startswith(f"{plain.SHANGHAI},") and f",{plain.HUAIAN}," in row)
    ]  # fmt: skip
    (path / "acceptance.csv").write_text("".join(kept))
    return path


def simulated(centre: Centre, parameters: Path, **days: int) -> Simulation:
    other = read_other(parameters)
    return simulate(centre.workspace, centre.engine, centre.published, centre.terms, other, **days)


def standing(centre: Centre) -> dict[str, dict[str, Any]]:
    """The last booking of each ride, if it was not taken back."""
    last: dict[str, dict[str, Any]] = {}
    for row in sorted(rows(centre.workspace, CLEARED), key=lambda row: row["clearing"]):
        if not row["reverses"]:
            last[row["ride_id"]] = row
        elif last.get(row["ride_id"], {}).get("number") == row["number"]:
            del last[row["ride_id"]]
    return last


def test_under_the_same_parameters_every_ride_comes_out_as_it_was_settled(centre: Centre, tmp_path: Path) -> None:
    found = simulated(centre, source(tmp_path / "same"))
    live = standing(centre)
    assert not faults(found)
    assert {row["ride_id"] for row in found.rides.to_pylist()} == set(live)
    for row in found.rides.to_pylist():
        booked = (live[row["ride_id"]]["gross_fen"], live[row["ride_id"]]["fare_fen"])
        assert booked == (row["settled_gross_fen"], row["settled_fen"]) == (row["other_gross_fen"], row["other_fen"])
    assert all(row["settled_fen"] == row["other_fen"] for row in found.funders.to_pylist())
    assert sum(row["fen"] for row in rows(centre.workspace, FUNDED)) == -sum(found.funders["settled_fen"].to_pylist())
    assert not any(pairs(found)["difference_fen"].to_pylist())
    assert not refused(found).num_rows
    changed = {row["cause"] for row in rows(centre.workspace, RIDES)} | {
        row["cause"] for row in rows(centre.workspace, CLEARED)
    }
    assert changed >= {"OTHER_ENTRY", "ENTRY_UNKNOWN_AT_GATE", "MISSING_EXIT", "GATE", "DISPUTE", "RULES"}


def test_under_other_parameters_every_ride_comes_out_as_reckoned_by_hand(centre: Centre, tmp_path: Path) -> None:
    found = simulated(centre, other_source(tmp_path / "other"))
    assert not faults(found)
    gone = {row["ride_id"] for row in rows(centre.workspace, REVERSALS)}
    gone |= {row["ride_id"] for row in rows(centre.workspace, DISPUTES) if row["effect"] == "VOID"}
    live = [row for row in rows(centre.workspace, RIDES) if row["ride_id"] not in gone]
    riding = [plain.reckoned(ride) for ride in live if not plain.is_refused(ride)]
    amounts: dict[str, int] = defaultdict(int)
    for row in rows(centre.workspace, DISPUTES):
        if row["effect"] == "AMOUNT":
            amounts[row["ride_id"]] += row["delta_fen"]
    books = plain.settled(riding, world_of(centre.folder.path), amounts)
    mine = {
        row["ride_id"]: (row["other_gross_fen"], row["other_fen"])
        for row in found.rides.to_pylist()
        if not row["refused_at"]
    }
    assert mine == plain.fares(books)
    paid: Counter[tuple[str, str]] = Counter()
    for row in found.funders.to_pylist():
        paid[row["party_kind"], row["party"]] += row["other_fen"]
    assert +paid == plain.paid(books)
    assert {row["ride_id"] for row in refused(found).to_pylist()} == {
        ride["ride_id"] for ride in live if plain.is_refused(ride)
    }


def test_who_is_refused_is_named_with_the_reason_and_counts_nowhere_else(centre: Centre, tmp_path: Path) -> None:
    found = simulated(centre, other_source(tmp_path / "other"))
    named = refused(found).to_pylist()
    assert {row["reason"] for row in named} == {"CITY_NOT_ACCEPTED"}
    places = {(row["refused_at"], row["mode"]) for row in named}
    assert places == {("tap", "bus"), ("entry", "metro"), ("exit", "metro")}, "at the exit, where no entry is known"
    sums = pairs(found)
    assert sum(sums["rides"].to_pylist()) + len(named) == len(standing(centre))
    in_all = sum(row["fare_fen"] for row in standing(centre).values())
    assert sum(sums["settled_fen"].to_pylist()) + sum(row["settled_fen"] for row in named) == in_all


def test_a_citys_own_package_changes_no_ride_of_another_city(centre: Centre, tmp_path: Path) -> None:
    found = simulated(centre, other_source(tmp_path / "other", city="Suzhou"))
    changed = {row["city"] for row in pairs(found).to_pylist() if row["difference_fen"]}
    assert changed == {plain.SUZHOU}
    assert not refused(found).num_rows, "Shanghai's gates have other parameters"


def test_a_period_has_the_rides_of_its_service_dates_and_the_months_sums_before_it(
    centre: Centre, tmp_path: Path
) -> None:
    second = region.FIRST_DAY + 1
    found = simulated(centre, source(tmp_path / "same"), since=second, until=second)
    live = standing(centre)
    wanted = {name for name, row in live.items() if row["service_date"] == second}
    assert {row["ride_id"] for row in found.rides.to_pylist()} == wanted != set(live)
    assert all(row["settled_fen"] == row["other_fen"] for row in found.rides.to_pylist())


def test_sums_of_pairs_less_what_funders_pay_are_the_fares(centre: Centre, tmp_path: Path) -> None:
    found = simulated(centre, other_source(tmp_path / "other"))
    key = ("issuer_city", "city", "mode", "account_type", "groups")
    paid: Counter[Any] = Counter()
    for row in funders(found).to_pylist():
        paid[tuple(row[name] for name in key)] += row["other_fen"]
    assert {row["groups"] for row in pairs(found).to_pylist()} >= {"", "senior", "student", "veteran"}
    for row in pairs(found).to_pylist():
        assert row["other_gross_fen"] - paid[tuple(row[name] for name in key)] == row["other_fen"]


def test_the_verb_writes_sums_in_three_forms_that_agree(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = [
        "centre",
        "simulate",
        str(folder),
        "--parameters",
        str(other_source(tmp_path / "other")),
        "--out",
        str(out),
    ]
    assert command.main([*words, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["faults"] == []
    assert command.main(words) == 0
    assert "CITY_NOT_ACCEPTED" not in capsys.readouterr().out, "people are told in words"
    written = json.loads((out / "simulation.json").read_bytes())
    assert {name: said[name] for name in written} == written
    for name in ("pairs", "funders", "refused"):
        table = pq.read_table(out / f"{name}.parquet").to_pylist()
        with (out / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            assert [list(row.values()) for row in csv.DictReader(file)] == [
                [str(value) for value in row.values()] for row in table
            ]
        assert table == written.get(name, table)
    totals = written["totals"]
    assert totals["settled_fen"] + totals["refused_fen"] == totals["settled_in_all_fen"]
    assert totals["other_fen"] - totals["settled_fen"] == totals["difference_fen"] != 0
    assert sum(written["reasons"].values()) == totals["refused"] > 0


def test_what_are_no_parameters_is_named(tmp_path: Path) -> None:
    for path, content, why in (("a.bin", b"none", "is no parameter image"), ("b.toml", b"x = 1", "b.toml")):
        (tmp_path / path).write_bytes(content)
        with pytest.raises(ParametersError, match=why):
            read_other(tmp_path / path)
    with pytest.raises(ParametersError, match="cannot be read"):
        read_other(tmp_path / "nowhere.bin")


def test_nothing_settled_is_nothing_to_simulate(folder: Path, tmp_path: Path) -> None:
    bare = Path(shutil.copytree(folder, tmp_path / "bare", ignore=shutil.ignore_patterns("workspace")))
    with Centre(CentreFolder(bare)) as centre, pytest.raises(OrderError, match="no day of it is settled"):
        simulated(centre, source(tmp_path / "same"))
