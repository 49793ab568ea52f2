"""Tables that people edit, cell by cell: what is wrong is named by file, line, column and reason.

Rules it keeps:
- The first line names the columns, in any order; columns that a row needs not may be left out.
- Blanks around a cell do not count. An empty cell says nothing, and what that means stands with each column.
- What a spreadsheet makes of a value is read where it can mean only one thing: `200.0`, `2024/1/1`, `50%`.
- Within `problems.every_problem` a cell that is wrong is noted, and the row goes on with a value of the right kind.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import wraps
from pathlib import Path
from typing import Concatenate, NoReturn, ParamSpec, TypeVar

from yima.sdk.groups import GROUP, GROUPS
from yima.sdk.parameters.moments import LOCAL, moment_of, of_serial
from yima.sdk.parameters.problems import attempt, tell, told
from yima.sdk.parameters.sheets import read_lines
from yima.validator.errors import ParametersError
from yima.validator.parameters.rules import FEN_MAX, OPEN, RULE_NAME_MAX, Mode
from yima.validator.texts import Text

__all__ = ["LOCAL", "Cell", "Row", "Rows", "each_row", "made_of", "read_lines", "read_rows", "refuse_repeated"]

_RULE = re.compile(rf"[a-z0-9][a-z0-9._-]{{0,{RULE_NAME_MAX - 1}}}")

Choice = TypeVar("Choice", bound=Enum)
Made = TypeVar("Made")
Given = ParamSpec("Given")


def _going_on(
    instead: Made,
) -> Callable[[Callable[Concatenate["Cell", Given], Made]], Callable[Concatenate["Cell", Given], Made]]:
    """A reading of a cell that may be noted as wrong: then this takes the place of its value."""

    def of(read: Callable[Concatenate["Cell", Given], Made]) -> Callable[Concatenate["Cell", Given], Made]:
        @wraps(read)
        def reading(cell: "Cell", /, *args: Given.args, **keywords: Given.kwargs) -> Made:
            try:
                return read(cell, *args, **keywords)
            except ParametersError as error:
                tell(error)
                return instead

        return reading

    return of


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: what stands in it, without blanks around it, and where it is."""

    value: str
    file: Path
    line: int
    column: str

    def error(self, problem: Text, remedy: Text) -> ParametersError:
        """The error that names this cell."""
        return ParametersError(f"{self.file}: line {self.line}, {self.column}", problem, remedy)

    def refuse(self, problem: Text, remedy: Text) -> NoReturn:
        """Raises ParametersError that names this cell."""
        raise self.error(problem, remedy)

    def expected(self, english: str, chinese: str) -> NoReturn:
        """Raises ParametersError that shows what stands here and says what belongs here."""
        shown = self.value if len(self.value) <= 40 else self.value[:37] + "..."
        problem = (
            Text(f'"{shown}" is not what belongs here', f"“{shown}”不是此处应有的值")
            if self.value
            else Text("is empty", "为空")
        )
        remedy = Text(f"Write {english}", f"请写{chinese}")
        plain = unicodedata.normalize("NFKC", self.value)
        if plain != self.value and plain.isascii():
            remedy = Text(f"{remedy.en}, in plain characters: {plain[:40]}", f"{remedy.zh}，使用半角字符：{plain[:40]}")
        if mark := next((mark for mark in "，；;" if mark in self.value), ""):
            remedy = Text(
                f"{remedy.en}; cells are apart by ',', not '{mark}'", f"{remedy.zh}；单元格以“,”分隔，不用“{mark}”"
            )
        self.refuse(problem, remedy)

    def whole(self) -> str:
        """The value; of a number that a spreadsheet wrote as 200.0 what stands before the point."""
        return re.sub(r"(?<=[0-9])\.0+$", "", self.value)

    def numeral(self) -> str:
        """The same for all ways to write one number: for keys."""
        return self.whole().lstrip("0")

    @_going_on(0)
    def number(self, low: int, high: int, default: int | None = None) -> int:
        """A whole number within the bounds; the default where the cell is empty."""
        if not self.value and default is not None:
            return default
        whole = self.whole()
        if not re.fullmatch(r"[0-9]{1,10}", whole) or not low <= int(whole) <= high:
            self.expected(f"a whole number from {low} to {high}", f"{low} 到 {high} 的整数")
        return int(whole)

    @_going_on(0.0)
    def percent(self) -> float:
        """A number from 0 to 100 with at most one decimal; a sign behind it does not count."""
        number = re.sub(r"(\.[0-9])0+$", r"\1", self.value.removesuffix("%").rstrip())
        if not re.fullmatch(r"[0-9]{1,3}(\.[0-9])?", number) or float(number) > 100:
            self.expected("a number from 0 to 100, with at most one decimal", "0 到 100 的数，最多一位小数")
        return float(number)

    def fen(self, default: int | None = None) -> int:
        """Money in fen."""
        return self.number(0, FEN_MAX, default)

    @_going_on(0)
    def byte(self) -> int:
        """A value of one byte, decimal or as 0x41."""
        if re.fullmatch(r"0[xX][0-9A-Fa-f]{1,2}", self.value):
            return int(self.value, 16)
        whole = self.whole()
        if not re.fullmatch(r"[0-9]{1,3}", whole) or int(whole) > 255:
            self.expected("a number from 0 to 255, or 0x00 to 0xFF", "0 到 255 的数，或 0x00 到 0xFF")
        return int(whole)

    @_going_on("00000000")
    def digits(self) -> str:
        """8 digits: an organisation, a platform."""
        if not re.fullmatch(r"[0-9]{8}", self.value):
            whole = self.whole()
            if re.fullmatch(r"[0-9]{1,7}", whole):
                self.expected(
                    f"8 digits, such as {whole:0>8}: a spreadsheet takes zeros at the front away",
                    f"8 位数字，例如 {whole:0>8}：电子表格会去掉前面的零",
                )
            self.expected("8 digits", "8 位数字")
        return self.value

    @_going_on(100000)
    def city(self, *, needed: bool = False) -> int:
        """A division code; 0 where the cell is empty."""
        if not self.value and not needed:
            return 0
        whole = self.whole()
        if not re.fullmatch(r"[1-9][0-9]{5}", whole):
            self.expected("a city's division code, 6 digits", "6 位行政区划代码")
        return int(whole)

    def choice(self, kind: type[Choice], default: Choice | None = None) -> Choice:
        """One of some words; the default where the cell is empty."""
        if not self.value and default is not None:
            return default
        for member in kind:
            if member.value == self.value:
                return member
        names = [str(member.value) for member in kind]
        attempt(lambda: self.expected(" or ".join(names), " 或 ".join(names)), None)
        return default or next(iter(kind))

    def mode(self) -> Mode:
        """bus or metro."""
        return self.choice(Mode)

    @_going_on(tuple(Mode))
    def modes(self) -> tuple[Mode, ...]:
        """bus, metro or both apart by a blank; both where the cell is empty."""
        words = self.value.split() or [str(mode) for mode in Mode]
        if not set(words) <= {str(mode) for mode in Mode}:
            self.expected("bus, metro, or both apart by a blank", "bus、metro，或以空格分隔的两者")
        return tuple(mode for mode in Mode if mode in words)

    @_going_on("a")
    def rule(self) -> str:
        """A rule's name, ASCII."""
        if not _RULE.fullmatch(self.value):
            self.expected(
                f"a name of at most {RULE_NAME_MAX} small letters, digits, '.', '_' and '-'",
                f"最多 {RULE_NAME_MAX} 个字符的名称：小写字母、数字、“.”“_”“-”",
            )
        return self.value

    @_going_on(0)
    def moment(self, default: int | None) -> int:
        """A date as unix seconds; the default, if there is one, where the cell is empty."""
        if not self.value and default is not None:
            return default
        moment = moment_of(self.value)
        if moment is None or not 0 <= moment.timestamp() < OPEN:
            shown = of_serial(self.value)
            self.expected(
                f"a date from 1971 to 2105 such as {shown or '2024-01-01'}, year first",
                f"1971 至 2105 年的日期，例如 {shown or '2024-01-01'}，年份在前",
            )
        return int(moment.timestamp())

    @_going_on("")
    def group(self) -> str:
        """A group of riders."""
        if not GROUP.fullmatch(self.value):
            words = ", ".join(GROUPS)
            self.expected(
                f"a group: {words}, or resident- and six digits", f"群体：{words}，或 resident- 加六位区划代码"
            )
        return self.value

    @_going_on(bytes(10))
    def account(self) -> bytes:
        """A card account, 10 bytes; what stands here stays out of messages."""
        if re.fullmatch(r"[0-9.]+[eE]\+?[0-9]+", self.value):
            self.refuse(
                Text("a number that a spreadsheet has rounded", "电子表格已将该号码四舍五入"),
                Text("Make the column text, and fill in the account again", "请将该列设为文本格式后重新填写账户号"),
            )
        if len(self.value) != 20 or not re.fullmatch(r"[0-9]+[Ff]*", self.value):
            self.refuse(
                Text("no card account", "不是卡账户号"),
                Text("Write 20 digits, the last ones may be F", "请写 20 位数字，末尾可用 F 填充"),
            )
        return bytes.fromhex(self.value)

    @_going_on("")
    def name(self, most: int) -> str:
        """A name for people, at most so many bytes of UTF-8; may be empty."""
        if len(self.value.encode()) > most or not all(c.isprintable() for c in self.value):
            self.expected(
                f"at most {most} bytes, without control characters and blanks other than the plain one",
                f"最多 {most} 字节，不含控制字符；空格须为半角",
            )
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
        before = told()
        first = self["account"].account()
        last = self["last"].account() if self["last"].value else first
        if told() > before:  # what took the place of a wrong account is no end of a range
            return first, first
        if len(first.hex().rstrip("f")) != len(last.hex().rstrip("f")):
            self["last"].refuse(
                Text("differs in length from account", "与 account 位数不同"),
                Text("Write two accounts of equal length, the smaller first", "请写两个位数相同的账户，小者在前"),
            )
        if last < first:
            self["last"].refuse(Text("lies before account", "小于 account"), Text("Exchange the two", "请对调两者"))
        return first, last

    def refuse(self, problem: Text, remedy: Text) -> NoReturn:
        """Raises ParametersError that names this line."""
        raise ParametersError(f"{self.file}: line {self.line}", problem, remedy)

    def tell(self, problem: Text, remedy: Text) -> None:
        """Notes the same where reading goes on behind it (`problems`), else raises it."""
        tell(ParametersError(f"{self.file}: line {self.line}", problem, remedy))


