"""What consents come to: by whom, for how long, for what; against a plain reading of the rules."""

from hypothesis import given
from hypothesis import strategies as st

from tests.sdk.centre.identity.said import DAY, ISSUERS, SHANGHAI, SUZHOU, account
from yima.sdk.centre.identity.consents import Consents, Lacking
from yima.sdk.centre.identity.statements import Consent, Revocation, Said, Scope, Statement

A, B = account(SHANGHAI, 1), account(SUZHOU, 1)


def consent(of: str = A, *, service: str = "app", since: int = 0, days: int = 5, scope: Scope = Scope.RIDES) -> Consent:
    return Consent(account=of, service=service, scopes=(scope,), since=DAY + since, until=DAY + since + days)


def said(*statements: Statement, issuer: str = SHANGHAI, number: int = 1) -> list[Said]:
    return [
        Said(issuer=issuer, number=number, place=place, statement=one) for place, one in enumerate(statements, 1)
    ]  # fmt: skip


def lacking(found: list[Said], day: int = DAY, of: str = A, service: str = "app") -> Lacking | None:
    permission = Consents(found, ISSUERS).permission(of, service, day)
    return None if permission.spans else permission.lacking


def test_it_holds_from_its_first_day_to_the_day_before_its_last_for_one_service_and_account() -> None:
    found = said(consent())
    assert [lacking(found, DAY + place) for place in (-1, 0, 4, 5)] == [Lacking.NOT_BEGUN, None, None, Lacking.OVER]
    assert lacking(found, service="other") is lacking(found, of=B) is Lacking.NONE


def test_nobody_consents_for_anothers_rider_and_nobody_else_revokes() -> None:
    assert lacking(said(consent(), issuer=SUZHOU)) is Lacking.NONE
    given_ = said(consent())
    theirs = said(Revocation(number=1, place=1), issuer=SUZHOU, number=1)
    assert lacking(given_ + theirs) is None
    assert lacking(given_ + said(Revocation(number=1, place=1), number=2)) is Lacking.REVOKED


def test_of_two_consents_one_may_be_revoked() -> None:
    found = said(consent(), consent(days=3, scope=Scope.CHARGES), Revocation(number=1, place=2))
    permission = Consents(found, ISSUERS).permission(A, "app", DAY)
    assert permission.allows(Scope.RIDES, DAY) and not permission.allows(Scope.CHARGES, DAY)
    assert not permission.allows(Scope.RIDES, DAY - 1) and not permission.allows(Scope.RIDES, DAY + 5)


def test_where_none_holds_the_one_that_ends_last_says_why() -> None:
    over, longer = consent(since=-2, days=1), consent(since=-3, days=10)
    assert lacking(said(over, longer, Revocation(number=1, place=2))) is Lacking.REVOKED
    assert lacking(said(over, consent(since=2))) is Lacking.NOT_BEGUN
    assert lacking(said(over, over, Revocation(number=1, place=2))) is Lacking.REVOKED, "of two alike"


STATEMENTS = st.lists(
    st.one_of(
        st.builds(
            consent, st.sampled_from([A, B]), service=st.sampled_from(["app", "other"]), since=st.integers(-5, 5),
            days=st.integers(1, 6), scope=st.sampled_from(Scope),
        ),
        st.builds(Revocation, number=st.integers(1, 2), place=st.integers(1, 4)),
    ),
    max_size=6,
)  # fmt: skip


@given(STATEMENTS, STATEMENTS, st.integers(-6, 12), st.integers(-6, 12), st.sampled_from(Scope))
def test_it_is_what_a_plain_reading_gives(
    first: list[Statement], second: list[Statement], day: int, ride: int, scope: Scope
) -> None:
    """Of Shanghai's two files, read statement by statement; whatever Suzhou says of A changes nothing."""
    by_file = {1: first, 2: second}
    taken_back = {(one.number, one.place) for one in [*first, *second] if isinstance(one, Revocation)}
    expected = False
    for number, statements in by_file.items():
        for place, one in enumerate(statements, 1):
            if not isinstance(one, Consent) or (number, place) in taken_back:
                continue
            days = range(one.since - DAY, one.until - DAY)
            sees = scope in one.scopes or Scope.CHARGES in one.scopes
            expected |= (one.account, one.service) == (A, "app") and day in days and ride in days and sees
    found = said(*first) + said(*second, number=2) + said(*first, issuer=SUZHOU)
    permission = Consents(found, ISSUERS).permission(A, "app", DAY + day)
    assert permission.allows(scope, DAY + ride) is expected
