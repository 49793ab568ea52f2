"""The device: the loop of a tap, and what holds around it when parts of it fail."""

import errno
import io
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.entries import reason_of
from tests.uplinks import KEY, record
from yima.sdk.centre.collector.app import Collector
from yima.sdk.centre.collector.store import Store
from yima.sdk.issuer import Rider
from yima.sdk.serving import Serving
from yima.validator.clock import SystemClock
from yima.validator.device import Device
from yima.validator.errors import GateError, GateShutError, JournalError, ReaderError
from yima.validator.gates.console import ConsoleGate, open_console
from yima.validator.happenings import Happening, Notice, Summary, Tap
from yima.validator.journal import JournalView, SegmentJournal
from yima.validator.journal.facts import Note, NoteFacts, TapFacts, TimeEvent, TimeFacts, parse
from yima.validator.journal.files import FolderFiles
from yima.validator.journal.form import SEGMENT_SIZE
from yima.validator.journal.kept import code_of, fault_of
from yima.validator.journal.older import OlderEntry
from yima.validator.journal.writing import SEGMENTS_MIN
from yima.validator.judging import Reason, Validator, Verdict
from yima.validator.judging.loop import GateAnswer
from yima.validator.judging.record import Terminal, record_is_intact
from yima.validator.ports import Gate, JournalKey, Reader, Reading
from yima.validator.texts import Text
from yima.validator.uplink.http import HttpUplink
from yima.validator.uplink.sender import BatchPolicy, Sender


class Handed:
    """A reader that hands over what it was given, then is exhausted; an exception among it is raised."""

    def __init__(self, *given: bytes | Reading | ReaderError) -> None:
        self._given = deque(given)
        self.closed = False

    @property
    def exhausted(self) -> bool:
        return not self._given

    def read(self, timeout_s: float) -> Reading | None:
        assert not self.closed
        one = self._given.popleft()
        if isinstance(one, ReaderError):
            raise one
        if isinstance(one, Reading):
            return one
        now = time.monotonic_ns()
        return Reading(payload=one, first_ns=now - 30_000_000, last_ns=now)

    def close(self) -> None:
        self.closed = True


BEGUN = 2  # entries with which each run begins: the clock at the start, the parameters in force


class Bench:
    """One device's directory and what it said, over several runs."""

    def __init__(self, directory: Path, new_validator: Callable[..., Validator]) -> None:
        self.path = directory / "journal"
        self.new_validator = new_validator
        self.out = io.StringIO()
        self.gate: Gate = ConsoleGate(self.out)
        self.clock = SystemClock()
        self.taps: list[Tap] = []
        self.notices: list[Notice] = []

    def journal(self) -> SegmentJournal:
        return SegmentJournal(self.path, "gate-7", epoch_for_new=7)

    def device(self, reader: Reader, **more: Any) -> Device:
        return Device(
            reader=reader,
            validator=self.new_validator(),
            journal=more.pop("journal", None) or self.journal(),
            gate=self.gate,
            clock=self.clock,
            terminal=Terminal(terminal="gate-7"),
            on_tap=more.pop("on_tap", self.taps.append),
            on_notice=self.notices.append,
            **more,
        )

    def run(self, *given: bytes | Reading | ReaderError, **more: Any) -> Summary:
        return self.device(Handed(*given), **more).run(threading.Event())

    def commands(self) -> list[str]:
        return [line.split()[0] for line in self.out.getvalue().splitlines()]

    def told(self) -> list[Happening]:
        """What it told besides its start: the clock, and that it is in service."""
        usual = {Happening.CLOCK, Happening.SERVICE}
        return [notice.happening for notice in self.notices if notice.happening not in usual]


@pytest.fixture
def bench(tmp_path: Path, new_validator: Callable[..., Validator]) -> Bench:
    return Bench(tmp_path, new_validator)


@pytest.fixture
def good(new_rider: Callable[..., Rider]) -> Callable[[], bytes]:
    """Makes a code that is good now, each time another rider's."""
    accounts = iter(range(10_000))

    def code() -> bytes:
        now = int(time.time())
        account = f"3104870000000002{next(accounts):04}"
        rider = new_rider(card_account=account, authorised_until=now + 86400)
        return rider.code(now)

    return code


