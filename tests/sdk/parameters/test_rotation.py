"""Changing keys: tables of rotations in the manner of python-tuf, and what a device says at every step of one."""

import contextlib
from typing import Any, NamedTuple

import pytest

from tests.packages_world import DAY, NOW, PINS, A, B, C, Disk, package
from yima.sdk.parameters.rotation import reissued, resigned, rotate_keys
from yima.sdk.sm2 import SigningKey
from yima.validator.errors import ParametersError
from yima.validator.packages import Kind, PackageError, parse_package, parse_pins, pins_as_text
from yima.validator.packages.store import PackageStore, Taken

KEYS = {"A": A, "B": B, "C": C}


class Step(NamedTuple):
    """A package: who signs it, whom it names for the next, how many of those must sign, and the device's answer."""

    signed: str
    names: str
    needed: int = 1
    answer: str = "OK"


# Each device is born with key A; the packages are given to it in order, numbered from 1.
ROTATIONS: dict[str, list[Step]] = {
    "nothing changes": [Step("A", "A"), Step("A", "A")],
    "over an overlap": [Step("A", "AB"), Step("B", "B"), Step("B", "B")],
    "at once": [Step("A", "B"), Step("B", "B")],
    "signed by both at once": [Step("AB", "B"), Step("B", "B")],
    "the old key goes on during the overlap": [Step("A", "AB"), Step("A", "AB"), Step("B", "B")],
    "both sign during the overlap": [Step("A", "AB"), Step("AB", "B"), Step("B", "B")],
    "the new key alone, unannounced": [Step("B", "B", answer="UNKNOWN_SIGNER")],
    "the new key alone, naming the old one": [Step("B", "AB", answer="UNKNOWN_SIGNER")],
    "the old key after it was replaced": [Step("A", "B"), Step("A", "A", answer="UNKNOWN_SIGNER")],
    "the old key beside the new one after it was replaced": [Step("A", "B"), Step("AB", "B", answer="UNKNOWN_SIGNER")],
    "the old key beside the new one, named again": [Step("A", "B"), Step("AB", "AB"), Step("A", "A")],
    "a stranger beside the right key": [Step("AC", "A", answer="UNKNOWN_SIGNER")],
    "a stranger whom the package names": [Step("AC", "AC"), Step("C", "C")],
    "there and back": [Step("A", "B"), Step("B", "A"), Step("A", "A")],
    "three in turn": [Step("A", "B"), Step("B", "C"), Step("C", "A"), Step("A", "A")],
    "a skipped owner": [Step("A", "B"), Step("C", "C", answer="UNKNOWN_SIGNER"), Step("B", "C"), Step("C", "C")],
    "nobody signs": [Step("", "A", answer="UNSIGNED")],
    "two of two, one signs": [Step("A", "AB", 2), Step("A", "AB", 2, answer="TOO_FEW_SIGNATURES")],
    "two of two, the other signs": [Step("A", "AB", 2), Step("B", "AB", 2, answer="TOO_FEW_SIGNATURES")],
    "two of two, both sign": [Step("A", "AB", 2), Step("AB", "AB", 2), Step("AB", "AB", 2)],
    "two of three": [Step("A", "ABC", 2), Step("AC", "ABC", 2), Step("BC", "ABC", 2), Step("ABC", "ABC", 2)],
    "two of three, one and a stranger named": [Step("A", "AB", 2), Step("AC", "AC", 2, answer="TOO_FEW_SIGNATURES")],
    "the demand goes up": [Step("A", "AB", 1), Step("B", "AB", 2), Step("A", "A", 1, answer="TOO_FEW_SIGNATURES")],
    "the demand goes down": [Step("A", "AB", 2), Step("AB", "AB", 1), Step("B", "AB", 1)],
    "a refused one changes no trust": [
        Step("B", "B", answer="UNKNOWN_SIGNER"),
        Step("A", "AB"),
        Step("C", "C", answer="UNKNOWN_SIGNER"),
        Step("B", "B"),
    ],
}


