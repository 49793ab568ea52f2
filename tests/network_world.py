"""A network of 500 stations for tests: its tariff, its package in parts, and riders who leave it."""

import random
from functools import cache
from typing import Any

from tests.packages_world import DAY, NOW, A
from yima.sdk.issuer import make_issuer, make_rider, make_root
from yima.sdk.parameters.signing import Envelope, sign_package
from yima.sdk.sm2 import SigningKey
from yima.validator.judging import Mode
from yima.validator.parameters import from_rules
from yima.validator.parameters.own_part import Spot
from yima.validator.parameters.rules import (
    Decoder,
    Fare,
    FareKind,
    Form,
    LabelKey,
    LabelKind,
    Matrix,
    Pair,
    Root,
    Rules,
)  # fmt: skip

CITY, ORGANISATION, PLATFORM = 320500, "00083010", "50083010"
ROOT = make_root(1)
ISSUER = make_issuer(ROOT, ORGANISATION)
STATIONS = tuple(range(101, 601))
CHANCE = random.Random(7)


def network(version: int = 1) -> Rules:
    """500 stations, a fare between any two of them, and a bus of two yuan."""
    drawn = iter(random.Random(version).choices((*range(200, 1500, 100), None), k=len(STATIONS) ** 2))
    fares = [[next(drawn) for _ in STATIONS] for _ in STATIONS]
    return Rules(
        environment="test",
        version=version,
        fares=[
            Fare(rule="metro", mode=Mode.METRO, city=CITY, kind=FareKind.MATRIX, table="network"),
            Fare(rule="bus", mode=Mode.BUS, fen=200),
        ],
        matrices={"network": Matrix(stations=STATIONS, fares=fares)},
        roots={1: Root(index=1, key=ROOT.key.public)},
        whitelist=[Pair(organisation=ORGANISATION, platform=PLATFORM, city=CITY)],
        deny=[(bytes.fromhex("11" * 10), bytes.fromhex("11" * 10))],
        decoders=[
            Decoder(
                organisation=ORGANISATION, state_at=0, inside=(1,), station_at=1, station_size=2,
                station_form=Form.BINARY, time_at=3, time_form=Form.BINARY,
            )
        ],
        labels={LabelKey(LabelKind.CITY, CITY): "Suzhou"},
    )  # fmt: skip


@cache
def network_image() -> bytes:
    """Its image."""
    return bytes(from_rules(network(), "network").image)


def in_parts(image: bytes | None = None, keys: tuple[SigningKey, ...] = (A,), **changes: Any) -> bytes:
    """The package of an image, the network's own unless one is given."""
    plain: dict[str, Any] = {
        "environment": "test", "version": 1, "not_before": NOW - DAY, "expiry": NOW + 30 * DAY, "previous": 0,
    }  # fmt: skip
    return sign_package(image or network_image(), Envelope(**(plain | changes)), list(keys), in_parts=True)


def spot(station: int | None) -> Spot:
    """A metro gate of that station, or None, a bus."""
    return Spot(Mode.BUS) if station is None else Spot(Mode.METRO, station=station)


def exit_code(entry: int, now: int = NOW, account: int = 1) -> bytes:
    """A rider who entered there ten minutes ago."""
    inside = b"\1" + entry.to_bytes(2) + (now - 600).to_bytes(4)
    rider = make_rider(
        ISSUER, payment_account="6228480402564890", card_account=f"3104870000000005{account:04}", platform=PLATFORM,
        authorised_until=now + DAY, cap_fen=5000, validity_s=600, issuer_data=inside,
    )  # fmt: skip
    return rider.code(now)
