"""`yima centre groups`: what it writes, what it says, and how it ends."""

import json
from pathlib import Path

import pytest

from tests.sdk.centre.clearing.folders import RATES_TEXT
from tests.sdk.centre.identity.said import DAY, SHANGHAI, account, file_of, identity_toml
from yima.sdk.centre.clearing.day import Centre
from yima.sdk.centre.clearing.folder import CentreFolder
from yima.sdk.centre.identity.statements import Membership
from yima.sdk.cli import main as command

A, B = account(SHANGHAI, 1), account(SHANGHAI, 2)


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIMA_LANG", "en")


@pytest.fixture
def region(tmp_path: Path) -> Path:
    """A centre that has heard of a senior who is a student too, and of a student."""
    folder = tmp_path / "region"
    for name in ("stores", "parameters", "statements"):
        (folder / name).mkdir(parents=True)
    (folder / "rules.toml").write_text("")
    (folder / "rates.toml").write_text(RATES_TEXT)
    (folder / "identity.toml").write_text(identity_toml())
    said = [Membership(account=one, group=group) for one, group in ((A, "senior"), (A, "student"), (B, "student"))]
    (folder / "statements" / "s").write_bytes(file_of(SHANGHAI, 1, *said))
    with Centre(CentreFolder(folder)) as centre:
        for step in ("rides", "identity"):
            centre.run(step, DAY)
    return folder


def test_the_file_is_written_and_counted(region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "groups.csv"
    out.write_text("of last month\n")
    assert command.main(["centre", "groups", str(region), "--city", "310000", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{DAY}  groups    accounts 2, lines 3, left_out 0\n"
    lines = out.read_text(encoding="utf-8").splitlines()
    assert lines[1:] == ["account,group", f"{A},senior", f"{A},student", f"{B},student"]


def test_groups_and_day_are_asked_for_and_counts_come_as_json(
    region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "groups.csv"
    asked = ["--city", "310000", "--out", str(out), "--groups", "senior,veteran", "--day", str(DAY), "--json"]
    assert command.main(["centre", "groups", str(region), *asked]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"step": "groups", "day": DAY, "before": False, "accounts": 1, "lines": 1, "left_out": 0}
    assert out.read_text(encoding="utf-8").splitlines()[2:] == [f"{A},senior"]


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        (["--day", str(DAY + 1)], 5, f"the last is {DAY}"),
        (["--out", "/nowhere/groups.csv"], 5, "cannot be written"),
        (["--groups", "senior,old"], 2, "groups apart by commas"),
        (["--groups", ""], 2, "groups apart by commas"),
        (["--city", "31"], 2, "--city"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(
    *, region: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: list[str], status: int, said: str
) -> None:
    out = tmp_path / "groups.csv"
    plain = ["centre", "groups", str(region), "--city", "310000", "--out", str(out), *asked]
    try:
        ended = command.main(plain)
    except SystemExit as end:  # argparse
        ended = int(str(end.code))
    assert (ended, said in capsys.readouterr().err) == (status, True)
    assert not out.exists()
