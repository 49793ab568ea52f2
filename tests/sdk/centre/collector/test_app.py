"""The collector over HTTP, on loopback: whatever bytes come, the answer is 4xx with why, never 500."""

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.uplinks import KEY, append, plain_http, until
from yima.sdk.centre.collector.app import Collector
from yima.sdk.centre.collector.store import Store
from yima.sdk.listening import ServingError, listen
from yima.sdk.serving import Serving
from yima.validator.journal import SegmentJournal
from yima.validator.state.keys import DeviceKey, is_signed
from yima.validator.uplink.batches import BODY_MAX, ENTRIES_MAX, encode_batch
from yima.validator.uplink.versions import Versions, encode_versions, signed_bytes


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    return []


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, events: list[dict[str, Any]]) -> Iterator[httpx.Client]:
    store = Store(tmp_path_factory.mktemp("collector") / "trips.db")
    app = Collector(store, on_event=events.append).app()
    with Serving(app) as serving, plain_http(base_url=serving.url) as client:
        yield client
    store.close()


def post(client: httpx.Client, body: bytes, key: DeviceKey = KEY) -> httpx.Response:
    signed = {"X-Yima-Key": key.public, "X-Yima-Signature": key.sign(body)}
    return client.post("/v1/batches", content=body, headers=signed)


def batch(tmp_path: Path, device: str, count: int = 3) -> bytes:
    journal = SegmentJournal(tmp_path / device, device, epoch_for_new=7)
    append(journal, count)
    body = encode_batch(device, 7, journal.entries(0, count))
    journal.close()
    return body


def test_a_signed_batch_is_taken_and_told(client: httpx.Client, events: list[dict[str, Any]], tmp_path: Path) -> None:
    body = batch(tmp_path, "gate-1")
    for _ in range(2):
        answer = post(client, body)
        assert (answer.status_code, answer.json()) == (200, {"acknowledged": 3, "rejected": {}})
    mine = [event for event in events if event.get("device") == "gate-1"]
    assert [event["event"] for event in mine] == ["device", "batch", "batch"]
    assert mine[0]["how"] == "trusted on first use"


def stating(client: httpx.Client, body: bytes, said: bytes, key: DeviceKey = KEY, by: DeviceKey = KEY) -> int:
    """Sends a batch with a statement of versions that `by` signed."""
    headers = {"X-Yima-Key": key.public, "X-Yima-Signature": key.sign(body), "X-Yima-Versions": said.decode("latin-1")}
    headers["X-Yima-Versions-Signature"] = by.sign(signed_bytes(said))
    return client.post("/v1/batches", content=body, headers=headers).status_code


def test_what_a_device_says_of_its_versions_is_kept_once_for_as_long_as_it_says_the_same(tmp_path: Path) -> None:
    store = Store(tmp_path / "trips.db")
    first = encode_versions(Versions(device="gate-1", software="0.1.0", parameters=3, parameters_id=bytes(32), since=5))
    second = first.replace(b'"version":3', b'"version":4')
    nothing = json.dumps({"form": 2, "device": "gate-1", "epoch": 7, "entries": []}).encode()
    with Serving(Collector(store).app()) as serving, plain_http(base_url=serving.url) as client:
        for said in (first, first, second, first):
            assert stating(client, nothing, said) == 200
        for said, by, status in (
            (first, DeviceKey.generate(), 401),
            (b"{}", KEY, 400),
            (first.replace(b"gate-1", b"gate-2"), KEY, 400),
            (b"~" * 9, KEY, 400),
        ):
            assert stating(client, nothing, said, by=by) == status
    kept = store.statements()
    assert [row.said for row in kept] == [first, second, first]
    for row in kept:
        assert is_signed(row.key, row.signature, signed_bytes(row.said)), "what was said can be proven later"
        assert row.first <= row.last
    store.close()
    assert Store(tmp_path / "trips.db").statements() == kept


