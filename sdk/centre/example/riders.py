"""Riders and the codes that their phones show.

What is signed anew, and what is not: a phone signs every code (a code pays once, and is good for two minutes); the
issuer signs an authorisation when the rider's state changes, which is once for a rider who only takes buses, and once
for every metro journey. What it signed while the rider was outside serves again after the exit.
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
CAP_FEN = 2000
_AUTHORISED_S = 40 * 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Passenger:
    """One rider: home, the institution behind the code, what the phone holds while outside, journeys a day."""

    home: City
    issuer: Issuer
    phone: Rider
    account_type: int
    journeys: int

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
    for signatures. institutions: by division."""

    def __init__(
        self, seed: int, unit: int, institutions: Mapping[int, Issuer], home: City, others: Sequence[City]
    ) -> None:
        self._chance = random.Random(f"{seed} riders {unit}")  # noqa: S311
        self._seed, self._unit, self._home, self._others = seed, unit, home, others
        self._institutions = institutions
        self._made: list[Passenger] = []
        self._specials = 0

    def __getitem__(self, number: int) -> Passenger:
        while len(self._made) <= number:
            self._made.append(self._next(len(self._made)))
        return self._made[number]

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
        return self._passenger(f"{number:09}", home, account_type, journeys, CAP_FEN)

    def _passenger(self, number: str, home: City, account_type: int, journeys: int, cap_fen: int) -> Passenger:
        issuer = self._institutions[home.division]
        phone = make_rider(
            issuer,
            payment_account="TEST-EXAMPLE",
            card_account=f"{home.division:06}{self._unit:05}{number}",
            platform=issuers.platform(home),
            authorised_until=region.midnight(0) + _AUTHORISED_S,
            account_type=account_type,
            cap_fen=cap_fen,
            issuer_data=issuers.rider_data(home),
            key=seeded_key(self._seed, "rider", self._unit, number),
        )
        return Passenger(home=home, issuer=issuer, phone=phone, account_type=account_type, journeys=journeys)


def authorised(phone: Rider, issuer: Issuer, data: bytes) -> Rider:
    """The same phone with other data of the issuer (field 14), which are the last of what field 15 signs."""
    start, end = layouts.issuer_span(0)
    span = phone.authorised[: end - start - 1] + bytes([len(data)]) + data
    return replace(phone, authorised=span + bytes([layouts.SIGNATURE_TAG]) + issuer.key.sign(span))
