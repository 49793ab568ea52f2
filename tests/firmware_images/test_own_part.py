"""A metro gate of a network with 500 stations takes its own part of the package, which fits, and charges by it."""

from pathlib import Path
from typing import Any

import pytest

from tests.firmware_images.device_host import HostBoard
from tests.network_world import CHANCE, CITY, STATIONS, exit_code, in_parts, network_image, spot
from tests.packages_world import NOW, A, B
from yima.firmware_images.hardware import PARAMETERS_HEADER, board
from yima.firmware_images.provision import Settings
from yima.firmware_images.session import bench_key
from yima.sdk.parameters.parts import cut
from yima.validator.judging import Direction, GateContext, Mode, Validator
from yima.validator.parameters import from_image
from yima.validator.parameters.image import with_version

STATION = 350


@pytest.fixture
def gate(library: Path) -> HostBoard:
    settings = Settings(
        terminal="M350", city=CITY, station=STATION, direction=2, keys=[A.compressed], station_keys=[bench_key()]
    )
    made = HostBoard(library, settings, cut(in_parts(), spot(STATION)))
    made.start(NOW, 1000)
    return made


def second(**changes: Any) -> bytes:
    return in_parts(with_version(network_image(), 2), version=2, **changes)


def test_it_charges_what_the_whole_tariff_says(gate: HostBoard) -> None:
    whole = Validator(
        from_image(network_image(), "whole"),
        GateContext(mode=Mode.METRO, city=CITY, station=STATION, direction=Direction.EXIT),
    )
    expected, said = [], []
    for number, entry in enumerate([*CHANCE.sample(STATIONS, 8), 7]):
        now = NOW + 3 * number
        gate.clock(now, 1000 + 3000 * number)
        code = exit_code(entry, now, account=number)
        verdict = whole.judge(code, now)
        expected.append((verdict.reason.name, str(verdict.fare_fen)))
        gate.tap(code)
        said += [(one["name"], one["fare"]) for one in gate.told()]
    assert said == expected
    assert {name for name, _ in expected} >= {"ACCEPTED", "RIDE_NOT_PRICED"}


def test_the_next_ones_part_is_taken_and_nothing_that_was_not_signed(gate: HostBoard) -> None:
    package = second()
    part = cut(package, spot(STATION))
    assert len(part) < board().parameters.size // 2 - PARAMETERS_HEADER < len(package)
    for bad, why in (
        (package, "TOO_LARGE"),
        (part[:-1] + bytes([part[-1] ^ 1]), "BAD_IMAGE"),
        (cut(second(keys=(B,)), spot(STATION)), "UNKNOWN_SIGNER"),
    ):
        assert not gate.take(bad), why
    assert gate.take(part)
    gate.tap(exit_code(101, NOW, account=77))
    (told,) = gate.told()
    assert told["name"] in {"ACCEPTED", "RIDE_NOT_PRICED"}


def test_another_gates_part_lets_nobody_ride(gate: HostBoard) -> None:
    assert gate.take(cut(second(), spot(STATION + 1)))
    gate.tap(exit_code(101, NOW, account=78))
    (told,) = gate.told()
    assert told["name"] == "RIDE_NOT_PRICED"
