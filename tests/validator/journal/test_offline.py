"""How long a device takes riders on trust while nobody takes its records."""

import io
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.entries import note
from yima.sdk.issuer import Rider
from yima.validator.clock import SystemClock
from yima.validator.device import Device, Tap
from yima.validator.gates.console import ConsoleGate
from yima.validator.journal import SegmentJournal
from yima.validator.journal.offline import offline_refusal
from yima.validator.judging import Moment, Reason, Transaction, Validator
from yima.validator.judging.record import Terminal
from yima.validator.parameters.rules import Limits
from yima.validator.ports import Reading

NOW = 1_790_000_000


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SegmentJournal]:
    opened = SegmentJournal(tmp_path / "journal", "gate-7", epoch_for_new=1)
    yield opened
    opened.close()


def waits(journal: SegmentJournal, at: int, *, trusted: bool = True) -> int:
    return journal.append(note(at=at, trusted=trusted)).sequence


@pytest.mark.parametrize(
    ("ago", "most", "reason"),
    [(3600, 3600, None), (3601, 3600, Reason.OFFLINE_TOO_LONG), (10**6, 0, None), (-5, 1, None)],
)
def test_the_oldest_record_that_waits_says_how_long_it_has_been(
    journal: SegmentJournal, ago: int, most: int, reason: Reason | None
) -> None:
    waits(journal, NOW - ago)
    waits(journal, NOW)
    assert offline_refusal(journal, most, Moment.at(NOW)) is reason


def test_a_device_that_nobody_used_is_not_offline_for_it(journal: SegmentJournal) -> None:
    assert offline_refusal(journal, 1, Moment.at(NOW)) is None


def test_an_acknowledgement_ends_it(journal: SegmentJournal) -> None:
    first = waits(journal, NOW - 9999)
    assert offline_refusal(journal, 3600, Moment.at(NOW)) is Reason.OFFLINE_TOO_LONG
    journal.acknowledge(first, {})
    assert offline_refusal(journal, 3600, Moment.at(NOW)) is None


def test_a_time_that_cannot_be_trusted_says_nothing(journal: SegmentJournal) -> None:
    waits(journal, NOW - 9999, trusted=False)
    assert offline_refusal(journal, 3600, Moment.at(NOW)) is None
    assert offline_refusal(journal, 3600, Moment(unix_s=NOW, tick_ms=0, trusted=False)) is None


class _OneCode:
    """A reader with one code, then nothing more."""

    def __init__(self, code: bytes) -> None:
        self._code = code
        self.exhausted = False

    def read(self, timeout_s: float) -> Reading:
        self.exhausted = True
        now = time.monotonic_ns()
        return Reading(payload=self._code, first_ns=now, last_ns=now)

    def close(self) -> None:
        self.exhausted = True


@pytest.mark.parametrize("most", [0, 3600])
def test_a_device_offline_for_too_long_turns_riders_away_and_records_it(
    most: int,
    tmp_path: Path,
    journal: SegmentJournal,
    ruled: Callable[..., Validator],
    new_rider: Callable[..., Rider],
) -> None:
    now = int(time.time())
    waits(journal, now - 7200)
    taps: list[Tap] = []
    code = new_rider(authorised_until=now + 3600).code(now)
    device = Device(
        reader=_OneCode(code),
        validator=ruled(limits=Limits(offline_max_s=most)),
        journal=journal,
        gate=ConsoleGate(io.StringIO()),
        clock=SystemClock(0),
        terminal=Terminal(terminal="gate-7"),
        on_tap=taps.append,
    )
    summary = device.run(threading.Event())
    assert [tap.verdict.reason for tap in taps] == [Reason.OFFLINE_TOO_LONG if most else Reason.ACCEPTED]
    assert (taps[0].verdict.fare_fen, taps[0].verdict.transaction) == (0 if most else 200, Transaction.NONE)
    assert summary.recorded == 1
