"""Which accounts are in which groups: from what people write to rows of the image, and back.

Rules it keeps:
- A row says of one account which groups it is in. A range is two rows, of its first and its last account; the bit
  UP_TO_THE_NEXT in the former says that all accounts between are in the same groups. So a single account takes one row.
- The rows follow from who is in which group, not from how ranges were cut: accounts that follow each other, all in the
  same groups, are a range.
- Only groups that a concession names are here. Their numbers are their places by name, from 1.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from yima.validator.parameters import sections
from yima.validator.parameters.rules import Concession, Member

GROUPS_MAX = sections.CONCESSIONS["group"].most
UP_TO_THE_NEXT = 1 << GROUPS_MAX
_ACCOUNT_SIZE = sections.MEMBERS["account"].size


def merged(ranges: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The same accounts as ascending ranges that do not overlap."""
    result: list[tuple[bytes, bytes]] = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], last))
        else:
            result.append((first, last))
    return result


def group_names(concessions: Iterable[Concession]) -> list[str]:
    """The groups that these rows name, in the order of their numbers."""
    return sorted({row.group for row in concessions} - {""})


def member_rows(members: Iterable[Member], names: Sequence[str]) -> list[bytes]:
    """The rows of these groups' members, ascending."""
    rows = []
    for first, last, groups in _spans(members, names[:GROUPS_MAX]):
        if first < last:
            rows.append(_row(first, groups | UP_TO_THE_NEXT))
        rows.append(_row(last, groups))
    return rows


def _row(account: int, groups: int) -> bytes:
    return sections.MEMBERS.pack(account=account.to_bytes(_ACCOUNT_SIZE), groups=groups)


def _spans(members: Iterable[Member], names: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """First account, last account and groups, as numbers; ascending, each of other groups than the one it touches."""
    ranges: dict[str, list[tuple[bytes, bytes]]] = defaultdict(list)
    for member in members:
        for group in member.groups:
            ranges[group].append((member.first, member.last))
    changes: dict[int, int] = defaultdict(int)  # which bits turn at an account; a group's ranges that touch undo it
    for number, group in enumerate(names):
        for first, last in merged(ranges[group]):
            changes[int.from_bytes(first)] ^= 1 << number
            changes[int.from_bytes(last) + 1] ^= 1 << number
    turns = sorted(account for account, bits in changes.items() if bits)
    groups = 0
    for account, behind in pairwise(turns):
        groups ^= changes[account]
        if groups:
            yield account, behind - 1, groups


def members_in(rows: Iterable[Any], names: Sequence[str]) -> tuple[Member, ...]:
    """Members from rows as `Section.read` gives them; the door has not walked these. A group without a name is told by
    its number."""
    found: list[tuple[int, int, int]] = []
    for row, behind in pairwise([*rows, None]):
        first = last = int.from_bytes(row.account)
        if row.groups & UP_TO_THE_NEXT and behind is not None:
            last = max(first, int.from_bytes(behind.account) - 1)
        groups = row.groups & ~UP_TO_THE_NEXT
        if found and found[-1][1:] == (first - 1, groups):
            found[-1] = (found[-1][0], last, groups)
        elif groups:
            found.append((first, last, groups))
    return tuple(
        Member(first.to_bytes(_ACCOUNT_SIZE), last.to_bytes(_ACCOUNT_SIZE), _named(groups, names))
        for first, last, groups in found
    )


def group_name(number: int, names: Sequence[str]) -> str:
    """The name of a group by its number; the number itself where the image has none; empty for 0."""
    return names[number - 1] if 0 < number <= len(names) else str(number or "")


def _named(groups: int, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(group_name(bit + 1, names) for bit in range(GROUPS_MAX) if groups >> bit & 1)
