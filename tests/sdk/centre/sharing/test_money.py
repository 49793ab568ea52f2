"""Sums of money that are shown, and what can be reckoned out of them: never anything of fewer than k riders."""

import random
from collections import defaultdict
from itertools import chain, combinations
from typing import Any

import pyarrow as pa
import pytest

from yima.sdk.centre.sharing.money import equal_treatment, subsidies
from yima.sdk.centre.simulation.other import Other
from yima.sdk.centre.simulation.settling import FUNDER, RIDE, Simulation

DAY, K = 20260914, 3
SHANGHAI, SUZHOU, JIAXING = 310000, 320500, 330400
CITIES = (SHANGHAI, SUZHOU, JIAXING)


def ride(
    number: int, rider: str, pair: tuple[int, int], settled: dict[str, int], other: dict[str, int]
) -> dict[str, Any]:
    """A ride of 4 yuan; settled, other: what who pays for it."""
    return {
        "ride_id": f"bus/1/{number}", "clearing": number, "person": rider, "issuer_city": pair[0], "city": pair[1],
        "settled": settled, "other": other,
    }  # fmt: skip


def tables(rides: list[dict[str, Any]], k: int = K) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Both public tables of these rides."""
    live = pa.Table.from_pylist([{k: v for k, v in one.items() if k not in {"settled", "other"}} for one in rides])
    paid = [
        {"clearing": one["clearing"], "party_kind": "CITY", "party": party, "fen": fen}
        for one in rides
        for party, fen in one["settled"].items()
        if fen
    ]
    schema = pa.schema({"clearing": pa.int64(), "party_kind": pa.string(), "party": pa.string(), "fen": pa.int64()})
    both = [
        {"ride_id": one["ride_id"], "party_kind": "CITY", "party": party}
        | {"settled_fen": one["settled"].get(party, 0), "other_fen": one["other"].get(party, 0)}
        for one in rides
        for party in sorted(one["settled"].keys() | one["other"].keys())
    ]
    sums = {f"{which}_gross_fen": 400 for which in ("settled", "other")}
    simulated = [
        dict.fromkeys(RIDE.names)
        | {name: one[name] for name in ("ride_id", "person", "issuer_city", "city")}
        | {"service_date": DAY, "refused_at": one.get("refused_at", ""), "reason": 0, **sums}
        | {f"{which}_fen": 400 - sum(one[which].values()) for which in ("settled", "other")}
        for one in rides
    ]
    simulation = Simulation(
        other=Other(image=b"", city=0, version=2, digest=""),
        since=DAY,
        until=DAY,
        rides=pa.Table.from_pylist(simulated, RIDE),
        funders=pa.Table.from_pylist(both, FUNDER),
    )
    shown = subsidies(live, pa.Table.from_pylist(paid, schema), DAY, k).to_pylist()
    of = [one["ride_id"] for one in rides if "beyond" not in one]
    return shown, equal_treatment(simulation, of, DAY, k).to_pylist()


def seniors(home: int, city: int, many: int, *, half: bool = False, first: int = 0) -> list[dict[str, Any]]:
    """So many seniors and ten others, who would ride for nothing; for which their own city pays."""
    party = f"00{home}"
    now = {party: 200} if half else {}
    some = [ride(first + n, f"s{home}{city}{n}", (home, city), now, {party: 400}) for n in range(many)]
    return some + [ride(first + 100 + n, f"o{home}{city}{n}", (home, city), {}, {}) for n in range(10)]


def test_a_sum_of_k_riders_is_shown_and_one_of_fewer_is_not() -> None:
    for many, shown in ((K - 1, []), (K, [(K, 200 * K)])):
        paid, more = tables(seniors(JIAXING, SUZHOU, many, half=True))
        assert [(row["rides"], row["fen"]) for row in paid] == shown
        assert [(row["rides"], row["difference_fen"]) for row in more] == shown


@pytest.mark.parametrize("why", [{"refused_at": "gate"}, {"beyond": True}], ids=["refused", "in no other table"])
def test_a_ride_that_the_parameters_refuse_or_that_no_other_table_is_of_changes_no_sum(why: dict[str, Any]) -> None:
    """A sum of it beside one without it would tell of its rider alone."""
    rides = seniors(JIAXING, SUZHOU, K + 1, half=True)
    rides[0] |= why
    assert [(row["rides"], row["difference_fen"]) for row in tables(rides)[1]] == [(K, 200 * K)]


def test_many_rides_of_one_rider_are_no_sum_of_many() -> None:
    rides = seniors(JIAXING, SUZHOU, 30, half=True)
    assert tables([{**one, "person": one["person"][:1]} for one in rides]) == ([], [])


def test_where_all_who_rode_are_in_the_sum_it_is_not_shown() -> None:
    """Who knows that somebody rode there would know that he is a senior."""
    rides = [one for one in seniors(JIAXING, SUZHOU, 20, half=True) if one["settled"]]
    assert tables(rides) == ([], [])


def test_a_small_pair_is_not_what_the_funders_sum_lacks() -> None:
    """Jiaxing pays for 15 riders in all, 10 of them in Suzhou and 3 at home: the two in Shanghai would be the rest."""
    rides = seniors(JIAXING, SUZHOU, 10, half=True) + seniors(JIAXING, SHANGHAI, 2, half=True, first=1000)
    rides += seniors(JIAXING, JIAXING, 3, half=True, first=2000)
    paid, more = tables(rides)
    assert [row["fen"] for row in paid] == [15 * 200]
    assert [row["to"] for row in more] == [str(SUZHOU)]


def test_a_city_that_takes_its_own_rides_away_is_left_with_no_few() -> None:
    """Suzhou knows the ten who rode there: what is left of Jiaxing's sum would be the two in Shanghai."""
    rides = seniors(JIAXING, SUZHOU, 10, half=True) + seniors(JIAXING, SHANGHAI, 2, half=True, first=1000)
    assert tables(rides)[0] == []


