"""What issuers' statements come to on a day: which accounts are one person's.

Rules:

- An issuer speaks for its own accounts. A link that joins its accounts with another issuer's holds for two accounts
  once the issuers of both have stated it: nobody is made part of a person by a stranger's word.
- What holds for a and b, and for b and c, holds for a and c; that links go round in a circle changes nothing.
- Who would have more than PERSON_MAX accounts is no person: of those accounts none is linked.
- A statement holds from its first day to the day before its last, unless its own issuer has revoked it.
- A person is called by its smallest account: a clerk sees who is meant. Outside of the centre's tables the name is not
  used.
- Which accounts are in which group: members.py.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from yima.sdk.centre.identity.issuers import Issuers
from yima.sdk.centre.identity.statements import Link, Revocation, Said, Statement

PERSON_MAX = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How things stand on a day. persons: account to person, for accounts that share one. waiting: pairs of accounts of
    which one issuer alone has spoken. crowded: accounts that are too many for one."""

    persons: Mapping[str, str]
    waiting: frozenset[tuple[str, str]]
    crowded: frozenset[str]


def standing(said: Iterable[Said], issuers: Issuers, day: int) -> Standing:
    """What all statements that were taken in come to on that day; their order means nothing."""
    all_said = list(said)
    revoked = {
        (one.issuer, one.statement.number, one.statement.place)
        for one in all_said
        if isinstance(one.statement, Revocation)
    }
    by: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in all_said:
        statement = one.statement
        if isinstance(statement, Revocation) or (one.issuer, one.number, one.place) in revoked:
            continue
        if isinstance(statement, Link) and statement.since <= day < statement.until:
            for pair in combinations(statement.accounts, 2):
                by[pair].add(one.issuer)
    linked, waiting = [], set()
    for pair, speakers in by.items():
        owners = {issuers.owner_of(account) for account in pair}
        if None not in owners and owners <= speakers:
            linked.append(pair)
        elif owners & speakers:
            waiting.add(pair)
    persons, crowded = _joined(linked)
    return Standing(persons=persons, waiting=frozenset(waiting), crowded=frozenset(crowded))


def refusal(statement: Statement, issuer: str, issuers: Issuers) -> str:
    """Why an issuer may not state this: NOT_YOURS, NOBODYS; empty if it may."""
    if isinstance(statement, Revocation):
        return ""
    accounts = statement.accounts if isinstance(statement, Link) else (statement.account,)
    owners = {issuers.owner_of(account) for account in accounts}
    if None in owners:
        return "NOBODYS"
    is_its = issuer in owners if isinstance(statement, Link) else owners == {issuer}
    return "" if is_its else "NOT_YOURS"


def _joined(pairs: Iterable[tuple[str, str]]) -> tuple[dict[str, str], set[str]]:
    """Account to the smallest one that it is joined with; and those of which too many are joined."""
    above: dict[str, str] = {}

    def top(account: str) -> str:
        while above.setdefault(account, account) != account:
            above[account] = above[above[account]]
            account = above[account]
        return account

    for one, other in pairs:
        low, high = sorted((top(one), top(other)))
        above[high] = low
    people: dict[str, list[str]] = defaultdict(list)
    for account in above:
        people[top(account)].append(account)
    persons = {one: top_one for top_one, them in people.items() if len(them) <= PERSON_MAX for one in them}
    crowded = {one for them in people.values() if len(them) > PERSON_MAX for one in them}
    return persons, crowded
