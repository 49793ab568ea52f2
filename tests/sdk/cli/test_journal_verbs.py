"""`yima journal` as an engineer meets it: export, archive, verify; and a state directory of an older version."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.entries import AT, note, tap
from tests.uplinks import record
from yima.sdk.centre.collector.app import Collector
from yima.sdk.centre.collector.store import Store
from yima.sdk.cli import journal
from yima.sdk.cli.main import main
from yima.sdk.serving import Serving
from yima.validator.journal import exporting
from yima.validator.journal.form import HEADER_SIZE
from yima.validator.journal.older import OlderJournal
from yima.validator.journal.segments import name_of
from yima.validator.state import DeviceState

OLDER = Path(__file__).parents[2] / "vectors" / "older" / "journal-1.db"
RIDE = record(b"code")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A device with two full segments that the collector has, and a ride in the third."""
    journal = DeviceState.open(tmp_path / "state", "gate-7").open_journal()
    for number in range(70):
        journal.append(note(at=AT + number).ljust(60_000, b"\0"))
    journal.acknowledge(70, {})
    journal.append(tap(AT + 71, body=RIDE))
    journal.close()
    return tmp_path / "state"


def test_a_journal_is_archived_verified_with_it_and_exported(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stick = str(tmp_path / "stick")
    assert main(["journal", "archive", str(state), "--to", stick]) == 0
    assert "records 1 to 68 now lie in" in capsys.readouterr().out
    assert main(["journal", "archive", str(state), "--to", stick]) == 0
    assert "nothing to archive" in capsys.readouterr().out
    for more, count in (([], 3), (["--archive", stick], 71)):
        assert main(["journal", "verify", str(state), "--json", *more]) == 0
        assert json.loads(capsys.readouterr().out)["verified"] == count
    out = tmp_path / "rides.bin"
    assert main(["journal", "export", str(state), "--form", "ministry", "--out", str(out), "--archive", stick]) == 1
    assert out.read_bytes() == RIDE
    assert "cannot be read: #1" in capsys.readouterr().out, "those notes are longer than notes are"
    assert main(["journal", "export", str(state), "--form", "jsonl", "--out", "-", "--after", "70"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["reason"] == "ACCEPTED"
    assert "1 written to -" in captured.err


def test_an_export_goes_on_behind_damage_and_says_so(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = bytearray((state / "journal" / name_of(3)).read_bytes())
    data[HEADER_SIZE + 20] ^= 1
    (state / "journal" / name_of(3)).write_bytes(data)
    assert main(["journal", "verify", str(state)]) == 5
    assert "entry 69 in 0000000003.seg" in capsys.readouterr().err
    words = ["journal", "export", str(state), "--form", "jsonl", "--out", str(tmp_path / "all"), "--after", "60"]
    assert main([*words, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["unreadable"] == ["#69"]
    assert len((tmp_path / "all").read_text().splitlines()) == 10
    assert main(words) == 5
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["ministry", "jsonl"])
def test_an_export_that_finds_no_room_names_its_output_and_not_the_journal(
    state: Path, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")
    for module in (journal, exporting):
        monkeypatch.setattr(module, "new_file", lambda _: open("/dev/full", "wb"))  # noqa: PTH123, SIM115
    assert main(["journal", "export", str(state), "--form", form, "--out", out]) == 5
    assert f"{out}: cannot be written: No space left on device. Make room there" in capsys.readouterr().err


def test_an_export_that_nobody_reads_any_more_ends_as_any_output_does(state: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        words = [sys.executable, "-m", "yima.sdk.cli.main", "journal", "export", str(state), "--form", "jsonl"]
        done = subprocess.run([*words, "--out", "-"], stdout=writing, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["export"], 2, "--form, --out"),
        (["archive"], 2, "--to"),
        (["export", "--form", "ministry", "--out", "-"], 2, "--out PATH"),
        (["verify", "--archive", "/nowhere"], 5, "holds nothing of gate-7"),
        (["export", "--form", "jsonl", "--out", "/nowhere/x"], 5, "cannot be made"),
        (["export", "--form", "ministry", "--out", "/nowhere/x/"], 5, "cannot be written"),
    ],
)
def test_what_is_wrong_is_said(
    state: Path, words: list[str], status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["journal", words[0], str(state), *words[1:]]) == status
    assert says in capsys.readouterr().err


def test_a_folder_that_is_named_as_one_gets_a_file_for_each_ride_also_if_it_is_not_there(
    state: Path, tmp_path: Path
) -> None:
    words = ["journal", "export", str(state), "--form", "ministry", "--out", f"{tmp_path}/rides/", "--after", "70"]
    assert main(words) == 0
    [ride] = (tmp_path / "rides").iterdir()
    assert ride.read_bytes() == RIDE
    assert ride.name.endswith("-0000000071.record")


def test_a_state_directory_of_an_older_version_is_taken_over_and_all_of_it_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes" / "1.bin").write_bytes(b"no code")
    (tmp_path / "city.toml").write_text('environment = "test"\nversion = 1\n[fares]\nbus = 200\n')
    path = Path(shutil.copy(OLDER, tmp_path / "state" / "journal.db"))
    store = Store(tmp_path / "trips.db")
    words = ["run", "--reader", f"file:{tmp_path}/codes", "--params", f"{tmp_path}/city.toml", "--device", "gate-7"]
    words += ["--state", f"{tmp_path}/state", "--json", "--batch-age", "0", "--first-within", "0"]
    assert main(words) == 0
    capsys.readouterr()
    with Serving(Collector(store).app()) as serving:
        assert main([*words, "--collector", serving.url]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"event": "older_journal_sent", "acknowledged": 4} in events
    older = OlderJournal(path.with_name(f"{path.name}.done"))  # its codes are more than a day old
    assert older.acknowledged() == 4
    journeys = {journey.epoch: (journey.acknowledged, journey.rejected) for journey in store.journeys()}
    assert journeys.pop(older.epoch) == (4, 0)
    assert list(journeys.values()) == [(6, 0)], "a start, the parameters and a tap of each run"
    older.close(0)
    store.close()
