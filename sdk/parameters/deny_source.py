"""Reads the deny-list that a person or a database writes: CSV, ten million lines in some seconds.

    account,last,action
    31048700000000019999
    3104870000000002FFFF,,remove
    31048700000000500000,31048700000000599999,add

The first line names the columns: `account`, then in any order `last` (makes the line a range, both ends within) and
`action` (`add`, the default, or `remove`); trailing cells may be left out. An account has 20 digits, F padded. In a
full list `remove` makes an exception from a range; in an increment it takes an account or a range off the list.

Rules it keeps:
- Every malformed cell is an error that names file, line and column; accounts stay out of messages.
- Lines that hold nothing but an account are read many at once, all others one by one. Both ways give the same.
"""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from yima.sdk.parameters.denylist import Accounts, Changes, Range, accounts_of, merged, sorted_accounts
from yima.validator.deny.denylist import account_bytes
from yima.validator.errors import ParametersError
from yima.validator.parameters.image import ACCOUNT_SIZE
from yima.validator.texts import Text

COLUMNS = ("account", "last", "action")
_CHUNK = 1 << 22
_LINE_MOST = 1000  # characters; more is no CSV of ours
_WIDTH = 2 * ACCOUNT_SIZE


def read_csv(path: Path, progress: Callable[[float], None] | None = None) -> Changes:
    """What the file says. progress: is told the share that is done, 0 to 1. Raises ParametersError."""
    try:
        with path.open("rb") as file:
            return _Source(path, file).read(path.stat().st_size, progress)
    except OSError as error:
        raise ParametersError(
            path,
            Text(f"cannot be read: {error.strerror}", f"无法读取：{error.strerror}"),
            Text("Check the path and its permissions", "请检查路径与权限"),
        ) from error


class _Source:
    """One file while it is read."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self._line = 1  # of the first line not read yet
        self._columns: tuple[str, ...] = ()
        self._many: list[Accounts] = []
        self._single: dict[str, list[bytes]] = {"add": [], "remove": []}
        self._ranges: dict[str, list[Range]] = {"add": [], "remove": []}

    def read(self, size: int, progress: Callable[[float], None] | None) -> Changes:
        self._columns = self._header()
        rest = b""
        while chunk := self._file.read(_CHUNK):
            whole, newline, rest = (rest + chunk).rpartition(b"\n")
            if newline:
                self._lines(whole + newline)
            elif len(rest) > _LINE_MOST:
                self._refuse_line(self._line)
            if progress:
                progress(min(self._file.tell() / max(size, 1), 1.0))  # a pipe says size 0
        if rest:
            self._lines(rest + b"\n")
        return Changes(
            denied=sorted_accounts(np.concatenate([*self._many, accounts_of(self._single["add"])])),
            allowed=accounts_of(self._single["remove"]),
            denied_ranges=merged(self._ranges["add"]),
            allowed_ranges=merged(self._ranges["remove"]),
        )

    def _header(self) -> tuple[str, ...]:
        line = self._file.readline(_LINE_MOST)
        names = tuple(name.strip() for name in line.decode("utf-8-sig", "replace").split(","))
        if names[0] != COLUMNS[0] or not set(names) <= set(COLUMNS) or len(set(names)) != len(names):
            self._refuse(
                1,
                "",
                Text("the first line does not name the columns", "首行未写明列名"),
                Text(
                    "Write account,last,action (the last two are optional)", "请写 account,last,action（后两列可省略）"
                ),
            )
        self._line = 2
        return names

    def _lines(self, data: bytes) -> None:
        """Whole lines, the last one ended too."""
        found = np.frombuffer(data, dtype=np.uint8)
        ends = np.flatnonzero(found == ord("\n"))
        starts = np.concatenate([[0], ends[:-1] + 1])
        ends = ends - ((ends > starts) & (found[np.maximum(ends, 1) - 1] == ord("\r")))
        plain = np.flatnonzero(ends - starts == _WIDTH)
        accounts, valid = _packed(found[starts[plain][:, None] + np.arange(_WIDTH)])
        self._many.append(accounts[valid])
        others = np.ones(starts.size, dtype=bool)
        others[plain[valid]] = False
        for i in np.flatnonzero(others):
            self._one(self._line + int(i), data[starts[i] : ends[i]])
        self._line += starts.size

    def _one(self, line: int, data: bytes) -> None:
        try:
            (cells,) = csv.reader([data.decode()], strict=True) if data.strip() else ([],)
        except (UnicodeDecodeError, csv.Error, ValueError):
            self._refuse_line(line)
        cells = [cell.strip() for cell in cells]
        if not any(cells):
            return
        if len(cells) > len(self._columns) or len(data) > _LINE_MOST:
            self._refuse_line(line)
        row = dict(zip(self._columns, cells, strict=False))
        first = self._account(line, "account", row["account"])
        action = row.get("action") or "add"
        if action not in self._single:
            self._refuse(
                line,
                "action",
                Text("no such action", "没有这种操作"),
                Text("Write add or remove", "请写 add 或 remove"),
            )
        if not row.get("last"):
            self._single[action].append(first)
            return
        last = self._account(line, "last", row["last"])
        if first > last or len(row["account"].rstrip("Ff")) != len(row["last"].rstrip("Ff")):
            self._refuse(
                line,
                "last",
                Text("not a range: it ends before it begins, or its ends differ in length", "号段首尾颠倒或位数不同"),
                Text("Write two accounts of equal length, the smaller first", "请写两个位数相同的账户，小者在前"),
            )
        self._ranges[action].append((first, last))

    def _account(self, line: int, column: str, value: str) -> bytes:
        try:
            return account_bytes(value)
        except ValueError:
            what = Text(f"no card account: {len(value)} characters", f"不是卡账户号：{len(value)} 个字符")
            if "E+" in value.upper():
                what = Text("no card account: a spreadsheet has rounded it", "不是卡账户号：已被电子表格舍入")
            self._refuse(
                line,
                column,
                what,
                Text(
                    "Write 20 digits, padded with F; in a spreadsheet, as text",
                    "请写 20 位数字，以 F 补齐；电子表格中请用文本格式",
                ),
            )

    def _refuse_line(self, line: int) -> NoReturn:
        self._refuse(
            line,
            "",
            Text("not a line of this file's columns", "与本文件的列不符"),
            Text(f"The columns are {','.join(self._columns)}", f"本文件的列为 {','.join(self._columns)}"),
        )

    def _refuse(self, line: int, column: str, problem: Text, remedy: Text) -> NoReturn:
        place = f"{self._path}: line {line}"
        raise ParametersError(f"{place}, {column}" if column else place, problem, remedy)


def _packed(characters: NDArray[np.uint8]) -> tuple[Accounts, NDArray[np.bool_]]:
    """Accounts from rows of 20 characters, and which of them are accounts at all."""
    digit = (characters >= ord("0")) & (characters <= ord("9"))
    padding = (characters == ord("F")) | (characters == ord("f"))
    valid = digit[:, 0] & (digit | padding).all(axis=1) & ~(padding[:, :-1] & digit[:, 1:]).any(axis=1)
    nibbles = np.where(digit, characters - ord("0"), 15).astype(np.uint8)
    packed = np.ascontiguousarray(nibbles[:, 0::2] << 4 | nibbles[:, 1::2])
    return packed.view(f"S{ACCOUNT_SIZE}").reshape(-1), valid
