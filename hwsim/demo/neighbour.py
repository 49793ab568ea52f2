"""A third city of the demonstration, and what issuers state: a bus in Jiaxing whose taps a collector of its own has.

The rider with three codes rode there, by each of them, before she came to Suzhou and Shanghai. The bus judges, journals
and signs as a device does; it is the synthetic region's (sdk/centre/example), for the demonstration's own processes are
two gates. That the codes are one person's, and that she is a senior, each issuer states for itself, signed.
"""

import time
from pathlib import Path
from typing import NamedTuple

from yima.hwsim.demo.cast import Cast
from yima.hwsim.demo.fares import JIAXING
from yima.sdk.centre.clearing.days import day_of
from yima.sdk.centre.clearing.folder import IDENTITY, PARAMETERS, STATEMENTS, STORES
from yima.sdk.centre.clearing.taps.parameters import image_of
from yima.sdk.centre.example.gates import Gate
from yima.sdk.centre.example.region import Post
from yima.sdk.centre.example.stores import Filling
from yima.sdk.centre.identity.statements import Link, Membership, Statement, sign_statements
from yima.sdk.sm2 import SigningKey
from yima.validator.parameters import from_image

_ENVIRONMENT = "test"
_APART_S = 400


class Elsewhere(NamedTuple):
    """Rides at the third city's bus, and what it took."""

    rides: int
    fare_fen: int


def neighbour(folder: Path, cast: Cast) -> Elsewhere:
    """Puts its store, identity.toml and statements into a centre's folder. Raises YimaError."""
    now = int(time.time())
    _state(folder, cast, day_of(now - 86400))
    (package,) = (folder / PARAMETERS).iterdir()
    filling = Filling(folder / STORES / "jiaxing.db")
    gate = Gate(
        Post(name="jiaxing-bus-1", gate=JIAXING), from_image(image_of(package)[0], str(package)), 1, filling.take
    )
    fares = []
    for place, person in enumerate(cast.codes):
        at = now - (len(cast.codes) - place) * _APART_S
        assert person.rider is not None
        sequence, verdict = gate.tap(person.rider.code(at - 5), at)
        if verdict.accepted:
            gate.outcome(sequence, at + 2)
            fares.append(verdict.fare_fen)
    gate.flush(received=now)
    filling.close()
    return Elsewhere(len(fares), sum(fares))


def _state(folder: Path, cast: Cast, day: int) -> None:
    """Each of her issuers states that the codes are one person's, and the one of her home that she is a senior."""
    accounts = {one: one.account for one in cast.codes}
    institutions = {one.city: one for one in cast.institutions if len(one.modes) > 1}
    rows = [f'environment = "{_ENVIRONMENT}"']
    (folder / STATEMENTS).mkdir()
    for person, account in accounts.items():
        key, organisation = SigningKey.generate(), institutions[person.city].organisation
        said: list[Statement] = [Link(accounts=tuple(sorted(accounts.values())))]
        if person.senior:
            said.append(Membership(account=account, group="senior"))
        content = sign_statements(said, key, environment=_ENVIRONMENT, issuer=organisation, number=1, issued=day)
        (folder / STATEMENTS / f"{organisation}-1.txt").write_bytes(content)
        rows += ["[[issuer]]", f'organisation = "{organisation}"', f'accounts = ["{account[:8]}"]']
        rows += ["[[issuer.keys]]", f'key = "{key.compressed.hex()}"']
    (folder / IDENTITY).write_text("\n".join(rows) + "\n", encoding="utf-8")
