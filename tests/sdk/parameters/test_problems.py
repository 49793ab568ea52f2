"""Everything that is wrong with a source is told at once: every file, row and cell of it, and nothing twice."""

from pathlib import Path

import pytest

from yima.sdk.cli.main import main
from yima.sdk.parameters.cells import read_rows
from yima.sdk.parameters.example import write_source
from yima.sdk.parameters.problems import MOST, ManyProblemsError, every_problem, problems_of
from yima.sdk.parameters.source import read_source
from yima.validator.errors import ParametersError
from yima.validator.texts import Text

FAULTS = {
    "fares.csv": "rule,mode,kind,fen,from,table\nA B,tram,flat,2.5,soon,\nb,bus,flat,200,,\nc,metro,matrix,,,nowhere\n",
    "stages.csv": "table,up_to_m,fen\nk1,far,1\nk1,rest,two\n",
    "matrix-network.csv": "x,101,205\n101,1,x\n309,1,2\n",
    "whitelist.csv": "organisation,colour\n",
    "deny.csv": "account\n1\n31048700000000019990\n2\n",
    "groups.csv": "account,group\n31048700000000019990,elder\n",
    "Deny.CSV": "",
}
TOLD = [
    "Deny.CSV: no file of a parameter source",
    "package.toml: version: 0",
    "package.toml: expiry: '2027'",
    "stages.csv: line 2, up_to_m",
    "stages.csv: line 3, fen",
    "matrix-network.csv: line 2, exit 205",
    "matrix-network.csv: line 3: no row of this matrix",
    "whitelist.csv: line 1, colour: no such column",
    "whitelist.csv: line 1, platform: the column is missing",
    "fares.csv: line 2, rule",
    "fares.csv: line 2, mode",
    "fares.csv: line 2, from",
    "fares.csv: line 2, fen",
    "fares.csv: line 4, table",
    "deny.csv: line 2, account",
    "deny.csv: line 4, account",
    "groups.csv: line 2, group",
]


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """A source with all those faults."""
    directory = tmp_path / "city"
    write_source(directory)
    for name, content in FAULTS.items():
        (directory / name).write_text(content)
    package = (directory / "package.toml").read_text()
    wrong = package.replace("version = 1 ", "version = 0 ").replace("expiry = 2027-01-01", 'expiry = "2027"')
    (directory / "package.toml").write_text(wrong)
    return directory


def test_every_fault_is_told_and_each_once(city: Path) -> None:
    """A bug found: the first fault ended the check."""
    with pytest.raises(ManyProblemsError) as refused:
        read_source(city)
    lines = [str(one).removeprefix(f"{city}/") for one in problems_of(refused.value)]
    for due in TOLD:
        assert sum(line.startswith(due) for line in lines) == 1, due
    assert len(lines) == len(TOLD)
    assert str(refused.value).splitlines() == [str(one) for one in problems_of(refused.value)]


def test_check_tells_them_all_and_ends_with_the_status_of_parameters(
    city: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["params", "check", str(city)]) == 6
    told = capsys.readouterr().err
    assert all(due in told for due in TOLD)


def test_a_fault_hides_no_other_fault_and_makes_none(city: Path) -> None:
    """Each file's faults are the same whether or not the other files have theirs."""
    whole = {str(one) for one in problems_of(_refusal(city))}
    alone: set[str] = set()
    for name in FAULTS:
        for other, content in FAULTS.items():
            good = city.parent / "good" / other
            if not good.parent.exists():
                write_source(good.parent)
            text = content if other == name else good.read_text() if good.exists() else None
            (city / other).unlink(missing_ok=True)
            if text is not None:
                (city / other).write_text(text)
        alone |= {str(one) for one in problems_of(_refusal(city))}
    assert {line for line in alone if '"nowhere"' not in line} == {line for line in whole if '"nowhere"' not in line}


def test_no_fault_of_another_file_hides_a_way_without_metres(city: Path) -> None:
    """A bug found: it was told once all else was mended."""
    (city / "network.csv").write_text("from,to,metres,line\n1,2,0,1\n2,3,,1\n3,4,5,1\n")
    with pytest.raises(ManyProblemsError) as refused:
        read_source(city)
    said = [str(error) for error in refused.value.every if "/network.csv: line" in str(error)]
    assert ["line 2, metres" in said[0], "0 only on foot" in said[0], "line 3, metres" in said[1]] == [True] * 3
    assert len(said) == 2


def test_outside_the_first_fault_raises_at_once(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("a,b\n1,x\n2,y\n")
    with pytest.raises(ParametersError) as refused:
        [row["b"].number(0, 9) for row in read_rows(file, ["a", "b"])]
    assert problems_of(refused.value) == (refused.value,)


def test_a_file_of_a_million_faults_ends_after_some(tmp_path: Path) -> None:
    write_source(tmp_path / "city")
    (tmp_path / "city" / "deny.csv").write_text("account\n" + "x\n" * 5000)
    assert len(problems_of(_refusal(tmp_path / "city"))) == MOST + 1


def test_one_within_another_keeps_its_own() -> None:
    with pytest.raises(ParametersError), every_problem(), every_problem():
        raise ParametersError("x", Text("a", "a"), Text("b", "b"))


def _refusal(city: Path) -> ParametersError:
    with pytest.raises(ParametersError) as refused:
        read_source(city)
    return refused.value
