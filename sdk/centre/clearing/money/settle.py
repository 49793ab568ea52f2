"""A day's money: from rides to who owes whom. Six steps, each a table of its own that can be made again.

Rules it keeps:
- Days are settled in their order, each once its rides are there and its disputes are decided. A day that was settled is
  left as it is; killed anywhere, the next run begins with the first table that is not done.
- A step reads its own table only of earlier days.
"""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from yima.sdk.centre.clearing.days import midnight
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.money import booking
from yima.sdk.centre.clearing.money.due import due_sql, touched_sql
from yima.sdk.centre.clearing.money.rates import Rates
from yima.sdk.centre.clearing.money.rules import Rules
from yima.sdk.centre.clearing.money.tables import (
    CLEARED,
    DISPUTES,
    DUE,
    FUNDED,
    NET,
    PERSONS,
    POSTINGS,
    TOUCHED,
)
from yima.sdk.centre.clearing.tables import REDUCTIONS, REVERSALS, RIDES, Table
from yima.sdk.centre.clearing.taps.arrivals import first_day_of
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.centre.identity.taking import MEMBERS
from yima.validator.errors import YimaError
from yima.validator.texts import Text

LAST = "settle net"
STEPS = (TOUCHED, DUE, CLEARED, FUNDED, POSTINGS, NET)
# Of a day on which none of these has anything, the table has nothing either, and its step is not run.
_COMES_FROM = {
    TOUCHED.name: (RIDES, REVERSALS, DISPUTES, PERSONS, MEMBERS),
    DUE.name: (TOUCHED, REVERSALS, DISPUTES),
    CLEARED.name: (DUE,),
    FUNDED.name: (CLEARED,),
    POSTINGS.name: (CLEARED,),
    NET.name: (POSTINGS,),
}
_MONTHS = [(year * 10000 + month * 100) for year in range(1899, 2101) for month in range(1, 13)]
_PART = "centre"

Progress = Callable[[str, int, int], None]


class OrderError(YimaError):
    """A day that cannot be settled any more, or whose files cannot be made yet."""


def settle(
    workspace: Workspace,
    engine: Engine,
    day: int,
    *,
    rules: Rules,
    rates: Rates,
    progress: Progress = lambda step, done, of: None,
) -> dict[str, int]:
    """Settles one day; returns the rows of each table that was made. progress: (step, steps done, of how many). Raises
    OrderError for a day before one that is settled: its rides may have been booked there."""
    later = [one for one in workspace.days(DUE) if one > day]
    if later and not workspace.is_done(LAST, day):
        raise OrderError(
            day,
            Text(f"{later[0]} is settled already", f"{later[0]} 已清算"),
            Text(
                "Settle days in their order; what came later is in a later day",
                "请按日期顺序清算；迟到部分已计入后续日期",
            ),
        )
    made = {}
    for place, table in enumerate(STEPS):
        progress(table.name, place, len(STEPS))
        step = f"settle {table.name}"
        if workspace.is_done(step, day):
            continue
        made[table.name] = 0
        if any(workspace.files(source, day=day) for source in _COMES_FROM[table.name]):
            if table in (TOUCHED, DUE, CLEARED, FUNDED):
                for name, rows in {**rules.relations(), "rates": rates.relation(), "months": months()}.items():
                    engine.register(name, rows)
            _see(workspace, engine, table, day)
            sql = _sql(workspace, table, day, rules)
            made[table.name] = workspace.write(table, day, _PART, engine.query(sql, table.schema))
        workspace.done(step, day)
    progress("", len(STEPS), len(STEPS))
    return made


def months() -> pa.Table:
    """Each month as 20260800, with the two before it, and when it and the one before it begin, unix seconds."""
    begins = [midnight(month + 1) for month in _MONTHS]
    return pa.table(
        {
            "month": pa.array(_MONTHS[2:], pa.int32()),
            "earlier": pa.array(_MONTHS[1:-1], pa.int32()),
            "earliest": pa.array(_MONTHS[:-2], pa.int32()),
            "begins": pa.array(begins[2:], pa.int64()),
            "earlier_begins": pa.array(begins[1:-1], pa.int64()),
        },
    )


