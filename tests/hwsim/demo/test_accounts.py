"""The accounts of the demonstration: with real stores, whole ones balance and every kind of loss is noticed."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.entries import note, reversal, tap
from tests.uplinks import record
from yima.hwsim.demo.accounts import Account, Tap, account
from yima.sdk.centre.collector.store import Store
from yima.validator.errors import JournalError
from yima.validator.journal import SegmentJournal
from yima.validator.journal.cursor import CursorWriter
from yima.validator.journal.files import FolderFiles
from yima.validator.journal.form import HEADER_SIZE, Frame, pack_frame, parse_frame, parse_header
from yima.validator.journal.segments import name_of
from yima.validator.judging import GateContext, Moment, Reason, Validator
from yima.validator.judging.record import Terminal, tap_entry
from yima.validator.parameters import Mode, from_mapping
from yima.validator.uplink.batches import Batch

NOW = 1_795_400_000
DEVICE = "bus-1"
PAYLOADS = [b"not a code, number %d" % number for number in range(5)]


class Stores:
    """A journal with five entries and more, and a collector's store that has taken them all."""

    def __init__(self, directory: Path, *more: bytes) -> None:
        self.journal = directory / "journal"
        self.collector = directory / "trips.db"
        parameters = from_mapping(
            {"environment": "test", "version": 1, "fares": {"bus": 200}, "roots": [], "whitelist": []},
            source="test",
            base=directory,
        )
        validator = Validator(parameters, GateContext(mode=Mode.BUS))
        journal = SegmentJournal(self.journal, DEVICE, epoch_for_new=7)
        self.taps: list[Tap] = []
        for number, payload in enumerate(PAYLOADS):
            moment = Moment.at(NOW + number)
            verdict = validator.judge(payload, moment)
            entry = tap_entry(
                validator, verdict, terminal=Terminal(terminal=DEVICE), record_id=f"r{number}", moment=moment, run=1
            )
            key = journal.append(entry)
            self.taps.append(
                Tap(
                    seq=key.sequence,
                    reason=verdict.reason,
                    again=False,
                    fare_fen=0,
                    rule="",
                    account_masked="",
                    times_ms={"total": 1.0},
                )
            )
        for content in more:
            journal.append(content)
        entries = tuple(journal.pending(100))
        store = Store(self.collector)
        answer, _ = store.accept(Batch(device=DEVICE, epoch=7, entries=entries), "ab" * 32, received=NOW)
        store.close()
        journal.acknowledge(answer.acknowledged, answer.rejected)
        journal.close()

    def account(self, taps: Sequence[Tap] | None = None) -> Account:
        return account(DEVICE, self.taps if taps is None else taps, self.journal, self.collector)

    def change(self, path: Path, *statements: str) -> None:
        connection = sqlite3.connect(path)
        with connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Stores(tmp_path)


def differences(found: Account) -> str:
    return "\n".join(difference.en for difference in found.differences)


def test_whole_stores_balance(stores: Stores) -> None:
    found = stores.account()
    assert found.differences == ()
    assert (found.taps, found.again, found.recorded, found.uploaded, found.acknowledged) == (5, 0, 5, 5, 5)


JAMMED = Tap(
    seq=6, reason=Reason.GATE_FAILED, again=False, fare_fen=0, rule="", account_masked="", times_ms={}, trouble="shut"
)  # fmt: skip
RIDE = replace(JAMMED, seq=8, reason=Reason.ACCEPTED, fare_fen=200, trouble=None)


def ride(number: int) -> bytes:
    return tap(NOW, body=record(b"code %d" % number))


def test_a_ride_whose_gate_did_not_open_is_told_reversed_and_costs_nothing_at_the_collector(tmp_path: Path) -> None:
    stores = Stores(tmp_path, ride(1), reversal(6), ride(2))
    found = stores.account([*stores.taps, JAMMED, RIDE])
    assert found.differences == ()
    assert (found.recorded, found.reversed, found.fares_fen) == (8, 1, 200)


def test_a_ride_that_was_told_reversed_and_is_not_is_noticed(tmp_path: Path) -> None:
    stores = Stores(tmp_path, ride(1), note(), ride(2))
    found = differences(stores.account([*stores.taps, JAMMED, RIDE]))
    assert "tap 6 was answered" in found
    assert "riders were told 200 fen in all, the collector's entries come to 400" in found


def test_what_was_shown_again_needs_no_record(stores: Stores) -> None:
    again = replace(stores.taps[0], seq=None, again=True)
    found = stores.account([*stores.taps, again, again])
    assert found.differences == ()
    assert (found.taps, found.again, found.recorded) == (7, 2, 5)


