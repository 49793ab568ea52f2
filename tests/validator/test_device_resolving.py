"""The device and codes that only their issuer can verify: when it asks, what it records, and what it does not count."""

import io
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from yima.validator.clock import SystemClock
from yima.validator.device import Device
from yima.validator.errors import GateShutError, JournalError
from yima.validator.gates.console import ConsoleGate
from yima.validator.happenings import Tap
from yima.validator.journal import JournalView, SegmentJournal
from yima.validator.journal.facts import TapFacts, parse
from yima.validator.judging import GateContext, Mode, Moment, Reason, Validator, Verdict, Vouched
from yima.validator.judging.record import Terminal
from yima.validator.parameters import Parameters, from_mapping
from yima.validator.ports import Answer, JournalKey, Question, Reading
from yima.validator.resolvers.resolving import Resolving
from yima.validator.texts import Text

POLICY: dict[str, Any] = {"family": "sufu", "prefix": "js:", "at_risk_rides": 2, "at_risk_fen": 1000}


class Shown:
    """A reader of codes that are shown one after the other."""

    def __init__(self, *codes: bytes) -> None:
        self._codes = deque(codes)

    @property
    def exhausted(self) -> bool:
        return not self._codes

    def read(self, timeout_s: float) -> Reading | None:
        now = time.monotonic_ns()
        return Reading(payload=self._codes.popleft(), first_ns=now, last_ns=now)

    def close(self) -> None:
        pass


class Issuer:
    """A resolver that looks at the journal before it answers."""

    def __init__(self, answer: Answer, path: Path) -> None:
        self.answer = answer
        self.recorded_when_asked: list[int] = []
        self.closed = False
        self._path = path

    def resolve(self, question: Question) -> Answer:
        view = JournalView.open(self._path)
        self.recorded_when_asked.append(view.last_sequence())
        view.close()
        time.sleep(0.01)
        return self.answer

    def close(self) -> None:
        self.closed = True


class Full(SegmentJournal):
    """A journal that cannot take the first tap."""

    refused = False

    def append(self, content: bytes) -> JournalKey:
        if not self.refused and content[3] == 1:
            self.refused = True
            raise JournalError("journal", Text("full", "已满"), Text("Make room", "请腾出空间"))
        return super().append(content)


class Stuck(ConsoleGate):
    """A gate that says so many times that it did not open."""

    def __init__(self, out: io.StringIO, times: int) -> None:
        super().__init__(out)
        self._times = times

    def open(self, verdict: Verdict) -> None:
        self._times -= 1
        if self._times >= 0:
            raise GateShutError("gate", Text("stands", "卡住"), Text("Free it", "请排除故障"))
        super().open(verdict)


class Bench:
    """One device over several runs."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "journal"
        self.out = io.StringIO()
        self.taps: list[Tap] = []
        self.closed_for: Reason | None = None
        self.gate = ConsoleGate(self.out)

    def run(self, issuer: Issuer, *codes: bytes, journal: type[SegmentJournal] = SegmentJournal) -> None:
        mapping = {
            "environment": "test",
            "version": 1,
            "limits": {"families": ["sufu"]},
            "fares": {"bus": 200},
            "resolved": [POLICY],
        }
        Device(
            reader=Shown(*codes),
            validator=Validator(from_mapping(mapping), GateContext(mode=Mode.BUS)),
            journal=journal(self.path, "gate-7", epoch_for_new=7),
            gate=self.gate,
            clock=SystemClock(),
            terminal=Terminal(terminal="gate-7"),
            on_tap=self.taps.append,
            upkeep=self,
            resolving=Resolving({"sufu": issuer}),
        ).run(threading.Event())

    def look(self, now: Moment) -> Parameters | None:
        return None

    def until(self) -> int:
        return 1 if self.closed_for else 0

    def verdicts(self) -> list[Verdict]:
        return [tap.verdict for tap in self.taps]

    def commands(self) -> list[str]:
        return [line.split()[0] for line in self.out.getvalue().splitlines()]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_issuer_is_asked_before_the_record_and_the_record_stands_before_the_gate(bench: Bench) -> None:
    issuer = Issuer(Answer.ACCEPT, bench.path)
    bench.run(issuer, b"js:1", b"js:1", b"js:2")
    assert issuer.recorded_when_asked == [2, 3], "beside the start and the parameters"
    assert bench.commands() == ["OPEN", "AGAIN", "OPEN"]
    assert [tap.key and tap.key.sequence for tap in bench.taps] == [3, None, 4]
    assert bench.taps[0].asked_ms >= 10
    assert bench.taps[1].asked_ms < 10
    assert issuer.closed


def test_what_the_issuer_refuses_is_recorded_with_its_reason(bench: Bench) -> None:
    bench.run(Issuer(Answer.REFUSE, bench.path), b"js:1", b"js:1")
    assert bench.commands() == ["REFUSE", "AGAIN"]
    journal = SegmentJournal(bench.path, "gate-7", epoch_for_new=7)
    [entry] = journal.entries(2, 5)
    journal.close()
    facts, body = parse(entry.content)
    assert isinstance(facts, TapFacts)
    assert (facts.reason, facts.vouched, facts.fare_fen, body) == (Reason.RESOLVER_REFUSED, Vouched.HERE, 0, b"js:1")


def test_a_ride_at_risk_that_could_not_be_recorded_is_not_out(bench: Bench) -> None:
    issuer = Issuer(Answer.UNREACHABLE, bench.path)
    bench.run(issuer, b"js:1", b"js:4", b"js:2", b"js:3", journal=Full)
    assert [verdict.reason for verdict in bench.verdicts()] == [
        Reason.CANNOT_RECORD,
        Reason.ACCEPTED,
        Reason.ACCEPTED,
        Reason.AT_RISK_LIMIT,
    ]


def test_what_is_out_at_risk_survives_a_restart(bench: Bench) -> None:
    issuer = Issuer(Answer.UNREACHABLE, bench.path)
    bench.run(issuer, b"js:1", b"js:2")
    bench.run(issuer, b"js:3", b"js:1")
    assert [verdict.reason for verdict in bench.verdicts()[2:]] == [Reason.AT_RISK_LIMIT, Reason.REPEATED]


def test_a_ride_at_risk_that_the_gate_reversed_is_not_out(bench: Bench) -> None:
    """A gate that stood spent the allowance of a day on riders whom it had kept outside."""
    issuer = Issuer(Answer.UNREACHABLE, bench.path)
    bench.gate = Stuck(bench.out, times=4)
    bench.run(issuer, b"js:1", b"js:2", b"js:3")
    bench.run(issuer, b"js:4", b"js:5", b"js:6", b"js:7")
    assert [verdict.reason for verdict in bench.verdicts()] == [
        *[Reason.GATE_FAILED] * 4,
        Reason.ACCEPTED,
        Reason.ACCEPTED,
        Reason.AT_RISK_LIMIT,
    ]


def test_a_device_out_of_service_asks_nobody(bench: Bench) -> None:
    issuer = Issuer(Answer.ACCEPT, bench.path)
    bench.closed_for = Reason.PARAMETERS_EXPIRED
    bench.run(issuer, b"js:1", b"js:1")
    assert issuer.recorded_when_asked == []
    assert [verdict.reason for verdict in bench.verdicts()] == [Reason.PARAMETERS_EXPIRED] * 2
    assert bench.commands() == ["REFUSE", "AGAIN"]
