"""What happens on a day in a city: who rides what, and what goes wrong, as events in the order of time.

Troubles stand in Shares, as parts of all journeys; a journey has one at most. They are spread by a seeded chance.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import StrEnum
from heapq import merge

from yima.sdk.centre.example.region import STATIONS, midnight
from yima.sdk.centre.example.riders import PERSONS, Passenger, Passengers


class Happens(StrEnum):
    """What a journey is."""

    PLAIN = "PLAIN"
    EXPIRED = "EXPIRED"  # shown too late: refused, then a fresh code is taken
    COMPANION = "COMPANION"  # a second rider on the account
    REVERSED = "REVERSED"  # the gate did not open
    NOT_PASSED = "NOT_PASSED"  # opened, nobody passed, and the rider taps again
    TWO_GATES = "TWO_GATES"  # one code at two vehicles
    TWO_CITIES = "TWO_CITIES"
    LATE_REVERSAL = "LATE_REVERSAL"  # the gate's word came when its line was back
    DAMAGED = "DAMAGED"  # the record cannot be paid, see lies
    WRONG_FARE = "WRONG_FARE"  # the gate took another fare than its parameters say
    MISSING_EXIT = "MISSING_EXIT"
    MISSING_ENTRY = "MISSING_ENTRY"  # the gate's record of it is lost
    OTHER_ENTRY = "OTHER_ENTRY"  # the code tells another station than the rider came from
    UNREADABLE_ENTRY = "UNREADABLE_ENTRY"  # the code tells nothing that can be read
    OVER_TIME = "OVER_TIME"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Parts: of a mode's journeys, for what happens to them; late: of the days of devices; duplicates: of entries;
    two_cities: of taps; disputes: of rides; persons: of riders, who have several codes."""

    expired: float = 0.005
    companion: float = 0.01
    reversed: float = 0.004
    not_passed: float = 0.002
    two_gates: float = 0.002
    damaged: float = 0.002  # of bus journeys, about half of all taps: 0.1 % of taps
    wrong_fare: float = 0.001
    missing_exit: float = 0.01
    missing_entry: float = 0.005
    other_entry: float = 0.005
    unreadable_entry: float = 0.004
    over_time: float = 0.002
    late: float = 0.01
    duplicates: float = 0.01
    two_cities: float = 0.0005
    disputes: float = 0.002
    persons: float = PERSONS


_ON_BUS = (
    Happens.EXPIRED, Happens.COMPANION, Happens.REVERSED, Happens.NOT_PASSED, Happens.TWO_GATES, Happens.DAMAGED,
    Happens.WRONG_FARE,
)  # fmt: skip
_ON_METRO = (
    Happens.MISSING_EXIT, Happens.MISSING_ENTRY, Happens.OTHER_ENTRY, Happens.UNREADABLE_ENTRY, Happens.OVER_TIME,
)  # fmt: skip
_TAPS = {Happens.EXPIRED: 2, Happens.COMPANION: 2, Happens.NOT_PASSED: 2, Happens.TWO_GATES: 2}
_OPENS, _CLOSES, _LAST_TRAIN = 6 * 3600, 22 * 3600, 23 * 3600
OVER_TIME_S = 5 * 3600
_LEG_EVERY = 3
_LOSSES = (Happens.MISSING_EXIT, Happens.MISSING_ENTRY)


@dataclass(slots=True, kw_only=True)
class Journey:
    """One journey. place: of the vehicle among the city's, or the station of entry; to: the other vehicle, or the
    station of exit. at, until: unix seconds. entered: the entry's tap and its settlement day, once it was made."""

    rider: Passenger
    happens: Happens
    is_metro: bool
    place: int
    to: int
    at: int
    until: int
    entered: tuple[str, int] | None = None


def day(
    chance: random.Random, passengers: Passengers, shares: Shares, *, place: int, taps: int, vehicles: int, metro: bool
) -> Iterator[tuple[int, int, Journey, bool]]:
    """Events (unix seconds, number, journey, whether it is the exit) of one day, in their order; `taps` presentations
    in all. vehicles: how many buses there are, two or more."""
    begins: list[tuple[int, int, Journey, bool]] = []
    ends: list[tuple[int, int, Journey, bool]] = []
    left, number, events = taps, 0, 0
    while left:
        rider = passengers[number]
        at = midnight(place) + _OPENS + int(chance.random() * 6 * 3600)
        for _ in range(rider.journeys):
            if not left or at > midnight(place) + _CLOSES:
                break
            rides_metro = metro and _may_lose(number, place - 1) is not Happens.MISSING_EXIT
            shown = rider.shown(chance)
            journey = _journey(chance, shown, shares, at=at, left=left, vehicles=vehicles, metro=rides_metro)
            if journey.happens in _LOSSES and journey.happens is not _may_lose(number, place):
                journey.happens = Happens.PLAIN
            if journey.happens is Happens.OVER_TIME and at + OVER_TIME_S < midnight(place) + _LAST_TRAIN:
                journey.until = at + OVER_TIME_S
            has_entry = not (journey.is_metro and journey.happens is Happens.MISSING_ENTRY)
            has_exit = journey.is_metro and journey.happens is not Happens.MISSING_EXIT
            if has_entry:
                begins.append((journey.at, events, journey, False))
            if has_exit:
                ends.append((journey.until, events, journey, True))
            left -= has_entry + has_exit if journey.is_metro else _TAPS.get(journey.happens, 1)
            events += 1
            if journey.happens is Happens.MISSING_EXIT:
                break  # or a later exit whose own entry comes in late would be taken for the one that is missing
            at = journey.until + 300 + int(chance.random() ** 2 * 5 * 3600)
        number += 1
    begins.sort(key=_order)
    ends.sort(key=_order)
    return merge(begins, ends, key=_order)


def _order(event: tuple[int, int, Journey, bool]) -> tuple[int, int, bool]:
    return event[0], event[1], event[3]


def _journey(
    chance: random.Random, rider: Passenger, shares: Shares, *, at: int, left: int, vehicles: int, metro: bool
) -> Journey:
    is_metro = metro and chance.random() < 0.5 and left > 1
    happens = _happens(chance, shares, _ON_METRO if is_metro else _ON_BUS)
    if left < _TAPS.get(happens, 1):
        happens = Happens.PLAIN
    if is_metro:
        entry, leaves = chance.sample(STATIONS, 2)
        until = at + 600 + int(chance.random() * 2400)
        return Journey(rider=rider, happens=happens, is_metro=True, place=entry, to=leaves, at=at, until=until)
    vehicle = int(chance.random() * vehicles)
    other = (vehicle + 1 + int(chance.random() * (vehicles - 1))) % vehicles
    lasts = 300 + int(chance.random() * 1500)
    return Journey(rider=rider, happens=happens, is_metro=False, place=vehicle, to=other, at=at, until=at + lasts)


def _may_lose(number: int, place: int) -> Happens | None:
    """Which leg this rider may lose on this day: one on every third day, so that none is taken for another's."""
    return _LOSSES[number // _LEG_EVERY % 2] if (number + place) % _LEG_EVERY == 0 else None


def _happens(chance: random.Random, shares: Shares, choices: tuple[Happens, ...]) -> Happens:
    drawn = chance.random()
    for happens in choices:
        drawn -= getattr(shares, happens.value.lower())
        if drawn < 0:
            return happens
    return Happens.PLAIN


assert {one.name for one in fields(Shares)} > {one.value.lower() for one in (*_ON_BUS, *_ON_METRO)}
