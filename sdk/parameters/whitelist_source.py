"""The ministry's whitelist taken over into a source directory's whitelist.csv, and given out of it again.

The ministry's file says who is to be taken, not where each institution is at home. So:
- an institution that is known keeps its city, modes and name; its platform is the file's;
- one that is new needs its city from whoever takes it over (0: taken everywhere, said and not assumed);
- one that the file no longer names goes. Nothing is written unless all of it can be.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from yima.sdk.parameters.cells import Cell, Row, read_rows, refuse_repeated
from yima.sdk.parameters.problems import every_problem
from yima.sdk.parameters.sheets import notes_in
from yima.sdk.parameters.whitelist_file import WhitelistFile, WhitelistFileError, compare
from yima.sdk.parameters.workbooks import is_sheet
from yima.validator.errors import ParametersError
from yima.validator.system.disk import write_whole
from yima.validator.texts import Text

COLUMNS = ("organisation", "platform", "city", "modes", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Institutions that came, that went, and whose platform changed."""

    came: tuple[str, ...]
    went: tuple[str, ...]
    changed: tuple[str, ...]


def take_over(path: Path, whitelist: WhitelistFile, homes: Mapping[str, int]) -> Taken:
    """Makes whitelist.csv at `path` hold this whitelist. homes: division codes of new institutions, 0 for everywhere.

    Notes stay, at the head of the file. Raises ParametersError, also where `path` is a sheet of a workbook, which is
    read and not written; then the file is as it was.
    """
    if is_sheet(path):
        raise ParametersError(
            path,
            Text("is a sheet of a workbook, which is not written here", "是工作簿中的工作表，无法写入"),
            Text(
                f"Save the sheet as {path.parent.with_name('whitelist.csv')} («CSV UTF-8»), let the sheet's name begin "
                "with #, and import again",
                f"请将该工作表另存为 {path.parent.with_name('whitelist.csv')}（CSV UTF-8），"
                "并使工作表名以 # 开头，再重新导入",
            ),
        )
    known: dict[str, Row] = {}
    head: list[str] = []
    if path.exists():
        known = {row["organisation"].digits(): row for row in _rows(path)}
        head = notes_in(path)
    homeless = [one for one, _ in whitelist.pairs if one not in known and one not in homes]
    if homeless:
        shown = ", ".join(homeless[:5]) + (" …" if len(homeless) > 5 else "")
        raise WhitelistFileError(
            whitelist.name,
            Text(
                f"{len(homeless)} new institutions without a city: {shown}", f"{len(homeless)} 家新机构无城市：{shown}"
            ),
            Text(
                "Say where each is at home: --home ORGANISATION=DIVISION, 0 for everywhere, or --homes FILE for many",
                "请用 --home 机构号=行政区划代码 指定，0 表示各地均受理；数量多时用 --homes 文件",
            ),
        )
    text = io.StringIO()
    for line in (*head, ",".join(COLUMNS)):
        text.write(line + "\n")
    writer = csv.writer(text, lineterminator="\n")
    for organisation, platform in whitelist.pairs:
        row = known.get(organisation)
        rest = [row[name].value for name in COLUMNS[2:]] if row else [str(homes[organisation] or ""), "", ""]
        writer.writerow([organisation, platform, *rest])
    _replace(path, text.getvalue())
    before = [(organisation, row["platform"].value) for organisation, row in known.items()]
    came, went, changed = compare(before, whitelist.pairs)
    return Taken(came=tuple(came), went=tuple(went), changed=tuple(changed))


def read_homes(path: Path) -> dict[str, int]:
    """Where institutions are at home, from a table of `organisation` and `city`: a whitelist.csv is one.

    Raises ParametersError. An empty city is everywhere, and so is 0, as on the command line.
    """
    with every_problem():
        rows = read_rows(path, ["organisation", "city"], ["platform", "modes", "name"])
        homes = rows.into(lambda row: (row["organisation"].digits(), _home(row["city"])))
        # A whitelist.csv may name an institution once for each of its platforms, at one home.
        told: dict[tuple[str, str], Row] = {}
        for row in rows:
            told.setdefault((row["organisation"].value, row["city"].numeral()), row)
        refuse_repeated(list(told.values()), lambda row: row["organisation"].value)
    return dict(homes)


def _home(cell: Cell) -> int:
    return 0 if cell.whole() == "0" else cell.city()


def give_out(path: Path, issued: date, serial: str) -> WhitelistFile:
    """The whitelist.csv, or the sheet, at `path` as the ministry's file; serial: the 24 digits of its name.

    Raises ParametersError where an institution stands with two platforms: the ministry's file has one line for each.
    """
    rows = _rows(path)
    return WhitelistFile(
        issued=issued,
        serial=serial,
        pairs=tuple((row["organisation"].digits(), row["platform"].digits()) for row in rows),
    )


def _rows(path: Path) -> list[Row]:
    rows = read_rows(path, COLUMNS[:2], COLUMNS[2:])
    lines: dict[str, int] = {}
    for row in rows:
        first = lines.setdefault(row["organisation"].value, row.line)
        if first != row.line:
            row["organisation"].refuse(
                Text(f"stands in line {first} with another platform", f"在第 {first} 行已有另一平台"),
                Text("The ministry's file has one platform for an institution", "部平台白名单每家机构只有一个平台"),
            )
    return rows


def _replace(path: Path, text: str) -> None:
    try:
        write_whole(path, text.encode(), 0o666)  # others edit the source too
    except OSError as error:
        raise ParametersError(
            path,
            Text(f"cannot be written ({error.strerror})", f"无法写入（{error.strerror}）"),
            Text("Check the directory and its permissions", "请检查目录与权限"),
        ) from error