def _sql(workspace: Workspace, table: Table, day: int, rules: Rules) -> str:
    if table is DUE:
        return due_sql(day, rules.companion_s, since=_earliest(workspace, day))
    steps = {"touched": touched_sql, "cleared": booking.cleared_sql, "funded": booking.funded_sql}
    return {**steps, "postings": booking.postings_sql, "net": booking.net_sql}[table.name](day)


def _earliest(workspace: Workspace, day: int) -> int:
    """The first service date of which a day looks at rides: the month before the oldest that it touches."""
    month = pc.min(workspace.read(TOUCHED, ["since"], day=day)["since"]).as_py()
    return _MONTHS[_MONTHS.index(month) - 1] if month is not None else day


def _days(workspace: Workspace, day: int, column: str) -> list[int]:
    """The days that a column of what is due names."""
    return [one for one in pc.unique(workspace.read(DUE, [column], day=day)[column]).to_pylist() if one]


def _see(workspace: Workspace, engine: Engine, table: Table, day: int) -> None:
    """Names what the step reads, and of the past no more than it needs."""

    def of(source: Table) -> list[Path]:
        return workspace.files(source, day=day)

    def to_day(source: Table, since: int = 0) -> list[Path]:
        return workspace.files(source, since=since, before=day + 1)

    def before(source: Table) -> list[Path]:
        return workspace.files(source, before=day)

    views: dict[str, tuple[Table, list[Path]]] = {}
    if table is TOUCHED:
        taken_back = workspace.read(REVERSALS, ["ride_id"], day=day)["ride_id"].to_pylist()
        disputed = workspace.read(DISPUTES, ["ride_id"], day=day)["ride_id"].to_pylist()
        since = first_day_of(workspace, engine, {*taken_back, *disputed}, day)
        views = {"rides": (RIDES, to_day(RIDES, since)), "rides_now": (RIDES, of(RIDES))}
        views |= {"persons": (PERSONS, to_day(PERSONS)), "persons_now": (PERSONS, of(PERSONS))}
        views |= {"members_now": (MEMBERS, of(MEMBERS))}
        views |= {"reversals_now": (REVERSALS, of(REVERSALS)), "disputes_now": (DISPUTES, of(DISPUTES))}
    elif table is DUE:
        views = {one.name: (one, to_day(one)) for one in (RIDES, REVERSALS, PERSONS, MEMBERS, DISPUTES)}
        views |= {"reversals_now": (REVERSALS, of(REVERSALS)), "disputes_now": (DISPUTES, of(DISPUTES))}
        views |= {"touched": (TOUCHED, of(TOUCHED)), "cleared": (CLEARED, before(CLEARED))}
    elif table is CLEARED:
        rides = workspace.files_of(RIDES, _days(workspace, day, "ride_day"))
        booked = workspace.files_of(CLEARED, _days(workspace, day, "before_day"))
        views = {"due": (DUE, of(DUE)), "rides": (RIDES, rides), "cleared": (CLEARED, booked)}
    elif table is FUNDED:
        reduced = workspace.files_of(REDUCTIONS, _days(workspace, day, "ride_day"))
        booked = workspace.files_of(FUNDED, _days(workspace, day, "before_day"))
        views = {"cleared_now": (CLEARED, of(CLEARED)), "reductions": (REDUCTIONS, reduced)}
        views |= {"funded": (FUNDED, booked)}
    elif table is POSTINGS:
        views = {"cleared_now": (CLEARED, of(CLEARED)), "funded_now": (FUNDED, of(FUNDED))}
    else:
        views = {"postings_now": (POSTINGS, of(POSTINGS))}
    for view, (source, files) in views.items():
        engine.scan(view, source, files)
