"""Feeds: each row exactly once however one pages and whenever days are settled; what is told is what was booked."""

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sdk.centre.example.consents import FIRST, ISSUER, OTHER
from tests.sdk.centre.example.region_at_work import cleared_example, example
from tests.sdk.centre.interfaces.at_work import BUS, Client, Copy, copied
from yima.sdk.centre.clearing.files.reading import parse_file
from yima.sdk.centre.example.making import settlement_days

FEEDS = {
    "/v1/charges": "issuer", "/v1/records": "operator", "/v1/feedback": "operator", "/v1/reconciliation": "operator",
    "/v1/statements": "issuer", "/v1/disputes": "issuer", "/v1/audit/bookings": "clerk",
    "/v1/audit/reductions": "auditor", "/v1/audit/postings": "auditor", "/v1/audit/net": "auditor",
}  # fmt: skip

OF_AUDIT = ("/v1/audit/bookings", "/v1/audit/reductions", "/v1/audit/postings")  # long, and paged as `net` is


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return copied(cleared_example(tmp_path_factory), tmp_path_factory.mktemp("feeds"))


@pytest.fixture
def whole(copy: Copy) -> Iterator[Copy]:
    """With every day settled again, whatever a test made of it."""
    copy.be(copy.states[-1])
    yield copy
    copy.be(copy.states[-1])


def table(copy: Copy, name: str) -> list[dict[str, Any]]:
    """All rows of a table, read without anything of ours."""
    paths = sorted((copy.folder / "workspace" / "tables" / name).glob("day=*/*.parquet"))
    return [row for path in paths for row in pq.ParquetFile(path).read().to_pylist()]


