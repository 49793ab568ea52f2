"""A day as it is typed: whole, or it is none."""

import argparse
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.cli.arguments import a_day


@given(st.dates())
def test_a_day_is_eight_digits_with_two_dashes_or_none(day: date) -> None:
    assert a_day(f"{day:%Y}".zfill(4) + f"{day:%m%d}") == a_day(str(day)) == int(str(day).replace("-", ""))


@pytest.mark.parametrize(
    "text",
    [
        *("2026111", "2026-1-1", "2026-1101", "202611-01", "20260230", "20261301", "00000101"),
        *("２０２６１１０１", " 20261101", "20261101\n", ""),
    ],
)
def test_a_day_of_which_a_digit_is_missing_is_no_other_day(text: str) -> None:
    """2026111 was taken for 1 November."""
    with pytest.raises(argparse.ArgumentTypeError, match="a day, as 20260922"):
        a_day(text)
