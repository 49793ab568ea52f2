"""The verbs about a collector's devices, cases, versions and records, as they are typed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import entries
from tests.sdk.centre.clearing import world
from tests.sdk.centre.clearing.world import NOON, Device, rider
from yima.sdk.centre.fleet.database import open_fleet
from yima.sdk.centre.fleet.following import Follower
from yima.sdk.centre.fleet.sources import source_of
from yima.sdk.cli.main import main

A, B = "aa" * 32, "bb" * 32


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YIMA_LANG", "en")


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which two gates took one code, and whose records were judged again."""
    folder = tmp_path_factory.mktemp("city")
    parameters = world.parameters(folder / "source")
    (folder / "published").mkdir()
    (folder / "published" / "v1.img").write_bytes(parameters.image)
    one, two = Device("bus-1", parameters), Device("bus-2", parameters)
    one.tap(rider(1).code(NOON), NOON)
    two.tap(rider(1).code(NOON), NOON + 5)
    two.append(entries.note(), received=NOON + 40)
    store = world.store(folder / "city.db", world.all_rows(one, two))
    database = open_fleet(store)
    Follower(database, source_of(store), folder / "published").look()
    database.close()
    return store


def said(capsys: pytest.CaptureFixture[str], *words: str | Path, status: int = 0) -> list[dict[str, Any]]:
    """What a verb says with --json."""
    assert main(["centre", *map(str, words), "--json"]) == status
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_life_of_a_device_as_it_is_typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "trips.db"
    (enrolled,) = said(capsys, "devices", "enrol", store, "gate-7", A)
    assert (enrolled["device"], enrolled["state"]) == ("gate-7", "ENROLLED")
    (rotated,) = said(capsys, "devices", "rotate", store, "gate-7", B, "--why", "new board")
    assert rotated["key"] == B
    (revoked,) = said(capsys, "devices", "revoke", store, "gate-7", "--why", "stolen")
    assert revoked["state"] == "REVOKED"
    assert main(["centre", "devices", "list", str(store)]) == 0
    assert "gate-7" in capsys.readouterr().out
    (released,) = said(capsys, "devices", "release", store, "gate-7", "--why", "scrapped")
    assert released["state"] == "RELEASED"
    log = said(capsys, "devices", "list", store, "--log")
    assert [one["why"] for one in log] == ["", "new board", "stolen", "scrapped"]
    assert all(one["who"].startswith("user ") for one in log)
    assert main(["centre", "devices", "list", str(store), "--keys"]) == 0
    assert capsys.readouterr().out == f"gate-7 {A}\ngate-7 {B}\n"
    keys = said(capsys, "devices", "list", store, "--keys")
    assert keys == [{"device": "gate-7", "key": A}, {"device": "gate-7", "key": B}], "--json, and each line is JSON"


def test_a_list_is_enrolled_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = tmp_path / "devices.txt"
    listed.write_text(f"gate-1 {A}\ngate-2 {B}\n")
    (done,) = said(capsys, "devices", "enrol", tmp_path / "trips.db", "--from", listed)
    assert done == {"listed": 2, "enrolled": 2}


def test_a_slip_in_the_stores_name_begins_no_register_in_silence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["centre", "devices", "list", str(tmp_path / "tripz.db")]) == 5
    assert "nothing of a collector" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert main(["centre", "devices", "enrol", str(tmp_path / "tripz.db"), "gate-7", A]) == 0
    assert "a new register" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("devices", "enrol", "STORE"), "DEVICE KEY"),
        (("devices", "enrol", "STORE", "gate-7", "xyz"), "its key is none"),
        (("devices", "revoke", "STORE", "gate-7", "--why", "x"), "not in the register"),
        (("cases", "show", "STORE", "9"), "case 9"),
        (("versions", "STORE", "--version", "3"), "--published"),
        (("versions", "STORE", "--published", "20260901"), "Give --version"),
        (("versions", "STORE", "--removed"), "Give --version"),
        (("versions", "STORE", "--within", "7"), "Give --version"),
        (("export", "STORE/none", "--out", "OUT"), "none"),
        (("devices", "list", "STORE/none"), "nothing of a collector"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    open_fleet(tmp_path / "trips.db").close()
    typed = [word.replace("STORE", str(tmp_path / "trips.db")).replace("OUT", str(tmp_path / "out")) for word in words]
    assert main(["centre", *typed]) == 5
    assert says in capsys.readouterr().err


def test_a_case_is_listed_shown_and_settled(followed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (case,) = said(capsys, "cases", "list", followed, "--kind", "DOUBLE_USE")
    assert (case["device"], case["other"], case["decision"]) == ("bus-2", "bus-1/7/1", "OPEN")
    (settled,) = said(capsys, "cases", "settle", followed, case["number"], "withhold", "--why", "one rider")
    assert settled["decision"] == "WITHHOLD"
    assert said(capsys, "cases", "list", followed) == []
    assert len(said(capsys, "cases", "list", followed, "--all")) == 1
    assert main(["centre", "cases", "show", str(followed), "1"]) == 0
    shown = capsys.readouterr().out
    assert "one rider" in shown
    assert "against bus-1/7/1" in shown
    assert "body" not in shown


def test_whether_a_version_came_in_time_is_the_exit_status(followed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = said(capsys, "versions", followed)
    assert [(one["device"], one["version"]) for one in rows] == [("bus-1", 1), ("bus-2", 1)]
    said(capsys, "devices", "enrol", followed, "bus-1", A)
    duty = ("versions", followed, "--version", "1", "--published")
    assert [one["duty"] for one in said(capsys, *duty, "20260921", "--removed")] == ["IN_TIME"]
    assert [one["duty"] for one in said(capsys, *duty, "20260801", "--added", status=1)] == ["LATE"]
    (missing,) = said(capsys, "versions", followed, "--version", "2", "--published", "20200101", status=1)
    assert missing["duty"] == "OVERDUE"
    assert [one["duty"] for one in said(capsys, *duty, "00010101", status=1)] == ["LATE"], "the first day that there is"


def test_records_are_exported_once(followed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("export", followed, "--out", tmp_path / "out", "--form", "parquet")
    assert [one["records"] for _ in range(2) for one in said(capsys, *words)] == [3, 0]
