"""A workspace keeps its word: killed after any commit and run again, it holds the same bytes as if nothing had been."""

import errno
import json
import os
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.sdk.centre.clearing import centre, world
from tests.sdk.centre.clearing.test_against_plain import tariff
from tests.sdk.centre.clearing.world import DAY, NOON, Device
from yima.sdk.centre.clearing import parquet
from yima.sdk.centre.clearing.tables import ALL, ENTRIES, TAILS
from yima.sdk.centre.clearing.workspace import FORM, Workspace, WorkspaceError, parse_state, writing
from yima.validator.journal.facts import Outcome
from yima.validator.judging import Direction, Mode

EVERY = int(os.environ.get("YIMA_COMMITS_EVERY", "12"))  # make test-long: 1

DAYS = [DAY, DAY + 1]


class PowerCut(BaseException):
    """The process is gone; nothing catches it."""


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("stores")
    bus, second = Device("bus-1", tariff()), Device("bus-2", tariff())
    leave = Device("out-309", tariff(), Mode.METRO, Direction.EXIT, 309)
    enter = Device("in-101", tariff(), Mode.METRO, Direction.ENTRY, 101)
    for card in range(4):
        code = world.rider(card).code(NOON + card)
        bus.tap(code, NOON + card)
        second.tap(code, NOON + card + 1)
        enter.tap(world.rider(10 + card).code(NOON), NOON + card)
        leave.tap(world.rider(10 + card, data=b"").code(NOON + 900), NOON + 900 + card, received=NOON + 86400)
    bus.outcome(2, Outcome.FAILED, NOON + 9, reverses=True, received=NOON + 86400)
    return [world.store(folder / "one.db", world.all_rows(bus, second, leave, enter))]


def settle(folder: Path, stores: list[Path], *, cut_after: int = 1 << 30) -> int:
    """Runs two days in a workspace; dies after that many commits. Returns how many there were."""
    commits = []

    def on_commit(name: str) -> None:
        commits.append(name)
        if len(commits) == cut_after:
            raise PowerCut

    workspace = Workspace(folder, on_commit=on_commit)
    try:
        centre.run(workspace, stores, centre.published(tariff()), DAYS)
    except PowerCut:
        pass
    finally:
        workspace.close()
    return len(commits)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_after_a_commit_and_run_again_it_holds_the_same_bytes(tmp_path: Path, stores: list[Path]) -> None:
    commits = settle(tmp_path / "whole", stores)
    expected = centre.content(tmp_path / "whole")
    assert commits > 25
    for cut in range(1, commits, EVERY):
        folder = tmp_path / f"cut-{cut}"
        assert settle(folder, stores, cut_after=cut) == cut
        settle(folder, stores)
        assert centre.content(folder) == expected, f"after commit {cut}"


def test_a_second_run_of_every_step_writes_the_same_bytes(tmp_path: Path, stores: list[Path]) -> None:
    settle(tmp_path / "first", stores)
    settle(tmp_path / "second", stores)
    assert centre.content(tmp_path / "first") == centre.content(tmp_path / "second")


def test_every_file_is_sorted_by_its_key_and_has_the_columns_of_its_table(tmp_path: Path, stores: list[Path]) -> None:
    settle(tmp_path / "w", stores)
    workspace = Workspace(tmp_path / "w")
    found = 0
    for table in ALL.values():
        for day in workspace.days(table):
            for path in workspace.files(table, day=day):
                rows = pa.Table.from_batches(parquet.read([path]))
                assert rows.schema == table.schema
                assert set(rows["day"].to_pylist()) == {day}
                assert centre.is_sorted(rows, table.key), table.name
                found += 1
    assert found > 12
    workspace.close()


def test_what_comes_in_for_a_closed_day_belongs_to_the_first_open_one(tmp_path: Path) -> None:
    late = Device("bus-9", tariff())
    late.tap(world.rider(1).code(NOON), NOON)
    workspace = Workspace(tmp_path / "w")
    workspace.close_day(DAY + 1)
    centre.run(workspace, [world.store(tmp_path / "s.db", late.entries)], centre.published(tariff()), [DAY + 2])
    assert workspace.days(ENTRIES) == [DAY + 2]
    (ride,) = centre.rides(workspace).values()
    assert (ride["day"], ride["service_date"]) == (DAY + 2, DAY)
    workspace.close()


def test_a_store_that_grows_is_read_from_where_it_was_left(tmp_path: Path) -> None:
    bus = Device("bus-1", tariff())
    bus.tap(world.rider(1).code(NOON), NOON)
    path = world.store(tmp_path / "s.db", bus.entries)
    workspace = Workspace(tmp_path / "w")
    centre.run(workspace, [path], centre.published(tariff()), [])
    bus.tap(world.rider(2).code(NOON + 60), NOON + 60)
    world.store(path, bus.entries[1:])
    centre.run(workspace, [path], centre.published(tariff()), [DAY])
    assert len(centre.rides(workspace)) == 2
    assert [row["sequence"] for row in centre.rows(workspace, TAILS)] == [2]
    workspace.close()


