"""Used codes for stations: who may ask, what is answered, and that nobody who waits holds up the end."""

import asyncio
import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from tests.sdk.centre.fleet.at_work import AtWork, collector_at_work
from tests.uplinks import KEY
from yima.sdk.centre.fleet import feed as feed_module
from yima.sdk.centre.fleet import uses
from yima.sdk.centre.fleet.database import Database
from yima.sdk.centre.fleet.feed import Feed
from yima.sdk.centre.fleet.uses import Place, Use
from yima.validator.state.keys import DeviceKey
from yima.validator.uplink.uses_wire import QUESTION_MAX, USES_MAX, Question, encode_question, parse_answer

CITIES = itertools.count(320500)
HERE = {"city": 0}


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AtWork]:
    with collector_at_work(tmp_path_factory.mktemp("feed")) as at_work:
        at_work.side.register.enrol("gate-7", KEY.public, who="test")
        yield at_work


@pytest.fixture
def at_work(collector: AtWork) -> AtWork:
    """Each test has a city of its own."""
    HERE["city"] = next(CITIES)
    return collector


def ask(at_work: AtWork, key: DeviceKey = KEY, body: bytes | None = None, **changes: Any) -> httpx.Response:
    said: dict[str, Any] = {
        "device": "gate-7", "at": int(time.time()), "after": 0, "wait_s": 0, "line": 1, "station": 101, **HERE,
    }  # fmt: skip
    sent = encode_question(Question(**said | changes)) if body is None else body
    with at_work.client() as client:
        return client.post(
            "/v1/uses", content=sent, headers={"X-Yima-Key": key.public, "X-Yima-Signature": key.sign(sent)}
        )


def keep(at_work: AtWork, *some: Use) -> None:
    """As if taps with these codes had come."""
    with at_work.side.database.transaction() as rows:
        kept = uses.Uses(rows, [], now=0)
        for use in some:
            kept._keep(use)
        kept.write()


def use(code: int, device: str = "gate-8", *, station: int = 101, line: int = 1, until_s: int = 60) -> Use:
    now = int(time.time())
    return Use(f"{code:064x}", 0, device, 7, code, now, now + until_s, 1, HERE["city"], line, station, 0)


def codes(answer: httpx.Response) -> tuple[int, list[int]]:
    number, found = parse_answer(answer.content)
    return number, [int.from_bytes(one.code) for one in found]


def test_a_gate_hears_of_its_station_and_never_of_itself(at_work: AtWork) -> None:
    keep(at_work, use(1), use(2, "gate-7"), use(3, station=102), use(4, line=2), use(5, until_s=-1))
    number, found = codes(ask(at_work))
    assert found == [1, 4], "a station is one, whichever line its gates are called by"
    assert codes(ask(at_work, after=number)) == (number, [])
    keep(at_work, use(6))
    assert codes(ask(at_work, after=number)) == (number + 1, [6])


def test_what_is_new_at_a_station_is_heard_at_the_gates_of_its_other_lines(at_work: AtWork) -> None:
    number, _ = codes(ask(at_work, line=1))
    keep(at_work, use(1, line=2))
    assert codes(ask(at_work, line=1, after=number))[1] == [1]


def test_a_gate_without_a_station_hears_of_its_line(at_work: AtWork) -> None:
    keep(at_work, use(1, station=0), use(2, station=0, line=2), use(3))
    assert codes(ask(at_work, station=0))[1] == [1]


def test_another_collector_on_the_same_tables_passes_nothing_over(at_work: AtWork) -> None:
    """A gate may ask one collector and then another, which has not seen what came in between."""
    number, _ = codes(ask(at_work))
    keep(at_work, use(1))
    feed = at_work.side._feed
    assert feed is not None
    feed._begun_at, feed._of_place = -1, {}  # as one that has just begun
    assert codes(ask(at_work, after=number))[1] == [1]


def test_more_than_an_answer_holds_is_asked_for_again(at_work: AtWork) -> None:
    keep(at_work, *(use(code) for code in range(1, USES_MAX + 4)))
    number, first = codes(ask(at_work))
    assert codes(ask(at_work, after=number))[1] == [USES_MAX + 1, USES_MAX + 2, USES_MAX + 3]
    assert len(first) == USES_MAX


def test_numbers_from_before_a_backup_was_restored_begin_anew(at_work: AtWork) -> None:
    keep(at_work, use(1))
    assert codes(ask(at_work, after=1 << 60))[1] == [1]


def test_numbers_of_a_clock_that_was_ahead_keep_nothing_from_a_gate_once_it_is_set_right(at_work: AtWork) -> None:
    """A clock that was days ahead forgot every use, and until a restart no gate heard of those that came after it was
    set right: their numbers were below the newest that this process had seen."""
    ahead = int(time.time()) + 8 * 86400
    with at_work.side.database.transaction() as rows:
        kept = uses.Uses(rows, [], now=ahead)
        kept._keep(use(1))
        kept.write()
    number, found = codes(ask(at_work))
    assert (number > ahead * 1000, found) == (True, [1])
    with at_work.side.database.transaction() as rows:
        rows.execute("DELETE FROM uses WHERE city = ?", (HERE["city"],))  # as `forget` does, of this test's city alone
    keep(at_work, use(2))
    number, found = codes(ask(at_work, after=number))
    assert (number < ahead * 1000, found) == (True, [2])
    keep(at_work, use(3))
    assert codes(ask(at_work, after=number))[1] == [3]


