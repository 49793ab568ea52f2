"""Fares and concessions of some days and some hours, by the moment of entry, of exit or of the tap."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from yima.sdk.issuer import Rider, RootAuthority
from yima.sdk.ministry_226 import Issuer226
from yima.sdk.sm2 import SigningKey
from yima.validator.judging import Direction, GateContext, Mode, Reason, Validator, Verdict
from yima.validator.parameters import Parameters, from_rules, sections
from yima.validator.parameters.family_rules import FamilyRules, Ministry226Key
from yima.validator.parameters.family_rules import rows as rows_of
from yima.validator.parameters.image import build
from yima.validator.parameters.rules import (
    By,
    Calendar,
    Choice,
    Concession,
    Decoder,
    Fare,
    Form,
    Habits,
    Journey,
    Limits,
    Pair,
    Root,
    Rounding,
    Rules,
    When,
)

NewRider = Callable[..., Rider]
Ruled = Callable[..., Validator]
Ride = Callable[..., Verdict]
LOCAL = timezone(timedelta(hours=8))
WEEK = ("workday", "workday", "workday", "workday", "workday", "rest", "rest")
SENIOR = 2


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=LOCAL).timestamp())


def days(text: str) -> int:
    return (at(text) + 28800) // 86400


CALENDAR = Calendar(
    week=WEEK,
    exceptions=[
        (days("2026-10-01"), days("2026-10-07"), "rest"),
        (days("2026-10-10"), days("2026-10-10"), "workday"),  # a Saturday that is worked
    ],
)
PEAKS = {"peak": [(7 * 60, 8 * 60 + 30), (17 * 60, 18 * 60 + 30)], "early": [(0, 7 * 60)], "dawn": [(330, 345)]}
DECODER = Decoder(organisation="00083010", state_at=0, inside=(1,), station_at=1, time_at=3, time_form=Form.BINARY)
PLAIN = Fare(rule="metro", mode=Mode.METRO, fen=400)


@pytest.fixture
def ride(ruled: Ruled, new_rider: NewRider) -> Ride:
    """A ride on the metro from a moment of entry (None: the code tells none) to one of exit."""

    def judged(
        entry: str | None, exit_: str, *, account_type: int = 0, direction: Direction = Direction.EXIT, **rules: object
    ) -> Verdict:
        now = at(exit_)
        plain = {"fares": [PLAIN], "calendar": CALENDAR, "bands": PEAKS, "decoders": [DECODER]}
        validator = ruled(mode=Mode.METRO, station=2, direction=direction, **(plain | rules))
        data = b"\1\0\1" + (at(entry) if entry else 0).to_bytes(4)
        code = new_rider(account_type=account_type, issuer_data=data, authorised_until=now + 3600).code(now)
        return validator.judge(code, now)

    return judged


HANGZHOU = [
    Concession(rule="senior-free", account_type=SENIOR, percent=0),
    Concession(rule="senior-half", account_type=SENIOR, percent=50, when=When(("workday",), ("peak",), By.ENTRY)),
]


@pytest.mark.parametrize(
    ("entry", "exit_", "fen"),
    [
        ("2026-11-26 06:59:59", "2026-11-26 07:30", 0),  # before the peak, though it is left within
        ("2026-11-26 07:00", "2026-11-26 07:30", 200),
        ("2026-11-26 08:29:59", "2026-11-26 09:10", 200),  # within the peak, though it is left behind
        ("2026-11-26 08:30", "2026-11-26 09:00", 0),
        ("2026-11-26 17:00", "2026-11-26 17:20", 200),
        ("2026-11-28 07:30", "2026-11-28 08:00", 0),  # a Saturday
        ("2026-10-05 07:30", "2026-10-05 08:00", 0),  # a Monday of the holidays
        ("2026-10-10 07:30", "2026-10-10 08:00", 200),  # the Saturday that is worked for it
        (None, "2026-11-26 07:30", 0),  # a moment that is not known fulfils nothing
    ],
)
def test_riders_over_70_pay_half_at_the_peaks_of_working_days_by_their_entry(
    entry: str | None, exit_: str, fen: int, ride: Ride
) -> None:
    verdict = ride(entry, exit_, account_type=SENIOR, concessions=HANGZHOU)
    assert (verdict.reason, verdict.fare_fen) == (Reason.ACCEPTED, fen)
    assert verdict.rule == ("metro+senior-half" if fen else "metro+senior-free")
    assert ride(entry, exit_, concessions=HANGZHOU).fare_fen == 400


@pytest.mark.parametrize(
    ("by", "entry", "exit_", "fen"),
    [
        (By.ENTRY, "06:50", "07:20", 280),
        (By.ENTRY, "07:00", "07:20", 400),
        (By.EXIT, "06:50", "07:20", 400),
        (By.EXIT, "06:20", "06:59", 280),
        (By.TAP, "06:20", "06:59", 280),
    ],
)
def test_an_early_bird_is_early_by_the_moment_that_the_rule_names(
    by: By, entry: str, exit_: str, fen: int, ride: Ride
) -> None:
    bird = [Concession(rule="early", percent=70, when=When((), ("early",), by))]
    assert ride(f"2026-11-26 {entry}", f"2026-11-26 {exit_}", concessions=bird).fare_fen == fen


def test_an_entry_outside_the_band_gets_nothing_though_the_exit_lies_within(ride: Ride) -> None:
    bird = [Concession(rule="dawn", percent=50, when=When((), ("dawn",), By.ENTRY))]
    assert ride("2026-11-26 05:40", "2026-11-26 06:10", concessions=bird).fare_fen == 200
    late = {"early": [(6 * 60, 7 * 60)]}
    bird = [Concession(rule="early", percent=50, when=When((), ("early",), By.ENTRY))]
    assert ride("2026-11-26 05:40", "2026-11-26 06:10", concessions=bird, bands=late).fare_fen == 400
    assert ride("2026-11-26 06:50", "2026-11-26 07:20", concessions=bird, bands=late).fare_fen == 200


@pytest.mark.parametrize(
    ("begins", "tap", "rule"),
    [
        (0, "2026-11-28 00:30", "weekend"),
        (240, "2026-11-28 00:30", "metro"),  # the last trains of a Friday are a workday's
        (240, "2026-11-28 03:59:59", "metro"),
        (240, "2026-11-28 04:00", "weekend"),
        (240, "2026-11-30 00:30", "weekend"),  # and those of a Sunday the weekend's
        (240, "2026-10-08 01:00", "weekend"),  # and of the last day of the holidays
        (240, "2026-10-11 01:00", "metro"),  # and of the Saturday that is worked
    ],
)
def test_what_is_before_the_day_of_operation_begins_belongs_to_the_day_before(
    begins: int, tap: str, rule: str, ride: Ride
) -> None:
    weekend = Fare(rule="weekend", mode=Mode.METRO, fen=300, when=When(("rest",), (), By.EXIT))
    verdict = ride(tap, tap, fares=[PLAIN, weekend], habits=Habits(day_begins_min=begins))
    assert verdict.rule == rule


def test_a_fare_that_names_a_band_and_a_day_comes_before_one_of_a_band_a_day_or_always(ride: Ride) -> None:
    def fare(rule: str, days: tuple[str, ...] = (), bands: tuple[str, ...] = ()) -> Fare:
        return Fare(rule=rule, mode=Mode.METRO, fen=100, when=When(days, bands, By.EXIT))

    fares = [
        fare("always"),
        fare("day", ("workday",), ()),
        fare("band", (), ("peak",)),
        fare("both", ("workday",), ("peak",)),
    ]
    for left, tap, rule in (
        (4, "2026-11-26 07:30", "both"), (3, "2026-11-26 07:30", "band"), (2, "2026-11-26 07:30", "day"),
        (1, "2026-11-26 07:30", "always"), (4, "2026-11-26 12:00", "day"), (4, "2026-11-28 07:30", "band"),
        (4, "2026-11-28 12:00", "always"),
    ):  # fmt: skip
        assert ride(tap, tap, fares=fares[:left]).rule == rule


def test_the_fare_of_a_line_comes_before_a_citys_of_some_hours(ride: Ride) -> None:
    peak = Fare(rule="peak", mode=Mode.METRO, city=320500, fen=500, when=When((), ("peak",), By.TAP))
    tap = "2026-11-26 07:30"
    assert ride(tap, tap, fares=[PLAIN, peak]).rule == "peak"
    assert ride(tap, tap, fares=[peak]).rule == "peak"
    assert ride("2026-11-26 12:00", "2026-11-26 12:10", fares=[peak]).reason is Reason.NO_FARE


def test_a_single_tap_is_entry_exit_and_tap_at_once(ruled: Ruled, new_rider: NewRider) -> None:
    now = at("2026-11-26 07:30")
    code = new_rider(authorised_until=now + 60).code(now)
    for by in By:
        rows = [Concession(rule="peak", percent=50, when=When((), ("peak",), by))]
        assert ruled(concessions=rows, bands=PEAKS).judge(code, now).rule == "bus-flat+peak"


def test_an_entry_names_the_rule_of_its_hour_and_an_exit_is_not_known_there(ride: Ride) -> None:
    tap = "2026-11-26 07:30"
    outside = [Decoder(organisation="00083010", state_at=0, inside=(9,), station_at=1)]
    for by, rule in ((By.ENTRY, "peak"), (By.TAP, "peak"), (By.EXIT, "metro")):
        peak = Fare(rule="peak", mode=Mode.METRO, fen=500, when=When((), ("peak",), by))
        verdict = ride(None, tap, fares=[PLAIN, peak], decoders=outside, direction=Direction.ENTRY)
        assert (verdict.fare_fen, verdict.rule) == (0, rule)


def test_the_best_concession_is_taken_where_the_operator_says_so(ride: Ride) -> None:
    rows = [
        Concession(rule="senior", account_type=SENIOR, percent=50),
        Concession(rule="early", percent=30, when=When((), ("early",), By.ENTRY)),
    ]
    tap = ("2026-11-26 06:30", "2026-11-26 06:50")
    assert ride(*tap, account_type=SENIOR, concessions=rows).rule == "metro+senior"
    best = Habits(choice=Choice.BEST)
    assert ride(*tap, account_type=SENIOR, concessions=rows, habits=best).rule == "metro+early"
    equal = [rows[0], Concession(rule="early", percent=50, when=When((), ("early",), By.ENTRY))]
    assert ride(*tap, account_type=SENIOR, concessions=equal, habits=best).rule == "metro+senior"  # it says more


@pytest.mark.parametrize(
    ("rounding", "unit", "percent", "fen", "fare"),
    [
        (Rounding.HALF_UP, 1, 62.5, 333, 208),
        (Rounding.HALF_UP, 1, 0.1, 499, 0),
        (Rounding.HALF_UP, 1, 0.1, 500, 1),
        (Rounding.HALF_UP, 10, 50, 310, 160),
        (Rounding.HALF_UP, 10, 50, 308, 150),
        (Rounding.DOWN, 1, 70, 224, 156),  # 156.8
        (Rounding.UP, 1, 70, 224, 157),
        (Rounding.DOWN, 10, 91, 500, 450),
        (Rounding.UP, 10, 91, 500, 460),
        (Rounding.UP, 10, 100, 205, 205),  # never above the fare
        (Rounding.DOWN, 10, 100, 205, 200),
        (Rounding.UP, 10, 0, 205, 0),
        (Rounding.HALF_UP, 1, 99.9, 16_777_215, 16_760_438),
        (Rounding.DOWN, 100, 99.9, 16_777_215, 16_760_400),
    ],
)
def test_a_percentage_is_rounded_once_to_the_unit_as_the_operator_says(
    *, rounding: Rounding, unit: int, percent: float, fen: int, fare: int, ruled: Ruled, new_rider: NewRider, now: int
) -> None:
    validator = ruled(
        fares=[Fare(rule="flat", mode=Mode.BUS, fen=fen)],
        concessions=[Concession(rule="less", percent=percent)],
        habits=Habits(rounding=rounding, unit_fen=unit),
    )
    assert validator.judge(new_rider(cap_fen=0xFFFFFF).code(now), now).fare_fen == fare


def test_a_concession_may_be_for_one_institution_and_for_one_line(ruled: Ruled, new_rider: NewRider, now: int) -> None:
    code = new_rider().code(now)
    own = Concession(rule="own", organisation="00083010", percent=50)
    line = Concession(rule="line", riding_city=320500, line=7, percent=40)
    city = Concession(rule="city", riding_city=320500, percent=30)
    for rows, gate_line, rule in (
        ([own], 0, "own"), ([Concession(rule="other", organisation="01011000", percent=50)], 0, ""),
        ([line, city], 7, "line"), ([line, city], 8, "city"), ([line], 0, ""), ([own, line, city], 7, "own"),
        ([own, Concession(rule="issuer", issuer_city=310000, percent=10)], 0, "own"),
    ):  # fmt: skip
        verdict = ruled(line=gate_line, concessions=rows).judge(code, now)
        assert verdict.rule == "+".join(filter(None, ["bus-flat", rule]))


def test_the_first_hours_that_there_are_belong_to_the_first_day(ruled: Ruled, new_rider: NewRider) -> None:
    thursday = Calendar(week=("a", "a", "a", "thursday", "b", "b", "b"))
    rows = [Concession(rule=kind, percent=50, when=When((kind,), (), By.TAP)) for kind in ("a", "thursday", "b")]
    validator = ruled(concessions=rows, calendar=thursday, habits=Habits(day_begins_min=1439))
    assert validator.judge(new_rider(authorised_until=9999).code(60), 60).rule == "bus-flat+thursday"


def test_a_concession_at_a_time_that_the_image_does_not_have_never_holds(
    root: RootAuthority, new_rider: NewRider, now: int
) -> None:
    rules = Rules(
        environment="test", version=1, roots={1: Root(index=1, key=root.key.public)},
        whitelist=[Pair(organisation="00083010", platform="50083010")],
        fares=[Fare(rule="flat", mode=Mode.BUS, fen=200)], concessions=[Concession(rule="half", percent=50)],
    )  # fmt: skip
    image = bytearray(build(rules))
    at_entry = next(at for at in range(20, 20 + 12 * image[7], 12) if image[at + 1] == 9)
    start = int.from_bytes(image[at_entry + 8 : at_entry + 12])
    for number, rule in ((0, "flat+half"), (1, "flat"), (255, "flat")):
        image[start + 18] = number
        parameters = Parameters(environment="test", version=1, image=bytes(image), fares_fen={}, roots={}, source="x")
        validator = Validator(parameters, GateContext(mode=Mode.BUS, city=320500), table_bytes=0)
        assert validator.judge(new_rider().code(now), now).rule == rule


def test_an_exit_whose_code_tells_no_entry_or_that_of_nobody_inside_has_no_moment_of_entry(ride: Ride) -> None:
    rows = [Concession(rule="early", percent=50, when=When((), ("early",), By.ENTRY))]
    journeys = [Journey(rule="way", mode=Mode.METRO, missing_entry_fen=300)]
    tap = ("2026-11-26 06:30", "2026-11-26 06:40")
    assert ride(*tap, concessions=rows, journeys=journeys).rule == "metro+early"
    assert ride(*tap, concessions=rows, journeys=journeys, decoders=[]).rule == "metro"
    outside = [replace(DECODER, inside=(9,))]
    early = Fare(rule="early", mode=Mode.METRO, fen=1, when=When((), ("early",), By.ENTRY))
    assert ride(*tap, fares=[PLAIN, early], journeys=journeys, decoders=outside).rule == "way-no-entry"
    assert ride(*tap, fares=[PLAIN, early], journeys=journeys).rule == "early"


def test_what_is_open_holds_to_the_last_second_that_there_is() -> None:
    last = 0xFFFFFFFF
    issuer = Issuer226(key=SigningKey.from_int(13), key_id="0a000001")  # no certificate, which ends before
    keys = FamilyRules(ministry_226_keys=[Ministry226Key(key_id="0a000001", key=issuer.key.public, cap_fen=1000)])
    rules = Rules(
        environment="test", version=1, limits=Limits(families=("ministry-226",)),
        fares=[Fare(rule="flat", mode=Mode.BUS, fen=200)], concessions=[Concession(rule="open", percent=50)],
        other=rows_of(keys),
    )  # fmt: skip
    gate = GateContext(mode=Mode.BUS, city=320500)
    code = issuer.code(
        SigningKey.from_int(14), payment_account="6228480402564890", card_account="31048700000000019999",
        authorised_until=last, generated_at=last,
    )  # fmt: skip
    verdict = Validator(from_rules(rules, "open"), gate, table_bytes=0).judge(code, last)
    assert (verdict.accepted, verdict.rule) == (True, "flat+open")


def test_no_number_of_conditions_is_beyond_what_a_row_can_name(ruled: Ruled, new_rider: NewRider, now: int) -> None:
    many = [sections.WHEN.pack(kinds=0, bands=0, by=3)] * 300
    verdict = ruled(other={sections.WHEN.number: many}).judge(new_rider().code(now), now)
    assert (verdict.accepted, verdict.rule) == (True, "bus-flat")
