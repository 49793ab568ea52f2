"""Sums of money of a service date for everybody: what funders paid, and what equal treatment would have changed.

A sum of money tells how many rides it is of, so it is kept as counts are. Rules:

- A sum is shown of k riders or more, where as many others rode between the same cities without being in it: who knows
  that somebody rode must not learn what he is. Others are left out, and there is no sum that has them in it.
- A city knows where its issuers' riders were, and who passed its own gates. So all of this is asked for each city of
  what is left when these are taken away: of k riders again, or of nobody.
- What one table has and the other lacks must tell no more. What a funder paid in all, less what is shown to change
  between single pairs of cities, is of k riders at least, or of nobody: else another pair is left out.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa

from yima.sdk.centre.simulation.settling import Simulation

SUBSIDIES = pa.schema(
    {
        "date": pa.int32(),
        "party_kind": pa.string(),
        "party": pa.string(),
        "rides": pa.int64(),
        "fen": pa.int64(),
    }
)
EQUAL_TREATMENT = pa.schema(
    {
        "date": pa.int32(),
        "from": pa.string(),
        "to": pa.string(),
        "party_kind": pa.string(),
        "party": pa.string(),
        "rides": pa.int64(),
        "difference_fen": pa.int64(),
    }
)
Party = tuple[str, str]
Pair = tuple[int, int]


class _Rider(NamedTuple):
    """Somebody on a ride between two cities."""

    person: str
    pair: Pair


@dataclass(slots=True)
class _Sum:
    """rides and riders in it; those who rode between the same cities and are not."""

    rides: int = 0
    fen: int = 0
    riders: set[_Rider] = field(default_factory=set)
    others: set[str] = field(default_factory=set)

    def add(self, rider: _Rider, fen: int) -> None:
        self.rides += 1
        self.fen += fen
        self.riders.add(rider)

    def is_large(self, k: int) -> bool:
        return bool(self.riders) and _are_many(self.riders, k) and len(self.others) >= k


def _are_many(riders: Collection[_Rider], k: int) -> bool:
    """Whether these are k persons or more, or none, for everybody: for who knows nothing, and for each city."""
    cities = {city for rider in riders for city in rider.pair}
    left = [{rider.person for rider in riders if city not in rider.pair} for city in cities]
    return len({rider.person for rider in riders}) >= k and all(len(some) >= k for some in left if some)


def subsidies(live: pa.Table, paid: pa.Table, service_date: int, k: int) -> pa.Table:
    """Rows by party, of those that may be shown. live: rides that stand, with `person`; paid: see rides.paid_for."""
    by_clearing: dict[int, dict[Party, int]] = defaultdict(dict)
    for row in paid.to_pylist():
        by_clearing[row["clearing"]][row["party_kind"], row["party"]] = row["fen"]
    sums: dict[Party, _Sum] = defaultdict(_Sum)
    pairs: dict[Party, set[Pair]] = defaultdict(set)
    rides = live.select(["clearing", "person", "issuer_city", "city"]).to_pylist()
    for row in rides:
        for party, fen in by_clearing[row["clearing"]].items():
            pair = (row["issuer_city"], row["city"])
            sums[party].add(_Rider(row["person"], pair), fen)
            pairs[party].add(pair)
    for row in rides:
        for party in sums.keys() - by_clearing[row["clearing"]].keys():
            if (row["issuer_city"], row["city"]) in pairs[party]:
                sums[party].others.add(row["person"])
    shown = [
        {"date": service_date, "party_kind": party[0], "party": party[1], "rides": one.rides, "fen": one.fen}
        for party, one in sorted(sums.items())
        if one.is_large(k)
    ]
    return pa.Table.from_pylist(shown, SUBSIDIES)


def equal_treatment(simulation: Simulation, rides: Iterable[str], service_date: int, k: int) -> pa.Table:
    """Rows by (from, to, party), of those that may be shown: what who would have paid more, below 0 less. rides: those
    that the day's other tables are of; such as the parameters refuse are left out."""
    of = set(rides)
    riding = {
        row["ride_id"]: row for row in simulation.rides.to_pylist() if row["ride_id"] in of and not row["refused_at"]
    }
    changed: dict[Pair, dict[Party, _Sum]] = defaultdict(lambda: defaultdict(_Sum))
    hidden: dict[Party, set[_Rider]] = defaultdict(set)  # riders in what a funder paid and that is not shown to change
    touched: dict[str, set[Party]] = defaultdict(set)
    for row in simulation.funders.to_pylist():
        ride = riding.get(row["ride_id"])
        if ride is None:
            continue
        party, pair = (row["party_kind"], row["party"]), (ride["issuer_city"], ride["city"])
        rider = _Rider(ride["person"], pair)
        if row["settled_fen"] == row["other_fen"]:
            hidden[party].add(rider)
            continue
        touched[row["ride_id"]].add(party)
        changed[pair][party].add(rider, row["other_fen"] - row["settled_fen"])
    for ride_id, ride in riding.items():
        sums = changed.get((ride["issuer_city"], ride["city"]), {})
        for party in sums.keys() - touched[ride_id]:
            sums[party].others.add(ride["person"])
    shown = _shown(changed, hidden, k)
    rows = [
        {
            "date": service_date,
            "from": f"{pair[0]:06}",
            "to": f"{pair[1]:06}",
            "party_kind": party[0],
            "party": party[1],
            "rides": one.rides,
            "difference_fen": one.fen,
        }
        for pair in shown
        for party, one in sorted(changed[pair].items())
    ]
    return pa.Table.from_pylist(rows, EQUAL_TREATMENT)


def _shown(changed: Mapping[Pair, Mapping[Party, _Sum]], hidden: Mapping[Party, set[_Rider]], k: int) -> list[Pair]:
    """The pairs of cities that may be shown, whole: what the funders of one ride pay is known from each other."""
    shown = {pair for pair, sums in changed.items() if all(one.is_large(k) for one in sums.values())}
    unseen: dict[Party, set[_Rider]] = defaultdict(set, {party: set(riders) for party, riders in hidden.items()})

    def hide(pair: Pair) -> None:
        for party, one in changed[pair].items():
            unseen[party] |= one.riders

    for pair in changed.keys() - shown:
        hide(pair)
    while True:
        short = {party for party, riders in unseen.items() if riders and not _are_many(riders, k)}
        candidates = [pair for pair in shown if short & changed[pair].keys()]
        if not candidates:
            return sorted(shown)
        smallest = min(candidates, key=lambda pair: (_size(changed[pair]), pair))
        shown.remove(smallest)
        hide(smallest)


def _size(sums: Mapping[Party, Any]) -> int:
    return sum(len(one.riders) for one in sums.values())
