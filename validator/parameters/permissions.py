"""Whose codes ride where, and which certificates are withdrawn, as the plain TOML form says it.

Its rows have the columns of a source's `acceptance.csv` and `revoked.csv` for keys, and mean the same:

    [acceptance]                            # riding city = issuers' cities; left out: all are accepted
    320500 = [310000, 320500]

    [[acceptance]]                          # or row by row
    riding_city = 340100
    issuer_city = 310000
    mode = "metro"                          # left out: both
    family = "suishen"                      # left out: of all families
    from = 2026-10-01                       # UTC+8; left out: always
    to = 2027-01-01

    [[revoked]]
    root = 1
    organisation = "00083010"               # left out: every institution
    serial = "00a0ff"                       # left out: every serial
    from = 2026-10-01 05:30:00
    why = "stolen"                          # for people
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from itertools import pairwise
from typing import Any

from yima.validator.parameters.rules import OPEN, Acceptance, Mode, Revocation
from yima.validator.parameters.tables import Place, Table, modes_of, numbers
from yima.validator.texts import Text

FAMILIES = ("ministry", "ministry-226", "suishen", "sufu", "anhui", "zhejiang")
"""What acceptance may be limited to: the families that can be judged, the unified platform's form as the ministry's."""
_LOCAL = timezone(timedelta(hours=8))


def acceptance_of(value: object, place: Place) -> list[Acceptance] | None:
    """The table or the tables `acceptance`; None where there is none. Raises ParametersError."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return _by_city(value, place)
    accepted = [row for table in _tables(value, place) for row in _accepted(table)]
    _refuse_overlaps(accepted, place, lambda row: (row.riding_city, row.mode, row.issuer_city, row.family))
    return accepted


def revoked_of(value: object, place: Place) -> list[Revocation]:
    """The tables `revoked`. Raises ParametersError."""
    revoked = [_revoked(table) for table in _tables(value or [], place)]
    _refuse_overlaps(revoked, place, lambda row: (row.root, row.organisation, row.serial))
    return revoked


def _tables(value: object, place: Place) -> list[Table]:
    if not isinstance(value, list | tuple):
        place.expected(value, "tables, each [[...]]", "若干个 [[...]] 表")
    return [Table(one, place.at(str(number))) for number, one in enumerate(value, start=1)]


def _by_city(value: Mapping[Any, object], place: Place) -> list[Acceptance]:
    acceptance = []
    for key, issuers in value.items():
        inner = place.at(str(key))
        if not re.fullmatch(r"[1-9][0-9]{5}", str(key)):
            inner.expected(key, "a city's division code, 6 digits", "6 位行政区划代码")
        acceptance += [
            Acceptance(riding_city=int(key), mode=mode, issuer_city=issuer)
            for issuer in numbers(issuers, inner, 100000, 999999)
            for mode in Mode
        ]
    return acceptance


def _accepted(table: Table) -> list[Acceptance]:
    mode = table.take("mode")
    modes = tuple(Mode) if mode is None else modes_of([mode], table.place.at("mode"))
    riding, issuer = (table.number(key, 100000, 999999) for key in ("riding_city", "issuer_city"))
    family = table.take("family")
    if family is not None and family not in FAMILIES:
        names = ", ".join(FAMILIES)
        table.place.at("family").expected(
            family, f"one of {names}; leave it out for all", f"{names} 之一；省略则为全部"
        )
    begin, end = _period(table)
    table.done()
    return [
        Acceptance(
            riding_city=riding, mode=one, issuer_city=issuer, family=str(family or ""), from_s=begin, to_s=end
        )
        for one in modes
    ]  # fmt: skip


def _revoked(table: Table) -> Revocation:
    root = table.number("root", 0, 255)
    organisation = table.digits("organisation") if table.has("organisation") else ""
    serial = table.take("serial")
    if serial is not None and not (isinstance(serial, str) and re.fullmatch(r"[0-9A-Fa-f]{6}", serial)):
        table.place.at("serial").expected(serial, 'its 3 bytes, such as "00a0ff"', '3 字节，例如 "00a0ff"')
    table.take("why")
    begin, end = _period(table)
    table.done()
    return Revocation(
        root=root, organisation=organisation, serial=str(serial or "").lower(), from_s=begin, to_s=end
    )  # fmt: skip


def _period(table: Table) -> tuple[int, int]:
    begin, end = (_moment(table, key, default) for key, default in (("from", 0), ("to", OPEN)))
    if end <= begin:
        table.place.at("to").refuse(
            Text("does not lie behind from", "不晚于 from"), Text("Correct one of the two", "请更正其中之一")
        )
    return begin, end


def _moment(table: Table, key: str, default: int) -> int:
    """A date of TOML, its midnight in UTC+8, or a time of it, UTC+8 where it says no other zone."""
    value = table.take(key)
    if value is None:
        return default
    seconds = -1
    if isinstance(value, date):
        whole = value if isinstance(value, datetime) else datetime.combine(value, time())
        seconds = int(whole.timestamp() if whole.tzinfo else whole.replace(tzinfo=_LOCAL).timestamp())
    if not 0 <= seconds < OPEN:
        table.place.at(key).expected(value, "a date without quotes, as 2026-10-01", "不带引号的日期，如 2026-10-01")
    return seconds


def _refuse_overlaps(rows: Sequence[Any], place: Place, key: Any) -> None:
    """Rows that say the same of different times may not overlap."""
    ordered = sorted(rows, key=lambda row: (key(row), row.from_s))
    for row, following in pairwise(ordered):
        if key(row) == key(following) and following.from_s < row.to_s:
            shown = " ".join(str(part) for part in key(row) if part)
            place.refuse(
                Text(f"says of the same time twice: {shown}", f"同一时间重复：{shown}"),
                Text("Leave one of the rows, or correct from and to", "请只保留一行，或更正 from 与 to"),
            )
