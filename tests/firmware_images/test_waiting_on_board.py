"""A board holds the package in force, one that waits for its day, and takes an urgent one between them."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.firmware_images.device_host import HostBoard
from tests.network_world import CITY, network_image
from tests.packages_world import DAY, NOW, A, B
from yima.firmware_images.provision import Settings
from yima.firmware_images.session import bench_key
from yima.hwsim.board.layout import FLASH_LOW, MPS2, PARAMETERS
from yima.sdk.parameters.parts import cut_image
from yima.sdk.parameters.signing import Envelope, sign_package
from yima.sdk.sm2 import SigningKey
from yima.validator.parameters.image import with_version
from yima.validator.parameters.own_part import Spot
from yima.validator.parameters.rules import Mode

REFUSED, TAKEN, KEPT = 0, 1, 2


@cache
def own_image() -> bytes:
    """The gate's part."""
    return cut_image(network_image(), Spot(Mode.METRO, station=350), "test")


def package(
    version: int, *, keys: tuple[SigningKey, ...] = (A,), to: tuple[SigningKey, ...] = (A,), **more: Any
) -> bytes:
    """Of the gate's parameters; valid from a day ago unless `more`, of Envelope, says otherwise."""
    plain: dict[str, Any] = {"not_before": NOW - DAY, "expiry": NOW + 30 * DAY}
    envelope = Envelope(
        environment="test", version=version, next_keys=tuple(key.compressed for key in to), **(plain | more)
    )  # fmt: skip
    return sign_package(with_version(own_image(), version), envelope, list(keys))


LATER = NOW + 2 * DAY


@cache
def that_waits() -> bytes:
    return package(8, not_before=LATER)


@pytest.fixture
def gate(library: Path) -> HostBoard:
    settings = Settings(
        terminal="M350", city=CITY, station=350, direction=2, keys=[A.compressed], station_keys=[bench_key()]
    )
    made = HostBoard(library, settings, package(7))
    made.start(NOW, 1000)
    made.confirm(NOW)
    made.said()
    return made


def stands(gate: HostBoard) -> tuple[int, int]:
    """(version in force, version that waits)."""
    state = gate.ask(0, 64, 0, {})
    return state["parameters"], state["waiting"]


def at(gate: HostBoard, unix_s: int) -> tuple[int, int]:
    """The days go by until then."""
    gate.start(unix_s, 1000)
    gate.confirm(unix_s)
    gate.turn()
    return stands(gate)


def test_what_waits_comes_into_force_at_its_time_and_is_told_until_then(gate: HostBoard) -> None:
    assert gate.take(that_waits()) == KEPT
    assert f"parameters waiting=8 from={LATER}" in gate.said()
    assert stands(gate) == (7, 8)
    assert gate.ask(0, 64, 0, {})["waits"] == LATER
    gate.start(NOW + DAY, 1000)
    assert f"parameters waiting=8 from={LATER}" in gate.said()
    assert at(gate, LATER - 1) == (7, 8)
    gate.clock(LATER, 3000)
    gate.turn()
    assert stands(gate) == (8, 0)
    assert at(gate, LATER + DAY) == (8, 0)


def test_an_urgent_one_comes_between_and_what_waits_survives_unless_it_replaces_that(gate: HostBoard) -> None:
    assert gate.take(that_waits()) == KEPT
    assert gate.take(package(9)) == TAKEN
    assert stands(gate) == (9, 8)
    assert at(gate, LATER) == (8, 0)
    assert gate.take(package(10, not_before=LATER + DAY)) == KEPT
    assert gate.take(package(11, replaces=True)) == TAKEN
    assert stands(gate) == (11, 0)
    assert at(gate, LATER + DAY) == (11, 0)


def test_trust_goes_forward_though_an_older_version_came_into_force_later(gate: HostBoard) -> None:
    """Version 9 handed over to B; 8, which both had signed, comes into force behind it and names A as well."""
    waits = package(8, not_before=LATER, keys=(A, B), to=(A, B))
    assert gate.take(waits) == KEPT
    urgent = package(9, to=(B,))
    assert gate.take(urgent) == TAKEN
    assert at(gate, LATER) == (8, 0)
    by_a, another = package(10, not_before=LATER), package(9, keys=(B,), to=(B,), not_before=LATER)
    for refused in (by_a, urgent, another):
        assert gate.take(refused) == REFUSED
    assert gate.take(package(10, keys=(B,), to=(B,), not_before=LATER)) == TAKEN


