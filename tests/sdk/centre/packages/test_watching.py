"""A release goes on to its next step by the taps of this one, whoever watches: one watch, or another each round."""

from pathlib import Path

import pytest

from tests import entries
from tests.packages_world import NOW
from tests.publication_world import PUBLISHER, both, publish
from tests.uplinks import record
from yima.sdk.centre.collector.arrivals import Arrival
from yima.sdk.centre.collector.store import Store
from yima.sdk.centre.packages.folder import VALID_S, Folder, stopped
from yima.sdk.centre.packages.watching import Watch
from yima.validator.journal import chain
from yima.validator.judging import Reason
from yima.validator.ports import Entry, JournalKey
from yima.validator.state.keys import DeviceKey
from yima.validator.uplink.batches import Batch

KEY = DeviceKey.generate()
HOLD_S, TAPS = 600, 50  # as `publish` of the publication's world has them


class Gate:
    """One that was given the package, and its taps."""

    def __init__(self, store: Store, digest: bytes) -> None:
        self._store, self._digest = store, digest
        self._sequence, self._last = 0, bytes(32)

    def taps(self, count: int, now: int, *, reason: int = 0) -> None:
        taken = []
        for _ in range(count):
            self._sequence += 1
            key = JournalKey("gate-1", 1, self._sequence)
            code = b"code %d" % self._sequence
            body = code if reason else record(code)
            content = entries.tap(now, reason=reason, parameters_digest=self._digest, body=body)
            taken.append(Entry(key=key, content=content, previous=self._last, hash=chain(self._last, *key, content)))
            self._last = taken[-1].hash
        batch = Batch(device="gate-1", epoch=1, entries=tuple(taken))
        self._store.accept_all([Arrival(batch, KEY.public, now)])


@pytest.mark.parametrize("each_round", [False, True], ids=["one watch", "another each round"])
def test_each_step_has_so_many_taps_of_its_own(each_round: bool, tmp_path: Path) -> None:
    """All that had come since the beginning were counted: from the second step on, time alone was enough."""
    store = Store(tmp_path / "trips.db")
    folder = Folder(tmp_path / "centre")
    name = publish(folder, both(1), NOW, steps=(100, 1000, 10_000))
    gate = Gate(store, bytes.fromhex(folder.plans()[name].digests[0]))
    watch = Watch(folder, store, PUBLISHER)

    def share_after(taps: int, now: int) -> int:
        gate.taps(taps, now)
        (Watch(folder, store, PUBLISHER) if each_round else watch).round(now)
        return folder.plans()[name].share

    assert share_after(TAPS - 1, NOW + HOLD_S) == 100, "too few"
    assert share_after(1, NOW + HOLD_S) == 1000
    assert share_after(TAPS, NOW + 2 * HOLD_S - 1) == 1000, "too early"
    assert share_after(0, NOW + 2 * HOLD_S) == 10_000
    store.close()


def test_a_step_without_taps_of_its_own_waits_for_them_however_long(tmp_path: Path) -> None:
    store = Store(tmp_path / "trips.db")
    folder = Folder(tmp_path / "centre")
    name = publish(folder, both(1), NOW, steps=(100, 1000, 10_000))
    gate = Gate(store, bytes.fromhex(folder.plans()[name].digests[0]))
    gate.taps(10 * TAPS, NOW)
    for later in range(1, 5):
        Watch(folder, store, PUBLISHER).round(NOW + later * HOLD_S)
        assert folder.plans()[name].share == 1000
    store.close()


def test_an_index_is_renewed_before_its_last_half_is_over_and_not_in_its_first(tmp_path: Path) -> None:
    """Nothing else renews it: gates that see an old index take nothing any more."""
    store, folder = Store(tmp_path / "trips.db"), Folder(tmp_path / "centre")
    watch = Watch(folder, store, PUBLISHER)
    assert not watch.round(NOW).renewed, "nothing is published"
    publish(folder, both(1), NOW)
    until = []
    for now in (NOW + VALID_S // 2, NOW + VALID_S // 2 + 1):
        assert watch.round(now).renewed is (now > NOW + VALID_S // 2)
        index = folder.index()
        assert index is not None
        until.append(index.until)
    assert until == [NOW + VALID_S, NOW + VALID_S // 2 + 1 + VALID_S]
    store.close()


def test_harm_is_found_where_every_tap_that_was_counted_is_under_the_package(tmp_path: Path) -> None:
    """Its own taps are not among those that it is held against: they would say that all is as elsewhere."""
    store, folder = Store(tmp_path / "trips.db"), Folder(tmp_path / "centre")
    name = publish(folder, both(1), NOW)
    gate = Gate(store, bytes.fromhex(folder.plans()[name].digests[0]))
    gate.taps(40, NOW)
    gate.taps(60, NOW, reason=int(Reason.FARE_OVER_CAP))
    Watch(folder, store, PUBLISHER).round(NOW + 1)
    assert folder.plans()[name].stopped == "stopped by itself: FARE_OVER_CAP: 60.0% of taps, elsewhere 0.0%"
    store.close()


def test_what_somebody_has_stopped_keeps_the_reason_and_is_not_told_again(tmp_path: Path) -> None:
    store, folder = Store(tmp_path / "trips.db"), Folder(tmp_path / "centre")
    name = publish(folder, both(1), NOW)
    folder.steer({name: lambda plan: stopped(plan, "Li: a typing error")}, PUBLISHER, NOW)
    gate = Gate(store, bytes.fromhex(folder.plans()[name].digests[0]))
    gate.taps(100, NOW, reason=int(Reason.FARE_OVER_CAP))
    assert Watch(folder, store, PUBLISHER).round(NOW + HOLD_S).changes == ()
    assert folder.plans()[name].stopped == "Li: a typing error"
    store.close()
