"""What each role sees and what it is refused: a test for each row of the table in docs/region.md."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.docs.pages import ROOT
from tests.sdk.centre.example.consents import FIRST, FULL, ISSUER, OTHER, account
from tests.sdk.centre.example.region_at_work import cleared_example
from tests.sdk.centre.interfaces.at_work import BUS, KEY_OF, Client, Copy, copied
from tests.sdk.centre.interfaces.test_feeds import FEEDS, table
from yima.sdk.centre.clearing.files.layouts import NAME
from yima.sdk.centre.interfaces.keys import KEYS, Role, make_key

SEES = {
    "issuer": {"charges", "accounts", "net", "statements", "disputes", "reconciliation", "files"},
    "operator": {"records", "feedback", "net", "sums", "disputes", "reconciliation", "files"},
    "city": {"net", "sums"},
    "region": {"net", "sums"},
    "auditor": {"audit"},
    "clerk": {"audit"},
    "service": {"accounts"},
}
PATHS = {
    "charges": ["/v1/charges"], "records": ["/v1/records"], "feedback": ["/v1/feedback"], "net": ["/v1/net"],
    "sums": ["/v1/sums"], "statements": ["/v1/statements"], "disputes": ["/v1/disputes"],
    "reconciliation": ["/v1/reconciliation"], "files": ["/v1/files/2026-09-08"],
    "accounts": [f"/v1/accounts/{FULL}/rides?month=2026-09"],
    "audit": [f"/v1/audit/{name}" for name in ("bookings", "reductions", "postings", "net")],
}  # fmt: skip
MONTH = {"month": "2026-09"}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return copied(cleared_example(tmp_path_factory), tmp_path_factory.mktemp("roles"))


@pytest.fixture(params=list(SEES), scope="module")
def role(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param


def test_a_role_is_answered_what_is_its_own_and_refused_everything_else(copy: Copy, role: str) -> None:
    client = copy.client(role)
    for name, paths in PATHS.items():
        for path in paths:
            if name in SEES[role]:
                assert client.get(path).status_code == 200, path
            else:
                refusal = client.refusal(path)
                assert (refusal["status"], refusal["code"]) == (403, "ROLE"), path
    assert client.page("/v1/me")["role"] == role


def test_every_path_that_there_is_is_in_the_table_of_this_test(copy: Copy) -> None:
    document = copy.client("auditor").page("/openapi.json")
    assert {path.removeprefix("/v1/").split("/")[0] for path in document["paths"]} == {*PATHS, "me"}


def test_the_page_has_a_row_for_each_role_in_both_languages() -> None:
    for page in ("region.md", "zh/region.md"):
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        rows = [line for line in text.splitlines() if line.startswith("| `")]
        found = {match[1]: line for line in rows if (match := re.match(r"\| `([a-z]+)` ", line))}
        assert set(found) >= {str(role) for role in Role}, page
        for role, names in SEES.items():
            for name in names:
                assert f"`{name}`" in found[role].split("|")[2], (page, role, name)


def text_of(client: Client) -> str:
    """Everything that a key can read, as one text."""
    found = []
    for paths in PATHS.values():
        for path in paths:
            limit = {"limit": "1000"} if path.startswith("/v1/audit") or path in FEEDS else None
            response = client.get(path, params=limit)
            found.append(response.text if response.status_code == 200 else "")
    return "\n".join(found)


def test_an_issuer_sees_nothing_of_another_issuers_riders(copy: Copy) -> None:
    theirs = {row["account"] for row in table(copy, "cleared") if row["issuer"] == OTHER}
    mine = {row["account"] for row in table(copy, "cleared") if row["issuer"] == ISSUER}
    assert theirs and mine and not theirs & mine
    told = text_of(copy.client("issuer"))
    assert any(one in told for one in mine)
    assert not any(one in told for one in theirs)
    some = min(theirs)
    refusal = copy.client("issuer").refusal(f"/v1/accounts/{some}/rides", params=MONTH)
    assert (refusal["status"], refusal["code"]) == (403, "NOT_YOURS")
    assert copy.client("other").page(f"/v1/accounts/{some}/rides", **MONTH)["rides"] > 0
    stranger = copy.client("issuer").page(f"/v1/accounts/{account(1, '999999')}/rides", **MONTH)
    assert stranger["items"] == [], "whoever nobody has issued: nothing, and no word on whether they exist"


def test_without_a_list_of_issuers_an_issuer_still_reads_its_own_rides_alone(
    copy: Copy, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bare = copied(cleared_example(tmp_path_factory), tmp_path_factory.mktemp("bare"))
    (bare.folder / "identity.toml").unlink()
    theirs = min(row["account"] for row in table(copy, "cleared") if row["issuer"] == OTHER)
    assert bare.client("issuer").page(f"/v1/accounts/{theirs}/rides", **MONTH)["items"] == []
    assert bare.client("issuer").page(f"/v1/accounts/{FULL}/rides", **MONTH)["items"] != []
    assert bare.client("service").refusal(f"/v1/accounts/{FULL}/rides", params=MONTH)["code"] == "NO_CONSENT"


def test_an_operator_sees_rides_at_its_own_gates_and_no_account(copy: Copy) -> None:
    booked = table(copy, "cleared")
    client = copy.client("operator")
    assert {one["device"] for one in client.all("/v1/records")} <= {
        row["device"] for row in booked if row["operator"] == BUS
    }
    elsewhere = {row["ride_id"] for row in booked if row["operator"] != BUS}
    told = text_of(client)
    assert not any(f'"{one}"' in told for one in elsewhere)
    assert not any(row["account"] in told for row in booked)


def test_a_city_and_the_fund_see_sums_and_no_ride(copy: Copy) -> None:
    booked = table(copy, "cleared")
    for who in ("city", "region"):
        told = text_of(copy.client(who))
        assert not any(row["ride_id"] in told or row["account"] in told for row in booked)
    kinds = {one["party"] for one in copy.client("city").page("/v1/net", **{"from": "2026-09-01"})["items"]}
    assert kinds == {"00310000"}


def test_a_file_is_fetched_byte_for_byte_by_its_party_alone(copy: Copy) -> None:
    seen: dict[str, set[str]] = {}
    for who in ("issuer", "other", "operator"):
        seen[who] = set()
        for day in ("2026-09-07", "2026-09-08", "2026-09-09"):
            for one in copy.client(who).page(f"/v1/files/{day}")["items"]:
                response = copy.client(who).get(f"/v1/files/{day}/{one['name']}")
                assert response.status_code == 200
                assert len(response.content) == one["bytes"]
                assert response.headers["content-type"] == "application/octet-stream"
                seen[who].add(one["name"])
    common = ("BP", "CR", "net.")
    readable = {"issued.csv", "issued.parquet", "acquired.csv", "acquired.parquet", "funded.csv", "funded.parquet"}
    for who, names in seen.items():
        of = KEY_OF[who][1]
        kind = "FB" if who == "operator" else "CL"
        for name in names - readable:
            match = NAME.fullmatch(name)
            assert (
                name.startswith(common)
                or name.startswith("evidence-")
                or (match and match[3] == of[-7:] and match[1] in (kind, "AD", "LD"))
            ), (who, name)
    assert "issued.csv" in seen["issuer"] and "acquired.csv" in seen["operator"] - seen["issuer"]
    theirs = next(name for name in seen["other"] if name.startswith("CL"))
    for path in (theirs, "..%2f..%2fstate.json", "%2fetc%2fpasswd", "state.json", "BP"):
        for who in ("issuer", "operator"):
            response = copy.client(who).get(f"/v1/files/2026-09-07/{path}")
            assert response.status_code == 404, (who, path)
    assert copy.client("issuer").refusal("/v1/files/2026-09-30")["code"] == "NOT_FOUND"


def test_a_file_of_a_day_that_is_not_cleared_to_its_end_is_not_given_out_though_it_lies_there(copy: Copy) -> None:
    client, path = copy.client("issuer"), "/v1/files/2026-09-07/issued.csv"
    assert client.get(path).status_code == 200
    copy.be(copy.states[0])
    try:
        assert client.refusal(path)["code"] == "NOT_FOUND"
    finally:
        copy.be(copy.states[-1])


def test_the_files_of_an_issuer_are_the_bytes_that_the_centre_wrote(copy: Copy) -> None:
    path = copy.folder / "workspace" / "files" / str(FIRST) / ISSUER / "issued.csv"
    assert copy.client("issuer").get("/v1/files/2026-09-07/issued.csv").content == path.read_bytes()


def test_disputes_and_their_evidence_are_told_to_both_sides_and_to_nobody_else(copy: Copy) -> None:
    rows = table(copy, "disputes")
    assert rows
    for who in ("issuer", "other", "operator"):
        of = KEY_OF[who][1]
        mine = [row for row in rows if of in (row["raised_by"], row["against"])]
        told = copy.client(who).all("/v1/disputes")
        assert [one["dispute_id"] for one in told] == [row["dispute_id"] for row in mine]
        for row in rows:
            day = f"2026-09-{row['day'] % 100:02}"
            name = f"evidence-{row['raised_by']}-{row['dispute_id']}.json"
            response = copy.client(who).get(f"/v1/files/{day}/{name}")
            assert response.status_code == (200 if row in mine else 404)
            if row in mine:
                assert json.loads(response.content)["dispute"]["dispute_id"] == row["dispute_id"]


def test_an_issuer_is_told_what_became_of_its_statements_and_of_no_others(
    copy: Copy, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mine = copy.client("issuer").all("/v1/statements")
    by_file: dict[str, list[dict[str, Any]]] = {}
    for one in mine:
        by_file.setdefault(one["file"], []).append(one)
    truth = pq.read_table(cleared_example(tmp_path_factory) / "truth" / "files").to_pylist()
    named = [row for row in truth if row["becomes"] != "MALFORMED"]  # of that one nobody knows whose it is
    assert {name: {one["code"] for one in told} for name, told in by_file.items()} == {
        row["file"]: {row["becomes"]} for row in named if row["issuer"] == ISSUER
    }
    assert {name: {one["code"] for one in by_file[name]} for name in ("one", "two", "bad")} == {
        "one": {"TAKEN"}, "two": {"TAKEN"}, "bad": {"NOT_YOURS"},
    }  # fmt: skip
    assert by_file["one"][0]["day"] == "2026-09-07" and by_file["two"][0]["day"] == "2026-09-09"
    assert len(by_file["bad"]) > 1 and by_file["bad"][0]["problem"] and by_file["bad"][0]["problem_zh"]
    others = [one["file"] for one in copy.client("other").all("/v1/statements")]
    assert sorted(others) == sorted(row["file"] for row in named if row["issuer"] == OTHER)
    assert "theirs" in others


def test_a_key_of_nobody_who_is_here_sees_nothing_and_breaks_nothing(copy: Copy, tmp_path: Path) -> None:
    shown = make_key(copy.folder / KEYS, Role.ISSUER, "88888888", since=FIRST)[1]
    client = Client(Copy(copy.folder, {"nobody": shown}, []), "nobody")
    assert client.page("/v1/charges") == client.page("/v1/charges") and client.page("/v1/charges")["items"] == []
    assert client.page("/v1/net")["items"] == []
    names = [one["name"][:2] for one in client.page("/v1/files/2026-09-07")["items"]]
    assert sorted(set(names)) == ["BP", "CR", "ne"]
