"""What a collector holds, for others: each export goes on where the last one ended, in forms that others read."""

import errno
import json
import os
import sqlite3
from pathlib import Path

import pytest

from tests import entries
from tests.sdk.centre.clearing import world
from tests.sdk.centre.clearing.world import NOON, Device, rider
from tests.uplinks import record
from yima.sdk.centre.clearing import parquet
from yima.sdk.centre.clearing.taps.stores import ParquetSource
from yima.sdk.centre.fleet import exporting, files
from yima.sdk.centre.fleet.database import FleetError
from yima.sdk.centre.fleet.exporting import Form, export
from yima.sdk.centre.fleet.sources import source_of
from yima.validator.journal.facts import Outcome, parse
from yima.validator.system.locks import hold


@pytest.fixture
def gate(tmp_path: Path) -> Device:
    made = Device("bus-1", world.parameters(tmp_path / "source"))
    for card in range(3):
        made.tap(rider(card).code(NOON), NOON + card)
    made.outcome(2, Outcome.FAILED, NOON + 4, reverses=True)
    made.tap(b"no code", NOON + 5)
    return made


def grown(folder: Path, gate: Device, upto: int, after: int = 0) -> str:
    """The store with so many of the gate's entries."""
    return str(world.store(folder / "city.db", gate.entries[after:upto]))


def test_lines_go_on_where_the_last_ones_ended(tmp_path: Path, gate: Device) -> None:
    out = tmp_path / "out"
    store = grown(tmp_path, gate, 2)
    assert export(source_of(store), out, Form.JSONL) == 2
    assert export(source_of(store), out, Form.JSONL) == 0
    grown(tmp_path, gate, 5, after=2)
    assert export(source_of(store), out, Form.JSONL) == 3
    lines = [json.loads(line) for path in sorted(out.glob("*.jsonl")) for line in path.read_text().splitlines()]
    assert [line["sequence"] for line in lines] == [1, 2, 3, 4, 5]
    assert [line["kind"] for line in lines] == ["tap", "tap", "tap", "outcome", "tap"]
    assert all("*" in line["account"] for line in lines[:3])
    assert not any("body" in line for line in lines)


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("form", Form)
def test_a_full_disk_is_named_and_the_export_goes_on_when_there_is_room(
    tmp_path: Path, gate: Device, monkeypatch: pytest.MonkeyPatch, form: Form
) -> None:
    """It ended in a traceback."""
    store, out = grown(tmp_path, gate, 5), tmp_path / "out"
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(parquet, "write", full)
        meanwhile.setattr(files, "write_whole", full)
        with pytest.raises(FleetError, match=r"out/00000001\..*: cannot be written: No space left") as told:
            export(source_of(store), out, form)
        assert told.value.problem.zh.startswith("无法写入")
    assert export(source_of(store), out, form) == 5


def test_a_cursor_that_finds_no_room_is_named(tmp_path: Path, gate: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "write_whole", full)
    with pytest.raises(FleetError, match=r"out/cursor\.json: cannot be written"):
        export(source_of(grown(tmp_path, gate, 1)), tmp_path / "out", Form.PARQUET)


def test_whole_accounts_only_where_they_are_asked_for(tmp_path: Path, gate: Device) -> None:
    export(source_of(grown(tmp_path, gate, 1)), tmp_path / "out", Form.JSONL, reveal=True)
    (line,) = (tmp_path / "out" / "00000001.jsonl").read_text().splitlines()
    facts, body = parse(gate.entries[0]["entry"])
    assert json.loads(line)["account"] == facts.account.hex()  # type: ignore[union-attr]
    assert json.loads(line)["body"] == body.hex()


def test_killed_before_the_cursor_moved_the_same_part_is_written_again(tmp_path: Path, gate: Device) -> None:
    out = tmp_path / "out"
    store = grown(tmp_path, gate, 2)
    export(source_of(store), out, Form.JSONL)
    before = (out / exporting.CURSOR).read_bytes()
    grown(tmp_path, gate, 5, after=2)
    export(source_of(store), out, Form.JSONL)
    whole = {path.name: path.read_bytes() for path in out.glob("*.jsonl")}
    (out / exporting.CURSOR).write_bytes(before)
    export(source_of(store), out, Form.JSONL)
    assert {path.name: path.read_bytes() for path in out.glob("*.jsonl")} == whole


def test_records_are_the_ministrys_of_rides_that_stood(tmp_path: Path, gate: Device) -> None:
    export(source_of(grown(tmp_path, gate, 5)), tmp_path / "out", Form.RECORDS)
    bodies = [parse(gate.entries[place]["entry"])[1] for place in (0, 2)]
    assert (tmp_path / "out" / "00000001.record").read_bytes() == b"".join(bodies)


