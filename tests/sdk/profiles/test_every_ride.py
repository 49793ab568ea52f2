"""Every ride of the profile: issuer's city, riding city, mode and moment, through the core.

What must come out is a second reading of the plan, which shares no code with the profile.
"""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from yima.sdk.issuer import Rider, RootAuthority, make_issuer, make_rider, make_root
from yima.sdk.parameters.compile import compiled
from yima.sdk.parameters.source import read_source
from yima.sdk.profiles.yangtze_delta import issuers
from yima.sdk.profiles.yangtze_delta.build import write_source
from yima.sdk.profiles.yangtze_delta.plan import City, load_plan
from yima.sdk.suishen import make_suishen_issuer, wrap
from yima.validator.judging import Direction, GateContext, Mode, Reason, Validator
from yima.validator.parameters import Parameters
from yima.validator.texts import Text

LOCAL = timezone(timedelta(hours=8))
SUISHEN = make_suishen_issuer(index=1, transport_index=1)
ELSEWHERE = City(division=320400, name=Text("Changzhou", "常州"))  # in the region, not in the plan
CITIES = (*load_plan().cities, ELSEWHERE)
NEW_YEARS = (2023, 2024, 2025)


def at(*parts: int) -> int:
    """A local moment as unix seconds."""
    return int(datetime(*parts, tzinfo=LOCAL).timestamp())  # type: ignore[misc, arg-type]


# Before, on and after every boundary, to the second; and the midnights of UTC, which are no boundaries here.
MOMENTS = sorted(
    {
        at(2022, 6, 1),
        at(2024, 7, 1, 12),
        at(2035, 1, 1),
        *(at(year, 1, 1) + second for year in NEW_YEARS for second in (-86400, -1, 0, 1, 28799, 28800, 86400)),
    }
)


# The plan's clauses in our words, written down as sentences of this test, which read no file of the profile:
# 长三角交通领域“一码通行”工作方案（2023-2025年）, 2023-11-01. A year, and who takes the ministry's code from it on.
CLAUSES = {
    2023: "technical validation and pilots: Suzhou's buses, Ningbo's buses, Hefei's buses",
    2024: (
        "Shanghai's buses, Shanghai's metro, Nanjing's buses, Wuxi's buses, Wuxi's metro, Xuzhou's buses, "
        "Nantong's buses, Nantong's metro, Huaian's buses, Lianyungang's buses, Hangzhou's buses, Hangzhou's metro, "
        "Taizhou's buses, Shaoxing's buses, Shaoxing's metro, Jiaxing's buses"
    ),
}
# The same of codes beside it: whose code, and where. 随申码 at home is Shanghai's own, and needs no clause.
PILOTS = {
    2023: {
        "suishen": "Suzhou's buses, Hefei's buses, Hefei's metro",
        "sufu": "Suzhou's buses",
        "anhui": "Hefei's buses, Hefei's metro",
    },
}


def years(clauses: Mapping[int, str]) -> Mapping[tuple[str, str], int]:
    """(city, mode) to the year in which a clause names it."""
    return {
        (city, "metro" if vehicles == "metro" else "bus"): year
        for year, clause in clauses.items()
        for city, vehicles in re.findall(r"(\w+)'s (buses|metro)", clause)
    }


PLAN = years(CLAUSES)
OTHER_CODES = {
    family: years({year: clauses[family] for year, clauses in PILOTS.items()})
    for family in ("suishen", "sufu", "anhui")
}


def expected(issuer: str, riding: str, mode: str, moment: int) -> Reason:
    """What the plan says of a ride with the ministry's code, worked out in whole years of local time."""
    joined = [year for (city, _), year in PLAN.items() if city == issuer]
    if joined and issuer == riding:
        return Reason.ACCEPTED  # a city's own riders are its own
    if (riding, mode) not in PLAN or not joined:
        return Reason.CITY_NOT_ACCEPTED
    this_year = datetime.fromtimestamp(moment, LOCAL).year
    return (
        Reason.ACCEPTED
        if this_year >= PLAN[riding, mode] and any(this_year >= year for year in joined)
        else Reason.CITY_NOT_ACCEPTED_YET
    )


