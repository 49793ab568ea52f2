"""The sender: batches by count and age, back-off, and a cursor that only an answer moves."""

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.uplink_conformance import Told
from tests.uplinks import KEY, answering, append, http, until, uplink_to
from yima.sdk.centre.collector.app import Collector
from yima.sdk.centre.collector.store import Store
from yima.sdk.serving import Serving
from yima.validator.errors import BatchTooLargeError, YimaError
from yima.validator.journal import SegmentJournal
from yima.validator.uplink.http import HttpUplink
from yima.validator.uplink.sender import WAIT_MAX_S, WAIT_MIN_S, BatchPolicy, Sender, first_at, waiting_s


@contextmanager
def sending(
    journal: SegmentJournal, url: str, *, count: int = 100, age_s: float = 0.05, check_in_s: float = 300
) -> Iterator[tuple[Sender, Told]]:
    told = Told()
    sender = Sender(
        journal=journal,
        uplink=HttpUplink(url, key=KEY, device="gate-7", epoch=journal.epoch, total_s=2),
        policy=BatchPolicy(count=count, age_s=age_s, check_in_s=check_in_s),
        now=lambda: 1_790_000_000,
        on_trouble=lambda error: told.trouble.append(str(error)),
        on_recovered=told.back,
        on_answer=lambda through, rejected: told.answers.append((through, rejected)),
    )
    sender.start()
    try:
        yield sender, told
    finally:
        sender.stop(5)


def held(store: Store, journal: SegmentJournal) -> list[int]:
    return [row["sequence"] for row in store.entries("gate-7", journal.epoch, after=0, limit=10_000)]


def test_a_batch_goes_when_enough_wait_and_not_before(journal: SegmentJournal, serving: Serving) -> None:
    with sending(journal, serving.url, count=3, age_s=3600) as (sender, told):
        append(journal, 2)
        sender.appended()
        append(journal, 1)
        sender.appended()
        until(lambda: bool(told.answers))  # which is told after the journal has it
        assert told.answers == [(3, {})]
        assert journal.acknowledged() == 3


def test_a_lone_record_goes_when_it_has_waited_long_enough(journal: SegmentJournal, serving: Serving) -> None:
    with sending(journal, serving.url, count=100, age_s=0.01) as (sender, _):
        append(journal, 1)
        sender.appended()
        until(lambda: journal.acknowledged() == 1)


def test_a_stop_sends_what_still_waits(journal: SegmentJournal, store: Store, serving: Serving) -> None:
    with sending(journal, serving.url, count=100, age_s=3600) as (sender, _):
        append(journal, 7)
        sender.appended()
    assert held(store, journal) == [1, 2, 3, 4, 5, 6, 7]
    assert journal.acknowledged() == 7


