"""Riders and the codes that their phones show.

What is signed anew, and what is not: a phone signs every code (a code pays once, and is good for two minutes); the
issuer signs an authorisation when the rider's state changes, which is once for a rider who only takes buses, and once
for every metro journey. What it signed while the rider was outside serves again after the exit.

Some riders have codes of two or three institutions and show any of them; some are in a group, of which the institution
of one of their codes knows. A senior's account type stands in the code of their home alone.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from yima.sdk import layouts
from yima.sdk.centre.example import region
from yima.sdk.centre.example.keys import seeded_key
from yima.sdk.issuer import Issuer, Rider, make_rider
from yima.sdk.profiles.yangtze_delta import issuers
from yima.sdk.profiles.yangtze_delta.plan import City

SENIOR = 2  # the account type that the profile's concessions name
SENIORS, VISITORS, OFTEN, SELDOM = 0.15, 0.25, 0.02, 0.3  # parts of all riders
PERSONS, THREE = 0.1, 0.3  # the part of riders with several codes, and of these with three
# Of riders who are no seniors: the part who are in a group, of all and of those with several codes; which groups.
IN_GROUPS, SEVERAL_IN_GROUPS, GROUPS = 0.1, 0.5, ("student", "student", "veteran")
CAP_FEN = 2000
_AUTHORISED_S = 40 * 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What institutions know of a rider: the accounts, that of home first; the group they are in ("" none), and which
    of the accounts, by place, has the issuer who knows it."""

    accounts: tuple[str, ...]
    group: str
    vouched: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Passenger:
    """One rider by one code: home, the institution behind it, what the phone holds while outside, journeys a day.
    others: the same rider by other codes. account: as in the centre's tables."""

    home: City
    issuer: Issuer
    phone: Rider
    account_type: int
    journeys: int
    account: str
    others: tuple["Passenger", ...] = ()

    def shown(self, chance: random.Random) -> "Passenger":
        """By the code that is shown this time, any of them."""
        if not self.others:
            return self
        return chance.choice((self, *self.others))

    def outside(self, at: int) -> bytes:
        """A code of somebody who is on no metro."""
        return self.phone.code(at)

    def inside(self, at: int, station: int, entered_at: int) -> bytes:
        """A code of somebody who entered there and then."""
        return self.told(at, issuers.rider_data(self.home, station=station, entered_at=entered_at))

    def told(self, at: int, data: bytes) -> bytes:
        """A code whose field 14 is this; the issuer authorises it now."""
        return authorised(self.phone, self.issuer, data).code(at)


class Passengers:
    """The riders of one unit (0 to 99999), which nobody else has, made as they are asked for; the same every time but
    for signatures. institutions: by division. persons: the part of riders who have several codes."""

    def __init__(
        self, seed: int, unit: int, institutions: Mapping[int, Issuer], home: City, others: Sequence[City], *,
        persons: float = 0,
    ) -> None:  # fmt: skip
        self._chance = random.Random(f"{seed} riders {unit}")  # noqa: S311
        self._lives, self._persons = random.Random(f"{seed} persons {unit}"), persons  # noqa: S311
        self._known: list[Person] = []
        self._seed, self._unit, self._home, self._others = seed, unit, home, others
        self._institutions = institutions
        self._made: list[Passenger] = []
        self._specials = 0

    def __getitem__(self, number: int) -> Passenger:
        while len(self._made) <= number:
            self._made.append(self._next(len(self._made)))
        return self._made[number]

    def known(self) -> tuple[Person, ...]:
        """Those so far of whom there is something to state: several codes, or a group."""
        return tuple(self._known)

    def special(self, *, cap_fen: int = CAP_FEN) -> Passenger:
        """A rider of the city who is none of the others, for one occasion."""
        self._specials += 1
        return self._passenger(f"9{self._specials:08}", self._home, 0, 0, cap_fen)

    def _next(self, number: int) -> Passenger:
        chance = self._chance.random
        home = self._others[int(chance() * len(self._others))] if chance() < VISITORS else self._home
        account_type = SENIOR if chance() < SENIORS else 0
        how_often = chance()
        journeys = 8 if how_often < OFTEN else 1 if how_often > 1 - SELDOM else 2
        rider = self._passenger(f"{number:09}", home, account_type, journeys, CAP_FEN)
        others = tuple(self._passenger(f"{number:09}", city, 0, journeys, CAP_FEN) for city in self._elsewhere(home))
        accounts = (rider.account, *(one.account for one in others))
        group, vouched = self._group(len(accounts), is_senior=account_type == SENIOR)
        if others or group:
            self._known.append(Person(accounts=accounts, group=group, vouched=vouched))
        return replace(rider, others=others)

    def _elsewhere(self, home: City) -> list[City]:
        """Of which other cities' institutions the rider has a code, too."""
        if self._lives.random() >= self._persons:
            return []
        away = [city for city in self._others if city != home]
        return self._lives.sample(away, 2 if self._lives.random() < THREE else 1)

    def _group(self, accounts: int, *, is_senior: bool) -> tuple[str, int]:
        """The rider's group, and of which of the accounts it is stated."""
        if is_senior:
            return "senior", 0
        if self._lives.random() >= (SEVERAL_IN_GROUPS if accounts > 1 else IN_GROUPS):
            return "", 0
        return self._lives.choice(GROUPS), int(self._lives.random() * accounts)

    def _passenger(self, number: str, home: City, account_type: int, journeys: int, cap_fen: int) -> Passenger:
        issuer, account = self._institutions[home.division], f"{home.division:06}{self._unit:05}{number}"
        phone = make_rider(
            issuer,
            payment_account="TEST-EXAMPLE",
            card_account=account,
            platform=issuers.platform(home),
            authorised_until=region.midnight(0) + _AUTHORISED_S,
            account_type=account_type,
            cap_fen=cap_fen,
            issuer_data=issuers.rider_data(home),
            key=seeded_key(self._seed, "rider", self._unit, number),
        )
        return Passenger(
            home=home, issuer=issuer, phone=phone, account_type=account_type, journeys=journeys, account=account
        )


def authorised(phone: Rider, issuer: Issuer, data: bytes) -> Rider:
    """The same phone with other data of the issuer (field 14), which are the last of what field 15 signs."""
    start, end = layouts.issuer_span(0)
    span = phone.authorised[: end - start - 1] + bytes([len(data)]) + data
    return replace(phone, authorised=span + bytes([layouts.SIGNATURE_TAG]) + issuer.key.sign(span))