def test_the_gates_of_a_station_cost_one_reading(at_work: AtWork, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(at_work, use(1))
    ask(at_work)
    feed = at_work.side._feed
    assert feed is not None
    asked: list[object] = []
    read = feed._read

    def counted(place: Place, after: int) -> Any:
        asked.append(place)
        return read(place, after)

    monkeypatch.setattr(feed, "_read", counted)
    feed._asked.clear()
    for _ in range(5):
        assert codes(ask(at_work))[1] == [1]
    assert len(asked) == 1


def test_a_gate_that_asks_from_every_number_on_fills_no_memory(
    at_work: AtWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as nothing new came, an answer was held for each number that any gate had asked from."""
    monkeypatch.setattr(feed_module, "ASKED_MOST", 3)
    keep(at_work, use(1))
    ask(at_work)
    feed = at_work.side._feed
    assert feed is not None
    monkeypatch.setattr(feed, "_begun_at", 1 << 60)  # all that there is came before this collector began
    assert [codes(ask(at_work, after=number))[1] for number in range(6)] == [[1]] * 6
    assert len(feed._asked) == 3


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"device": "gate-9"}, 403, "not enrolled"),
        ({"at": 1}, 403, "at:"),
        ({"key": DeviceKey.generate()}, 403, "not enrolled"),
        ({"body": b"{}"}, 400, "device"),
        ({"body": b"\xff"}, 400, "not JSON"),
        ({"body": b" " * (QUESTION_MAX + 10)}, 400, "at most"),
    ],
)
def test_who_may_not_ask_is_told_why(at_work: AtWork, changes: dict[str, Any], status: int, says: str) -> None:
    answer = ask(at_work, **changes)
    assert answer.status_code == status
    assert says in answer.json()["error"]


def test_what_is_not_signed_is_not_read(at_work: AtWork) -> None:
    with at_work.client() as client:
        assert client.post("/v1/uses", content=b"{}").status_code == 401


def signed_question(at: int) -> Request:
    """Of gate-7, at that moment."""
    body = encode_question(
        Question(device="gate-7", at=at, after=0, wait_s=0, city=320500, line=1, station=101)
    )  # fmt: skip
    signed = [(b"x-yima-key", KEY.public.encode()), (b"x-yima-signature", KEY.sign(body).encode())]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "path": "/v1/uses", "headers": signed}, receive)


@pytest.mark.parametrize(("at", "status"), [(399, 403), (400, 200), (1600, 200), (1601, 403)])
def test_a_question_of_another_time_is_not_answered_whoever_has_kept_it(
    database: Database, at: int, status: int
) -> None:
    feed = Feed(database, lambda: {"gate-7": KEY.public}, now=lambda: 1000)
    assert asyncio.run(feed.answer(signed_question(at))).status_code == status


def test_where_too_many_wait_the_next_is_told_to_come_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed(database, lambda: {"gate-7": KEY.public}, now=lambda: 1000)

    async def asked(most: int) -> tuple[int, str | None]:
        monkeypatch.setattr(feed_module, "WAITING_MOST", most)
        answer = await feed.answer(signed_question(1000))
        return answer.status_code, answer.headers.get("Retry-After")

    async def work() -> list[tuple[int, str | None]]:
        return [await asked(most) for most in (0, 1, 1)]

    assert asyncio.run(work()) == [(503, "5"), (200, None), (200, None)], "who was answered waits no more"


def test_a_register_that_cannot_be_read_for_a_while_holds_up_nobody_else(database: Database) -> None:
    """A PostgreSQL that did not answer stopped the collector's event loop, and every batch with it, at each question of
    a gate."""
    began, went_on = threading.Event(), threading.Event()
    request = signed_question(1000)

    def reads_slowly() -> dict[str, str]:
        began.set()
        return {"gate-7": KEY.public} if went_on.wait(200) else {}

    async def asked() -> int:
        question = asyncio.create_task(Feed(database, reads_slowly, now=lambda: 1000).answer(request))
        while not began.is_set():
            await asyncio.sleep(0)
        went_on.set()
        return (await question).status_code

    assert asyncio.run(asked()) == 200


def test_a_gate_that_waits_does_not_hold_up_the_end_of_the_service(tmp_path: Path) -> None:
    """A collector that was stopped waited three seconds for them, and then said that it was in trouble."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as aside:
        with collector_at_work(tmp_path) as at_work:
            at_work.side.register.enrol("gate-7", KEY.public, who="test")
            number, _ = codes(ask(at_work))
            waits = aside.submit(ask, at_work, after=number, wait_s=25)
            feed = at_work.side._feed
            assert feed is not None
            while not feed._waiting:
                time.sleep(0.01)
        assert codes(waits.result())[1] == []
