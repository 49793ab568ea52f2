"""Whom a centre hears: keys with their days, accounts with one issuer each."""

import pytest

from tests.sdk.centre.identity.said import ISSUERS, JIAXING, KEYS, SHANGHAI, account, identity_toml
from yima.sdk.centre.clearing.toml_rows import TermsError
from yima.sdk.centre.identity.issuers import parse_issuers

KEY = KEYS[SHANGHAI].compressed.hex()


def test_an_account_is_its_issuers_by_how_it_begins() -> None:
    assert ISSUERS.owner_of(account(JIAXING, 5)) == JIAXING
    assert ISSUERS.owner_of("9" * 20) is None


def test_a_key_holds_from_its_first_day_to_the_day_before_its_last() -> None:
    other = KEYS[JIAXING].compressed.hex()
    issuers = parse_issuers(
        'environment = "test"\n[[issuer]]\norganisation = "00083101"\naccounts = ["31"]\n'
        f'[[issuer.keys]]\nkey = "{KEY}"\nto = 2026-09-15\n[[issuer.keys]]\nkey = "{other}"\nfrom = 2026-09-14\n'
    )
    found = [[key.hex() for key in issuers.keys_of(SHANGHAI, day)] for day in (20260913, 20260914, 20260915)]
    assert found == [[KEY], [KEY, other], [other]]
    assert list(issuers.keys_of(JIAXING, 20260914)) == []


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ('[[issuer]]\norganisation = "00083101"\naccounts = ["99"]', "not there already"),
        ('[[issuer]]\norganisation = "00083102"\naccounts = ["31000001"]', "have an issuer already"),
        ('[[issuer]]\norganisation = "00083102"\naccounts = ["31"]', "have an issuer already"),
        ('[[issuer]]\norganisation = "00083102"\naccounts = []', "beginnings of accounts"),
        ('[[issuer]]\norganisation = "00083102"\naccounts = ["x"]', "beginnings of accounts"),
        ('[[issuer]]\norganisation = "00083102"\naccounts = "99"', "beginnings of accounts"),
        ('[[issuer]]\norganisation = "3102"\naccounts = ["99"]', "8 digits"),
        ('[[issuer]]\norganisation = "00083102"\naccounts = ["99"]\nname = "x"', "not known here"),
        (
            '[[issuer]]\norganisation = "00083102"\naccounts = ["99"]\n[[issuer.keys]]\nkey = "02' + "f" * 64 + '"',
            "a point of the curve",
        ),
        (
            '[[issuer]]\norganisation = "00083102"\naccounts = ["99"]\n[[issuer.keys]]\nkey = "04' + "1" * 64 + '"',
            "66 hex digits",
        ),
    ],
)
def test_a_row_that_is_wrong_is_named(row: str, says: str) -> None:
    with pytest.raises(TermsError, match=says):
        parse_issuers(identity_toml(row))


def test_an_environment_must_be_said() -> None:
    with pytest.raises(TermsError, match="environment"):
        parse_issuers("")