@pytest.mark.parametrize("steps", ROTATIONS.values(), ids=ROTATIONS)
def test_rotations(steps: list[Step]) -> None:
    disk = Disk()
    store = PackageStore(disk, PINS, "test")
    in_force = 0
    for version, step in enumerate(steps, 1):
        data = package(
            version,
            previous=0,
            keys=[KEYS[name] for name in step.signed],
            next_keys=[KEYS[name].compressed for name in step.names],
            needed=step.needed,
        )
        try:
            answer = "OK" if store.take(data, NOW) is Taken.ACTIVATED else "not activated"
        except PackageError as error:
            answer = error.rule
        assert answer == step.answer, f"package {version}"
        in_force = version if answer == "OK" else in_force
        # What counts is what the disk says after a restart, too.
        for seen in (store, PackageStore(disk, PINS, "test")):
            assert [found.version for found in seen.active] == ([in_force] if in_force else [])


def activated(store: PackageStore, *packages: bytes) -> list[int]:
    """Gives packages in order; the versions that were activated."""
    for data in packages:
        assert store.take(data, NOW) is Taken.ACTIVATED
    return [found.version for found in store.active]


def test_a_change_of_keys_is_two_packages_with_the_same_content() -> None:
    first = package(7)
    rotation = rotate_keys(parse_package(first), old=[A], new=[B])
    overlap, final = parse_package(rotation.overlap), parse_package(rotation.final)
    assert (overlap.version, overlap.previous, set(overlap.keys)) == (8, 7, {A.compressed, B.compressed})
    assert (final.version, final.previous, set(final.keys)) == (9, 8, {B.compressed})
    assert overlap.image[20:] == final.image[20:] == parse_package(first).image[20:]
    assert activated(PackageStore(Disk(), PINS, "test"), first, *rotation) == [9]


def test_a_device_that_missed_the_overlap_takes_it_later_and_goes_on() -> None:
    first = package(7)
    rotation = rotate_keys(parse_package(first), old=[A], new=[B])
    store = PackageStore(Disk(), PINS, "test")
    activated(store, first)
    with pytest.raises(PackageError, match="give the packages in between first"):
        store.take(rotation.final, NOW)
    assert activated(store, *rotation) == [9]


def test_a_new_device_with_new_pins_begins_at_the_end() -> None:
    rotation = rotate_keys(parse_package(package(7)), old=[A], new=[B])
    store = PackageStore(Disk(), parse_pins(pins_as_text([B.compressed])), "test")
    assert activated(store, rotation.final) == [9]


def test_a_change_to_two_of_three_keys() -> None:
    first = package(1)
    rotation = rotate_keys(parse_package(first), old=[A], new=[SigningKey.from_int(9), B, C], needed=2)
    store = PackageStore(Disk(), PINS, "test")
    assert activated(store, first, *rotation) == [3]
    assert store.trust.needed == 2
    with pytest.raises(PackageError, match="not signed by enough"):
        store.take(package(4, keys=[B]), NOW)
    assert activated(store, package(4, keys=[B, C], next_keys=[B.compressed])) == [4]


def test_the_second_package_may_come_into_force_later() -> None:
    first = package(1)
    rotation = rotate_keys(
        parse_package(first), old=[A], new=[B], not_before=NOW, final_not_before=NOW + DAY, expiry=NOW + 60 * DAY
    )
    store = PackageStore(Disk(), PINS, "test")
    activated(store, first, rotation.overlap)
    assert store.take(rotation.final, NOW) is Taken.WAITING
    assert store.trust.keys == parse_package(rotation.overlap).keys
    assert store.activate(NOW + DAY, store.waiting[0])[0].version == 3
    assert store.active[0].expiry == NOW + 60 * DAY


def test_a_change_of_keys_demands_as_many_signatures_as_before_unless_it_says_otherwise() -> None:
    """A bug found: two of two became one of two, and nobody had said so."""
    current = parse_package(package(1, next_keys=[A.compressed, B.compressed], needed=2))
    rotation = rotate_keys(current, old=[A, B], new=[B, C])
    assert [parse_package(data).needed for data in rotation] == [2, 2]
    with pytest.raises(ParametersError, match="1 keys, of which 2 must sign"):
        rotate_keys(current, old=[A, B], new=[C])
    assert parse_package(rotate_keys(current, old=[A, B], new=[C], needed=1).final).needed == 1


def test_a_key_that_is_named_twice_signs_once() -> None:
    """A bug found: both packages were made, and no device took them (TOO_FEW_SIGNATURES)."""
    current = parse_package(package(1, next_keys=[A.compressed, B.compressed], needed=2))
    with pytest.raises(ParametersError, match="demands 2 of its keys, and 1 sign"):
        rotate_keys(current, old=[A, A], new=[B, C])
    with pytest.raises(ParametersError, match="demands 2 of its keys, and 1 sign"):
        reissued(current, version=2, keys=[B, B], not_before=NOW)


