"""A day's money against a second settlement that shares no code with it, to the fen."""

import contextlib
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sdk.centre.clearing.money import slow
from tests.sdk.centre.clearing.money.world import DAYS, moment, rates_toml, ride, rules_toml, workspace_of, world
from yima.sdk.centre.clearing.engine import Engine, open_engine
from yima.sdk.centre.clearing.files.writing import write_files
from yima.sdk.centre.clearing.money.rates import parse_rates
from yima.sdk.centre.clearing.money.rules import parse_rules
from yima.sdk.centre.clearing.money.settle import STEPS, OrderError, settle
from yima.sdk.centre.clearing.money.tables import CLEARED, FUNDED, NET, POSTINGS, Booked, Posted
from yima.sdk.centre.clearing.workspace import Workspace

FUNDERS = ("RIDING_CITY", "ISSUER_CITY", "OPERATOR", "REGION")
CITIES = (310000, 320500)
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # hundreds of small files, each flushed
RULES = {
    "companion_s": 180,
    "concession": [
        {"rule": "half", "city": 310000, "groups": ["senior", "veteran"], "modes": [1, 2], "percent": 50}
        | {"homes": [310000], "funder": "RIDING_CITY"},
        {"rule": "half-too", "city": 310000, "from": 20260801, "groups": ["student"], "modes": [2], "percent": 50}
        | {"funder": "OPERATOR"},
        {"rule": "guests", "city": 310000, "to": 20260803, "groups": ["senior"], "modes": [1], "percent": 49}
        | {"funder": "ISSUER_CITY"},
        {"rule": "free", "city": 320500, "groups": ["veteran"], "modes": [1, 2], "percent": 0, "funder": "REGION"},
        {"rule": "pupils", "city": 320500, "groups": ["student"], "modes": [1], "percent": 67, "funder": "ISSUER_CITY"},
    ],
    "transfer": [
        {"rule": "t-old", "city": 310000, "to": 20260801, "legs": [(1, 2), (2, 1), (1, 1)], "within_s": 7200}
        | {"less_fen": 100, "funder": "RIDING_CITY"},
        {"rule": "t-new", "city": 310000, "from": 20260801, "legs": [(1, 2), (2, 1)], "within_s": 5400}
        | {"less_fen": None, "funder": "REGION"},
        {"rule": "t-su", "city": 320500, "legs": [(1, 1), (2, 2)], "within_s": 3600, "less_fen": 60}
        | {"funder": "OPERATOR"},
    ],
    "daily_cap": [
        {"rule": "cap", "city": 310000, "modes": [1, 2], "cap_fen": 700, "funder": "ISSUER_CITY"},
        {"rule": "cap-su", "city": 320500, "from": 20260731, "modes": [1], "cap_fen": 301, "funder": "RIDING_CITY"},
    ],
    "monthly_total": [
        {"rule": "month", "city": 310000, "modes": [2], "by": "fen", "tiers": [(700, 90), (1200, 55)]}
        | {"funder": "OPERATOR"},
        {"rule": "often", "city": 320500, "modes": [1, 2], "by": "rides", "tiers": [(2, 85)], "funder": "RIDING_CITY"},
    ],
}
RATES = [
    {"fee": 500000, "issuer_share": 200000, "acquirer_share": 300000},
    {"from": 20260801, "fee": 333333, "issuer_share": 111111, "acquirer_share": 150000},
    {"acquirer": "99310001", "issuer": "99320500", "to": 20260802, "fee": 150000, "issuer_share": 100000}
    | {"acquirer_share": 50000},
]


