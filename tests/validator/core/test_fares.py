"""What a ride costs where one tap is the ride: which fare rule is in force, and how it finds the fare."""

from collections.abc import Callable

import pytest

from yima.sdk.issuer import Rider
from yima.validator.judging import Mode, Reason, Transaction, Validator
from yima.validator.parameters.rules import Acceptance, Fare, FareKind, Journey, Limits, Stage, Station

NewRider = Callable[..., Rider]
Ruled = Callable[..., Validator]
DAY = 86400


def ride(validator: Validator, rider: Rider, now: int) -> tuple[Reason, int, str]:
    verdict = validator.judge(rider.code(now), now)
    assert verdict.transaction is Transaction.NONE
    return verdict.reason, verdict.fare_fen, verdict.rule


ANYWHERE = Fare(rule="anywhere", mode=Mode.BUS, fen=100)
SUZHOU = Fare(rule="suzhou", mode=Mode.BUS, city=320500, fen=200)
LINE_7 = Fare(rule="suzhou-7", mode=Mode.BUS, city=320500, line=7, fen=300)


@pytest.mark.parametrize(
    ("city", "line", "fen", "rule"),
    [
        (320500, 7, 300, "suzhou-7"),
        (320500, 8, 200, "suzhou"),
        (320500, 0, 200, "suzhou"),
        (310000, 7, 100, "anywhere"),
        (0, 0, 100, "anywhere"),
        (0, 7, 100, "anywhere"),  # a line is a line of its city
    ],
)
def test_the_lines_fare_comes_before_the_citys_and_the_citys_before_the_modes(
    *, city: int, line: int, fen: int, rule: str, new_rider: NewRider, ruled: Ruled, now: int
) -> None:
    validator = ruled(city=city, line=line, fares=[ANYWHERE, LINE_7, SUZHOU])
    assert ride(validator, new_rider(), now) == (Reason.ACCEPTED, fen, rule)


def test_a_mode_has_fares_of_its_own(new_rider: NewRider, ruled: Ruled, now: int) -> None:
    metro = Fare(rule="metro", mode=Mode.METRO, fen=400)
    assert ride(ruled(mode=Mode.METRO, fares=[ANYWHERE, metro]), new_rider(), now) == (Reason.ACCEPTED, 400, "metro")
    assert ride(ruled(mode=Mode.METRO, fares=[ANYWHERE]), new_rider(), now) == (Reason.NO_FARE, 0, "")


@pytest.mark.parametrize(
    ("offset", "rule"),
    [(-DAY - 1, "anywhere"), (-DAY, "old"), (-1, "old"), (0, "new"), (DAY - 1, "new"), (DAY, "anywhere")],
)
def test_a_dated_fare_holds_from_its_first_second_to_the_one_before_its_last(
    offset: int, rule: str, new_rider: NewRider, ruled: Ruled, now: int
) -> None:
    city = {"mode": Mode.BUS, "city": 320500}
    fares = [
        ANYWHERE,
        Fare(rule="old", from_s=now - DAY, to_s=now, fen=150, **city),  # type: ignore[arg-type]
        Fare(rule="new", from_s=now, to_s=now + DAY, fen=160, **city),  # type: ignore[arg-type]
    ]
    rider = new_rider(authorised_until=now + 3 * DAY)
    moment = now + offset
    verdict = ruled(fares=fares).judge(rider.code(moment), moment)
    assert (verdict.accepted, verdict.rule) == (True, rule)


def test_a_fare_above_the_cap_refuses_and_one_that_equals_it_does_not(
    new_rider: NewRider, ruled: Ruled, now: int
) -> None:
    validator = ruled()
    assert ride(validator, new_rider(cap_fen=199), now) == (Reason.FARE_OVER_CAP, 0, "")
    assert ride(validator, new_rider(cap_fen=200), now) == (Reason.ACCEPTED, 200, "bus-flat")


STOPS = [
    Station(mode=Mode.BUS, city=320500, line=7, station=number, metres=metres)
    for number, metres in [(1, 0), (2, 3_000), (3, 9_999), (4, 12_000)]
]
STAGED = Fare(rule="by-distance", mode=Mode.BUS, city=320500, line=7, kind=FareKind.STAGES, table="seven")
SEVEN = [Stage(up_to_m=2_001, fen=100), Stage(up_to_m=9_000, fen=200), Stage(up_to_m=None, fen=300)]


