"""A riding city's own data of one service date as a TIDES 1.0 data package: devices, fare transactions, stations.

Source: Transit Integrated Data Exchange Specification 1.0 (https://tides-transit.org/main/). Which of its fields are
written, and as what:

- `fare_transactions`: a row for each booking and each reversal, so that amounts sum to what was booked for the city.
  The first booking of a ride is `Enter` (bus) or `Exit` (metro), whatever comes after it is `Adjust`. Amounts are yuan
  with two decimals. Times are the quarter hour (UTC+8) in which the tap lies. `token_id` and `transaction_id` are names
  of that month and city (pseudonyms.py); there is no account.
- `station_activities`: of each metro station and hour, how many entered and left, and what was taken at its exits. Who
  rode over midnight entered in an hour of the day before, of the same service date.
- `devices`: every gate and bus that is named.

A package holds rides one by one, which flows.py never shows: it is for the city whose gates they passed.
"""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from yima.sdk.centre.clearing.days import AHEAD_S
from yima.sdk.centre.sharing.pseudonyms import Pseudonyms

PROFILE = "https://raw.githubusercontent.com/TIDES-transit/TIDES/main/spec/tides-datapackage-profile.json"
METRO, QUARTER_S, HOUR_S = 2, 900, 3600
FARE_ACTIONS = ("Enter", "Exit", "Adjust")
DEVICE_TYPES = ("Farebox", "Fare gate")

Field = tuple[str, str, Mapping[str, object]]
_REQUIRED: Mapping[str, object] = {"required": True}
_COUNT: Mapping[str, object] = {"minimum": 0}
FIELDS: Mapping[str, Sequence[Field]] = {
    "devices": (
        ("device_id", "string", {"required": True, "unique": True}),
        ("vehicle_id", "string", {}),
        ("device_type", "string", {"enum": list(DEVICE_TYPES)}),
    ),
    "fare_transactions": (
        ("transaction_id", "string", {"required": True, "unique": True}),
        ("service_date", "date", _REQUIRED),
        ("event_timestamp", "datetime", _REQUIRED),
        ("amount", "number", _REQUIRED),
        ("currency_type", "string", {"enum": ["CNY"]}),
        ("fare_action", "string", {"required": True, "enum": list(FARE_ACTIONS)}),
        ("vehicle_id", "string", {}),
        ("device_id", "string", {}),
        ("stop_id", "string", {}),
        ("num_riders", "integer", _COUNT),
        ("fare_media_id", "string", {"enum": ["Optical scan"]}),
        ("fare_capped", "boolean", {}),
        ("token_id", "string", {}),
    ),
    "station_activities": (
        ("date", "date", _REQUIRED),
        ("stop_id", "string", _REQUIRED),
        ("time_period_start", "datetime", _REQUIRED),
        ("time_period_end", "datetime", _REQUIRED),
        ("total_entries", "integer", _COUNT),
        ("total_exits", "integer", _COUNT),
        ("number_of_transactions", "integer", _COUNT),
        ("transaction_revenue_5", "number", {}),
        ("transaction_count_5", "integer", _COUNT),
    ),
}
_KEYS: Mapping[str, object] = {
    "devices": "device_id",
    "fare_transactions": "transaction_id",
    "station_activities": ["date", "stop_id", "time_period_start", "time_period_end"],
}

Row = dict[str, object]


def package(bookings: pa.Table, live: pa.Table, city: int, service_date: int, names: Pseudonyms) -> dict[str, bytes]:
    """The files of a city's package by name. bookings: every one of that date; live: those that stand (rides.py)."""
    rows = [row for row in bookings.to_pylist() if row["city"] == city]
    standing = [row for row in live.to_pylist() if row["city"] == city]
    tables: Mapping[str, Iterable[Row]] = {
        "devices": _devices(rows),
        "fare_transactions": (_transaction(row, names) for row in rows),
        "station_activities": _activities(standing, service_date),
    }
    files = {f"{name}.csv": _csv(name, found) for name, found in tables.items()}
    return {**files, "datapackage.json": _described(city, service_date)}


