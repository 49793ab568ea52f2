"""The deny-list in the core: exact against a Python set, whatever the increments; and no bytes lead it astray."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yima.sdk.parameters.denylist import Changes, Range, accounts_of, build, combined, difference, read
from yima.validator import _core
from yima.validator.deny.denylist import DenyList

# Sixty neighbours of three lengths, in the order of their bytes.
UNIVERSE = sorted(
    bytes.fromhex(text)
    for n in range(20)
    for text in (f"3104870000000000{n:04}", f"310487{n:010}FFFF", f"9999999900{n:09}F")
)
HEADER = 112
AT = {"kind": 6, "environment": 7, "size": 8, "version": 12, "issued": 16, "bits": 20, "base_version": 40, "base": 48}


class Say(NamedTuple):
    """What one file says, as indexes into the universe."""

    denied: frozenset[int]
    allowed: frozenset[int]
    denied_ranges: tuple[tuple[int, int], ...]
    allowed_ranges: tuple[tuple[int, int], ...]

    def after(self, before: frozenset[int]) -> frozenset[int]:
        """The set that it makes of a set: the second implementation."""
        result = set(before)
        for first, last in self.allowed_ranges:
            result -= set(range(first, last + 1))
        for first, last in self.denied_ranges:
            result |= set(range(first, last + 1))
        return frozenset(result - self.allowed | self.denied)

    def changes(self) -> Changes:
        """The same for the builder."""
        return Changes(
            denied=accounts_of(UNIVERSE[i] for i in self.denied),
            allowed=accounts_of(UNIVERSE[i] for i in self.allowed),
            denied_ranges=ranges_of(self.denied_ranges),
            allowed_ranges=ranges_of(self.allowed_ranges),
        )


def ranges_of(pairs: Sequence[tuple[int, int]]) -> tuple[Range, ...]:
    return tuple((UNIVERSE[first], UNIVERSE[last]) for first, last in pairs)


PLACES = st.integers(0, len(UNIVERSE) - 1)
PAIRS = st.lists(st.tuples(PLACES, PLACES).map(lambda pair: (min(pair), max(pair))), max_size=4)


def apart(pair: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
    return all(pair[1] < first or last < pair[0] for first, last in others)


@st.composite
def sayings(draw: st.DrawFn, *, full: bool) -> Say:
    """Whatever a file may say without contradicting itself."""
    denied = draw(st.frozensets(PLACES))
    allowed = draw(st.frozensets(PLACES)) - denied
    denied_ranges = tuple(draw(PAIRS))
    if full:
        within = {i for first, last in denied_ranges for i in range(first, last + 1)}
        return Say(denied, allowed & within, denied_ranges, ())
    allowed_ranges = tuple(pair for pair in draw(PAIRS) if apart(pair, denied_ranges))
    return Say(denied, allowed, denied_ranges, allowed_ranges)


def built(changes: Changes, version: int = 1, *below: bytes) -> bytes:
    base = DenyList(*below) if below else None
    return build(changes, environment="test", version=version, issued_at=version, base=base)


def answers(*files: bytes) -> frozenset[int]:
    deny = DenyList(*files)
    deny.verify()
    return frozenset(i for i, account in enumerate(UNIVERSE) if deny.has(account))


@given(sayings(full=True), st.lists(sayings(full=False), max_size=4))
def test_a_list_and_its_increments_answer_like_a_set(full: Say, increments: list[Say]) -> None:
    expected = full.after(frozenset())
    files = [built(full.changes())]
    assert answers(*files) == expected
    for version, say in enumerate(increments, start=2):
        files.append(built(say.changes(), version, *files))
        expected = say.after(expected)
        assert answers(*files) == expected
    assert answers(built(combined(files))) == expected


@given(sayings(full=True), sayings(full=True))
def test_the_difference_of_two_full_lists_makes_one_of_the_other(old: Say, new: Say) -> None:
    before, after = built(old.changes()), built(new.changes(), 2)
    increment = built(difference(read(before), read(after)), 2, before)
    assert answers(before, increment) == answers(after)
    assert answers(before, built(difference(read(before), read(before)), 2, before)) == answers(before)


@given(st.sets(st.binary(min_size=10, max_size=10), max_size=300), st.lists(st.binary(min_size=10, max_size=10)))
def test_any_ten_bytes_are_found_if_and_only_if_they_were_put_in(listed: set[bytes], others: list[bytes]) -> None:
    deny = DenyList(built(Changes(denied=accounts_of(listed))))
    deny.verify()
    assert all(deny.has(account) for account in listed)
    assert [deny.has(account) for account in others] == [account in listed for account in others]


def test_accounts_that_count_up_spread_evenly_over_the_index() -> None:
    rows = [bytes.fromhex(f"31048700{n:012}") for n in range(1 << 15)]
    image = built(Changes(denied=accounts_of(rows)))
    ends = [int.from_bytes(image[at : at + 4]) for at in range(HEADER, HEADER + (4 << image[AT["bits"]]), 4)]
    longest = max(end - start for start, end in zip([0, *ends], ends, strict=False))
    assert len(ends) == 1 << 12
    assert longest <= 32
    assert len(image) <= 12 * len(rows)


SAMPLE = built(
    Changes(
        denied=accounts_of(UNIVERSE[:40]),
        allowed=accounts_of(UNIVERSE[50:52]),
        denied_ranges=ranges_of([(45, 55), (57, 58)]),
    )
)
INCREMENT = built(Changes(denied=accounts_of(UNIVERSE[56:57]), allowed_ranges=ranges_of([(0, 5)])), 2, SAMPLE)


@pytest.mark.parametrize("files", [(SAMPLE,), (SAMPLE, INCREMENT)], ids=["full", "increment"])
def test_every_changed_byte_is_noticed(files: tuple[bytes, ...]) -> None:
    *below, last = files
    for at in range(len(last)):
        changed = last[:at] + bytes([last[at] ^ 0x10]) + last[at + 1 :]
        with pytest.raises(ValueError):
            _core.DenyList(*below, changed).verify()


@pytest.mark.parametrize("size", range(len(SAMPLE)))
def test_every_shorter_file_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="truncated"):
        _core.DenyList(SAMPLE[:size])


def test_what_follows_the_file_is_not_looked_at() -> None:
    _core.DenyList(SAMPLE + b"\xff" * 50).verify()


@pytest.mark.parametrize("entry", range(1 << SAMPLE[AT["bits"]]))
@pytest.mark.parametrize("value", [41, 0x7FFFFFFF, 0xFFFFFFFF])
def test_an_index_that_leads_astray_leads_to_no_row(entry: int, value: int) -> None:
    at = HEADER + 4 * entry
    deny = _core.DenyList(SAMPLE[:at] + value.to_bytes(4) + SAMPLE[at + 4 :])
    straight = _core.DenyList(SAMPLE)
    listed = [account for account in UNIVERSE if deny.has(account)]
    assert 0 < len(listed) < len([account for account in UNIVERSE if straight.has(account)])


@settings(max_examples=500)
@given(st.data())
def test_no_bytes_lead_a_look_up_outside(data: st.DataObject) -> None:
    """Run under AddressSanitizer too. Nothing here was verified; wrong answers are allowed, reading astray is not."""
    image = bytearray(data.draw(st.sampled_from([SAMPLE, INCREMENT])))
    places = st.one_of(st.integers(0, HEADER + 20), st.integers(0, len(image) - 1))
    for at, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=8)):
        image[at] = value
    files = data.draw(st.sampled_from([[bytes(image)], [SAMPLE, bytes(image)]]))
    try:
        deny = _core.DenyList(*files)
    except ValueError:
        return
    for account in [*UNIVERSE, bytes(10), b"\xff" * 10]:
        deny.has(account)
    try:
        deny.verify()
    except ValueError:
        return


@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_at_all_lead_opening_outside(tail: bytes, ours: bool) -> None:
    try:
        _core.DenyList(b"YIMD\x00\x01" + tail if ours else tail)
    except ValueError as error:
        assert len(error.args) == 3
    else:
        raise AssertionError("random bytes were taken for a list")


def patched(image: bytes, at: int, value: bytes) -> bytes:
    """Other bytes under a digest that agrees."""
    body = image[:at] + value + image[at + len(value) :]
    return body[:80] + _core.sm3(body[:80] + body[112:]) + body[112:]


FIRST_ROW = HEADER + (4 << SAMPLE[AT["bits"]])
RANGES = len(SAMPLE) - 40
ALLOWED = RANGES - 20
LAST_RANGE = len(INCREMENT) - 20


@pytest.mark.parametrize(
    ("files", "problem", "file", "offset"),
    [
        ([b""], "truncated", 0, 0),
        ([SAMPLE[:111]], "truncated", 0, 111),
        ([SAMPLE[:-1]], "truncated", 0, 8),
        ([SAMPLE, INCREMENT[:-1]], "truncated", 1, 8),
        ([patched(SAMPLE, 0, b"YIMP")], "not a deny-list of this format", 0, 0),
        ([patched(SAMPLE, 4, b"\0\2")], "not a deny-list of this format", 0, 4),
        ([patched(SAMPLE, 6, b"\3")], "impossible value or size", 0, 6),
        ([patched(SAMPLE, 7, b"\0")], "impossible value or size", 0, 7),
        ([patched(SAMPLE, 7, b"\3")], "impossible value or size", 0, 7),
        ([patched(SAMPLE, 8, b"\0\0\0\1")], "impossible value or size", 0, 8),
        ([patched(SAMPLE, 20, b"\x19")], "impossible value or size", 0, 20),
        ([patched(SAMPLE, 23, b"\1")], "impossible value or size", 0, 20),
        ([patched(SAMPLE, 24, b"\xff\xff\xff\xff")], "impossible value or size", 0, 8),
        ([patched(SAMPLE, 36, b"\0\0\0\1")], "impossible value or size", 0, 36),
        ([patched(SAMPLE, 40, b"\0\0\0\1")], "impossible value or size", 0, 40),
        ([patched(SAMPLE, 47, b"\1")], "impossible value or size", 0, 40),
        ([patched(SAMPLE, 79, b"\1")], "impossible value or size", 0, 40),
        ([INCREMENT], "an increment where a full list belongs, or the other way round", 0, 6),
        ([SAMPLE, SAMPLE], "an increment where a full list belongs, or the other way round", 1, 6),
        ([SAMPLE, INCREMENT, INCREMENT], "made for another state of the list", 2, 48),
        ([SAMPLE, patched(INCREMENT, 40, b"\0\0\0\2")], "made for another state of the list", 1, 40),
        ([SAMPLE, patched(INCREMENT, 12, b"\0\0\0\1")], "not newer than what it was made for", 1, 12),
        ([SAMPLE, patched(INCREMENT, 16, b"\0\0\0\0")], "not newer than what it was made for", 1, 16),
        ([SAMPLE, patched(INCREMENT, 7, b"\1")], "of the other environment", 1, 7),
        ([SAMPLE[:-1] + bytes([SAMPLE[-1] ^ 1])], "digest wrong", 0, 80),
        ([patched(SAMPLE, FIRST_ROW, b"\xff")], "rows not in ascending order", 0, FIRST_ROW + 10),
        ([patched(SAMPLE, ALLOWED, b"\xff")], "rows not in ascending order", 0, ALLOWED + 10),
        ([SAMPLE, patched(INCREMENT, LAST_RANGE, b"\xff")], "rows not in ascending order", 1, LAST_RANGE),
        ([patched(SAMPLE, RANGES, b"\xa0")], "rows not in ascending order", 0, RANGES),
        ([patched(SAMPLE, RANGES + 20, b"\x00")], "rows not in ascending order", 0, RANGES + 20),
        ([patched(SAMPLE, HEADER, b"\0\0\0\x28")], "index astray", 0, HEADER),
        ([patched(SAMPLE, HEADER, b"\0\0\0\x29")], "index astray", 0, HEADER),
        ([patched(SAMPLE, FIRST_ROW - 4, b"\0\0\0\0")], "index astray", 0, FIRST_ROW - 4),
        ([patched(SAMPLE, FIRST_ROW - 4, b"\0\0\0\x27")], "index astray", 0, FIRST_ROW - 4),
    ],
)
def test_what_is_wrong_is_named_with_its_place(files: list[bytes], problem: str, file: int, offset: int) -> None:
    with pytest.raises(ValueError) as caught:
        _core.DenyList(*files).verify()
    assert caught.value.args == (problem, file, offset)


def test_a_list_takes_fifteen_increments_and_then_wants_a_new_full_one() -> None:
    files = [SAMPLE]
    for version in range(2, 17):
        files.append(built(Changes(denied=accounts_of(UNIVERSE[version : version + 1])), version, *files))
    deny = _core.DenyList(*files)
    assert deny.version == 16
    one_more = build(Changes(), environment="test", version=17, issued_at=17, base=DenyList(*files))
    with pytest.raises(ValueError) as caught:
        _core.DenyList(*files, one_more)
    assert caught.value.args == ("one increment too many", 16, 0)


def test_an_account_has_ten_bytes() -> None:
    deny = _core.DenyList(SAMPLE)
    with pytest.raises(ValueError, match="10 bytes, not 9"):
        deny.has(bytes(9))
    with pytest.raises(TypeError):
        deny.has("31048700000000019999")  # type: ignore[arg-type]