def test_what_was_said_is_looked_at_again_when_the_device_has_another_key(tmp_path: Path) -> None:
    """Else the collector would keep, under the new key, a signature of the old one, which proves nothing."""
    keys, other = {"gate-1": KEY.public}, DeviceKey.generate()
    store = Store(tmp_path / "trips.db")
    said = encode_versions(Versions(device="gate-1", software="0.1.0", parameters=3))
    nothing = json.dumps({"form": 2, "device": "gate-1", "epoch": 7, "entries": []}).encode()
    collector = Collector(store, enrolled=lambda: keys)
    with Serving(collector.app()) as serving, plain_http(base_url=serving.url) as client:
        assert stating(client, nothing, said) == 200
        keys["gate-1"] = other.public
        assert stating(client, nothing, said, key=other, by=KEY) == 401
        assert stating(client, nothing, said, key=other, by=other) == 200
    store.close()


def test_a_batch_signed_by_another_key_is_refused(client: httpx.Client, tmp_path: Path) -> None:
    body = batch(tmp_path, "gate-2")
    post(client, body)
    answer = post(client, body, DeviceKey.generate())
    assert answer.status_code == 403
    assert "another key" in answer.json()["error"]


def test_a_body_that_is_not_what_was_signed_is_refused(client: httpx.Client, tmp_path: Path) -> None:
    body = batch(tmp_path, "gate-3")
    changed = body.replace(b'"sequence":1', b'"sequence":2')
    headers = {"X-Yima-Key": KEY.public, "X-Yima-Signature": KEY.sign(body)}
    assert client.post("/v1/batches", content=changed, headers=headers).status_code == 401
    assert client.post("/v1/batches", content=body).status_code == 401
    for key, signature in (("zz", "zz"), ("00" * 32, "00" * 64), (KEY.public, ""), ("é", "é")):
        answer = client.post(
            "/v1/batches",
            content=body,
            headers=[(b"X-Yima-Key", key.encode()), (b"X-Yima-Signature", signature.encode())],
        )
        assert answer.status_code == 401
    assert post(client, body).status_code == 200


def entry(**changes: Any) -> dict[str, Any]:
    plain = {"sequence": 1, "at": 1, "time_trusted": True, "tick_ms": 1, "reason": 0}
    return {**plain, "record": "", "previous": "00" * 32, "hash": "00" * 32, **changes}


def shaped(**changes: Any) -> Any:
    """A batch of the older form."""
    return {"device": "gate-4", "epoch": 7, "entries": [entry()], **changes}


def of_today(*rows: dict[str, Any], form: Any = 2) -> Any:
    plain = {"sequence": 1, "entry": "", "previous": "00" * 32, "hash": "00" * 32}
    return {"form": form, "device": "gate-4", "epoch": 7, "entries": [plain | row for row in rows]}


