"""The sender: batches by count and age, back-off, and a cursor that only an answer moves."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import entries
from tests.uplinks import KEY, answering, append, http, until, uplink_to
from yima.sdk.centre.collector.app import Collector
from yima.sdk.centre.collector.store import Store
from yima.sdk.serving import Serving
from yima.validator.errors import BatchTooLargeError, YimaError
from yima.validator.journal import SegmentJournal
from yima.validator.uplink.http import HttpUplink
from yima.validator.uplink.sender import WAIT_MAX_S, WAIT_MIN_S, BatchPolicy, Sender, waiting_s


class Told:
    """What a sender says."""

    def __init__(self) -> None:
        self.trouble: list[str] = []
        self.recovered = 0
        self.answers: list[tuple[int, dict[int, str]]] = []

    def back(self) -> None:
        self.recovered += 1


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


def test_a_backlog_goes_at_once_batch_by_batch(journal: SegmentJournal, store: Store, serving: Serving) -> None:
    append(journal, 250)
    with sending(journal, serving.url, count=100, age_s=0) as (_, told):
        until(lambda: journal.acknowledged() == 250)
    assert [through for through, _ in told.answers] == [100, 200, 250]
    assert held(store, journal) == list(range(1, 251))


def test_a_batch_goes_when_enough_wait_and_not_before(journal: SegmentJournal, serving: Serving) -> None:
    with sending(journal, serving.url, count=3, age_s=3600) as (sender, told):
        append(journal, 2)
        sender.appended()
        append(journal, 1)
        sender.appended()
        until(lambda: journal.acknowledged() == 3)
        assert told.answers == [(3, {})]


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


def test_offline_means_waiting_and_online_means_everything_arrives_once(journal: SegmentJournal, store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    append(journal, 3)
    with sending(journal, f"http://127.0.0.1:{port}") as (sender, told):
        until(lambda: bool(told.trouble))
        append(journal, 4)
        sender.appended()
        assert journal.acknowledged() == 0
        with Serving(Collector(store).app(), port=port):
            until(lambda: journal.acknowledged() == 7)
    assert told.recovered == 1
    assert len(told.trouble) == 1
    assert held(store, journal) == [1, 2, 3, 4, 5, 6, 7]


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


def test_a_lost_acknowledgement_leaves_no_double(journal: SegmentJournal, store: Store, serving: Serving) -> None:
    append(journal, 3)
    with uplink_to(serving.url) as uplink:
        uplink.send(journal.pending(3))  # committed there; the answer never reached the journal
    assert journal.acknowledged() == 0
    append(journal, 2)
    with sending(journal, serving.url):
        until(lambda: journal.acknowledged() == 5)
    assert held(store, journal) == [1, 2, 3, 4, 5]


def test_a_collector_restored_from_a_backup_gets_everything_again(journal: SegmentJournal, tmp_path: Path) -> None:
    append(journal, 5)
    lost = Store(tmp_path / "lost.db")
    with Serving(Collector(lost).app()) as serving, sending(journal, serving.url):
        until(lambda: journal.acknowledged() == 5)
    lost.close()
    empty = Store(tmp_path / "restored.db")
    # Nobody taps: the question alone finds out.
    with Serving(Collector(empty).app()) as serving, sending(journal, serving.url) as (_, told):
        until(lambda: held(empty, journal) == [1, 2, 3, 4, 5] and journal.acknowledged() == 5)
    assert told.answers[0] == (0, {})
    empty.close()


def test_what_the_collector_rejects_goes_to_quarantine_and_does_not_hold_up_the_rest(
    journal: SegmentJournal, store: Store, serving: Serving
) -> None:
    append(journal, 2)
    journal.append(entries.tap(body=b"no trip record"))
    append(journal, 2)
    with sending(journal, serving.url) as (_, told):
        until(lambda: journal.acknowledged() == 5)
    (refused,) = journal.quarantined()
    assert (refused.sequence, refused.at) == (3, 1_790_000_000)
    assert "not intact" in refused.why
    assert told.answers == [(5, {3: refused.why})]
    assert held(store, journal) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "answer",
    [
        http("200 OK", b'{"acknowledged":99}'),
        http("200 OK", b"garbage"),
        http("500 Internal Server Error", b""),
        http("200 OK", b'{"acknowledged":3,"rejected":{"99":"?"}}'),
    ],
    ids=["more than exists", "garbage", "500", "rejects what was not sent"],
)
def test_a_lying_collector_moves_no_cursor(journal: SegmentJournal, answer: bytes) -> None:
    append(journal, 3)
    journal.acknowledge(1, {})
    with answering(answer) as url, sending(journal, url) as (_, told):
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


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_waiting_grows_from_half_a_second_to_a_minute_and_is_spread(failures: int, roll: float) -> None:
    assert WAIT_MIN_S <= waiting_s(failures, roll) <= min(WAIT_MAX_S, 0.5 * 2.0 ** min(failures, 16))
    assert waiting_s(failures, 0) == WAIT_MIN_S


def test_every_trouble_names_the_thing_and_says_what_to_do_in_both_languages(journal: SegmentJournal) -> None:
    with answering(http("500 Oops", b"")) as url, uplink_to(url) as uplink, pytest.raises(YimaError) as caught:
        uplink.send([])
    assert caught.value.thing == url
    assert all((*caught.value.problem, *caught.value.remedy))
