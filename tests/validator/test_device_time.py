"""No clock, parameter change, restart or flag makes a used code good again, or an old one: the device as a whole."""

import io
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yima.sdk.issuer import Rider
from yima.validator.device import Device
from yima.validator.gates.console import ConsoleGate
from yima.validator.happenings import Happening, Notice, Tap
from yima.validator.journal import SegmentJournal
from yima.validator.judging import Moment, Reason, Validator
from yima.validator.judging.record import Terminal
from yima.validator.parameters import Parameters, from_mapping
from yima.validator.ports import Reading

DAY_S = 86_400


class Clocks:
    """A wall clock that can be set, and a counter that goes on."""

    def __init__(self, now: int) -> None:
        self.unix_s, self.tick_ms = now, 1_000_000

    def now(self) -> Moment:
        return Moment(unix_s=self.unix_s, tick_ms=self.tick_ms)


class Day:
    """A device over its starts. What is done is a code that is shown, or something to call; five seconds go by before
    each, so that nothing is in view."""

    def __init__(self, folder: Path, new_validator: Callable[..., Validator], now: int) -> None:
        self.clocks = Clocks(now)
        self.handed: Parameters | None = None
        self.taps: list[Tap] = []
        self.notices: list[Notice] = []
        self._path, self._new_validator = folder / "journal", new_validator
        self._done: deque[Any] = deque()

    def live(self, *done: bytes | Callable[[], object], **more: Any) -> list[Reason]:
        """From a start to an end; the reasons of its taps."""
        self._done = deque(done)
        before = len(self.taps)
        self.clocks.tick_ms = 1000
        self.device = Device(
            reader=self,
            validator=self._new_validator(),
            journal=SegmentJournal(self._path, "gate-7", epoch_for_new=7),
            gate=ConsoleGate(io.StringIO()),
            clock=self.clocks,
            terminal=Terminal(terminal="gate-7"),
            on_tap=self.taps.append,
            on_notice=self.notices.append,
            upkeep=self,
            **more,
        )
        self.device.run(threading.Event())
        return [tap.verdict.reason for tap in self.taps[before:]]

    def wall(self, seconds: int) -> Callable[[], object]:
        """The wall clock is moved, the counter is not."""
        return lambda: setattr(self.clocks, "unix_s", self.clocks.unix_s + seconds)

    def use(self, parameters: Parameters) -> Callable[[], object]:
        """Other parameters come into force before the next."""
        return lambda: setattr(self, "handed", parameters)

    def look(self, now: Moment) -> Parameters | None:
        handed, self.handed = self.handed, None
        return handed

    def until(self) -> int:
        return 0

    @property
    def exhausted(self) -> bool:
        return not self._done

    def read(self, timeout_s: float) -> Reading | None:
        self.clocks.unix_s += 5
        self.clocks.tick_ms += 5000
        done = self._done.popleft()
        if callable(done):
            done()
            return None
        arrived = time.monotonic_ns() + 10**12
        return Reading(payload=done, first_ns=arrived, last_ns=arrived)

    def close(self) -> None:
        pass


@pytest.fixture
def day(tmp_path: Path, new_validator: Callable[..., Validator], now: int) -> Day:
    return Day(tmp_path, new_validator, now)


@pytest.fixture
def rider(new_rider: Callable[..., Rider], now: int) -> Rider:
    return new_rider(authorised_until=now + 10 * 365 * DAY_S, validity_s=600)


def test_yesterdays_unused_code_is_not_good_when_the_clock_is_set_back_a_day(
    day: Day, new_rider: Callable[..., Rider], now: int
) -> None:
    yesterdays = new_rider(validity_s=600).code(now - DAY_S)
    reasons = day.live(day.wall(-DAY_S), yesterdays, day.wall(DAY_S), new_rider().code(now))
    assert reasons == [Reason.TIME_UNTRUSTED, Reason.ACCEPTED]
    clock = [notice.moment.trusted for notice in day.notices if notice.happening is Happening.CLOCK and notice.moment]
    assert clock == [True, False, True], "the step is told and written down, and so is its end"


def test_a_used_code_stays_used_over_a_clock_two_days_ahead_and_other_parameters(
    day: Day, rider: Rider, mapping: dict[str, Any], now: int
) -> None:
    code = rider.code(now)
    others = from_mapping(mapping | {"version": 2})
    reasons = day.live(code, day.wall(2 * DAY_S), day.use(others), b"no code", day.wall(-2 * DAY_S), code)
    assert reasons == [Reason.ACCEPTED, Reason.UNKNOWN_FAMILY, Reason.REPEATED]


def test_a_used_code_stays_used_whoever_says_that_the_clock_is_right(day: Day, rider: Rider, now: int) -> None:
    """A record from five years ahead stands in the journal, behind that of the code."""
    code = rider.code(now)
    assert day.live(code) == [Reason.ACCEPTED]
    day.clocks.unix_s += 5 * 365 * DAY_S
    assert day.live(rider.code(day.clocks.unix_s), confirmed_by="--trust-clock") == [Reason.ACCEPTED]
    day.clocks.unix_s = now + 60
    assert day.live(code, rider.code(now + 60)) == [Reason.TIME_UNTRUSTED] * 2
    assert day.live(code, rider.code(now + 60), confirmed_by="--trust-clock") == [Reason.REPEATED, Reason.ACCEPTED]


def test_an_operator_who_sets_the_clock_of_a_running_device_makes_no_used_code_good(
    day: Day, rider: Rider, now: int
) -> None:
    code = rider.code(now)

    def confirm() -> None:
        day.clocks.unix_s = now + 100
        day.device.confirm_time("wang")

    reasons = day.live(code, day.wall(-3 * DAY_S), code, confirm, code, rider.code(now + 100))
    assert reasons == [Reason.ACCEPTED, Reason.TIME_UNTRUSTED, Reason.REPEATED, Reason.ACCEPTED]
