"""What is shared, attacked by a city that has everything public, its own packages and its own registry.

Each attack is run on the real thing, where it must find no more than docs/region.md admits, and on a careless one,
where it must succeed: an attack that can find nothing proves nothing.
"""

import hashlib
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.centre.sharing import attack
from tests.sdk.centre.sharing.attack import Row, Where
from tests.sdk.centre.sharing.small_region import CITIES, DAYS, HOMES, JIAXING, SHANGHAI, SUZHOU, WAIT, Region
from yima.sdk.centre.sharing import writing
from yima.sdk.centre.sharing.flows import _table
from yima.sdk.centre.sharing.rides import hour_of
from yima.sdk.centre.sharing.suppression import PUBLIC, Shown
from yima.sdk.centre.sharing.writing import share

K, SEED = 4, 11
CONTEXTS = tuple(map(str, (*CITIES, 202609, 202610)))


class Careless:
    """Names that anybody who has the account can make again, the same in every month and city."""

    @classmethod
    def of(cls, folder: Path, month: int) -> "Careless":
        return cls()

    def rider(self, city: int, account: str) -> str:
        return hashlib.sha256(account.encode()).hexdigest()[:32]

    def transaction(self, city: int, clearing: int) -> str:
        return hashlib.sha256(str(clearing).encode()).hexdigest()[:32]


def bare(counts: list[list[int]], k: int, observers: object = ()) -> Shown:
    """Hides counts under k and nothing else."""
    rows = [row for row, cells in enumerate(counts) if sum(cells)]
    columns = [column for column in range(len(counts[0])) if sum(cells[column] for cells in counts)]
    return Shown(
        cells={(row, c): counts[row][c] if counts[row][c] >= k else None for row in rows for c in columns},
        rows={row: sum(counts[row]) for row in rows},
        columns={column: sum(cells[column] for cells in counts) for column in columns},
    )


@pytest.fixture(scope="module")
def region() -> Region:
    return Region(SEED)


def shared(region: Region, folder: Path) -> Path:
    """All days of the region, shared one after the other."""
    workspace = region.write(folder / "workspace")
    for day in DAYS:
        share(
            workspace, day, folder / "out", folder / "keys", wait_days=WAIT, k=K,
            simulated=lambda day=day: region.simulated(day),  # type: ignore[misc]
        )  # fmt: skip
    workspace.close()
    return folder / "out"


