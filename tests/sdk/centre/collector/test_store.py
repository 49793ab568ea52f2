"""The collector's stores, each of them: contiguous, never overwritten, one bad entry never holds up the rest."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.entries import AT, note, tap
from tests.uplinks import KEY, append, record
from tests.vectors.make_facts import vectors
from yima.sdk.centre.collector import postgres, statements
from yima.sdk.centre.collector.arrivals import Arrival, Journey, KeyRefusedError, Ledger, Signed
from yima.sdk.centre.collector.schema import StoreError
from yima.sdk.centre.collector.weighing import CONFLICT
from yima.validator.journal import SegmentJournal, chain
from yima.validator.journal.facts import parse, write
from yima.validator.ports import Entry, JournalKey
from yima.validator.uplink.batches import Acknowledgement, Batch


@pytest.fixture
def entries(tmp_path: Path) -> list[Entry]:
    """Ten entries of a journal."""
    journal = SegmentJournal(tmp_path / "journal", "gate-7", epoch_for_new=7)
    append(journal, 10)
    found = journal.entries(0, 10)
    journal.close()
    return found


def give(store: Ledger, entries: list[Entry], *, device: str = "gate-7", epoch: int = 7) -> tuple[int, dict[int, str]]:
    answer, _ = store.accept(Batch(device=device, epoch=epoch, entries=tuple(entries)), KEY.public, received=99)
    return answer.acknowledged, answer.rejected


def linked(entry: Entry) -> Entry:
    """With the hash that belongs to it."""
    return replace(entry, hash=chain(entry.previous, *entry.key, entry.content))


def held(store: Ledger, epoch: int = 7) -> list[int]:
    return [row["sequence"] for row in store.entries("gate-7", epoch, after=0, limit=100)]


def test_what_follows_without_a_gap_is_held_and_acknowledged(store: Ledger, entries: list[Entry]) -> None:
    assert give(store, entries[:4]) == (4, {})
    assert give(store, entries[4:]) == (10, {})
    assert held(store) == list(range(1, 11))


def test_several_devices_batches_are_one_transaction_and_each_has_its_answer(
    store: Ledger, entries: list[Entry]
) -> None:
    mine = Batch(device="gate-7", epoch=7, entries=tuple(entries))
    foreign, again = replace(mine, entries=()), Arrival(mine, KEY.public, 9)
    found = store.accept_all([again, Arrival(foreign, "bb" * 32, 9), again])
    assert found[0] == (Acknowledgement(10, {}), True)
    assert isinstance(found[1], KeyRefusedError)
    assert found[2] == (Acknowledgement(10, {}), False)
    assert held(store) == list(range(1, 11))


def test_a_repeat_is_answered_as_success_and_held_once(store: Ledger, entries: list[Entry]) -> None:
    give(store, entries[:6])
    assert give(store, entries[:6]) == (6, {})
    assert give(store, entries[2:8]) == (8, {})
    assert held(store) == list(range(1, 9))


def test_beyond_a_gap_nothing_is_held(store: Ledger, entries: list[Entry]) -> None:
    assert give(store, entries[1:]) == (0, {})
    assert give(store, [*entries[:3], *entries[5:]]) == (3, {})
    assert held(store) == [1, 2, 3]


def test_a_question_is_answered_and_stores_nothing(store: Ledger, entries: list[Entry]) -> None:
    assert give(store, []) == (0, {})
    give(store, entries[:2])
    assert give(store, []) == (2, {})


def test_journals_of_different_epochs_and_devices_do_not_meet(store: Ledger, entries: list[Entry]) -> None:
    give(store, entries)
    assert give(store, [], epoch=8) == (0, {})
    assert give(store, [], device="gate-8") == (0, {})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"content": b"changed"}, "hash does not match"),
        ({"content": tap(AT + 1, body=record(b"code 4"))}, "hash does not match"),
        ({"key": JournalKey("gate-7", 7, 5), "content": b""}, "hash does not match"),
        ({"hash": bytes(32)}, "hash does not match"),
    ],
)
def test_a_changed_entry_is_refused_once_and_recorded_as_refused(
    store: Ledger, entries: list[Entry], changes: dict[str, object], why: str
) -> None:
    forged = replace(entries[4], **changes)  # type: ignore[arg-type]
    acknowledged, rejected = give(store, [*entries[:4], forged, *entries[5:]])
    assert acknowledged == 10
    assert why in rejected[5]
    # Where its hash was touched, the next entry's link breaks as well; then the chain is whole again.
    assert set(rejected) <= {5, 6}
    assert give(store, [forged])[1] == {5: rejected[5]}
    assert store.entries("gate-7", 7, after=4, limit=1)[0]["rejected"] == rejected[5]


def test_an_entry_that_does_not_follow_is_refused(store: Ledger, entries: list[Entry]) -> None:
    other = linked(replace(entries[3], previous=bytes(range(32))))
    acknowledged, rejected = give(store, [*entries[:3], other])
    assert (acknowledged, list(rejected)) == (4, [4])
    assert "does not follow" in rejected[4]


TAP = parse(bytes.fromhex(vectors()["tap-bus"]["entry"]))[0]
REFUSED = bytes.fromhex(vectors()["tap-refused"]["entry"])
OUTCOME = bytes.fromhex(vectors()["outcome-failed"]["entry"])


def test_entries_of_every_kind_are_held(tmp_path: Path, store: Ledger) -> None:
    journal = SegmentJournal(tmp_path / "journal", "gate-7", epoch_for_new=7)
    for content in (write(TAP) + record(b"code"), REFUSED, OUTCOME, note(b"text")):
        journal.append(content)
    assert give(store, journal.entries(0, 10)) == (4, {})
    journal.close()


def test_a_tick_beyond_what_a_column_holds_is_kept_as_the_most_it_does(tmp_path: Path, store: Ledger) -> None:
    """The format has 64 bits for it. One entry that a database does not take would fail its batch for good."""
    journal = SegmentJournal(tmp_path / "journal", "gate-7", epoch_for_new=7)
    journal.append(tap(tick_ms=(1 << 64) - 1, body=record(b"code")))
    entries = journal.entries(0, 1)
    journal.close()
    assert give(store, entries) == give(store, entries) == (1, {})
    assert store.held("gate-7", 7, 1, 1) == entries


@pytest.mark.parametrize(
    "content",
    [
        b"no record",
        record(b"code"),
        write(TAP),
        write(TAP) + b"code",
        write(TAP) + record(b"code")[:-1],
        REFUSED[:100],
        OUTCOME + b"\0",
    ],
)
def test_a_record_that_is_not_intact_is_refused_and_the_chain_goes_on(
    tmp_path: Path, store: Ledger, content: bytes
) -> None:
    journal = SegmentJournal(tmp_path / "journal", "gate-7", epoch_for_new=7)
    append(journal, 1)
    journal.append(content)
    append(journal, 1)
    acknowledged, rejected = give(store, journal.entries(0, 10))
    journal.close()
    assert acknowledged == 3
    assert list(rejected) == [2]
    assert "intact" in rejected[2] or "facts cannot be read" in rejected[2]


def test_another_record_under_a_sequence_that_is_held_is_refused_and_kept_as_evidence(
    store: Ledger, entries: list[Entry]
) -> None:
    give(store, entries)
    fork = linked(replace(entries[4], content=tap(body=record(b"another code"))))
    assert give(store, [fork]) == (10, {5: CONFLICT})
    assert give(store, [fork]) == (10, {5: CONFLICT})
    assert store.entries("gate-7", 7, after=4, limit=1)[0]["content"] == entries[4].content
    assert store.journeys() == [Journey(device="gate-7", epoch=7, acknowledged=10, rejected=0, conflicts=1, last_at=AT)]


def test_the_first_key_is_the_devices_and_any_other_is_refused(store: Ledger, entries: list[Entry]) -> None:
    batch = Batch(device="gate-7", epoch=7, entries=tuple(entries[:2]))
    assert store.accept(batch, "aa" * 32, received=1)[1] is True
    assert store.accept(batch, "aa" * 32, received=1)[1] is False
    with pytest.raises(KeyRefusedError, match="first seen with another key"):
        store.accept(batch, "bb" * 32, received=1)


def test_only_enrolled_devices_with_their_own_key_are_heard(store: Ledger, entries: list[Entry]) -> None:
    batch = Batch(device="gate-7", epoch=7, entries=tuple(entries[:2]))
    for enrolled in ({}, {"gate-8": "aa" * 32}, {"gate-7": "bb" * 32}):
        with pytest.raises(KeyRefusedError, match="not enrolled with this key"):
            store.accept(batch, "aa" * 32, received=1, enrolled=enrolled)
    assert store.journeys() == []
    assert store.accept(batch, "aa" * 32, received=1, enrolled={"gate-7": "aa" * 32})[0].acknowledged == 2
    # A device that got a new key is enrolled anew, by a person.
    assert store.accept(batch, "bb" * 32, received=1, enrolled={"gate-7": "bb" * 32})[0].acknowledged == 2


def test_what_was_acknowledged_is_there_after_a_restart(again: Callable[[], Ledger], entries: list[Entry]) -> None:
    first = again()
    give(first, entries)
    first.close()
    first.close()
    with pytest.raises(StoreError, match="is closed"):
        give(first, entries)
    second = again()
    assert held(second) == list(range(1, 11))
    assert second.held("gate-7", 7, 3, 4) == entries[2:4]
    second.check_writable()
    second.close()


def test_a_repeat_within_one_transaction_is_compared_with_what_it_brings(store: Ledger, entries: list[Entry]) -> None:
    fork = linked(replace(entries[4], content=tap(body=record(b"another code"))))
    batches = [Batch(device="gate-7", epoch=7, entries=tuple(some)) for some in (entries, entries[2:6], [fork], [fork])]
    found = store.accept_all([Arrival(batch, KEY.public, 9) for batch in batches])
    assert found == [
        (Acknowledgement(10, {}), True), (Acknowledgement(10, {}), False),
        (Acknowledgement(10, {5: CONFLICT}), False), (Acknowledgement(10, {5: CONFLICT}), False),
    ]  # fmt: skip
    assert store.journeys()[0].conflicts == 1


def test_of_two_keys_that_a_new_device_shows_at_once_the_first_counts(store: Ledger, entries: list[Entry]) -> None:
    batch = Batch(device="gate-7", epoch=7, entries=tuple(entries))
    first, second = store.accept_all([Arrival(batch, "aa" * 32, 9), Arrival(batch, "bb" * 32, 9)])
    assert first == (Acknowledgement(10, {}), True)
    assert isinstance(second, KeyRefusedError)


def test_taps_are_counted_by_the_image_that_judged_them_and_each_once(store: Ledger, tmp_path: Path) -> None:
    journal = SegmentJournal(tmp_path / "judged", "gate-7", epoch_for_new=7)
    for image, reason in ((b"a", 0), (b"a", 5), (b"b", 0), (b"a", 0)):
        journal.append(tap(parameters_digest=image * 16, reason=reason, body=record(b"code")))
    journal.append(note())
    found = journal.entries(0, 10)
    journal.close()
    assert store.taps_by_image(0)[0] == []
    give(store, found[:3])
    rows, place = store.taps_by_image(0)
    assert sorted(rows) == [(b"a" * 16, 0, 1), (b"a" * 16, 5, 1), (b"b" * 16, 0, 1)]
    assert store.taps_by_image(place)[0] == []
    give(store, found)
    rows, place = store.taps_by_image(place)
    assert rows == [(b"a" * 16, 0, 1)]
    assert store.taps_by_image(place)[0] == []


def test_an_entry_that_was_refused_is_no_tap_under_an_image(store: Ledger, entries: list[Entry]) -> None:
    """Whoever sends rubbish in a package's name does not stop the package."""
    broken = replace(entries[1], previous=bytes([1]) * 32)
    assert list(give(store, [entries[0], broken])[1]) == [2]
    ((_, reason, count),), _ = store.taps_by_image(0)
    assert (reason, count) == (0, 1)


