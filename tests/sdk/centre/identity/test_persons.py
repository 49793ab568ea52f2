"""Who is one person: what follows from statements, by rule and by a second, slow reading of the rules."""

import random
from collections.abc import Sequence
from itertools import pairwise, product

import pytest

from tests.sdk.centre.identity.said import DAY, ISSUERS, JIAXING, SHANGHAI, SUZHOU, account
from yima.sdk.centre.identity.persons import PERSON_MAX, refusal, standing
from yima.sdk.centre.identity.statements import Link, Membership, Revocation, Said, Statement

A, A2, B, C = account(SHANGHAI, 1), account(SHANGHAI, 2), account(SUZHOU, 1), account(JIAXING, 1)


def said(*spoken: tuple[str, Statement]) -> list[Said]:
    """One file each."""
    return [
        Said(issuer=issuer, number=number, place=1, statement=one) for number, (issuer, one) in enumerate(spoken, 1)
    ]


def link(*accounts: str, **days: int) -> Link:
    return Link(accounts=tuple(sorted(accounts)), **days)


def test_an_issuer_links_its_own_accounts_alone() -> None:
    found = standing(said((SHANGHAI, link(A, A2))), ISSUERS, DAY)
    assert found.persons == {A: A, A2: A}
    assert not found.waiting


def test_accounts_of_two_issuers_are_one_persons_when_both_say_so() -> None:
    one = said((SHANGHAI, link(A, B)))
    assert standing(one, ISSUERS, DAY).persons == {}
    assert standing(one, ISSUERS, DAY).waiting == {(A, B)}
    both = said((SHANGHAI, link(A, B)), (SUZHOU, link(B, A)))
    assert standing(both, ISSUERS, DAY).persons == {A: A, B: A}
    assert not standing(both, ISSUERS, DAY).waiting


def test_of_three_accounts_that_one_issuer_links_those_of_two_others_wait_for_nobody() -> None:
    found = standing(said((SHANGHAI, link(A, B, C))), ISSUERS, DAY)
    assert found.persons == {}
    assert found.waiting == {(A, B), (A, C)}


def test_two_issuers_that_claim_one_account_do_not_get_each_others_riders() -> None:
    """Suzhou says that B is one person with A, Jiaxing that it is one with C; B's own issuer says the first alone."""
    found = standing(said((SHANGHAI, link(A, B)), (SUZHOU, link(A, B)), (JIAXING, link(B, C))), ISSUERS, DAY)
    assert found.persons == {A: A, B: A}
    assert found.waiting == {(B, C)}


def test_links_that_go_round_in_a_circle_are_one_person() -> None:
    pairs = [(A, B), (B, C), (A, C)]
    owners = {A: SHANGHAI, B: SUZHOU, C: JIAXING}
    spoken = [(owners[one], link(*pair)) for pair in pairs for one in pair]
    assert standing(said(*spoken), ISSUERS, DAY).persons == {A: A, B: A, C: A}


def test_a_statement_holds_from_its_first_day_to_the_day_before_its_last() -> None:
    spoken = said((SHANGHAI, link(A, A2, since=20260901, until=20260915)))
    held = [bool(standing(spoken, ISSUERS, day).persons) for day in (20260831, 20260901, 20260914, 20260915)]
    assert held == [False, True, True, False]


def test_a_revoked_statement_holds_no_more_and_only_its_own_issuer_revokes() -> None:
    spoken = said((SHANGHAI, link(A, A2)), (SUZHOU, Revocation(number=1, place=1)))
    assert standing(spoken, ISSUERS, DAY).persons
    spoken = said((SHANGHAI, link(A, A2)), (SHANGHAI, Revocation(number=1, place=1)))
    assert not standing(spoken, ISSUERS, DAY).persons


def test_a_revocation_that_comes_before_what_it_revokes_holds_too() -> None:
    spoken = said((SHANGHAI, Revocation(number=2, place=1)), (SHANGHAI, link(A, A2)))
    assert not standing(spoken, ISSUERS, DAY).persons


def test_too_many_accounts_are_nobodys_and_others_keep_theirs() -> None:
    many = [account(SHANGHAI, number) for number in range(10, 11 + PERSON_MAX)]
    chain = [(SHANGHAI, link(one, other)) for one, other in pairwise(many)]
    found = standing(said(*chain, (SHANGHAI, link(A, A2))), ISSUERS, DAY)
    assert found.persons == {A: A, A2: A}
    assert found.crowded == set(many)
    assert len(standing(said(*chain[:-1]), ISSUERS, DAY).persons) == PERSON_MAX


@pytest.mark.parametrize(
    ("issuer", "statement", "why"),
    [
        (SHANGHAI, link(A, B), ""),
        (JIAXING, link(A, B), "NOT_YOURS"),
        (SHANGHAI, link(A, "9" * 20), "NOBODYS"),
        (SHANGHAI, Membership(account=A, group="free"), ""),
        (SUZHOU, Membership(account=A, group="free"), "NOT_YOURS"),
        (SUZHOU, Membership(account="9" * 20, group="free"), "NOBODYS"),
        (SUZHOU, Revocation(number=1, place=1), ""),
    ],
)
def test_what_an_issuer_may_not_state_is_refused_by_name(issuer: str, statement: Statement, why: str) -> None:
    assert refusal(statement, issuer, ISSUERS) == why


def slow(spoken: Sequence[Said], day: int) -> dict[str, set[str]]:
    """The rules read once more: everyone's people by spreading out from each account."""
    holds = []
    for one in spoken:
        if not isinstance(one.statement, Link) or not one.statement.since <= day < one.statement.until:
            continue
        if any(
            isinstance(other.statement, Revocation)
            and other.issuer == one.issuer
            and (other.statement.number, other.statement.place) == (one.number, one.place)
            for other in spoken
        ):
            continue
        holds.append(one)

    def joined(one: str, other: str) -> bool:
        by = {said.issuer for said in holds if {one, other} <= set(said.statement.accounts)}  # type: ignore[union-attr]
        return {ISSUERS.owner_of(one), ISSUERS.owner_of(other)} <= by

    accounts = {account for one in holds for account in one.statement.accounts}  # type: ignore[union-attr]
    found = {}
    for account_ in accounts:
        people = {account_}
        while more := {b for a, b in product(people, accounts) if b not in people and joined(a, b)}:
            people |= more
        found[account_] = people
    return found


@pytest.mark.parametrize("seed", range(30))
def test_a_slow_reading_of_the_rules_comes_to_the_same_persons(seed: int) -> None:
    dice = random.Random(seed)
    accounts = [account(issuer, number) for issuer in (SHANGHAI, SUZHOU, JIAXING) for number in range(4)]
    spoken = []
    for number in range(dice.randint(1, 25)):
        issuer = dice.choice([SHANGHAI, SUZHOU, JIAXING])
        statement: Statement = link(
            *dice.sample(accounts, dice.randint(2, 4)),
            since=dice.choice([0, DAY, DAY + 1]),
            until=dice.choice([DAY, DAY + 1, 99999999]) + 1,
        )
        if dice.random() < 0.2:
            statement = Revocation(number=dice.randint(1, number + 1), place=1)
        spoken.append(Said(issuer=issuer, number=number + 1, place=1, statement=statement))
    found = standing(spoken, ISSUERS, DAY)
    people = {one: them for one, them in slow(spoken, DAY).items() if len(them) > 1}
    assert found.persons == {one: min(them) for one, them in people.items()}
    dice.shuffle(spoken)
    assert standing(spoken, ISSUERS, DAY) == found
