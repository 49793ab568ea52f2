"""`yima centre`: what its verbs print, how they end, and what they say of a folder or an engine that is none."""

import argparse
import json
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.install_commands import commands_in
from tests.sdk.centre.cleared import cleared_folder
from tests.sdk.centre.clearing.folders import copied, folder
from tests.sdk.centre.clearing.world import DAY
from tests.sdk.cli.test_command import without
from yima.sdk.centre.clearing import tables
from yima.sdk.centre.clearing.day import StepDone
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.cli import main as command
from yima.sdk.cli.centre_arguments import say_done

LAST = str(DAY + 2)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("given") / "region")


@pytest.fixture
def region(given: Path, tmp_path: Path) -> Path:
    return copied(given, tmp_path / "region")


@pytest.fixture
def cleared(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cleared_folder(tmp_path_factory, tmp_path / "cleared")


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIMA_LANG", "en")


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_day_is_cleared_in_one_go_and_again_says_that_it_is_done(
    region: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["centre", "day", str(region), "--day", LAST]) == 0
    out = capsys.readouterr().out
    assert f"{DAY}  rides" in out and "Who owes whom, 2026-09-22" in out and "the centre" in out
    assert (region / "workspace" / "reports" / f"{DAY + 1}.html").exists()
    assert command.main(["centre", "day", str(region), "--day", LAST, "--json"]) == 0
    (ingested,) = objects(capsys.readouterr().out)
    assert ingested == {"step": "one", "day": None, "before": False, "entries": 0, "taps": 0}


def test_step_by_step_as_json(region: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["centre", "ingest", str(region), "--json"]) == 0
    days, steps = (DAY, DAY + 1, DAY + 2), ("rides", "identity", "disputes", "settle", "files")
    for day, step in product(days, steps):
        assert command.main(["centre", step, str(region), "--json", "--day", str(day)]) == 0
    found = objects(capsys.readouterr().out)
    assert [(one["day"], one["step"]) for one in found[1:]] == list(product(days, steps))
    assert sum(one.get("taken", 0) for one in found if one["step"] == "disputes") == 1
    assert sum(one.get("postings", 0) for one in found) > 50
    assert command.main(["centre", "report", str(region), "--json", "--day", str(DAY)]) == 0
    (report,) = objects(capsys.readouterr().out)
    assert report["day"] == DAY and report["faults"] == []
    assert sum(row["net_fen"] for row in report["net"]) == 0


def test_a_report_goes_where_it_is_wanted(cleared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.html"
    assert command.main(["centre", "report", str(cleared), "--out", str(out)]) == 0
    assert str(out) in capsys.readouterr().out.replace("\n", "")
    assert "清分报告" in out.read_text(encoding="utf-8")


def test_evidence_of_another_centre_is_checked_by_itself(cleared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bundle,) = (cleared / "workspace" / "answers").glob("*/evidence-*.json")
    # The stores of this region keep no signatures: such evidence is shown, and does not hold.
    assert command.main(["centre", "evidence", str(bundle), "--parameters", str(cleared / "parameters"), "--json"]) == 1
    (said,) = objects(capsys.readouterr().out)
    assert (said["holds"], said["wrong"]) == (False, ["entry 0: no device has signed it"])
    bundle.write_text("{")
    assert command.main(["centre", "evidence", str(bundle)]) == 3
    assert "cannot be read as a bundle" in capsys.readouterr().err


def test_a_day_that_is_not_in_order_ends_with_status_1(cleared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = cleared / "workspace" / "tables" / "rides" / f"day={DAY}" / "rides.parquet"
    workspace = Workspace(cleared / "workspace")
    rows = workspace.read(tables.RIDES, day=DAY).to_pylist()
    rows[0]["gate_fare_fen"] += 1
    workspace.write(tables.RIDES, DAY, path.stem, pa.Table.from_pylist(rows, tables.RIDES.schema).to_batches())
    workspace.close()
    assert command.main(["centre", "report", str(cleared), "--day", str(DAY)]) == 1
    assert "1 fares differ without a cause" in capsys.readouterr().out


def test_a_table_that_is_damaged_is_named(region: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["centre", "ingest", str(region)]) == 0
    assert command.main(["centre", "rides", str(region), "--day", str(DAY)]) == 0
    path = region / "workspace" / "tables" / "rides" / f"day={DAY}" / "rides.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    assert command.main(["centre", "day", str(region), "--day", str(DAY + 1)]) == 5
    said = capsys.readouterr().err
    assert "rides.parquet: cannot be read" in said and "Restore it from a copy" in said


def test_a_long_name_and_what_was_done_are_two_words(capsys: pytest.CaptureFixture[str]) -> None:
    say_done(argparse.Namespace(json=False), StepDone(step="330600-standby", counts={"entries": 0}))
    assert capsys.readouterr().out == "330600-standby entries 0\n"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["day"], 2, "usage: yima centre day"),
        (["day", "DIR", "--day", "20260931"], 2, "a day, as 20260922"),
        (["rides", "NONE"], 3, "has no folder stores/"),
        (["settle", "DIR", "--day", str(DAY)], 3, "step disputes is not done"),
        (["report", "DIR"], 3, "no day of it is settled"),
        (["day", "DIR", "--memory", "much"], 3, "duckdb"),
        (["rides", "DIR", "--day", "20991231"], 3, "20991231: has not begun"),
        (
            ["simulate", "DIR", "--parameters", "IMAGE", "--from", "20260922", "--to", "20260921", "--out", "NONE"],
            3,
            "20260922 to 20260921: is a period that ends before it begins",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line_and_a_status(
    region: Path, capsys: pytest.CaptureFixture[str], words: list[str], status: int, said: str
) -> None:
    image = next((region / "parameters").glob("*.img"))
    paths = {"DIR": region, "NONE": region / "stores", "IMAGE": image}
    named = [str(paths.get(word, word)) for word in words]
    assert command.main(["centre", *named]) == status
    assert said in capsys.readouterr().err


def test_a_workspace_in_use_and_a_store_that_is_none_are_states(
    region: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace(region / "workspace")
    assert command.main(["centre", "rides", str(region)]) == 5
    assert "another process works in it" in capsys.readouterr().err
    workspace.close()
    (region / "stores" / "two.db").write_bytes(b"no store at all")
    assert command.main(["centre", "ingest", str(region)]) == 5
    assert "two.db" in capsys.readouterr().err


def test_parameters_and_rules_that_are_none_are_named(region: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (region / "parameters" / "stray.txt").write_text("hello")
    assert command.main(["centre", "day", str(region), "--day", str(DAY)]) == 6
    assert "stray.txt" in capsys.readouterr().err
    (region / "parameters" / "stray.txt").unlink()
    (region / "rules.toml").write_text("[rides]\nclose_after = 3\n")
    assert command.main(["centre", "day", str(region), "--day", str(DAY)]) == 3
    assert "[rides], close_after" in capsys.readouterr().err


@pytest.mark.parametrize("module", ["duckdb", "pyarrow"])
def test_what_it_lacks_is_told_by_its_extra(module: str) -> None:
    done = without(module, "centre", "day", ".")
    assert done.returncode == 2, done.stderr
    assert commands_in(done.stderr) == [["-e", ".[centre]"]]


@pytest.mark.parametrize("module", ["duckdb", "pyarrow"])
def test_where_nothing_clears_the_verbs_are_told_and_devices_are_enrolled(module: str, tmp_path: Path) -> None:
    """Every verb of the centre needed DuckDB and pyarrow once, the register of a collector too."""
    assert "devices" in without(module, "centre", "--help").stdout
    done = without(module, "centre", "devices", "enrol", str(tmp_path / "trips.db"), "gate-7", "ab" * 32)
    assert (done.returncode, "gate-7" in done.stdout) == (0, True), done.stderr
