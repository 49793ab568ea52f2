"""A reader's address: options that are left open come from the parameters, those that are given stay."""

import pytest

from yima.validator.errors import ReaderError
from yima.validator.readers.address import completed, hex_bytes, split

PROFILE = {"baud": "9600", "gap_ms": "30", "prefix": "", "suffix": "0d0a"}


def test_options_left_open_come_from_the_profile_and_given_ones_stay() -> None:
    assert completed("serial:/dev/ttyUSB0", "serial", PROFILE) == "serial:/dev/ttyUSB0?baud=9600&gap_ms=30&suffix=0d0a"
    assert (
        completed("serial:/dev/ttyUSB0?gap_ms=5", "serial", PROFILE)
        == "serial:/dev/ttyUSB0?gap_ms=5&baud=9600&suffix=0d0a"
    )


@pytest.mark.parametrize("specification", ["camera:0", "file:codes", "serial", ""])
def test_another_back_end_is_left_alone(specification: str) -> None:
    assert completed(specification, "serial", PROFILE) == specification


@pytest.mark.parametrize("text", ["0", "0g", "00" * 9, "0x0d"])
def test_bytes_that_are_none_are_named(text: str) -> None:
    place, options = split(f"/dev/ttyUSB0?suffix={text}", known=("suffix",))
    with pytest.raises(ReaderError, match="is no value for suffix"):
        hex_bytes(place, options, "suffix")
