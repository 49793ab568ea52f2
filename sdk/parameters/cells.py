"""CSV files that people edit, cell by cell: what is wrong is named by file, line, column and reason.

Rules it keeps:
- UTF-8, with or without a byte order mark; cells apart by commas, quoted where they hold one. The first line that is
  neither empty nor begins with `#` names the columns, in any order; columns that a row needs not may be left out.
- Blanks around a cell do not count. An empty cell says nothing, and what that means stands with each column.
- A date is a day, `2024-01-01`, and means its midnight in UTC+8; `2024-01-01 05:30` is a minute of it.
- One row is one line: a line break inside quotes is an error.
"""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from pathlib import Path
from typing import NoReturn, TypeVar

from yima.sdk.groups import GROUP, GROUPS
from yima.validator.errors import ParametersError
from yima.validator.parameters.rules import FEN_MAX, OPEN, RULE_NAME_MAX, Mode
from yima.validator.texts import Text

LOCAL = timezone(timedelta(hours=8))
_FILE_MAX = 64 << 20
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?: [0-9]{2}:[0-9]{2})?")
_RULE = re.compile(rf"[a-z0-9][a-z0-9._-]{{0,{RULE_NAME_MAX - 1}}}")

Choice = TypeVar("Choice", bound=Enum)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: what stands in it, without blanks around it, and where it is."""

    value: str
    file: Path
    line: int
    column: str

    def refuse(self, problem: Text, remedy: Text) -> NoReturn:
        """Raises ParametersError that names this cell."""
        raise ParametersError(f"{self.file}: line {self.line}, {self.column}", problem, remedy)

    def expected(self, english: str, chinese: str) -> NoReturn:
        """Raises ParametersError that shows what stands here and says what belongs here."""
        shown = self.value if len(self.value) <= 40 else self.value[:37] + "..."
        problem = (
            Text(f'"{shown}" is not what belongs here', f"“{shown}”不是此处应有的值")
            if self.value
            else Text("is empty", "为空")
        )
        self.refuse(problem, Text(f"Write {english}", f"请写{chinese}"))

    def number(self, low: int, high: int, default: int | None = None) -> int:
        """A whole number within the bounds; the default where the cell is empty."""
        if not self.value and default is not None:
            return default
        if not re.fullmatch(r"[0-9]{1,10}", self.value) or not low <= int(self.value) <= high:
            self.expected(f"a whole number from {low} to {high}", f"{low} 到 {high} 的整数")
        return int(self.value)

    def fen(self, default: int | None = None) -> int:
        """Money in fen."""
        return self.number(0, FEN_MAX, default)

    def byte(self) -> int:
        """A value of one byte, decimal or as 0x41."""
        if re.fullmatch(r"0[xX][0-9A-Fa-f]{1,2}", self.value):
            return int(self.value, 16)
        if not re.fullmatch(r"[0-9]{1,3}", self.value) or int(self.value) > 255:
            self.expected("a number from 0 to 255, or 0x00 to 0xFF", "0 到 255 的数，或 0x00 到 0xFF")
        return int(self.value)

    def digits(self) -> str:
        """8 digits: an organisation, a platform."""
        if not re.fullmatch(r"[0-9]{8}", self.value):
            self.expected("8 digits", "8 位数字")
        return self.value

    def city(self, *, needed: bool = False) -> int:
        """A division code; 0 where the cell is empty."""
        if not self.value and not needed:
            return 0
        if not re.fullmatch(r"[1-9][0-9]{5}", self.value):
            self.expected("a city's division code, 6 digits", "6 位行政区划代码")
        return int(self.value)

    def choice(self, kind: type[Choice], default: Choice | None = None) -> Choice:
        """One of some words; the default where the cell is empty."""
        if not self.value and default is not None:
            return default
        names = [str(member.value) for member in kind]
        if self.value not in names:
            self.expected(" or ".join(names), " 或 ".join(names))
        return next(member for member in kind if member.value == self.value)

    def mode(self) -> Mode:
        """bus or metro."""
        return self.choice(Mode)

    def modes(self) -> tuple[Mode, ...]:
        """bus, metro or both apart by a blank; both where the cell is empty."""
        words = self.value.split() or [str(mode) for mode in Mode]
        if not set(words) <= {str(mode) for mode in Mode}:
            self.expected("bus, metro, or both apart by a blank", "bus、metro，或以空格分隔的两者")
        return tuple(mode for mode in Mode if mode in words)

    def rule(self) -> str:
        """A rule's name, ASCII."""
        if not _RULE.fullmatch(self.value):
            self.expected(
                f"a name of at most {RULE_NAME_MAX} small letters, digits, '.', '_' and '-'",
                f"最多 {RULE_NAME_MAX} 个字符的名称：小写字母、数字、“.”“_”“-”",
            )
        return self.value

    def moment(self, default: int) -> int:
        """A date as unix seconds; the default where the cell is empty."""
        if not self.value:
            return default
        try:
            form = "%Y-%m-%d %H:%M" if " " in self.value else "%Y-%m-%d"
            moment = datetime.strptime(self.value, form).replace(tzinfo=LOCAL) if _DATE.fullmatch(self.value) else None
        except ValueError:  # the 30th of February
            moment = None
        if moment is None or not 0 <= moment.timestamp() < OPEN:
            self.expected("a date from 1971 to 2105 such as 2024-01-01", "1971 至 2105 年的日期，例如 2024-01-01")
        return int(moment.timestamp())

    def group(self) -> str:
        """A group of riders."""
        if not GROUP.fullmatch(self.value):
            words = ", ".join(GROUPS)
            self.expected(
                f"a group: {words}, or resident- and six digits", f"群体：{words}，或 resident- 加六位区划代码"
            )
        return self.value

    def account(self) -> bytes:
        """A card account, 10 bytes; what stands here stays out of messages."""
        if len(self.value) != 20 or not re.fullmatch(r"[0-9]+[Ff]*", self.value):
            self.refuse(
                Text("no card account", "不是卡账户号"),
                Text("Write 20 digits, the last ones may be F", "请写 20 位数字，末尾可用 F 填充"),
            )
        return bytes.fromhex(self.value)

    def name(self, most: int) -> str:
        """A name for people, at most so many bytes of UTF-8; may be empty."""
        if len(self.value.encode()) > most or not all(c.isprintable() for c in self.value):
            self.expected(f"at most {most} bytes without control characters", f"最多 {most} 字节，不含控制字符")
        return self.value


