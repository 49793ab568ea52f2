"""What once ended the uplink for good: a reason that no text can hold, and a machine without a thread to give."""

import gc
import threading
from typing import Any

import pytest

from tests.uplinks import answering, append, http, until, uplink_to
from yima.validator.errors import UplinkError, YimaError
from yima.validator.guarding import watched
from yima.validator.guarding.watched import Standing
from yima.validator.journal import SegmentJournal
from yima.validator.ports import Uplink
from yima.validator.state.keys import DeviceKey
from yima.validator.uplink.http import HttpUplink
from yima.validator.uplink.sender import BatchPolicy, Sender


def sender_for(journal: SegmentJournal, uplink: Uplink, told: list[YimaError]) -> Sender:
    return Sender(
        journal=journal,
        uplink=uplink,
        policy=BatchPolicy(age_s=0),
        now=lambda: 1_790_000_000,
        on_trouble=told.append,
        on_recovered=lambda: None,
        on_answer=lambda through, rejected: None,
    )


def refuse(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_half_a_character_in_a_reason_is_quarantined_as_an_escape(journal: SegmentJournal) -> None:
    append(journal, 1)
    told: list[YimaError] = []
    with (
        answering(http("200 OK", rb'{"acknowledged":1,"rejected":{"1":"\ud800\u001b[31m"}}')) as url,
        uplink_to(url) as uplink,
    ):
        sender = sender_for(journal, uplink, told)
        sender.start()
        until(lambda: journal.acknowledged() == 1)
        assert sender.thread.standing is Standing.RUNNING
        sender.stop(5)
    assert told == []
    (entry,) = journal.quarantined()
    assert entry.why == r"\ud800\x1b[31m"


def test_a_reason_without_end_is_cut(journal: SegmentJournal) -> None:
    append(journal, 1)
    body = b'{"acknowledged":1,"rejected":{"1":"' + b"x" * 500_000 + b'"}}'
    with answering(http("200 OK", body)) as url, uplink_to(url) as uplink:
        _, rejected = uplink.send(journal.pending(1))
    assert len(rejected[1]) < 1100


def test_a_failure_that_nobody_foresaw_is_trouble_and_the_uplink_goes_on(journal: SegmentJournal) -> None:
    class Odd:
        sent = 0

        def send(self, entries: object) -> tuple[int, dict[int, str]]:
            self.sent += 1
            if self.sent == 1:
                raise LookupError("odd")
            return 1, {}

        def close(self) -> None:
            pass

    append(journal, 1)
    told: list[YimaError] = []
    sender = sender_for(journal, Odd(), told)
    sender.start()
    until(lambda: journal.acknowledged() == 1)
    sender.stop(5)
    assert [type(error) for error in told] == [UplinkError]
    assert "LookupError: odd" in str(told[0])


def test_a_sender_without_a_thread_says_so_and_has_one_as_soon_as_there_is_one(
    journal: SegmentJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "PAUSE_MIN_S", 0.0)
    append(journal, 1)
    told: list[YimaError] = []
    with answering(http("200 OK", b'{"acknowledged":1}')) as url, uplink_to(url) as uplink:
        sender = sender_for(journal, uplink, told)
        with monkeypatch.context() as without:
            without.setattr(threading.Thread, "start", refuse)
            sender.start()
            sender.look()
        assert len(told) == 1
        sender.look()
        until(lambda: journal.acknowledged() == 1)
        sender.stop(5)


def test_an_exchange_needs_no_thread_of_its_own(journal: SegmentJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    append(journal, 2)
    good = http("200 OK", b'{"acknowledged":1}')
    with answering(good, good) as url, uplink_to(url) as uplink:
        assert uplink.send(journal.pending(1)) == (1, {})
        monkeypatch.setattr(threading.Thread, "start", refuse)
        assert uplink.send(journal.pending(1)) == (1, {})


def test_an_uplink_whose_time_nobody_can_keep_says_so_and_sends_nothing(
    journal: SegmentJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "PAUSE_MIN_S", 0.0)
    append(journal, 1)
    with answering(http("200 OK", b'{"acknowledged":1}')) as url, uplink_to(url) as uplink:
        with monkeypatch.context() as without:
            without.setattr(threading.Thread, "start", refuse)
            with pytest.raises(UplinkError, match="can't start new thread"):
                uplink.send(journal.pending(1))
        assert uplink.send(journal.pending(1)) == (1, {})


def test_an_uplink_that_is_closed_while_it_connects_leaves_no_connection_and_waits_for_nobody() -> None:
    """The client knows nothing of a connection that is still being made when it is closed."""

    def exchanged(url: str) -> None:
        uplink = HttpUplink(url, key=DeviceKey.generate(), device="gate-7", epoch=7)
        watch = uplink._deadline.extensions["trace"]

        def closing(event: str, info: dict[str, Any]) -> None:
            if event == "connection.connect_tcp.started":
                uplink.close()
            watch(event, info)

        uplink._deadline.extensions = {"trace": closing}
        with pytest.raises(UplinkError):
            uplink.exchange("/", b"", answer_max=100)

    with answering(http("200 OK", b"too late")) as url:
        exchanged(url)
    gc.collect()  # a connection that is left is told as a ResourceWarning, which is an error here