def expected_of(family: str, riding: str, mode: str, moment: int) -> Reason:
    """The same of a code beside the ministry's; one that is asked for online is accepted as far as a gate can tell."""
    accepted = Reason.ACCEPTED if family == "suishen" else Reason.NEEDS_RESOLVER
    if (family, riding) == ("suishen", "Shanghai"):
        return accepted
    year = OTHER_CODES[family].get((riding, mode))
    if year is None:
        return Reason.CITY_NOT_ACCEPTED
    return accepted if datetime.fromtimestamp(moment, LOCAL).year >= year else Reason.CITY_NOT_ACCEPTED_YET


@pytest.fixture(scope="module")
def roots() -> tuple[RootAuthority, RootAuthority]:
    return make_root(1), make_root(2)


@pytest.fixture(scope="module")
def parameters(roots: tuple[RootAuthority, RootAuthority], tmp_path_factory: pytest.TempPathFactory) -> Parameters:
    source = write_source(
        tmp_path_factory.mktemp("profile"),
        [root.certificate for root in roots],
        not_before=datetime(2022, 1, 1, tzinfo=LOCAL),
        expiry=datetime(2036, 1, 1, tzinfo=LOCAL),
    )
    with (source / "whitelist.csv").open("a", encoding="utf-8") as file:
        file.write(f"{issuers.organisation(ELSEWHERE)},{issuers.platform(ELSEWHERE)},{ELSEWHERE.division}\n")
    with (source / "package.toml").open("a", encoding="utf-8") as file:
        file.write(f'''
[[suishen_keys]]
index = 1
key = "{SUISHEN.key.public.hex()}"
[[suishen_transport_keys]]
index = 1
key = "{SUISHEN.transport_key.public.hex()}"
modes = ["bus", "metro"]
[[resolved]]
family = "sufu"
prefix = "SF"
city = 320000
[[resolved]]
family = "anhui"
prefix = "AH"
city = 340000
''')
    return compiled(read_source(source))


@pytest.fixture(scope="module")
def riders(roots: tuple[RootAuthority, RootAuthority]) -> Mapping[str, Rider]:
    made = {}
    for number, city in enumerate(CITIES):
        issuer = make_issuer(roots[issuers.root_index(city) - 1], issuers.organisation(city))
        made[city.name.en] = make_rider(
            issuer,
            payment_account=f"TEST-RIDER-{number:05}",
            card_account=f"{number:020}",
            platform=issuers.platform(city),
            authorised_until=at(2036, 1, 1),
            issuer_data=issuers.rider_data(city),
        )
    return made


def test_every_issuers_city_rides_where_and_when_the_plan_says(
    parameters: Parameters, riders: Mapping[str, Rider]
) -> None:
    codes = {(name, moment): rider.code(moment) for name, rider in riders.items() for moment in MOMENTS}
    said: Counter[Reason] = Counter()
    for riding in CITIES:
        for mode in Mode:
            direction = Direction.ENTRY if mode is Mode.METRO else Direction.NONE
            gate = GateContext(mode=mode, city=riding.division, direction=direction)
            validator = Validator(parameters, gate)
            for (issuer, moment), code in codes.items():
                verdict = validator.judge(code, moment)
                due = expected(issuer, riding.name.en, mode, moment)
                assert verdict.reason is due, (issuer, riding.name.en, mode, datetime.fromtimestamp(moment, LOCAL))
                assert bool(verdict.rule) == verdict.accepted
                said[verdict.reason] += 1
    assert sum(said.values()) == len(CITIES) * len(CITIES) * 2 * len(MOMENTS)
    assert set(said) == {Reason.ACCEPTED, Reason.CITY_NOT_ACCEPTED, Reason.CITY_NOT_ACCEPTED_YET}


def other_code(family: str, moment: int) -> bytes:
    if family != "suishen":
        return f"{family[0].upper()}{'F' if family == 'sufu' else 'H'}{moment}".encode()
    return wrap(SUISHEN.body(card_account="31001234567890123456", generated_at=moment, expires_at=at(2036, 1, 1)))


def test_every_code_beside_the_ministrys_rides_where_and_when_the_plan_pilots_it(parameters: Parameters) -> None:
    """A bug found: 随申码 and 安徽码 were refused on Hefei's metro, 随申码 in Suzhou in 2023, 苏服码 everywhere."""
    codes = {(family, moment): other_code(family, moment) for family in OTHER_CODES for moment in MOMENTS}
    said: Counter[Reason] = Counter()
    for riding in CITIES:
        for mode in Mode:
            direction = Direction.ENTRY if mode is Mode.METRO else Direction.NONE
            validator = Validator(parameters, GateContext(mode=mode, city=riding.division, direction=direction))
            for (family, moment), code in codes.items():
                reason = validator.judge(code, moment).reason
                due = expected_of(family, riding.name.en, mode, moment)
                assert reason is due, (family, riding.name.en, mode, datetime.fromtimestamp(moment, LOCAL))
                said[reason] += 1
    assert sum(said.values()) == len(CITIES) * 2 * 3 * len(MOMENTS)
    assert set(said) == {
        Reason.ACCEPTED,
        Reason.NEEDS_RESOLVER,
        Reason.CITY_NOT_ACCEPTED,
        Reason.CITY_NOT_ACCEPTED_YET,
    }


