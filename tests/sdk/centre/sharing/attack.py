"""An attack on what is shared, by one city: it has all public files of all days, its own packages, what passed its own
gates, and where its own issuers' riders rode. Sometimes it has another city's packages as well.

It knows how names are made but no key, and it knows the rules of the tables. It shares no code with what it attacks,
and is no wiser than its files: what it claims is held against the truth by whoever runs it.
"""

import csv
import hashlib
import hmac
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, pairwise
from pathlib import Path
from typing import Any

Row = dict[str, str]
Where = tuple[str, str, str, str, str]  # flow, riding city, from, to, hour
_HASHES = ("md5", "sha1", "sha256", "sha512", "blake2s", "sha3_256")
QUARTER_S, WITHIN_S = 900, 7200


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def names_made_again(tokens: Iterable[str], accounts: Iterable[str], contexts: Sequence[str]) -> dict[str, str]:
    """Names that anybody makes who has the account: hashes of it, plain, with the city or the month, under no key."""
    wanted = set(tokens)
    found: dict[str, str] = {}
    for account in accounts:
        words = [account, *(f"{a}{sep}{b}" for c in contexts for a, b in ((account, c), (c, account)) for sep in _SEPS)]
        for word in words:
            for name in _HASHES:
                digests = [hashlib.new(name, word.encode()).hexdigest()]
                digests += [hmac.new(key, word.encode(), name).hexdigest() for key in (b"", bytes(32))]
                found |= {digest[:32]: account for digest in digests if digest[:32] in wanted}
    return found


_SEPS = ("", "\0", "-", ":", "|")