def test_a_good_code_is_recorded_and_opens_the_gate(bench: Bench, good: Callable[[], bytes]) -> None:
    code = good()
    summary = bench.run(code)
    assert summary == Summary(taps=1, recorded=1, reversed=0, acknowledged=0, pending=BEGUN + 1)
    assert bench.commands() == ["OPEN"]
    (tap,) = bench.taps
    assert tap.key == ("gate-7", 7, BEGUN + 1)
    assert tap.gate is GateAnswer.OPENED
    assert (tap.verdict.reason, tap.payload_length, tap.trouble) == (Reason.ACCEPTED, len(code), None)
    assert tap.read_ms == pytest.approx(30)
    assert tap.total_ms >= tap.journal_ms + tap.gate_ms > 0
    journal = bench.journal()
    start, parameters, entry = journal.pending(5)
    begun, noted = parse(start.content)[0], parse(parameters.content)[0]
    assert isinstance(begun, TimeFacts)
    assert isinstance(noted, NoteFacts)
    assert (begun.event, begun.run, noted.note, noted.a) == (TimeEvent.START, 1, Note.PARAMETERS, 1)
    facts, body = parse(entry.content)
    assert isinstance(facts, TapFacts)
    assert (facts.reason, facts.at, facts.run, facts.fare_fen, facts.trusted) == (0, tap.at, 1, 200, True)
    assert record_is_intact(body)
    assert code_of(entry.content) == code
    journal.close()


def test_the_gate_opens_only_when_the_record_is_on_disk(bench: Bench, good: Callable[[], bytes]) -> None:
    found: list[int] = []

    class Looking(ConsoleGate):
        def open(self, verdict: Verdict) -> None:
            view = JournalView.open(bench.path)
            found.append(view.last_sequence())
            view.close()

    bench.gate = Looking(bench.out)
    bench.run(good(), good(), good())
    assert found == [BEGUN + 1, BEGUN + 2, BEGUN + 3]


