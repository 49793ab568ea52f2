"""A rider's month: every ride of its service dates, as it stands, with what was charged for it and given back.

It is read from what the rider's issuer was handed, so whatever is asked for, no other issuer's rides are in reach.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from yima.sdk.centre.clearing.parquet import TableFileError
from yima.sdk.centre.interfaces.committed import Snapshot
from yima.sdk.centre.interfaces.parties import REDUCED, issued
from yima.validator.texts import Text

_COLUMNS = [
    "account", "clearing", "ride_id", "number", "reverses", "cause", "kind", "operator", "city", "mode", "line",
    "entry_at", "entry_station", "exit_station", "moment", "gate_fen", *REDUCED, "fare_fen", "service_date", "day",
]  # fmt: skip
_RIDE = (
    "ride_id", "kind", "operator", "city", "mode", "line", "entry_at", "entry_station", "exit_station", "moment",
    "service_date",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RideOfMonth:
    """A ride, as its newest booking has it, with all of its bookings and reversals in their order."""

    ride: dict[str, Any]
    charges: tuple[dict[str, Any], ...]

    @property
    def stands(self) -> bool:
        """Whether it is charged in the end."""
        return sum(-1 if one["reverses"] else 1 for one in self.charges) > 0

    @property
    def fare_fen(self) -> int:
        """What it costs as things stand."""
        return sum(one["fare_fen"] for one in self.charges)

    @property
    def reductions_fen(self) -> int:
        """What was taken off, by gates and centre; 0 or below."""
        return sum(one["gate_fen"] + sum(one[name] for name in REDUCED) for one in self.charges)


def month_of(snapshot: Snapshot, issuer: str, account: str, month: int, as_of: int) -> list[RideOfMonth]:
    """The rides of an account in a month (202609), by (moment, ride_id), as they stood when `as_of` was cleared."""
    first, last = month * 100, month * 100 + 99
    days = [day for day in snapshot.days if day <= as_of]
    paths = [str(path) for day in days if (path := issued(snapshot, issuer)(day)[0]).exists()]
    paths = [path for path in paths if _may_hold(path, Path(path).stat().st_mtime_ns, first, last)]
    return _rides([row for path in paths for row in _rows(path, account, first, last)])


def _rows(path: str, account: str, first: int, last: int) -> list[dict[str, Any]]:
    """The rows of a file that are the account's; of groups in which it is not, no other column is read."""
    chosen = (pc.field("service_date") > first) & (pc.field("service_date") < last) & (pc.field("account") == account)
    found: list[dict[str, Any]] = []
    try:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                accounts = file.read_row_group(group, columns=["account"])["account"]
                if pc.index(accounts, account).as_py() >= 0:
                    found += file.read_row_group(group, columns=_COLUMNS).filter(chosen).select(_COLUMNS).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, error) from error
    return found


def _rides(rows: Sequence[dict[str, Any]]) -> list[RideOfMonth]:
    by_ride: dict[str, list[dict[str, Any]]] = defaultdict(list)
    ordered = sorted(rows, key=lambda row: (row["ride_id"], row["clearing"]))
    for ride_id, charges in groupby(ordered, key=lambda row: str(row["ride_id"])):
        by_ride[ride_id] = list(charges)
    rides = [
        RideOfMonth(ride={name: charges[-1][name] for name in _RIDE}, charges=tuple(charges))
        for charges in by_ride.values()
    ]
    return sorted(rides, key=lambda one: (one.ride["moment"], one.ride["ride_id"]))


@lru_cache(maxsize=1 << 14)
def _may_hold(path: str, _changed_ns: int, first: int, last: int) -> bool:
    """Whether a file may have rides of these dates: as its statistics say, which stay as they are."""
    try:
        with pq.ParquetFile(path) as file:
            place = file.schema_arrow.get_field_index("service_date")
            parts = [file.metadata.row_group(group).column(place) for group in range(file.num_row_groups)]
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, error) from error
    return any(not part.is_stats_set or (part.statistics.min < last and part.statistics.max > first) for part in parts)


def _damaged(what: str, error: Exception) -> TableFileError:
    return TableFileError(
        what, Text(f"cannot be read: {error}", f"无法读取：{error}"), Text("Restore it from a copy", "请从备份恢复")
    )
