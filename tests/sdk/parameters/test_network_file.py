"""network.csv: the shortest way between all stations, priced by distance into a matrix."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yima.sdk.parameters.asking import Asker, Ride
from yima.sdk.parameters.example import SOURCE, write_source
from yima.sdk.parameters.network_file import network_of
from yima.sdk.parameters.source import Source, read_source
from yima.validator.errors import ParametersError
from yima.validator.judging import Mode
from yima.validator.parameters.rules import FareKind

Edit = Callable[..., Source]
NETWORK = "line,from,to,metres\n1,101,205,3000\n1,205,309,4000\n2,205,400,2500\n,309,500,150\n3,500,400,9000\n"
STAGES = "table,up_to_m,fen,entries\nkm,3000,200,\nkm,6000,300,\nkm,rest,400,\nkm,rest,100,400\nk1,rest,300,\n"
FARES = "rule,mode,city,line,kind,fen,table\nbus,bus,320500,,flat,200,\nk1,bus,320500,101,stages,,k1\n"
FARES += "m,metro,320500,,network,,km\n"


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    def read(**files: str) -> Source:
        write_source(tmp_path / "city")
        (tmp_path / "city" / "matrix-network.csv").unlink()
        for name, content in {"network": NETWORK, "stages": STAGES, "fares": FARES, **files}.items():
            (tmp_path / "city" / f"{name}.csv").write_text(content)
        return read_source(tmp_path / "city")

    return read


def test_a_ride_costs_what_its_shortest_way_does_over_lines_and_on_foot(edited: Edit) -> None:
    rules = edited().rules
    assert list(rules.stages) == ["k1"]  # what prices a network alone is no table of the gate's
    assert [fare.kind for fare in rules.fares] == [FareKind.FLAT, FareKind.STAGES, FareKind.MATRIX]
    asker = Asker(rules)
    for start, end, fen in (
        (101, 101, 200), (101, 205, 200), (101, 309, 400), (101, 400, 300), (101, 500, 400), (309, 500, 200),
        (205, 500, 300), (500, 205, 300),
        (400, 101, 100),  # who enters at 400 has a table of their own
    ):  # fmt: skip
        ride = Ride(mode=Mode.METRO, city=320500, start=start, end=end, at=1_790_000_000)
        verdict = asker.ask(ride)
        assert (verdict.accepted, verdict.fare_fen) == (True, fen), (start, end)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("network", "from,to,metres\n1,2,5\n3,4,5\n", "no way leads from 1 to 3"),
        ("network", "from,to,metres\n1,1,5\n", "another station than from"),
        ("network", "from,to,metres\n1,2,5\n2,1,6\n", "repeats line 2"),
        ("network", "from,to,metres\n1,2,five\n", "line 2, metres"),
        ("network", "from,to,metres\n", "0 stations"),
        ("stages", "table,up_to_m,fen\nkm,3000,200\nk1,rest,5\n", "table km ends before 7150 m"),
        ("stages", STAGES.replace(",400\n", ",401\n"), "entry 401 is not in network.csv"),
        ("stages", STAGES + "km,rest,90,400 101\n", "table km has two rows up to [0-9]+ m for entry 400"),
        ("stages", STAGES + "k1,rest,5,101\n", "table k1 names entries, and prices no network"),
        ("fares", FARES.replace("network,,km", "network,,kn"), "line 4, table"),
        ("fares", FARES.replace("network,,km", "stages,,k1"), "network.csv: no fare goes by it"),
    ],
)
def test_what_does_not_hold_together_is_told(edited: Edit, name: str, content: str, says: str) -> None:
    with pytest.raises(ParametersError, match=says):
        edited(**{name: content})


def test_a_network_fare_needs_the_network(tmp_path: Path) -> None:
    write_source(tmp_path / "city")
    fares = SOURCE["fares.csv"].replace("matrix,,network", "network,,k1")
    (tmp_path / "city" / "fares.csv").write_text(fares)
    with pytest.raises(ParametersError, match="beside network"):
        read_source(tmp_path / "city")


WAYS = st.lists(
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(0, 500)).filter(lambda way: way[0] != way[1]),
    min_size=1, max_size=16, unique_by=lambda way: frozenset(way[:2]),
)  # fmt: skip


@settings(max_examples=60)
@given(WAYS)
def test_no_way_is_shorter_by_another_algorithm(
    tmp_path_factory: pytest.TempPathFactory, ways: list[tuple[int, int, int]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "network.csv"
    path.write_text("from,to,metres\n" + "".join(f"{a},{b},{m}\n" for a, b, m in ways))
    stations = sorted({end for way in ways for end in way[:2]})
    far = {(a, b): 0 if a == b else 10**9 for a in stations for b in stations}
    for a, b, metres in ways:
        far[a, b] = far[b, a] = metres
    for through in stations:  # Floyd and Warshall's
        for a in stations:
            for b in stations:
                far[a, b] = min(far[a, b], far[a, through] + far[through, b])
    if max(far.values()) >= 10**9:
        with pytest.raises(ParametersError, match="no way leads"):
            network_of(path)
        return
    found = network_of(path)
    assert found is not None
    assert list(found.stations) == stations
    assert [list(row) for row in found.metres] == [[far[a, b] for b in stations] for a in stations]


@given(st.text(st.sampled_from("from,tometrsline\n123456789-. "), max_size=90))
def test_whatever_stands_in_a_network_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "network.csv"
    path.write_text("from,to,metres,line\n" + text)
    try:
        found = network_of(path)
    except ParametersError as error:
        assert "network.csv" in str(error)
        return
    assert found is not None
    assert all(found.metres[a][a] == 0 for a in range(len(found.stations)))
