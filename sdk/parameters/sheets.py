"""The lines of a table as people and spreadsheets save it: CSV in its dialects, or a sheet of a workbook.

Rules it keeps:
- UTF-8 with or without a byte order mark, or UTF-16 with one. Cells are apart by commas; by semicolons, tabs or
  full-width commas where the first line that says something has these and no comma.
- A line whose first cell begins with `#` is a note, quoted or not. Empty lines say nothing.
- Empty cells at the end of the first line name no column, and at the end of another line say nothing.
- One row is one line: a line break inside quotes is an error.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from yima.sdk.parameters.problems import tell
from yima.sdk.parameters.workbooks import is_sheet, rows_of
from yima.validator.errors import ParametersError
from yima.validator.outside import bytes_of
from yima.validator.texts import Text

_DELIMITERS = (",", ";", "\t", "，")
_LINE_END = r"\r\n|\n|\r"
_TOLD = r"sep=(.)"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def read_lines(file: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines that say something, with their numbers; the first has no empty cell at its end. ParametersError."""
    width = 0
    for number, cells in rows_of(file) if is_sheet(file) else _split(file, _text(file)):
        if not any(cells) or cells[0].startswith(("#", "＃")):
            continue
        width = width or len(_trimmed(cells, 0))
        yield number, _trimmed(cells, width)


def notes_in(file: Path) -> list[str]:
    """The notes of a CSV file, as they are written. Raises ParametersError."""
    return [line for line in re.split(_LINE_END, _text(file)) if _is_note(line)]


def _is_note(line: str) -> bool:
    return line.lstrip(' "').startswith(("#", "＃"))


def _trimmed(cells: list[str], width: int) -> list[str]:
    """Without the empty cells behind so many."""
    last = len(cells)
    while last > width and not cells[last - 1]:
        last -= 1
    return cells[:last]


def _split(file: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    delimiter = ""
    for number, line in enumerate(re.split(_LINE_END, text), start=1):
        if not line.strip(" \t,;，"):
            continue
        told = re.fullmatch(_TOLD, line)  # a spreadsheet's own line
        if told and told[1] in _DELIMITERS and not delimiter:
            delimiter = told[1]
            continue
        if not delimiter and not _is_note(line):
            delimiter = next((mark for mark in _DELIMITERS if mark in line), ",")
        try:
            yield number, [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter or ",", strict=True))]
        except csv.Error as error:
            if _is_note(line):
                continue
            tell(
                ParametersError(
                    f"{file}: line {number}",
                    Text(f"not CSV: {error}", f"不是 CSV：{error}"),
                    Text("Mend the quotes; a cell holds no line break", "请修正引号；单元格内不可换行"),
                )
            )


def _text(file: Path) -> str:
    content = b""
    try:
        content = bytes_of(file)
        return content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8-sig")
    except OSError as error:
        raise ParametersError(
            file,
            Text(f"cannot be read: {error.strerror}", f"无法读取：{error.strerror}"),
            Text("Check the path and its permissions", "请检查路径与权限"),
        ) from error
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ParametersError(
            f"{file}: line {line}",
            Text("not UTF-8", "不是 UTF-8 编码"),
            Text("Save the file as UTF-8; spreadsheets call it «CSV UTF-8»", "请以 UTF-8 保存，例如“CSV UTF-8”"),
        ) from error