class Row:
    """One line of a file."""

    def __init__(self, file: Path, line: int, cells: dict[str, str]) -> None:
        self.file = file
        self.line = line
        self._cells = cells

    def __getitem__(self, column: str) -> Cell:
        return Cell(self._cells.get(column, ""), self.file, self.line, column)

    def accounts(self) -> tuple[bytes, bytes]:
        """Columns `account` and `last`: the first and the last of a range; an empty `last` makes it one account."""
        first = self["account"].account()
        last = self["last"].account() if self["last"].value else first
        if last < first:
            self["last"].refuse(Text("lies before account", "小于 account"), Text("Exchange the two", "请对调两者"))
        return first, last

    def refuse(self, problem: Text, remedy: Text) -> NoReturn:
        """Raises ParametersError that names this line."""
        raise ParametersError(f"{self.file}: line {self.line}", problem, remedy)


def read_lines(file: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines of a CSV file that say something, with their numbers. Raises ParametersError."""
    text = _text(file)
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), start=1):
        if not line.strip(" \t,") or line.lstrip().startswith("#"):
            continue
        try:
            yield number, [cell.strip() for cell in next(csv.reader([line], strict=True))]
        except csv.Error as error:
            raise ParametersError(
                f"{file}: line {number}",
                Text(f"not CSV: {error}", f"不是 CSV：{error}"),
                Text("Mend the quotes; a cell holds no line break", "请修正引号；单元格内不可换行"),
            ) from error


def _text(file: Path) -> str:
    try:
        size = file.stat().st_size
        if size > _FILE_MAX:
            raise ParametersError(file, Text(f"{size} bytes", f"{size} 字节"), Text("At most 64 MiB", "最多 64 MiB"))
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ParametersError(
            file,
            Text(f"cannot be read: {error.strerror}", f"无法读取：{error.strerror}"),
            Text("Check the path and its permissions", "请检查路径与权限"),
        ) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ParametersError(
            f"{file}: line {line}",
            Text("not UTF-8", "不是 UTF-8 编码"),
            Text("Save the file as UTF-8; spreadsheets call it «CSV UTF-8»", "请以 UTF-8 保存，例如“CSV UTF-8”"),
        ) from error


def read_rows(file: Path, needed: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """The rows of a file whose first line names its columns. Raises ParametersError."""
    return list(each_row(file, needed, optional))


def each_row(file: Path, needed: Sequence[str], optional: Sequence[str] = ()) -> Iterator[Row]:
    """The same one after the other, for a file of very many."""
    lines = read_lines(file)
    number, columns = next(lines, (1, []))
    known = (*needed, *optional)
    place = Row(file, number, {})
    for column in columns:
        if column not in known or columns.count(column) > 1:
            twice = column in known
            place[column or "(no name)"].refuse(
                Text("stands twice", "重复") if twice else Text("no such column", "没有这一列"),
                Text(f"Columns here: {','.join(known)}", f"此文件的列：{','.join(known)}"),
            )
    missing = [column for column in needed if column not in columns]
    if missing:
        place[missing[0]].refuse(
            Text("the column is missing", "缺少这一列"),
            Text(f"Columns here: {','.join(known)}", f"此文件的列：{','.join(known)}"),
        )
    for number, cells in lines:
        if len(cells) > len(columns):
            Row(file, number, {}).refuse(
                Text(f"{len(cells)} cells for {len(columns)} columns", f"{len(columns)} 列却有 {len(cells)} 个单元格"),
                Text("Quote a cell that holds a comma", "含逗号的单元格请加引号"),
            )
        yield Row(file, number, dict(zip(columns, cells, strict=False)))


def refuse_repeated(rows: Sequence[Row], key: Callable[[Row], object]) -> None:
    """Refuses a row that says the same again as one before it."""
    seen: dict[object, int] = {}
    for row in rows:
        before = seen.setdefault(key(row), row.line)
        if before != row.line:
            row.refuse(
                Text(f"repeats line {before}", f"与第 {before} 行重复"), Text("Leave one of them", "请只保留一个")
            )
