"""Reduced fares: concessions by account type, cities, mode and date; rounding; transfers on one device."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.issuer import Rider
from yima.validator.judging import Mode, Reason, Validator
from yima.validator.parameters.rules import Concession, Fare, Limits, Pair, Transfer

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


HALF = Transfer(rule="transfer", mode=Mode.BUS, within_s=3600, percent=50)
LESS = Transfer(rule="transfer", mode=Mode.BUS, within_s=3600, less_fen=150)


@pytest.mark.parametrize(
    ("transfer", "after_s", "fare"),
    [(HALF, 1, 100), (HALF, 3600, 100), (HALF, 3601, 200), (LESS, 1, 50)],
)
def test_the_second_ride_within_the_time_is_reduced(
    *, transfer: Transfer, after_s: int, fare: int, new_rider: NewRider, ruled: Ruled, now: int
) -> None:
    validator, rider = ruled(transfers=[transfer]), new_rider()
    assert validator.judge(rider.code(now), now).rule == "bus-flat"
    second = validator.judge(rider.code(now + after_s), now + after_s)
    assert second.fare_fen == fare
    assert second.rule == ("bus-flat+transfer" if fare < 200 else "bus-flat")


def test_a_transfer_is_no_ride_to_transfer_from(new_rider: NewRider, ruled: Ruled, now: int) -> None:
    validator, rider = ruled(transfers=[HALF]), new_rider()
    fares = [validator.judge(rider.code(now + 10 * i), now + 10 * i).fare_fen for i in range(4)]
    assert fares == [200, 100, 200, 100]


def test_a_transfer_comes_after_the_concession_and_a_discount_never_pays_out(
    new_rider: NewRider, ruled: Ruled, now: int
) -> None:
    validator, rider = ruled(transfers=[LESS], concessions=[Concession(rule="half", percent=50)]), new_rider()
    assert validator.judge(rider.code(now), now).fare_fen == 100
    second = validator.judge(rider.code(now + 5), now + 5)
    assert (second.fare_fen, second.rule) == (0, "bus-flat+half+transfer")


def test_another_account_and_a_refused_ride_are_no_ride_to_transfer_from(
    new_rider: NewRider, ruled: Ruled, now: int
) -> None:
    validator = ruled(transfers=[HALF])
    assert validator.judge(new_rider(card_account="3104870000000001").code(now), now).accepted
    rider = new_rider(cap_fen=150)
    assert validator.judge(rider.code(now), now).reason is Reason.FARE_OVER_CAP
    assert validator.judge(rider.code(now + 5), now + 5).reason is Reason.FARE_OVER_CAP


def test_the_citys_transfer_comes_before_the_modes(new_rider: NewRider, ruled: Ruled, now: int) -> None:
    city = Transfer(rule="suzhou-transfer", mode=Mode.BUS, city=320500, within_s=60, percent=0)
    for gate_city, rule in ((320500, "bus-flat+suzhou-transfer"), (310000, "bus-flat+transfer")):
        validator, rider = ruled(city=gate_city, transfers=[HALF, city]), new_rider()
        assert validator.judge(rider.code(now), now).accepted
        assert validator.judge(rider.code(now + 5), now + 5).rule == rule


def test_a_ride_is_remembered_for_a_transfer_over_a_restart(new_rider: NewRider, ruled: Ruled, now: int) -> None:
    validator, rider = ruled(transfers=[HALF]), new_rider(validity_s=60)
    assert validator.remember(rider.code(now - 3000), now - 3000, now)
    assert validator.judge(rider.code(now), now).rule == "bus-flat+transfer"
    assert not validator.remember(rider.code(now - 4000), now - 4000, now)


def test_of_several_rides_the_last_counts_in_whatever_order_they_are_remembered(
    new_rider: NewRider, ruled: Ruled, now: int
) -> None:
    for order in ((3000, 100, 2000), (100, 2000, 3000), (3000, 2000, 100)):
        validator, rider = ruled(transfers=[HALF]), new_rider(validity_s=60)
        for before in order:
            assert validator.remember(rider.code(now - before), now - before, now)
        assert validator.judge(rider.code(now + 3500), now + 3500).rule == "bus-flat+transfer"  # 3600 after the last
        validator = ruled(transfers=[HALF])
        for before in order:
            assert validator.remember(rider.code(now - before), now - before, now)
        assert validator.judge(rider.code(now + 3501), now + 3501).rule == "bus-flat"


def test_a_ride_that_lies_ahead_of_a_clock_set_back_is_no_ride_to_transfer_from(
    new_rider: NewRider, ruled: Ruled, now: int
) -> None:
    validator, rider = ruled(transfers=[HALF]), new_rider()
    assert validator.judge(rider.code(now), now).accepted
    assert validator.judge(rider.code(now - 600), now - 600).rule == "bus-flat"


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


def test_a_reduced_ride_that_was_taken_back_can_be_taken_again(new_rider: NewRider, ruled: Ruled, now: int) -> None:
    validator, rider = ruled(transfers=[HALF]), new_rider()
    assert validator.judge(rider.code(now), now).fare_fen == 200
    code = rider.code(now + 10)
    for _ in range(2):
        verdict = validator.judge(code, now + 10)
        assert verdict.fare_fen == 100
        validator.retract(verdict)
