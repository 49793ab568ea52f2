"""From taps that count to rides: `rides`, their `reductions` by the gate's rules, `reversals` of earlier rides.

Rules it keeps:
- A bus tap is a ride. At a metro an exit belongs to the latest entry of the same account in that city at or before it;
  each entry is used once; sequence numbers and what the code tells of the entry have no say. The account's companions
  pair alike: the last in is taken for the first out.
- A leg waits for the other `close_after_days` settlement days, whichever of them comes late, and is then closed by rule
  on its own: an exit by the fare that its gate took, an entry by the centre's sum for a missing exit,
  or by the cap of its code, if that is less.
- What is settled is what the same core says under the parameters that the gate named; where the code told the gate of
  another entry than the centre has, for the centre's entry. Where the core has no fare for that, or one that the code's
  cap forbids, the core's sum as judged at the gate stays. Every difference to what the gate took has a named cause.
- Nothing is updated: a ride whose tap turns void is named in `reversals`, and its other leg waits again, unless a
  dispute has taken the ride back before. So is a ride of the last `pair_again_days` settlement days whose legs belong
  to other legs, or to some where they had none, now that a late one came: its legs are settled anew on this day. What a
  dispute has decided stays.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from yima.sdk.centre.clearing.columns import integers, numbers, pieces
from yima.sdk.centre.clearing.days import day_of, shifted
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.money.tables import DISPUTES
from yima.sdk.centre.clearing.rides import rides_sql as sql
from yima.sdk.centre.clearing.rides.rules import RideRules
from yima.sdk.centre.clearing.tables import (
    APPLIED,
    CHECKS,
    ENTRIES,
    JUDGED,
    REDUCTIONS,
    REVERSALS,
    RIDES,
    TAPS,
    VOIDS,
)
from yima.sdk.centre.clearing.taps.arrivals import KEYS, arrived, first_day_of
from yima.sdk.centre.clearing.taps.checks import counts_since
from yima.sdk.centre.clearing.taps.judged import applied
from yima.sdk.centre.clearing.taps.parameters import Published
from yima.sdk.centre.clearing.workspace import Workspace

STEP = "rides"
_WAITING = "rides waiting"  # under which the workspace's state keeps what _left says
_WANTED = pa.schema(
    [
        ("tap", pa.string()),
        *((name, TAPS.schema.field(name).type) for name in ("device", "epoch", "sequence", "hash")),
        ("entry_station", pa.int64()),
        ("entry_at", pa.int64()),
    ]
)
_BLOBS = pa.schema(
    [("tap", pa.string()), ("entry_station", pa.int64()), ("entry_at", pa.int64()), ("entry", pa.binary())]
)
_REPRICED = pa.schema([("tap", pa.string()), ("reason", pa.int32()), ("core_transaction", pa.int32())])
_PARTS = pa.schema(
    [
        ("tap", pa.string()),
        *((name, APPLIED.schema.field(name).type) for name in ("place", "kind", "fen", "funder", "funder_id", "rule")),
    ]
)
_LATE = pa.schema([("account", pa.string()), ("city", pa.int64()), ("moment", pa.int64())])
_OLDEST = pa.schema([("day", pa.int32()), ("moment", pa.int64())])
_COUNT = pa.schema([("taps", pa.int64())])
_MISSING_EXIT = pa.schema([("city", pa.int64()), ("since", pa.int32()), ("fen", pa.int64())])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ridden:
    """What a day gave."""

    rides: int
    reductions: int
    reversals: int


def ride_day(workspace: Workspace, engine: Engine, published: Published, rules: RideRules, day: int) -> Ridden:
    """Writes a checked day's rides. Days are taken in their order. Raises EngineError."""
    past = workspace.read(REVERSALS, before=day)
    new = _newly_void(workspace, engine, past, day)
    engine.register("missing_exit", _missing_exit(rules))
    waits = rules.close_after_days
    since = _wait(workspace, engine, new, waits, day)
    rides = reductions = 0
    if _rows(engine, sql.HOW_MANY_WAIT, _COUNT)["taps"][0].as_py():
        _open(engine, day)
        paired = _paired_anew(workspace, engine, rules, day)
        if paired.num_rows:
            new = pa.concat_tables([new, paired]).sort_by("ride_id")
            since = _wait(workspace, engine, new, waits, day)
            _open(engine, day)
        engine.keep("pairs", sql.PAIRS.format(within_s=rules.pair_within_s, legs="open"))
        _reprice(workspace, engine, published, since, day)
        engine.keep("closing", sql.CLOSING.format(closes=shifted(day, -waits)))
        engine.keep("parts", sql.PARTS)
        rides = workspace.write(RIDES, day, STEP, engine.query(sql.RIDES.format(day=day), RIDES.schema))
        reductions = workspace.write(
            REDUCTIONS, day, "gate", engine.query(sql.REDUCTIONS.format(day=day), REDUCTIONS.schema)
        )
    workspace.write(REVERSALS, day, STEP, new.to_batches())
    workspace.done(STEP, day, {_WAITING: {"since": shifted(day, 1 - waits)}})
    return Ridden(rides=rides, reductions=reductions, reversals=new.num_rows)


