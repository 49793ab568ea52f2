"""What lies in a source directory: every file is known, or an error that names the file that was likely meant.

A file that is passed over in silence switches its rule off: a deny-list under another name denies nobody. So what may
lie here without being read is listed, and nothing else may.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

from yima.sdk.parameters.problems import attempt
from yima.sdk.parameters.workbooks import ENDING, is_sheet, sheets_in
from yima.validator.errors import ParametersError
from yima.validator.texts import Text

Made = TypeVar("Made")

PACKAGE_FILE = "package.toml"
CSV_FILES = (
    "acceptance", "bands", "calendar", "cities", "concessions", "decoders", "deny", "fares", "groups", "journeys",
    "lines", "network", "revoked", "stages", "stations", "trips", "whitelist",
)  # fmt: skip
BESIDE = (
    "README", "README.md", "README.*.md", "README.txt", "LICENSE", "CHANGELOG.md", ".gitignore", ".gitattributes",
    ".gitkeep", ".DS_Store", "Thumbs.db", "desktop.ini", "*.key", "signers.txt", "*.pins", "*.ymp",
)  # fmt: skip
"""Patterns of the files that may lie beside the rules and are not read."""
BESIDE_FOLDERS = (".git", ".github", ".svn", ".hg", "keys")
"""Folders that may lie beside the rules and are not looked into."""

_MATRIX = re.compile(r"matrix-([a-z0-9][a-z0-9._-]{0,30})")
_ENDINGS = re.compile(
    r"(?:\.(?:csv|tsv|tab|txt|dat|xls|xlsx|xlsm|ods|numbers|toml|bak|backup|orig|old|save|tmp|temp|new|part|sw[a-p])"
    r"|[ _-]*\([0-9]+\)|[ _-]+(?:copy|kopie|backup|old|new|final|v?[0-9]+)|[ _-]*副本)$"
)
_SHEETS = (".tsv", ".tab", ".xls", ".xlsx", ".xlsm", ".ods", ".numbers")
_CHINESE = {
    "互通": "acceptance", "时段": "bands", "日历": "calendar", "城市": "cities", "优惠": "concessions",
    "黑名单": "deny", "票价": "fares", "群体": "groups", "进出站": "journeys", "线路": "lines", "线网": "network",
    "里程票价": "stages", "站点": "stations", "白名单": "whitelist", "吊销": "revoked",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Folder:
    """The files that are read, by name: the tables, and the matrices."""

    tables: dict[str, Path] = field(default_factory=dict)
    matrices: dict[str, Path] = field(default_factory=dict)

    def read(self, name: str, read: Callable[[Path], Made], instead: Callable[[], Made]) -> Made:
        """What is read of a table; `instead` where it is not there, or where what is wrong with it was noted."""
        path = self.tables.get(name)
        return instead() if path is None else attempt(lambda: read(path), instead())


def look(directory: Path, named: Collection[str] = ()) -> tuple[Folder, list[ParametersError]]:
    """What lies there, and everything that may not. named: files that package.toml names, such as roots.bin."""
    found = Folder()
    wrong: list[ParametersError] = []
    own = {part for name in named for part in Path(name).parts[:1]}
    for path in _with_sheets(directory, wrong):
        matrix = _MATRIX.fullmatch(path.stem)
        if is_sheet(path):
            _take_sheet(path, found, wrong)
            continue
        if path.name in own and path.is_dir() and any(map(likely, _names(path))):
            wrong.append(_folder(path))
            continue
        if path.name == PACKAGE_FILE or path.name in own or _beside(path):
            continue
        if path.suffix == ".csv" and path.stem in CSV_FILES:
            found.tables[path.stem] = path
        elif path.suffix == ".csv" and matrix:
            found.matrices[matrix[1]] = path
        else:
            wrong.append(_stranger(path))
    return found, wrong


def _with_sheets(directory: Path, wrong: list[ParametersError]) -> Iterator[Path]:
    """What lies there, and behind it the sheets of the workbooks."""
    workbooks = []
    for path in sorted(directory.iterdir()):
        if path.suffix.lower() == ENDING and path.is_file() and not path.name.startswith(("~$", ".")):
            workbooks.append(path)
        else:
            yield path
    for workbook in workbooks:
        try:
            yield from sheets_in(workbook)
        except ParametersError as error:
            wrong.append(error)


def _take_sheet(sheet: Path, found: Folder, wrong: list[ParametersError]) -> None:
    name = sheet.name.removesuffix(".csv")
    matrix = _MATRIX.fullmatch(name)
    if name not in CSV_FILES and not matrix:
        meant = (likely(sheet.name) or likely(sheet.parent.name) or "").removesuffix(".csv")
        problem = Text("no table of a parameter source", "不是参数源的表")
        if meant:
            problem = Text(f"{problem.en}; {meant} was likely meant", f"{problem.zh}，可能应为 {meant}")
        wrong.append(
            ParametersError(
                sheet,
                problem,
                Text(
                    f"Rename the sheet, or let its name begin with #. {_known().en}",
                    f"请改名，或以 # 开头。{_known().zh}",
                ),
            )
        )
        return
    tables, key = (found.matrices, matrix[1]) if matrix else (found.tables, name)
    if key in tables:
        wrong.append(_said_twice(sheet, tables[key]))
        return
    tables[key] = sheet


def place_of(directory: Path, table: str) -> Path:
    """Where the source there has this table: a CSV file, which need not be there yet, or a sheet of a workbook.

    Raises ParametersError where that cannot be known, or where it stands in two places.
    """
    wrong: list[ParametersError] = []
    file = directory / f"{table}.csv"
    try:
        lies_there = list(_with_sheets(directory, wrong))
    except OSError as error:
        raise ParametersError(
            directory,
            Text(f"cannot be read: {error.strerror}", f"无法读取：{error.strerror}"),
            Text(f"Name a source directory, which holds {PACKAGE_FILE}", f"请指定含 {PACKAGE_FILE} 的源目录"),
        ) from error
    if wrong:
        raise wrong[0]
    sheets = [path for path in lies_there if is_sheet(path) and path.name.removesuffix(".csv") == table]
    places = [*([file] if file in lies_there else []), *sheets]
    if len(places) > 1:
        raise _said_twice(places[1], places[0])
    return places[0] if places else file


def _said_twice(path: Path, other: Path) -> ParametersError:
    return ParametersError(
        path,
        Text(f"{other} says the same table", f"{other} 是同一张表"),
        Text("Leave one of them", "请只保留一个"),
    )


def likely(name: str) -> str | None:
    """The file of a source that somebody who wrote this name is likely to have meant; None: nothing comes near."""
    bare = name.strip(" .#~$").lower().removeprefix("lock.").removeprefix("copy of ")
    while (shorter := _ENDINGS.sub("", bare).strip(" .#~")) != bare:
        bare = shorter
    if bare in _CHINESE:
        return f"{_CHINESE[bare]}.csv"
    matrix = re.fullmatch(r"(?:matrix|matrices|matix)[-_ ]*(.+)", bare)
    if matrix:
        wanted = re.sub(r"[^a-z0-9._-]+", "-", matrix[1]).strip("-._")[:31]
        return f"matrix-{wanted}.csv" if wanted else None
    near = get_close_matches(bare, ("package", *CSV_FILES), n=1, cutoff=0.7)
    if not near:
        return None
    return PACKAGE_FILE if near[0] == "package" else f"{near[0]}.csv"


def _beside(path: Path) -> bool:
    if path.is_dir():
        return path.name in BESIDE_FOLDERS
    return any(fnmatchcase(path.name, pattern) for pattern in BESIDE)


def _stranger(path: Path) -> ParametersError:
    if path.name == "transfers.csv":
        return ParametersError(
            path,
            Text(
                "is read no more: no gate knows a rider's last ride elsewhere",
                "不再读取：闸机无法得知乘客在别处的上次行程",
            ),
            Text(
                "Delete the file; transfers are reduced by the centre, not by gates",
                "请删除该文件；换乘优惠由清分中心处理，不由闸机处理",
            ),
        )
    if path.is_dir():
        return _folder(path)
    meant = likely(path.name)
    problem = Text("no file of a parameter source", "不是参数源文件")
    if meant:
        problem = Text(f"{problem.en}; {meant} was likely meant", f"{problem.zh}，可能应为 {meant}")
    return ParametersError(path, problem, _remedy(path, meant))


def _remedy(path: Path, meant: str | None) -> Text:
    known = _known()
    if meant is None:
        return Text(f"Take it out of the directory. {known.en}", f"请移出该目录。{known.zh}")
    if (path.parent / meant).exists():
        return Text(
            f"{meant} is there too: take this one out of the directory. {known.en}",
            f"{meant} 已存在，请将此文件移出该目录。{known.zh}",
        )
    if path.suffix.lower() in _SHEETS:
        return Text(f"Save it as {meant}, «CSV UTF-8». {known.en}", f"请另存为 {meant}（CSV UTF-8）。{known.zh}")
    return Text(f"Rename it to {meant}, or take it out. {known.en}", f"请改名为 {meant}，或移出该目录。{known.zh}")


def _folder(path: Path) -> ParametersError:
    inside = next((f"{path.name}/{name}" for name in _names(path) if likely(name)), None)
    problem = Text("a folder, and nothing is read out of it", "是文件夹，其中的文件不会被读取")
    if inside:
        problem = Text(f"{problem.en}, {inside} neither", f"{problem.zh}，包括 {inside}")
    folders = ", ".join(BESIDE_FOLDERS)
    return ParametersError(
        path,
        problem,
        Text(
            f"Move its files beside {PACKAGE_FILE}, or the folder out; {folders} may stay",
            f"请将其中文件移至 {PACKAGE_FILE} 同级，或移出该文件夹；可保留：{folders}",
        ),
    )


def _names(path: Path) -> Iterator[str]:
    try:
        yield from sorted(inner.name for inner in path.iterdir())
    except OSError:  # a folder that may not be looked into is named all the same
        return


def _known() -> Text:
    names = ", ".join(f"{name}.csv" for name in CSV_FILES)
    beside = ", ".join(BESIDE)
    return Text(
        f"Known: {PACKAGE_FILE}, {names}, matrix-NAME.csv; not read: {beside}",
        f"可用：{PACKAGE_FILE}、{names}、matrix-名称.csv；可放置但不读取：{beside}",
    )
