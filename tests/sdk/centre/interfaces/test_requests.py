"""What every request passes: key, rate, size; conditional requests; refusals; what is told to the centre's own log."""

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sdk.centre.example.consents import FIRST, FULL
from tests.sdk.centre.example.region_at_work import cleared_example
from tests.sdk.centre.interfaces.at_work import NOON, Client, Copy, copied
from tests.sdk.centre.interfaces.test_feeds import FEEDS
from yima.sdk import patience
from yima.sdk.centre.clearing.folder import CentreFolder
from yima.sdk.centre.interfaces import gatekeeper
from yima.sdk.centre.interfaces.app import interfaces
from yima.sdk.centre.interfaces.keys import KEYS, Role, make_key, revoke_key
from yima.sdk.serving import Serving

MONTH = {"month": "2026-09"}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return copied(cleared_example(tmp_path_factory), tmp_path_factory.mktemp("requests"))


@pytest.mark.parametrize("path", ["/v1/me", "/v1/charges", "/openapi.json", "/", "/docs", "/v1/files/2026-09-07/BP"])
def test_without_a_key_every_path_is_the_same_401(copy: Copy, path: str) -> None:
    good = copy.keys["issuer"]
    refusals = [
        copy.client().get(path, {"Authorization": header} if header else None)
        for header in ("", "Bearer", "Bearer ", f"Basic {good}", good, f"Bearer {good}x", f"Bearer {good} {good}")
    ]
    assert {one.status_code for one in refusals} == {401}
    assert {one.headers["www-authenticate"] for one in refusals} == {'Bearer realm="yima"'}
    assert len({one.content for one in refusals}) == 1
    assert copy.client().refusal(path)["code"] == "KEY"


def test_two_keys_at_once_are_none(copy: Copy) -> None:
    client = copy.client()
    pairs = [("Authorization", f"Bearer {copy.keys['issuer']}")] * 2

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(client.application)
        async with httpx.AsyncClient(transport=transport, base_url="http://centre") as asked:
            return await asked.get("/v1/me", headers=pairs)

    assert asyncio.run(ask()).status_code == 401


def test_a_key_that_is_revoked_or_over_is_refused_at_once_by_a_service_that_runs(copy: Copy) -> None:
    key, shown = make_key(copy.folder / KEYS, Role.CLERK, "", since=FIRST)
    over, late = make_key(copy.folder / KEYS, Role.CLERK, "", since=FIRST, until=FIRST + 8)
    client = Client(Copy(copy.folder, {"clerk": shown, "over": late}, []), "clerk")
    assert client.get("/v1/me").status_code == 200
    revoke_key(copy.folder / KEYS, key.id)
    assert client.refusal("/v1/me")["code"] == "KEY"
    assert client.refusal("/v1/me", headers={"Authorization": f"Bearer {late}"})["code"] == "KEY"
    assert over.until == FIRST + 8


def test_a_list_of_keys_that_is_damaged_lets_nobody_in_and_is_told(copy: Copy, tmp_path: Path) -> None:
    path = copy.folder / KEYS
    before = path.read_bytes()
    events: list[dict[str, Any]] = []
    client = copy.client("issuer", events=events)
    assert client.get("/v1/me").status_code == 200
    path.write_bytes(before[:-40])
    try:
        response = client.get("/v1/me")
        assert response.status_code == 503 and response.headers["retry-after"]
        assert client.refusal("/v1/me")["code"] == "UNAVAILABLE"
        assert any(one["event"] == "trouble" and KEYS in one["why"] for one in events)
    finally:
        path.write_bytes(before)
    assert client.get("/v1/me").status_code == 200


