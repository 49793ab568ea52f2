"""What issuers state of the example's riders, in signed files, and the truth of it: who is one person, in which group.

Most is stated on the first day and holds. By turns some comes late, ends by itself, is revoked, is stated by one of two
issuers alone, or is claimed by an issuer who has no say in it. Beside the good files lie some that must be refused, one
for each reason.

Rules it keeps:
- All links of a person come and go on one day each, so that the person is whole or not there.
- The number of a file is the place of its day, from 1; those that are refused have numbers of their own.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa

from yima.sdk.centre.clearing import parquet
from yima.sdk.centre.clearing.days import shifted
from yima.sdk.centre.clearing.folder import IDENTITY, STATEMENTS
from yima.sdk.centre.clearing.tables import Table
from yima.sdk.centre.example import region, truth
from yima.sdk.centre.example.keys import seeded_key
from yima.sdk.centre.example.riders import Person
from yima.sdk.centre.identity.statements import Link, Membership, Revocation, Statement, sign_statements
from yima.sdk.issuer import Issuer
from yima.sdk.sm2 import SigningKey

_ENVIRONMENT = "test"
_LINKS = ("known", "late", "known", "revoked", "known", "half", "known", "ending", "known", "claimed")
_GROUPS = ("known", "late", "known", "revoked", "known", "ending", "known", "later")
_REFUSED_FROM = 901
_STRANGER, _NOBODY = "9" * 14, "9" * 20


@dataclass(slots=True)
class _Desks:
    """The issuers' desks: by (division, place of the day) what the file of that day says."""

    files: dict[tuple[int, int], list[Statement]] = field(default_factory=dict)

    def say(self, division: int, place: int, statement: Statement) -> Revocation:
        """Says it on that day; returns what would revoke it."""
        lines = self.files.setdefault((division, place), [])
        lines.append(statement)
        return Revocation(number=place + 1, place=len(lines))


def state_people(
    folder: Path, seed: int, institutions: Mapping[int, Issuer], people: Sequence[Person], days: int
) -> dict[str, int]:
    """Writes identity.toml, the files and the truth of them; returns how many of what. people: in an order of their
    own. institutions: by division. days: of service."""
    chance = random.Random(f"{seed} statements")  # noqa: S311
    desks = _Desks()
    several = [one for one in people if len(one.accounts) > 1]
    persons = [
        row for number, one in enumerate(several) for row in _link(desks, several, number, _some_day(chance, days))
    ]
    grouped = [one for one in people if one.group]
    groups = [
        _group(desks, one, _GROUPS[number % len(_GROUPS)], _some_day(chance, days), chance)
        for number, one in enumerate(grouped)
    ]
    (folder / IDENTITY).write_text(_identity(institutions), encoding="utf-8")
    (folder / STATEMENTS).mkdir()
    files = [_hand_in(folder, institutions[division], place, said) for (division, place), said in desks.files.items()]
    files += _refused(folder, seed, institutions)
    for table, rows in ((truth.PERSONS, persons), (truth.GROUPS, groups), (truth.FILES, files)):
        _write(folder, table, rows)
    return {"persons": len(several), "groups": len(grouped), "statements": sum(row["statements"] for row in files)}


def _day(place: int) -> int:
    return shifted(region.FIRST_DAY, place)


def _some_day(chance: random.Random, days: int) -> int:
    """The place of a day on which something changes: the second one of service at the earliest."""
    return 1 + int(chance.random() * max(1, days - 1))


def _division(account: str) -> int:
    return int(account[:6])


def _link(desks: _Desks, several: Sequence[Person], number: int, place: int) -> list[dict[str, Any]]:
    """States that the accounts of a person are; returns the truth of each. place: of the day on which it changes."""
    person, other, fate = several[number], several[number - 1], _LINKS[number % len(_LINKS)]
    for accounts in _groupings(person.accounts, number):
        linked = tuple(sorted(accounts))
        for speaker, account in enumerate(accounts):
            is_last, division = speaker == len(accounts) - 1, _division(account)
            if fate == "half" and speaker:
                break
            until = {"until": _day(place)} if fate == "ending" and not is_last else {}
            when = place if fate == "late" and speaker else 0
            revokes = desks.say(division, when, Link(accounts=linked, **until))
            if fate == "revoked" and not is_last:
                desks.say(division, place, revokes)
    mine, theirs = person.accounts[1], other.accounts[0]
    if fate == "claimed" and _division(mine) != _division(theirs):
        desks.say(_division(mine), 0, Link(accounts=(min(mine, theirs), max(mine, theirs))))
    since = None if fate == "half" else _day(place if fate == "late" else 0)
    until_day = _day(place) if fate in ("revoked", "ending") else None
    name = min(person.accounts)
    return [{"account": one, "person": name, "since": since, "until": until_day} for one in person.accounts]


