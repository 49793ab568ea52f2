"""What the gates of a city are told of groups: all accounts of whoever is in one, and nothing else of the tables."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sdk.centre.identity.said import DAY, ISSUERS, JIAXING, SHANGHAI, SUZHOU, account, file_of
from yima.sdk.centre.clearing.days import shifted
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.centre.identity.gate_list import GateListError, gate_list
from yima.sdk.centre.identity.statements import Link, Membership, Revocation, Statement
from yima.sdk.centre.identity.taking import take_statements
from yima.sdk.parameters.group_file import members_of

A, A2, B, C = account(SHANGHAI, 1), account(SHANGHAI, 2), account(SUZHOU, 1), account(JIAXING, 1)
CITY = 310000


class Desk:
    """A centre's workspace; every file that issuers send is taken on its day."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace = Workspace(folder / "workspace")
        self._sent = 0

    def take(self, day: int, **files: Sequence[Statement]) -> None:
        """files: issuers' statements by the names of said.py."""
        paths = []
        for issuer, statements in files.items():
            self._sent += 1
            path = self.folder / f"s{self._sent}"
            path.write_bytes(file_of({"shanghai": SHANGHAI, "suzhou": SUZHOU, "jiaxing": JIAXING}[issuer], self._sent,
                                     *statements, issued=day))  # fmt: skip
            paths.append(path)
        assert set(take_statements(self.workspace, day, paths, ISSUERS).files.values()) <= {"TAKEN"}

    def rows(self, city: int = CITY, day: int | None = None, *groups: str) -> list[tuple[str, str]]:
        return list(gate_list(self.workspace, city, day, groups).rows)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.workspace.close()


def member(account: str, group: str = "senior", **days: int) -> Membership:
    return Membership(account=account, group=group, **days)


@pytest.mark.parametrize("stated_of", [A, B])
def test_a_persons_group_holds_for_all_accounts_of_the_person(desk: Desk, stated_of: str) -> None:
    """Also for the account whose name the person bears, and for the others."""
    link = Link(accounts=(A, B))
    of = {"shanghai": [link], "suzhou": [link]}
    of["shanghai" if stated_of == A else "suzhou"].append(member(stated_of))  # type: ignore[arg-type]
    desk.take(DAY, **of)
    assert desk.rows() == [(A, "senior"), (B, "senior")]


def test_a_link_that_one_issuer_alone_states_gives_nobody_anything(desk: Desk) -> None:
    desk.take(DAY, shanghai=[Link(accounts=(A, B)), member(A)], suzhou=[])
    assert desk.rows() == [(A, "senior")]


def test_lines_are_in_the_order_of_accounts_and_say_nothing_else(desk: Desk) -> None:
    """Persons are {A, C} and {A2, B}: neither stands side by side, and no issuer is told."""
    desk.take(
        DAY,
        shanghai=[Link(accounts=(A, C)), Link(accounts=(A2, B)), member(A), member(A, "student"), member(A2)],
        suzhou=[Link(accounts=(A2, B))],
        jiaxing=[Link(accounts=(A, C))],
    )
    assert gate_list(desk.workspace, CITY).as_csv() == (
        "# groups of riders for 310000, as of 2026-09-14 群体名单\n"
        "account,group\n"
        f"{A},senior\n{A},student\n{A2},senior\n{B},senior\n{C},senior\n{C},student\n"
    )


def test_it_says_how_things_stand_on_the_day(desk: Desk) -> None:
    link = Link(accounts=(A, B))
    desk.take(DAY, shanghai=[link, member(A, until=DAY + 2)], suzhou=[link])  # the first two files
    desk.take(DAY + 1, suzhou=[Revocation(number=2, place=1)])
    desk.take(DAY + 2)
    desk.take(DAY + 3, shanghai=[member(A2)])
    assert desk.rows(CITY, DAY) == [(A, "senior"), (B, "senior")]
    assert desk.rows(CITY, DAY + 1) == [(A, "senior")]
    assert desk.rows(CITY, DAY + 2) == []
    assert desk.rows(CITY, DAY + 3) == desk.rows() == [(A2, "senior")]


