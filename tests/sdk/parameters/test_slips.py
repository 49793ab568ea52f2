"""Slips of a city's engineer in a source: each is refused, or warned of by a name, with what to do.

What is refused for other reasons stands in the tests of its file, every warning in test_lint.
"""

from pathlib import Path

import pytest

from tests.sdk.parameters.test_lint import NOW, source
from yima.sdk.parameters.compile import open_any
from yima.sdk.parameters.example import SOURCE
from yima.sdk.parameters.lint import findings
from yima.validator.errors import ParametersError

FARES, STATIONS, MATRIX = (SOURCE[f"{name}.csv"] for name in ("fares", "stations", "matrix-network"))
NETWORK: dict[str, str | None] = {
    "fares.csv": "rule,mode,city,kind,fen,table\nm,metro,320500,network,,d\nb,bus,320500,flat,200,\n",
    "stages.csv": "table,up_to_m,fen\nd,6000,200\nd,rest,300\n",
    "matrix-network.csv": None,
    "stations.csv": None,
}


def network(ways: str) -> dict[str, str | None]:
    return NETWORK | {"network.csv": f"line,from,to,metres\n{ways}"}


@pytest.mark.parametrize(
    ("files", "said", "remedy"),
    [
        ({"fares.csv": FARES.replace("flat,200,", "flat,２００,")}, "２００", "in plain characters: 200"),
        ({"stations.csv": STATIONS.replace(",101,,木渎", ",１０１,,木渎")}, "１０１", "characters: 101"),
        ({"fares.csv": FARES.replace("bus-flat,bus,", "bus-flat,ｂｕｓ,")}, "ｂｕｓ", "characters: bus"),
        (network("1,1,2,1000\n1,2,3,0\n"), "line 3, metres", "0 only on foot"),
        (network("1,1,2,1000\n1,2,2,500\n"), "line 3, to", "another station than from"),
        (network("1,1,2,1000\n1,2,1,900\n"), "repeats line 2", "Leave one"),
        (network("1,1,2,1000\n3,8,9,1000\n"), "no way leads from 1 to 8", "Join the lines"),
        ({"bands.csv": "band,from,to\npeak,7:00 PM,9:00 PM\n"}, "7:00 PM", "such as 07:20"),
        ({"bands.csv": "band,from,to\npeak,02:60,03:30\n"}, "02:60", "such as 07:20"),
        ({"concessions.csv": "rule,percent\na,62.55\n"}, "62.55", "at most one decimal"),
        ({"concessions.csv": "rule,percent\na,7折\n"}, "7折", "from 0 to 100"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_says_what_to_write(
    files: dict[str, str | None], said: str, remedy: str, tmp_path: Path
) -> None:
    with pytest.raises(ParametersError) as refused:
        open_any(source(tmp_path, files))
    assert said in str(refused.value)
    assert remedy in str(refused.value)


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"matrix-network.csv": MATRIX.replace("101,205,309", "205,101,309", 1)}, "uneven-matrix"),
        (network("1,1,2,1\n1,2,3,2\n2,3,4,1\n"), "one-fare"),  # kilometres
        ({"stations.csv": STATIONS.replace("9500", "0").replace("24000", "0")}, "same-metres"),
        ({"concessions.csv": "rule,percent\na,100\n"}, "no-reduction"),
        ({"journeys.csv": "rule,mode,city,longest_s,over_time_fen\ns,metro,320500,240,200\n"}, "short-journey"),
    ],
)
def test_what_is_unlikely_is_warned_of(files: dict[str, str | None], name: str, tmp_path: Path) -> None:
    assert name in {finding.name for finding in findings(open_any(source(tmp_path, files)), NOW)}


def test_a_loop_and_a_walk_of_no_metres_are_a_network(tmp_path: Path) -> None:
    ways = "1,1,2,3000\n1,2,3,3000\n1,3,1,3000\n,3,4,0\n2,4,5,9000\n"
    opened = open_any(source(tmp_path, network(ways)))
    (matrix,) = opened.rules.matrices.values()
    assert matrix.stations == (1, 2, 3, 4, 5)
    assert matrix.fares[0] == (200, 200, 200, 200, 300), "3 to 1 directly, not by 2"
