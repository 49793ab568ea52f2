"""What comes faster than a store takes it: turned away at once, never lost, and nothing is stored twice."""

import asyncio
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from uvicorn.protocols.http.flow_control import FlowControl

from tests.uplinks import KEY, append, plain_http, until
from yima.sdk.centre.collector import intake, taking
from yima.sdk.centre.collector.app import Collector
from yima.sdk.centre.collector.arrivals import Answer, Arrival, KeyRefusedError
from yima.sdk.centre.collector.intake import ARRIVING_MOST, BusyError, Intake
from yima.sdk.centre.collector.schema import StoreError
from yima.sdk.centre.collector.store import Store
from yima.sdk.serving import Serving
from yima.validator.journal import SegmentJournal
from yima.validator.texts import Text
from yima.validator.uplink.batches import Batch, encode_batch


class Slow(Store):
    """A store whose first transaction ends when it is let go; it notes how many batches each had."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.begun, self.go, self.groups = threading.Event(), threading.Event(), list[int]()
        self.poison = ""

    def accept_all(
        self, arrivals: Sequence[Arrival], *, enrolled: Mapping[str, str] | None = None
    ) -> list[Answer | KeyRefusedError]:
        self.begun.set()
        assert self.go.wait(200)
        self.groups.append(len(arrivals))
        if any(arrival.batch.device == self.poison for arrival in arrivals):
            raise OverflowError(self.poison)
        return super().accept_all(arrivals, enrolled=enrolled)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Slow]:
    made = Slow(tmp_path / "trips.db")
    yield made
    made.close()


@pytest.fixture
def of(tmp_path: Path) -> Callable[[str], Arrival]:
    """A batch of two entries of a device."""

    def make(device: str) -> Arrival:
        journal = SegmentJournal(tmp_path / device, device, epoch_for_new=7)
        append(journal, 2)
        found = journal.entries(0, 2)
        journal.close()
        return Arrival(Batch(device=device, epoch=7, entries=tuple(found)), KEY.public, 9)

    return make


def signed(arrival: Arrival) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Body and headers, as its device sends it."""
    body = encode_batch(arrival.batch.device, arrival.batch.epoch, arrival.batch.entries)
    return body, [(b"x-yima-key", KEY.public.encode()), (b"x-yima-signature", KEY.sign(body).encode())]


async def begun(store: Slow) -> None:
    while not store.begun.is_set():
        await asyncio.sleep(0.001)


def test_what_comes_while_a_transaction_is_written_makes_one_of_its_own(
    store: Slow, of: Callable[[str], Arrival]
) -> None:
    async def work() -> list[Any]:
        row = Intake(store, lambda: None)
        first = asyncio.create_task(row.take(of("gate-0")))
        await begun(store)
        rest = [asyncio.create_task(row.take(of(f"gate-{number}"))) for number in range(1, 6)]
        await asyncio.sleep(0)
        store.go.set()
        return list(await asyncio.gather(first, *rest))

    answers = asyncio.run(work())
    assert [answer.acknowledged for answer, _ in answers] == [2] * 6
    assert store.groups == [1, 5]
    assert len(store.journeys()) == 6


def test_beyond_what_may_wait_a_batch_is_turned_away_at_once(
    store: Slow, of: Callable[[str], Arrival], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "WAITING_MOST", 2)

    async def work() -> list[Any]:
        row = Intake(store, lambda: None)
        tasks = [asyncio.create_task(row.take(of("gate-0")))]
        await begun(store)
        tasks += [asyncio.create_task(row.take(of(f"gate-{number}"))) for number in range(1, 5)]
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            row.check_room()
        store.go.set()
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    found = asyncio.run(work())
    assert [isinstance(one, BusyError) for one in found] == [False, False, False, True, True]
    assert len(store.journeys()) == 3