def test_only_groups_that_are_asked_for_leave_and_of_residents_the_citys_own(desk: Desk) -> None:
    groups = ("resident-310115", "resident-320505", "resident-330402", "senior", "student")
    desk.take(DAY, shanghai=[member(A, group) for group in groups])
    told = {city: [group for _, group in desk.rows(city)] for city in (310000, 320500, 320400, 330402, 330400, 340100)}
    assert told == {
        310000: ["resident-310115", "senior", "student"],
        320500: ["resident-320505", "senior", "student"],
        320400: ["senior", "student"],
        330402: ["resident-330402", "senior", "student"],
        330400: ["resident-330402", "senior", "student"],
        340100: ["senior", "student"],
    }
    assert desk.rows(CITY, None, "student", "resident-330402") == [(A, "resident-330402"), (A, "student")]
    assert desk.rows(CITY, None, "veteran") == []


def test_an_account_that_no_code_can_show_is_left_out_and_counted(desk: Desk) -> None:
    padded, none = "31000012345678ffffff", "3100001234567890abcd"
    desk.take(DAY, shanghai=[Link(accounts=(padded, none)), member(none), member(none, "student")])
    found = gate_list(desk.workspace, CITY)
    assert (found.rows, found.left_out) == (((padded, "senior"), (padded, "student")), 1)


@pytest.mark.parametrize("day", [None, DAY + 1])
def test_a_day_that_is_not_taken_in_is_named_with_the_last_that_is(desk: Desk, day: int | None) -> None:
    if day:
        desk.take(DAY)
    with pytest.raises(GateListError, match=f"the last is {DAY}" if day else "none is") as caught:
        desk.rows(CITY, day)
    assert "yima centre day" in caught.value.remedy.en and caught.value.problem.zh


ACCOUNTS = [account(issuer, number) for issuer in (SHANGHAI, SUZHOU) for number in (1, 2, 3)]
LINKS = st.lists(st.lists(st.sampled_from(ACCOUNTS), min_size=2, max_size=3, unique=True), max_size=4)
GROUPS = st.lists(st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(["senior", "student"])), max_size=5)


@given(st.lists(st.tuples(LINKS, GROUPS), min_size=1, max_size=3))
def test_the_list_is_what_everybody_who_can_be_reached_by_links_is_in(
    tmp_path_factory: pytest.TempPathFactory, days: list[tuple[list[list[str]], list[tuple[str, str]]]]
) -> None:
    """Both issuers state every link; who is one person is found by walking from account to account."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    linked: list[list[str]] = []
    stated: list[tuple[str, str]] = []
    for later, (links, groups) in enumerate(days):
        both = [Link(accounts=tuple(sorted(one))) for one in links]
        per = {
            name: [one for one in both if any(own in accounts_of(name) for own in one.accounts)]
            + [member(one, group) for one, group in groups if one in accounts_of(name)]
            for name in ("shanghai", "suzhou")
        }
        desk.take(shifted(DAY, later), **per)
        linked += links
        stated += groups
        expected = set()
        for start, group in stated:
            reached, ahead = set(), {start}
            while ahead:
                one = ahead.pop()
                reached.add(one)
                ahead |= {other for link in linked if one in link for other in link} - reached
            expected |= {(one, group) for one in reached}
        assert desk.rows() == sorted(expected)
    (desk.folder / "groups.csv").write_text(gate_list(desk.workspace, CITY).as_csv(), encoding="utf-8")
    written = members_of(desk.folder / "groups.csv")
    assert sorted((one.first.hex(), *one.groups) for one in written) == desk.rows()
    desk.workspace.close()


def accounts_of(name: str) -> list[str]:
    return ACCOUNTS[:3] if name == "shanghai" else ACCOUNTS[3:]