def test_riders_who_are_paid_for_and_not_changed_are_no_difference_either() -> None:
    rides = seniors(JIAXING, SUZHOU, 10, half=True)
    rides += [{**one, "other": one["settled"]} for one in seniors(JIAXING, SHANGHAI, 2, half=True, first=1000)]
    assert tables(rides)[1] == []
    rides += [{**one, "other": one["settled"]} for one in seniors(JIAXING, JIAXING, 3, half=True, first=2000)]
    assert [row["to"] for row in tables(rides)[1]] == [str(SUZHOU)], "five hide each other"


@pytest.mark.parametrize("seed", range(60))
def test_no_difference_of_sums_is_of_few_riders(seed: int) -> None:
    """Whoever knows the fares takes any of the shown pairs from what a funder paid in all, and a city what it knows."""
    dice = random.Random(seed)
    rides: list[dict[str, Any]] = []
    for home in CITIES:
        for city in CITIES:
            many = dice.choice([0, 1, 2, 3, 4, 9])
            made = seniors(home, city, many, half=True, first=len(rides) * 1000)
            if dice.random() < 0.3:
                made = [{**one, "other": one["settled"]} for one in made]
            rides += made
    paid, more = tables(rides)
    riders: dict[tuple[str, ...], set[str]] = defaultdict(set)
    places: dict[tuple[str, ...], set[str]] = {}
    for one in rides:
        for party in one["settled"]:
            pair = (str(one["issuer_city"]), str(one["city"]))
            key = (party, *pair, *([] if one["settled"] != one["other"] else ["same"]))
            riders[key].add(one["person"])
            places[key] = set(pair)
    for row in paid:
        parts = {key: who for key, who in riders.items() if key[0] == row["party"]}
        shown = [(line["party"], line["from"], line["to"]) for line in more if line["party"] == row["party"]]
        for some in chain.from_iterable(combinations(shown, count) for count in range(len(shown) + 1)):
            for knows in (None, *map(str, CITIES)):
                rest: set[str] = set()
                for part, who in parts.items():
                    if part not in some and knows not in places[part]:
                        rest |= who
                assert not 0 < len(rest) < K
