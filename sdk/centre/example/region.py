"""Who is there: cities, issuers, operators, gates and their parameters; all of it out of the profile and the seed.

What is synthetic beyond the profile: operators (the bus company of a city has its issuer's number and one more, the
metro's two more), lines and vehicles of buses, how much is ridden where. Stations and fares are the profile's.
"""

import csv
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from yima.sdk.centre.clearing.days import AHEAD_S
from yima.sdk.centre.clearing.rides.rules import ride_rules
from yima.sdk.centre.clearing.toml_rows import read
from yima.sdk.centre.example.keys import seeded_key
from yima.sdk.issuer import Issuer, RootAuthority, make_issuer, make_root
from yima.sdk.parameters.compile import compiled
from yima.sdk.parameters.source import read_source
from yima.sdk.profiles import yangtze_delta
from yima.sdk.profiles.yangtze_delta import issuers
from yima.sdk.profiles.yangtze_delta.build import TARIFF, write_source
from yima.sdk.profiles.yangtze_delta.plan import City, load_plan
from yima.validator.judging import Direction, GateContext, Mode
from yima.validator.parameters import Parameters

FIRST_DAY = 20260907  # a Monday
VERSION_AT_DAY = 1  # from the second day on gates have the second version
STATIONS = (101, 102, 103, 104, 105, 106)
METRO_LINE = 1
# How much is ridden: Shanghai most. A city that is not here: 1.
_WEIGHTS = {310000: 6, 330100: 4, 320500: 3, 320100: 2, 320200: 2, 320600: 2, 330600: 2, 340100: 2}
CLEARING = Path(yangtze_delta.__file__).parent / "clearing"
RIDE_RULES = ride_rules(read(CLEARING / "rules.toml").table("rides"))
_TAPS_A_VEHICLE = 2000
_VEHICLES_LEAST, _VEHICLES_MOST = 4, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One device. steady: its line to the collector never fails, as that of no gate to the street does: else an exit
    could come in late as well as the next entry, and which belongs to which would depend on the day of asking."""

    name: str
    gate: GateContext
    steady: bool = False


@cache
def midnight(place: int) -> int:
    """The moment, unix seconds, at which day number `place` of the example begins, in UTC+8."""
    first = datetime(FIRST_DAY // 10000, FIRST_DAY // 100 % 100, FIRST_DAY % 100, tzinfo=UTC)
    return int((first + timedelta(days=place)).timestamp()) - AHEAD_S


def weight(city: City) -> int:
    """The city's part of the taps, of total_weight."""
    return _WEIGHTS.get(city.division, 1)


def cities() -> tuple[City, ...]:
    """The cities of the plan, those with most taps first."""
    return tuple(sorted(load_plan().cities, key=lambda city: (-weight(city), city.division)))


def has_metro(city: City) -> bool:
    """Whether its metro has joined the plan."""
    return load_plan().joined(city, Mode.METRO) is not None


def operator(city: City, mode: Mode) -> int:
    """Who runs this mode there, as a number."""
    return int(issuers.organisation(city)) + (1 if mode is Mode.BUS else 2)


def missing_exit_fen(city: City) -> int:
    """What an entry costs there that no exit followed."""
    fen = {row.city: row.fen for row in RIDE_RULES.missing_exit}
    return fen.get(city.division, fen[0])


@cache
def _journey_rules(city: City) -> dict[str, str]:
    with (TARIFF / "journeys.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    return next(row for row in rows if row["mode"] == Mode.METRO and row["city"] in (str(city.division), ""))


def refuses_unreadable(city: City) -> bool:
    """Whether its metro lets nobody out whose code does not tell the entry."""
    return _journey_rules(city)["unreadable_fen"] == "refuse"


def over_time_fen(city: City) -> int:
    """What its metro takes of those who were too long below ground."""
    return int(_journey_rules(city)["over_time_fen"])


def posts(city: City, taps: int) -> list[Post]:
    """The devices of a city through which so many taps go: vehicles, two a line, then gates, a way in and one out."""
    count = min(max(_VEHICLES_LEAST, taps // _TAPS_A_VEHICLE), _VEHICLES_MOST) // 2 * 2
    found = [
        Post(
            name=f"{city.division}-bus-{number // 2 + 1}-{number % 2 + 1}",
            gate=GateContext(
                mode=Mode.BUS, city=city.division, line=number // 2 + 1, operator=operator(city, Mode.BUS)
            ),
            steady=number == 0,
        )
        for number in range(count)
    ]
    if has_metro(city):
        found += [
            Post(
                name=f"{city.division}-{direction}-{station}",
                gate=GateContext(
                    mode=Mode.METRO, city=city.division, line=METRO_LINE, station=station, direction=direction,
                    operator=operator(city, Mode.METRO),
                ),
                steady=direction is Direction.EXIT,
            )
            for direction in (Direction.ENTRY, Direction.EXIT)
            for station in STATIONS
        ]  # fmt: skip
    return found


@cache
def root(seed: int, index: int) -> RootAuthority:
    """A root CA of the seed."""
    return make_root(index, key=seeded_key(seed, "root", index))


def institutions(seed: int) -> dict[int, Issuer]:
    """Each city's institution, by its division. Certificates are signed anew with every call, so they are made once."""
    return {city.division: _institution(seed, city) for city in cities()}


def _institution(seed: int, city: City) -> Issuer:
    organisation = issuers.organisation(city)
    key = seeded_key(seed, "issuer", organisation)
    return make_issuer(root(seed, issuers.root_index(city)), organisation, key=key)


@cache
def parameters(seed: int, version: int) -> Parameters:
    """What every gate has in force: the profile's source under the seed's roots, for 90 days from the day before."""
    begin = datetime.fromtimestamp(midnight(-1), UTC)
    with tempfile.TemporaryDirectory() as folder:
        source = write_source(
            Path(folder) / "source",
            [root(seed, index).certificate for index in (1, 2)],
            not_before=begin,
            expiry=begin + timedelta(days=90),
            version=version,
        )
        return compiled(read_source(source))
