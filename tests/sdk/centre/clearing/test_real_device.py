"""A real device in front of a gate that fails, its journal sent to a real collector, and the centre: billed once."""

import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.running import make_bench
from tests.sdk.centre.clearing import centre
from tests.sdk.centre.clearing.folders import RATES_TEXT
from tests.uplinks import KEY
from tests.validator.test_device import Handed
from yima.sdk.centre.clearing.day import STEPS, Centre
from yima.sdk.centre.clearing.days import day_of, shifted
from yima.sdk.centre.clearing.folder import DEVICES, PARAMETERS, RATES, RULES, STORES, CentreFolder
from yima.sdk.centre.clearing.money.tables import CLEARED, POSTINGS
from yima.sdk.centre.clearing.report.figures import faults
from yima.sdk.centre.clearing.tables import CHECKS, RIDES
from yima.sdk.centre.collector.app import Collector
from yima.sdk.centre.collector.arrivals import Signed
from yima.sdk.centre.collector.store import Store
from yima.sdk.issuer import Issuer, make_rider
from yima.sdk.serving import Serving
from yima.validator.clock import SystemClock
from yima.validator.device import Device
from yima.validator.errors import GateError, GateShutError
from yima.validator.gates.console import ConsoleGate
from yima.validator.happenings import Summary
from yima.validator.journal import SegmentJournal
from yima.validator.judging import GateContext, Mode, Validator, Verdict
from yima.validator.judging.record import Terminal
from yima.validator.parameters import load
from yima.validator.ports import Reading
from yima.validator.texts import Text
from yima.validator.uplink.batches import encode_batch, parse_batch
from yima.validator.uplink.http import HttpUplink

FARE = 200


class FailsFirst(ConsoleGate):
    """A gate that does not open for the first tap of each run, as a stuck motor or a line that is cut."""

    def __init__(self, error: type[GateError] | None) -> None:
        super().__init__(io.StringIO())
        self._error = error

    def open(self, verdict: Verdict) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error("gate", Text("is gone", "已断开"), Text("Look", "请检查"))
        super().open(verdict)


class Street(NamedTuple):
    """A centre's folder with a collector's store in it, and the issuer whose riders come."""

    folder: Path
    issuer: Issuer

    def run(self, *seen: Reading, error: type[GateError] | None = None, sent: bool = True) -> Summary:
        """The device's program, from its start to its end; sent: the collector is there."""
        parameters = load(self.folder / PARAMETERS / "city.toml")
        store = Store(self.folder / STORES / "city.db")
        with Serving(Collector(store).app()) as serving:
            url = serving.url if sent else "http://127.0.0.1:1"
            device = Device(
                reader=Handed(*seen),
                validator=Validator(parameters, GateContext(mode=Mode.BUS, city=310000, line=1, operator=99310001)),
                journal=SegmentJournal(self.folder.parent / "journal", "gate-7", epoch_for_new=7),
                gate=FailsFirst(error),
                clock=SystemClock(),
                terminal=Terminal(terminal="gate-7"),
                uplink=HttpUplink(url, key=KEY, device="gate-7", epoch=7),
            )
            summary = device.run(threading.Event())
        store.close()
        return summary

    def code(self, number: int) -> bytes:
        now = int(time.time())
        rider = make_rider(
            self.issuer,
            payment_account="6228480402564890",
            card_account=f"3104870000000004{number:04}",
            platform="50083010",
            authorised_until=now + 86400,
        )
        return rider.code(now)


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    folder = tmp_path / "centre"
    for name in (STORES, PARAMETERS):
        (folder / name).mkdir(parents=True)
    issuer = make_bench(tmp_path)
    (tmp_path / "city.toml").rename(folder / PARAMETERS / "city.toml")
    (folder / RULES).write_text("")
    (folder / RATES).write_text(RATES_TEXT)
    (folder / DEVICES).write_text(f"gate-7 {KEY.public}\n")
    yield Street(folder, issuer)


def late(code: bytes, seconds: float) -> Reading:
    """A presentation so many seconds ago, as the reader saw it."""
    at = time.monotonic_ns() - int(seconds * 1e9)
    return Reading(payload=code, first_ns=at, last_ns=at)


def settled(centre_: Centre, days: list[int]) -> None:
    centre_.ingest()
    for day in days:
        for step in STEPS:
            centre_.run(step, day)
        assert faults(centre_.figures(day)) == []


@pytest.mark.parametrize(
    "error", [pytest.param(GateShutError, id="shut"), pytest.param(GateError, id="mute", marks=pytest.mark.long)]
)
def test_a_ride_whose_gate_failed_and_that_was_tapped_again_is_billed_once(
    street: Street, error: type[GateError]
) -> None:
    code, other = street.code(1), street.code(2)
    summary = street.run(late(code, 9), late(code, 8.9), late(code, 1), late(other, 0), error=error)
    assert (summary.recorded, summary.reversed, summary.pending) == (3, 1, 0)
    today = day_of(int(time.time()))
    with Centre(CentreFolder(street.folder), memory="200MB") as opened:
        settled(opened, [today, shifted(today, 1)])
        why = [(row["sequence"], row["why"]) for row in centre.rows(opened.workspace, CHECKS)]
        reversed_, again, third = (sequence for sequence, _ in why)
        assert why == [(reversed_, "REVERSED"), (again, "NONE"), (third, "NONE")]
        rides = centre.rows(opened.workspace, RIDES)
        assert {row["ride_id"] for row in rides} == {f"gate-7/7/{again}", f"gate-7/7/{third}"}
        booked = [row["fare_fen"] for row in centre.rows(opened.workspace, CLEARED)]
        assert booked == [FARE, FARE]
        assert sum(row["fen"] for row in centre.rows(opened.workspace, POSTINGS)) == 0


def test_a_reversal_that_comes_a_day_after_its_tap_takes_the_booking_back(street: Street) -> None:
    """The collector got the tap, the line was cut before the outcome, and the centre settled in between."""
    code = street.code(1)
    street.run(late(code, 9), late(code, 1), error=GateShutError, sent=False)
    journal = SegmentJournal(street.folder.parent / "journal", "gate-7", epoch_for_new=7)
    entries = journal.pending(100)
    journal.close()
    today = day_of(int(time.time()))
    first = next(place for place, entry in enumerate(entries, 1) if entry.content[3] == 1)  # the tap
    assert entries[first].content[3] == 2  # its outcome lies behind it
    store = Store(street.folder / STORES / "city.db")

    def send(upto: int, received: int) -> None:
        body = encode_batch("gate-7", 7, entries[:upto])
        store.accept(parse_batch(body), KEY.public, received=received, signed=Signed(body, KEY.sign(body)))

    with Centre(CentreFolder(street.folder), memory="200MB") as opened:
        send(first, int(time.time()))
        settled(opened, [today])
        assert [row["fare_fen"] for row in centre.rows(opened.workspace, CLEARED)] == [FARE]
        send(len(entries), int(time.time()) + 86400)
        settled(opened, [shifted(today, 1), shifted(today, 2)])
        rows = centre.rows(opened.workspace, CLEARED)
        assert sorted(row["fare_fen"] for row in rows) == [-FARE, FARE, FARE]
        assert sum(row["fare_fen"] for row in rows) == FARE
    store.close()