def test_the_second_reading_agrees_with_what_was_read_by_eye() -> None:
    noon = at(2023, 7, 1, 12)
    assert expected("Ningbo", "Suzhou", "bus", noon) is Reason.ACCEPTED
    assert expected("Shanghai", "Suzhou", "bus", noon) is Reason.CITY_NOT_ACCEPTED_YET
    assert expected("Ningbo", "Shanghai", "metro", noon) is Reason.CITY_NOT_ACCEPTED_YET
    assert expected("Ningbo", "Shanghai", "metro", at(2024, 1, 1)) is Reason.ACCEPTED
    assert expected("Ningbo", "Suzhou", "metro", at(2030, 1, 1)) is Reason.CITY_NOT_ACCEPTED
    assert expected("Ningbo", "Ningbo", "metro", at(2022, 1, 1)) is Reason.ACCEPTED
    assert expected("Changzhou", "Suzhou", "bus", at(2030, 1, 1)) is Reason.CITY_NOT_ACCEPTED
    assert expected("Shanghai", "Hefei", "metro", at(2030, 1, 1)) is Reason.CITY_NOT_ACCEPTED
    assert expected_of("suishen", "Hefei", "metro", noon) is Reason.ACCEPTED
    assert expected_of("suishen", "Suzhou", "bus", noon) is Reason.ACCEPTED
    assert expected_of("suishen", "Suzhou", "metro", noon) is Reason.CITY_NOT_ACCEPTED
    assert expected_of("suishen", "Shanghai", "metro", at(2022, 6, 1)) is Reason.ACCEPTED


def test_the_profiles_files_say_what_the_second_writing_says() -> None:
    plan = load_plan()
    assert len(PLAN) == 19
    assert {(row.city.name.en, str(row.mode)): row.year for row in plan.rows} == PLAN
    piloted = {(pilot.family, pilot.city.name.en, str(pilot.mode)): pilot.year for pilot in plan.pilots}
    at_home = {key: piloted.pop(key) for key in (("suishen", "Shanghai", mode) for mode in ("bus", "metro"))}
    assert set(at_home.values()) == {2023}
    assert piloted == {(family, *where): year for family, found in OTHER_CODES.items() for where, year in found.items()}


@pytest.mark.parametrize("name", ["Suzhou", "Hefei", "Ningbo", "Shanghai"])
def test_a_citys_own_riders_ride_all_that_runs_there_whatever_the_plan_lists(
    name: str,
    roots: tuple[RootAuthority, RootAuthority],
    riders: Mapping[str, Rider],
    tmp_path: Path,
) -> None:
    """A bug found: a city's package refused its own riders on its own metro where the plan has no row for it."""
    city, moment = load_plan().city(name), at(2022, 6, 1)
    source = write_source(
        tmp_path / "source",
        [root.certificate for root in roots],
        not_before=datetime(2022, 1, 1, tzinfo=LOCAL),
        expiry=datetime(2036, 1, 1, tzinfo=LOCAL),
        city=city,
    )
    parameters = compiled(read_source(source))
    for mode, direction in ((Mode.BUS, Direction.NONE), (Mode.METRO, Direction.ENTRY)):
        validator = Validator(parameters, GateContext(mode=mode, city=city.division, direction=direction))
        assert validator.judge(riders[name].code(moment), moment).reason is Reason.ACCEPTED
        assert validator.judge(riders["Taizhou"].code(moment), moment).reason is not Reason.ACCEPTED


def test_a_gate_that_does_not_know_its_city_takes_nobody_of_the_plan(
    parameters: Parameters, riders: Mapping[str, Rider]
) -> None:
    validator = Validator(parameters, GateContext(mode=Mode.BUS))
    for rider in riders.values():
        moment = at(2030, 1, 1)
        assert validator.judge(rider.code(moment), moment).reason is Reason.CITY_NOT_ACCEPTED
