"""Which taps of a day count: `checks`, and `voids` of earlier days.

Rules it keeps:
- The first thing that is wrong names the tap's why, in the order of tables.Why. What is wrong is kept as evidence.
- An operator has eight digits: facts that tell of one with more cannot be read (FACTS).
- The same entry again, on whatever way it came, is a copy: it changes nothing. Another entry under a key that is taken
  is a conflict: the one that came first stays. What its device did not sign stands in the way of nothing, and no other
  day's entries follow on what is not of the chain.
- A code pays once. Of several taps with it the earliest by a trusted clock counts, of equals the smaller key; one that
  was settled on an earlier day stays, unless its gate's word that there was no ride comes today.
- When such a one is taken back on a later day, the next with its code that is not taken back itself counts, since that
  day; a newer row says so beside the one that it was evidence.
- A gate that did not open, or did not say, takes its tap back (REVERSED). One that opened and let nobody through
  counts, unless the same account was let in at the same place within RETRY_S: then that is the ride, on whatever days
  the two and the gate's word came. A gate's word is heard only if its own entry is in order.
- An entry over which no device's signature is kept is not paid: its chain shows that a journal is whole, not whose it
  is. Where the rules say that this is enough it counts, and the report says how many do.
- An entry whose predecessor the centre has not seen is not held against it; one that names another predecessor is.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from yima.sdk.centre.clearing import parquet
from yima.sdk.centre.clearing.days import shifted
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.tables import BEHIND, CHECKS, ENTRIES, JUDGED, OUTCOMES, TAILS, TAPS, VOIDS
from yima.sdk.centre.clearing.taps import checks_sql as sql
from yima.sdk.centre.clearing.taps import entries_sql
from yima.sdk.centre.clearing.taps.arrivals import KEYS, arrived
from yima.sdk.centre.clearing.taps.batches import Keys, unsigned
from yima.sdk.centre.clearing.taps.judged import judge_day
from yima.sdk.centre.clearing.taps.parameters import Published
from yima.sdk.centre.clearing.workspace import Workspace

STEP = "checks"
RETRY_S = 600
_EARLIER = pa.schema(
    [
        field
        for field in CHECKS.schema
        if field.name in {"device", "epoch", "sequence", "hash", "verdict", "service_date"}
    ]
)
_USED = pa.schema([("code_digest", pa.string()), ("tap", pa.string())])
_DATE = pa.schema([("service_date", pa.int32())])
_IS_FREED = pa.schema(
    [
        *(CHECKS.schema.field(name) for name in ("device", "epoch", "sequence", "hash", "signed", "core_reason")),
        *(CHECKS.schema.field(name) for name in ("core_gross_fen", "core_fare_fen", "signatures")),
        *(TAPS.schema.field(name) for name in ("moment", "time_trusted", "mode", "direction", "station", "account")),
        *(CHECKS.schema.field(name) for name in ("code_digest", "service_date")),
        ("not_passed", pa.int32()),
    ]
)
_FREED = "checks freed {day}"  # under which the workspace's state keeps since when what counts since a day was there


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How a day's entries were found."""

    entries: int
    checks: int
    voids: int


