"""A small world for the centre's tests: one city with buses and a metro, two issuers, real codes, real judgements.

Devices here do what a device does (judge, write facts and record, chain); the store is a SQLite file of the collector's
form, written by hand so that both of its forms can be had.
"""

import sqlite3
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from yima.sdk.issuer import Issuer, Rider, RootAuthority, make_issuer, make_rider, make_root
from yima.sdk.parameters.compile import compiled
from yima.sdk.parameters.example import SOURCE
from yima.sdk.parameters.source import read_source
from yima.validator import _core
from yima.validator.journal.facts import Outcome, OutcomeFacts, write
from yima.validator.judging import Direction, GateContext, Mode, Moment, Validator, Verdict
from yima.validator.judging.record import Terminal, tap_entry
from yima.validator.parameters import Parameters

CITY = 320500
NOON = 1_790_049_600  # 2026-09-22 12:00 in UTC+8
DAY = 20260922
OPERATOR = 40_000_001
STATIONS = (101, 205, 309)
SHANGHAI, SUZHOU = "00083010", "01011000"
PLATFORMS = {SHANGHAI: "50083010", SUZHOU: "01011000"}
_KEY = SOURCE["package.toml"].split('key = "')[1].split('"')[0]


@cache
def root() -> RootAuthority:
    return make_root(1)


@cache
def issuer(issuer_id: str = SHANGHAI) -> Issuer:
    return make_issuer(root(), issuer_id)


