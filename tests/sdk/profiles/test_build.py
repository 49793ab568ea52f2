"""The parameter source made from the plan: it compiles, signs and judges, and equal treatment is a row of it."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from yima.sdk.issuer import Rider, RootAuthority, make_issuer, make_rider, make_root
from yima.sdk.parameters.compile import build_package, compiled
from yima.sdk.parameters.source import read_source
from yima.sdk.profiles.yangtze_delta import issuers
from yima.sdk.profiles.yangtze_delta.build import write_source
from yima.sdk.profiles.yangtze_delta.plan import City, load_plan
from yima.sdk.sm2 import SigningKey
from yima.validator.errors import ParametersError
from yima.validator.judging import Direction, GateContext, Mode, Reason, Transaction, Validator, Verdict
from yima.validator.packages import PackageError, Trust
from yima.validator.parameters import Parameters, load

LOCAL = timezone(timedelta(hours=8))
NOW = int(datetime(2025, 6, 1, 9, tzinfo=LOCAL).timestamp())
SENIOR = 2
PLAN = load_plan()
ROOTS = (make_root(1), make_root(2))
Make = Callable[..., Path]


def root_of(city: City) -> RootAuthority:
    return ROOTS[issuers.root_index(city) - 1]


ISSUERS = {city: make_issuer(root_of(city), issuers.organisation(city)) for city in PLAN.cities}


def rider(city: City, *, account_type: int = 0, station: int = 0, inside_s: int = 1500) -> Rider:
    return make_rider(
        ISSUERS[city],
        payment_account="TEST-RIDER",
        card_account=f"{city.division}",
        platform=issuers.platform(city),
        account_type=account_type,
        authorised_until=NOW + 86400,
        issuer_data=issuers.rider_data(city, station=station, entered_at=NOW - inside_s),
    )


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def write(name: str = "source", city: City | None = None, version: int = 1) -> Path:
        return write_source(
            tmp_path / name,
            [root.certificate for root in ROOTS],
            not_before=datetime(2023, 1, 1, tzinfo=LOCAL),
            expiry=datetime(2026, 1, 1, tzinfo=LOCAL),
            city=city,
            version=version,
        )

    return write


@pytest.fixture
def parameters(make: Make) -> Parameters:
    return compiled(read_source(make()))


def exit_gate(city: str, station: int) -> GateContext:
    return GateContext(
        mode=Mode.METRO, city=PLAN.city(city).division, line=1, station=station, direction=Direction.EXIT
    )


def bus(city: str) -> GateContext:
    return GateContext(mode=Mode.BUS, city=PLAN.city(city).division)


def said(verdict: Verdict) -> tuple[int, str]:
    assert verdict.accepted, verdict.reason
    return verdict.fare_fen, verdict.rule


@pytest.mark.parametrize("city", ["Wuxi", "Nantong", "Hangzhou", "Shaoxing"])
def test_every_citys_riders_pay_by_distance_whatever_form_their_issuer_gives_the_entry(
    parameters: Parameters, city: str
) -> None:
    # Six stations at 0, 2, 5, 9, 14 and 21 km; up to 4, 8 and 16 km, and beyond.
    due: Mapping[int, int] = {101: 600, 102: 600, 103: 400, 104: 400, 105: 300, 106: 200}
    gate = Validator(parameters, exit_gate(city, 106))
    for home in PLAN.cities:
        for station, fen in due.items():
            verdict = gate.judge(rider(home, station=station).code(NOW), NOW)
            assert said(verdict) == (fen, f"{city.lower()}-metro-1"), (home.name.en, station)
            assert verdict.transaction is Transaction.EXIT


def test_shanghais_riders_pay_by_the_matrix_in_both_directions(parameters: Parameters) -> None:
    home = PLAN.city("Nanjing")
    for entry, exit_, fen in ((101, 106, 500), (106, 101, 500), (103, 106, 400), (105, 106, 300), (104, 101, 400)):
        gate = Validator(parameters, exit_gate("Shanghai", exit_))
        assert said(gate.judge(rider(home, station=entry).code(NOW), NOW)) == (fen, "shanghai-metro-1")


def test_who_stayed_too_long_pays_more_and_who_cannot_show_an_entry_goes_to_the_staff(parameters: Parameters) -> None:
    gate = Validator(parameters, exit_gate("Shanghai", 106))
    home = PLAN.city("Wuxi")
    late = gate.judge(rider(home, station=105, inside_s=14401).code(NOW), NOW)
    assert said(late) == (600, "shanghai-metro-1+shanghai-metro-over-time")
    assert late.transaction is Transaction.OVER_TIME_EXIT
    assert said(gate.judge(rider(home, station=105, inside_s=14400).code(NOW), NOW)) == (300, "shanghai-metro-1")
    assert gate.judge(rider(home).code(NOW), NOW).reason is Reason.ENTRY_MISSING
    assert gate.judge(rider(home, station=999).code(NOW), NOW).reason is Reason.RIDE_NOT_PRICED


def test_who_entered_and_never_left_may_not_enter_again(parameters: Parameters) -> None:
    place = GateContext(mode=Mode.METRO, city=310000, line=1, station=101, direction=Direction.ENTRY)
    gate = Validator(parameters, place)
    assert said(gate.judge(rider(PLAN.city("Hefei")).code(NOW), NOW)) == (0, "shanghai-metro-1")
    assert gate.judge(rider(PLAN.city("Hefei"), station=101).code(NOW), NOW).reason is Reason.EXIT_MISSING


def test_seniors_of_the_demonstration_zone_are_locals_in_each_of_its_cities(parameters: Parameters) -> None:
    zone = ("Shanghai", "Suzhou", "Jiaxing")
    for riding in zone:
        gate = Validator(parameters, bus(riding))
        base = "suzhou-bus" if riding == "Suzhou" else "bus-flat"
        for home in PLAN.cities:
            verdict = gate.judge(rider(home, account_type=SENIOR).code(NOW), NOW)
            if home.name.en in zone:
                end = "" if home.name.en == riding else "-zone"
                assert said(verdict) == (100, f"{base}+{riding.lower()}-senior{end}")
                assert verdict.rules[1].funder_id == home.division, "a city pays for its own seniors in the whole zone"
            else:
                assert said(verdict) == (200, base)


def test_equal_treatment_is_a_row_that_a_person_adds_and_takes_away(make: Make) -> None:
    senior = rider(PLAN.city("Hefei"), account_type=SENIOR)

    def fare(source: Path) -> tuple[int, str]:
        return said(Validator(compiled(read_source(source)), bus("Suzhou")).judge(senior.code(NOW), NOW))

    source = make()
    assert fare(source) == (200, "suzhou-bus")
    file = source / "concessions.csv"
    text = file.read_text(encoding="utf-8")
    file.write_text(f"{text}suzhou-senior-hefei,2,340100,320500,,2025-06-01,,50,\n", encoding="utf-8")
    assert fare(source) == (100, "suzhou-bus+suzhou-senior-hefei")
    file.write_text(f"{text}suzhou-senior-hefei,2,340100,320500,,2025-06-02,,50,\n", encoding="utf-8")
    assert fare(source) == (200, "suzhou-bus")


def test_a_fare_changes_on_its_day(parameters: Parameters) -> None:
    hefei = Validator(parameters, bus("Hefei"))
    someone = rider(PLAN.city("Ningbo"))
    new_year = int(datetime(2024, 1, 1, tzinfo=LOCAL).timestamp())
    assert said(hefei.judge(someone.code(new_year - 1), new_year - 1)) == (100, "hefei-bus")
    assert said(hefei.judge(someone.code(new_year), new_year)) == (200, "hefei-bus-2024")
    hangzhou = Validator(parameters, bus("Hangzhou"))
    assert said(hangzhou.judge(someone.code(NOW), NOW)) == (200, "bus-flat")
    free = hangzhou.judge(rider(PLAN.city("Hangzhou"), account_type=SENIOR).code(NOW), NOW)
    assert said(free) == (0, "bus-flat+hangzhou-senior")


def test_a_citys_package_takes_the_codes_that_the_plan_pilots_there(make: Make) -> None:
    families = {
        city.name.en: tuple(read_source(make(city.name.en, city)).rules.limits.families) for city in PLAN.cities
    }
    assert families.pop("Shanghai") == ("ministry", "suishen")
    assert families.pop("Suzhou") == ("ministry", "suishen", "sufu")
    assert families.pop("Hefei") == ("ministry", "suishen", "anhui")
    assert set(families.values()) == {("ministry",)}
    assert tuple(read_source(make()).rules.limits.families) == ("ministry", "suishen", "sufu", "anhui")


def test_the_source_tells_its_editor_what_is_to_be_added_and_where_the_plan_contradicts_itself(make: Make) -> None:
    source = make(city=PLAN.city("Hefei"))
    notes = (source / "package.toml").read_text(encoding="utf-8")
    assert "# suishen: add [[suishen_keys]]" in notes
    assert "# anhui: add [[resolved]] with its prefix and city = 340000" in notes
    assert "# Hangzhou metro, Shaoxing metro: the plan contradicts itself" in (source / "acceptance.csv").read_text(
        encoding="utf-8"
    )


def test_it_is_signed_for_its_city_and_taken_there_and_nowhere_else(make: Make, tmp_path: Path) -> None:
    key = SigningKey.generate()
    suzhou = PLAN.city("Suzhou").division
    path = tmp_path / "suzhou.ymp"
    path.write_bytes(build_package(read_source(make(city=PLAN.city("Suzhou"), version=3)), [key]))
    taken = load(path, trust=Trust(environment="test", keys=(key.compressed,), city=suzhou), now=NOW)
    assert taken.version == 3
    for trust in (
        Trust(environment="test", keys=(key.compressed,), city=310000),
        Trust(environment="production", keys=(key.compressed,), city=suzhou),
        Trust(environment="test", keys=(SigningKey.generate().compressed,), city=suzhou),
    ):
        with pytest.raises(PackageError):
            load(path, trust=trust, now=NOW)


def test_it_goes_into_an_empty_directory_with_sound_roots_and_full_moments(make: Make, tmp_path: Path) -> None:
    make("there")
    with pytest.raises(ParametersError, match="is not empty"):
        make("there")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ParametersError, match="cannot be written"):
        make("file")
    moment = datetime(2024, 1, 1, tzinfo=LOCAL)
    with pytest.raises(ParametersError, match="no whole certificates"):
        write_source(tmp_path / "a", [b"\xa0" * 143], not_before=moment, expiry=moment)
    with pytest.raises(ValueError, match="time zone"):
        write_source(tmp_path / "b", [], not_before=datetime(2024, 1, 1), expiry=moment)


def test_the_command_writes_a_source_that_builds(tmp_path: Path) -> None:
    (tmp_path / "roots.bin").write_bytes(b"".join(root.certificate for root in ROOTS))
    command = [sys.executable, "-m", "yima.sdk.profiles.yangtze_delta", "--source", str(tmp_path / "hefei")]
    arguments = [
        "--roots",
        str(tmp_path / "roots.bin"),
        "--from",
        "2025-01-01",
        "--to",
        "2026-01-01",
        "--city",
        "Hefei",
    ]
    subprocess.run([*command, *arguments], check=True, timeout=200)
    source = read_source(tmp_path / "hefei")
    assert (source.city, source.expiry - source.not_before) == (340100, 365 * 86400)
    compiled(source)
    for wrong, status in ([*command, *arguments], 1), (command, 2):
        assert subprocess.run(wrong, check=False, timeout=200, capture_output=True).returncode == status
