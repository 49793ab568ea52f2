"""The file concessions.csv: reduced fares, for whom, where and when, and who pays for what is taken off."""

from pathlib import Path

from yima.sdk.parameters.calendar_files import COLUMNS, Times
from yima.sdk.parameters.cells import Cell, Row, read_rows
from yima.sdk.parameters.fare_files import line_of, period, refuse_overlaps
from yima.validator.parameters.members import GROUPS_MAX, group_names
from yima.validator.parameters.rules import Concession, Funder
from yima.validator.texts import Text

_WHO = ("account_type", "group", "organisation", "issuer_city", "line", "riding_city", "mode")


def _either(row: Row, one: str, other: str) -> bool:
    """Whether `one` is filled and `other` is not; refuses rows where both or neither are."""
    if bool(row[one].value) == bool(row[other].value):
        row[one].refuse(
            Text(f"one of {one} and {other} must be filled, and only one", f"{one} 与 {other} 须且只能填一个"),
            Text("Leave one of them", "请只保留一个"),
        )
    return bool(row[one].value)


def concessions_of(path: Path, times: Times) -> list[Concession]:
    """concessions.csv."""
    rows = read_rows(path, ["rule"], [*_WHO, "from", "to", *COLUMNS, "percent", "fen", "funded_by"])
    found = rows.into(lambda row: _concession(row, times))
    for number, row in enumerate(rows, start=1):
        if len(group_names(found[:number])) > GROUPS_MAX:
            row["group"].refuse(
                Text(f"is group number {GROUPS_MAX + 1}", f"是第 {GROUPS_MAX + 1} 个群体"),
                Text(f"A package has room for {GROUPS_MAX}", f"一个参数包最多 {GROUPS_MAX} 个群体"),
            )
    key = {
        id(row): (c.account_type, c.group, c.organisation, c.issuer_city, c.line, c.riding_city, c.mode, c.when)
        for row, c in zip(rows, found, strict=True)
    }
    refuse_overlaps(rows, lambda row: key[id(row)])
    return found


def _concession(row: Row, times: Times) -> Concession:
    begin, end = period(row)
    by_percent = _either(row, "percent", "fen")
    return Concession(
        rule=row["rule"].rule(),
        account_type=row["account_type"].byte() if row["account_type"].value else None,
        group=row["group"].group() if row["group"].value else "",
        organisation=_organisation(row["organisation"]),
        issuer_city=row["issuer_city"].city(), line=line_of(row, "riding_city"),
        riding_city=row["riding_city"].city(),
        mode=row["mode"].mode() if row["mode"].value else None, from_s=begin, to_s=end, when=times.when(row),
        percent=row["percent"].percent() if by_percent else None,
        fen=0 if by_percent else row["fen"].fen(),
        funded_by=row["funded_by"].choice(Funder, Funder.RIDING_CITY),
    )  # fmt: skip


def _organisation(cell: Cell) -> str:
    if not cell.value:
        return ""
    found = cell.digits()
    if not int(found):
        cell.expected("an institution's 8 digits, or nothing for any", "机构的 8 位数字，不限则留空")
    return found
