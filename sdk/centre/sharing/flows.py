"""Flows of a service date for everybody: from which city riders come, by hour, and between which stations, by hour.

Rules it keeps:
- Two kinds of tables, one of each a riding city: `issuers` (city of the code × hour) and `stations` (metro journeys
  with both legs: from-to × hour). Each is protected by itself (suppression.py).
- Pairs that come to less than k on the day are counted together, as `other`: left out, they would be what one table's
  sums by hour lack beside the other's.
- A count that is hidden is an empty field, its sums are shown.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import pyarrow as pa

from yima.sdk.centre.sharing.rides import hour_of
from yima.sdk.centre.sharing.suppression import protected

K_DEFAULT = 10
SCHEMA = pa.schema(
    {
        "date": pa.int32(),
        "flow": pa.string(),
        "city": pa.int64(),
        "from": pa.string(),
        "to": pa.string(),
        "hour": pa.string(),
        "rides": pa.int64(),
    }
)
ALL, OTHER = "all", "other"
HOURS = range(24)


def flows(standing: pa.Table, service_date: int, k: int = K_DEFAULT) -> pa.Table:
    """Rows by (flow, city, from, to, hour); a sum has `all` in place of what it sums over."""
    tables: dict[tuple[str, int], dict[tuple[str, str], list[int]]] = defaultdict(dict)
    for row in standing.to_pylist():
        hour = hour_of(row["moment"])
        _count(tables["issuers", row["city"]], (f"{row['issuer_city']:06}", f"{row['city']:06}"), hour)
        if row["entry_station"] and row["exit_station"]:
            stations = (_station(row, "entry_station"), _station(row, "exit_station"))
            _count(tables["stations", row["city"]], stations, hour)
    rows = [
        {"date": service_date, "flow": flow, "city": city, **row}
        for (flow, city), counts in sorted(tables.items())
        for row in _rows(counts, k)
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


def _station(row: Mapping[str, object], which: str) -> str:
    return f"{row['operator']}-{row[which]}"


def _count(counts: dict[tuple[str, str], list[int]], pair: tuple[str, str], hour: int) -> None:
    counts.setdefault(pair, [0] * len(HOURS))[hour] += 1


def _rows(counts: Mapping[tuple[str, str], list[int]], k: int) -> Iterable[dict[str, object]]:
    counts = _pooled(counts, k)
    pairs = sorted(counts)
    shown = protected([counts[pair] for pair in pairs], k)
    for (place, hour), count in sorted(shown.cells.items()):
        yield {"from": pairs[place][0], "to": pairs[place][1], "hour": f"{hour:02}", "rides": count}
    for place, total in shown.rows.items():
        yield {"from": pairs[place][0], "to": pairs[place][1], "hour": ALL, "rides": total}
    for hour, total in shown.columns.items():
        yield {"from": ALL, "to": ALL, "hour": f"{hour:02}", "rides": total}


def _pooled(counts: Mapping[tuple[str, str], list[int]], k: int) -> dict[tuple[str, str], list[int]]:
    """The same counts, with pairs of less than k together, and the next smallest if these are too few as well."""
    ascending = sorted(counts, key=lambda pair: (sum(counts[pair]), pair))
    pool: list[tuple[str, str]] = []
    while ascending and (sum(counts[ascending[0]]) < k or 0 < sum(sum(counts[pair]) for pair in pool) < k):
        pool.append(ascending.pop(0))
    pooled = {pair: counts[pair] for pair in ascending}
    if pool:
        pooled[OTHER, OTHER] = [sum(counts[pair][hour] for pair in pool) for hour in HOURS]
    return pooled