def test_asked_for_the_first_time_it_counts_the_newest_taps_alone(
    store: Ledger, entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (statements, postgres):
        monkeypatch.setattr(module, "LATEST", 3)
    give(store, entries)
    ((_, _, count),), _ = store.taps_by_image(0)
    assert count == 3


def test_a_clock_that_goes_back_takes_nothing_of_what_was_heard(again: Callable[[], Ledger]) -> None:
    nothing = Batch(device="gate-7", epoch=7, entries=())
    for received in (200, 100):
        store = again()  # one that has just begun knows of no statement
        store.accept_all([Arrival(nothing, KEY.public, received, None, Signed(b"1", "ab" * 64))])
        (kept,) = store.statements()
        assert (kept.first, kept.last) == (200, 200)
        store.close()


def test_what_devices_say_of_their_versions_is_kept_from_when_to_when(store: Ledger) -> None:
    nothing = Batch(device="gate-7", epoch=7, entries=())

    def say(*said: tuple[bytes, int], device: str = "gate-7") -> None:
        batch = replace(nothing, device=device)
        group = [Arrival(batch, KEY.public, at, None, Signed(what, "ab" * 64)) for what, at in said]
        store.accept_all(group)

    say((b"1", 100))
    say((b"1", 130), (b"1", 170))
    say((b"2", 171), (b"1", 172), (b"1", 173))
    say((b"1", 150), device="gate-8")
    assert [(one.device, one.said, one.first, one.last) for one in store.statements()] == [
        ("gate-7", b"1", 100, 170), ("gate-7", b"2", 171, 171), ("gate-7", b"1", 172, 172), ("gate-8", b"1", 150, 150),
    ]  # fmt: skip
    assert [one.said for one in store.statements(after=171)] == [b"2", b"1"]