def made(dice: random.Random, count: int, accounts: int) -> dict[str, Any]:
    """So many rides in two cities, on five days across a month's end; some late, some void, some disputed."""
    rides = []
    for number in range(count):
        service_date = dice.choice(DAYS)
        day = dice.choice([service_date, service_date, *(one for one in DAYS if one >= service_date)])
        mode = dice.choice([1, 2])
        at = moment(service_date, dice.randint(0, 23) * 20 + dice.choice([0, 1, 900]))
        city = dice.choice(CITIES)
        kind = "BUS" if mode == 1 else dice.choice(["METRO", "METRO", "METRO_NO_ENTRY", "METRO_OVER_TIME"])
        entered = mode == 2 and kind != "METRO_NO_ENTRY"
        home = dice.choice(CITIES)
        gross = dice.randint(0, 900)
        off = dice.randint(0, gross)
        rides.append(
            ride(
                number,
                moment_s=at,
                day=day,
                service_date=service_date,
                mode=mode,
                kind=kind,
                account=f"a{dice.randint(1, accounts)}",
                city=city,
                issuer=f"99{home}",
                issuer_city=dice.choice([home, 0]),
                operator="99310001" if city == 310000 else "99320501",
                line=dice.randint(1, 2),
                device=f"{'bus' if mode == 1 else 'gate'}-{dice.randint(1, 2)}",
                entry_at=at - dice.randint(60, 4000) if entered else None,
                entry_line=dice.choice([None, 0, 1, 2]) if entered else None,
                gross_fen=gross,
                reduced=[("senior", off, dice.choice(FUNDERS))] if off and dice.random() < 0.5 else [],
            )
        )
    voids, amounts = [], []
    for one in rides:
        later = [day for day in DAYS if day > one["day"]]
        if later and dice.random() < 0.15:
            voids.append((one["ride_id"], dice.choice(later), dice.choice(["REVERSED", "PAIRED"])))
        elif later and dice.random() < 0.15:
            amounts.append((one["ride_id"], dice.randint(-one["fare_fen"], 300), dice.choice(later)))
    persons = [
        (f"a{n}", f"a{dice.choice([n, n + 1, n + 1, dice.randint(1, accounts)])}", day)
        for n in range(1, accounts, 2)
        for day in sorted(dice.sample(DAYS, dice.choice([0, 1, 1, 2])))
    ]
    return world(
        rides, voids=voids, amounts=amounts, persons=persons, members=stated(dice, accounts), rules=RULES, rates=RATES
    )


def stated(dice: random.Random, accounts: int) -> list[tuple[str, str, int, int, int, int | None]]:
    """Statements of groups: taken late or early, for ever or for a day or two, some revoked, some twice over."""
    dates = (0, 20260715, *DAYS, 20260804)
    found = []
    for number in range(1, accounts + 1):
        for _ in range(dice.choice([0, 1, 1, 3])):
            since, taken = dice.choice(dates), dice.choice(DAYS)
            until = dice.choice([one for one in (*dates, 99999999, 99999999) if one > since])
            revoked = dice.choice([None, None, *DAYS])
            group = dice.choice(["senior", "senior", "student", "veteran"])
            found.append((f"a{number}", group, since, until, taken, revoked))
    return found


def settled(workspace: Workspace, engine: Engine, said: Mapping[str, Any], days: tuple[int, ...] = DAYS) -> None:
    """Every day through the steps."""
    rules, rates = parse_rules(rules_toml(said["rules"])), parse_rates(rates_toml(said["rates"]))
    for day in days:
        settle(workspace, engine, day, rules=rules, rates=rates)


def compare(workspace: Workspace, said: Mapping[str, Any]) -> None:
    """The tables are what the slow settlement has, and they reconcile."""
    books = slow.Books()
    for day in DAYS:
        slow.settle_day(books, said, day)
    names = list(books.rows[0]) if books.rows else ["ride_id"]
    cleared = workspace.read(CLEARED).to_pylist()
    assert sorted(tuple(row[name] for name in names) for row in cleared) == sorted(
        tuple(row.values()) for row in books.rows
    )
    of = {row["clearing"]: row for row in cleared}
    postings = workspace.read(POSTINGS).to_pylist()
    got = Counter((row["party_kind"], row["party"], row["cause"], row["fen"], row["day"]) for row in postings)
    assert got == Counter(books.postings)
    sums: Counter[int] = Counter()
    for row in postings:
        sums[row["clearing"]] += row["fen"]
        assert row["day"] == of[row["clearing"]]["day"]
    assert set(sums.values()) <= {0}
    net = workspace.read(NET).to_pylist()
    assert sum(row["net_fen"] for row in net) == 0
    for row in net:
        assert row["net_fen"] == row["due_in_fen"] - row["due_out_fen"]
        theirs = [p for p in books.postings if (p[0], p[1], p[4]) == (row["party_kind"], row["party"], row["day"])]
        assert row["net_fen"] == sum(fen for *_, fen, _ in theirs)
    funded: Counter[tuple[str, str]] = Counter()
    for row in workspace.read(FUNDED).to_pylist():
        funded[row["party_kind"], row["party"]] += row["fen"]
    paid: Counter[tuple[str, str]] = Counter()
    for row in postings:
        if row["cause"] in ("SUBSIDY", "REDUCTION") and row["place"] % 2 == 0:
            paid[row["party_kind"], row["party"]] += row["fen"]
    assert +funded == +paid and -funded == -paid


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """DuckDB, one for all."""
    with tempfile.TemporaryDirectory() as folder:
        opened = open_engine("duckdb", Path(folder))
        yield opened
        opened.close()


