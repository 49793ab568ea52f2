"""The form of a package: what the reader says of any bytes, and that no bit of a package can change unnoticed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.packages_world import NOW, A, B, C, package, trust
from yima.sdk.parameters.signing import attach, to_be_signed
from yima.validator import _core
from yima.validator.packages import PackageError, check, key_id, parse_package
from yima.validator.packages.texts import PROBLEMS

GOOD = package(3)


@pytest.mark.parametrize(
    ("change", "problem", "byte"),
    [
        ({0: b"X"}, "NOT_A_PACKAGE", 0),
        ({4: b"\0\2"}, "OTHER_FORMAT", 4),
        ({6: b"\0"}, "BAD_VALUE", 6),
        ({6: b"\3"}, "BAD_VALUE", 6),
        ({7: b"\0"}, "BAD_VALUE", 7),
        ({7: b"\4"}, "BAD_VALUE", 7),
        ({7: b"\2"}, "BAD_VALUE", 72),
        ({72: b"\1"}, "BAD_VALUE", 72),
        ({12: b"\0\0\0\0"}, "BAD_VALUE", 12),
        ({16: b"\0\0\0\3"}, "BAD_VALUE", 16),
        ({20: b"\0\0\0\0"}, "TRAILING", 256),
        ({20: b"\xff\xff\xff\xff"}, "TRUNCATED", len(GOOD)),
        ({24: b"\xff"}, "BAD_VALUE", 24),
        ({32: bytes(8)}, "BAD_VALUE", 32),
        ({32: GOOD[24:32]}, "BAD_VALUE", 32),  # it would expire as it begins
        ({32: b"\xff"}, "BAD_VALUE", 32),
        ({104: b"\0"}, "BAD_VALUE", 104),
        ({104: b"\x11"}, "BAD_VALUE", 104),
        ({105: b"\0"}, "BAD_VALUE", 105),
        ({105: b"\2"}, "BAD_VALUE", 105),
        ({106: b"\2"}, "BAD_VALUE", 106),
        ({107: b"\2"}, "BAD_VALUE", 107),
        ({107: b"\1"}, "BAD_VALUE", 20),
        ({127: b"\1"}, "BAD_VALUE", 108),
        ({128: b"\5"}, "BAD_KEY", 128),
        ({129: b"\xff" * 32}, "BAD_KEY", 128),
        ({161: b"\x11"}, "BAD_VALUE", 161),
        ({161: b"\x10"}, "TRUNCATED", len(GOOD)),
        ({255: b"\1"}, "BAD_VALUE", 234),
    ],
)
def test_the_reader_says_what_is_wrong_and_where(change: dict[int, bytes], problem: str, byte: int) -> None:
    spoilt = bytearray(GOOD)
    for at, value in change.items():
        spoilt[at : at + len(value)] = value
    with pytest.raises(PackageError, match=rf"at byte {byte}\)") as caught:
        parse_package(bytes(spoilt), "gate.ymp")
    assert caught.value.rule == problem
    assert caught.value.thing == "gate.ymp"


def test_keys_and_signatures_stand_in_one_order_and_none_twice() -> None:
    both = package(1, keys=[A, B], next_keys=[A.compressed, B.compressed])
    keys, rows = both[128:194], both[195:339]
    for swapped, byte in (
        (both[:128] + keys[33:] + keys[:33] + both[194:], 161),
        (both[:128] + keys[:33] * 2 + both[194:], 161),
        (both[:195] + rows[72:] + rows[:72] + both[339:], 267),
        (both[:195] + rows[:72] * 2 + both[339:], 267),
    ):
        with pytest.raises(PackageError, match=f"at byte {byte}"):
            parse_package(swapped)


def test_a_package_cut_short_anywhere_is_refused() -> None:
    for size in range(len(GOOD)):
        with pytest.raises(PackageError) as caught:
            parse_package(GOOD[:size])
        assert caught.value.rule == "TRUNCATED"


def test_nothing_may_follow_a_package() -> None:
    with pytest.raises(PackageError, match="bytes behind its end"):
        parse_package(GOOD + b"\0")


def test_every_single_bit_of_a_package_counts() -> None:
    data = package(1, keys=[A, B], next_keys=[A.compressed, B.compressed])
    assert not refused(data)
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        assert refused(bytes(flipped)), f"bit {bit % 8} of byte {bit // 8}"


def refused(data: bytes) -> bool:
    try:
        check(parse_package(data), trust(), NOW)
    except PackageError:
        return True
    return False


@given(st.binary(max_size=600))
def test_any_bytes_can_be_tried(content: bytes) -> None:
    assert refused(content)
    assert refused(GOOD[:8] + content)
    assert refused(GOOD[: len(GOOD) // 2] + content)
    assert _core.package_size(content) >= 0
    assert not _core.package_image_intact(content)


@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_mutated_package_is_never_believed(changes: list[tuple[int, int]]) -> None:
    mutated = bytearray(GOOD)
    for at, value in changes:
        mutated[at] = value
    assert (bytes(mutated) == GOOD) != refused(bytes(mutated))


def test_a_receiver_learns_from_the_first_bytes_how_much_is_to_come() -> None:
    full = package(1, keys=[A, B, C], next_keys=[key.compressed for key in (A, B, C)])
    assert _core.package_size(GOOD[: 128 + 34]) == len(GOOD)
    assert _core.package_size(full[: 128 + 3 * 33 + 1]) == len(full)
    assert _core.package_size(GOOD[: 128 + 33]) == 0
    assert _core.package_size(b"x" * 700) == 0


def test_every_error_of_the_core_has_its_words_in_both_languages() -> None:
    assert list(PROBLEMS) == list(_core.PACKAGE_ERRORS)
    assert all(part for texts in PROBLEMS.values() for text in texts for part in text)


@pytest.mark.parametrize(
    ("trusted", "error"),
    [
        ((2, False, 0, b"x", 1, 0, None, 0, None), ValueError),
        ((2, False, 0, bytes(33 * 17), 1, 0, None, 0, None), ValueError),
        ((2, False, 0, bytes(33), 1, 7, None, 0, None), ValueError),
        ((2, False, 0, bytes(33), 1, 7, b"short", 0, None), ValueError),
        ((2, False, 0, bytes(33), 1, 0, None, 0, b"short"), ValueError),
        ((2, False), TypeError),
    ],
)
def test_a_trust_that_is_none_is_the_callers_mistake(trusted: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        _core.package_check(GOOD, trusted, NOW)


def test_a_trusted_key_off_the_curve_verifies_nothing() -> None:
    off = b"\2" + b"\xff" * 32
    signed = attach(package(1, keys=()), A.compressed, A.sign(to_be_signed(package(1, keys=()))))
    forged = signed.replace(key_id(A.compressed), key_id(off))
    assert _core.package_check(forged, trust(keys=(off,)).for_core(), NOW) == _core.PACKAGE_ERRORS.index("BAD_KEY")