def test_a_question_that_failed_while_nothing_waits_is_asked_again_without_a_tap(
    journal: SegmentJournal, store: Store
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    hour = 3600.0  # until the next question, if the failed one counted as asked
    with sending(journal, f"http://127.0.0.1:{port}", check_in_s=hour) as (_, told):
        until(lambda: bool(told.trouble))
        with Serving(Collector(store).app(), port=port):
            until(lambda: told.recovered == 1)
    assert len(told.trouble) == 1
    assert told.answers == []


def test_a_collector_in_trouble_moves_no_cursor(journal: SegmentJournal) -> None:
    append(journal, 3)
    journal.acknowledge(1, {})
    with answering(http("500 Internal Server Error", b"")) as url, sending(journal, url) as (_, told):
        until(lambda: bool(told.trouble))
    assert journal.acknowledged() == 1
    assert journal.quarantined() == []


def test_a_collector_is_believed_only_for_what_was_sent_to_it_now(journal: SegmentJournal) -> None:
    append(journal, 5)
    with answering(http("200 OK", b'{"acknowledged":5}')) as url, sending(journal, url, count=2) as (_, told):
        until(lambda: bool(told.trouble))  # the second batch finds nobody
    assert told.answers == [(2, {})]
    assert journal.acknowledged() == 2


def test_a_way_that_takes_only_small_bodies_is_met_with_smaller_batches(journal: SegmentJournal) -> None:
    append(journal, 8)
    too_large = http("413 Content Too Large", b"")
    answers = (too_large, too_large, http("200 OK", b'{"acknowledged":2}'))
    with answering(*answers) as url, sending(journal, url, count=8) as (_, told):
        until(lambda: journal.acknowledged() == 2)
    assert told.answers[0] == (2, {})
    with answering(too_large) as url, uplink_to(url) as uplink, pytest.raises(BatchTooLargeError):
        uplink.send(journal.pending(1))


class Moments:
    """An uplink that notes when it is asked."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.at = 0.0

    def send(self, entries: Sequence[Any]) -> tuple[int, dict[int, str]]:
        self.at = self.at or time.monotonic()
        self.asked.set()
        return (entries[-1].key.sequence if entries else 0), {}

    def close(self) -> None:
        pass


def spread(journal: SegmentJournal, uplink: Moments, roll: float, age_s: float = 3600) -> Sender:
    return Sender(
        journal=journal,
        uplink=uplink,
        policy=BatchPolicy(age_s=age_s, spread_s=3600),
        now=lambda: 1_790_000_000,
        on_trouble=lambda error: None,
        on_recovered=lambda: None,
        on_answer=lambda through, rejected: None,
        roll=lambda: roll,
    )


def test_a_depot_that_powers_up_at_once_is_spread() -> None:
    policy, chance = BatchPolicy(age_s=5, spread_s=30), random.Random(1)
    moments = [first_at(100, chance.random(), policy, None) for _ in range(1000)]
    assert min(moments) >= 100 and max(moments) < 130
    assert max(Counter(int(moment) for moment in moments).values()) < 60, "no second has twice its share"
    assert first_at(100, 0.9, policy, 101) == 106, "a new tap waits no longer than any other"
    assert first_at(100, 0.1, policy, 101) == 103


def test_what_was_written_before_the_start_waits_for_the_spread_and_a_start_is_written_each_time(
    journal: SegmentJournal,
) -> None:
    uplink = Moments()
    sender = spread(journal, uplink, 0.99, age_s=0)
    append(journal, 1)
    sender.appended()
    sender.start()
    assert not uplink.asked.wait(0.3)
    sender.stop(5)
    assert uplink.asked.is_set()


def test_whoever_stops_before_the_first_exchange_asks_all_the_same(journal: SegmentJournal) -> None:
    """A collector that was restored is noticed by a run that is short and has nothing to send, too."""
    uplink = Moments()
    sender = spread(journal, uplink, 0.99)
    sender.start()
    sender.stop(5)
    assert uplink.asked.is_set()


def test_a_new_tap_waits_for_no_spread_and_a_stop_sends_at_once(journal: SegmentJournal) -> None:
    append(journal, 1)
    for act in ("tap", "stop", "first of all"):
        uplink = Moments()
        sender = spread(journal, uplink, 0.0 if act == "first of all" else 0.99, age_s=0)
        sender.start()
        if act == "tap":
            append(journal, 1)
            sender.appended()
        if act == "stop":
            append(journal, 1)
            sender.stop(5)
        assert uplink.asked.wait(200)
        sender.stop(5)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_waiting_grows_from_half_a_second_to_a_minute_and_is_spread(failures: int, roll: float) -> None:
    assert WAIT_MIN_S <= waiting_s(failures, roll) <= min(WAIT_MAX_S, 0.5 * 2.0 ** min(failures, 16))
    assert waiting_s(failures, 0) == WAIT_MIN_S


def test_every_trouble_names_the_thing_and_says_what_to_do_in_both_languages(journal: SegmentJournal) -> None:
    with answering(http("500 Oops", b"")) as url, uplink_to(url) as uplink, pytest.raises(YimaError) as caught:
        uplink.send([])
    assert caught.value.thing == url
    assert all((*caught.value.problem, *caught.value.remedy))