@pytest.mark.parametrize("old", [[], [B], [A, B]])
def test_keys_that_the_package_in_force_does_not_name_cannot_rotate(old: list[SigningKey]) -> None:
    with pytest.raises(ParametersError, match="Sign with the keys that the package in force names"):
        rotate_keys(parse_package(package(1)), old=old, new=[C])


@pytest.mark.parametrize(
    ("version", "changes", "problem"),
    [
        (1, {"new": [B], "needed": 2}, "1 keys, of which 2 must sign"),  # by the second package, for ever
        (1, {"new": [B, B], "needed": 2}, "1 keys, of which 2 must sign"),
        (1, {"new": [B], "final_not_before": NOW + 31 * DAY}, "does not lie behind the beginning"),
        (0xFFFFFFFE, {"new": [B]}, "has no version 4294967296 behind it"),
    ],
)
def test_a_rotation_that_cannot_be_says_why(version: int, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ParametersError, match=problem):
        rotate_keys(parse_package(package(version, previous=0)), old=[A], **changes)


def test_only_parameters_are_signed_anew() -> None:
    deny = parse_package(package(1, kind=Kind.DENY_LIST, inside=b"accounts"))
    with pytest.raises(ParametersError, match="no package of parameters"):
        resigned(deny, version=2, next_keys=(), needed=1, not_before=0, expiry=1, keys=[A])


# The way back


def test_rotations_rehearse_the_way_back() -> None:
    """Through every change of keys above, the first content comes back at the end under the newest keys."""
    for title, steps in ROTATIONS.items():
        store = PackageStore(Disk(), PINS, "test")
        for version, step in enumerate(steps, 1):
            keys = [KEYS[name] for name in step.signed]
            names = [KEYS[name].compressed for name in step.names]
            data = package(version, previous=0, keys=keys, next_keys=names, needed=step.needed)
            with contextlib.suppress(PackageError):
                store.take(data, NOW)
        if not store.active:
            continue
        first, current = parse_package(package(1)), store.active[-1]
        signers = [key for key in KEYS.values() if key.compressed in current.keys]
        data = reissued(first, version=50, keys=signers, not_before=NOW, current=current)
        assert store.take(data, NOW) is Taken.ACTIVATED, title
        assert (store.active[0].version, store.active[0].keys) == (50, current.keys)
        assert store.active[0].image[20:] == first.image[20:]


def test_the_way_back_takes_what_waits_with_it_only_where_it_says_so() -> None:
    first, second = parse_package(package(1)), parse_package(package(2))
    for replaces, left in ((False, [3]), (True, [])):
        store = PackageStore(Disk(), PINS, "test")
        store.take(first.data, NOW)
        store.take(second.data, NOW)
        store.take(package(3, not_before=NOW + DAY), NOW)
        data = reissued(first, version=4, keys=[A], not_before=NOW, current=second, replaces=replaces)
        assert store.take(data, NOW) is Taken.ACTIVATED
        assert [one.version for one in store.waiting] == left


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"version": 2}, "taken by no device"),
        ({"keys": [A]}, "Sign with the keys that the package in force names"),
        ({"not_before": NOW + 30 * DAY}, "Give the new one its own --expiry"),
        ({"current": parse_package(package(1, next_keys=[B.compressed])), "version": 2}, "taken by no device"),
    ],
)
def test_a_way_back_that_no_device_would_take_is_not_made(changes: dict[str, Any], problem: str) -> None:
    current = parse_package(package(2, next_keys=[B.compressed]))
    plain: dict[str, Any] = {"version": 3, "keys": [B], "not_before": NOW, "current": current}
    reissued(parse_package(package(2)), **plain)
    with pytest.raises(ParametersError, match=problem):
        reissued(parse_package(package(2)), **(plain | changes))


def test_the_way_back_needs_as_many_signatures_from_here_on_as_what_is_in_force() -> None:
    current = parse_package(package(2, next_keys=[A.compressed, B.compressed], needed=2))
    again = parse_package(reissued(parse_package(package(1)), version=3, keys=[A, B], not_before=NOW, current=current))
    assert (again.needed, set(again.keys)) == (2, {A.compressed, B.compressed})
