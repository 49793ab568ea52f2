"""The collector's interface: who may do what, and what is done is done at once."""

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import entries
from tests.sdk.centre.clearing import world
from tests.sdk.centre.fleet.at_work import AtWork, collector_at_work
from tests.uplinks import KEY, record, until
from yima.sdk.centre.fleet import api
from yima.sdk.centre.interfaces.keys import Role, make_key
from yima.validator.journal import SegmentJournal
from yima.validator.uplink.batches import encode_batch

A = "aa" * 32


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    path = tmp_path_factory.mktemp("keys") / "keys.toml"
    made = {
        name: make_key(path, role, of, since=20200101)[1]
        for name, role, of in (
            ("operator", Role.OPERATOR, "99310001"),
            ("auditor", Role.AUDITOR, ""),
            ("issuer", Role.ISSUER, "99310000"),
        )
    }
    return made | {"path": str(path)}


@pytest.fixture(scope="module")
def at_work(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, str]) -> Iterator[AtWork]:
    folder = tmp_path_factory.mktemp("collector")
    parameters = world.parameters(folder / "source")
    (folder / "published").mkdir()
    (folder / "published" / "v1.img").write_bytes(parameters.image)
    readers = Path(keys["path"])
    with collector_at_work(folder, bench=False, readers=readers, published=folder / "published") as at_work:
        yield at_work


@pytest.fixture
def operator(at_work: AtWork, keys: dict[str, str]) -> Iterator[httpx.Client]:
    with at_work.client(keys["operator"]) as client:
        yield client


def sent(at_work: AtWork, folder: Path, device: str, *taps: bytes) -> httpx.Response:
    """A batch with these entries, signed by KEY."""
    journal = SegmentJournal(folder / device, device, epoch_for_new=7)
    for tap in taps:
        journal.append(tap)
    body = encode_batch(device, 7, journal.entries(0, len(taps)) if taps else [])
    journal.close()
    with at_work.client() as client:
        signed = {"X-Yima-Key": KEY.public, "X-Yima-Signature": KEY.sign(body)}
        return client.post("/v1/batches", content=body, headers=signed)


GETS = (
    "/v1/fleet/devices", "/v1/fleet/devices/gate-7/log", "/v1/fleet/cases", "/v1/fleet/cases/1", "/v1/fleet/versions",
    "/v1/fleet/duty?version=1&published=1", "/v1/fleet/records", "/metrics", "/devices", "/v1/devices/gate-7/7",
)  # fmt: skip
POSTS = (
    ("/v1/fleet/devices", {"device": "gate-1", "key": A}),
    ("/v1/fleet/devices/gate-7/rotate", {"key": A}),
    ("/v1/fleet/devices/gate-7/revoke", {"why": "x"}),
    ("/v1/fleet/devices/gate-7/release", {"why": "x"}),
    ("/v1/fleet/cases/1/settle", {"decision": "PAY", "why": "x"}),
)


def test_nothing_is_told_and_nothing_done_without_a_key(at_work: AtWork, keys: dict[str, str]) -> None:
    for key in ("", "yima_00000000_" + "x" * 43, keys["issuer"]):
        with at_work.client(key) as client:
            assert {client.get(path).status_code for path in GETS} == {401}
            assert {client.post(path, json=said).status_code for path, said in POSTS} == {401}
    with at_work.client(keys["auditor"]) as client:
        assert {client.post(path, json=said).status_code for path, said in POSTS} == {403}
        assert {client.get(path).status_code for path in GETS} <= {200, 404}


def test_a_device_is_enrolled_over_http_and_may_send_at_once(
    at_work: AtWork, operator: httpx.Client, tmp_path: Path
) -> None:
    assert sent(at_work, tmp_path, "gate-8").status_code == 403
    answer = operator.post("/v1/fleet/devices", json={"device": "gate-8", "key": KEY.public, "why": "new"})
    assert (answer.status_code, answer.json()["state"]) == (200, "ENROLLED")
    assert sent(at_work, tmp_path, "gate-8").status_code == 200
    at_work.side.hearing.write()  # what its thread does every few seconds
    (row,) = [one for one in operator.get("/v1/fleet/devices").json()["items"] if one["device"] == "gate-8"]
    assert row["heard_at"] > 0
    assert operator.post("/v1/fleet/devices/gate-8/rotate", json={"key": A}).status_code == 200
    assert sent(at_work, tmp_path, "gate-8").status_code == 403
    assert operator.post("/v1/fleet/devices/gate-8/revoke", json={"why": "stolen"}).status_code == 200
    refused = operator.post("/v1/fleet/devices/gate-8/revoke", json={"why": "again"})
    assert (refused.status_code, refused.json()["title"]) == (409, "gate-8 is revoked")
    assert operator.post("/v1/fleet/devices/gate-8/release", json={"why": "scrapped"}).json()["state"] == "REVOKED"
    log = operator.get("/v1/fleet/devices/gate-8/log").json()["items"]
    assert [one["verb"] for one in log] == ["ENROL", "ROTATE", "REVOKE", "RELEASE"]
    assert all(one["who"].startswith("key ") for one in log)


