"""A simulation added up: by pair of cities, mode, account type and groups. Rides that are refused stand by themselves.

    pairs      rides that both settlements have: gross, fare, difference
    funders    who pays how much for them
    refused    each ride that the other parameters refuse, with the reason

So fares as settled of pairs and refused sum to what was settled, and of each settlement gross less what funders pay is
the fare.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from yima.sdk.centre.simulation.settling import KEY, Simulation
from yima.validator.judging import Reason
from yima.validator.texts import Text

PAIRS = pa.schema(
    {
        **KEY,
        "rides": pa.int64(),
        "settled_gross_fen": pa.int64(),
        "settled_fen": pa.int64(),
        "other_gross_fen": pa.int64(),
        "other_fen": pa.int64(),
        "difference_fen": pa.int64(),
    }
)
FUNDERS = pa.schema(
    {
        **KEY,
        "party_kind": pa.string(),
        "party": pa.string(),
        "settled_fen": pa.int64(),
        "other_fen": pa.int64(),
        "difference_fen": pa.int64(),
    }
)
REFUSED = pa.schema(
    {
        "ride_id": pa.string(),
        "service_date": pa.int64(),
        **KEY,
        "refused_at": pa.string(),
        "reason": pa.string(),
        "settled_fen": pa.int64(),
    }
)


def pairs(simulation: Simulation) -> pa.Table:
    """Rows of PAIRS, by KEY."""
    return _summed(_riding(simulation), PAIRS, list(KEY))


def funders(simulation: Simulation) -> pa.Table:
    """Rows of FUNDERS, by KEY and party."""
    keys = _riding(simulation).select(["ride_id", *KEY])
    rows = simulation.funders.join(keys, "ride_id", join_type="inner")
    return _summed(rows, FUNDERS, [*KEY, "party_kind", "party"])


def refused(simulation: Simulation) -> pa.Table:
    """Rows of REFUSED, a ride each."""
    rows = simulation.rides.filter(pc.not_equal(simulation.rides["refused_at"], ""))
    reasons = pa.array([Reason(number).name for number in rows["reason"].to_pylist()], pa.string())
    return rows.set_column(rows.schema.get_field_index("reason"), "reason", reasons).select(REFUSED.names).cast(REFUSED)


def faults(simulation: Simulation) -> list[Text]:
    """What does not reconcile that must; nothing: all of it does."""
    return list(_faults(simulation))


def _faults(simulation: Simulation) -> Iterator[Text]:
    rides, paid = pairs(simulation), funders(simulation)
    of_refused = simulation.rides.filter(pc.not_equal(simulation.rides["refused_at"], ""))
    for which in ("settled", "other"):
        gross, fare, funded = (
            _sum(rides, f"{which}_gross_fen"),
            _sum(rides, f"{which}_fen"),
            _sum(paid, f"{which}_fen"),
        )
        if gross - funded != fare:
            yield Text(
                f"{which}: gross fares of {gross} fen less {funded} by funders are not {fare}",
                f"{which}：应扣 {gross} 分减出资 {funded} 分不等于 {fare} 分",
            )
    lost = _sum(simulation.rides, "settled_fen") - _sum(rides, "settled_fen") - _sum(of_refused, "settled_fen")
    if lost:
        yield Text(f"{lost} fen of the settled fares are in no row", f"已清算票款中有 {lost} 分未列入任何一行")


def _riding(simulation: Simulation) -> pa.Table:
    return simulation.rides.filter(pc.equal(simulation.rides["refused_at"], ""))


def _summed(rows: pa.Table, schema: pa.Schema, by: list[str]) -> pa.Table:
    amounts = [name for name in schema.names if name.endswith("_fen") and name != "difference_fen"]
    added = [(name, "sum") for name in amounts] + ([("ride_id", "count")] if "rides" in schema.names else [])
    sums = rows.group_by(by, use_threads=False).aggregate(added)
    names = [name.removesuffix("_sum").replace("ride_id_count", "rides") for name in sums.schema.names]
    sums = sums.rename_columns(names)
    sums = sums.append_column("difference_fen", pc.subtract(sums["other_fen"], sums["settled_fen"]))
    return sums.select(schema.names).cast(schema).sort_by([(name, "ascending") for name in by])


def _sum(rows: pa.Table, name: str) -> int:
    return int(pc.sum(rows[name]).as_py() or 0)
