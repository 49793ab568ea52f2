"""A day or a moment as it is typed: whole, or it is none."""

import argparse
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.cli.arguments import a_day, a_service_date, moment


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


@pytest.mark.parametrize("text", ["00010101", "18991231", "21000101", "99991231"])
def test_nobody_rode_on_a_day_that_has_none_beside_it(text: str) -> None:
    """`centre share --day 99991231` and `centre simulate --from 00010101` ended with a traceback."""
    assert [a_service_date(day) for day in ("19000101", "2099-12-31")] == [19000101, 20991231]
    with pytest.raises(argparse.ArgumentTypeError, match="a day from 1900 to 2099"):
        a_service_date(text)


@pytest.mark.parametrize("text", ["2026", "1970", "2106", "202610", "210012"])
def test_a_year_or_a_month_alone_is_no_second_of_1970(text: str) -> None:
    """A bug found: `--not-before 2027` was half past midnight on the first day of 1970."""
    with pytest.raises(argparse.ArgumentTypeError, match="a day is missing"):
        moment(text)


@pytest.mark.parametrize(
    ("text", "unix_s"),
    [("0", 0), ("1969", 1969), ("202613", 202613), ("1790000000", 1790000000), ("20261001", 1790784000)],
)
def test_a_moment_is_unix_seconds_or_a_date_of_our_zone(text: str, unix_s: int) -> None:
    assert moment(text) == unix_s
