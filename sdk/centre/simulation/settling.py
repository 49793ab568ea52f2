"""Two settlements side by side: how rides were settled, and how they would be under other parameters.

Rules it keeps:
- The second settlement is settled by the same steps (money/settle.py), in a workspace of its own that is thrown away:
  the centre's own rules see the other fares, companions, caps and months as they would have seen them.
- All rides are settled on one day. On which day a ride came in has no say in how it stands in the end, so under the
  parameters that were in force each ride comes out as it was settled, to the fen.
- Groups are the person's on the service date, as far as the centre knows them.
"""

import tempfile
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.folder import Terms
from yima.sdk.centre.clearing.money.due import GROUPED_SQL, LINKED_SQL
from yima.sdk.centre.clearing.money.settle import LAST, OrderError, settle
from yima.sdk.centre.clearing.money.tables import CLEARED, DISPUTES, FUNDED, PERSONS
from yima.sdk.centre.clearing.tables import REDUCTIONS, RIDES
from yima.sdk.centre.clearing.taps.parameters import Published
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.centre.identity.taking import MEMBERS
from yima.sdk.centre.simulation import judging
from yima.sdk.centre.simulation.other import Other
from yima.validator.errors import YimaError
from yima.validator.texts import Text

KEY = {
    "issuer_city": pa.int64(),
    "city": pa.int64(),
    "mode": pa.string(),
    "account_type": pa.int64(),
    "groups": pa.string(),
}
"""What sums are made by. groups: words of identity's statements, joined by `+`; empty: none."""

RIDE = pa.schema(
    {
        "ride_id": pa.string(),
        "person": pa.string(),
        "service_date": pa.int64(),
        **KEY,
        "refused_at": pa.string(),
        "reason": pa.int64(),
        "settled_gross_fen": pa.int64(),
        "settled_fen": pa.int64(),
        "other_gross_fen": pa.int64(),
        "other_fen": pa.int64(),
    }
)
"""refused_at: tap (bus), entry or exit; empty: not refused. other_*: NULL of a ride that is."""

FUNDER = pa.schema(
    {
        "ride_id": pa.string(),
        "party_kind": pa.string(),
        "party": pa.string(),
        "settled_fen": pa.int64(),
        "other_fen": pa.int64(),
    }
)
"""What a party pays for a ride, as settled and under the other parameters, in fen, above 0."""

_DATES = pa.schema([("since", pa.int64()), ("until", pa.int64())])
_DATES_SQL = """
SELECT coalesce(min(service_date), 20000101) AS since, coalesce(max(service_date), 20000101) AS until
FROM cleared
ORDER BY since
"""
_RIDES_SQL = """
WITH linked AS ({linked}),
spans AS (
    SELECT g.*, CASE WHEN g.group_name LIKE 'resident-%' THEN 'resident' ELSE g.group_name END AS word
    FROM ({grouped}) AS g
), grouped AS (
    SELECT p.ride_id, {words}
    FROM past AS p
    JOIN spans AS s ON s.person = p.person AND p.service_date >= s.since AND p.service_date < s.until
    GROUP BY p.ride_id
)
SELECT p.ride_id, p.person, p.service_date, p.issuer_city, p.city,
    CASE WHEN p.mode = 2 THEN 'metro' ELSE 'bus' END AS mode, p.account_type, coalesce({joined}, '') AS groups,
    CASE
        WHEN coalesce(d.reason, 0) = 0 THEN ''
        WHEN p.mode = 1 THEN 'tap'
        WHEN d.at_entry OR d.taken_from = 'M' THEN 'entry'
        ELSE 'exit'
    END AS refused_at,
    coalesce(d.reason, 0) AS reason, p.gross_fen AS settled_gross_fen, p.fare_fen AS settled_fen,
    o.gross_fen AS other_gross_fen, o.fare_fen AS other_fen
FROM past AS p
LEFT JOIN decided AS d ON d.ride_id = p.ride_id
LEFT JOIN other_cleared AS o ON o.ride_id = p.ride_id
LEFT JOIN grouped AS g ON g.ride_id = p.ride_id
WHERE p.counted
ORDER BY ride_id
"""
_WORDS = ("free", "resident", "senior", "student", "veteran")
_FUNDERS_SQL = """
SELECT ride_id, party_kind, party, CAST(sum(settled_fen) AS BIGINT) AS settled_fen,
    CAST(sum(other_fen) AS BIGINT) AS other_fen
FROM (
    SELECT p.ride_id, f.party_kind, f.party, -f.fen AS settled_fen, 0 AS other_fen
    FROM past AS p JOIN funded AS f ON f.clearing = p.clearing
    WHERE p.counted
    UNION ALL
    SELECT p.ride_id, f.party_kind, f.party, 0 AS settled_fen, -f.fen AS other_fen
    FROM past AS p JOIN other_funded AS f ON f.ride_id = p.ride_id
    WHERE p.counted
) AS paid
GROUP BY ride_id, party_kind, party
ORDER BY ride_id, party_kind, party
"""


