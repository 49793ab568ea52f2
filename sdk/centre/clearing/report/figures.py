"""The figures of a day, each added up from its own table: none is computed from another, so that they can be compared.

What must hold of them (`faults`): the postings sum to 0 fen, the net is the postings', each funder pays what was taken
off in its name, and every difference between a gate's fare and the centre's has a named cause.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.money.settle import LAST, OrderError
from yima.sdk.centre.clearing.money.tables import CLEARED, DISPUTES, FUNDED, NET, POSTINGS
from yima.sdk.centre.clearing.tables import CHECKS, RIDES, Cause, Table
from yima.sdk.centre.clearing.workspace import Workspace
from yima.validator.texts import Text

_BOOKED, _REVERSED = "CASE WHEN reverses THEN 0 ELSE 1 END", "CASE WHEN reverses THEN 1 ELSE 0 END"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One table of figures over a day's rows of `table`: a row for each value of the columns `by`, in their order.

    sums: what is added up, by name; fen, or a count of what the name says.
    """

    table: Table
    by: tuple[str, ...] = ()
    sums: dict[str, str]
    where: str = ""

    @property
    def sql(self) -> str:
        """One SELECT, with a single row where `by` is empty."""
        sums = [f"CAST(coalesce(sum({what}), 0) AS BIGINT) AS {name}" for name, what in self.sums.items()]
        where = f" WHERE {self.where}" if self.where else ""
        by = ", ".join(self.by)
        sql = f"SELECT {', '.join([*self.by, *sums])} FROM {self.table.name}{where}"  # noqa: S608  all our own words
        return f"{sql} GROUP BY {by} ORDER BY {by}" if by else f"{sql} ORDER BY {next(iter(self.sums))}"

    @property
    def schema(self) -> pa.Schema:
        """Of its rows."""
        return pa.schema([*((name, pa.string()) for name in self.by), *((name, pa.int64()) for name in self.sums)])


_PARTY = ("party_kind", "party")
_PARTS = ("fare_fen", "fee_fen", "issuer_share_fen", "acquirer_share_fen")
REDUCED = {
    "gate_fen": Text("at the gate", "闸机优惠"),
    "concession_fen": Text("concession by group", "群体优待"),
    "transfer_fen": Text("transfer", "换乘优惠"),
    "cap_fen": Text("daily cap", "日封顶"),
    "total_fen": Text("monthly total", "月累计优惠"),
}
"""What takes a fare down, in the order in which it does, by the column that says how much."""

FIGURES = {
    "net": Figure(table=NET, by=_PARTY, sums={name: name for name in ("due_in_fen", "due_out_fen", "net_fen")}),
    "posted": Figure(table=POSTINGS, by=_PARTY, sums={"fen": "fen"}),
    "causes_of_postings": Figure(
        table=POSTINGS,
        by=("cause",),
        sums={"moved_fen": "CASE WHEN fen > 0 THEN fen ELSE 0 END", "sum_fen": "fen"},
    ),
    "funders": Figure(
        table=FUNDED,
        by=(*_PARTY, "source", "rule"),
        sums={"rides": "CASE WHEN fen > 0 THEN -1 ELSE 1 END", "fen": "fen"},
    ),
    "reduced": Figure(
        table=CLEARED,
        sums={
            **{name: name for name in REDUCED},
            "centre_fen": " + ".join(name for name in REDUCED if name != "gate_fen"),
        },
    ),
    "pairs": Figure(
        table=CLEARED,
        by=("operator", "issuer"),
        sums={"rides": "CASE WHEN reverses THEN -1 ELSE 1 END", **{name: name for name in _PARTS}},
    ),
    "bookings": Figure(
        table=CLEARED, by=("cause",), sums={"booked": _BOOKED, "reversed": _REVERSED, "fare_fen": "fare_fen"}
    ),
    "differences": Figure(
        table=RIDES,
        by=("cause",),
        sums={"rides": "1", "gate_fen": "gate_fare_fen", "centre_fen": "fare_fen"},
    ),
    "unnamed": Figure(table=RIDES, sums={"rides": "1"}, where="gate_fare_fen <> fare_fen AND cause = 'NONE'"),
    "kinds": Figure(table=RIDES, by=("kind",), sums={"rides": "1", "fare_fen": "fare_fen"}),
    "taps": Figure(table=CHECKS, by=("verdict", "why"), sums={"taps": "1"}),
    "unsigned": Figure(table=CHECKS, sums={"taps": "1"}, where="verdict = 'OK' AND NOT signed"),
    "disputes": Figure(table=DISPUTES, by=("reason", "decision", "decided_by", "reply"), sums={"disputes": "1"}),
}
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """The rows of FIGURES, by name."""

    day: int
    of: dict[str, Rows]

    def total(self, name: str, column: str) -> int:
        """A column added up."""
        return sum(row[column] for row in self.of[name])

    @property
    def equal_fares(self) -> tuple[int, int]:
        """Rides whose gate took what the centre says, and all rides."""
        same = sum(row["rides"] for row in self.of["differences"] if row["cause"] == Cause.NONE)
        return same, self.total("differences", "rides")


def figures_of(workspace: Workspace, engine: Engine, day: int) -> DayFigures:
    """The figures of a settled day. Raises OrderError, EngineError."""
    if not workspace.is_done(LAST, day):
        raise OrderError(
            day, Text("is not settled", "尚未清算"), Text("Run yima centre day for it", "请先执行 yima centre day")
        )
    for table in {figure.table.name: figure.table for figure in FIGURES.values()}.values():
        engine.scan(table.name, table, workspace.files(table, day=day))
    return DayFigures(day=day, of={name: _rows(engine, figure) for name, figure in FIGURES.items()})


def faults(figures: DayFigures) -> list[Text]:
    """What does not hold that must; nothing: the day is in order."""
    return list(_faults(figures))


def _faults(figures: DayFigures) -> Iterator[Text]:
    left = figures.total("posted", "fen")
    if left:
        yield Text(f"the postings sum to {left} fen", f"分录合计为 {left} 分")
    net = {(row["party_kind"], row["party"]): row["net_fen"] for row in figures.of["net"]}
    posted = {(row["party_kind"], row["party"]): row["fen"] for row in figures.of["posted"]}
    if net != posted:
        yield Text("the net is not what was posted", "轧差与分录不符")
    for source, column in (("GATE", "gate_fen"), ("CENTRE", "centre_fen")):
        funded = sum(row["fen"] for row in figures.of["funders"] if row["source"] == source)
        reduced = figures.total("reduced", column)
        if funded != reduced:
            yield Text(
                f"reductions ({source}) are {-reduced} fen, and funders pay {-funded}",
                f"优惠（{source}）共 {-reduced} 分，出资共 {-funded} 分",
            )
    unnamed = figures.total("unnamed", "rides")
    if unnamed:
        yield Text(f"{unnamed} fares differ without a cause", f"{unnamed} 笔票价差异没有原因")


def _rows(engine: Engine, figure: Figure) -> Rows:
    return [row for batch in engine.query(figure.sql, figure.schema) for row in batch.to_pylist()]
