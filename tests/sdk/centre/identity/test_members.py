"""Which accounts are in which group on which days: by the days that statements name, as far as is known on a day."""

import random
from typing import Any

import pytest

from tests.sdk.centre.identity.said import ISSUERS, SHANGHAI, SUZHOU, account
from yima.sdk.centre.identity.members import changes, is_in, memberships
from yima.sdk.centre.identity.statements import Membership, Revocation, Said

A = account(SHANGHAI, 1)
OCTOBER = range(20261001, 20261032)
SEPTEMBER = range(20260901, 20260931)


def said(number: int, since: int, until: int, *, taken: int, issuer: str = SHANGHAI) -> Said:
    stated = Membership(account=A, group="senior", since=since, until=until)
    return Said(issuer=issuer, number=number, place=1, statement=stated, day=taken)


def revoked(number: int, *, taken: int, issuer: str = SHANGHAI) -> Said:
    statement = Revocation(number=number, place=1)
    return Said(issuer=issuer, number=900 + number, place=1, statement=statement, day=taken)


def days(*spoken: Said) -> set[int]:
    """On which days of two months A is a senior."""
    steps = memberships(spoken, ISSUERS).get((A, "senior"), [])
    return {day for day in (*SEPTEMBER, *OCTOBER) if is_in(steps, day)}


def test_a_statement_holds_on_its_own_days_however_late_it_is_taken() -> None:
    assert days(said(1, 20260905, 20260908, taken=20260901)) == {20260905, 20260906, 20260907}
    assert days(said(1, 20260905, 20260908, taken=20260920)) == {20260905, 20260906, 20260907}


def test_a_statement_reaches_back_to_the_first_of_the_month_in_which_it_was_taken() -> None:
    assert days(said(1, 20260905, 20261003, taken=20261010)) == {20261001, 20261002}
    assert days(said(1, 20260905, 20260930, taken=20261010)) == set()


def test_a_revocation_ends_it_on_the_day_it_is_taken_and_takes_nothing_back() -> None:
    stated = said(1, 20260905, 99999999, taken=20260907)
    assert days(stated, revoked(1, taken=20260909)) == {20260905, 20260906, 20260907, 20260908}
    assert days(stated, revoked(1, taken=20260909, issuer=SUZHOU)) == days(stated)


@pytest.mark.parametrize("taken", [20260906, 20260907])
def test_what_is_revoked_before_it_is_taken_or_with_it_never_holds(taken: int) -> None:
    assert days(said(1, 20260901, 99999999, taken=20260907), revoked(1, taken=taken)) == set()


def test_another_issuers_word_puts_nobody_in_a_group() -> None:
    assert days(said(1, 0, 99999999, taken=20260907, issuer=SUZHOU)) == set()


def test_one_statement_of_two_is_enough() -> None:
    both = said(1, 20260901, 20260906, taken=20260901), said(2, 20260905, 20260909, taken=20260901)
    assert days(*both) == set(range(20260901, 20260909))
    assert days(*both, revoked(1, taken=20260903)) == {20260901, 20260902, *range(20260905, 20260909)}


def found(rows: list[dict[str, Any]], date: int) -> bool:
    """What the rows say, read in their order."""
    return bool(([row["is_member"] for row in rows if row["since"] <= date] or [False])[-1])


@pytest.mark.parametrize("seed", range(40))
def test_rows_of_each_day_say_what_holds_and_nothing_that_is_known(seed: int) -> None:
    """Of any statements: after each day the rows tell of every date up to it what a reading of all statements tells;
    a day adds rows of its own month alone, up to itself, and run without news it adds none."""
    dice = random.Random(seed)
    dates = [*SEPTEMBER[24:], *OCTOBER[:6]]
    spoken: list[Said] = []
    for number in range(1, dice.randint(2, 7)):
        since, taken = dice.choice([0, *dates]), dice.choice(dates)
        until = dice.choice([one for one in (*dates, 99999999, 99999999) if one > since])
        spoken.append(said(number, since, until, taken=taken))
        if dice.random() < 0.4:
            spoken.append(revoked(number, taken=dice.choice(dates)))
    rows: list[dict[str, Any]] = []
    for day in dates:
        now = memberships([one for one in spoken if one.day <= day], ISSUERS)
        new = changes(now, rows, day)
        assert all(day // 100 == row["since"] // 100 and row["since"] <= day == row["day"] for row in new)
        assert [row["since"] for row in new] == sorted({row["since"] for row in new})
        rows += new
        month = [date for date in dates if date // 100 == day // 100 and date <= day]
        assert [found(rows, date) for date in month] == [is_in(now.get((A, "senior"), []), date) for date in month]
        assert changes(now, rows, day) == []
