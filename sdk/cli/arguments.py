"""Arguments that several verbs share: numbers, moments, where a gate stands."""

import argparse
import re
import shlex
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

from yima.sdk.parameters.moments import moment_of
from yima.validator.judging import Direction, GateContext, Mode


def command_line(words: Sequence[str]) -> str:
    """A line that can be typed as it is: with the path of `yima` where it is not on the PATH, as in an environment that
    was not activated."""
    called = Path(sys.argv[0])
    name = "yima" if called.stem != "yima" or shutil.which("yima") else str(called)
    return shlex.join([name, *words])


def add_direction_argument(group: argparse._ActionsContainer) -> None:
    """--direction"""
    group.add_argument(
        "--direction",
        choices=[str(direction) for direction in Direction],
        default=str(Direction.NONE),
        help="what a tap means: entry or exit of a metro, default none: the ride 进站、出站，或单次刷码",
    )


def add_operator_argument(group: argparse._ActionsContainer) -> None:
    """--operator"""
    group.add_argument(
        "--operator",
        type=organisation_number,
        default=0,
        metavar="N",
        help="the operator: the acquirer's organisation code, 8 digits 运营单位：收单机构代码，8 位数字",
    )


def organisation_number(text: str) -> int:
    """An argument's type: an organisation code, 8 digits, as a number; all zeros: not told."""
    if text.isascii() and text.isdecimal() and len(text) == 8:
        return int(text)
    raise argparse.ArgumentTypeError("an organisation code, 8 digits 请给出 8 位机构代码")


def gate_of(arguments: argparse.Namespace) -> GateContext:
    """Where the gate stands, by --mode, --city, --operator, --line, --station and --direction.

    A line or station that is a number (0101 is 101) is the fare tables' too; one that is a name is for records only.
    """
    return GateContext(
        mode=Mode(arguments.mode),
        city=arguments.city,
        line=_table_number(arguments.line),
        station=_table_number(arguments.station),
        direction=Direction(arguments.direction),
        operator=arguments.operator,
    )


def _table_number(text: str) -> int:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 8 else 0
    return number if number <= 0xFFFF else 0


def unix_seconds(text: str) -> int:
    """An argument's type: unix seconds UTC (32 bits, as codes have them), or `now`."""
    if text == "now":
        return int(time.time())
    if text.isascii() and text.isdecimal() and int(text) <= 0xFFFFFFFF:
        return int(text)
    raise argparse.ArgumentTypeError("unix seconds, or now 请给出 unix 秒，或 now")


_YEAR_OR_MONTH = re.compile("(?:19[7-9]|20[0-9]|210)[0-9](?:0[1-9]|1[0-2])?")


def moment(text: str) -> int:
    """An argument's type: unix seconds, `now`, or a date with or without a time, UTC+8 unless it says otherwise. A year
    or a month without a day is none, rather than a second of 1970."""
    if _YEAR_OR_MONTH.fullmatch(text):
        raise argparse.ArgumentTypeError(f"a day is missing: {text[:4]}-{text[4:] or '01'}-01 缺少日期")
    if text == "now" or (text.isdecimal() and len(text) != 8):
        return unix_seconds(text)
    found = moment_of(text)
    if found is None or not 0 <= found.timestamp() <= 0xFFFFFFFF:
        raise argparse.ArgumentTypeError(
            'a moment such as "2026-10-01 07:20" (UTC+8), unix seconds, or now 请给出时刻（UTC+8）、unix 秒或 now'
        )
    return int(found.timestamp())


class WholeNumber:
    """An argument's type: a whole number within these bounds."""

    def __init__(self, low: int, high: int) -> None:
        self._low, self._high = low, high

    def __call__(self, text: str) -> int:
        """Raises argparse.ArgumentTypeError, which argparse shows."""
        if text.isascii() and text.isdecimal() and self._low <= int(text) <= self._high:
            return int(text)
        raise argparse.ArgumentTypeError(f"a whole number from {self._low} to {self._high} 请给出此范围内的整数")


def a_day(text: str) -> int:
    """An argument's type: a day as 20260922 or 2026-09-22."""
    found = re.fullmatch(r"([0-9]{4})(-?)([0-9]{2})\2([0-9]{2})", text)
    if found:
        year, month, day = int(found[1]), int(found[3]), int(found[4])
        with suppress(ValueError):
            date(year, month, day)
            return year * 10000 + month * 100 + day
    raise argparse.ArgumentTypeError("a day, as 20260922 请给出日期，如 20260922")


def a_service_date(text: str) -> int:
    """An argument's type: a day on which somebody may have ridden, so that days beside it are days, too."""
    day = a_day(text)
    if not 1900_01_01 <= day <= 2099_12_31:
        raise argparse.ArgumentTypeError("a day from 1900 to 2099 请给出 1900 至 2099 年间的日期")
    return day
