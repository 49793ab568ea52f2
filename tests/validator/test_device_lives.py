"""The device lives on whatever its ports, its upkeep and its listeners do."""

import io
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from yima.sdk.issuer import Rider
from yima.validator import device as device_module
from yima.validator.clock import SystemClock
from yima.validator.device import Device
from yima.validator.errors import JournalError
from yima.validator.gates.console import ConsoleGate
from yima.validator.happenings import Happening, Notice, Tap
from yima.validator.journal import SegmentJournal
from yima.validator.judging import Moment, Reason, Validator, Verdict
from yima.validator.judging.loop import GateAnswer
from yima.validator.judging.record import Terminal
from yima.validator.parameters import Parameters, from_mapping
from yima.validator.ports import JournalKey, Reading
from yima.validator.texts import Text

BEGUN = [Happening.CLOCK, Happening.SERVICE]  # a start is written down, and the gate goes into service


class Handing:
    """A reader that hands over what it was given; an exception is raised, and anything else answered as it is."""

    def __init__(self, *given: object) -> None:
        self._given = deque(given)

    @property
    def exhausted(self) -> bool:
        return not self._given

    def read(self, timeout_s: float) -> Any:
        found = self._given.popleft()
        if isinstance(found, BaseException):
            raise found
        now = time.monotonic_ns()
        return Reading(payload=found, first_ns=now, last_ns=now) if isinstance(found, bytes) else found

    def close(self) -> None:
        raise OSError(9, "Bad file descriptor")


class Run:
    """One run of a device whose parts a test replaces, and what it told."""

    def __init__(self, directory: Path, new_validator: Callable[..., Validator], *codes: bytes, **parts: Any) -> None:
        self.taps: list[Tap] = []
        self.notices: list[Notice] = []
        self.out = io.StringIO()
        reader = Handing(*codes)
        plain: dict[str, Any] = {
            "reader": reader,
            "reopen": lambda: reader,
            "validator": new_validator(),
            "journal": SegmentJournal(directory / "journal", "gate-7", epoch_for_new=7),
            "gate": ConsoleGate(self.out),
            "clock": SystemClock(),
            "terminal": Terminal(terminal="gate-7"),
            "on_tap": self.taps.append,
            "on_notice": self.notices.append,
        }
        self.summary = Device(**(plain | parts)).run(threading.Event())

    @property
    def told(self) -> list[Happening]:
        return [notice.happening for notice in self.notices]

    @property
    def reasons(self) -> list[Reason]:
        return [tap.verdict.reason for tap in self.taps]