class Rows(list[Row]):
    """The lines of a file."""

    def into(self, make: Callable[[Row], Made]) -> list[Made]:
        """What each row makes. Rows with a fault are dropped from here, so that one fault is not told as two."""
        good = list(made_of(self, make))
        self[:] = [row for row, _ in good]
        return [made for _, made in good]


def made_of(rows: Iterable[Row], make: Callable[[Row], Made]) -> Iterator[tuple[Row, Made]]:
    """Rows with what they make; those with a fault are told and left out."""
    for row in rows:
        before = told()
        try:
            made = make(row)
        except ParametersError as error:
            if told() == before:
                tell(error)
            continue
        if told() == before:
            yield row, made


def read_rows(file: Path, needed: Sequence[str], optional: Sequence[str] = ()) -> Rows:
    """The rows of a file whose first line names its columns. Raises ParametersError."""
    return Rows(each_row(file, needed, optional))


def each_row(file: Path, needed: Sequence[str], optional: Sequence[str] = ()) -> Iterator[Row]:
    """The same one after the other, for a file of very many."""
    lines = read_lines(file)
    number, columns = next(lines, (1, []))
    known = (*needed, *optional)
    place = Row(file, number, {})
    before = told()
    listed = Text(f"Columns here: {','.join(known)}", f"此文件的列：{','.join(known)}")
    for column in dict.fromkeys(columns):
        if column not in known or columns.count(column) > 1:
            twice = column in known
            problem = Text("stands twice", "重复") if twice else Text("no such column", "没有这一列")
            tell(place[column or "(no name)"].error(problem, listed))
    for column in needed:
        if column not in columns:
            tell(place[column].error(Text("the column is missing", "缺少这一列"), listed))
    if told() > before:
        return
    for number, cells in lines:
        if len(cells) > len(columns):
            Row(file, number, {}).tell(
                Text(f"{len(cells)} cells for {len(columns)} columns", f"{len(columns)} 列却有 {len(cells)} 个单元格"),
                Text("Quote a cell that holds a comma", "含逗号的单元格请加引号"),
            )
            continue
        yield Row(file, number, dict(zip(columns, cells, strict=False)))


def refuse_repeated(rows: Sequence[Row], key: Callable[[Row], object]) -> None:
    """Refuses a row that says the same again as one before it."""
    seen: dict[object, int] = {}
    for row in rows:
        before = seen.setdefault(key(row), row.line)
        if before != row.line:
            row.tell(Text(f"repeats line {before}", f"与第 {before} 行重复"), Text("Leave one of them", "请只保留一个"))