def test_what_has_waited_for_too_long_is_given_up_and_never_stored(
    store: Slow, of: Callable[[str], Arrival], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        row = Intake(store, lambda: None)
        first = asyncio.create_task(row.take(of("gate-0")))
        await begun(store)
        with monkeypatch.context() as hurried, pytest.raises(BusyError):
            hurried.setattr(intake, "WITHIN_S", 0.01)
            await row.take(of("gate-1"))
        monkeypatch.undo()
        store.go.set()
        await first
        await row.take(of("gate-2"))

    asyncio.run(work())
    assert [journey.device for journey in store.journeys()] == ["gate-0", "gate-2"]


def test_a_batch_nobody_reckoned_with_fails_alone(store: Slow, of: Callable[[str], Arrival]) -> None:
    async def work() -> list[Any]:
        row = Intake(store, lambda: None)
        tasks = [asyncio.create_task(row.take(of("gate-0")))]
        await begun(store)
        tasks += [asyncio.create_task(row.take(of(f"gate-{number}"))) for number in range(1, 4)]
        await asyncio.sleep(0)
        store.poison = "gate-2"
        store.go.set()
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    found = asyncio.run(work())
    assert [type(one) for one in found] == [tuple, tuple, OverflowError, tuple]
    assert [journey.device for journey in store.journeys()] == ["gate-0", "gate-1", "gate-3"]


def test_bytes_that_are_held_are_bounded_and_given_back(store: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty bodies that never ended took a hundred megabytes."""
    monkeypatch.setattr(intake, "BYTES_MOST", 1000)
    row = Intake(store, lambda: None)
    with row.body() as body:
        body.grow(1000)
        row.check_room()
        body.is_whole()
        with pytest.raises(BusyError):
            row.check_room()
    row.check_room()


def test_a_body_that_does_not_end_makes_room_for_one_that_comes(store: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "ARRIVING_MOST", 1000)

    async def work() -> None:
        row = Intake(store, lambda: None)
        slow, quick, large = row.body(), row.body(), row.body()
        slow.grow(600)
        quick.grow(400)
        quick.grow(100)
        assert (slow.is_given_up, quick.is_given_up) == (True, False)
        quick.is_whole()
        with pytest.raises(BusyError):
            large.grow(1001)
        for body in (slow, quick, large):
            body.__exit__()
        assert (row._arriving_bytes, row._bytes) == (0, 0)

    asyncio.run(work())


def test_60_unfinished_bodies_on_real_connections_hold_no_more_than_their_room(tmp_path: Path) -> None:
    """They took 100 MB."""
    store = Store(tmp_path / "trips.db")
    collector = Collector(store)
    part = b"POST /v1/batches HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n" + bytes(1_900_000)
    with Serving(collector.app()) as serving, ExitStack() as open_lines:
        url = httpx.URL(serving.url)
        lines = []
        most = 0
        for _ in range(60):
            line = open_lines.enter_context(socket.create_connection((url.host, url.port or 0), timeout=200))
            with suppress(ConnectionError):  # it was given up before its end
                line.sendall(part)
            lines.append(line)
            most = max(most, collector.depth().bytes)
        until(lambda: sum(map(has_an_answer, lines)) >= 60 - ARRIVING_MOST // 1_900_000)
        assert 0 < most <= ARRIVING_MOST
        with plain_http(base_url=serving.url) as client:
            body = b'{"form":2,"device":"gate-7","epoch":7,"entries":[]}'
            headers = {"X-Yima-Key": KEY.public, "X-Yima-Signature": KEY.sign(body)}
            assert client.post("/v1/batches", content=body, headers=headers).status_code == 200
    store.close()


def has_an_answer(line: socket.socket) -> bool:
    """Also one that is the end of the connection."""
    return bool(select.select([line], [], [], 0)[0])


def test_no_more_waits_than_the_store_takes_within_a_second_as_it_works_now(
    store: Slow, of: Callable[[str], Arrival], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand devices at once had answers after ten seconds, when half of them had hung up."""
    monkeypatch.setattr(intake, "ALWAYS", 2)
    monkeypatch.setattr(intake, "PACE_S", 0.1)  # two entries and their batch are 0.4 s

    async def work() -> list[Any]:
        row = Intake(store, lambda: None)
        tasks = [asyncio.create_task(row.take(of("gate-0")))]
        await begun(store)
        tasks += [asyncio.create_task(row.take(of(f"gate-{number}"))) for number in range(1, 6)]
        await asyncio.sleep(0)
        store.go.set()
        found = list(await asyncio.gather(*tasks, return_exceptions=True))
        assert row._work_waiting == 0
        return found

    found = asyncio.run(work())
    assert [isinstance(one, BusyError) for one in found] == [False, False, False, False, True, True]


def test_a_batch_beyond_what_is_taken_is_503_with_a_word_when_to_come_again(
    store: Slow, of: Callable[[str], Arrival], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "ARRIVING_MOST", 10)
    store.go.set()
    body, headers = signed(of("gate-0"))
    with (
        Serving(Collector(store).app()) as serving,
        plain_http(base_url=serving.url) as client,
    ):
        answer = client.post("/v1/batches", content=body, headers=headers)
        assert (answer.status_code, answer.json()) == (503, {"error": "more comes than can be stored"})
        assert 5 <= int(answer.headers["Retry-After"]) <= 20
        monkeypatch.setattr(intake, "ARRIVING_MOST", 10_000_000)
        assert client.post("/v1/batches", content=body, headers=headers).json()["acknowledged"] == 2, "given back"


def test_a_batch_that_has_waited_for_the_process_is_turned_away_before_it_costs_anything(
    store: Slow, of: Callable[[str], Arrival]
) -> None:
    """Of a thousand that came at once, seven hundred were looked at one after the other: the last after seconds."""
    store.go.set()
    body, headers = signed(of("gate-0"))

    async def sent(late_s: float) -> tuple[int, bool]:
        said: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            said.append(message)

        state = {"heard_at": time.monotonic() - late_s}
        await Collector(store).taking({"headers": headers, "state": state}, receive, send)
        return said[0]["status"], b"retry-after" in dict(said[0]["headers"])

    assert asyncio.run(sent(intake.LATE_S + 0.1)) == (503, True)
    assert store.groups == []
    assert asyncio.run(sent(0.0)) == (200, False)


def test_a_request_knows_when_its_newest_bytes_were_heard() -> None:
    seen: list[float] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(2):
            await receive()
            seen.append(scope["state"]["heard_at"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with Serving(app) as serving:
        url = httpx.URL(serving.url)
        with socket.create_connection((url.host, url.port or 0), timeout=200) as line:
            before = time.monotonic()
            line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na")
            until(lambda: len(seen) == 1)
            line.sendall(b"b")
            assert line.recv(100)
    assert before < seen[0] < seen[1] <= time.monotonic()


def test_bytes_that_lay_in_the_systems_buffer_have_waited_for_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body over 64 KB is read in pieces: each was heard when it was read, however long we had not been reading."""
    paused, sent, seen = threading.Event(), threading.Event(), list[float]()
    pause = FlowControl.pause_reading

    def noted(flow: FlowControl) -> None:
        pause(flow)
        paused.set()

    monkeypatch.setattr(FlowControl, "pause_reading", noted)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while not paused.is_set():
            await asyncio.sleep(0.001)
        seen.append(scope["state"]["heard_at"])
        assert sent.wait(200)  # the loop stands still
        while (await receive()).get("more_body"):
            pass
        seen.append(scope["state"]["heard_at"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with Serving(app) as serving:
        url = httpx.URL(serving.url)
        with socket.create_connection((url.host, url.port or 0), timeout=200) as line:
            line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + bytes(99_000))
            assert paused.wait(200)
            line.sendall(bytes(1000))
            sent.set()
            assert line.recv(100)
    assert seen[0] == seen[1]


def test_a_register_that_takes_a_device_at_a_time_holds_up_no_more_of_them_than_it_can(
    store: Slow, of: Callable[[str], Arrival], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a bench a thousand new devices waited for it, the last for six seconds."""
    monkeypatch.setattr(taking, "TRUSTING_MOST", 1)
    store.go.set()
    body, headers = signed(of("gate-0"))
    told, may_go = threading.Event(), threading.Event()

    def trust(_device: str, _key: str) -> None:
        told.set()
        assert may_go.wait(200)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def work() -> tuple[int, int]:
        take = Collector(store, trust=trust).taking
        first = asyncio.create_task(take.answer(dict(headers), receive, lambda _device: ""))
        while not told.is_set():
            await asyncio.sleep(0.001)
        second = (await take.answer(dict(headers), receive, lambda _device: ""))[0]
        may_go.set()
        return (await first)[0], second

    assert asyncio.run(work()) == (200, 503)


def test_it_is_ready_when_the_store_can_be_written_and_says_so_when_it_cannot(tmp_path: Path) -> None:
    """Its health was good while every batch was refused."""
    answers = []
    for name in ("roomy", "full"):
        store = Store(tmp_path / f"{name}.db")
        if name == "full":
            with store._file.transaction() as connection:
                connection.execute("PRAGMA max_page_count=1")  # as many as there are
        with (
            Serving(Collector(store).app()) as serving,
            plain_http(base_url=serving.url) as client,
        ):
            ready = client.get("/ready")
            answers.append((ready.status_code, ready.json(), client.get("/health").status_code))
        store.close()
    assert answers == [
        (200, {"status": "ok"}, 200),
        (503, {"error": "the store cannot be written"}, 200),  # it listens all the same
    ]


def test_a_store_is_not_tried_for_every_question(store: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def fail() -> None:
        tried.append(1)
        raise StoreError("trips.db", Text("full", "已满"), Text("free space", "请释放空间"))

    monkeypatch.setattr(store, "check_writable", fail)

    async def work() -> None:
        row = Intake(store, lambda: None)
        for _ in range(50):
            with pytest.raises(StoreError):
                await row.check_ready()

    asyncio.run(work())
    assert len(tried) == 1