@pytest.mark.parametrize(
    "batch",
    [
        None,
        [],
        "batch",
        {},
        shaped(device=""),
        shaped(device="a" * 65),
        shaped(device="../../etc"),
        shaped(device="gate\ud800"),
        shaped(device=7),
        shaped(epoch=-1),
        shaped(epoch=1 << 63),
        shaped(epoch="7"),
        shaped(epoch=True),
        shaped(epoch=7.0),
        shaped(entries=None),
        shaped(entries={}),
        shaped(entries=[None]),
        shaped(entries=[entry(sequence=number) for number in range(1, ENTRIES_MAX + 2)]),
        shaped(entries=[entry(sequence=2), entry(sequence=1)]),
        shaped(entries=[entry(), entry()]),
        shaped(entries=[entry(sequence=0)]),
        shaped(entries=[entry(sequence=1 << 63)]),
        shaped(entries=[entry(at=None)]),
        shaped(entries=[entry(at=1 << 63)]),
        shaped(entries=[entry(time_trusted=1)]),
        shaped(entries=[entry(tick_ms=-1)]),
        shaped(entries=[entry(reason=65536)]),
        shaped(entries=[entry(record="*")]),
        shaped(entries=[entry(record="é")]),
        shaped(entries=[entry(record="AAAA" * 4000)]),
        shaped(entries=[entry(hash="00" * 31)]),
        shaped(entries=[entry(hash="AA" * 32)]),
        shaped(entries=[entry(previous=None)]),
        of_today({}, form=3),
        of_today({}, form=0),
        of_today({}, form="2"),
        of_today({}, form=True),
        of_today({}, form=1),
        of_today({"entry": None}),
        of_today({"entry": "*"}),
        of_today({"entry": "AAAA" * 4000}),
        of_today({"sequence": 0}),
        of_today({"hash": None}),
        of_today({"sequence": 2}, {"sequence": 1}),
    ],
    ids=lambda batch: str(batch)[:60],
)
def test_a_batch_of_the_wrong_shape_is_400_with_why(client: httpx.Client, batch: Any) -> None:
    answer = post(client, json.dumps(batch).encode())
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe{",
        b"[" * 200_000,
        b'{"epoch":' + b"9" * 5000 + b"}",
        b"NaN",
        '{"device":1}'.encode("utf-16"),
    ],
    ids=lambda body: repr(body[:12]),
)
def test_bytes_that_are_no_json_are_400(client: httpx.Client, body: bytes) -> None:
    assert post(client, body).status_code == 400


@given(body=st.binary(max_size=2000))
def test_any_signed_bytes_are_answered_400(client: httpx.Client, body: bytes) -> None:
    assert post(client, body).status_code == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NEARLY = st.fixed_dictionaries(
    {"device": st.just("gate-5") | JSON, "epoch": st.integers(-1, 2) | JSON},
    optional={
        "entries": JSON
        | st.lists(
            st.fixed_dictionaries(
                {name: st.just(value) | JSON for name, value in entry().items()} | {"sequence": st.integers(-1, 9)}
            ),
            max_size=3,
        )
    },
)


@given(batch=JSON | NEARLY)
def test_any_signed_json_is_answered_200_or_400(client: httpx.Client, batch: Any) -> None:
    answer = post(client, json.dumps(batch).encode())
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        assert answer.json()["acknowledged"] >= len(answer.json()["rejected"])


def test_a_body_beyond_the_cap_is_413_and_not_kept_in_memory(client: httpx.Client) -> None:
    assert post(client, b" " * (BODY_MAX + 1)).status_code == 413
    assert post(client, b" " * BODY_MAX).status_code == 400


def test_an_encoded_body_is_415(client: httpx.Client) -> None:
    headers = {"X-Yima-Key": KEY.public, "X-Yima-Signature": KEY.sign(b"{}"), "Content-Encoding": "gzip"}
    assert client.post("/v1/batches", content=b"{}", headers=headers).status_code == 415