def agree(engine: Engine, said: dict[str, Any]) -> None:
    """Both settle the world, in a folder in memory where there is one."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        workspace = workspace_of(Path(folder), said)
        settled(workspace, engine, said)
        compare(workspace, said)
        workspace.close()


@pytest.mark.slow
@given(st.randoms(use_true_random=False), st.integers(1, 12))
@settings(max_examples=3, deadline=None)
def test_two_settlements_of_a_few_rides_agree_to_the_fen(engine: Engine, dice: random.Random, count: int) -> None:
    agree(engine, made(dice, count, 2))


def test_two_settlements_of_many_rides_agree_to_the_fen(engine: Engine, tmp_path: Path) -> None:
    said = made(random.Random(12), 700, 30)
    workspace = workspace_of(tmp_path / "one", said)
    settled(workspace, engine, said)
    compare(workspace, said)
    cleared = workspace.read(CLEARED).to_pylist()
    assert {row["cause"] for row in cleared} == set(Booked)
    assert {row["cause"] for row in workspace.read(POSTINGS).to_pylist()} == set(Posted)
    for rule in ("concession_rule", "transfer_rule", "cap_rule", "total_rule"):
        assert {row[rule] for row in cleared} >= {None} and len({row[rule] for row in cleared}) >= 3, rule
    workspace.close()


def test_a_day_on_which_nobody_rode_is_settled_by_whatever_else_came(engine: Engine, tmp_path: Path) -> None:
    rides = [
        ride(
            number, moment_s=moment(day, 600), day=day, service_date=day, account=f"a{number}", city=310000,
            issuer="99310000", issuer_city=310000, operator="99310001", gross_fen=300,
        )
        for number, day in ((1, DAYS[0]), (2, DAYS[2]), (3, DAYS[2]))
    ]  # fmt: skip
    first, second, third = (one["ride_id"] for one in rides)
    said = world(
        rides, voids=[(first, DAYS[1], "REVERSED")], amounts=[(second, 50, DAYS[3])],
        members=[("a3", "senior", DAYS[2], 99999999, DAYS[4], None)], rules=RULES, rates=RATES,
    )  # fmt: skip
    workspace = workspace_of(tmp_path / "one", said)
    settled(workspace, engine, said)
    compare(workspace, said)
    rows = workspace.read(CLEARED).to_pylist()
    booked = {(row["day"], row["ride_id"], row["cause"]) for row in rows}
    assert booked == {
        (DAYS[0], first, "RIDE"), (DAYS[1], first, "VOID"), (DAYS[2], second, "RIDE"), (DAYS[2], third, "RIDE"),
        (DAYS[3], second, "DISPUTE"), (DAYS[4], third, "RULES"),
    }  # fmt: skip
    workspace.close()


class KilledError(Exception):
    """Stands for the end of the process."""


def test_a_settlement_killed_at_every_commit_ends_with_the_same_bytes(engine: Engine, tmp_path: Path) -> None:
    said = made(random.Random(3), 40, 3)
    days = DAYS[1:3]
    whole = workspace_of(tmp_path / "whole", said)
    settled(whole, engine, said, days)
    want = {path.relative_to(whole.path): path.read_bytes() for path in (whole.path / "tables").rglob("*.parquet")}
    whole.close()
    workspace_of(tmp_path / "cut", said).close()
    killed: set[str] = set()

    def kill(name: str) -> None:
        if name not in killed:
            killed.add(name)
            raise KilledError(name)

    ended = False
    while not ended:
        workspace = Workspace(tmp_path / "cut", on_commit=kill)
        with contextlib.suppress(KilledError):
            settled(workspace, engine, said, days)
            ended = True
        workspace.close()
    assert len(killed) >= 2 * len(STEPS) * len(days)
    cut = tmp_path / "cut"
    assert {path.relative_to(cut): path.read_bytes() for path in (cut / "tables").rglob("*.parquet")} == want


def test_no_day_is_settled_after_a_later_one(engine: Engine, tmp_path: Path) -> None:
    said = made(random.Random(4), 10, 2)
    workspace = workspace_of(tmp_path / "w", said)
    with pytest.raises(OrderError):
        write_files(workspace, engine, DAYS[1])
    settled(workspace, engine, said, DAYS[1:2])
    with pytest.raises(OrderError):
        settled(workspace, engine, said, DAYS[:1])
    settled(workspace, engine, said, DAYS[1:2])  # again is no harm
    workspace.close()