def _groupings(accounts: tuple[str, ...], number: int) -> Iterable[tuple[str, ...]]:
    """What is stated together: all of them, or pairs in a chain, or pairs in a circle."""
    return ([accounts], pairwise(accounts), combinations(accounts, 2))[number % 3 if len(accounts) > 2 else 0]


def _group(desks: _Desks, person: Person, fate: str, place: int, chance: random.Random) -> dict[str, Any]:
    account = person.accounts[person.vouched]
    division = _division(account)
    days: dict[str, int] = {}
    if fate == "late":
        days["since"] = _day(int(chance.random() * place))
    elif fate == "later":
        days["since"] = _day(place)
    elif fate == "ending":
        days["until"] = _day(place)
    stated = place if fate == "late" else 0
    said = Membership(account=account, group=person.group, **days)
    revokes = desks.say(division, stated, said)
    if fate == "revoked":
        desks.say(division, place, revokes)
    return {
        "account": account, "group_name": person.group, "since": said.since, "until": said.until,
        "stated": _day(stated), "revoked": _day(place) if fate == "revoked" else None,
    }  # fmt: skip


def _identity(institutions: Mapping[int, Issuer]) -> str:
    rows = [
        f'\n[[issuer]]\norganisation = "{one.issuer_id}"\naccounts = ["{division:06}"]\n'
        f'[[issuer.keys]]\nkey = "{one.key.compressed.hex()}"\n'
        for division, one in institutions.items()
    ]
    return f'environment = "{_ENVIRONMENT}"\n' + "".join(rows)


def _hand_in(folder: Path, issuer: Issuer, place: int, said: Sequence[Statement]) -> dict[str, Any]:
    name, content = _signed(issuer, place + 1, said, issued=_day(place))
    becomes = {"statements": len(said), "becomes": "TAKEN", "day": _day(place)}
    return _put(folder, name, content, issuer=issuer.issuer_id, number=place + 1, **becomes)


def _signed(
    issuer: Issuer, number: int, said: Iterable[Statement], *, issued: int, key: SigningKey | None = None,
    environment: str = _ENVIRONMENT,
) -> tuple[str, bytes]:  # fmt: skip
    name = f"{issuer.issuer_id}-{number:03}.txt"
    content = sign_statements(
        said, key or issuer.key, environment=environment, issuer=issuer.issuer_id, number=number, issued=issued
    )
    return name, content


def _refused(folder: Path, seed: int, institutions: Mapping[int, Issuer]) -> Iterator[dict[str, Any]]:
    """A file for every reason to refuse one; nothing of it may be believed."""
    issuers = list(institutions.items())
    (division, issuer), (other_division, _) = issuers[0], issuers[1]
    mine, theirs = f"{division:06}{_STRANGER}", f"{other_division:06}{_STRANGER}"
    good = [Membership(account=mine, group="free")]
    forged = seeded_key(seed, "nobody's key")
    unheard = Issuer(issuer_id="99999999", key=forged, certificate=b"")
    first = _day(0)
    number = _REFUSED_FROM
    made = {
        "SIGNATURE": _signed(issuer, number, good, issued=first, key=forged),
        "ENVIRONMENT": _signed(issuer, number + 1, good, issued=first, environment="production"),
        "NOT_YOURS": _signed(issuer, number + 2, [*good, Membership(account=theirs, group="free")], issued=first),
        "NOBODYS": _signed(issuer, number + 3, [*good, Link(accounts=(mine, _NOBODY))], issued=first),
        "UNKNOWN_ISSUER": _signed(unheard, number + 4, good, issued=first),
        "MALFORMED": _signed(issuer, number + 5, good, issued=first),
    }
    for place, (why, (name, content)) in enumerate(made.items(), number):
        said = content[:-9] if why == "MALFORMED" else content
        yield _put(folder, name, said, issuer=name[:8], number=place, statements=0, becomes=why, day=first)
    if (folder / STATEMENTS / f"{issuer.issuer_id}-001.txt").exists():
        name, content = _signed(issuer, 1, good, issued=_day(1))
        becomes = {"statements": 0, "becomes": "NUMBER_TAKEN", "day": _day(1)}
        yield _put(folder, f"{name}.again", content, issuer=issuer.issuer_id, number=1, **becomes)


def _put(folder: Path, name: str, content: bytes, **becomes: Any) -> dict[str, Any]:
    """Writes the file; returns the truth of it: issuer, number, statements, becomes, day."""
    (folder / STATEMENTS / name).write_bytes(content)
    return {"file": name, **becomes}


def _write(folder: Path, table: Table, rows: list[dict[str, Any]]) -> None:
    rows.sort(key=lambda row: tuple(str(row[name]) for name in table.key))
    batches = pa.Table.from_pylist(rows, table.schema).to_batches()
    parquet.write(folder / "truth" / table.name / "all.parquet", table.schema, batches)
