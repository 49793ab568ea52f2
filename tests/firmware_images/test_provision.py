"""What a factory writes beside the image: what fits is read back as it was told, and what does not is refused."""

from dataclasses import replace
from typing import Any

import pytest

from yima.firmware_images.hardware import PARAMETERS_HEADER, board
from yima.firmware_images.provision import Settings, parameters_copy, read_settings, settings_copy
from yima.firmware_images.session import Role, StationKey, bench_key
from yima.validator.errors import ParametersError

PLAIN = Settings(terminal="T1", city=320500)
OPERATOR_TAG = bytes([14, 4])


@pytest.mark.parametrize("text", ["x" * 40, "车" * 13, "", "苏E 00042"])
def test_a_text_of_up_to_40_bytes_is_read_back(text: str) -> None:
    told = replace(PLAIN, plate=text)
    assert read_settings([settings_copy(told)]) == told


@pytest.mark.parametrize("text", ["x" * 41, "车" * 14, "two\nlines", "\0", "\x7f"])
def test_a_longer_text_or_a_control_character_is_refused(text: str) -> None:
    with pytest.raises(ParametersError, match="at most 40 bytes, without control characters"):
        settings_copy(replace(PLAIN, plate=text))


def test_there_is_room_for_four_keys_of_each_kind() -> None:
    signers = tuple(bytes([2, *[number] * 32]) for number in range(5))
    stations = tuple(StationKey(role=Role.MAINTENANCE, public=key) for key in signers)
    told = replace(PLAIN, keys=signers[:4], needed=4, station_keys=stations[:4])
    assert read_settings([settings_copy(told)]) == told
    for more in (replace(told, keys=signers), replace(told, station_keys=stations)):
        with pytest.raises(ParametersError, match="5 keys"):
            settings_copy(more)


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("city", (-1, 1 << 32), (0, (1 << 32) - 1)),
        ("operator", (-1, 1 << 32), (0, (1 << 32) - 1)),
        ("line", (-1, 1 << 16), (0, (1 << 16) - 1)),
        ("station", (-1, 1 << 16), (0, (1 << 16) - 1)),
        ("direction", (-1, 3, 256), (0, 2)),
        ("needed", (0, 3, 256), (1, 2)),
    ],
)
def test_a_number_that_a_device_would_not_go_by_is_refused_by_name(
    name: str, wrong: tuple[int, ...], right: tuple[int, ...]
) -> None:
    """A bug found: a direction of 3 left a device without parameters, more signatures than keys without any for ever;
    what had no room was an OverflowError."""
    signers = tuple(bytes([2, *[number] * 32]) for number in range(2))

    def told(number: int) -> Settings:
        changed: dict[str, Any] = {name: number}
        return replace(PLAIN, keys=signers, **changed)

    for number in wrong:
        with pytest.raises(ParametersError, match=f"settings: {name}: {number} is not"):
            settings_copy(told(number))
    for number in right:
        assert read_settings([settings_copy(told(number))]) == told(number)


@pytest.mark.parametrize("size", [0, 32, 34, 65, 300])
def test_a_key_of_another_size_which_a_device_passes_over_is_refused(size: int) -> None:
    for wrong in (
        replace(PLAIN, keys=[bytes(size)]),
        replace(PLAIN, station_keys=[StationKey(role=Role.CENTRE, public=bytes(size))]),
    ):
        with pytest.raises(ParametersError, match=f"a key has {size} bytes, not 33"):
            settings_copy(wrong)


def test_an_operator_that_was_not_told_does_not_stand_in_the_settings() -> None:
    told = replace(PLAIN, station_keys=(bench_key(),))
    assert OPERATOR_TAG not in settings_copy(told)
    assert OPERATOR_TAG + (99310001).to_bytes(4, "little") in settings_copy(replace(told, operator=99310001))


@pytest.mark.parametrize("name", ["mps2-an500", "posix"])
def test_parameters_are_as_large_as_a_copy_that_a_station_sends_and_not_empty(name: str) -> None:
    hardware = board(name)
    room = hardware.waiting.size - hardware.block - PARAMETERS_HEADER
    copy = parameters_copy(bytes(room), hardware=hardware)
    assert len(copy) == hardware.waiting.size - hardware.block <= hardware.parameters.size // 2
    for wrong in (b"", bytes(room + 1)):
        with pytest.raises(ParametersError, match=f"{len(wrong)} of at most {room} bytes"):
            parameters_copy(wrong, hardware=hardware)