def test_a_key_that_asks_too_often_is_told_when_to_come_back_and_others_are_not_kept(copy: Copy) -> None:
    now = [0.0]
    client = copy.client("issuer", per_minute=6, clock=lambda: now[0])
    assert [client.get("/v1/me").status_code for _ in range(7)] == [200] * 6 + [429]
    refused = client.get("/v1/me")
    assert client.refusal("/v1/me")["code"] == "TOO_OFTEN"
    assert client.get("/v1/me", {"Authorization": f"Bearer {copy.keys['clerk']}"}).status_code == 200
    assert int(refused.headers["retry-after"]) == 11
    now[0] += 10.1
    assert [client.get("/v1/me").status_code for _ in range(2)] == [200, 429]
    now[0] += 1000
    assert [client.get("/v1/me").status_code for _ in range(7)] == [200] * 6 + [429], "it does not save up more"


def test_of_requests_under_way_there_are_never_more_than_a_few_and_whoever_was_answered_makes_room(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = copy.client("issuer", per_minute=1000)
    monkeypatch.setattr(gatekeeper, "UNDER_WAY_MAX", 0)
    refused = client.get("/v1/me")
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (503, "BUSY", "1")
    monkeypatch.setattr(gatekeeper, "UNDER_WAY_MAX", 1)
    assert [client.get("/v1/me").status_code for _ in range(3)] == [200] * 3


def test_a_body_that_says_nothing_of_its_length_is_refused_as_well(copy: Copy) -> None:
    chunked = {"Transfer-Encoding": "chunked"}
    assert copy.client("issuer").refusal("/v1/me", headers=chunked)["code"] == "BODY"


def test_a_body_a_long_query_and_another_method_are_refused(copy: Copy) -> None:
    client = copy.client("issuer")
    assert client.refusal("/v1/me", params={"x": "y" * gatekeeper.QUERY_MAX})["status"] == 414
    assert client.ask("GET", "/v1/me", content=b"x").status_code == 413
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        response = client.ask(method, "/v1/me")
        assert response.status_code == 405 and response.headers["allow"] == "GET"
        assert response.json()["code"] == "METHOD"
    head, get = client.ask("HEAD", "/v1/me"), client.get("/v1/me")
    assert (head.status_code, head.content, head.headers) == (200, b"", get.headers)
    whole = client.get("/v1/files/2026-09-07/issued.csv")
    part = client.get("/v1/files/2026-09-07/issued.csv", {"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (200, whole.content)


@pytest.mark.parametrize(
    ("path", "parameters", "thing"),
    [
        ("/v1/charges", {"limit": "0"}, "limit"), ("/v1/charges", {"limit": "1001"}, "limit"),
        ("/v1/charges", {"limit": "x"}, "limit"), ("/v1/charges", {"after": "x"}, "after"),
        ("/v1/net", {"from": "20260907"}, "from"), ("/v1/net", {"to": "2026-02-30"}, "to"),
        ("/v1/files/today", {}, "day"), (f"/v1/accounts/{FULL}/rides", {}, "month"),
        (f"/v1/accounts/{FULL}/rides", {"month": "2026-13"}, "month"), ("/v1/accounts/1/rides", MONTH, "account"),
    ],
)  # fmt: skip
def test_a_parameter_that_is_wrong_is_named(copy: Copy, path: str, parameters: dict[str, str], thing: str) -> None:
    refusal = copy.client("issuer").refusal(path, params=parameters)
    assert (refusal["status"], refusal["code"], refusal["thing"]) == (422, "PARAMETER", f"the parameter {thing}")


def test_a_parameter_that_nobody_knows_is_no_slip_that_is_passed_over(copy: Copy) -> None:
    """Found by schemathesis: `?form=2026-09-08` gave the last thirty days."""
    client = copy.client("issuer")
    assert client.refusal("/v1/net", params={"form": "2026-09-08"})["thing"] == "the parameter form"
    assert client.refusal("/v1/net?from=2026-09-08&from=2026-09-09")["code"] == "PARAMETER"
    assert client.refusal("/v1/me", params={"limit": "1"})["status"] == 422


@pytest.mark.parametrize(
    "day", ["7.4e-222", "0", "1789000000", "-1", "2026-9-7", "2026-09-07T00:00:00", "２０２６-09-07"]
)
def test_a_number_is_no_day(copy: Copy, day: str) -> None:
    """Found by schemathesis: a number was taken for seconds since 1970."""
    client = copy.client("operator")
    for path in ("/v1/net", "/v1/sums"):
        for name in ("from", "to"):
            assert client.refusal(path, params={name: day})["thing"] == f"the parameter {name}"
    assert client.refusal(f"/v1/files/{day}")["status"] == 422


def test_days_the_wrong_way_round_are_refused(copy: Copy) -> None:
    refusal = copy.client("issuer").refusal("/v1/net", params={"from": "2026-09-09", "to": "2026-09-08"})
    assert (refusal["status"], refusal["code"]) == (400, "DAYS")
    assert copy.client("issuer").page("/v1/net", **{"from": "0001-01-01", "to": "0001-01-01"})["items"] == []
    assert copy.client("issuer").page("/v1/net", to="0001-01-01")["items"] == []


PATHS = [*((path, who) for path, who in FEEDS.items()), ("/v1/me", "city"), ("/v1/net", "city"), ("/v1/sums", "city"),
         ("/v1/files/2026-09-08", "issuer"), ("/v1/files/2026-09-07/issued.csv", "issuer"),
         (f"/v1/accounts/{FULL}/rides?month=2026-09", "service")]  # fmt: skip


@pytest.mark.parametrize(("path", "who"), PATHS)
def test_whoever_has_the_answer_is_told_that_nothing_is_new_until_a_day_is(copy: Copy, path: str, who: str) -> None:
    client = copy.client(who)
    copy.be(copy.states[-1])
    first, again = client.get(path), client.get(path)
    assert first.content == again.content and first.headers["etag"] == again.headers["etag"]
    etag = first.headers["etag"]
    assert re.fullmatch(r'"[0-9a-f]{32}"', etag), "strong"
    for asked in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        same = client.get(path, {"If-None-Match": asked})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    assert client.get(path, {"If-None-Match": '"other"'}).status_code == 200
    assert first.headers["cache-control"] == "private, no-cache" and first.headers["vary"] == "Authorization"
    one_less = json.loads(copy.states[-1])
    one_less["done"]["answers"].pop()
    try:
        copy.be(json.dumps(one_less).encode())
        if "csv" not in path:
            assert client.get(path, {"If-None-Match": etag}).status_code == 200
    finally:
        copy.be(copy.states[-1])


def test_equal_tags_mean_equal_bytes_over_roles_parties_and_parameters(copy: Copy) -> None:
    seen: dict[str, bytes] = {}
    asked = 0
    for path, who in PATHS:
        for other in {who, "issuer", "other", "clerk", "auditor"}:
            for limit in ({}, {"limit": "1"}, {"limit": "2"}):
                response = copy.client(other).get(path, params=limit if path in FEEDS else None)
                if response.status_code == 200:
                    asked += 1
                    assert seen.setdefault(response.headers["etag"], response.content) == response.content
    assert len(seen) > 20 and asked > len(seen)


def test_no_key_and_no_account_is_in_an_event(copy: Copy) -> None:
    events: list[dict[str, Any]] = []
    for who in ("issuer", "service", "clerk", ""):
        client = Client(copy, who, events=events)
        for path in (f"/v1/accounts/{FULL}/rides?month=2026-09", f"/v1/{FULL}", "/v1/audit/bookings", f"/?{FULL}"):
            client.get(path)
    text = json.dumps(events)
    assert FULL not in text and not any(key.split("_", 2)[2] in text for key in copy.keys.values())
    assert {one["path"] for one in events} == {"/v1/accounts/{account}/rides", "/v1/audit/bookings", None}
    ids = {copy.keys[who].split("_")[1] for who in ("issuer", "service", "clerk")}
    assert {one["key"] for one in events} == {*ids, None}
    assert {one["status"] for one in events} >= {200, 401, 403, 404}


def test_a_table_that_is_damaged_is_told_to_the_centre_and_not_to_the_caller(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    mine = copied(cleared_example(tmp_path_factory), tmp_path_factory.mktemp("damaged"))
    events: list[dict[str, Any]] = []
    client = mine.client("clerk", events=events)
    path = mine.folder / "workspace" / "tables" / "postings" / f"day={FIRST}" / "centre.parquet"
    path.unlink()  # it is linked: what others look at stays as it is
    path.write_bytes(b"PAR1 nothing PAR1")
    refusal = client.refusal("/v1/audit/postings")
    assert (refusal["status"], refusal["code"]) == (503, "UNAVAILABLE")
    assert "centre.parquet" not in str(refusal)
    assert any(one["event"] == "trouble" and "centre.parquet" in one["why"] for one in events)
    (mine.folder / "workspace" / "state.json").write_text("{")
    assert client.refusal("/v1/me")["code"] == "UNAVAILABLE"
    assert any("state.json" in one.get("why", "") for one in events)


def test_a_centre_that_has_not_worked_yet_has_nothing(tmp_path: Path) -> None:
    for name in ("stores", "parameters"):
        (tmp_path / name).mkdir()
    shown = make_key(tmp_path / KEYS, Role.ISSUER, "99310000", since=FIRST)[1]
    client = Client(Copy(tmp_path, {"issuer": shown}, []), "issuer")
    assert client.page("/v1/me") == {"role": "issuer", "of": "99310000", "cleared_until": None, "days": 0}
    assert client.page("/v1/charges")["items"] == client.page("/v1/net")["items"] == []
    assert client.page(f"/v1/accounts/{FULL}/rides", **MONTH)["as_of"] is None
    assert client.refusal("/v1/files/2026-09-07")["code"] == "NOT_FOUND"


@pytest.fixture
def served(copy: Copy) -> Iterator[tuple[str, int]]:
    app = interfaces(CentreFolder(copy.folder), per_minute=1000, now=lambda: NOON)
    with Serving(app) as service:
        host, _, port = service.url.removeprefix("http://").rpartition(":")
        yield host, int(port)


def spoken(address: tuple[str, int], content: bytes) -> bytes:
    """What a server of ours answers to these bytes until it ends the connection."""
    found = b""
    with socket.create_connection(address, timeout=200) as line, suppress(ConnectionError):
        line.sendall(content)
        while part := line.recv(65536):
            found += part
    return found


def test_over_a_real_connection_headers_are_limited_in_size(served: tuple[str, int], copy: Copy) -> None:
    head = f"GET /v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {copy.keys['issuer']}\r\n"
    assert spoken(served, f"{head}\r\n".encode()).startswith(b"HTTP/1.1 200")
    for size in (patience.HEADERS_MAX + 100, 1 << 20):
        assert re.match(rb"HTTP/1.1 4(31|00) ", spoken(served, f"{head}X: {'y' * size}\r\n\r\n".encode()))


def test_whoever_opens_connections_and_says_nothing_or_little_is_let_go(
    served: tuple[str, int], copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "HEADERS_WITHIN_S", 0.3)
    whole = f"GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {copy.keys['issuer']}\r\n\r\n".encode()
    assert spoken(served, b"") == b""
    assert spoken(served, whole[:-1]) == b""
    second = spoken(served, whole + whole[:-1])
    assert second.count(b"HTTP/1.1 200") == 1, "also in the middle of a second request"
    trickled = threading.Event()

    def trickle() -> None:
        with socket.create_connection(served, timeout=200) as line:
            for byte in whole[:-1]:
                try:
                    line.sendall(bytes([byte]))
                except OSError:
                    trickled.set()
                    return
                time.sleep(0.02)

    thread = threading.Thread(target=trickle)
    thread.start()
    thread.join(200)
    assert trickled.is_set(), "a byte now and then is no reason to wait on"