def test_a_body_that_breaks_off_is_nobodys_trouble(client: httpx.Client, events: list[dict[str, Any]]) -> None:
    url = httpx.URL(str(client.base_url))
    with socket.create_connection((url.host, url.port or 80)) as connection:
        connection.sendall(b"POST /v1/batches HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    until(lambda: {"event": "refused", "status": 400, "why": "the body ended before its end"} in events)
    assert client.get("/health").json() == {"status": "ok"}


def test_how_far_each_journal_has_come_can_be_asked_without_accounts(client: httpx.Client, tmp_path: Path) -> None:
    post(client, batch(tmp_path, "gate-6", 4))
    (mine,) = [row for row in client.get("/devices").json()["devices"] if row["device"] == "gate-6"]
    assert (mine["epoch"], mine["acknowledged"], mine["rejected"], mine["conflicts"]) == (7, 4, 0, 0)
    found = client.get("/v1/devices/gate-6/7", params={"after": 2}).json()["entries"]
    assert [row["sequence"] for row in found] == [3, 4]
    assert set(found[0]) == {"sequence", "form", "kind", "at", "time_trusted", "reason", "hash", "rejected"}
    assert client.get("/v1/devices/nobody/7").json() == {"entries": []}


@pytest.mark.parametrize(
    "path",
    [
        "/v1/devices/%00/1",
        "/v1/devices/x/y",
        "/v1/devices/x/-1",
        "/v1/devices/x/7?after=x",
        f"/v1/devices/x/{1 << 63}",
        "/v1/devices/x/7?afte=1",
        "/v1/devices/x/7?after=1&after=2",
        "/devices?limit=1",
        "/devices?=1",
    ],
)
def test_a_question_that_is_none_is_400(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 400


def test_what_is_not_there_is_404_or_405(client: httpx.Client) -> None:
    assert client.get("/").status_code == 404
    assert client.get("/v1/batches").status_code == 405


def test_a_store_that_cannot_write_is_503_and_acknowledges_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "trips.db", max_bytes=48 << 10)
    body = batch(tmp_path, "gate-7", 400)
    events: list[dict[str, Any]] = []
    with Serving(Collector(store, on_event=events.append).app()) as serving:
        client = plain_http(base_url=serving.url)
        answer = post(client, body)
        assert answer.status_code == 503
        assert 5 <= int(answer.headers["Retry-After"]) <= 20
        assert client.get("/devices").json() == {"devices": []}
        client.close()
    assert "full" in events[0]["why"]
    store.close()


def test_only_enrolled_devices_are_heard(tmp_path: Path) -> None:
    store = Store(tmp_path / "trips.db")
    other = DeviceKey.generate()
    body = batch(tmp_path, "gate-7")
    with Serving(Collector(store, enrolled=lambda: {"gate-7": KEY.public}).app()) as serving:
        client = plain_http(base_url=serving.url)
        assert post(client, body, other).status_code == 403
        assert post(client, body, KEY).status_code == 200
        client.close()
    store.close()


def test_a_stranger_is_told_nothing_of_any_device(tmp_path: Path) -> None:
    """Every tap's time, reason and hash were shown to whoever asked."""
    store = Store(tmp_path / "trips.db")
    body = batch(tmp_path, "gate-7")
    with (
        Serving(Collector(store, may_read=lambda shown: shown == "yima_reader").app()) as serving,
        plain_http(base_url=serving.url) as client,
    ):
        post(client, body)
        for path in ("/devices", "/v1/devices/gate-7/7"):
            for wrong in ({}, {"Authorization": "Bearer yima_other"}, {"Authorization": "Basic yima_reader"}):
                answer = client.get(path, headers=wrong)
                assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
                assert "gate-7" not in answer.text
            assert client.get(path, headers={"Authorization": "Bearer yima_reader"}).status_code == 200
        assert client.get("/health").status_code == client.get("/ready").status_code == 200
    store.close()


def test_a_busy_port_and_an_address_of_another_machine_are_told_apart() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(ServingError, match="in use by another program"):
        listen("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(ServingError, match="cannot listen here"):
        listen("192.0.2.1", 0)
    with pytest.raises(ServingError, match="no such port"):
        listen("127.0.0.1", 65536)


def test_so_many_may_ask_for_lists_at_a_time_and_the_next_is_told_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yima.sdk.centre.collector.app.READERS_MOST", 2)
    store = Store(tmp_path / "trips.db")
    go_on = threading.Event()

    def journeys() -> list[Any]:
        assert go_on.wait(200)
        return []

    monkeypatch.setattr(store, "journeys", journeys)
    collector = Collector(store)
    with (
        Serving(collector.app()) as serving,
        ThreadPoolExecutor(2) as asking,
        plain_http(base_url=serving.url, timeout=200) as client,
    ):
        asked = [asking.submit(client.get, "/devices") for _ in range(2)]
        until(lambda: collector._readers == 2)
        refused = client.get("/devices")
        go_on.set()
        assert (refused.status_code, refused.json()) == (503, {"error": "more ask than can be answered"})
        assert [one.result().status_code for one in asked] == [200, 200]
        assert client.get("/devices").json() == {"devices": []}
    store.close()
