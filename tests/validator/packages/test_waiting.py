"""What waits on a device for its time, and what comes between."""

import pytest

from tests.packages_world import (
    DAY,
    NOW,
    PINS,
    B,
    Disk,
    File,
    come,
    deny,
    filled,
    package,
    parse_name,
    rule_of,
    spoil,
    versions,
    waiting,
)
from yima.validator.errors import ParametersError
from yima.validator.packages import Chain, PackageError
from yima.validator.packages.store import WAITING, WAITING_MOST, PackageStore, Taken


def test_a_package_for_tomorrow_is_kept_until_then() -> None:
    disk = Disk()
    store = filled(disk, package(1))
    assert store.take(package(2, not_before=NOW + DAY), NOW) is Taken.WAITING
    store = PackageStore(disk, PINS, "test")
    assert versions(store) == [1]
    assert waiting(store) == [2]
    assert store.due(NOW + DAY - 1) is None
    assert rule_of(lambda: store.activate(NOW + DAY - 1, store.waiting[0])) == "NOT_YET"
    come(store, NOW + DAY)
    assert versions(store) == [2]
    assert store.since == PackageStore(disk, PINS, "test").since == NOW + DAY
    assert PackageStore(disk, PINS, "test").waiting == ()
    assert not any(name.startswith(WAITING) for name in disk.files)


def test_what_waits_is_checked_again_when_its_time_has_come() -> None:
    store = filled(Disk(), package(1))
    store.take(package(2, previous=0, not_before=NOW + DAY, expiry=NOW + 2 * DAY), NOW)
    assert rule_of(lambda: come(store, NOW + 2 * DAY)) == "EXPIRED"
    assert versions(store) == [1]


URGENT = package(3, previous=1)


def test_an_urgent_package_comes_between_and_what_waits_comes_at_its_time_all_the_same() -> None:
    disk = Disk()
    store = filled(disk, package(1))
    later = package(2, not_before=NOW + DAY)
    store.take(later, NOW)
    assert store.take(URGENT, NOW) is Taken.ACTIVATED
    store = PackageStore(disk, PINS, "test")
    assert (versions(store), waiting(store)) == ([3], [2])
    come(store, NOW + DAY)
    for found in (store, PackageStore(disk, PINS, "test")):
        assert (versions(found), waiting(found)) == ([2], [])
        assert found.trust.newest is not None
        assert found.trust.newest[0] == 3
        assert found.take(URGENT, NOW + DAY) is Taken.PAST, "the file of the urgent one may still lie beside the device"
        assert found.take(later, NOW + DAY) is Taken.ALREADY
        assert versions(found) == [2]


def test_what_waits_counts_where_a_package_says_what_it_builds_on() -> None:
    store = filled(Disk(), package(1))
    store.take(package(2, not_before=NOW + DAY), NOW)
    assert rule_of(lambda: store.take(package(5, previous=4), NOW)) == "GAP"
    assert store.take(package(3, previous=2), NOW) is Taken.ACTIVATED
    assert waiting(store) == [2]


def test_a_package_that_replaces_gives_up_what_waits_at_once_and_for_ever() -> None:
    disk = Disk()
    store = filled(disk, package(1))
    later, between = package(2, not_before=NOW + DAY), package(3, previous=0, not_before=NOW + 2 * DAY, replaces=True)
    store.take(later, NOW)
    assert store.take(between, NOW) is Taken.WAITING
    for found in (store, PackageStore(disk, PINS, "test")):
        assert waiting(found) == [3]
        assert rule_of(lambda found=found: found.take(later, NOW)) == "OLDER"  # type: ignore[misc]
    come(store, NOW + 2 * DAY)
    disk.files[WAITING + parse_name(later)] = File(durable=later, now=later)
    found = PackageStore(disk, PINS, "test")
    assert (versions(found), waiting(found)) == ([3], []), "a file that a cut left behind does not come back"


def test_what_waits_comes_in_the_order_of_its_times() -> None:
    store = filled(Disk(), package(1))
    store.take(package(2, previous=0, not_before=NOW + 3 * DAY), NOW)
    store.take(package(3, previous=0, not_before=NOW + DAY), NOW)
    store.take(package(4, previous=0, not_before=NOW + 2 * DAY), NOW)
    assert waiting(store) == [3, 4, 2]
    for number, version in enumerate([3, 4, 2], 1):
        come(store, NOW + number * DAY)
        assert versions(store) == [version]


def test_who_was_off_while_an_urgent_one_was_in_force_does_not_go_back_to_it() -> None:
    store = filled(Disk(), package(1))
    store.take(package(2, not_before=NOW + DAY), NOW)
    come(store, NOW + 2 * DAY)
    with pytest.raises(PackageError, match="it was for the time before") as caught:
        store.take(URGENT, NOW + 2 * DAY)
    assert caught.value.rule == "OLDER"
    assert store.take(package(4, previous=0, replaces=True), NOW + 2 * DAY) is Taken.ACTIVATED


def test_no_more_wait_than_there_is_room_for() -> None:
    store = filled(Disk(), package(1))
    for version in range(2, 2 + WAITING_MOST):
        assert store.take(package(version, previous=0, not_before=NOW + DAY), NOW) is Taken.WAITING
    with pytest.raises(ParametersError, match="packages wait already"):
        store.take(package(9, previous=0, not_before=NOW + DAY), NOW)
    assert store.take(package(9, previous=0), NOW) is Taken.ACTIVATED, "an urgent one does not wait"
    assert store.take(package(10, not_before=NOW + DAY, replaces=True), NOW) is Taken.WAITING
    assert waiting(store) == [10]


def test_one_version_that_waits_is_one_package() -> None:
    store = filled(Disk(), package(1))
    first = package(2, not_before=NOW + DAY)
    store.take(first, NOW)
    assert store.take(first, NOW) is Taken.WAITING
    assert rule_of(lambda: store.take(package(2, not_before=NOW + 2 * DAY), NOW)) == "SAME_VERSION"


def test_what_waits_under_a_key_that_is_trusted_no_more_is_given_up_and_told() -> None:
    disk = Disk()
    store = filled(disk, package(1))
    store.take(package(2, not_before=NOW + DAY), NOW)
    store.take(package(3, previous=0, next_keys=[B.compressed]), NOW)
    assert waiting(store) == waiting(PackageStore(disk, PINS, "test")) == []
    assert "version 2: waited, and is given up: is signed by a key that is not trusted here" in str(store.trouble)


def test_a_waiting_one_that_rots_in_force_can_be_given_again() -> None:
    disk = Disk()
    store = filled(disk, package(1))
    later = package(2, not_before=NOW + DAY)
    store.take(later, NOW)
    store.take(URGENT, NOW)
    come(store, NOW + DAY)
    spoil(disk, "0000000002")
    store = PackageStore(disk, PINS, "test")
    assert (versions(store), store.trouble is None) == ([3], False)
    assert store.take(URGENT, NOW + DAY) is Taken.ALREADY
    assert store.take(later, NOW + DAY) is Taken.ACTIVATED
    assert versions(PackageStore(disk, PINS, "test")) == [2]


def test_a_newer_deny_list_takes_the_place_of_what_waits() -> None:
    store = filled(Disk(), deny(1), chain=Chain.DENY)
    store.take(deny(2, not_before=NOW + DAY), NOW)
    store.take(deny(3, previous=0, not_before=NOW + DAY), NOW)
    assert waiting(store) == [3]
    assert store.take(deny(4, previous=0), NOW) is Taken.ACTIVATED
    assert waiting(store) == [], "an older list never follows a newer one"