def _devices(rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    found = {row["device"]: row["mode"] for row in rows}
    return [
        {
            "device_id": device,
            "vehicle_id": None if mode == METRO else device,
            "device_type": "Fare gate" if mode == METRO else "Farebox",
        }
        for device, mode in sorted(found.items())
    ]


def _transaction(row: Mapping[str, Any], names: Pseudonyms) -> Row:
    is_metro = row["mode"] == METRO
    first = "Exit" if is_metro else "Enter"
    return {
        "transaction_id": names.transaction(row["city"], row["clearing"]),
        "service_date": _date(row["service_date"]),
        "event_timestamp": _time(row["moment"] - row["moment"] % QUARTER_S),
        "amount": _yuan(row["fare_fen"]),
        "currency_type": "CNY",
        "fare_action": first if row["number"] == 1 and not row["reverses"] else "Adjust",
        "vehicle_id": None if is_metro else row["device"],
        "device_id": row["device"],
        "stop_id": _stop(row, "exit_station"),
        "num_riders": 1,
        "fare_media_id": "Optical scan",
        "fare_capped": "true" if row["cap_fen"] else "false",
        "token_id": names.rider(row["city"], row["account"]),
    }


def _activities(rows: Iterable[Mapping[str, Any]], service_date: int) -> list[Row]:
    entries: dict[tuple[str, int], int] = defaultdict(int)
    exits: dict[tuple[str, int], list[int]] = defaultdict(list)
    for row in rows:
        if (stop := _stop(row, "entry_station")) and row["entry_at"] is not None:
            entries[stop, row["entry_at"] // HOUR_S] += 1
        if stop := _stop(row, "exit_station"):
            exits[stop, row["moment"] // HOUR_S].append(row["fare_fen"])
    return [
        {
            "date": _date(service_date),
            "stop_id": stop,
            "time_period_start": _time(hour * HOUR_S),
            "time_period_end": _time((hour + 1) * HOUR_S),
            "total_entries": entries[stop, hour],
            "total_exits": len(exits[stop, hour]),
            "number_of_transactions": len(exits[stop, hour]),
            "transaction_revenue_5": _yuan(sum(exits[stop, hour])),
            "transaction_count_5": len(exits[stop, hour]),
        }
        for stop, hour in sorted(entries.keys() | exits.keys())
    ]


def _stop(row: Mapping[str, Any], which: str) -> str | None:
    return f"{row['operator']}-{row[which]}" if row["mode"] == METRO and row[which] else None


def _yuan(fen: int) -> str:
    return str(Decimal(fen).scaleb(-2).quantize(Decimal("0.01")))


def _date(day: int) -> str:
    return f"{day // 10000:04}-{day // 100 % 100:02}-{day % 100:02}"


def _time(unix_s: int) -> str:
    """Local time (UTC+8), with its offset."""
    local = datetime.fromtimestamp(0, UTC) + timedelta(seconds=unix_s + AHEAD_S)
    return local.strftime("%Y-%m-%dT%H:%M:%S+0800")


def _csv(name: str, rows: Iterable[Row]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, [field for field, _, _ in FIELDS[name]], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def _described(city: int, service_date: int) -> bytes:
    resources = []
    for name, fields in FIELDS.items():
        schema: dict[str, object] = {
            "fields": [
                {
                    "name": field,
                    "type": kind,
                    **({"format": "%Y-%m-%dT%H:%M:%S%z"} if kind == "datetime" else {}),
                    "constraints": dict(rules),
                }
                for field, kind, rules in fields
            ],
            "primaryKey": _KEYS[name],
            "missingValues": ["", "NaN", "NA"],
        }
        if name == "fare_transactions":
            reference = {"resource": "devices", "fields": "device_id"}
            schema["foreignKeys"] = [{"fields": "device_id", "reference": reference}]
        resources.append({"name": name, "path": f"{name}.csv", "profile": "tabular-data-resource", "schema": schema})
    described = {
        "profile": "tabular-data-package",
        "tides_profile": PROFILE,
        "title": f"Transit code rides in {city}, {_date(service_date)}",
        "name": f"rides-{city}-{service_date}",
        "agency": str(city),
        "licenses": [{"name": "none", "title": "As agreed with the city: not for the public"}],
        "contributors": [{"title": "Clearing centre", "role": "publisher"}],
        "resources": resources,
    }
    return json.dumps(described, ensure_ascii=False, indent=1).encode() + b"\n"
