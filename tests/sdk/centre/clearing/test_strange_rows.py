"""Rows that the columns of a store allow and no collector takes: they are named before anything of them is kept."""

import sqlite3
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.sdk.centre.clearing import centre, world
from tests.sdk.centre.clearing.test_against_plain import tariff
from tests.sdk.centre.clearing.test_signatures import KEY, bus, collected, engine
from tests.sdk.centre.clearing.world import DAY, Device
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.tables import CHECKS, ENTRIES
from yima.sdk.centre.clearing.taps.checks import check_day
from yima.sdk.centre.clearing.taps.ingest import ingest
from yima.sdk.centre.clearing.taps.stores import (
    FIELDS,
    SIGNED,
    ParquetSource,
    Source,
    SourceError,
    SqliteSource,
    export,
)
from yima.sdk.centre.clearing.workspace import Workspace
from yima.validator.shown import shown

__all__ = ["bus", "engine"]
LAST = (1 << 63) - 1


def changed(path: Path, **to: Any) -> Source:
    """A store as it was exported, the columns of its second entry changed to these."""
    export(SqliteSource(path), path.parent / "east")
    file = path.parent / "east" / "entries.parquet"
    rows = pq.read_table(file).to_pylist()
    rows[1] |= to
    loose = pa.schema([field.with_nullable(True) for field in FIELDS])
    pq.write_table(pa.Table.from_pylist(rows, loose), file)
    return ParquetSource(path.parent / "east")


@pytest.mark.parametrize(
    "to",
    [
        *({name: None} for name in FIELDS.names if not FIELDS.field(name).nullable),
        {"device": "bus/1"}, {"device": ""}, {"device": "b" * 65}, {"device": "bus-1\n"}, {"device": "a\0b"},
        {"epoch": -1}, {"epoch": -LAST - 1}, {"sequence": 0}, {"sequence": -LAST - 1}, {"form": 0}, {"form": 9},
        {"form": 1}, {"form": 1, "moment": 0, "time_trusted": True, "tick_ms": -1, "reason": 0},
        {"form": 1, "moment": 0, "time_trusted": True, "tick_ms": 0, "reason": 1 << 16},
    ],
    ids=str,
)  # fmt: skip
def test_a_row_that_no_collector_stores_is_named(tmp_path: Path, bus: Device, to: dict[str, Any]) -> None:
    source = changed(collected(tmp_path / "s.db", bus, [(1, 6, 1)]), **to)
    workspace = Workspace(tmp_path / "w")
    with pytest.raises(SourceError, match="cannot be") as refused:
        ingest(workspace, source)
    row = {"device": "bus-1", "epoch": 7, "sequence": 2} | to
    assert refused.value.thing == shown(f"east: {row['device']}/{row['epoch']}/{row['sequence']}")
    assert workspace.days(ENTRIES) == []
    workspace.close()


@pytest.mark.parametrize(
    "to",
    [
        {"sequence": LAST}, {"epoch": LAST}, {"epoch": LAST, "sequence": LAST}, {"received": LAST},
        {"hash": b"x"}, {"previous": b""}, {"entry": b""},
        {"form": 1, "moment": LAST, "time_trusted": True, "tick_ms": LAST, "reason": 0xFFFF},
        {"form": 1, "moment": -LAST - 1, "time_trusted": False, "tick_ms": 0, "reason": 0},
    ],
    ids=str,
)  # fmt: skip
def test_a_row_with_numbers_at_their_ends_stops_no_other_device(
    tmp_path: Path, bus: Device, engine: Engine, to: dict[str, Any]
) -> None:
    other = Device("bus-2", tariff())
    other.tap(world.rider(90).code(world.NOON), world.NOON)
    good = collected(tmp_path / "good.db", other, [(1, 1, 1)])
    source = changed(collected(tmp_path / "s.db", bus, [(1, 6, 1)]), **to)
    workspace = Workspace(tmp_path / "w")
    for one in (source, SqliteSource(good)):
        ingest(workspace, one)
    keys = {name: frozenset({KEY.public}) for name in ("bus-1", "bus-2")}
    for day in (DAY, DAY + 1):
        check_day(workspace, engine, centre.published(tariff()), day, threads=1, keys=keys)
    verdicts = {row["verdict"] for row in centre.rows(workspace, CHECKS) if row["device"] == "bus-2"}
    assert verdicts == {"OK"}
    workspace.close()


@pytest.mark.parametrize("column", ["device", "key", "received"])
def test_a_signature_without_what_belongs_to_it_is_named(tmp_path: Path, bus: Device, column: str) -> None:
    path = collected(tmp_path / "s.db", bus, [(1, 6, 1)])
    export(SqliteSource(path), tmp_path / "east")
    file = tmp_path / "east" / "batches" / "batches.parquet"
    loose = pa.schema([field.with_nullable(True) for field in SIGNED])
    pq.write_table(pa.Table.from_pylist([row | {column: None} for row in pq.read_table(file).to_pylist()], loose), file)
    workspace = Workspace(tmp_path / "w")
    with pytest.raises(SourceError, match=rf"east: east/s/1.*{column} cannot be"):
        ingest(workspace, ParquetSource(tmp_path / "east"))
    workspace.close()


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("entries", "sequence", "x"),
        ("entries", "form", 1 << 40),
        ("batches", "signature", None),
        ("batches", "id", "x"),
    ],
)
def test_a_file_that_does_not_keep_to_its_columns_is_named(
    tmp_path: Path, bus: Device, table: str, column: str, value: Any
) -> None:
    """STRICT is what the collector asks for; whoever makes such a file may leave it out."""
    path = collected(tmp_path / "s.db", bus, [(1, 6, 1)])
    connection = sqlite3.connect(path)
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    connection.execute(f"CREATE TABLE other AS SELECT {', '.join(names)} FROM {table}")  # without types
    connection.execute("UPDATE other SET " + column + " = ?", (value,))
    connection.execute(f"DROP TABLE {table}")
    connection.execute(f"ALTER TABLE other RENAME TO {table}")
    connection.commit()
    connection.close()
    workspace = Workspace(tmp_path / "w")
    with pytest.raises(SourceError, match=r"s\.db.*cannot be read"):
        ingest(workspace, SqliteSource(path))
    workspace.close()