def test_what_a_killed_process_was_writing_is_swept_away(tmp_path: Path) -> None:
    left = tmp_path / "tables" / "rides" / f"day={DAY}" / ".rides.parquet.tmp"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    workspace = Workspace(tmp_path)
    assert not left.exists()
    assert workspace.days(ALL["rides"]) == []
    workspace.close()


def test_two_processes_do_not_work_in_one_workspace(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    with pytest.raises(WorkspaceError, match="another process"):
        Workspace(tmp_path)
    workspace.close()
    Workspace(tmp_path).close()


GOOD = {"form": FORM, "first_open": 0, "sources": {"one": {"entry": 7}}, "done": {"rides": [DAY]}}


@pytest.mark.parametrize(
    "changed",
    [
        {"form": 1}, {"first_open": None}, {"first_open": "x"}, {"first_open": True}, {"sources": []},
        {"sources": {"one": 7}}, {"sources": {"one": {"entry": "7"}}}, {"done": None}, {"done": {"rides": DAY}},
        {"done": {"rides": [str(DAY)]}},
    ],
)  # fmt: skip
def test_a_state_in_which_something_is_not_what_belongs_there_is_refused(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    assert parse_state(json.dumps(GOOD).encode(), tmp_path) == GOOD
    with pytest.raises(WorkspaceError, match="no state"):
        parse_state(json.dumps(GOOD | changed).encode(), tmp_path)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"[" * 100_000, b'{"form": ' + b"9" * 5000 + b"}"])
def test_a_state_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state.json").write_bytes(content)
    with pytest.raises(WorkspaceError, match="no state"):
        Workspace(tmp_path)


def full(*_: object, **__: object) -> None:
    """As a disk without room says it, and Arrow repeats it: without the name of a file."""
    raise OSError(errno.ENOSPC, "Error writing bytes to file. Detail: [errno 28] No space left on device")


def test_a_table_that_finds_no_room_is_named_and_the_step_can_be_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command said that stdout could not be written: nobody looked at the disk of the workspace."""
    rows = pa.Table.from_pylist([{"device": "d", "epoch": 1, "sequence": 1, "hash": b"h", "day": DAY}], TAILS.schema)
    workspace = Workspace(tmp_path / "w")
    with monkeypatch.context() as patched:
        patched.setattr(pq.ParquetWriter, "write_table", full)
        with pytest.raises(
            WorkspaceError, match=r"tails/day=\d+/checks.parquet: .* No space left on device\. Make room"
        ):
            workspace.write(TAILS, DAY, "checks", rows.to_batches())
    assert workspace.days(TAILS) == []
    assert workspace.write(TAILS, DAY, "checks", rows.to_batches()) == 1
    workspace.close()


def test_a_state_that_finds_no_room_is_named_and_the_one_before_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path / "w")
    workspace.done("rides", DAY)
    monkeypatch.setattr("yima.validator.system.disk.flush", full)
    with pytest.raises(WorkspaceError, match=r"state.json: .* No space left on device\. Make room") as refused:
        workspace.done("rides", DAY + 1)
    assert "无法写入" in refused.value.problem.zh and "重新执行" in refused.value.remedy.zh
    workspace.close()
    assert parse_state((tmp_path / "w" / "state.json").read_bytes(), tmp_path)["done"] == {"rides": [DAY]}


def test_an_error_over_something_outside_of_the_workspace_is_not_the_workspaces(tmp_path: Path) -> None:
    elsewhere = tmp_path / "parameters" / "city.img"
    with pytest.raises(FileNotFoundError), writing(tmp_path / "workspace"):
        elsewhere.read_bytes()
    with pytest.raises(WorkspaceError, match="answers/x: cannot be written"), writing(tmp_path / "workspace"):
        (tmp_path / "workspace" / "answers" / "x").write_bytes(b"")


def test_row_groups_have_one_size_however_rows_come(tmp_path: Path) -> None:
    schema = pa.schema([pa.field("n", pa.int64(), nullable=False)])
    numbers = list(range(150_000))
    whole = pa.RecordBatch.from_pydict({"n": numbers}, schema=schema)
    cuts = [0, 1, 70_000, 70_000, 140_001, 150_000]
    pieces = [whole.slice(start, end - start) for start, end in pairwise(cuts)]
    assert parquet.write(tmp_path / "a.parquet", schema, [whole]) == 150_000
    parquet.write(tmp_path / "b.parquet", schema, pieces)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert [pq.ParquetFile(tmp_path / "a.parquet").metadata.row_group(n).num_rows for n in range(3)] == [
        65536, 65536, 18928,
    ]  # fmt: skip
    assert [n for batch in parquet.read([tmp_path / "b.parquet"]) for n in batch["n"].to_pylist()] == numbers
