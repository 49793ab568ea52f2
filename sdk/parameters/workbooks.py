"""Tables of a source in an Excel workbook: each sheet is the file of its name, `fares` is fares.csv.

Rules it keeps:
- A sheet has a path of its own, `city.xlsx/fares`, by which it is read and errors name it. Sheets without a cell are
  passed over (Excel adds some), and so are those whose name begins with `#`.
- A cell is what a person would have typed into a CSV file: 200, 2024-01-01 05:30, 50%.
- What would be lost in silence is an error: cells that are merged, a formula that was never calculated, #REF!.
"""

import math
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from yima.sdk.parameters.problems import tell
from yima.validator.errors import ParametersError
from yima.validator.remedies import missing_module
from yima.validator.texts import Text

ENDING = ".xlsx"
_FILE_MAX = 64 << 20
_UNPACKED_MAX = 512 << 20  # a workbook is a zip: what it unpacks to
_CELLS_MAX = 1 << 22  # of a sheet: a matrix of 2000 stations, with room
_DAY_1 = datetime(1900, 1, 1)
_EXACT_MAX = 10**15  # a spreadsheet keeps 15 digits of a number


def is_sheet(path: Path) -> bool:
    """Whether the path names a sheet within a workbook."""
    return path.parent.suffix.lower() == ENDING


def sheets_in(workbook: Path) -> list[Path]:
    """The sheets that say something, by their paths. Raises ParametersError."""
    values, _ = _opened(workbook)
    for sheet in values.worksheets:
        _refuse_vast(workbook, sheet)
    return [
        workbook / sheet.title.strip()
        for sheet in values.worksheets
        if not sheet.title.lstrip().startswith(("#", "＃"))
        and any(cell is not None for row in sheet.iter_rows(values_only=True) for cell in row)
    ]


def _refuse_vast(workbook: Path, sheet: Any) -> None:
    """Raises ParametersError where one cell stands so far out that all between would have to be looked at."""
    if sheet.max_row * sheet.max_column > _CELLS_MAX:
        _refuse(
            f"{workbook / sheet.title.strip()}: {sheet.dimensions}",
            Text(f"{sheet.max_row} rows of {sheet.max_column} columns", f"{sheet.max_row} 行 × {sheet.max_column} 列"),
            Text(
                "Delete what stands far out by itself (Ctrl+End goes there), or write a large table as CSV",
                "请删除远处的单元格（Ctrl+End 可跳到该处），或将大表写成 CSV",
            ),
        )


def rows_of(sheet: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines of a sheet with their numbers, as cells of text. Cells that cannot be read are told."""
    values, formulas = _opened(sheet.parent)
    name = next((one.title for one in values.worksheets if one.title.strip() == sheet.name), None)
    if name is None:
        _refuse(
            sheet,
            Text("no such sheet", "没有该工作表"),
            Text(
                f"Sheets there: {', '.join(one.title for one in values.worksheets)}",
                f"可用工作表：{'、'.join(one.title for one in values.worksheets)}",
            ),
        )
    _refuse_vast(sheet.parent, values[name])
    for merged in values[name].merged_cells.ranges:
        _refuse(
            f"{sheet}: {merged.coord}",
            Text("merged cells: all but the first of them would be empty", "合并单元格：除第一格外均为空"),
            Text("Unmerge them, and fill in each", "请取消合并并逐格填写"),
        )
    both = zip(values[name].iter_rows(), formulas[name].iter_rows(), strict=True)
    for number, (row, written) in enumerate(both, start=1):
        cells = []
        for cell, source in zip(row, written, strict=True):
            if cell.value is None and source.value is not None:
                tell(
                    ParametersError(
                        f"{sheet}: {source.coordinate}",
                        Text("a formula that was never calculated", "公式没有计算结果"),
                        Text(
                            "Open the workbook in Excel and save it, or write the value",
                            "请用 Excel 打开并保存，或直接填写数值",
                        ),
                    )
                )
            cells.append(_text(sheet, cell))
        yield number, cells


def _text(sheet: Path, cell: Any) -> str:
    """The cell as a person would have typed it."""
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "e":
        tell(
            ParametersError(
                f"{sheet}: {cell.coordinate}",
                Text(f"the error {value}", f"错误值 {value}"),
                Text("Mend the formula, or write the value", "请修正公式或直接填写数值"),
            )
        )
        return ""
    if isinstance(value, (date, time, timedelta)):
        return _moment(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number(value, is_percent=str(cell.number_format).rstrip().endswith("%"))
    return " ".join(str(value).split("\n")).strip()


def _moment(value: date | time | timedelta) -> str:
    if value == _DAY_1:
        return "24:00"
    if isinstance(value, timedelta):  # what a spreadsheet counts in hours, as 24:00, which no clock shows
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60:02}:{minutes % 60:02}" + (f":{seconds:02}" if seconds else "")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds").removesuffix(" 00:00:00")
    return value.isoformat()


def _number(value: float, *, is_percent: bool) -> str:
    if is_percent:
        return f"{_number(round(value * 100, 6), is_percent=False)}%"
    if abs(value) < _EXACT_MAX and (isinstance(value, int) or value.is_integer()):
        return str(int(value))
    return f"{value:.15e}" if abs(value) >= _EXACT_MAX or not math.isfinite(value) else repr(value)


def _opened(workbook: Path) -> tuple[Any, Any]:
    """The workbook with its values, and with its formulas."""
    try:
        found = workbook.stat()
    except OSError as error:
        raise ParametersError(
            workbook,
            Text(f"cannot be read: {error.strerror}", f"无法读取：{error.strerror}"),
            Text("Check the path and its permissions", "请检查路径与权限"),
        ) from error
    return _loaded(workbook, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=2)
def _loaded(workbook: Path, size: int, changed_ns: int) -> tuple[Any, Any]:
    try:
        import openpyxl  # noqa: PLC0415 - an extra, needed where there is a workbook
    except ModuleNotFoundError as missing:
        raise ParametersError(workbook, *missing_module(missing)) from missing
    try:
        with zipfile.ZipFile(workbook) as packed:
            unpacked = sum(part.file_size for part in packed.infolist())
        if max(size, unpacked // 8) > _FILE_MAX or unpacked > _UNPACKED_MAX:
            _refuse(
                workbook,
                Text(f"{size} bytes, {unpacked} unpacked", f"{size} 字节，解压后 {unpacked} 字节"),
                Text("At most 64 MiB; write a large matrix as CSV", "最多 64 MiB；大矩阵请用 CSV"),
            )
        return tuple(openpyxl.load_workbook(workbook, data_only=calculated) for calculated in (True, False))
    except ParametersError:
        raise
    except Exception as error:  # openpyxl raises whatever a broken part of the zip makes it meet
        raise ParametersError(
            workbook,
            Text(f"no workbook ({type(error).__name__}: {error})", f"不是工作簿（{type(error).__name__}：{error}）"),
            Text("Save it as an Excel workbook (.xlsx) without a password", "请另存为不加密的 Excel 工作簿（.xlsx）"),
        ) from error


def _refuse(thing: object, problem: Text, remedy: Text) -> NoReturn:
    raise ParametersError(thing, problem, remedy)