@pytest.mark.parametrize(("station", "fen"), [(1, 300), (2, 200), (3, 100), (4, 100)])
def test_one_tap_on_a_staged_line_pays_as_far_as_the_line_goes(
    station: int, fen: int, new_rider: NewRider, ruled: Ruled, now: int
) -> None:
    # 2 lies 9000 m before the end and 3 lies 2001 m before it: up to a stage includes its end.
    other = Station(mode=Mode.BUS, city=320500, line=8, station=1, metres=90_000)
    validator = ruled(line=7, station=station, fares=[STAGED], stations=[*STOPS, other], stages={"seven": SEVEN})
    assert ride(validator, new_rider(), now) == (Reason.ACCEPTED, fen, "by-distance")


def test_a_station_that_the_line_does_not_have_has_no_fare(new_rider: NewRider, ruled: Ruled, now: int) -> None:
    validator = ruled(line=7, station=5, fares=[STAGED], stations=STOPS, stages={"seven": SEVEN})
    assert ride(validator, new_rider(), now)[0] is Reason.RIDE_NOT_PRICED
    opening = ruled(
        line=7, station=5, fares=[STAGED], stations=STOPS, stages={"seven": SEVEN},
        journeys=[Journey(rule="bus", mode=Mode.BUS, unpriced=True)],
    )  # fmt: skip
    assert ride(opening, new_rider(), now) == (Reason.ACCEPTED, 0, "bus-unpriced")


def test_a_distance_beyond_the_last_stage_has_no_fare(new_rider: NewRider, ruled: Ruled, now: int) -> None:
    tables = {"seven": SEVEN[:2], "sevenb": SEVEN[2:]}  # the next table's rows are not taken for this one's
    for station, reason in ((1, Reason.RIDE_NOT_PRICED), (3, Reason.ACCEPTED)):
        validator = ruled(line=7, station=station, fares=[STAGED], stations=STOPS, stages=tables)
        assert ride(validator, new_rider(), now)[0] is reason


SHANGHAI_FROM = Acceptance(riding_city=320500, mode=Mode.BUS, issuer_city=310000, from_s=1_790_000_000)


@pytest.mark.parametrize(
    ("acceptance", "reason"),
    [
        ([SHANGHAI_FROM], Reason.ACCEPTED),
        ([], Reason.CITY_NOT_ACCEPTED),
        ([Acceptance(riding_city=320500, mode=Mode.METRO, issuer_city=310000)], Reason.CITY_NOT_ACCEPTED),
        (
            [Acceptance(riding_city=320500, mode=Mode.BUS, issuer_city=310000, from_s=1_790_000_001)],
            Reason.CITY_NOT_ACCEPTED_YET,
        ),
        (
            [Acceptance(riding_city=320500, mode=Mode.BUS, issuer_city=310000, to_s=1_790_000_000)],
            Reason.CITY_NOT_ACCEPTED,
        ),
        (
            [
                Acceptance(riding_city=320500, mode=Mode.BUS, issuer_city=310000, to_s=5),
                Acceptance(riding_city=320500, mode=Mode.BUS, issuer_city=310000, from_s=1_800_000_000),
            ],
            Reason.CITY_NOT_ACCEPTED_YET,
        ),
        (
            [Acceptance(riding_city=320500, mode=Mode.BUS, issuer_city=330200, from_s=1_800_000_000)],
            Reason.CITY_NOT_ACCEPTED,
        ),
    ],
)
def test_a_city_is_accepted_by_mode_while_its_dates_hold(
    acceptance: list[Acceptance], reason: Reason, new_rider: NewRider, ruled: Ruled, now: int
) -> None:
    assert now == SHANGHAI_FROM.from_s
    assert ride(ruled(acceptance=acceptance), new_rider(), now)[0] is reason


@pytest.mark.parametrize(
    ("age", "issued", "reason"),
    [
        (0, 1, Reason.ACCEPTED),
        (DAY, 0, Reason.ACCEPTED),
        (DAY, -DAY, Reason.ACCEPTED),
        (DAY, -DAY - 1, Reason.LISTS_TOO_OLD),
    ],
)
def test_lists_older_than_allowed_refuse_and_lists_without_a_date_do_not(
    *, age: int, issued: int, reason: Reason, new_rider: NewRider, ruled: Ruled, now: int
) -> None:
    issued_at = issued if issued >= 0 else now + issued
    limits = Limits(lists_max_age_s=age, lists_issued_at=issued_at)
    assert ride(ruled(limits=limits), new_rider(), now)[0] is reason