def check_day(
    workspace: Workspace,
    engine: Engine,
    published: Published,
    day: int,
    *,
    threads: int | None = None,
    keys: Keys | None = None,
    unsigned_counts: bool = False,
) -> Checked:
    """Closes a day to further entries and checks what it has. Days are checked in their order. keys: of the devices
    that may sign; None: any. unsigned_counts: an entry over which no signature is kept counts by its chain, where there
    are no keys. Raises EngineError."""
    workspace.close_day(day)
    if not workspace.files(ENTRIES, day=day):  # nothing that came before is asked about again
        judge_day(workspace, published, day, threads=threads)
        workspace.write(TAILS, day, STEP, _tails_go_on(workspace, day).to_batches())
        workspace.done(STEP, day)
        return Checked(entries=0, checks=0, voids=0)
    # Judging leaves the interpreter idle, writing batches out again does not: side by side they take half as long.
    with ThreadPoolExecutor(1) as aside:
        devices = aside.submit(unsigned, workspace, engine, day, keys)
        entries = judge_day(workspace, published, day, threads=threads)
        unsigned_batches = devices.result()
    for table in (ENTRIES, TAPS, OUTCOMES, JUDGED):
        engine.scan(table.name, table, workspace.files(table, day=day))
    engine.scan("tails", TAILS, _tails(workspace, day))
    engine.scan("voids", VOIDS, workspace.files(VOIDS, before=day))
    engine.register("zeros", pa.table({"zeros": pa.array([bytes(32)])}))
    engine.register("unsigned_batches", unsigned_batches)
    signed_only = "TRUE" if keys is not None or not unsigned_counts else "FALSE"
    behind = _rows(engine, entries_sql.BEHIND_TAILS.format(day=day), BEHIND.schema)
    engine.register("behind", behind)
    _register_earlier(workspace, engine, behind, day, signed_only)
    engine.keep("stood", entries_sql.STOOD.format(signed_only=signed_only))
    turned = _rows(engine, sql.REVERSED.format(day=day), VOIDS.schema)
    engine.register("turned", turned)
    # A code whose tap turns void today may pay for the tap after it.
    engine.register("voided", pa.concat_tables([workspace.read(VOIDS, before=day), turned]))
    freed_since = _look_back(workspace, engine, turned, day)
    engine.keep("asked", sql.ASKED)
    engine.keep("weighed", sql.WEIGHED)
    engine.keep("counted", sql.COUNTED)
    engine.keep("lingering", sql.LINGERING)
    engine.keep("retried", sql.RETRIED.format(retry_s=RETRY_S))
    checks = workspace.write(CHECKS, day, STEP, engine.query(sql.CHECKS.format(day=day), CHECKS.schema))
    voids = workspace.write(VOIDS, day, STEP, engine.query(sql.VOIDS.format(day=day), VOIDS.schema))
    new_tails = _rows(engine, entries_sql.NEXT_TAILS.format(day=day), TAILS.schema)
    engine.register("new_tails", new_tails)
    workspace.write(BEHIND, day, STEP, engine.query(entries_sql.BESIDE_TAILS.format(day=day), BEHIND.schema))
    workspace.write(TAILS, day, STEP, new_tails.to_batches())
    workspace.done(STEP, day, {_FREED.format(day=day): {"since": freed_since}} if freed_since < day else None)
    return Checked(entries=entries, checks=checks, voids=voids)


def _tails(workspace: Workspace, day: int) -> list[Path]:
    """The files of the tails as they were left before that day."""
    days = [d for d in workspace.days(TAILS) if d < day]
    return workspace.files(TAILS, day=days[-1]) if days else []


def _tails_go_on(workspace: Workspace, day: int) -> pa.Table:
    """The same tails, as those of that day."""
    rows = pa.Table.from_batches(parquet.read(_tails(workspace, day)), TAILS.schema)
    place = TAILS.schema.get_field_index("day")
    return rows.set_column(place, TAILS.schema.field(place), pa.repeat(pa.scalar(day, pa.int32()), rows.num_rows))


def _register_earlier(workspace: Workspace, engine: Engine, behind: pa.Table, day: int, signed_only: str) -> None:
    """What was made of entries that came before; of the past only the days are read on which they came."""
    found = _EARLIER.empty_table()
    days = arrived(workspace, engine, behind.select(KEYS.names), before=day)
    if days:
        engine.scan("history", CHECKS, workspace.files_of(CHECKS, days))
        found = _rows(engine, entries_sql.EARLIER.format(signed_only=signed_only), _EARLIER)
    engine.register("earlier", found)


def counts_since(workspace: Workspace, day: int) -> int:
    """The oldest day whose taps may count since this one; the day itself, if none do."""
    return workspace.cursor(_FREED.format(day=day)).get("since", day)


def _look_back(workspace: Workspace, engine: Engine, turned: pa.Table, day: int) -> int:
    """What came before of the codes and accounts of today: no earlier than the day before the oldest ride that came in
    today, or of which it is told today that nobody passed; and than the taps that turn void today. Returns the day
    since when what counts since today was there."""
    oldest = _rows(engine, sql.OLDEST, _DATE)["service_date"].to_pylist()
    since = shifted(oldest[0], -1) if oldest and oldest[0] is not None else day
    since = min([since, *arrived(workspace, engine, turned.select(KEYS.names), before=day)])
    for view, table in (("past", CHECKS), ("past_taps", TAPS), ("past_outcomes", OUTCOMES)):
        engine.scan(view, table, workspace.files(table, since=since, before=day))
    freed = _rows(engine, sql.FREED, _IS_FREED) if turned.num_rows else _IS_FREED.empty_table()
    engine.register("freed", freed)
    engine.register("used", _rows(engine, sql.USED, _USED))
    return since if freed.num_rows else day


def _rows(engine: Engine, statement: str, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_batches(engine.query(statement, schema), schema)
