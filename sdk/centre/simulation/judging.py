"""Past rides under other parameters: which stand, what the core says of their taps, which rides come of it.

Rules it keeps:
- Nothing of a ride is believed: its taps are judged again whole, from the entries as devices sent them, at the moment
  and place of the tap, with the deny-list that the facts name. Only the parameters are others.
- What the rides do with a fare is done here in the same way (rides.py): the entry that the centre has sets it, where
  the code told another; a missing exit costs what the centre's rule says.
- A ride is refused if any of its taps is: nobody leaves who was not let in.
- Rides before the period are there as they were settled, from the last days of the month before: sums of a month and
  transfers need them.
- A journey that begins in the period and ends behind it is judged with the others, and in no sum: whoever rides
  meanwhile is its companion.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from yima.sdk.centre.clearing.columns import integers, numbers, pieces
from yima.sdk.centre.clearing.days import midnight, shifted
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.money.tables import CLEARED, DISPUTES, PERSONS
from yima.sdk.centre.clearing.tables import APPLIED, CHECKS, ENTRIES, REDUCTIONS, RIDES, TAPS
from yima.sdk.centre.clearing.taps.arrivals import KEYS, arrived
from yima.sdk.centre.clearing.taps.judged import Judges, applied
from yima.sdk.centre.clearing.taps.parameters import Published
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.centre.simulation import judging_sql as sql
from yima.validator.errors import Kind, YimaError
from yima.validator.texts import Text

_ENTRIES = pa.schema([("ride_id", pa.string()), ("is_entry", pa.bool_()), ("entry", pa.binary())])
_OTHER_ENTRIES = pa.schema([*_ENTRIES, ("entry_station", pa.int64()), ("entry_at", pa.int64())])
_SAID = pa.schema(
    [
        ("ride_id", pa.string()),
        ("is_entry", pa.bool_()),
        ("reason", pa.int64()),
        ("core_transaction", pa.int64()),
    ]
)
_RULES = pa.schema(
    [
        ("ride_id", pa.string()),
        ("is_entry", pa.bool_()),
        *((name, APPLIED.schema.field(name).type) for name in ("place", "kind", "fen", "funder", "funder_id", "rule")),
    ]
)
_MISSING = pa.schema([("ride_id", pa.string())])


class SimulationError(YimaError):
    """Rides that cannot be judged again."""

    kind = Kind.STATE


def judge_again(
    workspace: Workspace, engine: Engine, instead: Published, since: int, until: int, *, city: int = 0
) -> None:
    """Leaves with the engine what `rides`, `reductions` and `amounts` are made of, and the views past and decided.
    instead: of which one package is taken for every tap. since, until: service dates. city: judged are rides there
    alone, 0: everywhere. Raises EngineError, SimulationError."""
    context = _context(since)
    files_since = shifted(context, -1)  # a gate's clock may be a day ahead of the collector's
    engine.scan("cleared", CLEARED, workspace.files(CLEARED, since=files_since))
    engine.scan("rides", RIDES, workspace.files(RIDES, since=files_since))
    engine.scan("persons", PERSONS, workspace.files(PERSONS))
    ends = midnight(shifted(until, 1))
    engine.keep("past", sql.PAST.format(since=since, until=until, ends=ends, context=context, city=city))
    engine.keep("legs", sql.LEGS)
    days = arrived(workspace, engine, _rows(engine, sql.KEYS, KEYS), before=99999999)
    for table in (ENTRIES, TAPS, CHECKS):
        engine.scan(table.name, table, workspace.files_of(table, days))
    engine.keep("held", sql.HELD)
    judges = Judges(instead)
    _ask(engine, judges, "said", sql.ENTRIES, _ENTRIES)
    _ask(engine, judges, "priced", sql.OTHER_ENTRIES, _OTHER_ENTRIES)
    engine.keep("decided", sql.DECIDED)
    missing = _rows(engine, sql.MISSING, _MISSING)["ride_id"].to_pylist()
    if missing:
        raise SimulationError(
            missing[0],
            Text(
                f"its taps are not held any more ({len(missing)} rides)", f"刷码记录已不存（共 {len(missing)} 笔行程）"
            ),
            Text("Simulate days whose entries are in the workspace", "请选择工作区中仍保留记录的日期"),
        )
    engine.keep("parts", sql.PARTS)
    engine.scan("reductions", REDUCTIONS, workspace.files(REDUCTIONS, since=files_since))
    engine.scan("disputes", DISPUTES, workspace.files(DISPUTES, since=files_since))


def rides(engine: Engine, day: int) -> Iterator[pa.RecordBatch]:
    """Rows of RIDES that the other parameters do not refuse, all of one settlement day."""
    return engine.query(sql.RIDES_SQL.format(day=day), RIDES.schema)


def reductions(engine: Engine, day: int) -> Iterator[pa.RecordBatch]:
    """Their reductions at the gate."""
    return engine.query(sql.REDUCTIONS_SQL.format(day=day), REDUCTIONS.schema)


def amounts(engine: Engine, day: int) -> Iterator[pa.RecordBatch]:
    """What disputes added to their fares."""
    return engine.query(sql.AMOUNTS_SQL.format(day=day), DISPUTES.schema)


def _context(since: int) -> int:
    """The first service date that has a say in what rides from that day on cost: the 26th of the month before."""
    before = shifted(since - since % 100 + 1, -1)
    return before - before % 100 + 26


def _ask(engine: Engine, judges: Judges, name: str, statement: str, schema: pa.Schema) -> None:
    """Registers what the core says of entries, as `name` and `name`_rules."""

    def ask(rows: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        judge, count = judges.mine(), rows.num_rows
        if "entry_at" in rows.schema.names:
            answer = judge.price(*pieces(rows["entry"]), numbers(rows["entry_station"]), numbers(rows["entry_at"]))
        else:
            answer = judge.judge(*pieces(rows["entry"]))
        columns = [rows["ride_id"], rows["is_entry"], integers(answer, "reason", count)]
        said = pa.RecordBatch.from_arrays([*columns, integers(answer, "transaction", count)], schema=_SAID)
        rules = applied(rows, answer, _RULES)
        return said, rules.filter(pc.invert(rules["is_entry"]))

    answers, rules = [], []
    for said, of_rules in judges.each(engine.query(statement, schema), ask):
        answers.append(said)
        rules.append(of_rules)
    engine.register(name, pa.Table.from_batches(answers, _SAID))
    engine.register(f"{name}_rules", pa.Table.from_batches(rules, _RULES))


def _rows(engine: Engine, statement: str, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_batches(engine.query(statement, schema), schema)
