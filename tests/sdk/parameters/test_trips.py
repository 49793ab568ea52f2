"""Fares asked of the core without a code, held against a calculator that shares no code with it."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yima.sdk.cli.main import main
from yima.sdk.parameters.asking import Asker, Ride, is_gap, riders
from yima.sdk.parameters.example import write_source
from yima.sdk.parameters.source import read_source
from yima.validator.errors import ParametersError
from yima.validator.judging import Mode

NOW = int(datetime(2026, 9, 30, 23, 20, tzinfo=UTC).timestamp())  # 2026-10-01 07:20 in UTC+8
CELLS = {(101, 205): 300, (101, 309): 500, (205, 309): 400}
METRES = {1: 0, 2: 9500, 3: 24000}
WHO = ("", "adult", "senior", "2", "3", "0x41", "senior+3")


def due(start: int, end: int, who: str, issuer: int) -> int:
    """The example's tariff, written down a second time from its files."""
    if end:
        fen = 200 if start == end else CELLS[min(start, end), max(start, end)]
    else:
        rest = METRES[3] - METRES[start]
        fen = 100 if rest <= 10000 else 200 if rest <= 20000 else 300
    if who == "2" or ("senior" in who.split("+") and not who.endswith("3")):
        return 0
    return (fen + 1) // 2 if who.endswith("3") else fen


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("source") / "city"
    write_source(directory)
    return directory


@pytest.fixture(scope="module")
def asker(city: Path) -> Asker:
    return Asker(read_source(city).rules)


@settings(max_examples=60, deadline=None)
@given(
    start=st.sampled_from([101, 205, 309]),
    end=st.sampled_from([101, 205, 309]),
    who=st.sampled_from(WHO),
    issuer=st.sampled_from([310000, 320500]),
)
def test_a_metro_ride_costs_what_the_independent_calculator_says(
    asker: Asker, start: int, end: int, who: str, issuer: int
) -> None:
    verdict = asker.ask(Ride(mode=Mode.METRO, city=320500, start=start, end=end, at=NOW, who=who, issuer_city=issuer))
    assert verdict.accepted
    assert verdict.fare_fen == due(start, end, who, issuer)


@pytest.mark.parametrize("start", METRES)
@pytest.mark.parametrize("who", WHO)
def test_a_staged_bus_costs_what_the_independent_calculator_says(asker: Asker, start: int, who: str) -> None:
    verdict = asker.ask(Ride(mode=Mode.BUS, city=320500, line=101, start=start, at=NOW, who=who))
    assert verdict.accepted
    assert verdict.fare_fen == due(start, 0, who, 320500)


def test_what_a_gate_refuses_is_refused_and_a_gap_is_told(asker: Asker) -> None:
    elsewhere = asker.ask(Ride(mode=Mode.METRO, city=320500, start=101, end=205, at=NOW, issuer_city=330100))
    assert elsewhere.reason.name == "CITY_NOT_ACCEPTED"
    assert (
        asker.ask(Ride(mode=Mode.METRO, city=320500, start=101, end=205, at=NOW, who="0x42")).reason.name
        == "ACCOUNT_TYPE"
    )
    assert is_gap(asker.ask(Ride(mode=Mode.METRO, city=320500, start=9999, end=205, at=NOW)))


@pytest.mark.parametrize("who", ["elder", "256", "senior,2"])
def test_a_rider_nobody_knows_is_an_error(who: str) -> None:
    with pytest.raises(ParametersError, match="neither a group nor an account type"):
        riders(who)


def test_a_rider_shows_one_account_type() -> None:
    """A bug found: the last of them counted, in silence."""
    assert riders("2+senior+0x02").account_type == 2
    with pytest.raises(ParametersError, match="names several account types"):
        riders("0x41+2")


