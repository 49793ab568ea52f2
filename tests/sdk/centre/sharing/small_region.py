"""A small region to be attacked: three cities to ride in, six whose issuers have riders, six days of two months.

Its rides are written as the centre would have booked them, so that they can be shared as they are; who is who is known
to the test alone. Shanghai has buses and a metro, Suzhou buses, Hangzhou a metro.
"""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from tests.sdk.centre.clearing.money.world import put
from yima.sdk.centre.clearing.days import shifted
from yima.sdk.centre.clearing.money.settle import LAST
from yima.sdk.centre.clearing.money.tables import CLEARED, FUNDED, PERSONS, PLACES_A_DAY
from yima.sdk.centre.clearing.tables import Table
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.centre.simulation.other import Other
from yima.sdk.centre.simulation.settling import FUNDER, RIDE, Simulation

SHANGHAI, SUZHOU, HANGZHOU, JIAXING, XUZHOU, HEFEI = 310000, 320500, 330100, 330400, 320300, 340100
CITIES, HOMES = (SHANGHAI, SUZHOU, HANGZHOU), (SHANGHAI, SUZHOU, HANGZHOU, JIAXING, XUZHOU, HEFEI)
DAYS = (20260928, 20260929, 20260930, 20261001, 20261002, 20261003)
WAIT = 1
_MIDNIGHT = 1790524800  # 2026-09-28 00:00 in UTC+8
_LOCALS, _VISITORS = 45, {JIAXING: 18, XUZHOU: 2, HEFEI: 13}
_VEHICLES, _STATIONS = 4, 3
_SENIORS = 0.3
_DEFAULTS: Mapping[str, object] = {"int": 0, "small": 0, "text": "", "flag": False, "bytes": b""}


