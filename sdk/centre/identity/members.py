"""Which accounts are in which group on which days, as issuers' statements have it, and what of it is found when.

Rules:

- An account is in a group on the days that a statement of its own issuer names, back to the first of the month in which
  the statement was taken in: what a month before it cost stays.
- A statement that is revoked ends on the day on which the revocation is taken in: what was given until then stays.
- That others say the same, or that an account is in several groups, contradicts nothing: one statement is enough.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from yima.sdk.centre.identity.issuers import Issuers
from yima.sdk.centre.identity.statements import Membership, Revocation, Said

Pair = tuple[str, str]
"""Account and group."""
Steps = list[tuple[int, bool]]
"""From which day on an account is in a group, and from which not; ascending, by turns, first in."""


def memberships(said: Iterable[Said], issuers: Issuers) -> dict[Pair, Steps]:
    """What everything that was taken in comes to."""
    all_said = list(said)
    revoked: dict[tuple[str, int, int], int] = {}
    for one in all_said:
        if isinstance(one.statement, Revocation):
            place = (one.issuer, one.statement.number, one.statement.place)
            revoked[place] = min(one.day, revoked.get(place, one.day))
    spans: dict[Pair, list[tuple[int, int]]] = defaultdict(list)
    for one in all_said:
        statement = one.statement
        if not isinstance(statement, Membership) or issuers.owner_of(statement.account) != one.issuer:
            continue
        since, until = max(statement.since, first_of_month(one.day)), statement.until
        ends = revoked.get((one.issuer, one.number, one.place))
        if ends is not None:
            until = min(until, ends) if ends > one.day else since
        if since < until:
            spans[statement.account, statement.group].append((since, until))
    return {pair: _joined(theirs) for pair, theirs in spans.items()}


def is_in(steps: Steps, day: int) -> bool:
    """Whether an account is in the group on that day."""
    return next((into for since, into in reversed(steps) if since <= day), False)


def changes(now: Mapping[Pair, Steps], known: Iterable[Mapping[str, Any]], day: int) -> list[dict[str, Any]]:
    """The rows of table `members` that a day adds. now: what holds as far as is known on the day. known: the rows of
    earlier days, in the order of (day, since)."""
    before: dict[Pair, Steps] = defaultdict(list)
    for row in known:
        steps = before[row["account"], row["group_name"]]
        while steps and steps[-1][0] >= row["since"]:
            steps.pop()
        if row["is_member"] != bool(steps and steps[-1][1]):
            steps.append((row["since"], row["is_member"]))
    return [
        {"account": pair[0], "group_name": pair[1], "is_member": into, "day": day, "since": since}
        for pair in sorted(now.keys() | before.keys())
        for since, into in _changed(now.get(pair, []), before.get(pair, []), day)
    ]


def first_of_month(day: int) -> int:
    """The first day of its month."""
    return day - day % 100 + 1


def _changed(now: Steps, before: Steps, day: int) -> Iterator[tuple[int, bool]]:
    """From the first day on which they differ, everything anew; neither before this month nor behind this day."""
    if [step for step in now if step[0] <= day] == before:  # of nearly all, and looked at every day
        return
    now, before = (_between(steps, first_of_month(day), day) for steps in (now, before))
    if now == before:
        return
    same = 0
    while same < min(len(now), len(before)) and now[same] == before[same]:
        same += 1
    start = min(steps[same][0] for steps in (now, before) if len(steps) > same)
    yield start, is_in(now, start)
    yield from (step for step in now if step[0] > start)


def _between(steps: Steps, first: int, last: int) -> Steps:
    start = [(first, True)] if is_in(steps, first) else []
    return start + [step for step in steps if first < step[0] <= last]


def _joined(spans: Sequence[tuple[int, int]]) -> Steps:
    steps: Steps = []
    for since, until in sorted(spans):
        if steps and since <= steps[-1][0]:
            steps[-1] = (max(until, steps[-1][0]), False)
        else:
            steps += [(since, True), (until, False)]
    return steps