def _newly_void(workspace: Workspace, engine: Engine, past: pa.Table, day: int) -> pa.Table:
    """Rides of earlier days that turn void on this one; the past is only read if a tap did."""
    voids = workspace.files(VOIDS, day=day)
    if not voids:
        return REVERSALS.schema.empty_table()
    since = min(arrived(workspace, engine, workspace.read(VOIDS, day=day).select(KEYS.names), before=day), default=day)
    engine.register("reversals", past)
    engine.scan("disputes", DISPUTES, workspace.files(DISPUTES, before=day))
    engine.scan("new_voids", VOIDS, voids)
    engine.scan("rides", RIDES, workspace.files(RIDES, since=since, before=day))
    return _rows(engine, sql.REVERSALS.format(day=day), REVERSALS.schema)


def _wait(workspace: Workspace, engine: Engine, new: pa.Table, waits: int, day: int) -> int:
    """Names what no ride has; `new`: the reversals of this day. Returns the oldest day that was looked at for it."""
    since = _since(workspace, engine, new, waits, day)
    engine.register("reversals", pa.concat_tables([workspace.read(REVERSALS, before=day), new]))
    for table in (TAPS, CHECKS, JUDGED, APPLIED):
        engine.scan(table.name, table, workspace.files(table, since=since, before=day + 1))
    engine.scan("voids", VOIDS, workspace.files(VOIDS, before=day + 1))
    engine.scan("rides", RIDES, workspace.files(RIDES, since=since, before=day))
    engine.keep("taken", sql.TAKEN)
    engine.keep("released", sql.RELEASED)
    engine.keep("waiting", sql.WAITING)
    return since


def _open(engine: Engine, day: int) -> None:
    """Names all that a ride says of what waits."""
    engine.keep("said", sql.SAID)
    engine.keep("told", sql.TOLD.format(day=day))
    engine.keep("open", sql.OPEN)


def _paired_anew(workspace: Workspace, engine: Engine, rules: RideRules, day: int) -> pa.Table:
    """Rides of earlier days that are other ones with the legs that came late today; only then the past is looked at."""
    nothing = REVERSALS.schema.empty_table()
    since = shifted(day, -rules.pair_again_days)
    # An entry that lies as far back as a leg of today's own date may reach can be closed already, though none was late.
    reaches_closed = shifted(day, -rules.pair_within_s // 86400) < _left(workspace, day)
    before = shifted(day, 1) if reaches_closed else day
    late = _rows(engine, sql.LATE.format(day=day, before=before), _LATE)
    rides = workspace.files(RIDES, since=since, before=day)
    if not late.num_rows or not rides:
        return nothing
    engine.register("late", late)
    engine.scan("rides", RIDES, rides)
    engine.scan("disputes", DISPUTES, workspace.files(DISPUTES, before=day))
    within_s = rules.pair_within_s
    engine.keep("near", sql.NEAR.format(within_s=within_s, since=since))
    engine.keep("legs", sql.LEGS)
    engine.keep("pairs_again", sql.PAIRS.format(within_s=within_s, legs="legs"))
    return _rows(engine, sql.PAIRED.format(day=day), REVERSALS.schema)


def _since(workspace: Workspace, engine: Engine, new: pa.Table, waits: int, day: int) -> int:
    """The oldest day whose legs may still be open: those that the last run left, whose ride turns void today, or that
    count since today."""
    since = min(shifted(day, -waits), _left(workspace, day), counts_since(workspace, day))
    if new.num_rows:
        oldest_day = first_day_of(workspace, engine, new["ride_id"].to_pylist(), day)
        engine.register("reversals", new)
        engine.scan("rides", RIDES, workspace.files(RIDES, since=oldest_day, before=day))
        (oldest,) = _rows(engine, sql.OLDEST_REVERSED, _OLDEST).to_pylist()
        # A ride that was settled anew lies later than its legs, by more than they waited the first time.
        since = min(since, shifted(oldest["day"], -waits), shifted(day_of(oldest["moment"]), -1))
    return since


def _left(workspace: Workspace, day: int) -> int:
    """The first day whose legs the last run may have left open, by the rules of then."""
    return workspace.cursor(_WAITING).get("since", day)


def _reprice(workspace: Workspace, engine: Engine, published: Published, since: int, day: int) -> None:
    """Asks the core for the fare from the centre's entry, where the gate knew of another."""
    wanted = _rows(engine, sql.WANTED, _WANTED)
    answers: list[pa.RecordBatch] = []
    rules: list[pa.RecordBatch] = []
    if wanted.num_rows:
        engine.register("wanted", wanted)
        engine.scan("entries", ENTRIES, workspace.files(ENTRIES, since=since, before=day + 1))
        judge = published.judge()
        for rows in engine.query(sql.ENTRIES_WANTED, _BLOBS):
            answer = judge.price(*pieces(rows["entry"]), numbers(rows["entry_station"]), numbers(rows["entry_at"]))
            columns = [rows["tap"]]
            columns += [integers(answer, name, rows.num_rows).cast(pa.int32()) for name in ("reason", "transaction")]
            answers.append(pa.RecordBatch.from_arrays(columns, schema=_REPRICED))
            rules.append(applied(rows, answer, _PARTS))
    engine.register("repriced", pa.Table.from_batches(answers, _REPRICED))
    engine.register("repriced_rules", pa.Table.from_batches(rules, _PARTS))


def _missing_exit(rules: RideRules) -> pa.Table:
    rows = [{"city": row.city, "since": row.since, "fen": row.fen} for row in rules.missing_exit]
    return pa.Table.from_pylist(rows, schema=_MISSING_EXIT)


def _rows(engine: Engine, statement: str, schema: pa.Schema) -> pa.Table:
    batches: Iterator[pa.RecordBatch] = engine.query(statement, schema)
    return pa.Table.from_batches(batches, schema)
