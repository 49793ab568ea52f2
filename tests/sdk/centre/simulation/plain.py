"""A second reckoning of what rides would have cost, ride by ride and by hand: it asks neither the core nor the other
parameters' tables. The centre's own rules are those of the slow settlement, which shares no code with the first."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tests.sdk.centre.clearing.money import slow

SENIOR, SHANGHAI, SUZHOU, HUAIAN = 2, 310000, 320500, 320800
SUZHOU_BUS_FEN = 251
_OVER_TIME_FEN = {SHANGHAI: 300}


def is_refused(ride: Mapping[str, Any]) -> bool:
    """Shanghai does not take Huaian's codes any more."""
    return (ride["issuer_city"], ride["city"]) == (HUAIAN, SHANGHAI)


def reckoned(ride: Mapping[str, Any]) -> dict[str, Any]:
    """The ride as the other parameters make it: a bus in Suzhou costs more, seniors ride at half fare everywhere, at
    their own city's cost; what a stay below ground costs beyond the fare is not halved, a missing exit costs the same.
    """
    gross, reduced = ride["gross_fen"], []
    if ride["kind"] != "METRO_NO_EXIT":
        if (ride["mode"], ride["city"]) == (1, SUZHOU):
            gross = SUZHOU_BUS_FEN
        beyond = _OVER_TIME_FEN.get(ride["city"], 200) if ride["kind"] == "METRO_OVER_TIME" else 0
        if ride["account_type"] == SENIOR:
            reduced = [("half", (gross - beyond) // 2, "ISSUER_CITY")]
    return {**ride, "gross_fen": gross, "reduced": reduced}


def settled(rides: Sequence[Mapping[str, Any]], terms: Mapping[str, Any], amounts: Mapping[str, int]) -> slow.Books:
    """Rides (with `reduced`) settled on one day. terms: persons, members and rules. amounts: what disputes added, by
    ride."""
    day = max(ride["day"] for ride in rides)
    books = slow.Books()
    world = {
        **terms,
        "rides": [{**ride, "day": day} for ride in rides],
        "voids": [],
        "amounts": [(ride_id, delta, day) for ride_id, delta in amounts.items()],
        "rates": [{"fee": 0}],
    }
    slow.settle_day(books, world, day)
    return books


def fares(books: slow.Books) -> dict[str, tuple[int, int]]:
    """(gross, fare) of each ride."""
    return {row["ride_id"]: (row["gross_fen"], row["fare_fen"]) for row in books.rows}


def paid(books: slow.Books) -> dict[tuple[str, str], int]:
    """What each funder pays."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for row in books.live.values():
        for _, off, funder in (*row["gate"], *row["off"]):
            if off:
                sums[slow.payer(row["ride"], funder)] += off
    return dict(sums)
