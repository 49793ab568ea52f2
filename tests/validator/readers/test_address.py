"""A reader's address: options that are left open come from the parameters, those that are given stay."""

import pytest

from yima.validator.errors import ReaderError
from yima.validator.readers.address import completed, hex_bytes, number, split

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


@pytest.mark.parametrize(("text", "due"), [("300", 300), ("4000000", 4_000_000), ("000000300", 300), (None, 115_200)])
def test_a_number_within_its_bounds_is_taken(text: str | None, due: int) -> None:
    options = {} if text is None else {"baud": text}
    assert number("/dev/ttyUSB0", options, "baud", 115_200, least=300, most=4_000_000) == due


@pytest.mark.parametrize(
    "text", ["", "x", "9600x", "-9600", "9.6", "299", "4000001", "0000000300", "９６００", "²", "1e4"]
)
def test_what_is_no_number_or_beyond_its_bounds_is_named(text: str) -> None:
    with pytest.raises(ReaderError, match="is no value for baud") as refused:
        number("/dev/ttyUSB0", {"baud": text}, "baud", 115_200, least=300, most=4_000_000)
    assert "from 300 to 4000000" in refused.value.remedy.en