@pytest.mark.parametrize("sequence", [1, 3, 5])
def test_a_record_deleted_from_the_collector_is_noticed(stores: Stores, sequence: int) -> None:
    stores.change(stores.collector, f"DELETE FROM entries WHERE sequence = {sequence}")
    found = stores.account()
    assert differences(found) == f"bus-1: entry {sequence} is not at the collector"
    assert found.uploaded == 4


def test_a_record_the_collector_has_of_nobody_is_noticed(stores: Stores) -> None:
    columns = "form, kind, at, time_trusted, tick_ms, reason, content, previous, hash, rejected, received"
    stores.change(
        stores.collector,
        f"INSERT INTO entries SELECT device, epoch, 6, {columns} FROM entries WHERE sequence = 5",
    )
    assert "the collector has entry 6 of nobody" in differences(stores.account())


@pytest.mark.parametrize(
    "change", ["content = x'00'", "content = CAST(content || x'00' AS BLOB)", "hash = zeroblob(32)"]
)
def test_a_record_changed_at_the_collector_is_noticed(stores: Stores, change: str) -> None:
    stores.change(stores.collector, f"UPDATE entries SET {change} WHERE sequence = 2")
    assert differences(stores.account()) == "bus-1: entry 2 differs at the collector"


def test_a_record_the_collector_refused_is_noticed(stores: Stores) -> None:
    stores.change(stores.collector, "UPDATE entries SET rejected = 'its seal is broken' WHERE sequence = 4")
    assert "the collector refused entry 4: its seal is broken" in differences(stores.account())


def rewrite(folder: Path, change: Callable[[list[Frame]], Sequence[Frame]]) -> None:
    """Writes the journal's one segment again, as somebody might who knows its form."""
    path = folder / name_of(1)
    data = path.read_bytes()
    frames: list[Frame] = []
    header = parse_header(data[:HEADER_SIZE])
    assert header
    while frame := parse_frame(header.seed, data, frames[-1].end if frames else HEADER_SIZE):
        frames.append(frame)
    changed = b"".join(pack_frame(header.seed, frame.sequence, frame.entry, frame.hash) for frame in change(frames))
    path.write_bytes(data[:HEADER_SIZE] + changed.ljust(len(data) - HEADER_SIZE, b"\0"))


def test_a_journal_from_which_a_record_was_deleted_is_not_read(stores: Stores) -> None:
    rewrite(stores.journal, lambda frames: frames[:2] + frames[3:])
    with pytest.raises(JournalError, match="entry 3 is missing"):
        stores.account()


def test_a_journal_without_its_last_record_is_noticed_several_ways(stores: Stores) -> None:
    rewrite(stores.journal, lambda frames: frames[:4])
    found = differences(stores.account())
    assert "5 taps should be on record, the journal holds 4" in found
    assert "tap 5 has no entry in the journal" in found
    assert "the collector has entry 5 of nobody" in found


def test_a_record_changed_in_the_journal_breaks_its_chain(stores: Stores) -> None:
    rewrite(stores.journal, lambda frames: [frame._replace(entry=frame.entry + b"\0") for frame in frames])
    assert "the journal's chain is broken" in differences(stores.account())


def test_what_is_not_acknowledged_is_noticed(stores: Stores) -> None:
    CursorWriter(FolderFiles(stores.journal)).move(3)
    assert differences(stores.account()) == "bus-1: 3 of 5 entries are acknowledged"


def test_what_is_in_quarantine_is_noticed(stores: Stores) -> None:
    CursorWriter(FolderFiles(stores.journal)).put_aside({2: "not intact"}, None)
    assert differences(stores.account()) == "bus-1: entry 2 is in quarantine: not intact"


def refused_otherwise(taps: list[Tap]) -> list[Tap]:
    return [replace(taps[0], reason=Reason.ACCEPTED), *taps[1:]]


@pytest.mark.parametrize(
    ("lie", "noticed"),
    [
        (lambda taps: taps[1:], "entry 1 belongs to no tap"),
        (lambda taps: [*taps, replace(taps[0], seq=6)], "tap 6 has no entry in the journal"),
        (lambda taps: [*taps, replace(taps[0], seq=None)], "tap None has no entry in the journal"),
        (lambda taps: [*taps, taps[0]], "6 taps should be on record, the journal holds 5"),
        (refused_otherwise, "tap 1 was answered"),
    ],
    ids=["a tap unheard", "a tap unrecorded", "a tap without sequence", "a sequence twice", "another reason"],
)
def test_what_a_device_said_must_be_what_it_recorded(
    stores: Stores, lie: Callable[[list[Tap]], list[Tap]], noticed: str
) -> None:
    assert noticed in differences(stores.account(lie(stores.taps)))
