"""Gates with entry and exit: what the issuer's own data tell, and what a gate does where they do not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from yima.sdk.issuer import Rider
from yima.validator.judging import Direction, Mode, Reason, Transaction, Validator, Verdict
from yima.validator.parameters.rules import (
    Concession,
    Decoder,
    Fare,
    FareKind,
    Form,
    Journey,
    Matrix,
    Pair,
    Stage,
    Station,
)

NewRider = Callable[..., Rider]
Ruled = Callable[..., Validator]
BINARY = Decoder(
    organisation="00083010", state_at=1, inside=(1, 5), station_at=2, time_at=4, time_form=Form.BINARY
)  # 1 byte of no meaning, state, station (2), time (4)
MATRIX = Fare(rule="metro-matrix", mode=Mode.METRO, city=320500, kind=FareKind.MATRIX, table="network")
NETWORK = Matrix(stations=(101, 205, 309), fares=((200, 300, 500), (300, 200, 400), (500, 400, None)))
STAGE_Z = [Stage(up_to_m=None, fen=1)]  # of a table that the fare does not name
JOURNEY = Journey(
    rule="suzhou",
    mode=Mode.METRO,
    city=320500,
    longest_s=7200,
    over_time_fen=250,
    missing_exit=True,
    missing_entry_fen=350,
    unreadable_fen=900,
    unpriced=True,
    entry_cap_fen=200,
)


def state(inside: bool = True, station: int = 101, entered_at: int = 0, code: int = 1) -> bytes:
    return bytes([0xAA, code if inside else 0]) + station.to_bytes(2) + entered_at.to_bytes(4)


@pytest.fixture
def tap(ruled: Ruled, new_rider: NewRider, now: int) -> Callable[..., Verdict]:
    def judged(
        direction: Direction, data: bytes = b"", station: int = 205, cap: int = 2000, **rules: object
    ) -> Verdict:
        plain = {"fares": [MATRIX], "matrices": {"network": NETWORK}, "decoders": [BINARY]}
        validator = ruled(mode=Mode.METRO, station=station, direction=direction, **(plain | rules))
        return validator.judge(new_rider(issuer_data=data, cap_fen=cap).code(now), now)

    return judged


Tap = Callable[..., Verdict]


def test_an_entry_costs_nothing_and_names_the_rule_of_the_fare_to_come(tap: Tap) -> None:
    for data in (state(inside=False), b"", b"\0" * 32):
        verdict = tap(Direction.ENTRY, data)
        assert (verdict.reason, verdict.fare_fen, verdict.rule) == (Reason.ACCEPTED, 0, "metro-matrix")
        assert verdict.transaction is Transaction.ENTRY


def test_an_exit_costs_what_the_matrix_says_from_entry_to_here(tap: Tap) -> None:
    for i, entry in enumerate(NETWORK.stations):
        for k, here in enumerate(NETWORK.stations):
            verdict = tap(Direction.EXIT, state(station=entry), station=here)
            fen = NETWORK.fares[i][k]
            if fen is None:
                assert verdict.reason is Reason.RIDE_NOT_PRICED
            else:
                assert (verdict.fare_fen, verdict.rule) == (fen, "metro-matrix")
                assert verdict.transaction is Transaction.EXIT


def test_another_matrix_of_the_same_package_is_not_mixed_in(tap: Tap) -> None:
    other = Matrix(stations=(101, 999), fares=((7, 8), (9, 10)))
    for name in ("a", "z"):
        verdict = tap(Direction.EXIT, state(station=309), matrices={name: other, "network": NETWORK})
        assert verdict.fare_fen == 400
        verdict = tap(Direction.EXIT, state(station=999), matrices={name: other, "network": NETWORK})
        assert verdict.reason is Reason.RIDE_NOT_PRICED


@pytest.mark.parametrize(
    ("direction", "data", "refused", "rule", "fen"),
    [
        (Direction.ENTRY, state(), Reason.EXIT_MISSING, "suzhou-no-exit", 0),
        (Direction.ENTRY, state(code=5), Reason.EXIT_MISSING, "suzhou-no-exit", 0),
        (Direction.EXIT, state(inside=False), Reason.ENTRY_MISSING, "suzhou-no-entry", 350),
        (Direction.EXIT, b"", Reason.ENTRY_UNREADABLE, "suzhou-unreadable", 900),
        (Direction.EXIT, state()[:-1], Reason.ENTRY_UNREADABLE, "suzhou-unreadable", 900),
        (Direction.EXIT, state(station=102), Reason.RIDE_NOT_PRICED, "suzhou-unpriced", 0),
    ],
)
def test_what_is_missing_refuses_unless_the_parameters_accept_it_at_a_price(
    *, tap: Tap, direction: Direction, data: bytes, refused: Reason, rule: str, fen: int
) -> None:
    assert tap(direction, data).reason is refused
    assert tap(direction, data, journeys=[Journey(rule="strict", mode=Mode.METRO)]).reason is refused
    verdict = tap(direction, data, journeys=[JOURNEY])
    assert (verdict.reason, verdict.rule, verdict.fare_fen) == (Reason.ACCEPTED, rule, fen)


def test_a_gap_in_the_tables_never_costs_the_rider(tap: Tap) -> None:
    dear = replace(JOURNEY, unpriced=False)  # the fare for an unreadable entry is no fare for the operator's fault
    for station, here in ((102, 205), (101, 206), (309, 309)):
        assert tap(Direction.EXIT, state(station=station), station=here, journeys=[dear]).reason is (
            Reason.RIDE_NOT_PRICED
        )
        half = [Concession(rule="half", percent=50)]
        opened = tap(Direction.EXIT, state(station=station), station=here, journeys=[JOURNEY], concessions=half)
        assert (opened.reason, opened.fare_fen, opened.rule) == (Reason.ACCEPTED, 0, "suzhou-unpriced")
        assert opened.transaction is Transaction.EXIT


def test_an_institution_without_decoder_pays_the_fare_set_for_it(tap: Tap) -> None:
    others = [Decoder(organisation="01011000", state_at=1, inside=(1,), station_at=2)]
    assert tap(Direction.EXIT, state(), decoders=others).reason is Reason.ENTRY_UNREADABLE
    verdict = tap(Direction.EXIT, state(), decoders=others, journeys=[JOURNEY])
    assert (verdict.fare_fen, verdict.rule) == (900, "suzhou-unreadable")
    flat = [Fare(rule="flat", mode=Mode.METRO, fen=300)]  # needs no entry
    verdict = tap(Direction.EXIT, state(), decoders=others, fares=flat)
    assert (verdict.fare_fen, verdict.rule, verdict.transaction) == (300, "flat", Transaction.EXIT)


@pytest.mark.parametrize(
    ("travel_s", "fen", "transaction"),
    [
        (7200, 300, Transaction.EXIT),
        (7201, 550, Transaction.OVER_TIME_EXIT),
        (-30, 300, Transaction.EXIT),  # an entry that lies ahead is not judged by its time
    ],
)
def test_a_journey_over_its_time_costs_more_and_is_its_own_transaction(
    *, tap: Tap, travel_s: int, fen: int, transaction: Transaction, now: int
) -> None:
    verdict = tap(Direction.EXIT, state(entered_at=now - travel_s), journeys=[JOURNEY])
    assert (verdict.fare_fen, verdict.transaction) == (fen, transaction)
    rule = "metro-matrix+suzhou-over-time" if transaction is Transaction.OVER_TIME_EXIT else "metro-matrix"
    assert verdict.rule == rule
    assert tap(Direction.EXIT, state(entered_at=now - travel_s)).fare_fen == 300  # no time is set


def test_a_concession_reduces_the_ride_but_neither_the_over_time_nor_a_missing_entry(tap: Tap, now: int) -> None:
    half = [Concession(rule="half", percent=50)]
    late = tap(Direction.EXIT, state(entered_at=now - 9000), journeys=[JOURNEY], concessions=half)
    assert (late.fare_fen, late.rule) == (150 + 250, "metro-matrix+half+suzhou-over-time")
    missing = tap(Direction.EXIT, state(inside=False), journeys=[JOURNEY], concessions=half)
    assert (missing.fare_fen, missing.rule) == (350, "suzhou-no-entry")
    unreadable = tap(Direction.EXIT, b"", journeys=[JOURNEY], concessions=half)
    assert (unreadable.fare_fen, unreadable.rule) == (450, "suzhou-unreadable+half")
    assert tap(Direction.ENTRY, state(inside=False), concessions=half).rule == "metro-matrix"


def test_a_cap_too_small_for_the_least_fare_does_not_get_in_and_one_too_small_for_the_ride_not_out(tap: Tap) -> None:
    assert tap(Direction.ENTRY, state(inside=False), cap=199, journeys=[JOURNEY]).reason is Reason.FARE_OVER_CAP
    assert tap(Direction.ENTRY, state(inside=False), cap=200, journeys=[JOURNEY]).accepted
    assert tap(Direction.EXIT, state(), cap=299).reason is Reason.FARE_OVER_CAP


def test_a_matrix_at_a_gate_without_direction_has_no_fare(tap: Tap) -> None:
    assert tap(Direction.NONE, state()).reason is Reason.NO_FARE


@pytest.mark.parametrize(
    ("entry", "here"), [(101, 999), (999, 101), (70000, 101)], ids=["exit unknown", "entry unknown", "no such number"]
)
def test_a_station_that_the_matrix_does_not_know_has_no_fare(tap: Tap, entry: int, here: int) -> None:
    wide = Decoder(organisation="00083010", state_at=0, inside=(1,), station_at=1, station_size=4)
    verdict = tap(Direction.EXIT, b"\1" + entry.to_bytes(4), station=here, decoders=[wide])
    assert verdict.reason is Reason.RIDE_NOT_PRICED


@pytest.mark.parametrize(
    ("entry", "here"), [(1, 9), (9, 1), (70000, 1), (1, 4)], ids=["exit", "entry", "no such number", "too far"]
)
def test_a_ride_that_no_stage_reaches_or_between_unknown_places_has_no_fare(tap: Tap, entry: int, here: int) -> None:
    stations = [
        Station(mode=Mode.METRO, city=320500, line=0, station=number, metres=metres)
        for number, metres in [(1, 500), (2, 9_500), (4, 30_500)]
    ]
    fare = Fare(rule="by-distance", mode=Mode.METRO, city=320500, kind=FareKind.STAGES, table="km")
    wide = Decoder(organisation="00083010", state_at=0, inside=(1,), station_at=1, station_size=4)
    for stages in ({"km": [Stage(up_to_m=9_000, fen=200)]}, {"km": [Stage(up_to_m=9_000, fen=200)], "z": STAGE_Z}):
        verdict = tap(
            Direction.EXIT, b"\1" + entry.to_bytes(4), station=here, fares=[fare], stations=stations, stages=stages,
            decoders=[wide],
        )  # fmt: skip
        assert verdict.reason is Reason.RIDE_NOT_PRICED


@pytest.mark.parametrize(("entry", "here", "fen"), [(1, 3, 400), (3, 1, 400), (2, 3, 300), (2, 2, 200)])
def test_stages_go_by_the_distance_between_entry_and_exit(tap: Tap, entry: int, here: int, fen: int) -> None:
    stations = [
        Station(mode=Mode.METRO, city=320500, line=0, station=number, metres=metres)
        for number, metres in [(1, 500), (2, 9_500), (3, 16_500)]
    ]
    stages = [Stage(up_to_m=6_000, fen=200), Stage(up_to_m=11_000, fen=300), Stage(up_to_m=16_000, fen=400)]
    fare = Fare(rule="by-distance", mode=Mode.METRO, city=320500, kind=FareKind.STAGES, table="km")
    verdict = tap(
        Direction.EXIT, state(station=entry), station=here, fares=[fare], stations=stations, stages={"km": stages}
    )
    assert (verdict.fare_fen, verdict.rule) == (fen, "by-distance")


def test_decoders_read_binary_and_packed_digits_and_local_time(tap: Tap, now: int) -> None:
    entered = datetime.fromtimestamp(now, timezone(timedelta(hours=8))) - timedelta(seconds=7201)
    digits = Decoder(
        organisation="00083010", state_at=0, inside=(0x31,), station_at=1, station_size=2, station_form=Form.BCD,
        time_at=3, time_form=Form.BCD,
    )  # fmt: skip
    data = b"\x31\x03\x09" + bytes.fromhex(f"{entered:%Y%m%d%H%M%S}")
    verdict = tap(Direction.EXIT, data, decoders=[digits], journeys=[JOURNEY])
    assert (verdict.fare_fen, verdict.transaction) == (400 + 250, Transaction.OVER_TIME_EXIT)
    for spoilt in (b"\x31\x0a\x09" + data[3:], data[:3] + b"\x20\x26\x13" + data[6:], data[:-1] + b"\x6a"):
        assert tap(Direction.EXIT, spoilt, decoders=[digits]).reason is Reason.ENTRY_UNREADABLE
    for size, station in ((1, b"\xcd"), (4, b"\0\0\0\xcd")):
        wide = Decoder(organisation="00083010", state_at=0, inside=(1,), station_at=1, station_size=size)
        assert tap(Direction.EXIT, b"\1" + station, decoders=[wide]).fare_fen == 200
    huge = Decoder(organisation="00083010", state_at=0, inside=(1,), station_at=1, station_size=4)
    assert tap(Direction.EXIT, b"\1\0\1\0\xcd", decoders=[huge]).reason is Reason.RIDE_NOT_PRICED  # 65741, not 205


@pytest.mark.parametrize(
    "entered",
    [
        *("19701231235959", "21060101000000", "99990101000000", "20260001000000", "20261301000000", "20260100000000"),
        *("20260132000000", "20260101240000", "20260101006000", "20260101000060"),
        *("20260229000000", "20260230000000", "20260431000000", "20261131113000", "21000229000000"),
        *("20260101000000"[:at] + "A" + "20260101000000"[at + 1 :] for at in range(14)),
    ],
)
def test_an_entry_time_in_digits_that_is_no_moment_makes_the_entry_unreadable(tap: Tap, entered: str) -> None:
    digits = Decoder(organisation="00083010", state_at=0, inside=(1,), station_at=1, time_at=3, time_form=Form.BCD)
    good = b"\1" + (101).to_bytes(2) + bytes.fromhex("20260101000000")
    assert tap(Direction.EXIT, good, decoders=[digits]).accepted
    verdict = tap(Direction.EXIT, good[:3] + bytes.fromhex(entered), decoders=[digits])
    assert verdict.reason is Reason.ENTRY_UNREADABLE


@pytest.mark.parametrize(
    ("state_at", "station_at", "time_at", "whole"), [(8, 0, 2, 9), (0, 6, 1, 8), (0, 1, 4, 8), (2, 0, 3, 7)]
)
def test_data_that_end_before_the_last_of_state_station_and_time_are_unreadable(
    tap: Tap, state_at: int, station_at: int, time_at: int, whole: int
) -> None:
    decoder = Decoder(
        organisation="00083010", state_at=state_at, inside=(1,), station_at=station_at, time_at=time_at,
        time_form=Form.BINARY,
    )  # fmt: skip
    data = bytearray(32)
    data[station_at : station_at + 2] = (101).to_bytes(2)
    data[state_at] = 1
    assert tap(Direction.EXIT, bytes(data[:whole]), decoders=[decoder]).accepted
    assert tap(Direction.EXIT, bytes(data[: whole - 1]), decoders=[decoder]).reason is Reason.ENTRY_UNREADABLE


def test_without_an_entry_time_no_journey_is_over_its_time(tap: Tap) -> None:
    no_time = Decoder(organisation="00083010", state_at=1, inside=(1,), station_at=2)
    verdict = tap(Direction.EXIT, state(), decoders=[no_time], journeys=[JOURNEY])
    assert (verdict.fare_fen, verdict.transaction) == (300, Transaction.EXIT)
    flat = [Fare(rule="flat", mode=Mode.METRO, fen=300)]
    verdict = tap(Direction.EXIT, b"", fares=flat, journeys=[JOURNEY])  # nor where the data cannot be read
    assert (verdict.fare_fen, verdict.transaction) == (300, Transaction.EXIT)


@given(st.datetimes(datetime(1971, 1, 1), datetime(2049, 12, 30)))
@example(datetime(2000, 2, 29, 23, 59, 59))
@example(datetime(2024, 2, 29))
def test_every_local_second_is_the_one_the_calendar_says(ruled: Ruled, new_rider: NewRider, entered: datetime) -> None:
    # Judged at the very limit of the longest journey, and one second behind it.
    entered_at = int(entered.replace(microsecond=0, tzinfo=timezone(timedelta(hours=8))).timestamp())
    decoder = Decoder(organisation="00083010", state_at=0, inside=(1,), station_at=1, time_at=3, time_form=Form.BCD)
    for late in (0, 1):
        now = entered_at + 7200 + late
        validator = ruled(
            mode=Mode.METRO, station=205, direction=Direction.EXIT, fares=[MATRIX], matrices={"network": NETWORK},
            decoders=[decoder], journeys=[JOURNEY],
        )  # fmt: skip
        data = b"\1" + (101).to_bytes(2) + bytes.fromhex(f"{entered:%Y%m%d%H%M%S}")
        rider = new_rider(issuer_data=data, authorised_until=0xFFFFFFFF)
        verdict = validator.judge(rider.code(now), now)
        assert verdict.transaction is (Transaction.OVER_TIME_EXIT if late else Transaction.EXIT)


def test_a_journey_of_the_city_comes_before_the_modes(tap: Tap) -> None:
    anywhere = Journey(rule="anywhere", mode=Mode.METRO, missing_entry_fen=100)
    verdict = tap(Direction.EXIT, state(inside=False), journeys=[anywhere])
    assert verdict.rule == "anywhere-no-entry"
    verdict = tap(Direction.EXIT, state(inside=False), journeys=[anywhere, JOURNEY])
    assert verdict.rule == "suzhou-no-entry"


def test_the_whitelist_is_asked_before_any_fare(tap: Tap) -> None:
    strangers = [Pair(organisation="01011000", platform="01011000")]
    assert tap(Direction.EXIT, state(inside=False), whitelist=strangers).reason is Reason.NOT_WHITELISTED
