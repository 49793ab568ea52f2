"""Flows of a service date for everybody: from which city riders come, by hour, and between which stations, by hour.

Rules it keeps:
- Two kinds of tables, one of each a riding city: `issuers` (city of the code × hour) and `stations` (metro journeys
  with both legs: from-to × hour). Each is protected by itself (suppression.py).
- k is asked of rides and of riders: ten rides of one rider tell of one rider.
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


Pairs = dict[tuple[str, str], list[list[str]]]
"""By (from, to), for each hour: the rider of each ride."""


def flows(standing: pa.Table, service_date: int, k: int = K_DEFAULT) -> pa.Table:
    """Rows by (flow, city, from, to, hour); a sum has `all` in place of what it sums over. standing: with `person`."""
    tables: dict[tuple[str, int], Pairs] = defaultdict(dict)
    for row in standing.to_pylist():
        hour = hour_of(row["moment"])
        pair = (f"{row['issuer_city']:06}", f"{row['city']:06}")
        _count(tables["issuers", row["city"]], pair, hour, row["person"])
        if row["entry_station"] and row["exit_station"]:
            stations = (_station(row, "entry_station"), _station(row, "exit_station"))
            _count(tables["stations", row["city"]], stations, hour, row["person"])
    rows = [
        {"date": service_date, "flow": flow, "city": city, **row}
        for (flow, city), counts in sorted(tables.items())
        for row in _rows(counts, k)
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


def _station(row: Mapping[str, object], which: str) -> str:
    return f"{row['operator']}-{row[which]}"


def _count(pairs: Pairs, pair: tuple[str, str], hour: int, rider: str) -> None:
    pairs.setdefault(pair, [[] for _ in HOURS])[hour].append(rider)


def _rows(all_pairs: Pairs, k: int) -> Iterable[dict[str, object]]:
    rides = _pooled(all_pairs, k)
    pairs = sorted(rides)
    counts = [[len(rides[pair][hour]) for hour in HOURS] for pair in pairs]
    shown = protected(counts, k, [[set(rides[pair][hour]) for hour in HOURS] for pair in pairs])
    for (place, hour), count in sorted(shown.cells.items()):
        yield {"from": pairs[place][0], "to": pairs[place][1], "hour": f"{hour:02}", "rides": count}
    for place, total in shown.rows.items():
        yield {"from": pairs[place][0], "to": pairs[place][1], "hour": ALL, "rides": total}
    for hour, total in shown.columns.items():
        yield {"from": ALL, "to": ALL, "hour": f"{hour:02}", "rides": total}


def _pooled(pairs: Pairs, k: int) -> Pairs:
    """The same rides, with pairs of less than k together, and the next smallest if these are too few as well."""
    riders = {pair: {one for hour in rides for one in hour} for pair, rides in pairs.items()}
    size = {pair: (len(riders[pair]), sum(map(len, rides)), pair) for pair, rides in pairs.items()}
    ascending = sorted(pairs, key=lambda pair: size[pair])
    pool: list[tuple[str, str]] = []
    while ascending and (len(riders[ascending[0]]) < k or 0 < len(set().union(*(riders[one] for one in pool))) < k):
        pool.append(ascending.pop(0))
    pooled = {pair: pairs[pair] for pair in ascending}
    if pool:
        pooled[OTHER, OTHER] = [[one for pair in pool for one in pairs[pair][hour]] for hour in HOURS]
    return pooled