def names_seen_twice(packages: Mapping[Any, Iterable[str]]) -> set[str]:
    """Names that are the same in two packages of different months or cities."""
    seen = Counter(token for tokens in packages.values() for token in set(tokens))
    return {token for token, times in seen.items() if times > 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a count of others than the attacker's own riders may be, for all that it knows; high: k and more are one."""

    where: Where
    low: int
    high: int


def bounds(flows: Sequence[Row], own: Mapping[Where, int], k: int) -> Iterator[Bounds]:
    """What each hidden count, each shown one and each sum says of others. own: how many of its riders are in each cell.
    Whether a pair that is not there is counted with others or left out is not told: it takes what fits both."""
    both = []
    for is_pooled in (True, False):
        try:
            both.append({one.where: one for one in _bounds(flows, own, k, is_pooled=is_pooled)})
        except ValueError:  # so it cannot have been
            continue
    for where in both[0]:
        of = [some[where] for some in both]
        yield Bounds(where=where, low=min(one.low for one in of), high=max(one.high for one in of))


def _bounds(flows: Sequence[Row], own: Mapping[Where, int], k: int, *, is_pooled: bool) -> Iterator[Bounds]:
    tables: dict[tuple[str, str], dict[tuple[str, str, str], int | None]] = defaultdict(dict)
    for row in flows:
        cell = (row["from"], row["to"], row["hour"])
        tables[row["flow"], row["city"]][cell] = int(row["rides"]) if row["rides"] else None
    for (flow, city), table in sorted(tables.items()):
        pairs = sorted({(begin, end) for begin, end, _ in table} - {("all", "all")})
        hours = sorted({hour for _, _, hour in table} - {"all"})
        mine = _own(
            {cell[2:]: count for cell, count in own.items() if cell[:2] == (flow, city)}, pairs, hours, is_pooled
        )
        left = {(*pair, hour): table[*pair, hour] for pair in pairs for hour in hours}
        shown = {cell: count - mine[cell] for cell, count in left.items() if count is not None}
        rows = {pair: (table[*pair, "all"] or 0) - sum(mine[*pair, hour] for hour in hours) for pair in pairs}
        columns = {hour: (table["all", "all", hour] or 0) - sum(mine[*pair, hour] for pair in pairs) for hour in hours}
        known = {(*pair, "all"): count for pair, count in rows.items()}
        known |= {("all", "all", hour): count for hour, count in columns.items()} | shown
        for cell, count in known.items():
            yield Bounds(where=(flow, city, *cell), low=count, high=count)
        hidden = [cell for cell in left if left[cell] is None]
        for pair in pairs:
            rows[pair] -= sum(count for cell, count in shown.items() if cell[:2] == pair)
        for hour in hours:
            columns[hour] -= sum(count for cell, count in shown.items() if cell[2] == hour)
        for cell, (low, high) in _between(hidden, rows, columns, k).items():
            yield Bounds(where=(flow, city, *cell), low=low, high=high)


def _own(
    own: Mapping[tuple[str, str, str], int], pairs: Sequence[tuple[str, str]], hours: Sequence[str], is_pooled: bool
) -> Counter[tuple[str, str, str]]:
    mine: Counter[tuple[str, str, str]] = Counter()
    for (begin, end, hour), count in own.items():
        pair = (begin, end) if (begin, end) in pairs or not is_pooled else ("other", "other")
        if hour in hours and pair in pairs:
            mine[*pair, hour] += count
    return mine


def _between(
    hidden: Sequence[tuple[str, str, str]], rows: Mapping[tuple[str, str], int], columns: Mapping[str, int], k: int
) -> dict[tuple[str, str, str], tuple[int, int]]:
    """The least and the most that each hidden count may be: one table that fits is found, then each count is pushed as
    far as the others give way."""
    ahead: dict[Any, set[Any]] = defaultdict(set)
    for begin, end, hour in hidden:
        ahead["row", begin, end].add(("hour", hour))
    fits: Counter[tuple[Any, Any]] = Counter()
    sources = {("row", *pair): count for pair, count in rows.items() if count > 0}
    sinks = {("hour", hour): count for hour, count in columns.items() if count > 0}
    for source, count in sources.items():
        left = count
        while left:
            way = _way(fits, ahead, source, {sink for sink, room in sinks.items() if room}, without=None)
            if way is None:
                raise ValueError("no table fits what is shown")
            step = min([left, sinks[way[-1]], *_room(fits, way)])
            _push(fits, way, step)
            sinks[way[-1]] -= step
            left -= step
    found = {}
    for begin, end, hour in hidden:
        row, column = ("row", begin, end), ("hour", hour)
        there = fits[row, column]
        down = _pushed(Counter(fits), ahead, (row, column), there)
        up = _pushed(Counter(fits), ahead, (column, row), max(0, k - there))
        found[begin, end, hour] = (there - down, there + up)
    return found


def _pushed(fits: Counter[tuple[Any, Any]], ahead: Mapping[Any, set[Any]], ends: tuple[Any, Any], most: int) -> int:
    """By how much others give way, `most` at most, from the one end of a count (a row, an hour) to the other."""
    start, goal = ends
    edge = ends if start[0] == "row" else (goal, start)
    done = 0
    while done < most:
        way = _way(fits, ahead, start, {goal}, without=edge)
        if way is None:
            break
        step = min([most - done, *_room(fits, way)])
        _push(fits, way, step)
        done += step
    return done


def _way(
    fits: Counter[tuple[Any, Any]], ahead: Mapping[Any, set[Any]], start: Any, goals: set[Any], *, without: Any
) -> list[Any] | None:
    came: dict[Any, Any] = {start: None}
    waiting = deque([start])
    while waiting:
        at = waiting.popleft()
        if at in goals:
            way = [at]
            while came[way[-1]] is not None:
                way.append(came[way[-1]])
            return way[::-1]
        if at[0] == "row":
            nexts = [to for to in ahead[at] if (at, to) != without]
        else:
            nexts = [row for row in ahead if fits[row, at] > 0 and at in ahead[row] and (row, at) != without]
        for to in nexts:
            if to not in came:
                came[to] = at
                waiting.append(to)
    return None


def _room(fits: Counter[tuple[Any, Any]], way: Sequence[Any]) -> list[int]:
    return [fits[b, a] for a, b in pairwise(way) if a[0] == "hour"]


def _push(fits: Counter[tuple[Any, Any]], way: Sequence[Any], step: int) -> None:
    for a, b in pairwise(way):
        if a[0] == "row":
            fits[a, b] += step
        else:
            fits[b, a] -= step


def lacking(flows: Sequence[Row]) -> dict[tuple[str, str], int]:
    """By (riding city, hour): how many more or fewer one table's sum has than the other's."""
    sums: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for row in flows:
        if row["from"] == "all":
            sums[row["city"], row["hour"]][row["flow"]] = int(row["rides"])
    return {where: of["issuers"] - of["stations"] for where, of in sums.items() if {"issuers", "stations"} <= of.keys()}


def rest_of_money(subsidies: Sequence[Row], equal: Sequence[Row]) -> Iterator[tuple[str, list[Row], int]]:
    """(funder, pairs taken away, how many rides are left) for whatever pairs are taken from what a funder paid."""
    for row in subsidies:
        theirs = [one for one in equal if one["party"] == row["party"]]
        for some in chain.from_iterable(combinations(theirs, count) for count in range(len(theirs) + 1)):
            yield row["party"], list(some), int(row["rides"]) - sum(int(one["rides"]) for one in some)


def one_rider_two_codes(gates: Sequence[Mapping[str, Any]], *, days: int = 4) -> set[frozenset[str]]:
    """Of what passed its own gates: a transfer that no ride of the same account explains is from another code; which
    one rode before, on that many days, and no other so often."""
    together: Counter[frozenset[str]] = Counter()
    for ride in gates:
        if not ride["transfer_fen"]:
            continue
        before = [
            one for one in gates if 0 < ride["moment"] - one["moment"] <= WITHIN_S and one["device"] != ride["device"]
        ]
        if not any(one["account"] == ride["account"] for one in before):
            together.update({frozenset((ride["account"], one["account"])) for one in before})
    best: dict[str, frozenset[str]] = {}
    for account in set().union(*together):
        (pair, count), *others = Counter({pair: together[pair] for pair in together if account in pair}).most_common(2)
        if count >= days and all(count > other for _, other in others):
            best[account] = pair
    return {pair for pair in best.values() if all(best.get(account) == pair for account in pair)}


def travellers(mine: Sequence[Row], theirs: Sequence[Row], *, days: int = 3) -> set[tuple[str, str]]:
    """Names of two packages that go together: the one left, the other came in the same quarter hour or the next, on
    that many days, and no other pair of names does so as often."""
    came: dict[tuple[str, int], set[str]] = defaultdict(set)
    for row in mine:
        came[row["service_date"], _quarter(row)].add(row["token_id"])
    together: Counter[tuple[str, str]] = Counter()
    for row in theirs:
        quarter = _quarter(row)
        near = came[row["service_date"], quarter] | came[row["service_date"], quarter + 1]
        together.update((row["token_id"], name) for name in near)
    best: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for (there, here), count in together.items():
        best[there].append((count, here))
    found = set()
    for there, some in best.items():
        some.sort()
        if some[-1][0] >= days and (len(some) == 1 or some[-1][0] > some[-2][0]):
            found.add((there, some[-1][1]))
    return found


def _quarter(row: Row) -> int:
    hours, minutes = row["event_timestamp"][11:16].split(":")
    return (int(hours) * 3600 + int(minutes) * 60) // QUARTER_S
