"""The form in which issuers state who has which accounts: what it holds, what is refused, by line."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sdk.centre.identity.said import DAY, JIAXING, KEYS, SHANGHAI, SUZHOU, account, file_of
from yima.sdk.centre.clearing.toml_rows import ALWAYS, FOR_EVER
from yima.sdk.centre.identity import statements
from yima.sdk.centre.identity.statements import (
    CONSENT_DAYS_MAX,
    LINKED_MAX,
    Consent,
    Link,
    Membership,
    Revocation,
    Scope,
    Statement,
    StatementError,
    parse_statements,
)

A, B = account(SHANGHAI, 1), account(SUZHOU, 1)
DAYS = st.dates().map(lambda day: day.year * 10000 + day.month * 100 + day.day)
ACCOUNTS = st.text("0123456789abcdef", min_size=20, max_size=20)


@st.composite
def periods(draw: st.DrawFn) -> dict[str, int]:
    since, until = draw(st.one_of(st.just(ALWAYS), DAYS)), draw(st.one_of(st.just(FOR_EVER), DAYS))
    return {"since": since, "until": until} if since < until else {}


def links() -> st.SearchStrategy[Statement]:
    accounts = st.lists(ACCOUNTS, min_size=2, max_size=LINKED_MAX, unique=True).map(lambda found: tuple(sorted(found)))
    return st.builds(lambda accounts, days: Link(accounts=accounts, **days), accounts, periods())


def memberships() -> st.SearchStrategy[Statement]:
    groups = st.sampled_from(["senior", "student", "veteran", "free", "resident-310104"])
    return st.builds(lambda one, group, days: Membership(account=one, group=group, **days), ACCOUNTS, groups, periods())


@st.composite
def consents(draw: st.DrawFn) -> Statement:
    since = draw(st.dates(max_value=date(9990, 1, 1)))
    until = since + timedelta(days=draw(st.integers(1, CONSENT_DAYS_MAX)))
    scopes = draw(st.sampled_from([(Scope.RIDES,), (Scope.CHARGES,), (Scope.RIDES, Scope.CHARGES)]))
    first, last = (day.year * 10000 + day.month * 100 + day.day for day in (since, until))
    return Consent(account=draw(ACCOUNTS), service="travel-app", scopes=scopes, since=first, until=last)


NUMBERS = st.integers(1, (1 << 31) - 1)
STATEMENTS = st.one_of(links(), memberships(), consents(), st.builds(Revocation, number=NUMBERS, place=NUMBERS))


@given(st.lists(STATEMENTS, max_size=5), NUMBERS)
def test_what_was_stated_is_what_is_read(statements: list[Statement], number: int) -> None:
    file = parse_statements(file_of(SHANGHAI, number, *statements), "file")
    assert (file.environment, file.issuer, file.number, file.issued) == ("test", SHANGHAI, number, DAY)
    assert list(file.statements) == statements
    assert file.is_signed_by([KEYS[SUZHOU].compressed, KEYS[SHANGHAI].compressed])
    assert not file.is_signed_by([KEYS[SUZHOU].compressed])


@given(st.binary(max_size=400))
def test_any_bytes_are_a_file_or_are_refused_by_name(content: bytes) -> None:
    with pytest.raises(StatementError, match="file"):
        parse_statements(content, "file")


@given(st.data())
def test_a_changed_byte_is_refused_or_breaks_the_signature(data: st.DataObject) -> None:
    content = file_of(SHANGHAI, 1, Link(accounts=(A, B)))
    place = data.draw(st.integers(0, len(content) - 1))
    changed = bytearray(content)
    changed[place] ^= data.draw(st.integers(1, 255))
    try:
        file = parse_statements(bytes(changed), "file")
    except StatementError:
        return
    assert not file.is_signed_by([KEYS[SHANGHAI].compressed])


def test_a_file_cut_short_anywhere_or_with_a_tail_is_refused() -> None:
    content = file_of(SHANGHAI, 1, Link(accounts=(A, B)), Revocation(number=1, place=2))
    for size in range(len(content)):
        with pytest.raises(StatementError):
            parse_statements(content[:size], "file")
    for tail in (b"\n", b" ", b"0", content):
        try:
            assert not parse_statements(content + tail, "file").is_signed_by([KEYS[SHANGHAI].compressed])
        except StatementError:
            continue


HEAD: dict[str, Any] = {"statements": 1, "environment": "test", "issuer": SHANGHAI, "number": 1, "issued": "2026-09-14"}

CONSENT: dict[str, Any] = {
    "consent": A, "service": "travel-app", "scope": ["rides"], "from": "2026-09-01", "to": "2027-09-02",
}  # fmt: skip


def test_a_consent_of_a_year_and_a_day_is_the_longest_there_is() -> None:
    (consent,) = parse_statements(signed(HEAD, CONSENT), "file").statements
    assert consent == Consent(
        account=A, service="travel-app", scopes=(Scope.RIDES,), since=20260901, until=20270902
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ({"link": [A]}, "2 to 16 accounts"),
        ({"link": [A, A]}, "2 to 16 accounts"),
        ({"link": [A, B[:-1]]}, "2 to 16 accounts"),
        ({"link": [A, B.upper() + "x"]}, "2 to 16 accounts"),
        ({"link": [account(SHANGHAI, n) for n in range(17)]}, "2 to 16 accounts"),
        ({"link": [A, B], "from": "2026-9-1"}, "a day as 2026-09-14"),
        ({"link": [A, B], "from": "2026-W37-1"}, "a day as 2026-09-14"),
        ({"link": [A, B], "from": "20260901"}, "a day as 2026-09-14"),
        ({"link": [A, B], "from": 20260901}, "a day as 2026-09-14"),
        ({"link": [A, B], "from": None}, "a day as 2026-09-14"),
        ({"link": [A, B], "from": "2026-02-30"}, "a day as 2026-09-14"),
        ({"link": [A, B], "from": "2026-09-02", "to": "2026-09-02"}, "a day behind `from`"),
        ({"link": [A, B], "till": "2026-09-02"}, "not known here: 'till'"),
        ({"account": A}, "a text like"),
        ({"account": A, "group": "seniors"}, "a text like"),
        ({"account": A, "group": "resident-31"}, "a text like"),
        ({"revoke": 0, "place": 1}, "a whole number from 1"),
        ({"revoke": True, "place": 1}, "a whole number from 1"),
        ({"revoke": 1}, "a whole number from 1"),
        ({"revoke": 1, "place": 1, "from": "2026-09-02"}, "not known here: 'from'"),
        ({**CONSENT, "scope": []}, "some of rides, charges"),
        ({**CONSENT, "scope": ["rides", "rides"]}, "some of rides, charges"),
        ({**CONSENT, "scope": ["persons"]}, "some of rides, charges"),
        ({**CONSENT, "scope": [["rides"]]}, "some of rides, charges"),
        ({**CONSENT, "scope": "rides"}, "some of rides, charges"),
        ({**CONSENT, "service": "Travel App"}, "a text like"),
        ({**CONSENT, "consent": [A]}, "a text like"),
        ({**CONSENT, "to": "2026-09-01"}, "at most 366 behind"),
        ({**CONSENT, "to": "2027-09-03"}, "at most 366 behind"),
        ({name: CONSENT[name] for name in ("consent", "service", "scope", "from")}, "a day as 2026-09-14"),
        ({name: CONSENT[name] for name in ("consent", "service", "scope", "to")}, "a day as 2026-09-14"),
        ({**CONSENT, "group": "free"}, "not known here: 'group'"),
        ([], "no object"),
    ],
)
def test_a_line_that_is_wrong_is_named_with_what_belongs_there(line: object, says: str) -> None:
    with pytest.raises(StatementError, match=says) as refused:
        parse_statements(signed(HEAD, line), "file")
    assert str(refused.value).startswith("file:2")


@pytest.mark.parametrize(
    "changes",
    [
        {"statements": 2}, {"environment": "bench"}, {"issuer": "83101"}, {"number": 0}, {"issued": "today"},
        {"issued": None}, {"more": 1},
    ],
    ids=str,
)  # fmt: skip
def test_a_first_line_that_is_wrong_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(StatementError, match="file:1"):
        parse_statements(signed(HEAD | changes), "file")


def test_a_key_said_twice_is_refused() -> None:
    body = (
        json.dumps(HEAD).encode()
        + b"\n"
        + b'{"account": "%s", "account": "%s", "group": "free"}\n' % (b"0" * 20, b"1" * 20)
    )
    with pytest.raises(StatementError, match="a key twice"):
        parse_statements(body + b"signature " + b"0" * 128 + b"\n", "file")


def test_a_line_and_a_file_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever sends them: nothing of what is too long is taken apart."""
    line = json.dumps({"account": A, "group": "free"}).encode()
    head = json.dumps(HEAD).encode() + b"\n"
    tail = b"\nsignature " + b"0" * 128 + b"\n"
    longest = head + line.ljust(statements.LINE_MAX) + tail
    assert len(parse_statements(longest, "file").statements) == 1
    with pytest.raises(StatementError, match=r"file:2.*too long"):
        parse_statements(head + line.ljust(statements.LINE_MAX + 1) + tail, "file")
    monkeypatch.setattr(statements, "FILE_MAX", len(longest))
    assert parse_statements(longest, "file").number == 1
    monkeypatch.setattr(statements, "FILE_MAX", len(longest) - 1)
    with pytest.raises(StatementError, match="is larger than 64 MB"):
        parse_statements(longest, "file")


def test_jiaxing_signs_nothing_for_shanghai() -> None:
    file = parse_statements(file_of(SHANGHAI, 1, key=KEYS[JIAXING]), "file")
    assert not file.is_signed_by([KEYS[SHANGHAI].compressed])


def signed(*lines: object) -> bytes:
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    return body + b"signature " + KEYS[SHANGHAI].sign(body).hex().encode() + b"\n"