def parameters(folder: Path, *, version: int = 1, **files: str) -> Parameters:
    """The example's source under this world's root. files: contents by name, `_` for `-` and without `.csv`."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = {name.replace("_", "-") + ".csv": content for name, content in files.items()}
    for name, content in (SOURCE | changed).items():
        mine = content.replace(_KEY, root().key.public.hex()).replace("\nversion = 1 ", f"\nversion = {version} ")
        (folder / name).write_text(mine, encoding="utf-8")
    return compiled(read_source(folder))


def inside(station: int, entered_at: int) -> bytes:
    """Shanghai's field 14 for a rider who entered; see the example's decoders."""
    return struct.pack(">BHI", 1, station, entered_at)


OUTSIDE = bytes(7)


@cache
def rider(card: int, issuer_id: str = SHANGHAI, data: bytes = OUTSIDE, account_type: int = 0, cap: int = 2000) -> Rider:
    return make_rider(
        issuer(issuer_id),
        payment_account="6228480402564890",
        card_account=f"310487{card:014d}",
        platform=PLATFORMS[issuer_id],
        authorised_until=NOON + 40 * 86400,
        account_type=account_type,
        cap_fen=cap,
        issuer_data=data,
    )


@dataclass
class Device:
    """One device with its journal: `entries` are rows as a store holds them, in form 2."""

    name: str
    parameters: Parameters
    mode: Mode = Mode.BUS
    direction: Direction = Direction.NONE
    station: int = 0
    line: int = 0
    operator: int = OPERATOR
    epoch: int = 7
    entries: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        place = GateContext(
            mode=self.mode, city=CITY, line=self.line, station=self.station, direction=self.direction,
            operator=self.operator,
        )  # fmt: skip
        self.validator = Validator(self.parameters, place, table_bytes=0)

    def tap(self, code: bytes, at: int, *, received: int | None = None) -> Verdict:
        """One presentation, journalled."""
        moment = Moment.at(at)
        verdict = self.validator.judge(code, moment)
        record_id = f"{self.name}{at}{len(self.entries)}"
        terminal = Terminal(terminal=self.name)
        entry = tap_entry(self.validator, verdict, terminal=terminal, record_id=record_id, moment=moment, run=1)
        self.append(entry, received=at + 30 if received is None else received)
        return verdict

    def outcome(self, tap: int, outcome: Outcome, at: int, *, reverses: bool, received: int | None = None) -> None:
        facts = OutcomeFacts(
            at=at, trusted=True, run=1, tick_ms=at * 1000, tap=tap, outcome=outcome, reverses=reverses, code=None
        )
        self.append(write(facts), received=at + 30 if received is None else received)

    def append(self, entry: bytes, *, received: int) -> int:
        """Journals bytes; returns their sequence."""
        previous = self.entries[-1]["hash"] if self.entries else bytes(32)
        sequence = len(self.entries) + 1
        row = {"device": self.name, "epoch": self.epoch, "sequence": sequence, "entry": entry, "previous": previous}
        self.entries.append(row | {"hash": link(row), "received": received})
        return sequence


def link(row: dict[str, Any]) -> bytes:
    """The hash of an entry of form 2, by the words of the specification."""
    name = row["device"].encode()
    message = row["previous"] + len(name).to_bytes(2) + name + row["epoch"].to_bytes(8) + row["sequence"].to_bytes(8)
    return _core.sm3(message + row["entry"])


def older_row(record: bytes, sequence: int, at: int, previous: bytes, *, device: str = "old-1") -> dict[str, Any]:
    """An entry of the older form, accepted."""
    name = device.encode()
    message = previous + len(name).to_bytes(2) + name + struct.pack(">QQqBQHI", 3, sequence, at, 1, 5, 0, len(record))
    return {
        "device": device, "epoch": 3, "sequence": sequence, "at": at, "record": record, "previous": previous,
        "hash": _core.sm3(message + record), "received": at + 30,
    }  # fmt: skip


_FORM_2 = """CREATE TABLE {table} (
    device TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
    form INTEGER NOT NULL, kind INTEGER NOT NULL,
    at INTEGER NOT NULL, time_trusted INTEGER NOT NULL, tick_ms INTEGER NOT NULL, reason INTEGER NOT NULL,
    content BLOB NOT NULL, previous BLOB NOT NULL, hash BLOB NOT NULL, {more} received INTEGER NOT NULL,
    PRIMARY KEY (device, epoch, sequence{key})) STRICT"""


def store(path: Path, rows: Sequence[dict[str, Any]], conflicts: Sequence[dict[str, Any]] = ()) -> Path:
    """A collector's store of form 2 with these rows, in this order; made, or added to."""
    connection = sqlite3.connect(path)
    if not connection.execute("PRAGMA user_version").fetchone()[0]:
        connection.execute(f"PRAGMA application_id = {0x59694D63}")
        connection.execute("PRAGMA user_version = 2")
        connection.execute(_FORM_2.format(table="entries", more="rejected TEXT,", key=""))
        connection.execute(_FORM_2.format(table="conflicts", more="", key=", hash"))
    for table, some, nulls in (("entries", rows, "NULL, "), ("conflicts", conflicts, "")):
        connection.executemany(
            f"INSERT INTO {table} VALUES (:device, :epoch, :sequence, 2, 1, 0, 1, 0, 0, :entry, :previous, :hash, "
            f"{nulls}:received)",
            some,
        )
    connection.commit()
    connection.close()
    return path


def older_store(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """A collector's store of form 1."""
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA application_id = {0x59694D63}")
    connection.execute("PRAGMA user_version = 1")
    form_1 = _FORM_2.replace("form INTEGER NOT NULL, kind INTEGER NOT NULL,", "").replace("content", "record")
    connection.execute(form_1.format(table="entries", more="rejected TEXT,", key=""))
    connection.execute(form_1.format(table="conflicts", more="", key=", hash"))
    connection.executemany(
        "INSERT INTO entries VALUES (:device, :epoch, :sequence, :at, 1, 5, 0, :record, :previous, :hash, NULL, "
        ":received)",
        rows,
    )
    connection.commit()
    connection.close()
    return path


def all_rows(*devices: Device) -> list[dict[str, Any]]:
    """What the devices sent, in the order of receipt."""
    return sorted((row for device in devices for row in device.entries), key=lambda row: row["received"])
