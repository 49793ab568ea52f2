"""Flows of a service date for everybody: from which city riders come, by hour, and between which stations, by hour.

Rules it keeps:
- Two kinds of tables, one of each a riding city: `issuers` (city of the code × hour) and `stations` (metro journeys
  with both legs: from-to × hour). Each is protected by itself (suppression.py).
- k is asked of rides and of riders: ten rides of one rider tell of one rider.
- It is asked for everybody who looks: a city's issuers know where their own riders were, and may take these away from
  what is shown. The riding city knows every ride at its gates, so from it nothing here can be kept.
- What the sums of one table lack of the other's is of k riders as well, or of nobody.
- Pairs that come to less than k on the day are counted together, as `other`: left out, they would be what one table's
  sums by hour lack beside the other's.
- A count that is hidden is an empty field, its sums are shown.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa

from yima.sdk.centre.sharing.rides import hour_of
from yima.sdk.centre.sharing.suppression import Cell, Observer, protected

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


class _Ride(NamedTuple):
    """home: the city of the code."""

    home: int
    person: str
    number: int


Pairs = dict[tuple[str, str], list[list[_Ride]]]
"""By (from, to), for each hour: its rides."""


class _Table(NamedTuple):
    """What is shown, by (from, to, hour); the rides that the sum of each hour is of."""

    shown: Mapping[tuple[str, str, str], int | None]
    summed: Mapping[int, frozenset[_Ride]]


def flows(standing: pa.Table, service_date: int, k: int = K_DEFAULT) -> pa.Table:
    """Rows by (flow, city, from, to, hour); a sum has `all` in place of what it sums over. standing: with `person`."""
    issuers: dict[int, Pairs] = defaultdict(dict)
    stations: dict[int, Pairs] = defaultdict(dict)
    for number, row in enumerate(standing.to_pylist()):
        hour, ride = hour_of(row["moment"]), _Ride(row["issuer_city"], row["person"], number)
        _count(issuers[row["city"]], (f"{row['issuer_city']:06}", f"{row['city']:06}"), hour, ride)
        if row["entry_station"] and row["exit_station"]:
            _count(stations[row["city"]], (_station(row, "entry_station"), _station(row, "exit_station")), hour, ride)
    rows = []
    beside = {city: _table(pairs, city, k) for city, pairs in sorted(issuers.items())}
    for flow, tables in (
        ("issuers", beside),
        ("stations", {city: _beside(pairs, beside[city], city, k) for city, pairs in sorted(stations.items())}),
    ):
        for city, table in tables.items():
            rows += [
                {
                    "date": service_date,
                    "flow": flow,
                    "city": city,
                    "from": begin,
                    "to": end,
                    "hour": hour,
                    "rides": rides,
                }
                for (begin, end, hour), rides in table.shown.items()
            ]
    return pa.Table.from_pylist(rows, SCHEMA)


def _station(row: Mapping[str, object], which: str) -> str:
    return f"{row['operator']}-{row[which]}"


def _count(pairs: Pairs, pair: tuple[str, str], hour: int, ride: _Ride) -> None:
    pairs.setdefault(pair, [[] for _ in HOURS])[hour].append(ride)


def _beside(pairs: Pairs, other: _Table, city: int, k: int) -> _Table:
    """A table beside another: both tell how many rode in an hour, and what one lacks of the other must not be few.
    Where it is, the hour is left out of this one."""
    left_out: set[int] = set()
    while True:
        rides = {pair: [[] if hour in left_out else theirs[hour] for hour in HOURS] for pair, theirs in pairs.items()}
        table = _table(rides, city, k)
        few = {
            hour
            for hour in table.summed.keys() & other.summed.keys()
            for lack in (table.summed[hour] - other.summed[hour], other.summed[hour] - table.summed[hour])
            if lack and not _is_many(lack, city, k)
        }
        if not few:
            return table
        left_out |= few


def _is_many(rides: Collection[_Ride], city: int, k: int, *, own: str = "") -> bool:
    """Whether they are of k riders or more for everybody who knows where his own were: the issuers of a city do. In the
    riding city itself all is known, and nothing is asked; nor of whom these rides are by name (own)."""
    homes = {home for home in {ride.home for ride in rides} - {city} if own != f"{home:06}"}
    return all(len({ride.person for ride in rides if ride.home != known}) >= k for known in (None, *homes))


def _table(all_pairs: Pairs, city: int, k: int) -> _Table:
    rides = _pooled(all_pairs, city, k)
    pairs = sorted(rides)
    cells = {(row, hour): rides[pair][hour] for row, pair in enumerate(pairs) for hour in HOURS}
    counts = [[len(cells[row, hour]) for hour in HOURS] for row in range(len(pairs))]
    homes = {ride.home for theirs in cells.values() for ride in theirs} - {city}
    shown = protected(counts, k, [_observer(cells, pairs, home) for home in (None, *sorted(homes))])
    table: dict[tuple[str, str, str], int | None] = {
        (*pairs[row], f"{hour:02}"): count for (row, hour), count in sorted(shown.cells.items())
    }
    table |= {(*pairs[row], ALL): total for row, total in shown.rows.items()}
    table |= {(ALL, ALL, f"{hour:02}"): total for hour, total in shown.columns.items()}
    summed = {hour: frozenset(one for row in shown.rows for one in cells[row, hour]) for hour in shown.columns}
    return _Table(table, summed)


def _observer(cells: Mapping[Cell, Sequence[_Ride]], pairs: Sequence[tuple[str, str]], home: int | None) -> Observer:
    """The issuers of a city know where their riders were; None: somebody who knows of nobody."""
    others = {cell: [ride for ride in theirs if ride.home != home] for cell, theirs in cells.items()}
    return Observer(
        known={cell: len(theirs) - len(others[cell]) for cell, theirs in cells.items()},
        riders={cell: {ride.person for ride in theirs} for cell, theirs in others.items()},
        own=[row for row, pair in enumerate(pairs) if home is not None and pair[0] == f"{home:06}"],
    )


def _pooled(pairs: Pairs, city: int, k: int) -> Pairs:
    """The same rides, with pairs of few riders together, and the next smallest if these are too few as well."""
    rides = {pair: [ride for hour in hours for ride in hour] for pair, hours in pairs.items() if any(hours)}
    riders = {pair: len({ride.person for ride in theirs}) for pair, theirs in rides.items()}
    ascending = sorted(rides, key=lambda pair: (riders[pair], len(rides[pair]), pair))
    pool = [pair for pair in ascending if not _is_many(rides[pair], city, k, own=pair[0])]
    rest = [pair for pair in ascending if pair not in pool]
    while pool and rest and not _is_many([ride for pair in pool for ride in rides[pair]], city, k):
        pool.append(rest.pop(0))
    pooled = {pair: pairs[pair] for pair in rest}
    if pool:
        pooled[OTHER, OTHER] = [[ride for pair in pool for ride in pairs[pair][hour]] for hour in HOURS]
    return pooled
