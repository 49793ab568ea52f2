"""Issuers, accounts and signed files for tests of identity."""

from yima.sdk.centre.identity.issuers import Issuers, parse_issuers
from yima.sdk.centre.identity.statements import Statement, sign_statements
from yima.sdk.sm2 import SigningKey

SHANGHAI, SUZHOU, JIAXING = "00083101", "00083205", "00083304"
KEYS = {name: SigningKey.from_int(number) for number, name in enumerate((SHANGHAI, SUZHOU, JIAXING), 31)}
BEGIN = {SHANGHAI: "310000", SUZHOU: "320500", JIAXING: "330400"}
DAY = 20260914


def account(issuer: str, number: int) -> str:
    """An account of that issuer."""
    return f"{BEGIN[issuer]}{number:014}"


def identity_toml(extra: str = "") -> str:
    """All three are heard, each by its key."""
    rows = [
        f'[[issuer]]\norganisation = "{name}"\naccounts = ["{BEGIN[name]}"]\n'
        f'[[issuer.keys]]\nkey = "{KEYS[name].compressed.hex()}"\n'
        for name in BEGIN
    ]
    return 'environment = "test"\n' + "".join(rows) + extra


ISSUERS: Issuers = parse_issuers(identity_toml())


def file_of(
    issuer: str,
    number: int,
    *statements: Statement,
    issued: int = DAY,
    key: SigningKey | None = None,
    environment: str = "test",
) -> bytes:
    """A signed file."""
    return sign_statements(
        statements, key or KEYS[issuer], environment=environment, issuer=issuer, number=number, issued=issued
    )
