"""`yima centre example`: makes a region that the other verbs clear, and says whether the result is the truth."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.sdk.centre.example.region_at_work import cleared_example
from yima.sdk.cli import main as command


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIMA_LANG", "en")


def loses_a_ride(folder: Path) -> str:
    """Takes a row out of what a centre made; returns the ride's name."""
    path = next((folder / "workspace" / "tables" / "rides").rglob("*.parquet"))
    rides = pq.read_table(path)
    pq.write_table(rides.slice(1), path)
    return str(rides["ride_id"][0].as_py())


def test_a_result_is_compared_with_the_truth(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(cleared_example(tmp_path_factory), tmp_path / "region"))
    assert command.main(["centre", "example", str(folder), "--compare"]) == 0
    assert capsys.readouterr().out == "differences: 0\n"
    lost = loses_a_ride(folder)
    assert command.main(["centre", "example", str(folder), "--compare", "--json"]) == 1
    (difference,) = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (difference["what"], difference["name"], difference["found"]) == ("ride", lost, None)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_region_is_made_cleared_and_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "region")
    assert command.main(["centre", "example", folder, "--taps", "500", "--days", "1", "--seed", "3", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["taps"], made["last_day"]) == (500, 20260912)
    assert command.main(["centre", "day", folder, "--day", str(made["last_day"])]) == 0
    capsys.readouterr()
    assert command.main(["centre", "example", folder, "--compare"]) == 0
    assert capsys.readouterr().out == "differences: 0\n"
    lost = loses_a_ride(tmp_path / "region")
    assert command.main(["centre", "example", folder, "--compare", "--json"]) == 1
    (difference,) = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (difference["what"], difference["name"], difference["found"]) == ("ride", lost, None)


def test_a_folder_that_is_in_use_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    assert command.main(["centre", "example", str(tmp_path)]) == 3
    assert f"{tmp_path}: is not empty" in capsys.readouterr().err


def test_where_there_is_nothing_to_compare_that_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A slip in the path was "differences: 0" and status 0, and an empty workspace was made there."""
    folder = tmp_path / "region"
    assert command.main(["centre", "example", str(folder), "--compare"]) == 3
    assert "region: is no example that was made to the end" in capsys.readouterr().err
    assert not folder.exists()
    folder.mkdir()
    (folder / "example.json").write_text("{}", encoding="utf-8")
    assert command.main(["centre", "example", str(folder), "--compare"]) == 3
    assert "region: is not cleared" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["example.json"]