class PeriodError(YimaError):
    """Service dates that are no period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """rides: rows of RIDE, a ride each. funders: rows of FUNDER. since, until: service dates, both included."""

    other: Other
    since: int
    until: int
    rides: pa.Table
    funders: pa.Table


def simulate(
    workspace: Workspace,
    engine: Engine,
    published: Published,
    terms: Terms,
    other: Other,
    *,
    since: int | None = None,
    until: int | None = None,
) -> Simulation:
    """Past rides of these service dates (left out: of all) under other parameters. Nothing in the workspace is changed.
    Raises PeriodError, OrderError where nothing is settled, SimulationError, EngineError."""
    if since is not None and until is not None and since > until:
        raise PeriodError(
            f"{since} to {until}",
            Text("is a period that ends before it begins", "期间的截止日早于起始日"),
            Text("Give --from a day no later than --to", "--from 不得晚于 --to"),
        )
    settled = workspace.done_days(LAST)
    if not settled:
        raise OrderError(
            workspace.path,
            Text("no day of it is settled", "尚无已清算的日期"),
            Text("Run yima centre day for it", "请先执行 yima centre day"),
        )
    day = settled[-1]
    engine.scan("cleared", CLEARED, workspace.files(CLEARED))
    ((first, last),) = (tuple(row.values()) for row in _rows(engine, _DATES_SQL, _DATES).to_pylist())
    begin, end = first if since is None else since, last if until is None else until
    judging.judge_again(workspace, engine, other.instead(published), begin, end, city=other.city)
    workspace.scratch.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=workspace.scratch) as folder:
        aside = Workspace(workspace.scratch / folder / "aside")
        try:
            _settle_aside(workspace, aside, engine, terms, day)
            rides, paid = _side_by_side(engine)
        finally:
            aside.close()
    return Simulation(other=other, since=begin, until=end, rides=rides, funders=paid)


def _settle_aside(workspace: Workspace, aside: Workspace, engine: Engine, terms: Terms, day: int) -> None:
    """Leaves both settlements with the engine."""
    aside.write(RIDES, day, "other", judging.rides(engine, day))
    aside.write(REDUCTIONS, day, "other", judging.reductions(engine, day))
    aside.write(DISPUTES, day, "other", judging.amounts(engine, day))
    for table in (PERSONS, MEMBERS):
        for stated in workspace.days(table):
            aside.write(table, stated, "other", workspace.read(table, day=stated).to_batches())
    settle(aside, engine, day, rules=terms.rules, rates=terms.rates)
    engine.scan("other_cleared", CLEARED, aside.files(CLEARED))
    engine.scan("other_funded", FUNDED, aside.files(FUNDED))
    engine.scan("funded", FUNDED, workspace.files(FUNDED))
    engine.scan("members", MEMBERS, workspace.files(MEMBERS))


def _side_by_side(engine: Engine) -> tuple[pa.Table, pa.Table]:
    """Rows of RIDE and of FUNDER."""
    words = ", ".join(f"max(CASE WHEN s.word = '{word}' THEN s.group_name END) AS {word}_" for word in _WORDS)
    joined = f"concat_ws('+', {', '.join(f'g.{word}_' for word in _WORDS)})"
    sql = _RIDES_SQL.format(words=words, joined=joined, linked=LINKED_SQL, grouped=GROUPED_SQL)
    return _rows(engine, sql, RIDE), _rows(engine, _FUNDERS_SQL, FUNDER)


def _rows(engine: Engine, statement: str, schema: pa.Schema) -> pa.Table:
    batches: Any = engine.query(statement, schema)
    return pa.Table.from_batches(batches, schema)