def test_what_may_not_follow_is_given_up_and_told(gate: HostBoard) -> None:
    assert gate.take(that_waits()) == KEPT
    assert gate.take(package(9, to=(B,))) == TAKEN
    assert at(gate, LATER) == (9, 0)
    assert "parameters given-up=8 why=UNKNOWN_SIGNER" in gate.said()


def test_one_waits_at_most_and_times_go_forward(gate: HostBoard) -> None:
    assert gate.take(that_waits()) == KEPT
    assert gate.take(that_waits()) == KEPT  # handed over again
    assert gate.take(package(8, not_before=LATER, to=(B,))) == REFUSED
    assert gate.take(package(9, not_before=LATER + DAY)) == REFUSED
    assert gate.take(package(9, not_before=LATER + DAY, replaces=True)) == KEPT
    assert stands(gate) == (7, 9)
    assert gate.take(package(8)) == REFUSED  # what waits says that it replaces what is older
    assert gate.take(package(10, not_before=NOW - 2 * DAY)) == REFUSED
    assert at(gate, LATER + DAY) == (9, 0)


def test_a_power_cut_anywhere_leaves_what_was_in_force_and_what_waits(gate: HostBoard) -> None:
    """Each half-written state is as if nothing had come: the copy in force and the one that waits are never written."""
    assert gate.take(that_waits()) == KEPT
    urgent = package(9)
    for size in (1, 64, len(urgent) // 2, len(urgent) - 1):
        gate.take_part(urgent[:size], len(urgent))
        gate.start(NOW, 1000)
        gate.confirm(NOW)
        assert stands(gate) == (7, 8)
    assert gate.take(urgent) == TAKEN
    assert stands(gate) == (9, 8)


def test_what_rots_while_it_waits_does_not_come(gate: HostBoard) -> None:
    assert gate.take(that_waits()) == KEPT
    for copy in (*PARAMETERS, MPS2.waiting.start):
        found = gate.flash()[copy + 32 : copy + 36]
        if found == b"YPW1":
            gate.put(copy + 4000, bytes([gate.flash()[copy + 4000] ^ 4]))
    assert at(gate, LATER) == (7, 0)


def cut(gate: HostBoard, operation: int, bits: int) -> bool:
    """The day of what waits comes, and power goes at this operation; so many bits of a unit are written. Whether that
    was before what waited was in force."""
    gate.start(LATER, 1000)
    gate.confirm(LATER)
    gate.cut_flash(operation, bits)
    gate.turn()
    return stands(gate)[0] != 8


@pytest.mark.parametrize("urgent", [None, 9])
@pytest.mark.parametrize("bits", [0, 20, 32, 33, 63])
def test_a_power_cut_while_what_waits_comes_into_force_loses_nothing(
    gate: HostBoard, urgent: int | None, bits: int
) -> None:
    """A bug found: half a head cannot be written again, so what waited was given up (FLASH); where its number was half
    written, it was neither in force nor waiting any more."""
    assert gate.take(that_waits()) == KEPT
    assert urgent is None or gate.take(package(urgent)) == TAKEN
    before = gate.flash()[FLASH_LOW:]
    first = 0
    while cut(gate, first, bits):
        assert at(gate, LATER + 60) == (8, 0), first
        gate.put(FLASH_LOW, before)
        first += 1
    assert first >= 2
    units, following = len(that_waits()) // 8, (urgent or 8) + 1
    for second in (0, 1, 2, units // 2, *range(units, units + 8)):  # and once more, while that is mended
        gate.put(FLASH_LOW, before)
        assert cut(gate, first - 1, bits)
        cut(gate, second, bits)
        assert at(gate, LATER + 60) == (8, 0), second
        assert gate.take(package(following, not_before=LATER)) == TAKEN
        assert at(gate, LATER + DAY) == (following, 0), "what has waited does not come again"


@pytest.mark.parametrize("before_the_end", [0, 1, 3 * DAY, 3 * DAY + 1])
def test_a_package_that_never_expires_is_used(gate: HostBoard, before_the_end: int) -> None:
    """A bug found: three days beyond the end of time were long ago, and nobody rode."""
    assert gate.take(package(8, expiry=2**63 - 1 - before_the_end)) == TAKEN
    gate.turn()
    assert stands(gate) == (8, 0)
    assert gate.stands == (True, True)
