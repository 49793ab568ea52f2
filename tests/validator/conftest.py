"""A small world of one root, one issuer and its riders, for every test of the judge."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from yima.sdk.issuer import Issuer, Rider, RootAuthority, make_issuer, make_rider, make_root
from yima.validator.judging import Direction, GateContext, Mode, Validator
from yima.validator.parameters import from_mapping, from_rules
from yima.validator.parameters.rules import Fare, Pair, Rules
from yima.validator.parameters.rules import Root as RootKey

ORGANISATION = "00083010"
PLATFORM = "50083010"
NOW = 1_790_000_000  # 2026-09-21, the lab vectors' clock


TWO_TABLES = 2 * 32768 + 63  # a root's and an issuer's of eight teeth, wherever the memory begins


@pytest.fixture(scope="session")
def now() -> int:
    """The moment of the tests, unix seconds."""
    return NOW


@pytest.fixture(scope="session")
def root() -> RootAuthority:
    """The one root that is loaded."""
    return make_root(1)


@pytest.fixture(scope="session")
def issuer(root: RootAuthority) -> Issuer:
    """The one institution in the whitelist."""
    return make_issuer(root, ORGANISATION)


@pytest.fixture(scope="session")
def new_rider(issuer: Issuer) -> Callable[..., Rider]:
    """Makes a rider; keyword arguments as make_rider's, `by` for another issuer."""

    def new(by: Issuer = issuer, **changes: Any) -> Rider:
        plain: dict[str, Any] = {
            "payment_account": "6228480402564890",
            "card_account": "31048700000000019999",
            "platform": PLATFORM,
            "authorised_until": NOW + 86400,
            "cap_fen": 2000,
            "validity_s": 120,
        }
        return make_rider(by, **(plain | changes))

    return new


@pytest.fixture(scope="session")
def mapping(root: RootAuthority) -> dict[str, Any]:
    """Parameters under which a rider of the one issuer rides for 200 fen by bus, 300 by metro."""
    return {
        "environment": "test",
        "version": 1,
        "fares": {"bus": 200, "metro": 300},
        "roots": [{"certificate": root.certificate.hex()}],
        "whitelist": [{"organisation": ORGANISATION, "platform": PLATFORM}],
    }


@pytest.fixture(scope="session")
def new_validator(mapping: dict[str, Any]) -> Callable[..., Validator]:
    """Makes a validator; keyword arguments replace tables of the mapping."""

    def new(mode: Mode = Mode.BUS, city: int = 0, capacity: int = 0, **changes: Any) -> Validator:
        parameters = from_mapping(mapping | changes)
        return Validator(parameters, GateContext(mode=mode, city=city), memory_entries=capacity, table_bytes=TWO_TABLES)

    return new


@pytest.fixture(scope="session")
def ruled(root: RootAuthority) -> Callable[..., Validator]:
    """Makes a validator by rules as values; keyword arguments of the gate, and those that replace parts of the rules.

    The one issuer is Shanghai's (310000), the gate stands in Suzhou (320500); a bus costs 200 fen.
    """
    plain = Rules(
        environment="test",
        version=1,
        roots={1: RootKey(index=1, key=root.key.public)},
        whitelist=[Pair(organisation=ORGANISATION, platform=PLATFORM, city=310000)],
        fares=[Fare(rule="bus-flat", mode=Mode.BUS, fen=200)],
    )

    def new(
        *,
        mode: Mode = Mode.BUS,
        city: int = 320500,
        line: int = 0,
        station: int = 0,
        direction: Direction = Direction.NONE,
        operator: int = 0,
        **changes: Any,
    ) -> Validator:
        gate = GateContext(mode=mode, city=city, line=line, station=station, direction=direction, operator=operator)
        parameters = from_rules(replace(plain, **changes), "these rules")
        return Validator(parameters, gate, table_bytes=TWO_TABLES)

    return new
