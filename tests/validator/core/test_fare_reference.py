"""Random tariffs and random rides: the core against a reading of the rules by another hand, to the fen."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import groupby
from typing import Any

import pytest

from tests.validator.core import fare_reference
from tests.validator.core.fare_reference import Asked
from yima.sdk.issuer import Rider
from yima.validator.judging import Direction, Mode, Reason, Validator
from yima.validator.parameters.rules import (
    OPEN,
    By,
    Calendar,
    Choice,
    Concession,
    Decoder,
    Fare,
    Form,
    Habits,
    Member,
    Pair,
    Rounding,
    Rules,
    When,
)

NewRider = Callable[..., Rider]
Ruled = Callable[..., Validator]
LOCAL = timezone(timedelta(hours=8))
OWN, OTHER = "00083010", "01011000"
CITIES, LINES, KINDS = (0, 320500, 310000), (0, 7, 8), ("workday", "rest", "holiday")
MIDDLE = datetime(2026, 10, 1, tzinfo=LOCAL)
CARD = bytes.fromhex("31048700000000019999")
DECODER = Decoder(organisation=OWN, state_at=0, inside=(1,), station_at=1, time_at=3, time_form=Form.BINARY)


def some(dice: random.Random, *values: object) -> tuple[str, ...]:
    return tuple(sorted(str(value) for value in values if dice.random() < 0.4))


def when(dice: random.Random, bands: list[str]) -> When:
    if dice.random() < 0.4:
        return When()
    days, hours = some(dice, *KINDS), some(dice, *bands)
    return When(days, hours, dice.choice(list(By))) if days or hours else When()


def period(dice: random.Random) -> dict[str, Any]:
    middle = int(MIDDLE.timestamp()) + dice.randrange(-3, 4) * 86400
    return dice.choice(({}, {}, {"from_s": middle}, {"to_s": middle}))


def tariff(dice: random.Random) -> Rules:
    """Rules of a city with everything that the language has."""
    bands: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {}
    for name in ("early", "peak", "night"):
        edges = sorted(dice.sample(range(0, 1441, 30), 4))
        bands[name] = ((edges[0], edges[1]), (edges[2], edges[3]))
    first = (MIDDLE.date() - datetime(1970, 1, 1).date()).days
    calendar = Calendar(
        week=(*("workday",) * 5, "rest", "rest"),
        exceptions=[(first, first + dice.randrange(7), "holiday"), (first + 9, first + 9, "workday")],
    )
    fares: list[Fare] = []
    for place in dice.sample([(0, 0), (320500, 0), (320500, 7), (320500, 8), (310000, 0)], 4):
        rows = [
            Fare(
                rule=f"f{len(fares)}-{n}", mode=Mode.METRO, city=place[0], line=place[1], fen=dice.randrange(1, 2000),
                when=moment, **period(dice),
            )
            for n, moment in enumerate([When(), when(dice, list(bands)), when(dice, list(bands))])
        ]  # fmt: skip
        # Two that say as much and may meet are refused by the compiler, and so are not made here.
        fares += [next(same) for _, same in groupby(sorted(rows, key=_said), key=_said)]
    concessions = [
        Concession(
            rule=f"c{n}",
            account_type=dice.choice((None, None, 0, 2)),
            group=dice.choice(("", "", "senior", "student")),
            organisation=dice.choice(("", "", "", "", OWN, OTHER)),
            issuer_city=dice.choice((0, 0, *CITIES)),
            mode=dice.choice((None, Mode.METRO, Mode.BUS)),
            when=when(dice, list(bands)),
            **dice.choice(
                (
                    {"percent": dice.randrange(1001) / 10},
                    {"percent": dice.choice((50, 0, 91))},
                    {"fen": dice.randrange(900)},
                )
            ),
            **_where(dice),
            **period(dice),
        )
        for n in range(dice.randrange(60))
    ]
    keys = {replace(row, rule="", percent=0, fen=0, from_s=0, to_s=OPEN): row for row in concessions}
    return Rules(
        environment="test", version=1, fares=fares, concessions=list(keys.values()), calendar=calendar, bands=bands,
        habits=Habits(
            choice=dice.choice(list(Choice)), rounding=dice.choice(list(Rounding)), unit_fen=dice.choice((1, 1, 10)),
            day_begins_min=dice.choice((0, 240)),
        ),
    )  # fmt: skip


def _said(fare: Fare) -> tuple[bool, bool]:
    return bool(fare.when.bands), bool(fare.when.days)


def _where(dice: random.Random) -> dict[str, Any]:
    line = dice.choice((0, 0, *LINES))
    return {"line": line, "riding_city": 320500 if line else dice.choice((0, 0, *CITIES))}


def ride(dice: random.Random) -> Asked:
    left = MIDDLE + timedelta(seconds=dice.randrange(-8 * 86400, 12 * 86400))
    if dice.random() < 0.5:
        left = left.replace(minute=dice.choice((0, 29, 30, 59)), second=dice.choice((0, 59)))
    entered = left - timedelta(minutes=dice.randrange(0, 200)) if dice.random() < 0.9 else None
    return Asked(
        city=dice.choice(CITIES), line=dice.choice(LINES), entered=entered, left=left,
        account_type=dice.choice((0, 2)), groups=some(dice, "senior", "student"), organisation=OWN,
        issuer_city=dice.choice((310000, 0)),
    )  # fmt: skip


def core_says(ruled: Ruled, new_rider: NewRider, rules: Rules, asked: Asked) -> tuple[Reason, int, str]:
    now = int(asked.left.timestamp())
    changed = {
        name: getattr(rules, name) for name in ("fares", "concessions", "calendar", "bands", "habits")
    } | {
        "decoders": [DECODER],
        "members": [Member(CARD, CARD, tuple(asked.groups))] if asked.groups else [],
        "whitelist": [Pair(organisation=OWN, platform="50083010", city=asked.issuer_city)],
    }  # fmt: skip
    validator = ruled(mode=Mode.METRO, city=asked.city, line=asked.line, station=2, direction=Direction.EXIT, **changed)
    entered = int(asked.entered.timestamp()) if asked.entered else 0
    rider = new_rider(
        account_type=asked.account_type, issuer_data=b"\1\0\1" + entered.to_bytes(4), authorised_until=now + 60
    )
    verdict = validator.judge(rider.code(now), now)
    return verdict.reason, verdict.fare_fen, verdict.rule


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.long)])
def test_random_rides_cost_what_the_rules_say_read_by_another_hand(
    count: int, ruled: Ruled, new_rider: NewRider
) -> None:
    dice = random.Random(count)
    reduced = hourly = 0
    for number in range(count):
        if number % 10 == 0:
            rules = tariff(dice)
        asked = ride(dice)
        base = fare_reference.fare(rules, asked)
        said = core_says(ruled, new_rider, rules, asked)
        if base is None:
            assert said == (Reason.NO_FARE, 0, ""), (rules, asked)
            continue
        less = fare_reference.concessions(rules, asked, base.fen)
        fen = fare_reference.remaining(less[0], base.fen, rules.habits) if less else base.fen
        assert said[:2] == (Reason.ACCEPTED, fen), (rules, asked)
        assert said[2] in ([f"{base.rule}+{row.rule}" for row in less] or [base.rule]), (rules, asked)
        reduced += bool(less)
        hourly += bool(base.when) or any(row.when for row in less)
    assert min(reduced, hourly) > count // 4  # the comparison meets what it is for
