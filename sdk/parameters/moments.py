"""Dates as operators and spreadsheets write them: UTC+8 unless they say otherwise, year first.

`2024-01-01`, `2024/1/1`, `2024.1.1`, `2024年1月1日` and `20240101` are that day's midnight in UTC+8; a time may follow,
behind a blank or a T, with or without seconds; `Z` or `+08:00` behind the time tells another zone. Day or month first
(`1/2/2024`) could be two days, and is none.
"""

import re
from datetime import UTC, datetime, timedelta, timezone

LOCAL = timezone(timedelta(hours=8))
_SERIAL_0 = datetime(1899, 12, 30, tzinfo=LOCAL)  # day 0 of a spreadsheet's calendar
_DAY = (
    r"(?P<y>\d{4})(?:(?P<mark>[-/.])(?P<m>\d{1,2})(?P=mark)(?P<d>\d{1,2})"
    r"|年(?P<m2>\d{1,2})月(?P<d2>\d{1,2})日|(?P<md>\d{4}))"
)
_TIME = r"(?:[ T](?P<h>\d{1,2}):(?P<min>\d{2})(?::(?P<s>\d{2}))?(?P<zone>Z|[+-]\d{2}:\d{2})?)?"
_MOMENT = re.compile(_DAY + _TIME, re.ASCII)


def moment_of(text: str) -> datetime | None:
    """The moment, with its zone; None: no date that can mean only one."""
    found = _MOMENT.fullmatch(text.strip())
    if not found:
        return None
    month, day = found["m"] or found["m2"] or found["md"][:2], found["d"] or found["d2"] or found["md"][2:]
    try:
        zone = LOCAL
        if found["zone"]:
            zone = UTC if found["zone"] == "Z" else datetime.strptime(found["zone"], "%z").tzinfo or LOCAL  # type: ignore[assignment]
        return datetime(
            int(found["y"]), int(month), int(day), int(found["h"] or 0), int(found["min"] or 0), int(found["s"] or 0),
            tzinfo=zone,
        )  # fmt: skip
    except ValueError:  # the 30th of February, 25 hours ahead of UTC
        return None


def of_serial(text: str) -> str:
    """The day that a spreadsheet shows for a bare number such as 45292, as it is to be written; empty: none."""
    number = int(text) if re.fullmatch(r"[0-9]{5}", text) else 0
    return f"{_SERIAL_0 + timedelta(days=number):%Y-%m-%d}" if 20000 <= number <= 75000 else ""


def as_local(unix_s: int) -> str:
    """A moment for people: 2026-10-01 07:20 UTC+8, with seconds if it has any."""
    moment = datetime.fromtimestamp(unix_s, LOCAL)
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC+8" if moment.second else f"{moment:%Y-%m-%d %H:%M} UTC+8"
