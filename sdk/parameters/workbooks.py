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
from datetime import date, datetime, time
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
_EXACT_MAX = 10**15  # a spreadsheet keeps 15 digits of a number


def is_sheet(path: Path) -> bool:
    """Whether the path names a sheet within a workbook."""
    return path.parent.suffix.lower() == ENDING


def sheets_in(workbook: Path) -> list[Path]:
    """The sheets that say something, by their paths. Raises ParametersError."""
    values, _ = _opened(workbook)
    return [
        workbook / sheet.title.strip()
        for sheet in values.worksheets
        if not sheet.title.lstrip().startswith(("#", "＃"))
        and any(cell is not None for row in sheet.iter_rows(values_only=True) for cell in row)
    ]


def rows_of(sheet: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines of a sheet with their numbers, as cells of text. Cells that cannot be read are told."""
    values, formulas = _opened(sheet.parent)
    name = next(title for title in values.sheetnames if title.strip() == sheet.name)
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
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds").removesuffix(" 00:00:00")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number(value, is_percent=str(cell.number_format).rstrip().endswith("%"))
    return " ".join(str(value).split("\n")).strip()


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
