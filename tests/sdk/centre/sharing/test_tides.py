"""What a row of a city's package says: when, what for, how much, by TIDES and `tides`' docstring."""

import csv
import io
from typing import Any

import pyarrow as pa

from yima.sdk.centre.sharing.pseudonyms import Pseudonyms
from yima.sdk.centre.sharing.tides import package

CITY, DAY = 310000, 20260928
MIDNIGHT = 1790524800  # of that day, UTC+8
HOUR = 3600


def bus(clearing: int, at: int = 8 * HOUR, **changes: Any) -> dict[str, Any]:
    """A booking of a bus ride, at seconds of the local day."""
    row = {
        "city": CITY, "operator": "99310001", "mode": 1, "device": "bus-1", "clearing": clearing, "number": 1,
        "reverses": False, "service_date": DAY, "moment": MIDNIGHT + at, "entry_at": None, "entry_station": None,
        "exit_station": None, "fare_fen": 200, "cap_fen": 0, "account": "31" * 10,
    }  # fmt: skip
    return row | changes


def metro(clearing: int, begin: int | None, end: int, **changes: Any) -> dict[str, Any]:
    """One of a metro journey from station 1 to station 2; begin: None where its first tap is missing."""
    of = {"mode": 2, "device": "gate-2", "entry_station": 1, "exit_station": 2, "entry_at": begin and MIDNIGHT + begin}
    return bus(clearing, end, **(of | changes))


def told(name: str, *rows: dict[str, Any]) -> list[dict[str, str]]:
    """A table of the package, where all of these stand."""
    found = pa.Table.from_pylist([bus(900, entry_at=1, entry_station=1, exit_station=1, city=320500), *rows])
    files = package(found, found, CITY, DAY, Pseudonyms(bytes(32), DAY // 100))
    return list(csv.DictReader(io.StringIO(files[f"{name}.csv"].decode())))


def test_the_first_booking_of_a_ride_is_what_the_rider_did_and_every_later_one_an_adjustment() -> None:
    later: list[dict[str, Any]] = [{"reverses": True}, {"number": 2}, {"number": 2, "reverses": True}]
    rows = [bus(1), *(bus(10 + n, **one) for n, one in enumerate(later)), metro(2, 8 * HOUR, 9 * HOUR)]
    rows += [metro(20 + n, 8 * HOUR, 9 * HOUR, **one) for n, one in enumerate(later)]
    actions = [row["fare_action"] for row in told("fare_transactions", *rows)]
    assert actions == ["Enter", *["Adjust"] * 3, "Exit", *["Adjust"] * 3]


def test_a_moment_is_the_local_quarter_hour_it_lies_in() -> None:
    moments = (0, 899, 900, 8 * HOUR - 1, 24 * HOUR - 1)
    times = [row["event_timestamp"] for row in told("fare_transactions", *(bus(at, at) for at in moments))]
    assert [time[11:16] for time in times] == ["00:00", "00:00", "00:15", "07:45", "23:45"]
    assert {(time[:10], time[16:]) for time in times} == {("2026-09-28", ":00+0800")}


def test_amounts_are_yuan_with_two_decimals_and_a_cap_is_told() -> None:
    rows = told("fare_transactions", *(bus(n, fare_fen=fen, cap_fen=-n) for n, fen in enumerate((205, -150, 0, 7))))
    assert [row["amount"] for row in rows] == ["2.05", "-1.50", "0.00", "0.07"]
    assert [row["fare_capped"] for row in rows] == ["false", "true", "true", "true"]


def test_a_bus_is_a_vehicle_and_a_gate_stands_at_a_stop() -> None:
    rows = (bus(1, exit_station=5), metro(2, 8 * HOUR, 9 * HOUR))
    assert [(row["device_id"], row["vehicle_id"], row["device_type"]) for row in told("devices", *rows)] == [
        ("bus-1", "bus-1", "Farebox"), ("gate-2", "", "Fare gate"),
    ]  # fmt: skip
    assert [(row["device_id"], row["vehicle_id"], row["stop_id"]) for row in told("fare_transactions", *rows)] == [
        ("bus-1", "bus-1", ""), ("gate-2", "", "99310001-2"),
    ]  # fmt: skip


def test_stations_count_who_entered_and_left_in_each_local_hour_and_what_was_taken_at_the_exit() -> None:
    """The second journey's first tap is missing: nobody is known to have entered."""
    rows = (metro(1, 8 * HOUR - 1, 8 * HOUR, fare_fen=300), metro(2, None, 9 * HOUR - 1, fare_fen=150), bus(3))
    found = told("station_activities", *rows)
    assert [
        (row["stop_id"], row["time_period_start"], row["time_period_end"], row["total_entries"], row["total_exits"],
         row["transaction_revenue_5"]) for row in found
    ] == [
        ("99310001-1", "2026-09-28T07:00:00+0800", "2026-09-28T08:00:00+0800", "1", "0", "0.00"),
        ("99310001-2", "2026-09-28T08:00:00+0800", "2026-09-28T09:00:00+0800", "0", "2", "4.50"),
    ]  # fmt: skip


def test_who_rode_over_midnight_entered_the_evening_before() -> None:
    """The hour was told of the day of the exit: a whole day later, when the station was closed."""
    rows = told("station_activities", metro(1, -600, 600), metro(2, 24 * HOUR - 600, 24 * HOUR - 1))
    entered = [
        (row["date"], row["time_period_start"][:13], row["time_period_end"][:13], row["total_entries"])
        for row in rows
        if row["stop_id"] == "99310001-1"
    ]
    assert entered == [
        ("2026-09-28", "2026-09-27T23", "2026-09-28T00", "1"),
        ("2026-09-28", "2026-09-28T23", "2026-09-29T00", "1"),
    ]