def names(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Rows as what can be counted."""
    return [tuple(sorted((name, str(value)) for name, value in row.items())) for row in rows]


@pytest.mark.parametrize("issuer", ["issuer", "other"])
def test_what_an_issuer_debits_is_its_postings_to_the_fen(whole: Copy, issuer: str) -> None:
    party = {"issuer": ISSUER, "other": OTHER}[issuer]
    charges = whole.client(issuer).all("/v1/charges", limit=7)
    postings = [row for row in table(whole, "postings") if row["party_kind"] == "ISSUER" and row["party"] == party]
    paid = -sum(row["fen"] for row in postings if row["cause"] in ("FARE", "REDUCTION"))
    shares = sum(row["fen"] for row in postings if row["cause"] == "ISSUER_SHARE")
    assert sum(one["fare_fen"] for one in charges) == paid != 0
    assert sum(one["issuer_share_fen"] for one in charges) == shares
    net = whole.client(issuer).page("/v1/net", **{"from": "2026-09-01", "to": "2026-09-30"})
    assert net["net_fen"] == shares - paid == sum(row["fen"] for row in postings)
    by_day = Counter[str]()
    for one in charges:
        assert one["gross_fen"] + one["gate_fen"] + one["centre_fen"] == one["fare_fen"], "whatever reduces it"
        by_day[one["day"]] += one["issuer_share_fen"] - one["fare_fen"]
    assert {row["day"]: row["net_fen"] for row in net["items"]} == dict(by_day)
    booked = [row for row in table(whole, "cleared") if row["issuer"] == party]
    assert [one["clearing"] for one in charges] == [str(row["clearing"]) for row in booked]
    assert any(one["reverses"] for one in charges) or issuer == "other"


def test_what_an_operator_reads_is_its_bookings_and_its_feedback(whole: Copy) -> None:
    client = whole.client("operator")
    records = client.all("/v1/records", limit=11)
    postings = [row for row in table(whole, "postings") if row["party_kind"] == "OPERATOR" and row["party"] == BUS]
    assert sum(one["gross_fen"] + one["gate_fen"] for one in records) == sum(
        row["fen"] for row in postings if row["cause"] == "FARE"
    )
    assert -sum(one["fee_fen"] for one in records) == sum(row["fen"] for row in postings if row["cause"] == "FEE")
    feedback = client.all("/v1/feedback", limit=11)
    paths = sorted((whole.folder / "workspace" / "files").glob(f"*/{BUS}/FB*"))
    lines = [line for path in paths for line in parse_file(path.name, path.read_bytes()).records]
    assert [(one["reference"], one["error"], one["fare_fen"]) for one in feedback] == [
        (line["reference"], line["error"], line["fare_fen"]) for line in lines
    ]
    assert {one["why"] for one in feedback} > {"NONE", "DUPLICATE", "ISSUER_SIGNATURE"}
    totals = client.all("/v1/reconciliation", limit=13)
    assert {one["acquirer"] for one in totals} == {BUS}
    assert sum(one["fare_fen"] for one in totals) == sum(one["fare_fen"] for one in records)
    assert sum(one["count"] for one in totals) == len(feedback)


@pytest.mark.parametrize("who", ["city", "region", "operator"])
def test_what_a_funder_is_told_is_its_postings_by_rule(whole: Copy, who: str) -> None:
    kind, party = {"city": ("CITY", "00310000"), "region": ("REGION", "00000000"), "operator": ("OPERATOR", BUS)}[who]
    told = whole.client(who).page("/v1/sums", **{"from": "2026-09-01", "to": "2026-09-30"})
    postings = [row for row in table(whole, "postings") if (row["party_kind"], row["party"]) == (kind, party)]
    sides = [row["fen"] for row in postings if row["cause"] in ("SUBSIDY", "REDUCTION") and row["place"] % 2 == 0]
    assert told["fen"] == sum(sides) == sum(one["fen"] for one in told["items"])
    by_rule = Counter[tuple[str, str]]()
    rows = [row for row in table(whole, "funded") if (row["party_kind"], row["party"]) == (kind, party)]
    for row in rows:
        by_rule[row["source"], row["rule"]] += row["fen"]
    assert {(one["source"], one["rule"]): one["fen"] for one in told["items"]} == by_rule
    assert sum(one["bookings"] + one["reversals"] for one in told["items"]) == len(rows)
    assert who != "city" or told["fen"] < 0


def test_an_auditor_reads_every_row_of_every_table_and_no_account(whole: Copy) -> None:
    auditor, clerk = whole.client("auditor"), whole.client("clerk")
    for path, name in (("postings", "postings"), ("reductions", "funded"), ("net", "net")):
        told = auditor.all(f"/v1/audit/{path}", limit=500)
        rows = table(whole, name)
        assert [one.get("fen", one.get("net_fen")) for one in told] == [
            row.get("fen", row.get("net_fen")) for row in rows
        ]
    booked = table(whole, "cleared")
    seen, real = auditor.all("/v1/audit/bookings"), clerk.all("/v1/audit/bookings")
    assert [one["account"] for one in real] == [row["account"] for row in booked]
    for name in booked[0].keys() - {"account", "day", "service_date", "clearing"}:
        assert [one[name] for one in seen] == [row[name] for row in booked], name
    pairs = {(one["account"], other["account"]) for one, other in zip(seen, real, strict=True)}
    assert len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs}), "one name each"
    accounts, text = {row["account"] for row in booked}, json.dumps(seen)
    assert not any(one in text for one in accounts)
    assert auditor.all("/v1/audit/bookings") == seen, "the same names each time"


STEPS = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 400)), max_size=8)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, last=st.integers(200, 1000))
@pytest.mark.parametrize(
    "path", [pytest.param(one, marks=pytest.mark.long if one in OF_AUDIT else ()) for one in FEEDS]
)
def test_each_row_comes_exactly_once_while_days_are_settled_in_between(
    whole: Copy, path: str, steps: list[tuple[int, int]], last: int
) -> None:
    """Before each page the workspace goes on by some of the states that it really had, half days too."""
    client = whole.client(FEEDS[path])
    end = len(whole.states) - 1
    place, after, more = 0, None, True
    rows: list[dict[str, Any]] = []
    pages = chain(steps, repeat((end, last)))
    while place < end or more:
        on, limit = next(pages)
        place = min(place + on, end)
        whole.be(whole.states[place])
        page = client.page(path, after=after, limit=limit)
        again = client.page(path, after=after, limit=max(len(page["items"]), 1))
        assert again["items"][: len(page["items"])] == page["items"], "a cursor is good for ever"
        rows += page["items"]
        after, more = page["next"], page["more"]
    assert names(rows) == names(client.all(path)) != []


def test_of_a_day_that_is_under_way_nothing_is_seen(whole: Copy) -> None:
    client = whole.client("clerk")
    booked = Counter(row["day"] for row in table(whole, "cleared"))
    seen = set()
    found, after = Counter[int](), None
    for state in whole.states:
        whole.be(state)
        done = json.loads(state)["done"].get("answers", [])
        more = True
        while more:
            page = client.page("/v1/audit/bookings", limit=1000, after=after)
            found.update(int(one["day"].replace("-", "")) for one in page["items"])
            after, more = page["next"], page["more"]
        assert found == {day: count for day, count in booked.items() if day in done}
        me = client.page("/v1/me")
        assert me["days"] == len(done)
        assert (me["cleared_until"] or "").replace("-", "") == (str(done[-1]) if done else "")
        seen.add(len(done))
    assert found == Counter(int(one["day"].replace("-", "")) for one in client.all("/v1/audit/bookings"))
    assert len(seen) == len(settled(whole)) + 1


def settled(copy: Copy) -> list[int]:
    """The days that are settled in the end."""
    found: list[int] = json.loads(copy.states[-1])["done"]["answers"]
    return found


def test_a_day_whose_files_are_missing_hides_those_behind_it_until_they_are_there(whole: Copy) -> None:
    state = json.loads(whole.states[-1])
    state["done"]["answers"].remove(FIRST + 1)
    whole.be(json.dumps(state).encode())
    client = whole.client("issuer")
    first = client.page("/v1/charges", limit=1000)
    assert {one["day"] for one in first["items"]} == {"2026-09-07"}
    whole.be(whole.states[-1])
    behind = client.page("/v1/charges", limit=1000, after=first["next"])
    assert behind["items"] and "2026-09-07" not in {one["day"] for one in behind["items"]}


def test_a_cursor_of_another_feed_another_party_or_a_centre_that_went_back_is_refused(whole: Copy) -> None:
    mine = whole.client("issuer").page("/v1/charges", limit=3)["next"]
    for who, path in (("other", "/v1/charges"), ("issuer", "/v1/disputes"), ("operator", "/v1/records")):
        assert whole.client(who).refusal(path, params={"after": mine})["code"] == "CURSOR"
    damaged = mine[:-1] + ("A" if mine[-1] != "A" else "B")
    assert whole.client("issuer").refusal("/v1/charges", params={"after": damaged})["code"] == "CURSOR"
    assert whole.client("issuer").refusal("/v1/charges", params={"after": "no cursor"})["code"] == "PARAMETER"
    last = whole.client("issuer").page("/v1/charges", limit=1000)["next"]
    whole.be(whole.states[0])
    assert whole.client("issuer").refusal("/v1/charges", params={"after": last})["code"] == "CURSOR"


@pytest.mark.slow
@pytest.mark.long
def test_who_reads_while_the_centre_works_keeps_it_from_nothing_and_sees_whole_days(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    """`yima centre day` in a process of its own; pages are read all the while it works."""
    folder = tmp_path / "region"
    shutil.copytree(example(tmp_path_factory), folder)
    one = copied(cleared_example(tmp_path_factory), tmp_path / "keys")
    shutil.copy(one.folder / "keys.toml", folder)
    client = Client(Copy(folder, one.keys, []), "clerk")
    days = settlement_days(folder)[:3]
    work = subprocess.Popen(
        [sys.executable, "-m", "yima.sdk.cli.main", "centre", "day", str(folder), "--day", str(days[-1]), "--json"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    rows: list[dict[str, Any]] = []
    after, polls, lengths = None, 0, []
    while True:
        is_over = work.poll() is not None
        page = client.page("/v1/audit/postings", after=after, limit=1000)
        rows += page["items"]
        after = page["next"]
        polls += 1
        if not page["more"]:
            by_clearing = Counter[str]()
            for row in rows:
                by_clearing[row["clearing"]] += row["fen"]
            assert set(by_clearing.values()) <= {0}, "no half booking, no half day"
            lengths.append(len(rows))
            if is_over:
                break
            time.sleep(0.05)
    assert work.stderr is not None
    assert work.returncode == 0, work.stderr.read()
    work.stderr.close()
    assert names(rows) == names(client.all("/v1/audit/postings"))
    assert len(rows) == len(table(Copy(folder, {}, []), "postings"))
    assert polls > len(days) and len(set(lengths)) > 2