def test_a_fortune_is_found_told_and_settled_over_http(at_work: AtWork, operator: httpx.Client, tmp_path: Path) -> None:
    operator.post("/v1/fleet/devices", json={"device": "gate-9", "key": KEY.public})
    operator.post("/v1/fleet/devices", json={"device": "gate-90", "key": "dd" * 32})
    page = operator.get("/v1/fleet/devices?after=gate-9&limit=1").json()["items"]
    assert [one["device"] for one in page] == ["gate-90"]
    fortune = entries.tap(fare_fen=16_777_215, gross_fen=16_777_215, body=record(bytes(332)))
    assert sent(at_work, tmp_path, "gate-9", fortune).json()["acknowledged"] == 1
    until(lambda: any(event["event"] == "flagged" for event in at_work.events))
    (case,) = operator.get("/v1/fleet/cases").json()["items"]
    assert (case["device"], case["fare_fen"], case["decision"]) == ("gate-9", 16_777_215, "OPEN")
    path = f"/v1/fleet/cases/{case['number']}"
    shown = operator.get(path).json()["record"]
    assert "*" in shown["account"]
    assert "body" not in shown
    assert operator.post(f"{path}/settle", json={"decision": "OPEN", "why": "x"}).status_code == 409
    whole = operator.post(f"{path}/settle", json={"decision": "WITHHOLD", "why": "no such rider"}).json()
    assert [(one["decision"], one["why"]) for one in whole["decisions"]] == [("WITHHOLD", "no such rider")]
    metrics = operator.get("/metrics").text
    assert 'yima_collector_open_cases{kind="FLAGGED"} 0.0' in metrics
    assert "yima_collector_follows 1.0" in metrics


def test_records_are_handed_out_by_cursor_and_nothing_twice(
    at_work: AtWork, operator: httpx.Client, tmp_path: Path
) -> None:
    operator.post("/v1/fleet/devices", json={"device": "gate-10", "key": A})
    operator.post("/v1/fleet/devices/gate-10/release", json={"why": "only to try"})
    first = operator.get("/v1/fleet/records").json()
    while first["more"]:
        first = operator.get("/v1/fleet/records", params={"after": first["next"]}).json()
    operator.post("/v1/fleet/devices", json={"device": "gate-11", "key": KEY.public})
    operator.post("/v1/fleet/devices/gate-9/release", json={"why": "its key goes on"})
    operator.post("/v1/fleet/devices", json={"device": "gate-11", "key": KEY.public})
    assert sent(at_work, tmp_path, "gate-11", entries.tap(body=record(b"a")), entries.note()).status_code == 200
    page = operator.get("/v1/fleet/records", params={"after": first["next"]}).json()
    assert [(one["device"], one["sequence"]) for one in page["items"]] == [("gate-11", 1), ("gate-11", 2)]
    assert operator.get("/v1/fleet/records", params={"after": page["next"]}).json()["items"] == []
    for nonsense in ("nonsense", "e30x", "bnVsbA=="):
        assert operator.get("/v1/fleet/records", params={"after": nonsense}).status_code == 400


def test_what_is_too_large_or_no_json_is_refused(operator: httpx.Client) -> None:
    path = "/v1/fleet/devices"
    assert operator.post(path, content=b"x" * 5000).status_code == 413
    assert operator.post(path, content=b"x" * 5000, headers={"Content-Length": "0000000005000"}).status_code == 413
    assert operator.post(path, content=iter([b"x" * 1000] * 5)).status_code == 413
    assert operator.post(path, content=b"{", headers={"Content-Type": "application/json"}).status_code == 422
    assert operator.post(path, json={"device": "gate 7", "key": A}).status_code == 422
    assert operator.post(path, content=b'{"device": "gate-1"}'.ljust(4096)).status_code == 422
    assert operator.get("/nowhere").status_code == 404
    assert operator.put(path).status_code == 405


def test_half_a_body_is_let_go(at_work: AtWork, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key, and for as long as he liked, a stranger held as many places as there are."""
    monkeypatch.setattr(api, "BODY_WITHIN_S", 0.01)
    _, _, port = at_work.url.rpartition(":")
    for path, length, status in (("devices", 100, 408), ("nowhere", 100, 408), ("devices", 5000, 413)):
        with socket.create_connection(("127.0.0.1", int(port)), timeout=10) as line:
            line.sendall(f"POST /v1/fleet/{path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{{".encode())
            with line.makefile("rb") as answer:
                assert answer.read().startswith(b"HTTP/1.1 %d " % status), "and the connection ends"


def test_what_is_not_there_is_not_found(operator: httpx.Client) -> None:
    settle, why = {"decision": "PAY", "why": "so"}, {"why": "so"}
    assert operator.get("/v1/fleet/cases/99").status_code == 404
    assert operator.post("/v1/fleet/cases/99/settle", json=settle).status_code == 404
    for verb, said in (("rotate", {"key": A}), ("revoke", why), ("release", why)):
        assert operator.post(f"/v1/fleet/devices/nobody/{verb}", json=said).status_code == 404


@pytest.mark.parametrize("asked", ["limt=5", "=5", "limit=5&limit=6"])
def test_a_parameter_that_is_not_known_or_comes_twice_is_refused_by_name(operator: httpx.Client, asked: str) -> None:
    """`limt=5` was answered with as many rows as ever."""
    answer = operator.get(f"/v1/fleet/devices?{asked}")
    assert answer.status_code == 422
    assert answer.json()["code"] == "PARAMETER"
    assert answer.json()["thing"] == f"the parameter {asked.partition('=')[0] or 'without a name'}"
