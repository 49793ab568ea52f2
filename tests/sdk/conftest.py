"""One test world for the SDK's tests: a root, an issuer, a rider, and parameters under which that rider rides."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yima.sdk.issuer import Issuer, Rider, RootAuthority, make_issuer, make_rider, make_root
from yima.sdk.roots import RootKeys, parse_roots
from yima.validator.judging import GateContext, Moment, Validator
from yima.validator.judging.record import Terminal, trip_record
from yima.validator.parameters import Mode, from_mapping

NOW = 1_790_000_000
PAYMENT = "6228480402564890"
CARD = "31048700000000019999"


@pytest.fixture(scope="session")
def now() -> int:
    """The moment of the tests, unix seconds; the lab vectors' clock."""
    return NOW


@pytest.fixture(scope="session")
def root() -> RootAuthority:
    """RootAuthority 1."""
    return make_root(1)


@pytest.fixture(scope="session")
def root_keys(root: RootAuthority) -> RootKeys:
    """RootAuthority 1 as `--roots` loads it."""
    return RootKeys(tuple(parse_roots(root.certificate, "root")))


@pytest.fixture(scope="session")
def issuer(root: RootAuthority) -> Issuer:
    """The one institution."""
    return make_issuer(root)


@pytest.fixture(scope="session")
def new_code(issuer: Issuer) -> Callable[..., bytes]:
    """Makes one code; keyword arguments as make_rider's."""

    def new(**changes: Any) -> bytes:
        return new_rider(issuer, **changes).code(NOW)

    return new


def new_rider(issuer: Issuer, **changes: Any) -> Rider:
    """A rider with the accounts above."""
    plain: dict[str, Any] = {
        "payment_account": PAYMENT,
        "card_account": CARD,
        "platform": "50083010",
        "authorised_until": NOW + 86400,
    }
    return make_rider(issuer, **(plain | changes))


@pytest.fixture(scope="session")
def code(new_code: Callable[..., bytes]) -> bytes:
    """A good code with 7 bytes of issuer's data."""
    return new_code(issuer_data=b"abcdefg")


@pytest.fixture(scope="session")
def mapping(root: RootAuthority) -> dict[str, Any]:
    """Parameters under which the rider rides for 200 fen."""
    return {
        "environment": "test",
        "version": 1,
        "fares": {"bus": 200},
        "roots": [{"certificate": root.certificate.hex()}],
        "whitelist": [{"organisation": "00083010", "platform": "50083010"}],
    }


@pytest.fixture(scope="session")
def validator(mapping: dict[str, Any]) -> Callable[[], Validator]:
    """Makes a validator that has seen nothing."""
    return lambda: Validator(from_mapping(mapping), GateContext(mode=Mode.BUS))


@pytest.fixture(scope="session")
def record(code: bytes, validator: Callable[[], Validator]) -> bytes:
    """The trip record of the good code, written by the core."""
    moment = Moment.at(NOW)
    terminal = Terminal(terminal="30000001", line="快线 1")
    return trip_record(
        validator().judge(code, moment), mode=Mode.BUS, terminal=terminal, record_id="30000001-1-7", moment=moment
    )


@pytest.fixture
def code_file(tmp_path: Path, code: bytes) -> Path:
    """The good code as raw bytes in a file."""
    path = tmp_path / "code.bin"
    path.write_bytes(code)
    return path


@pytest.fixture
def params_file(tmp_path: Path, root: RootAuthority) -> Path:
    """The parameters as a file, with their root certificate beside."""
    (tmp_path / "roots.bin").write_bytes(root.certificate)
    path = tmp_path / "params.toml"
    path.write_text(
        'environment = "test"\nversion = 1\n[fares]\nbus = 200\n[[roots]]\nfile = "roots.bin"\n'
        '[[whitelist]]\norganisation = "00083010"\nplatform = "50083010"\n'
    )
    return path
