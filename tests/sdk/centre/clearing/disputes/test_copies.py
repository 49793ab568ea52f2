"""Evidence of an entry that came on several ways: the copy that counted, whatever else was brought of it and when."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.sdk.centre.clearing import centre, world
from tests.sdk.centre.clearing.disputes.test_day import booked, file
from tests.sdk.centre.clearing.test_against_plain import tariff
from tests.sdk.centre.clearing.test_signatures import KEY, OTHER, collected, entry_of
from tests.sdk.centre.clearing.world import DAY, NOON, Device
from yima.sdk.centre.clearing.disputes.answering import answer_disputes
from yima.sdk.centre.clearing.disputes.checking import check_evidence
from yima.sdk.centre.clearing.disputes.intake import take_files
from yima.sdk.centre.clearing.disputes.settling import settle_disputes
from yima.sdk.centre.clearing.engine import open_engine
from yima.sdk.centre.clearing.rides.rides import ride_day
from yima.sdk.centre.clearing.rides.rules import RideRules
from yima.sdk.centre.clearing.tables import CHECKS
from yima.sdk.centre.clearing.taps.checks import check_day
from yima.sdk.centre.clearing.taps.ingest import ingest
from yima.sdk.centre.clearing.taps.stores import SqliteSource
from yima.sdk.centre.clearing.workspace import Workspace
from yima.validator.uplink.batches import encode_batch

KEYS = {"bus-1": frozenset({KEY.public})}


def unsigned(path: Path, bus: Device) -> Path:
    """As a store from before there were signatures has it."""
    return world.store(path, bus.entries)


def forged(path: Path, bus: Device) -> Path:
    """As a collector that has no device's key signs it itself."""
    return collected(path, bus, [(1, 1, 30)], OTHER)


def altered(path: Path, bus: Device) -> Path:
    """In a batch that the device has signed, kept byte for byte, in which it is not."""
    other = Device("bus-1", tariff())
    other.tap(world.rider(2).code(NOON), NOON)
    store = collected(path, other, [(1, 1, 30)])
    body = encode_batch(other.name, other.epoch, [entry_of(row) for row in other.entries])
    with closing(sqlite3.connect(store)) as connection, connection:
        (row,) = bus.entries
        connection.execute("UPDATE entries SET content = ?, hash = ?", (row["entry"], row["hash"]))
        connection.execute("UPDATE batches SET body = ?", (body,))
    return store


@pytest.mark.parametrize("other", [unsigned, forged, altered])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_copy_that_is_said_to_have_come_earlier_takes_no_evidence_away(
    tmp_path: Path, other: Callable[[Path, Device], Path], is_first: bool
) -> None:
    """The ride was decided by signatures, and the bundle had the copy that nobody has signed: when it came is all that
    was looked at, and that is a collector's word."""
    bus = Device("bus-1", tariff())
    bus.tap(world.rider(1).code(NOON), NOON)
    stores = [other(tmp_path / "a.db", bus), collected(tmp_path / "b.db", bus, [(1, 1, 60 if is_first else 0)])]
    workspace, engine = Workspace(tmp_path / "w"), open_engine("duckdb", tmp_path / "scratch")
    published = centre.published(tariff())
    for store in stores:
        ingest(workspace, SqliteSource(store))
    for day in (DAY, DAY + 1):
        check_day(workspace, engine, published, day, threads=1, keys=KEYS)
        ride_day(workspace, engine, published, RideRules(), day)
    assert workspace.read(CHECKS)["verdict"].to_pylist() == ["OK", "EVIDENCE"]
    settle_disputes(workspace, engine, DAY)
    booked(workspace, engine, DAY)
    record: dict[str, str | int] = {"dispute_id": "n-1", "reference": "bus-1/7/1", "raised_by": world.SHANGHAI}
    record |= {"reason": "NOT_MINE", "claimed_fen": -1}
    take_files(workspace, DAY + 1, [file(tmp_path, "ED", DAY + 1, world.SHANGHAI, [record])])
    settle_disputes(workspace, engine, DAY + 1)
    booked(workspace, engine, DAY + 1)
    (path,) = (path for path in answer_disputes(workspace, engine, DAY + 1, keys=KEYS) if path.suffix == ".json")
    bundle = json.loads(path.read_text(encoding="utf-8"))
    assert [entry["batch"]["name"] for entry in bundle["entries"]] == ["b/1"]
    assert check_evidence(bundle, keys=KEYS, published=published) == []
    engine.close()
    workspace.close()
