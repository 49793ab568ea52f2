"""What riders of the region consent to, as their issuers state it: files beside those of the example."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from yima.sdk.centre.clearing import parquet
from yima.sdk.centre.clearing.folder import STATEMENTS
from yima.sdk.centre.example import region, truth
from yima.sdk.centre.identity.statements import Consent, Revocation, Scope, Statement, sign_statements

ISSUER, OTHER = "99310000", "99320500"
SHANGHAI, SUZHOU, SERVICE = "310000", "320500", "travel-app"
FIRST = region.FIRST_DAY
CONSENTS = ("one", "two", "bad", "theirs")  # the files of them
_FROM = 501  # the example's own files have lower numbers, and higher ones


def account(number: int, city: str = SHANGHAI) -> str:
    """One of the example's accounts."""
    return f"{city}1{number:013}"


FULL, RIDES_ONLY, OVER, REVOKED, NOT_BEGUN, LATER = (account(number) for number in (5, 12, 33, 37, 47, 20))
"""Whose rides the service may see, by what was stated of them."""


def state_consents(folder: Path, seed: int) -> None:
    """Hands in what the issuers state, a file that speaks of another's account, and one that is no file; writes down
    the truth of them."""
    rows = pq.read_table(folder / "truth" / "files" / "all.parquet").to_pylist()
    rows += [
        hand_in(folder, seed, "one", _FROM, [
            consent(FULL), consent(RIDES_ONLY, Scope.RIDES), consent(OVER, until=FIRST + 3), consent(REVOKED),
            consent(NOT_BEGUN, since=FIRST + 15), consent(LATER, since=FIRST + 1),
        ]),
        hand_in(folder, seed, "two", _FROM + 1, [Revocation(number=_FROM, place=4)], day=FIRST + 2),
        hand_in(folder, seed, "bad", _FROM + 2, [consent(account(1, SUZHOU))], becomes="NOT_YOURS"),
        hand_in(folder, seed, "theirs", _FROM, [consent(account(1, SUZHOU), service="other-app")], city=SUZHOU),
    ]  # fmt: skip
    (folder / STATEMENTS / "none").write_bytes(b"nothing\n")
    batches = truth.FILES.schema.empty_table().from_pylist(rows, truth.FILES.schema).to_batches()
    parquet.write(folder / "truth" / "files" / "all.parquet", truth.FILES.schema, batches)


def consent(whose: str, *scopes: Scope, since: int = FIRST, until: int = FIRST + 20, service: str = SERVICE) -> Consent:
    """A consent of these days."""
    return Consent(account=whose, service=service, scopes=scopes or (Scope.CHARGES,), since=since, until=until)


def hand_in(
    folder: Path, seed: int, name: str, number: int, said: list[Statement], *, day: int = FIRST, city: str = SHANGHAI,
    becomes: str = "TAKEN",
) -> dict[str, Any]:  # fmt: skip
    """A file of statements of the issuer of that city; returns the truth of it."""
    issuer = region.institutions(seed)[int(city)]
    content = sign_statements(
        said, issuer.key, environment="test", issuer=issuer.issuer_id, number=number, issued=day
    )  # fmt: skip
    (folder / STATEMENTS / name).write_bytes(content)
    believed = len(said) if becomes == "TAKEN" else 0
    return {
        "file": name, "issuer": issuer.issuer_id, "number": number, "statements": believed, "becomes": becomes,
        "day": day,
    }  # fmt: skip
