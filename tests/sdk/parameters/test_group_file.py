"""groups.csv of a source, and the column `group` of its concessions: what is written, what is refused, what is told."""

from dataclasses import replace
from pathlib import Path

import pytest

from yima.sdk.parameters.compile import Opened, compiled, open_any
from yima.sdk.parameters.diff import changes
from yima.sdk.parameters.example import write_source
from yima.sdk.parameters.group_file import loose_ends
from yima.sdk.parameters.show import page
from yima.sdk.parameters.source import Source, read_source
from yima.validator.errors import ParametersError
from yima.validator.parameters.members import GROUPS_MAX
from yima.validator.parameters.rules import Member

CONCESSIONS = "rule,group,percent\nsenior-half,senior,50\nstudent-less,student,80\n"
ONE, OTHER, LAST = "31048700000000010001", "31048700000000010002", "31048700000000019999"


def source_with(folder: Path, groups: str, concessions: str = CONCESSIONS) -> Source:
    write_source(folder)
    (folder / "groups.csv").write_text(groups)
    (folder / "concessions.csv").write_text(concessions)
    return read_source(folder)


def member(first: str, last: str, *groups: str) -> Member:
    return Member(bytes.fromhex(first), bytes.fromhex(last), groups)


def test_an_account_or_a_range_is_in_the_group_of_its_line(tmp_path: Path) -> None:
    lines = f"group,account,last\nsenior,{ONE},\nstudent,{OTHER},{LAST}\nsenior,{LAST},\n"
    source = source_with(tmp_path / "city", lines)
    assert source.rules.members == [
        member(ONE, ONE, "senior"), member(OTHER, LAST, "student"), member(LAST, LAST, "senior"),
    ]  # fmt: skip
    assert [row.group for row in source.rules.concessions] == ["senior", "student"]
    assert compiled(source).rules.members == (
        member(ONE, ONE, "senior"),
        member(OTHER, "31048700000000019998", "student"),
        member(LAST, LAST, "senior", "student"),
    )


@pytest.mark.parametrize(
    ("lines", "place", "problem", "remedy"),
    [
        (f"{ONE},,seniors", "line 2, group", "seniors", "senior, student, veteran, free, or resident- and six digits"),
        (f"{ONE},,resident-3205", "line 2, group", "resident-3205", "six digits"),
        (f"{ONE},,", "line 2, group", "empty", "a group"),
        ("3104,,senior", "line 2, account", "no card account", "20 digits"),
        (f"{ONE},{ONE}0,senior", "line 2, last", "no card account", "20 digits"),
        (f"{OTHER},{ONE},senior", "line 2, last", "lies before", "Exchange"),
        (f"{ONE},3104870000000002FFFF,senior", "line 2, last", "differs in length", "equal length"),
        ("3104870000000001FFFF,31048700000000020000,senior", "line 2, last", "differs in length", "equal length"),
        (f"{ONE},,senior\n{ONE},,senior", "line 3", "line 2 has in the same group", "once a group"),
        (f"{LAST},,senior\n{ONE},,free\n{ONE},{LAST},senior", "line 4", "line 2 has", "once a group"),
        (f"{ONE},{LAST},senior\n{OTHER},,senior", "line 3", "line 2 has", "once a group"),
        (f"{OTHER},,senior\n{ONE},,senior\n{ONE},{OTHER},senior", "line 4", "line 3 has", "once a group"),
    ],
)  # fmt: skip
def test_a_slip_in_groups_is_named_without_the_account(
    *, tmp_path: Path, lines: str, place: str, problem: str, remedy: str
) -> None:
    with pytest.raises(ParametersError) as caught:
        source_with(tmp_path / "city", f"account,last,group\n{lines}\n")
    assert caught.value.thing.endswith(f"groups.csv: {place}")
    assert problem in caught.value.problem.en
    assert remedy in caught.value.remedy.en
    assert caught.value.problem.zh
    assert caught.value.remedy.zh
    assert "31048700" not in str(caught.value)


def test_one_account_may_be_in_several_groups_and_ranges_may_meet(tmp_path: Path) -> None:
    lines = f"account,last,group\n{ONE},{OTHER},senior\n{ONE},,student\n31048700000000010003,{LAST},senior\n"
    assert len(source_with(tmp_path / "city", lines).rules.members) == 3


@pytest.mark.parametrize("group", ["old", "resident-32050", "Senior"])
def test_a_concession_for_a_group_that_nobody_states_is_refused(tmp_path: Path, group: str) -> None:
    with pytest.raises(ParametersError, match="is not what belongs here") as caught:
        source_with(tmp_path / "city", "account,group\n", f"rule,group,percent\na,{group},5\n")
    assert caught.value.thing.endswith("concessions.csv: line 2, group")