class Region:
    """rides: rows of CLEARED, each with `person`, and `off`: what who takes off. persons: account to person."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self.rides: list[dict[str, Any]] = []
        self.persons: dict[str, str] = {}
        self._accounts = 0
        riders = [(home, city) for city in CITIES for home in (city,) for _ in range(_LOCALS)]
        riders += [(home, city) for city in CITIES for home, count in _VISITORS.items() for _ in range(count)]
        for home, city in riders:
            self._ordinary(self._account(home), home, city)
        for _ in range(4):
            self._goes_between()
        for _ in range(3):
            self._two_codes_in_suzhou()
        self.rides.sort(key=lambda ride: ride["moment"])
        for place, ride in enumerate(self.rides, 1):
            ride["ride_id"] = f"{ride['device']}/1/{place}"
            ride["clearing"] = ride["day"] * PLACES_A_DAY + place

    def _account(self, home: int, person: str = "") -> str:
        self._accounts += 1
        account = f"{home:06}{self._accounts:014}"
        self.persons[account] = person or account
        return account

    def _ordinary(self, account: str, home: int, city: int) -> None:
        senior = self._dice.random() < _SENIORS
        usual = self._dice.randint(7, 10)
        for place in range(len(DAYS)):
            if self._dice.random() < 0.8:
                at = usual * 3600 + self._dice.randint(0, 3599)
                metro = city == HANGZHOU or (city == SHANGHAI and self._dice.random() < 0.5)
                self._ride(account, (home, city), place, at, metro=metro, senior=senior)
            if self._dice.random() < 0.1:
                at = self._dice.randint(6, 22) * 3600 + self._dice.randint(0, 3599)
                self._ride(account, (home, city), place, at, metro=city == HANGZHOU, senior=senior)

    def _goes_between(self) -> None:
        """Out of Shanghai's metro by one code, onto Suzhou's bus by another, within a quarter hour, every day."""
        there = self._account(SHANGHAI)
        here = self._account(SUZHOU, there)
        usual = self._dice.randint(7, 17) * 3600
        for place in range(len(DAYS)):
            at = usual + self._dice.randint(0, 1800)
            self._ride(there, (SHANGHAI, SHANGHAI), place, at, metro=True)
            self._ride(here, (SUZHOU, SUZHOU), place, at + self._dice.randint(300, 840), metro=False)

    def _two_codes_in_suzhou(self) -> None:
        """A transfer from a ride by one code to a ride by another: the second is free."""
        one = self._account(SUZHOU)
        other = self._account(JIAXING, one)
        usual = self._dice.randint(12, 20) * 3600
        for place in range(len(DAYS)):
            at = usual + self._dice.randint(0, 1800)
            self._ride(one, (SUZHOU, SUZHOU), place, at, metro=False)
            self._ride(other, (JIAXING, SUZHOU), place, at + 1200, metro=False, transfer=True)

    def _ride(
        self,
        account: str,
        pair: tuple[int, int],
        place: int,
        at: int,
        *,
        metro: bool,
        senior: bool = False,
        transfer: bool = False,
    ) -> None:
        home, city = pair
        gate, centre = (-200 if senior else 0), (-400 if transfer else 0)
        stations = self._dice.sample(range(1, _STATIONS + 1), 2) if metro else (None, None)
        vehicle = self._dice.randint(1, _VEHICLES)
        row = {name: None if kind.endswith("?") else _DEFAULTS[kind] for name, kind in CLEARED.columns.items()}
        row |= {
            "number": 1, "cause": "RIDE", "kind": "METRO" if metro else "BUS", "account": account,
            "issuer": f"99{home}", "operator": f"99{city}", "city": city, "issuer_city": home,
            "mode": 2 if metro else 1,
            "device": f"{city}-out-{stations[1]}" if metro else f"{city}-bus-{vehicle}",
            "entry_station": stations[0], "exit_station": stations[1], "moment": _MIDNIGHT + place * 86400 + at,
            "entry_at": _MIDNIGHT + place * 86400 + at - 900 if metro else None, "gross_fen": 400, "gate_fen": gate,
            "transfer_fen": centre, "transfer_rule": "transfer" if transfer else None, "fare_fen": 400 + gate + centre,
            "service_date": DAYS[place], "day": DAYS[place],
        }  # fmt: skip
        row["off"] = [("GATE", "CITY", f"00{home}", gate), ("CENTRE", "OPERATOR", f"99{city}", centre)]
        row["person"] = self.persons[account]
        self.rides.append(row)

    def of(self, day: int) -> list[dict[str, Any]]:
        return [ride for ride in self.rides if ride["service_date"] == day]

    def write(self, folder: Path) -> Workspace:
        """The region as a settled workspace."""
        workspace = Workspace(folder)
        put(workspace, CLEARED, _columns(self.rides, CLEARED))
        put(workspace, FUNDED, _columns(self._funded(), FUNDED))
        linked = {account for account, person in self.persons.items() if account != person}
        linked |= {self.persons[account] for account in linked}
        rows = [{"account": one, "person": self.persons[one], "day": DAYS[0]} for one in linked]
        put(workspace, PERSONS, rows)
        for day in (*DAYS, shifted(DAYS[-1], WAIT)):
            workspace.done(LAST, day)
        return workspace

    def _funded(self) -> list[dict[str, Any]]:
        return [
            {
                "clearing": ride["clearing"], "ride_id": ride["ride_id"], "number": 1, "source": source, "place": 1,
                "rule": "r", "fen": fen, "funder": "", "party_kind": kind, "party": party, "day": ride["day"],
            }
            for ride in self.rides
            for source, kind, party, fen in ride["off"]
            if fen
        ]  # fmt: skip

    def simulated(self, day: int) -> Simulation:
        """The day if seniors rode for nothing."""
        rides = self.of(day)
        rows = [
            dict.fromkeys(RIDE.names)
            | {name: ride[name] for name in ("ride_id", "person", "issuer_city", "city", "service_date")}
            | {"refused_at": "", "reason": 0}
            for ride in rides
        ]
        paid = [
            {"ride_id": ride["ride_id"], "party_kind": kind, "party": party, "settled_fen": -fen}
            | {"other_fen": 400 if kind == "CITY" else -fen}
            for ride in rides
            for _, kind, party, fen in ride["off"]
            if fen
        ]
        return Simulation(
            other=Other(image=b"", city=0, version=2, digest=""),
            since=day,
            until=day,
            rides=pa.Table.from_pylist(rows, RIDE),
            funders=pa.Table.from_pylist(paid, FUNDER),
        )


def _columns(rows: Sequence[Mapping[str, Any]], table: Table) -> list[dict[str, Any]]:
    return [{name: row[name] for name in table.columns} for row in rows]