def test_fare_says_it_on_the_command_line(city: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["params", "fare", str(city), "--from", "101", "--to", "309", "--at", "2026-10-01 07:20"]
    assert main(words) == 0
    assert capsys.readouterr().out == "¥5.00  metro-distance  2026-10-01 07:20 UTC+8\n"
    assert main([*words, "--as", "senior"]) == 0
    assert capsys.readouterr().out == "¥0.00  metro-distance+senior-any-code  2026-10-01 07:20 UTC+8\n"
    assert main(["params", "fare", str(city), "--from", "999", "--to", "309", "--at", "2026-10-01"]) == 1


def test_try_compares_the_expected_column(city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trips = tmp_path / "t.csv"
    trips.write_text("from,to,when,who,expected\n101,309,2026/10/1 7:20,,500\n101,205,2026-10-01,3,150.0\n")
    assert main(["params", "try", str(city), str(trips)]) == 0
    trips.write_text(trips.read_text() + "101,205,2026-10-01,,299\n9,205,2026-10-01,,\n")
    assert main(["params", "try", str(city), str(trips)]) == 1
    assert "line 第 4 行: 300 metro-distance expected 应为 299 WRONG" in capsys.readouterr().out


def test_a_table_of_expected_fares_must_hold_before_a_package_is_signed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    city, key, out = tmp_path / "city", tmp_path / "k.key", tmp_path / "c.ymp"
    write_source(city)
    assert main(["params", "new-key", str(key)]) == 0
    (city / "trips.csv").write_text("from,to,when,expected\n101,309,2026-10-01,500\n101,205,2026-10-01,400\n")
    assert main(["params", "build", str(city), "--key", str(key), "-o", str(out)]) == 6
    assert "trips.csv: line 3, expected: the core says 300, expected is 400" in capsys.readouterr().err
    for row, said in (
        ("101,309,,500", "line 2, when: is empty"),  # it was 1970, under the tariff of then
        ("101,309,2026-10-01," + "5" * 5000, "line 2, expected: .* is not what belongs here"),
    ):
        (city / "trips.csv").write_text(f"from,to,when,expected\n{row}\n")
        assert main(["params", "build", str(city), "--key", str(key), "-o", str(out)]) == 6
        assert re.search(said, capsys.readouterr().err)
    assert not out.exists()
    (city / "trips.csv").write_text("from,to,when,expected\n101,309,2026-10-01,500\n")
    assert main(["params", "build", str(city), "--key", str(key), "-o", str(out)]) == 0


def test_check_reads_the_expected_fares_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bug found: it called a source usable whose trips.csv no build could read."""
    write_source(tmp_path / "city")
    (tmp_path / "city" / "trips.csv").write_text("from,when\n101,tomorrow\n101,\n")
    assert main(["params", "check", str(tmp_path / "city")]) == 6
    said = capsys.readouterr().err
    assert "trips.csv: line 2, when: " in said
    assert "trips.csv: line 3, when: is empty" in said


def test_a_withdrawal_that_outlives_its_root_is_not_the_questions(tmp_path: Path) -> None:
    """A bug found: the question's own root took the number of a root that was gone, with all that was withdrawn under
    it, and every ride was refused."""
    write_source(tmp_path / "city")
    (tmp_path / "city" / "revoked.csv").write_text("root\n" + "".join(f"{n}\n" for n in range(256) if n != 1))
    rules = read_source(tmp_path / "city").rules
    assert sorted(rules.roots) == [1]
    assert Asker(rules).ask(Ride(mode=Mode.BUS, city=320500, start=1, at=NOW)).fare_fen == 200


def test_a_fare_is_not_asked_of_an_entry_behind_the_exit(city: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["params", "fare", str(city), "--from", "101", "--to", "205", "--at", "2026-10-01 07:20", "--entered"]
    assert main([*asked, "2026-10-01 07:20"]) == 0
    assert main([*asked, "2026-10-01 07:21"]) == 6
    assert "--entered: 2026-10-01 07:21 UTC+8 lies behind --at" in capsys.readouterr().err


def test_what_no_trip_can_be_is_named_by_its_cell(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bug found: of a rider nobody knows the word alone was told, as of --as, and not where it stands; and a ride
    that ends before it begins had a fare."""
    trips = tmp_path / "t.csv"
    trips.write_text(
        "from,to,when,who,entered\n101,309,2026-10-01,,\n101,309,2026-10-01,senior+elder,\n"
        "101,309,2026-10-01 07:20,,2026-10-01 07:21\n101,309,2026-10-01 07:20,,2026-10-01 07:20\n"
    )
    assert main(["params", "try", str(city), str(trips)]) == 6
    said = capsys.readouterr()
    assert not said.out
    first, second = said.err.splitlines()
    assert first.startswith(
        f'yima: {trips}: line 3, who: "elder" is neither a group nor an account type. Write a group'
    )
    assert second.startswith(f'{trips}: line 4, entered: "2026-10-01 07:21" is not what belongs here.')


def test_a_fare_is_asked_for_the_codes_of_one_institution(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "own"
    write_source(own)
    (own / "concessions.csv").write_text("rule,organisation,percent\nown,00083010,50\n")
    asked = ["params", "fare", str(own), "--from", "101", "--to", "205"]
    for more, said in (([], "¥3.00  metro-distance "), (["--institution", "00083010"], "¥1.50  metro-distance+own")):
        assert main([*asked, *more]) == 0
        assert said in capsys.readouterr().out
    assert main([*asked, "--institution", "12"]) == 2
    assert "8 digits, such as 00083010" in capsys.readouterr().err


def test_a_bus_that_is_tapped_off_is_asked_with_both_stops(city: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["params", "fare", str(city), "--mode", "bus", "--line", "101", "--from", "3"]
    assert main([*asked, "--to", "2"]) == 0
    assert "¥2.00  bus-k1" in capsys.readouterr().out  # 14500 m back
    assert main(asked) == 0
    assert "¥1.00  bus-k1" in capsys.readouterr().out  # no way is left to the end of the line
