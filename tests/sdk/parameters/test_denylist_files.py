"""Files of the deny-list: the same set makes the same bytes, and what contradicts itself is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.parameters.denylist import Changes, Range, accounts_of, build, combined, merged, read, without
from yima.validator.deny.denylist import DenyList
from yima.validator.errors import ParametersError

SPAN = 60
ONE, TWO, THREE = (bytes.fromhex(f"310487{n:014}") for n in (1, 2, 3))
FULL = build(Changes(denied=accounts_of([ONE])), environment="test", version=5, issued_at=500)


def small(pairs: list[tuple[int, int]]) -> list[Range]:
    return [(first.to_bytes(10), last.to_bytes(10)) for first, last in pairs]


def points(ranges: tuple[Range, ...]) -> list[int]:
    return [n for first, last in ranges for n in range(int.from_bytes(first), int.from_bytes(last) + 1)]


PAIRS = st.lists(st.tuples(st.integers(0, SPAN), st.integers(0, SPAN)).map(lambda p: (min(p), max(p))), max_size=6)


@given(PAIRS, PAIRS)
def test_ranges_are_merged_and_taken_out_like_sets(kept: list[tuple[int, int]], taken: list[tuple[int, int]]) -> None:
    expected = {n for first, last in kept for n in range(first, last + 1)}
    assert points(merged(small(kept))) == sorted(expected)
    expected -= {n for first, last in taken for n in range(first, last + 1)}
    assert points(without(small(kept), small(taken))) == sorted(expected)


def test_ranges_at_both_ends_of_all_accounts() -> None:
    everything = [(bytes(10), b"\xff" * 10)]
    assert without(everything, [(bytes(10), bytes(10))]) == (((1).to_bytes(10), b"\xff" * 10),)
    assert without(everything, [(b"\xff" * 10, b"\xff" * 10)]) == ((bytes(10), b"\xff" * 9 + b"\xfe"),)
    assert without(everything, everything) == ()


def test_the_same_set_makes_the_same_bytes() -> None:
    one = Changes(denied=accounts_of([TWO, ONE, THREE, ONE]), denied_ranges=((TWO, THREE),))
    other = Changes(denied=accounts_of([ONE]), denied_ranges=((THREE, THREE), (TWO, TWO)))
    assert build(one, environment="test", version=1, issued_at=1) == build(
        other, environment="test", version=1, issued_at=1
    )


def test_what_was_built_is_read_back() -> None:
    changes = Changes(denied=accounts_of([ONE]), allowed=accounts_of([THREE]), denied_ranges=((TWO, THREE),))
    back = read(build(changes, environment="production", version=1, issued_at=1))
    assert (back.denied.tobytes(), back.allowed.tobytes(), back.denied_ranges) == (ONE, THREE, ((TWO, THREE),))


def test_accounts_ending_in_zero_bytes_keep_them() -> None:
    account = bytes.fromhex("31048700000000000000")
    image = build(Changes(denied=accounts_of([account, bytes(10)])), environment="test", version=1, issued_at=1)
    assert DenyList(image).has(account)
    assert DenyList(image).has(bytes(10))
    assert read(image).denied.tobytes() == bytes(10) + account


@pytest.mark.parametrize(
    ("changes", "version", "issued_at", "based", "problem"),
    [
        (Changes(denied=accounts_of([ONE]), allowed=accounts_of([ONE])), 6, 600, True, "both added and removed"),
        (
            Changes(denied_ranges=((ONE, TWO),), allowed_ranges=((TWO, THREE),)),
            6,
            600,
            True,
            "both added and removed",
        ),
        (Changes(allowed=accounts_of([ONE])), 6, 600, False, "removes what is not in it"),
        (Changes(allowed_ranges=((ONE, TWO),)), 6, 600, False, "removes what is not in it"),
        (Changes(), 5, 600, True, "its base is test version 5 of 500"),
        (Changes(), 6, 499, True, "its base is test version 5 of 500"),
    ],
)
def test_what_cannot_be_is_refused(changes: Changes, version: int, issued_at: int, based: bool, problem: str) -> None:
    with pytest.raises(ParametersError) as caught:
        build(
            changes,
            environment="test",
            version=version,
            issued_at=issued_at,
            base=DenyList(FULL) if based else None,
        )
    assert problem in caught.value.problem.en
    assert caught.value.remedy.zh


def test_an_increment_stays_in_its_environment() -> None:
    with pytest.raises(ParametersError, match="Stay in that environment"):
        build(Changes(), environment="production", version=6, issued_at=600, base=DenyList(FULL))


def test_only_files_that_belong_together_are_combined() -> None:
    other = build(Changes(denied=accounts_of([TWO])), environment="test", version=5, issued_at=500)
    increment = build(
        Changes(allowed=accounts_of([ONE])), environment="test", version=6, issued_at=600, base=DenyList(FULL)
    )
    assert combined([FULL, increment]).denied.size == 0
    with pytest.raises(ParametersError, match="another state"):
        combined([other, increment])
    with pytest.raises(ParametersError, match="digest wrong"):
        combined([FULL[:-1] + b"\xff"])
