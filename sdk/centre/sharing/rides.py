"""The bookings of a service date as they stand when no late ones are waited for any more.

A date is shared once: what came in later is in no share, for a second one beside the first would tell of each late
rider alone.
"""

import pyarrow as pa
import pyarrow.compute as pc

from yima.sdk.centre.clearing.days import AHEAD_S, shifted
from yima.sdk.centre.clearing.money.settle import LAST, OrderError
from yima.sdk.centre.clearing.money.tables import CLEARED, FUNDED, PERSONS
from yima.sdk.centre.clearing.workspace import Workspace
from yima.validator.texts import Text


def booked(workspace: Workspace, service_date: int, wait_days: int) -> pa.Table:
    """Every booking and reversal of that service date up to wait_days after it. Raises OrderError before that."""
    last = shifted(service_date, wait_days)
    if not workspace.is_done(LAST, last):
        raise OrderError(
            service_date,
            Text(
                f"late taps are waited for until {last}, which is not settled", f"迟到记录等待至 {last}，该日尚未清算"
            ),
            Text("Share it after that day", "请在该日清算后再共享"),
        )
    rows = workspace.read(CLEARED, since=service_date, before=shifted(last, 1))
    return rows.filter(pc.equal(rows["service_date"], service_date)).sort_by("clearing")


def with_persons(workspace: Workspace, rows: pa.Table, service_date: int, wait_days: int) -> pa.Table:
    """The same rows with `person`: whose account it was in the month of that date, as far as was known then."""
    persons: dict[str, str] = {}
    stated = workspace.read(PERSONS, before=shifted(service_date, wait_days + 1)).sort_by("day")
    for row in stated.to_pylist():
        if row["day"] // 100 <= service_date // 100:
            persons[row["account"]] = row["person"]
    names = [persons.get(account, account) for account in rows["account"].to_pylist()]
    return rows.append_column("person", pa.array(names, pa.string()))


def standing(rows: pa.Table) -> pa.Table:
    """Of these, the booking of each ride that was not taken back: the last word on it."""
    taken_back = set(
        zip(*(rows.filter(rows["reverses"])[name].to_pylist() for name in ("ride_id", "number")), strict=True)
    )
    names = zip(rows["ride_id"].to_pylist(), rows["number"].to_pylist(), rows["reverses"].to_pylist(), strict=True)
    keep = [not reverses and (ride_id, number) not in taken_back for ride_id, number, reverses in names]
    return rows.filter(pa.array(keep, pa.bool_()))


def paid_for(workspace: Workspace, live: pa.Table, service_date: int, wait_days: int) -> pa.Table:
    """What each party pays for rides that stand: clearing, party_kind, party, fen above 0."""
    rows = workspace.read(FUNDED, since=service_date, before=shifted(service_date, wait_days + 1))
    rows = rows.filter(pc.is_in(rows["clearing"], live["clearing"]))
    sums = rows.group_by(["clearing", "party_kind", "party"], use_threads=False).aggregate([("fen", "sum")])
    return sums.set_column(sums.schema.get_field_index("fen_sum"), "fen", pc.negate(sums["fen_sum"]))


def hour_of(moment: int) -> int:
    """0 to 23 in UTC+8."""
    return (moment + AHEAD_S) // 3600 % 24
