"""Where a gate stands, as its operator types it: a number of a line or station is the fare tables' too."""

import argparse

import pytest

from yima.sdk.cli.arguments import gate_of, organisation_number
from yima.validator.judging import Direction, GateContext, Mode


def gate(**words: object) -> GateContext:
    plain = {"mode": "metro", "city": 310000, "line": "", "station": "", "direction": "none", "operator": 0}
    return gate_of(argparse.Namespace(**(plain | words)))


def test_numbers_are_those_of_the_fare_tables() -> None:
    expected = GateContext(mode=Mode.METRO, city=310000, line=1, station=106, direction=Direction.EXIT)
    assert gate(line="1", station="0106", direction="exit") == expected


@pytest.mark.parametrize("station", ["", "人民广场", "12A", "65536", "-1", "１０６", "9" * 20])
def test_names_and_what_no_table_can_hold_are_for_records_only(station: str) -> None:
    assert gate(station=station).station == 0


def test_an_operator_is_an_organisation_code_of_8_digits() -> None:
    assert gate(operator=organisation_number("00083010")).operator == 83010
    for wrong in ("", "83010", "000830100", "0008301x", "０００８３０１０"):
        with pytest.raises(argparse.ArgumentTypeError, match="8 digits"):
            organisation_number(wrong)