def test_what_was_refused_when_it_came_or_stands_beside_what_is_held_is_no_ride(tmp_path: Path, gate: Device) -> None:
    twin = Device("bus-1", gate.parameters)
    twin.tap(rider(7).code(NOON), NOON)
    store = world.store(tmp_path / "city.db", gate.entries[:3], twin.entries)
    with sqlite3.connect(store) as connection:
        connection.execute("UPDATE entries SET rejected = 'so' WHERE sequence = 3")
    connection.close()
    export(source_of(store), tmp_path / "out", Form.RECORDS)
    written = b"".join(path.read_bytes() for path in sorted((tmp_path / "out").glob("*.record")))
    assert written == b"".join(parse(gate.entries[place]["entry"])[1] for place in (0, 1))


def test_a_centre_reads_parquet_as_it_reads_the_store(tmp_path: Path, gate: Device) -> None:
    store = grown(tmp_path, gate, 2)
    out = tmp_path / "out"
    export(source_of(store), out, Form.PARQUET)
    grown(tmp_path, gate, 5, after=2)
    export(source_of(store), out, Form.PARQUET)
    of_store = [row for chunk in source_of(store).chunks({}) for row in chunk.rows.to_pylist()]
    of_export = [row for chunk in ParquetSource(out).chunks({}) for row in chunk.rows.to_pylist()]
    assert [{**row, "batch": None} for row in of_export] == [{**row, "batch": None} for row in of_store]


def test_while_one_exports_into_a_folder_another_is_told_so(tmp_path: Path, gate: Device) -> None:
    """Two whose runs overlapped moved the cursor over each other's parts: what came in between was handed out twice, or
    never."""
    store, out = grown(tmp_path, gate, 5), tmp_path / "out"
    out.mkdir()
    other = hold(out / ".lock")
    with pytest.raises(FleetError, match=f"another process exports into it: {os.getpid()}. Wait for it"):
        export(source_of(store), out, Form.JSONL)
    assert [path.name for path in out.iterdir()] == [".lock"]
    os.close(other)
    assert export(source_of(store), out, Form.JSONL) == 5


def test_a_folder_is_one_exports_alone(tmp_path: Path, gate: Device) -> None:
    store = grown(tmp_path, gate, 2)
    export(source_of(store), tmp_path / "out", Form.JSONL)
    with pytest.raises(FleetError, match="of an export of city as jsonl"):
        export(source_of(store), tmp_path / "out", Form.RECORDS)
    (tmp_path / "out" / exporting.CURSOR).write_text("[]")
    with pytest.raises(FleetError, match="cannot be read"):
        export(source_of(store), tmp_path / "out", Form.JSONL)


def test_bytes_that_are_no_entry_are_exported_as_unreadable(tmp_path: Path, gate: Device) -> None:
    gate.append(b"nonsense", received=NOON)
    gate.append(entries.tap(body=record(b"x")), received=NOON)
    store = grown(tmp_path, gate, 7)
    for form in (Form.JSONL, Form.RECORDS):
        assert export(source_of(store), tmp_path / form, form) == 7
    assert json.loads((tmp_path / "jsonl" / "00000001.jsonl").read_text().splitlines()[5])["kind"] == "unreadable"


@pytest.mark.parametrize(
    "said",
    [
        '{"source": "city", "form": "jsonl", "files": 1, "cursor": {"row": "a"}}',
        '{"source": "city", "form": "jsonl"}',
        "[]",
    ],
)
def test_a_place_that_says_what_no_export_left_there_is_named(tmp_path: Path, gate: Device, said: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / exporting.CURSOR).write_text(said, encoding="utf-8")
    with pytest.raises(FleetError, match=f"{exporting.CURSOR}: cannot be read"):
        export(source_of(grown(tmp_path, gate, 2)), out, Form.JSONL)


LONG = exporting.encode({letter * 32: 1 for letter in "abcdefghijklmn"})
"""As a cursor is written, and longer than any that there is."""


@pytest.mark.parametrize("text", ["x", "bm8", "W10=", "eyJhIjotMX0=", "eyJhIjoiYiJ9", "e" * 700, "é", LONG])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(FleetError, match="no cursor"):
        exporting.decode(text)


def test_a_cursor_comes_back_as_it_was() -> None:
    cursor = {"entries": 7, "batches": 3, "entries_xid": 1 << 60}
    assert exporting.decode(exporting.encode(cursor)) == cursor
    assert exporting.decode("") == {}
