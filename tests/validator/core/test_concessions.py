"""Reduced fares: concessions by account type, cities, mode and date; rounding."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.issuer import Rider
from yima.validator.judging import Mode, Reason, Validator
from yima.validator.parameters.rules import Concession, Fare, Limits, Pair

NewRider = Callable[..., Rider]
Ruled = Callable[..., Validator]
SENIOR = 2
EVERY_TYPE = Limits(account_types=tuple(range(256)))


@pytest.mark.parametrize(
    ("fen", "percent", "fare"),
    [(200, 50, 100), (5, 50, 3), (1, 50, 1), (1, 49, 0), (3, 50, 2), (333, 85, 283), (200, 0, 0), (200, 100, 200)],
)
def test_a_percentage_rounds_half_up_to_whole_fen(
    *, fen: int, percent: int, fare: int, new_rider: NewRider, ruled: Ruled, now: int
) -> None:
    validator = ruled(
        fares=[Fare(rule="flat", mode=Mode.BUS, fen=fen)], concessions=[Concession(rule="less", percent=percent)]
    )
    verdict = validator.judge(new_rider().code(now), now)
    assert (verdict.accepted, verdict.fare_fen, verdict.rule) == (True, fare, "flat+less")


@pytest.mark.parametrize(("fixed", "fare"), [(0, 0), (120, 120), (200, 200), (500, 200)])
def test_a_fixed_fare_for_some_never_raises_what_they_pay(
    fixed: int, fare: int, new_rider: NewRider, ruled: Ruled, now: int
) -> None:
    verdict = ruled(concessions=[Concession(rule="fixed", fen=fixed)]).judge(new_rider().code(now), now)
    assert (verdict.fare_fen, verdict.rule) == (fare, "bus-flat+fixed")


def test_a_free_ride_is_accepted_for_0_fen_whatever_the_cap(new_rider: NewRider, ruled: Ruled, now: int) -> None:
    free = [Concession(rule="senior-free", account_type=SENIOR, percent=0)]
    verdict = ruled(concessions=free).judge(new_rider(account_type=SENIOR, cap_fen=1).code(now), now)
    assert (verdict.accepted, verdict.fare_fen, verdict.rule) == (True, 0, "bus-flat+senior-free")


def test_the_cap_is_held_against_the_reduced_fare(new_rider: NewRider, ruled: Ruled, now: int) -> None:
    half = [Concession(rule="senior-half", account_type=SENIOR, percent=50)]
    assert ruled(concessions=half).judge(new_rider(account_type=SENIOR, cap_fen=100).code(now), now).accepted
    assert ruled(concessions=half).judge(new_rider(cap_fen=100).code(now), now).reason is Reason.FARE_OVER_CAP


def test_equal_treatment_of_a_neighbour_is_one_row_and_ends_with_its_date(
    new_rider: NewRider, ruled: Ruled, now: int
) -> None:
    local = Concession(rule="local-senior", account_type=SENIOR, issuer_city=320500, riding_city=320500, percent=0)
    neighbour = Concession(
        rule="neighbour-senior", account_type=SENIOR, issuer_city=310000, riding_city=320500, to_s=now + 60, percent=0
    )
    rider = new_rider(account_type=SENIOR)  # of Shanghai, riding in Suzhou
    for concessions, at, fare in (([local], now, 200), ([local, neighbour], now, 0), ([neighbour], now + 60, 200)):
        assert ruled(concessions=concessions).judge(rider.code(at), at).fare_fen == fare


ROWS = st.builds(
    Concession,
    rule=st.sampled_from([f"rule-{i}" for i in range(50)]),
    account_type=st.sampled_from([None, 0, SENIOR]),
    issuer_city=st.sampled_from([0, 310000, 320500]),
    riding_city=st.sampled_from([0, 310000, 320500]),
    mode=st.sampled_from([None, *Mode]),
    percent=st.integers(0, 100),
)


def key(row: Concession) -> tuple[object, ...]:
    return row.account_type, row.issuer_city, row.riding_city, row.mode


def expected(rows: Sequence[Concession], account_type: int, riding: int) -> str:
    """The same choice as fare.c, found another way: drop what does not fit, then sort by what is said."""
    fitting = [
        row
        for row in rows
        if row.account_type in {None, account_type}
        and row.issuer_city in {0, 310000}
        and row.riding_city in {0, riding}
        and row.mode in {None, Mode.BUS}
    ]
    said = [
        (row.account_type is not None, row.issuer_city != 0, row.riding_city != 0, row.mode is not None)
        for row in fitting
    ]
    return max(zip(said, fitting, strict=True), key=lambda pair: pair[0])[1].rule if fitting else ""


@given(
    st.lists(ROWS, max_size=12, unique_by=key),
    st.tuples(st.sampled_from([0, SENIOR]), st.sampled_from([0, 310000, 320500])),
)
def test_the_row_that_says_most_wins_by_type_then_issuer_then_city_then_mode(
    new_rider: NewRider, ruled: Ruled, now: int, rows: list[Concession], rider: tuple[int, int]
) -> None:
    account_type, riding = rider
    code = new_rider(account_type=account_type).code(now)
    verdict = ruled(city=riding, concessions=rows, limits=EVERY_TYPE).judge(code, now)
    assert verdict.rule == "+".join(filter(None, ["bus-flat", expected(rows, account_type, riding)]))


def test_a_second_ride_costs_what_the_first_did_for_transfers_are_the_centres(
    new_rider: NewRider, ruled: Ruled, now: int
) -> None:
    validator, rider = ruled(), new_rider()
    assert [validator.judge(rider.code(now + 10 * i), now + 10 * i).fare_fen for i in range(3)] == [200] * 3


def test_a_gate_of_no_city_takes_concessions_of_any_city_alone(new_rider: NewRider, ruled: Ruled, now: int) -> None:
    rows = [Concession(rule="suzhou", riding_city=320500, percent=0), Concession(rule="any", percent=50)]
    assert ruled(city=0, concessions=rows).judge(new_rider().code(now), now).rule == "bus-flat+any"
    assert ruled(city=0, concessions=rows[:1]).judge(new_rider().code(now), now).rule == "bus-flat"


def test_an_issuer_of_no_city_gets_concessions_for_any_issuer_alone(
    new_rider: NewRider, ruled: Ruled, now: int
) -> None:
    everywhere = [Pair(organisation="00083010", platform="50083010")]
    rows = [Concession(rule="shanghai", issuer_city=310000, percent=0), Concession(rule="any", percent=50)]
    for rule, found in ((rows, "bus-flat+any"), (rows[:1], "bus-flat")):
        assert ruled(whitelist=everywhere, concessions=rule).judge(new_rider().code(now), now).rule == found
