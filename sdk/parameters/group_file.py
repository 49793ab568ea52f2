"""The file groups.csv of a source directory: which accounts are in which groups, and what concessions ask for."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from yima.sdk.parameters.cells import Row, each_row, made_of
from yima.validator.parameters.members import group_names
from yima.validator.parameters.rules import Member, Rules
from yima.validator.texts import Text


def members_of(path: Path) -> list[Member]:
    """groups.csv, an account or a range and one group a line. Raises ParametersError."""
    found = []
    said: dict[str, list[tuple[bytes, bytes, int]]] = defaultdict(list)
    rows = each_row(path, ["account", "group"], ["last"])
    for row, ((first, last), group) in made_of(rows, lambda row: (row.accounts(), row["group"].group())):
        found.append(Member(first, last, (group,)))
        said[group].append((first, last, row.line))
    for ranges in said.values():
        for (_, last, line), (first, _, again) in pairwise(sorted(ranges)):
            if first <= last:
                _refuse_repetition(path, *sorted((line, again)))
    return found


def _refuse_repetition(path: Path, line: int, again: int) -> None:
    Row(path, again, {}).tell(
        Text(f"has an account that line {line} has in the same group", f"与第 {line} 行有同一群体的相同账户"),
        Text("Name an account once a group", "同一群体中每个账户只写一次"),
    )


def loose_ends(rules: Rules) -> Iterator[Text]:
    """What groups and concessions do not have of each other: no error, for either may come with a later package."""
    asked = set(group_names(rules.concessions))
    there = {group for member in rules.members for group in member.groups}
    for group in sorted(there - asked):
        yield Text(
            f"groups.csv: no concession names {group}; its accounts are left out of the package",
            f"groups.csv：没有优惠使用 {group}，其账户不编入参数包",
        )
    for group in sorted(asked - there):
        yield Text(
            f"concessions.csv: no account is in {group}; nobody gets what is for that group",
            f"concessions.csv：没有账户属于 {group}，该群体的优惠无人享有",
        )
