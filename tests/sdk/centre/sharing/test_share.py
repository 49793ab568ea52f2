"""A day that is shared: what the files say, that they reconcile, and what nobody can read out of them."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from frictionless import Package

from tests.sdk.centre.cleared import cleared_folder
from tests.sdk.centre.clearing.centre import rows
from tests.sdk.centre.clearing.world import DAY
from yima.sdk.centre.clearing.day import Centre
from yima.sdk.centre.clearing.folder import CentreFolder
from yima.sdk.centre.clearing.money.settle import OrderError
from yima.sdk.centre.clearing.money.tables import CLEARED
from yima.sdk.centre.sharing import writing
from yima.sdk.centre.sharing.flows import ALL, OTHER, flows
from yima.sdk.centre.sharing.pseudonyms import PseudonymError, Pseudonyms
from yima.sdk.centre.sharing.rides import booked, standing
from yima.sdk.centre.sharing.tides import FIELDS, package
from yima.sdk.centre.sharing.writing import ShareError, share
from yima.sdk.centre.simulation.other import read_other
from yima.sdk.centre.simulation.settling import Simulation, simulate
from yima.sdk.cli import main as command

WAIT = 3


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cleared_folder(tmp_path_factory, tmp_path_factory.mktemp("given") / "region")


@pytest.fixture
def centre(region: Path) -> Iterator[Centre]:
    """Nothing that a share does changes the workspace."""
    with Centre(CentreFolder(region)) as made:
        yield made


def shared(centre: Centre, out: Path, *, k: int = 2, wait_days: int = WAIT) -> Path:
    share(centre.workspace, DAY, out, out.parent / "keys", wait_days=wait_days, k=k)
    return out / str(DAY)


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def packages(day: Path) -> list[Path]:
    return sorted(day.glob("tides-*"))


def test_every_citys_package_is_valid(centre: Centre, tmp_path: Path) -> None:
    found = packages(shared(centre, tmp_path / "out"))
    assert [one.name for one in found] == ["tides-320500"]
    for one in found:
        report = Package(str(one / "datapackage.json")).validate()
        assert report.valid, report.to_summary()
        assert {task.name for task in report.tasks} == set(FIELDS)


def test_a_broken_package_is_not_valid(centre: Centre, tmp_path: Path) -> None:
    one = packages(shared(centre, tmp_path / "out"))[0]
    (one / "devices.csv").write_text("device_id,vehicle_id,device_type\n", encoding="utf-8")
    assert not Package(str(one / "datapackage.json")).validate().valid


def test_amounts_sum_to_what_was_booked_for_each_city(centre: Centre, tmp_path: Path) -> None:
    cleared = [row for row in rows(centre.workspace, CLEARED) if row["service_date"] == DAY]
    wanted: Counter[str] = Counter()
    for row in cleared:
        wanted[f"tides-{row['city']}"] += row["fare_fen"]
    for one in packages(shared(centre, tmp_path / "out")):
        found = table(one / "fare_transactions.csv")
        assert sum(Decimal(row["amount"]) for row in found) * 100 == wanted.pop(one.name)
        assert len({row["transaction_id"] for row in found}) == len(found)
    assert not wanted
    assert any(row["reverses"] for row in cleared)


def test_exits_and_their_revenue_are_those_of_the_rides_that_stand(centre: Centre, tmp_path: Path) -> None:
    live = standing(booked(centre.workspace, DAY, WAIT)).to_pylist()
    exits = [row["fare_fen"] for row in live if row["mode"] == 2 and row["exit_station"]]
    activities = [
        row for one in packages(shared(centre, tmp_path / "out")) for row in table(one / "station_activities.csv")
    ]
    assert sum(int(row["total_exits"]) for row in activities) == len(exits) > 0
    assert sum(Decimal(row["transaction_revenue_5"]) for row in activities) * 100 == sum(exits)


def test_no_account_and_no_moment_stands_in_any_file(centre: Centre, tmp_path: Path) -> None:
    cleared = rows(centre.workspace, CLEARED)
    day = shared(centre, tmp_path / "out")
    everything = b"".join(path.read_bytes() for path in sorted(day.rglob("*.csv")))
    for row in cleared:
        assert row["account"].encode() not in everything
        assert row["ride_id"].encode() not in everything
        assert str(row["moment"]).encode() not in everything
    times = {row["event_timestamp"][14:] for one in packages(day) for row in table(one / "fare_transactions.csv")}
    assert times <= {f"{minute:02}:00+0800" for minute in (0, 15, 30, 45)}


def test_one_citys_registry_finds_its_riders_in_no_other_city(centre: Centre) -> None:
    """Everybody rides the same in a second city. Whoever knows which name is whose in one looks for it in the other."""
    here = booked(centre.workspace, DAY, WAIT)
    place = here.schema.get_field_index("city")
    there = here.set_column(place, here.schema.field(place), pa.array([310000] * len(here), pa.int64()))
    names = Pseudonyms(bytes(32), DAY // 100)
    found = [package(rows_, standing(rows_), city, DAY, names) for rows_, city in ((here, 320500), (there, 310000))]
    words: list[set[str]] = [set(), set()]
    for place, files in enumerate(found):
        for row in csv.DictReader(io.StringIO(files["fare_transactions.csv"].decode())):
            words[place] |= {row["token_id"], row["transaction_id"]}
    assert words[0] and len(words[0]) == len(words[1])
    assert not words[0] & words[1]


def test_a_rider_has_one_name_within_a_month_and_city_and_others_elsewhere() -> None:
    names = Pseudonyms(bytes(32), 202609)
    mine = names.rider(310000, "31" * 10)
    assert names.rider(310000, "31" * 10) == mine
    others = [
        names.rider(320500, "31" * 10), names.rider(310000, "32" * 10), names.transaction(310000, 1),
        Pseudonyms(bytes(32), 202610).rider(310000, "31" * 10),
        Pseudonyms(bytes(31) + b"\1", 202609).rider(310000, "31" * 10),
    ]  # fmt: skip
    assert len({mine, *others}) == 6
    assert names.rider(31, "0000" + "31" * 8) != names.rider(310000, "31" * 8), "where a word ends is part of it"
    with pytest.raises(ValueError, match="32 bytes"):
        Pseudonyms(bytes(31), 202609)


def test_a_months_key_is_made_once_private_and_refused_when_it_is_no_key(tmp_path: Path) -> None:
    folder_ = tmp_path / "keys"
    mine = Pseudonyms.of(folder_, 202609).rider(310000, "31" * 10)
    assert Pseudonyms.of(folder_, 202609).rider(310000, "31" * 10) == mine
    assert Pseudonyms.of(folder_, 202610).rider(310000, "31" * 10) != mine
    path = folder_ / "202609.key"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(PseudonymError, match="read by others"):
        Pseudonyms.of(folder_, 202609)
    path.chmod(0o600)
    path.write_text("no key\n")
    with pytest.raises(PseudonymError, match="64 hex digits"):
        Pseudonyms.of(folder_, 202609)


def test_a_day_is_shared_when_late_taps_are_waited_for_no_more(centre: Centre, tmp_path: Path) -> None:
    with pytest.raises(OrderError, match="late taps are waited for"):
        shared(centre, tmp_path / "out", wait_days=WAIT + 1)


def test_a_day_is_shared_once(centre: Centre, tmp_path: Path) -> None:
    day = shared(centre, tmp_path / "out")
    before = {path: path.read_bytes() for path in day.rglob("*") if path.is_file()}
    shared(centre, tmp_path / "out")
    assert {path: path.read_bytes() for path in day.rglob("*") if path.is_file()} == before
    (tmp_path / "keys" / f"{DAY // 100}.key").unlink()  # a new key gives other names
    with pytest.raises(ShareError, match="was shared with other content"):
        shared(centre, tmp_path / "out")
    assert {path: path.read_bytes() for path in day.rglob("*") if path.is_file()} == before


def test_a_share_that_was_cut_off_while_a_file_was_written_is_ended(centre: Centre, tmp_path: Path) -> None:
    """What the cut left stood for a share of other content, for ever."""
    whole = shared(centre, tmp_path / "whole")
    day = tmp_path / "cut" / str(DAY)
    city = packages(whole)[0].name
    (day / city).mkdir(parents=True)
    (day / "flows.csv").write_bytes((whole / "flows.csv").read_bytes())
    for name in ("flows.csv.new", "flows.parquet.new", f"{city}/devices.csv.new"):
        (day / name).write_bytes(b"half a fi")
    shared(centre, tmp_path / "cut")
    found = [{path.relative_to(out): path.read_bytes() for path in out.rglob("*.*")} for out in (whole, day)]
    assert found[0] == found[1]
    (day / "somebody's.new").touch()
    with pytest.raises(ShareError, match=r"somebody's\.new: was shared with other content"):
        shared(centre, tmp_path / "cut")


def live_rides(*rides: tuple[int, int, int | None, int]) -> Any:
    """Rides that stand: (city of the code, hour, entry station, exit station), all of them in Shanghai's metro, each of
    another rider."""
    return pa.Table.from_pylist(
        [
            {
                "person": f"{number:020}",
                "issuer_city": home, "city": 310000, "moment": 1789315200 + hour * 3600, "operator": "99310001",
                "entry_station": entry, "exit_station": exit_,
            }
            for number, (home, hour, entry, exit_) in enumerate(rides)
        ]
    )  # fmt: skip


def test_what_was_shared_is_not_written_again(tmp_path: Path) -> None:
    """Whoever keeps a copy by the time of its files sees nothing new."""
    files = {"flows.csv": b"date", "tides-310000/devices.csv": b"device_id"}
    written = []
    for _ in range(2):
        writing._put(tmp_path / "20260914", files)
        written.append([(tmp_path / "20260914" / name).stat().st_ino for name in files])
    assert written[0] == written[1]


def test_flows_count_every_ride_once_a_table_and_pool_what_is_rare() -> None:
    common = [(330400, 8, 1, 2)] * 5 + [(310000, 9, 2, 1)] * 7
    rare = [(home, 8, 1, 2) for home in (320500, 330100, 320300)]
    found = flows(live_rides(*common, *rare), 20260914, k=2).to_pylist()
    of = {(row["flow"], row["from"], row["to"], row["hour"]): row["rides"] for row in found}
    assert of["issuers", ALL, ALL, "08"] == of["stations", ALL, ALL, "08"] == 8
    assert of["issuers", OTHER, OTHER, ALL] == 3
    assert of["issuers", "330400", "310000", ALL] == 5
    assert of["stations", "99310001-2", "99310001-1", "09"] == 7
    assert not any(row["from"] in ("320500", "330100", "320300") for row in found)
    for flow in ("issuers", "stations"):
        assert sum(rides for (kind, *_, hour), rides in of.items() if kind == flow and hour == ALL) == 15


def test_a_journey_whose_first_leg_is_missing_goes_from_nowhere_to_nowhere() -> None:
    found = flows(live_rides(*[(310000, 8, None, 2)] * 12), 20260914).to_pylist()
    assert {row["flow"] for row in found} == {"issuers"}


def test_where_nobody_says_otherwise_a_sum_is_of_ten_riders_at_least() -> None:
    nine, ten = (flows(live_rides(*[(310000, 8, 1, 2)] * many), 20260914).to_pylist() for many in (9, 10))
    assert nine == []
    assert {row["rides"] for row in ten if row["hour"] in ("08", ALL)} == {10}


def test_many_rides_of_few_riders_are_few() -> None:
    """Ten rides of one rider tell of one rider as one does."""
    rides = live_rides(*[(330400, 8, 1, 2), (310000, 8, 1, 2)] * 20)
    alone = [f"{max(number % 2 * number, 0):020}" for number in range(40)]  # all of the first city's are one rider's
    place = rides.schema.get_field_index("person")
    of_one = rides.set_column(place, "person", pa.array(alone, pa.string()))
    homes = [{row["from"] for row in flows(table_, 20260914, k=5).to_pylist() if row["flow"] == "issuers"}
             for table_ in (rides, of_one)]  # fmt: skip
    assert homes == [{"330400", "310000", ALL}, {OTHER, ALL}]


def test_what_two_tables_of_a_city_lack_of_each_other_tells_of_nobody() -> None:
    """One rider of a small city: left out of one table's sums, the hour of his ride would be in the other's."""
    found = flows(
        live_rides(*[(310000, hour, 1, 2) for hour in (8, 9)] * 20, (330400, 9, 1, 2)), 20260914, k=5
    ).to_pylist()
    sums = {(row["flow"], row["hour"]): row["rides"] for row in found if row["from"] == ALL}
    assert {hour for _, hour in sums} == {"08", "09"}
    assert all(sums["issuers", hour] == sums["stations", hour] for _, hour in sums)


def test_other_parameters_tell_what_equal_treatment_would_cost(
    region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["centre", "share", str(region), "--day", str(DAY), "--out", str(tmp_path / "out"), "--k", "2", "--json"]
    assert command.main([*words, "--parameters", str(region / "parameters" / "city.img")]) == 0
    assert json.loads(capsys.readouterr().out)["equal-treatment"] == 0, "they are the same"
    day = tmp_path / "out" / str(DAY)
    assert (day / "equal-treatment.csv").exists() and pq.read_table(day / "equal-treatment.parquet").num_rows == 0
    assert "同等待遇" in (day / "report.html").read_text()
    assert command.main(words) == 5, "shared without them it would be another share"
    assert "was shared with other content" in capsys.readouterr().err


def test_a_day_is_shared_with_no_other_days_simulation(centre: Centre, tmp_path: Path) -> None:
    other = read_other(centre.folder.path / "parameters" / "city.img")

    def simulated() -> Simulation:
        return simulate(
            centre.workspace, centre.engine, centre.published, centre.terms, other, since=DAY, until=DAY + 1
        )

    with pytest.raises(ValueError, match="simulation of that day"):
        share(centre.workspace, DAY, tmp_path / "out", tmp_path / "keys", wait_days=WAIT, k=2, simulated=simulated)
    assert not (tmp_path / "out").exists()


def test_the_verb_shares_and_says_how_much(region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["centre", "share", str(region), "--day", str(DAY), "--out", str(tmp_path / "out"), "--json"]
    assert command.main(words) == 0
    said = json.loads(capsys.readouterr().out)
    found = [row for one in packages(tmp_path / "out" / str(DAY)) for row in table(one / "fare_transactions.csv")]
    told = {"step": "share", "day": DAY, "before": False, "bookings": len(found), "flows": 0, "subsidies": 0}
    assert said == told
    assert pq.read_table(tmp_path / "out" / str(DAY) / "flows.parquet").num_rows == 0, "five riders hide in nothing"