def test_the_gate_has_its_command_before_the_thread_that_uploads_is_woken(
    bench: Bench, good: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    class Noting(ConsoleGate):
        def open(self, verdict: Verdict) -> None:
            order.append("gate")

    bench.gate = Noting(bench.out)
    monkeypatch.setattr(Sender, "appended", lambda sender: order.append("upload"))
    bench.run(good(), good(), uplink=HttpUplink("http://127.0.0.1:1", key=KEY, device="gate-7", epoch=7))
    assert order[-4:] == ["gate", "upload", "gate", "upload"]


def test_refused_taps_are_recorded_with_their_reason(bench: Bench, good: Callable[[], bytes]) -> None:
    used = good()
    now = time.monotonic_ns()
    early = Reading(payload=used, first_ns=now - 10_000_000_000, last_ns=now - 10_000_000_000)
    later = Reading(payload=used, first_ns=now, last_ns=now)
    assert bench.run(b"garbage", b"", bytes(4096), early, later).recorded == 5
    assert bench.commands() == ["REFUSE", "REFUSE", "REFUSE", "OPEN", "REFUSE"]
    journal = bench.journal()
    assert [reason_of(entry.content) for entry in journal.pending(9)[BEGUN:]] == [
        Reason.UNKNOWN_FAMILY,
        Reason.UNKNOWN_FAMILY,
        Reason.UNKNOWN_FAMILY,
        Reason.ACCEPTED,
        Reason.REPEATED,
    ]
    assert all(fault_of(entry.content) is None for entry in journal.pending(9))
    journal.close()


def test_the_same_presentation_again_writes_nothing_and_moves_nothing(bench: Bench, good: Callable[[], bytes]) -> None:
    code = good()
    summary = bench.run(code, code, code)
    assert (summary.taps, summary.recorded) == (3, 1)
    assert bench.commands() == ["OPEN", "AGAIN", "AGAIN"]
    assert [tap.key is None for tap in bench.taps] == [False, True, True]


def test_taps_are_judged_as_of_their_own_moment_however_long_the_device_was_busy(
    bench: Bench, good: Callable[[], bytes]
) -> None:
    code = good()
    now = time.monotonic_ns()
    queued = [
        Reading(payload=code, first_ns=at, last_ns=at) for at in (now - 5_000_000_000, now - 4_900_000_000, now - 10)
    ]
    bench.run(*queued)
    assert [tap.verdict.again for tap in bench.taps] == [False, True, False]
    assert bench.taps[2].verdict.reason == Reason.REPEATED
    assert bench.taps[0].at <= bench.taps[2].at - 4


def test_a_code_used_before_a_restart_is_still_used_after_it(bench: Bench, good: Callable[[], bytes]) -> None:
    code = good()
    bench.run(code)
    bench.run(code)
    assert bench.commands() == ["OPEN", "REFUSE"]
    assert bench.taps[1].verdict.reason == Reason.REPEATED
    assert bench.taps[1].key == ("gate-7", 7, 2 * BEGUN + 2)


def test_codes_of_an_older_journal_are_still_used(bench: Bench, good: Callable[[], bytes]) -> None:
    code = good()
    older = OlderEntry(
        key=JournalKey("gate-7", 6, 9), at=int(time.time()), time_trusted=True, tick_ms=0, reason=0,
        content=record(code), previous=bytes(32), hash=bytes(32),
    )  # fmt: skip
    bench.run(code, good(), older=[older])
    assert [tap.verdict.reason for tap in bench.taps] == [Reason.REPEATED, Reason.ACCEPTED]


def test_without_a_record_the_gate_stays_shut_and_the_code_stays_good(bench: Bench, good: Callable[[], bytes]) -> None:
    code = good()

    class Failing(FolderFiles):
        """A disk that reports an error at the first tap."""

        flushes = 0

        def flush(self, name: str) -> None:
            self.flushes += name.endswith(".seg")
            if self.flushes == 1 + BEGUN + 1:  # the first makes the segment's header durable
                self.flushes += 1
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            super().flush(name)

    bench.path.mkdir()
    journal = SegmentJournal(bench.path, "gate-7", epoch_for_new=7, files=Failing(bench.path))
    now = time.monotonic_ns()
    seen = [Reading(payload=code, first_ns=now - late, last_ns=now - late) for late in (9_000_000_000, 1)]
    summary = bench.run(*seen, journal=journal)
    assert [tap.verdict.reason for tap in bench.taps] == [Reason.CANNOT_RECORD, Reason.ACCEPTED]
    assert bench.commands() == ["REFUSE", "OPEN"]
    assert summary.recorded == 1
    assert bench.taps[0].key is None
    assert "its disk reports an error" in str(bench.taps[0].trouble)
    assert bench.taps[0].verdict.fare_fen == 0
    assert bench.told() == [Happening.JOURNAL_TROUBLE, Happening.JOURNAL_BACK]


def test_a_full_journal_refuses_and_never_opens_unrecorded(bench: Bench, good: Callable[[], bytes]) -> None:
    journal = SegmentJournal(bench.path, "gate-7", epoch_for_new=7, max_bytes=SEGMENTS_MIN * SEGMENT_SIZE)
    with pytest.raises(JournalError, match="is full"):
        while True:
            journal.append(bytes(60_000))
    journal.append(bytes(30_000))
    before = journal.last_sequence()
    summary = bench.run(*(good() for _ in range(40)), journal=journal)
    opened = bench.commands().count("OPEN")
    assert 0 < opened < 40
    assert summary.recorded == opened
    assert bench.taps[-1].verdict.reason == Reason.CANNOT_RECORD
    held = bench.journal()
    assert held.verify() == before + BEGUN + opened
    held.close()


@pytest.mark.parametrize(
    ("error", "answer"), [(GateShutError, GateAnswer.FAILED), (GateError, GateAnswer.UNKNOWN)], ids=["shut", "mute"]
)
def test_a_ride_whose_gate_did_not_open_is_reversed_and_the_code_may_be_shown_again(
    bench: Bench, good: Callable[[], bytes], error: type[GateError], answer: GateAnswer
) -> None:
    class Once(ConsoleGate):
        fails = True

        def open(self, verdict: Verdict) -> None:
            if self.fails:
                self.fails = False
                raise error("gate", Text("is gone", "已断开"), Text("Look", "请检查"))
            super().open(verdict)

    bench.gate = Once(bench.out)
    code, now = good(), time.monotonic_ns()
    seen = [
        Reading(payload=code, first_ns=now - late, last_ns=now - late) for late in (9_000_000_000, 8_900_000_000, 1)
    ]
    summary = bench.run(*seen)
    assert (summary.recorded, summary.reversed) == (2, 1)
    assert [tap.gate for tap in bench.taps] == [answer, None, GateAnswer.OPENED]
    assert [tap.verdict.reason for tap in bench.taps] == [Reason.GATE_FAILED, Reason.GATE_FAILED, Reason.ACCEPTED]
    assert bench.commands() == ["REFUSE", "AGAIN", "OPEN"]
    assert bench.told() == [Happening.GATE_TROUBLE, Happening.REVERSED]
    bench.run(code)
    assert bench.taps[-1].verdict.reason is Reason.REPEATED


def test_a_device_that_does_not_know_the_time_says_so_and_records_it(bench: Bench, good: Callable[[], bytes]) -> None:
    bench.run(good(), not_before=int(time.time()) + 3600)
    assert bench.taps[0].verdict.reason == Reason.TIME_UNTRUSTED
    journal = bench.journal()
    assert not any(parse(entry.content)[0].trusted for entry in journal.pending(9))
    assert journal.newest_trusted_at() is None
    journal.close()


GONE = ReaderError("serial:/dev/ttyUSB0", Text("is gone", "已断开"), Text("Plug it in", "请重新连接"))


def test_a_stop_uploads_what_waits_and_closes_everything(
    bench: Bench, good: Callable[[], bytes], tmp_path: Path
) -> None:
    store = Store(tmp_path / "trips.db")
    with Serving(Collector(store).app()) as serving:
        uplink = HttpUplink(serving.url, key=KEY, device="gate-7", epoch=7)
        policy = BatchPolicy(count=100, age_s=3600)
        summary = bench.run(good(), good(), b"garbage", uplink=uplink, batches=policy)
    assert summary == Summary(taps=3, recorded=3, reversed=0, acknowledged=5, pending=0)
    held = store.entries("gate-7", 7, after=0, limit=10)
    assert [(row["sequence"], row["kind"], row["reason"], row["rejected"]) for row in held] == [
        (1, 3, 0, None),
        (2, 4, 0, None),
        (3, 1, 0, None),
        (4, 1, 0, None),
        (5, 1, 10, None),
    ]
    assert Happening.ACKNOWLEDGED in bench.told()
    store.close()
    bench.journal().close()


def test_taps_go_on_while_the_collector_is_away_and_nothing_is_lost(bench: Bench, good: Callable[[], bytes]) -> None:
    uplink = HttpUplink("http://127.0.0.1:1", key=KEY, device="gate-7", epoch=7)
    summary = bench.run(good(), good(), uplink=uplink)
    assert summary == Summary(taps=2, recorded=2, reversed=0, acknowledged=0, pending=BEGUN + 2)
    assert bench.commands() == ["OPEN", "OPEN"]
    assert bench.told() == [Happening.UPLOAD_TROUBLE]


def test_the_console_gate_says_both_languages_and_no_whole_account(bench: Bench, good: Callable[[], bytes]) -> None:
    bench.run(good(), b"garbage")
    opened, refused = bench.out.getvalue().splitlines()
    assert "Accepted 请通行" in opened
    assert "2.00" in opened
    assert "31048700" not in opened
    assert "Not a code of any known family 无法识别的码" in refused


def test_a_console_that_is_none_is_refused() -> None:
    with pytest.raises(GateError, match="console:stderr"):
        open_console("printer")
    closed = open_console("")
    closed.close()