@pytest.fixture
def run(tmp_path: Path, new_validator: Callable[..., Validator], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    monkeypatch.setattr(device_module, "REOPEN_S", 0)
    return lambda *codes, **parts: Run(tmp_path, new_validator, *codes, **parts)


@pytest.fixture
def good(new_rider: Callable[..., Rider]) -> bytes:
    now = int(time.time())
    return new_rider(authorised_until=now + 86400).code(now)


def test_a_reader_that_raises_or_answers_anything_is_opened_anew(run: Callable[..., Run], good: bytes) -> None:
    parts = (LookupError("driver"), "text", bytearray(b"x"), MemoryError(), good)
    reader = Handing(*parts)
    ran = run(reader=reader, reopen=lambda: reader)
    assert ran.reasons == [Reason.ACCEPTED]
    assert ran.told == BEGUN + [Happening.READER_LOST, Happening.READER_BACK] * 4


def test_a_gate_that_raises_anything_is_told_and_the_next_tap_comes(run: Callable[..., Run], good: bytes) -> None:
    class Gate(ConsoleGate):
        def open(self, verdict: Verdict) -> None:
            raise ZeroDivisionError

    ran = run(good, b"no code", gate=Gate(io.StringIO()))
    assert ran.reasons == [Reason.GATE_FAILED, Reason.UNKNOWN_FAMILY]
    assert ran.told == [*BEGUN, Happening.GATE_TROUBLE, Happening.REVERSED]
    assert ran.notices[-1].gate is GateAnswer.UNKNOWN, "nobody knows what it did"
    assert (ran.summary.taps, ran.summary.reversed) == (2, 1)


def test_a_journal_that_raises_anything_refuses_the_rider(run: Callable[..., Run], good: bytes, tmp_path: Path) -> None:
    class Journal(SegmentJournal):
        def append(self, content: bytes) -> JournalKey:
            raise MemoryError

    ran = run(good, journal=Journal(tmp_path / "other", "gate-7", epoch_for_new=7))
    assert ran.reasons == [Reason.CANNOT_RECORD]
    assert ran.told == [Happening.JOURNAL_TROUBLE] * 3, "the start, the parameters, the tap; it never was in service"
    assert "REFUSE" in ran.out.getvalue()


def test_a_clock_that_raises_accepts_no_one_and_is_told_once(run: Callable[..., Run], good: bytes) -> None:
    class Clock:
        def now(self) -> Moment:
            raise OverflowError

    ran = run(good, b"no code", clock=Clock())
    assert ran.reasons == [Reason.TIME_UNTRUSTED, Reason.UNKNOWN_FAMILY]
    assert ran.told == [Happening.CLOCK_TROUBLE, *BEGUN]


def test_an_upkeep_that_raises_is_told_once_and_what_is_in_force_stays(run: Callable[..., Run], good: bytes) -> None:
    class Upkeep:
        def look(self, now: Moment) -> Parameters | None:
            raise LookupError("parameters")

        def until(self) -> int:
            return 0

    ran = run(b"no code", good, upkeep=Upkeep())
    assert ran.reasons == [Reason.UNKNOWN_FAMILY, Reason.ACCEPTED]
    assert ran.told == [*BEGUN, Happening.PARAMETERS_TROUBLE]


def test_an_upkeep_that_cannot_say_until_when_they_are_good_lets_no_one_ride(
    run: Callable[..., Run], good: bytes
) -> None:
    class Upkeep:
        def look(self, now: Moment) -> Parameters | None:
            return None

        def until(self) -> int:
            raise LookupError("parameters")

    assert run(good, upkeep=Upkeep()).reasons == [Reason.PARAMETERS_EXPIRED]


def test_other_parameters_come_into_force_without_a_look_at_the_journal(
    run: Callable[..., Run], good: bytes, tmp_path: Path, mapping: dict[str, Any]
) -> None:
    """The memory of used codes is the core's: a damaged segment ends no run, a million records stall no tap."""

    class Journal(SegmentJournal):
        asked = 0

        def used_codes(self, good_until: int) -> Any:
            self.asked += 1
            if self.asked > 1:  # the first is the start's
                raise JournalError("segment 1", Text("is damaged", "已损坏"), Text("Keep it", "请保留"))
            return super().used_codes(good_until)

    class Upkeep:
        def __init__(self) -> None:
            self.handed = [None, from_mapping(mapping), from_mapping(mapping)]

        def look(self, now: Moment) -> Parameters | None:
            return self.handed.pop(0) if self.handed else None

        def until(self) -> int:
            return 0

    class Clock(SystemClock):
        asked = 0

        def now(self) -> Moment:
            """Three seconds pass from look to look, so that nothing stays in view."""
            self.asked += 1
            found = super().now()
            return replace(found, unix_s=found.unix_s + 3 * self.asked, tick_ms=found.tick_ms + 3000 * self.asked)

    journal = Journal(tmp_path / "other", "gate-7", epoch_for_new=7)
    ran = run(good, b"no code", b"none either", good, upkeep=Upkeep(), journal=journal, clock=Clock())
    assert ran.reasons == [Reason.ACCEPTED, Reason.UNKNOWN_FAMILY, Reason.UNKNOWN_FAMILY, Reason.REPEATED]
    assert journal.asked == 1
    assert Happening.JOURNAL_TROUBLE not in ran.told


def test_who_listens_and_raises_stops_nothing(run: Callable[..., Run], good: bytes) -> None:
    def fail(_: object) -> None:
        raise BrokenPipeError

    ran = run(good, b"no code", on_tap=fail, on_notice=fail)
    assert ran.summary.taps == 2
