"""A gate that could only refuse everybody, or charge riders for the operator's gap, does not start."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.sdk.parameters.test_lint import BRINGS, NOW, source
from yima.sdk.cli.gate_findings import findings_here
from yima.sdk.cli.gate_place import KnownStops, placed, placing_of, refuse_useless
from yima.sdk.cli.main import main
from yima.sdk.parameters.compile import compiled
from yima.sdk.parameters.example import write_source
from yima.sdk.parameters.lint import NAMES, Level
from yima.sdk.parameters.lint_slips import SLIPS
from yima.sdk.parameters.source import read_source
from yima.validator.errors import ParametersError, PlaceError
from yima.validator.happenings import Happening, Notice
from yima.validator.judging import Direction, GateContext, Mode
from yima.validator.parameters import Parameters, from_mapping, from_rules
from yima.validator.parameters.rules import Fare, FareKind, Rules, Stage

METRO, BUS, CITY = Mode.METRO, Mode.BUS, 320500
ENTRY, EXIT, NONE = Direction.ENTRY, Direction.EXIT, Direction.NONE


@pytest.fixture(scope="module")
def parameters(tmp_path_factory: pytest.TempPathFactory) -> Parameters:
    directory = tmp_path_factory.mktemp("source") / "city"
    write_source(directory)
    return compiled(read_source(directory))


@pytest.mark.parametrize(
    ("gate", "argument"),
    [
        (GateContext(mode=METRO, direction=EXIT, station=205), "--city"),
        (GateContext(mode=BUS), "--city"),
        (GateContext(mode=METRO, city=CITY, station=205), "--direction"),
        (GateContext(mode=METRO, city=CITY, direction=EXIT, station=9999), "--station"),
        (GateContext(mode=METRO, city=CITY, direction=EXIT), "--station"),
    ],
)
def test_a_gate_that_could_only_refuse_is_refused_at_its_start(
    parameters: Parameters, gate: GateContext, argument: str
) -> None:
    """A bug found: it started, and refused everybody, or opened at the fare for an unreadable entry."""
    with pytest.raises(ParametersError) as refused:
        refuse_useless(gate, parameters)
    assert refused.value.thing == argument
    assert argument in refused.value.remedy.en
    assert argument in refused.value.remedy.zh


@pytest.mark.parametrize(
    "gate",
    [
        GateContext(mode=METRO, city=CITY, direction=EXIT, station=205),
        GateContext(mode=METRO, city=CITY, direction=ENTRY),
        GateContext(mode=BUS, city=CITY),
        GateContext(mode=BUS, city=CITY, line=101, station=2),
    ],
)
def test_a_gate_that_can_let_riders_through_starts(parameters: Parameters, gate: GateContext) -> None:
    refuse_useless(gate, parameters)


def test_flat_parameters_for_everywhere_ask_for_nothing() -> None:
    plain = from_mapping({"environment": "test", "version": 1, "fares": {"bus": 200, "metro": 300}})
    for mode in Mode:
        refuse_useless(GateContext(mode=mode), plain)
    refuse_useless(GateContext(mode=METRO), from_mapping({"environment": "test", "version": 1}))


def test_run_says_so_and_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "codes").mkdir()
    (tmp_path / "p.toml").write_text(
        'environment = "test"\nversion = 1\n[fares]\nbus = 200\n[acceptance]\n320500 = []\n'
    )
    state = tmp_path / "state"
    words = ["run", "--reader", f"file:{tmp_path}/codes/", "--params", str(tmp_path / "p.toml"), "--state", str(state)]
    assert main(words) == 6
    assert "--city 320500" in capsys.readouterr().err


def test_account_type_0x41_which_real_codes_carry_is_accepted_by_default() -> None:
    """A bug found: the default refused it."""
    assert 0x41 in from_mapping({"environment": "test", "version": 1}).limits.account_types


def test_a_gate_that_the_tables_know_in_part_says_what_they_lack(tmp_path: Path) -> None:
    write_source(tmp_path / "city")
    matrix = tmp_path / "city" / "matrix-network.csv"
    matrix.write_text(matrix.read_text().replace("101,200,300,500", "101,200,300,"))
    parameters = compiled(read_source(tmp_path / "city"))
    gate = GateContext(mode=METRO, city=CITY, direction=EXIT, station=309)
    told: list[Notice] = []
    assert placed(gate, parameters, told.append) == gate
    assert {notice.happening for notice in told} == {Happening.PARAMETERS_TROUBLE}
    gaps = [said for notice in told if "missing-cell" in (said := str(notice.error))]
    assert len(gaps) == 1
    assert "1 pairs have no fare, the first 101 to 309" in gaps[0]
    for other in (replace(gate, station=101), replace(gate, direction=ENTRY)):
        assert not [one for one in findings_here(other, parameters, NOW) if "missing-cell" in one.thing]


AT_METRO = {"no-decoder", "missing-cell", "unknown-station", "entry-cap-below-fare", "no-entry-time"}


@pytest.mark.parametrize("name", [name for name, level in NAMES.items() if level > Level.NOTE])
def test_a_gate_says_at_its_start_what_check_says_of_its_place(name: str, tmp_path: Path) -> None:
    """It told gaps of matrices alone. Amounts are the signer's to look at, tables that nobody uses nobody's."""
    here = GateContext(mode=BUS, city=CITY, line=101, station=1)
    if name in {*AT_METRO, "no-fare"}:
        here = GateContext(mode=METRO, city=CITY, direction=EXIT, station=309)
    if name == "line-without-stations":
        here = replace(here, line=9)
    parameters = compiled(read_source(source(tmp_path, BRINGS[name])))
    expiry = NOW - 1 if name == "expired" else 1_798_800_000  # 2027-01-02
    now = 1_767_300_000 if name == "fare-gap" else NOW  # a device does not look back
    told = {one.thing for one in findings_here(here, parameters, now, expiry)}
    elsewhere = SLIPS | {"in-yuan", "dear-fare", "unused-table", "issuer-nobody-accepts", "other-city"}
    assert (f"parameters ({name})" in told) == (name not in elsewhere)


def test_a_good_place_says_nothing(tmp_path: Path) -> None:
    parameters = compiled(read_source(source(tmp_path, {})))
    for here in (
        GateContext(mode=BUS, city=CITY, line=101, station=1),
        GateContext(mode=METRO, city=CITY, direction=EXIT, station=309),
        GateContext(mode=METRO, city=CITY, direction=ENTRY),
    ):
        assert findings_here(here, parameters, NOW) == []


def test_check_tells_gaps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_source(tmp_path / "city")
    matrix = tmp_path / "city" / "matrix-network.csv"
    matrix.write_text(matrix.read_text().replace("101,200,300,500", "101,200,300,"))
    assert main(["params", "check", str(tmp_path / "city")]) == 0
    assert "matrix-network.csv: 1 pairs have no fare, the first 101 to 309" in capsys.readouterr().out


def test_a_bus_that_is_told_its_stops_starts_without_one(parameters: Parameters) -> None:
    staged = Rules(
        environment="test",
        version=1,
        fares=[Fare(rule="k1", mode=BUS, city=CITY, line=101, kind=FareKind.STAGES, table="k1")],
        stages={"k1": [Stage(up_to_m=None, fen=200)]},
    )
    here = GateContext(mode=BUS, city=CITY, line=101, station=99)
    with pytest.raises(ParametersError, match="--station"):
        refuse_useless(here, from_rules(staged, "a test"))
    assert refuse_useless(here, from_rules(staged, "a test"), moves=True) == here
    with pytest.raises(ParametersError, match="--city"):
        refuse_useless(GateContext(mode=BUS), parameters, moves=True)


def test_a_stop_is_known_where_a_fare_is_by_the_parameters_in_force(parameters: Parameters) -> None:
    known = KnownStops(parameters)
    assert known(GateContext(mode=BUS, city=CITY, line=101, station=2))
    assert known(GateContext(mode=BUS, city=CITY))  # the city's flat fare
    assert not known(GateContext(mode=BUS, city=CITY, line=101, station=99, direction=EXIT))
    assert known(GateContext(mode=BUS, city=CITY, line=101, station=99, direction=ENTRY))
    none = from_mapping({"environment": "test", "version": 2, "fares": {"metro": 300}})
    assert known.follow(none) is none
    assert known.follow(None) is None
    assert not known(GateContext(mode=BUS, city=CITY))


def test_a_metro_gate_is_told_no_place() -> None:
    empty = from_mapping({"environment": "test", "version": 1})
    with pytest.raises(PlaceError, match="--place: a metro gate stands where it stands"):
        placing_of("udp:4010", GateContext(mode=METRO), KnownStops(empty))
    assert placing_of(None, GateContext(mode=METRO), KnownStops(empty)) is None