def test_concessions_of_two_groups_do_not_overlap_and_of_one_group_do(tmp_path: Path) -> None:
    source_with(tmp_path / "two", "account,group\n", "rule,group,percent\na,senior,5\nb,student,5\nc,,5\n")
    with pytest.raises(ParametersError, match="line 2 says"):
        source_with(tmp_path / "one", "account,group\n", "rule,group,percent\na,senior,5\nb,senior,6\n")


def test_a_package_has_room_for_fifteen_groups(tmp_path: Path) -> None:
    rows = [f"r,resident-3205{number:02},5\n" for number in range(GROUPS_MAX + 1)]
    head = "rule,group,percent\n"
    most = source_with(tmp_path / "most", "account,group\n", head + "".join(rows[:-1]))
    assert len(compiled(most).rules.concessions) == GROUPS_MAX == 15
    with pytest.raises(ParametersError, match="is group number 16") as caught:
        source_with(tmp_path / "more", "account,group\n", head + "".join(rows))
    assert caught.value.thing.endswith("concessions.csv: line 17, group")


def test_what_groups_and_concessions_do_not_have_of_each_other_is_told(tmp_path: Path) -> None:
    source = source_with(tmp_path / "city", f"account,group\n{ONE},senior\n{ONE},free\n")
    assert [told.en for told in loose_ends(source.rules)] == [
        "groups.csv: no concession names free; its accounts are left out of the package",
        "concessions.csv: no account is in student; nobody gets what is for that group",
    ]
    assert all(told.zh for told in loose_ends(source.rules))
    assert compiled(source).rules.members == (member(ONE, ONE, "senior"),)
    write_source(tmp_path / "example")
    assert not list(loose_ends(read_source(tmp_path / "example").rules))


def test_a_page_says_who_is_reduced_and_how_many_are_in_a_group(tmp_path: Path) -> None:
    source_with(tmp_path / "city", f"account,last,group\n{ONE},,senior\n{OTHER},{LAST},student\n{LAST},,senior\n")
    shown = page(open_any(tmp_path / "city"))
    assert "senior-half: every account type 所有账户类型, group 群体 senior of any city" in shown
    assert "Groups 群体\n  senior: 2 accounts or ranges 个账户或区间\n  student: 1 accounts" in shown


def of(folder: Path, groups: str = "account,group\n", deny: str = "account\n") -> Opened:
    write_source(folder)
    (folder / "groups.csv").write_text(groups)
    (folder / "deny.csv").write_text(deny)
    return open_any(folder)


def test_who_comes_into_a_group_and_who_leaves_it_is_a_change(tmp_path: Path) -> None:
    """Accounts are compared whole and shown masked: these two look the same where they are shown. No concession names
    students, so no package has them, and nobody notices."""
    one, other = "31048700000000019999", "31048700000000029999"
    masked = "3104************9999"
    old, new = (
        of(tmp_path / "old", f"account,group\n{one},senior\n"),
        of(tmp_path / "new", f"account,group\n{other},senior\n{other},student\n"),
    )
    [found] = changes(old, new)
    assert (found.part.en, found.of_rider) == ("groups", True)
    assert (found.gone, found.new) == ([f"senior: {masked}"], [f"senior: {masked}"])


def test_a_source_has_the_groups_of_the_package_that_was_built_of_it(tmp_path: Path) -> None:
    """A bug found: accounts that follow each other, and groups that nothing asks for, were told as changes."""
    rows = f"{ONE},,senior\n{OTHER},,senior\n{LAST},,free\n{ONE},{LAST},student\n"
    held = of(tmp_path / "city", f"account,last,group\n{rows}")
    assert held.source
    assert changes(replace(held, rules=compiled(held.source).rules), held) == []


def test_denied_accounts_are_compared_and_not_how_they_were_written(tmp_path: Path) -> None:
    written = of(tmp_path / "city", deny=f"account,last\n{ONE},\n{ONE},{OTHER}\n")
    assert written.source
    assert changes(replace(written, rules=compiled(written.source).rules), written) == []


def test_a_denied_account_that_looks_like_another_once_masked_is_a_change(tmp_path: Path) -> None:
    old = of(tmp_path / "old", deny="account\n31048700000000019999\n")
    new = of(tmp_path / "new", deny="account\n31048700000000029999\n")
    [found] = changes(old, new)
    assert (found.part.en, found.gone, found.new) == ("deny-list", ["3104************9999"], ["3104************9999"])
