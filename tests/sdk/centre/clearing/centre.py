"""Runs the centre's steps over stores, and hands back what it wrote in few words."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from yima.sdk.centre.clearing.engine import Engine, open_engine
from yima.sdk.centre.clearing.rides.rides import ride_day
from yima.sdk.centre.clearing.rides.rules import RideRules
from yima.sdk.centre.clearing.tables import CHECKS, RIDES, Table
from yima.sdk.centre.clearing.taps.checks import check_day
from yima.sdk.centre.clearing.taps.ingest import ingest
from yima.sdk.centre.clearing.taps.parameters import Published
from yima.sdk.centre.clearing.taps.stores import SqliteSource
from yima.sdk.centre.clearing.workspace import Workspace
from yima.validator.parameters import Parameters


def published(*parameters: Parameters) -> Published:
    return Published(images=tuple(bytes(p.image) for p in parameters))


def run(
    workspace: Workspace,
    stores: Sequence[Path],
    parameters: Published,
    days: Sequence[int],
    *,
    rules: RideRules | None = None,
    engine: Engine | None = None,
) -> None:
    """Ingests everything, then takes each day in turn; what is done already is left out."""
    mine = engine or open_engine("duckdb", workspace.scratch, memory="200MB")
    try:
        for store in stores:
            ingest(workspace, SqliteSource(store, chunk=7))
        for day in days:
            if not workspace.is_done("checks", day):
                check_day(workspace, mine, parameters, day, threads=2, unsigned_counts=True)
            if not workspace.is_done("rides", day):
                ride_day(workspace, mine, parameters, rules or RideRules(), day)
    finally:
        if engine is None:
            mine.close()


def rows(workspace: Workspace, table: Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = workspace.read(table).to_pylist()
    return found


def why(workspace: Workspace) -> dict[tuple[int, str, int], str]:
    """Every check by (day, tap, copy)."""
    return {
        (row["day"], f"{row['device']}/{row['epoch']}/{row['sequence']}", row["copy"]): row["why"]
        for row in rows(workspace, CHECKS)
    }


def rides(workspace: Workspace) -> dict[str, dict[str, Any]]:
    return {row["ride_id"]: row for row in rows(workspace, RIDES)}


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a workspace that says something."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "lock" and "scratch" not in path.parts
    }


def is_sorted(table: pa.Table, key: Sequence[str]) -> bool:
    keys = list(zip(*(table[name].to_pylist() for name in key), strict=True))
    return keys == sorted(set(keys))
