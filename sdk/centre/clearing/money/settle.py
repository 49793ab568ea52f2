"""A day's money: from rides to who owes whom. Six steps, each a table of its own that can be made again.

Rules it keeps:
- Days are settled in their order, each once its rides are there and its disputes are decided. A day that was settled is
  left as it is; killed anywhere, the next run begins with the first table that is not done.
- A step reads its own table only of earlier days.
"""

from collections.abc import Callable

import pyarrow as pa

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
from yima.sdk.centre.clearing.workspace import Workspace
from yima.validator.errors import YimaError
from yima.validator.texts import Text

LAST = "settle net"
STEPS = (TOUCHED, DUE, CLEARED, FUNDED, POSTINGS, NET)
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
        if table in (TOUCHED, DUE, CLEARED, FUNDED):
            for name, rows in {**rules.relations(), "rates": rates.relation(), "months": months()}.items():
                engine.register(name, rows)
        _see(workspace, engine, table, day)
        made[table.name] = workspace.write(table, day, _PART, engine.query(_sql(table, day, rules), table.schema))
        workspace.done(step, day)
    progress("", len(STEPS), len(STEPS))
    return made


def months() -> pa.Table:
    """Each month as 20260800, with the one before it."""
    return pa.table(
        {"month": pa.array(_MONTHS[1:], pa.int32()), "earlier": pa.array(_MONTHS[:-1], pa.int32())},
    )


def _sql(table: Table, day: int, rules: Rules) -> str:
    if table is DUE:
        return due_sql(day, rules.companion_s)
    steps = {"touched": touched_sql, "cleared": booking.cleared_sql, "funded": booking.funded_sql}
    return {**steps, "postings": booking.postings_sql, "net": booking.net_sql}[table.name](day)


def _see(workspace: Workspace, engine: Engine, table: Table, day: int) -> None:
    """Names what the step reads."""
    to_day = {"before": day + 1}
    wanted: dict[str, tuple[Table, dict[str, int]]] = {
        "touched": {
            "rides": (RIDES, to_day),
            "rides_now": (RIDES, {"day": day}),
            "reversals_now": (REVERSALS, {"day": day}),
            "persons": (PERSONS, to_day),
            "persons_now": (PERSONS, {"day": day}),
            "disputes_now": (DISPUTES, {"day": day}),
        },
        "due": {
            "touched": (TOUCHED, {"day": day}),
            "rides": (RIDES, to_day),
            "reversals": (REVERSALS, to_day),
            "reversals_now": (REVERSALS, {"day": day}),
            "persons": (PERSONS, to_day),
            "disputes": (DISPUTES, to_day),
            "disputes_now": (DISPUTES, {"day": day}),
            "cleared": (CLEARED, {"before": day}),
        },
        "cleared": {"due": (DUE, {"day": day}), "rides": (RIDES, to_day), "cleared": (CLEARED, {"before": day})},
        "funded": {
            "cleared_now": (CLEARED, {"day": day}),
            "reductions": (REDUCTIONS, to_day),
            "funded": (FUNDED, {"before": day}),
        },
        "postings": {"cleared_now": (CLEARED, {"day": day}), "funded_now": (FUNDED, {"day": day})},
        "net": {"postings_now": (POSTINGS, {"day": day})},
    }[table.name]
    for view, (source, which) in wanted.items():
        engine.scan(view, source, workspace.files(source, **which))
