"""The power goes at every step of a change of packages, and inside every step: the old one or the new one, whole.

The good run of each scenario is counted first; then it runs again, cut at each of its calls. For each cut, every disk
that the device may wake up with is opened (see tests.packages_world.Disk), and what is on it is looked at. The same
then with a disk that is full, and with real files.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.packages_world import DAY, NOW, PINS, B, Disk, PowerCutError, package
from yima.validator.errors import ParametersError
from yima.validator.packages import Chain, Kind, parse_package
from yima.validator.packages.storage import DirectoryStorage, Storage
from yima.validator.packages.store import STATE, WAITING, PackageStore, Taken

FIRST, SECOND, THIRD = package(1), package(2, next_keys=[B.compressed]), package(3, keys=[B], next_keys=[B.compressed])
LATER = package(2, not_before=NOW + DAY, next_keys=[B.compressed])
LATEST = package(3, previous=0, not_before=NOW + DAY)
URGENT = package(2, previous=0)
REPLACING = package(4, previous=0, replaces=True)
LIST = package(1, kind=Kind.DENY_LIST, inside=b"full")
MORE = package(2, kind=Kind.DENY_INCREMENT, inside=b"more", base=parse_package(LIST).id)


class Scenario(NamedTuple):
    """before: packages taken in peace. change: what is cut. old, new: the versions in force before and after it."""

    before: tuple[bytes, ...]
    change: Callable[[PackageStore], object]
    old: list[int]
    new: list[int]
    chain: Chain = Chain.PARAMETERS


SCENARIOS = {
    "the first package": Scenario((), lambda store: store.take(FIRST, NOW), [], [1]),
    "the next one": Scenario((FIRST,), lambda store: store.take(SECOND, NOW), [1], [2]),
    "one that sweeps another": Scenario((FIRST, SECOND), lambda store: store.take(THIRD, NOW), [2], [3]),
    "staging alone": Scenario((FIRST,), lambda store: store.take(LATER, NOW), [1], [1]),
    "what was staged": Scenario((FIRST, LATER), lambda store: store.activate(NOW + DAY, store.waiting[0]), [1], [2]),
    "an urgent one": Scenario((FIRST, LATEST), lambda store: store.take(URGENT, NOW), [1], [2]),
    "one that replaces": Scenario((FIRST, LATEST), lambda store: store.take(REPLACING, NOW), [1], [4]),
    "an increment": Scenario((LIST,), lambda store: store.take(MORE, NOW), [1], [1, 2], Chain.DENY),
}


def opened(place: Path | Storage, scenario: Scenario) -> PackageStore:
    return PackageStore(place, PINS, "test", chain=scenario.chain)


def prepared(place: Path | Storage, scenario: Scenario) -> PackageStore:
    store = opened(place, scenario)
    for data in scenario.before:
        store.take(data, NOW)
    return store


def versions(store: PackageStore) -> list[int]:
    return [found.version for found in store.active]


def calls_of(scenario: Scenario) -> tuple[int, list[str]]:
    """How many calls come before the change, and its own."""
    disk = Disk()
    store = prepared(disk, scenario)
    begin = len(disk.calls)
    scenario.change(store)
    return begin, disk.calls[begin:]


def assert_whole(store: PackageStore, scenario: Scenario) -> None:
    """The old or the new is in force, trust fits it, and the change can be made (again)."""
    assert store.trouble is None
    assert versions(store) in (scenario.old, scenario.new)
    newest = store.trust.newest
    if versions(store) == scenario.new and scenario.new > scenario.old:
        assert newest is not None
        assert newest[0] == scenario.new[-1]
        assert store.trust.keys == store.active[-1].keys
    if scenario is SCENARIOS["an urgent one"]:
        assert [one.version for one in store.waiting if one.version == 3] == [3], "what waits is never lost"
    if scenario is SCENARIOS["what was staged"] and versions(store) == scenario.old:
        assert [one.version for one in store.waiting] == [2], "what waits is never lost"
    if scenario is SCENARIOS["one that replaces"] and versions(store) == scenario.new:
        assert store.waiting == ()
    if versions(store) == scenario.old and scenario.old < scenario.new:
        assert newest == ((scenario.old[-1], store.active[-1].id) if scenario.old else None)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_the_power_goes_at_every_call_and_inside_it(scenario: Scenario) -> None:
    begin, calls = calls_of(scenario)
    disks = 0
    outcomes = set()
    for number in range(begin, begin + len(calls)):
        disk = Disk()
        store = prepared(disk, scenario)
        disk.cut_at = number
        with pytest.raises(PowerCutError):
            scenario.change(store)
        for found in disk.after_cut():
            disks += 1
            after = opened(found, scenario)
            assert_whole(after, scenario)
            outcomes.add(tuple(versions(after)))
            recovers(found, after, scenario)
    assert disks >= len(calls)
    assert outcomes == {tuple(scenario.old), tuple(scenario.new)}


def recovers(disk: Disk, store: PackageStore, scenario: Scenario) -> None:
    """After a cut the device goes on: the change is made, or is made again, and leaves nothing behind."""
    if scenario.change is SCENARIOS["what was staged"].change:
        if waiting := store.due(NOW + DAY):
            store.activate(NOW + DAY, waiting)
    else:
        scenario.change(store)
    assert versions(store) == versions(opened(disk, scenario)) == scenario.new
    kept = {STATE, *(f"{version:010}" for version in range(5))}
    if scenario is SCENARIOS["one that replaces"]:  # what does not count any more is swept with the next change
        kept.add(f"{WAITING}0000000003")
    kept |= {f"{WAITING}{found.version:010}" for found in store.waiting}
    assert {name.partition("-")[0] if name[0] == "0" else name[:18] for name in disk.files} <= kept


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_what_was_said_to_be_in_force_survives_any_cut_after_it(scenario: Scenario) -> None:
    disk = Disk()
    scenario.change(prepared(disk, scenario))
    found = [opened(after, scenario) for after in disk.after_cut()]
    assert {tuple(versions(store)) for store in found} == {tuple(scenario.new)}
    if scenario is SCENARIOS["staging alone"]:
        assert all([one.id for one in store.waiting] == [parse_package(LATER).id] for store in found)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_a_full_disk_leaves_the_old_or_the_new_in_force_and_says_so(scenario: Scenario) -> None:
    begin, calls = calls_of(scenario)
    for number, call in enumerate(calls, begin):
        disk = Disk()
        store = prepared(disk, scenario)
        disk.fail_at = number
        if call == "remove":  # only sweeping: the change is made
            scenario.change(store)
            assert "No space left" in str(store.trouble)
            assert versions(store) == scenario.new
        else:
            with pytest.raises(ParametersError, match="No space left on device"):
                scenario.change(store)
            assert_whole(store, scenario)
        again = opened(disk, scenario)
        assert versions(again) == versions(store)
        recovers(disk, again, scenario)


class Cut(DirectoryStorage):
    """Real files; the power goes in call number `cut_at`, a write stops in the middle."""

    def __init__(self, directory: Path, cut_at: int | None = None) -> None:
        super().__init__(directory)
        self.cut_at = cut_at
        self.calls = 0

    def _call(self) -> bool:
        self.calls += 1
        return self.calls - 1 == self.cut_at

    def write(self, name: str, content: bytes | memoryview) -> None:
        cut = self._call()
        super().write(name, content[: len(content) // 2] if cut else content)
        if cut:
            raise PowerCutError

    def sync(self, name: str) -> None:
        if self._call():
            raise PowerCutError
        super().sync(name)

    def rename(self, name: str, to: str) -> None:
        if self._call():
            raise PowerCutError
        super().rename(name, to)

    def remove(self, name: str) -> None:
        if self._call():
            raise PowerCutError
        super().remove(name)

    def sync_names(self) -> None:
        if self._call():
            raise PowerCutError
        super().sync_names()


def test_the_program_stops_at_every_call_over_real_files(tmp_path: Path) -> None:
    scenario = SCENARIOS["one that sweeps another"]
    _, calls = calls_of(scenario)
    for number in range(len(calls)):
        directory = tmp_path / str(number)
        prepared(directory, scenario)
        store = opened(Cut(directory, number), scenario)
        with pytest.raises(PowerCutError):
            scenario.change(store)
        on_disk = {path.name[:10]: path.read_bytes() for path in directory.iterdir()}
        after = opened(directory, scenario)
        assert_whole(after, scenario)
        assert on_disk[f"{after.active[0].version:010}"] == bytes(after.active[0].data)
        assert bytes(after.active[0].data) in (SECOND, THIRD)
        assert after.take(THIRD, NOW) in (Taken.ACTIVATED, Taken.ALREADY)
        assert versions(after) == [3]
    assert len(calls) == 12