@pytest.fixture(scope="module")
def real(region: Region, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared(region, tmp_path_factory.mktemp("real"))


@pytest.fixture
def careless(region: Region, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same region shared without care: small counts alone are hidden, every sum is told, names are hashes."""
    monkeypatch.setattr(writing, "Pseudonyms", Careless)
    monkeypatch.setattr("yima.sdk.centre.sharing.flows.protected", bare)
    monkeypatch.setattr("yima.sdk.centre.sharing.flows._pooled", lambda pairs, city, k: pairs)
    monkeypatch.setattr("yima.sdk.centre.sharing.flows._beside", lambda pairs, other, city, k: _table(pairs, city, k))
    monkeypatch.setattr("yima.sdk.centre.sharing.money._are_many", lambda riders, k: True)
    return shared(region, tmp_path)


def names(out: Path, city: int) -> dict[int, list[Row]]:
    """The rows of a city's packages, by month."""
    found: dict[int, list[Row]] = defaultdict(list)
    for day in DAYS:
        found[day // 100] += attack.read(out / str(day) / f"tides-{city}" / "fare_transactions.csv")
    return found


def tokens(rows: list[Row]) -> set[str]:
    return {row["token_id"] for row in rows}


def public(out: Path, day: int, name: str) -> list[Row]:
    return attack.read(out / str(day) / f"{name}.csv")


def told_names(region: Region, out: Path) -> tuple[set[str], set[str]]:
    """Names that Suzhou finds again in other months or cities, and those that it makes from its accounts."""
    packages = {(city, month): tokens(rows) for city in CITIES for month, rows in names(out, city).items()}
    mine = [account for account in region.persons if account.startswith(str(SUZHOU))]
    everything = set().union(*packages.values())
    return attack.names_seen_twice(packages), set(attack.names_made_again(everything, mine, CONTEXTS))


def test_no_name_is_found_again_in_another_month_or_city(region: Region, real: Path) -> None:
    assert told_names(region, real) == (set(), set())


def test_careless_names_are_found_again(region: Region, careless: Path) -> None:
    again, made = told_names(region, careless)
    assert len(again) > 100 and len(made) >= 45


def cells(region: Region, day: int, home: int | None = None) -> Counter[Where]:
    """Rides by cell of the tables of flows; home: of that city's issuers alone."""
    found: Counter[Where] = Counter()
    for ride in region.of(day):
        if home not in (None, ride["issuer_city"]):
            continue
        city, hour = str(ride["city"]), f"{hour_of(ride['moment']):02}"
        found["issuers", city, str(ride["issuer_city"]), city, hour] += 1
        if ride["mode"] == 2:
            ends = (f"{ride['operator']}-{ride['entry_station']}", f"{ride['operator']}-{ride['exit_station']}")
            found["stations", city, *ends, hour] += 1
    return found


def rest(where: Where, truth: Counter[Where], own: Counter[Where], rows: list[Row]) -> int:
    """How many rides of others a shown or hidden number is of: of a cell, of the pairs that are counted together, or of
    a sum over what is shown."""
    flow, city, begin, end, hour = where
    table = [row for row in rows if (row["flow"], row["city"]) == (flow, city)]
    hours = {row["hour"] for row in table} - {"all"} if hour == "all" else {hour}
    pairs = {(row["from"], row["to"]) for row in table} - {("all", "all"), ("other", "other")}
    return sum(
        count - own[cell]
        for cell, count in truth.items()
        if cell[:2] == (flow, city) and cell[4] in hours
        and (begin == "all" or (cell[2:4] not in pairs if begin == "other" else cell[2:4] == (begin, end)))
    )  # fmt: skip


def told_counts(region: Region, out: Path) -> set[tuple[int, int | None, Where]]:
    """Small counts of others that somebody is told: by day, and the city of who looks (None: anybody)."""
    told = set()
    for day in DAYS:
        rows, truth = public(out, day, "flows"), cells(region, day)
        for home in (None, *HOMES):
            own = cells(region, day, home) if home else Counter()
            for one in attack.bounds([row for row in rows if row["city"] != str(home)], own, K):
                if one.where[2] == str(home):
                    continue
                there = rest(one.where, truth, own, rows)
                if 0 < there < K and (0 < one.low <= there or there <= one.high < K):
                    told.add((day, home, one.where))
    return told


def test_no_small_count_is_told_to_anybody_nor_to_who_takes_its_own_riders_away(region: Region, real: Path) -> None:
    rows = [row for day in DAYS for row in public(real, day, "flows")]
    assert sum(bool(row["rides"]) for row in rows) > 100, "something is shown"
    assert sum(not row["rides"] for row in rows) > 20, "and something is hidden"
    assert told_counts(region, real) == set()


def test_careless_sums_tell_small_counts(region: Region, careless: Path) -> None:
    told = told_counts(region, careless)
    assert len({day for day, home, _ in told if home is None}) == len(DAYS)
    assert any(home == JIAXING for _, home, _ in told)


def told_lacks(out: Path) -> set[tuple[int, str, str]]:
    return {
        (day, *where)
        for day in DAYS
        for where, lack in attack.lacking(public(out, day, "flows")).items()
        if 0 < abs(lack) < K
    }


def test_what_one_table_lacks_of_another_is_not_few(real: Path) -> None:
    sums = [attack.lacking(public(real, day, "flows")) for day in DAYS]
    assert any(lack == 0 for of in sums for lack in of.values()), "in Hangzhou everybody is in both"
    assert told_lacks(real) == set()


def test_careless_tables_lack_few_of_each_other(careless: Path) -> None:
    assert told_lacks(careless)


def told_money(region: Region, out: Path) -> set[tuple[int, str, int | None]]:
    """Sums of few riders that are left when shown ones are taken away, and what a city knows."""
    told = set()
    for day in DAYS:
        rides = region.of(day)
        for party, taken, _ in attack.rest_of_money(public(out, day, "subsidies"), public(out, day, "equal-treatment")):
            away = {(row["from"], row["to"]) for row in taken}
            for knows in (None, *HOMES):
                rest = {
                    ride["person"]
                    for ride in rides
                    if any(fen and payer == party for _, _, payer, fen in ride["off"])
                    and (str(ride["issuer_city"]), str(ride["city"])) not in away
                    and knows not in (ride["issuer_city"], ride["city"])
                }
                if 0 < len(rest) < K:
                    told.add((day, party, knows))
    return told


def test_no_money_of_few_riders_is_left_when_sums_are_taken_from_each_other(region: Region, real: Path) -> None:
    assert any(public(real, day, "subsidies") for day in DAYS)
    assert any(public(real, day, "equal-treatment") for day in DAYS)
    assert told_money(region, real) == set()


def test_careless_sums_of_money_tell_of_few(region: Region, careless: Path) -> None:
    assert told_money(region, careless)


def test_only_for_the_public_is_not_for_a_city_that_takes_its_own_riders_away(
    region: Region, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts that are protected from who knows of nobody, as statistics usually are."""
    monkeypatch.setattr("yima.sdk.centre.sharing.flows._observer", lambda cells, pairs, home: PUBLIC)
    monkeypatch.setattr("yima.sdk.centre.sharing.flows._is_many", _many_for_the_public)
    told = told_counts(region, shared(region, tmp_path))
    assert told and all(home is not None for _, home, _ in told)


def _many_for_the_public(rides: Any, city: int, k: int, own: str = "") -> bool:
    return len({ride.person for ride in rides}) >= k


def test_two_codes_are_linked_by_a_transfer_between_them_as_the_docs_admit(region: Region) -> None:
    """Who rides by two codes in one city, day after day: its gates' records and its money tell that, whatever is
    shared."""
    gates = [ride for ride in region.rides if ride["city"] == SUZHOU]
    found = attack.one_rider_two_codes(gates)
    persons = [{region.persons[account] for account in pair} for pair in found]
    linked: set[str] = set().union(*(pair for pair in persons if len(pair) == 1))
    assert linked and linked <= {ride["person"] for ride in gates if ride["transfer_fen"]}


def linked_names(region: Region, out: Path) -> set[str]:
    """Persons whom Suzhou finds in Shanghai's packages, with those in its hands."""
    whose = {
        (city, row["token_id"]): region.persons[ride["account"]]
        for city in (SHANGHAI, SUZHOU)
        for row, ride in zip(
            [row for rows in names(out, city).values() for row in rows],
            [ride for ride in region.rides if ride["city"] == city],
            strict=True,
        )
    }
    return {
        whose[SHANGHAI, there]
        for month, mine in names(out, SUZHOU).items()
        for there, here in attack.travellers(mine, names(out, SHANGHAI)[month])
        if whose[SHANGHAI, there] == whose[SUZHOU, here]
    }


def test_names_of_two_packages_are_linked_for_who_goes_between_as_the_docs_admit(region: Region, real: Path) -> None:
    between = {person for account, person in region.persons.items() if account.startswith(str(SUZHOU))
               and person.startswith(str(SHANGHAI))}  # fmt: skip
    found = linked_names(region, real)
    assert found <= between
    assert found, "on the same days at the same time: that is admitted, and true"
