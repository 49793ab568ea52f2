"""Members of groups as rows: the same rows for the same accounts, however ranges were cut, and back again."""

from collections.abc import Sequence
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from yima.validator.parameters import sections
from yima.validator.parameters.members import UP_TO_THE_NEXT, group_names, member_rows, members_in
from yima.validator.parameters.rules import Concession, Member

NAMES = ["senior", "student"]
TOP = (1 << 80) - 1
ENDS = st.integers(0, 12) | st.integers(TOP - 3, TOP)
MEMBERS = st.lists(
    st.builds(
        lambda ends, groups: made(min(ends), max(ends), *groups),
        st.tuples(ENDS, ENDS),
        st.lists(st.sampled_from([*NAMES, "veteran"]), max_size=3),
    ),
    max_size=7,
)


def made(first: int, last: int, *groups: str) -> Member:
    return Member(first.to_bytes(10), last.to_bytes(10), groups)


def written(members: Sequence[Member]) -> list[tuple[int, int]]:
    rows = [sections.MEMBERS.read(row) for row in member_rows(members, NAMES)]
    return [(int.from_bytes(row.account), row.groups) for row in rows]


def test_an_account_is_a_row_and_a_range_is_two() -> None:
    assert written([made(5, 5, "senior")]) == [(5, 1)]
    assert written([made(5, 9, "student")]) == [(5, 0x8002), (9, 2)]
    assert written([made(5, 5, "senior"), made(8, 8, "senior")]) == [(5, 1), (8, 1)]


def test_a_range_within_another_changes_nothing() -> None:
    assert written([made(2, 3, "senior"), made(1, 9, "senior")]) == [(1, 0x8001), (9, 1)]


def test_accounts_that_follow_each_other_in_the_same_groups_are_a_range() -> None:
    one_by_one = [made(account, account, "senior") for account in (7, 5, 6)]
    assert written(one_by_one) == written([made(5, 7, "senior")]) == [(5, 0x8001), (7, 1)]


def test_ranges_of_two_groups_are_cut_where_they_cross() -> None:
    assert written([made(1, 5, "senior"), made(4, 8, "student")]) == [
        (1, 0x8001), (3, 1), (4, 0x8003), (5, 3), (6, 0x8002), (8, 2),
    ]  # fmt: skip


def test_a_group_that_no_concession_names_is_not_there() -> None:
    assert written([made(5, 5, "veteran")]) == []
    rows = [Concession(rule=group, group=group, percent=0) for group in ("student", "", "senior", "student")]
    assert group_names(rows) == NAMES


@given(MEMBERS)
def test_whoever_asks_of_any_account_is_told_what_was_written(members: list[Member]) -> None:
    rows = [(account, groups) for account, groups in written(members)]
    assert [account for account, _ in rows] == sorted({account for account, _ in rows})
    for account in [*range(15), *range(TOP - 5, TOP + 1)]:
        said = {g for one in members if one.first <= account.to_bytes(10) <= one.last for g in one.groups}
        found = 0
        for at, (start, groups) in enumerate(rows):
            if start == account or (groups & UP_TO_THE_NEXT and start < account < rows[at + 1][0]):
                found = groups
        assert [name for bit, name in enumerate(NAMES) if found >> bit & 1] == sorted(said & set(NAMES))


@given(MEMBERS)
def test_members_read_back_are_written_the_same(members: list[Member]) -> None:
    rows = member_rows(members, NAMES)
    found = members_in(map(sections.MEMBERS.read, rows), NAMES)
    assert member_rows(found, NAMES) == rows
    assert members_in(map(sections.MEMBERS.read, member_rows(found, NAMES)), NAMES) == found


def test_what_crosses_and_touches_is_read_as_it_was_cut() -> None:
    members = (made(1, 3, "senior"), made(4, 5, "senior", "student"), made(6, 6, "student"), made(8, 9, "senior"))
    assert members_in(map(sections.MEMBERS.read, member_rows(members, NAMES)), NAMES) == members


@given(st.lists(st.tuples(ENDS, st.integers(0, 0xFFFF)), max_size=6))
def test_rows_in_any_disorder_are_read_without_harm(rows: list[tuple[int, int]]) -> None:
    """The door does not walk these rows."""
    found = members_in([SimpleNamespace(account=at.to_bytes(10), groups=groups) for at, groups in rows], NAMES)
    assert all(one.first <= one.last and one.groups for one in found)
