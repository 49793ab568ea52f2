"""A release goes on to its next step by the taps of this one, whoever watches: one watch, or another each round."""

from pathlib import Path

import pytest

from tests import entries
from tests.packages_world import NOW
from tests.publication_world import PUBLISHER, both, publish
from tests.uplinks import record
from yima.sdk.centre.collector.arrivals import Arrival
from yima.sdk.centre.collector.store import Store
from yima.sdk.centre.packages.folder import Folder
from yima.sdk.centre.packages.watching import Watch
from yima.validator.journal import chain
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

    def taps(self, count: int, now: int) -> None:
        taken = []
        for _ in range(count):
            self._sequence += 1
            key = JournalKey("gate-1", 1, self._sequence)
            content = entries.tap(now, parameters_digest=self._digest, body=record(b"code %d" % self._sequence))
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
