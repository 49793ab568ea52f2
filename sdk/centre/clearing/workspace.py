"""A workspace: a folder of tables that are only added to, and what was done with them.

    tables/<name>/day=YYYYMMDD/<part>.parquet
    state.json                                  which sources were read up to where, which steps are done for which day
    scratch/                                    whatever an engine cannot hold in memory; may be deleted at any time

Rules it keeps:
- A step writes files whose names follow from what it was given, each whole or not at all, and then says in state.json
  that it is done. Killed anywhere, it is run again from the state and writes the same bytes over the same names.
- Nobody reads a step's rows of a day before the step is done for that day. A step reads its own table only of earlier
  days.
- Whatever stands in a folder, tables, files and answers, is durable with the folder's own name before state.json says
  that it was made: nothing makes it a second time.
- A disk without room is told as that, with the name of what did not find it; it is made once there is some.
- A day is closed when its first step begins; what comes in later belongs to the first open day.
- One process works in a workspace at a time; a second is told so.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from yima.sdk.centre.clearing import parquet
from yima.sdk.centre.clearing.days import shifted
from yima.sdk.centre.clearing.tables import Table
from yima.validator.errors import Kind, YimaError
from yima.validator.outside import json_of
from yima.validator.system.disk import flush_file, flush_folder, write_whole
from yima.validator.system.locks import HeldError, hold
from yima.validator.texts import Text

FORM = 4
_DAY = re.compile(r"day=(\d{8})")


class WorkspaceError(YimaError):
    """A workspace that cannot be used, or not be written any more; what was done in it stays."""

    kind = Kind.STATE


class Workspace:
    """The workspace at `path`; made if it is not there. Raises WorkspaceError.

    on_commit is told the name of whatever was just made durable; tests stop the process there.
    """

    def __init__(self, path: Path, *, on_commit: Callable[[str], None] | None = None) -> None:
        self.path = path
        self._on_commit = on_commit or (lambda name: None)
        try:
            (path / "tables").mkdir(parents=True, exist_ok=True)
            self._lock = hold(path / "lock")
        except HeldError as held:
            raise WorkspaceError(
                path,
                Text(f"another process works in it: {held.holder}", f"另一进程（{held.holder}）正在使用"),
                Text("Wait for it, or stop it: it can be run again", "请等待其结束，或将其停止后重新运行"),
            ) from None
        except OSError as error:
            raise WorkspaceError(
                path,
                Text(f"cannot be made: {error.strerror}", f"无法创建：{error.strerror}"),
                Text("Name a folder that can be written", "请指定可写的文件夹"),
            ) from error
        for made in (path, path.absolute().parent):
            flush_folder(made)
        self._state = self._load()
        for left in (path / "tables").rglob(".*.tmp"):
            left.unlink()

    @property
    def scratch(self) -> Path:
        """Where an engine may put what does not fit in memory."""
        return self.path / "scratch"

    def write(self, table: Table, day: int, part: str, batches: Iterable[pa.RecordBatch]) -> int:
        """Writes one file of a table, over one of the same name; returns its rows. No rows: no file."""
        path = self.path / "tables" / table.name / f"day={day}" / f"{part}.parquet"
        with writing(self.path, path):
            count = parquet.write(path, table.schema, batches)
            if count == 0:
                path.unlink()
            for folder in path.parents[:3]:  # the names of the day and of the table may be new
                flush_folder(folder)
        if count:
            self._on_commit(f"{table.name}/{day}/{part}")
        return count

    def files(self, table: Table, *, day: int | None = None, since: int = 0, before: int = 99999999) -> list[Path]:
        """A table's files in a fixed order: of one day, or of the days from `since` on that lie before `before`."""
        folder = self.path / "tables" / table.name
        days = [day] if day is not None else [d for d in self._days(folder) if since <= d < before]
        return self.files_of(table, days)

    def files_of(self, table: Table, days: Iterable[int]) -> list[Path]:
        """A table's files of these days, in a fixed order."""
        folder = self.path / "tables" / table.name
        return [path for d in sorted(set(days)) for path in sorted((folder / f"day={d}").glob("[!.]*.parquet"))]

    def days(self, table: Table) -> list[int]:
        """The days of which a table has rows, oldest first."""
        return self._days(self.path / "tables" / table.name)

    def read(self, table: Table, columns: list[str] | None = None, **which: int) -> pa.Table:
        """Rows in memory, of these columns or whole; `which` as for files."""
        schema = table.schema if columns is None else pa.schema([table.schema.field(name) for name in columns])
        return pa.Table.from_batches(parquet.read(self.files(table, **which), columns), schema)

    def cursor(self, source: str) -> dict[str, int]:
        """How far a source was read."""
        return dict(self._state["sources"].get(source, {}))

    def move(self, source: str, cursor: dict[str, int]) -> None:
        """A source was read up to there, and what it gave is written."""
        self._state["sources"][source] = cursor
        self._save(f"source {source}")

    def move_all(self, what: str, cursors: Mapping[str, dict[str, int]]) -> None:
        """The same of several at once. what: as on_commit is told."""
        self._state["sources"] |= cursors
        self._save(f"source {what}")

    @property
    def first_open(self) -> int:
        """No day before this one takes anything any more; 0: every day does."""
        return int(self._state["first_open"])

    def close_day(self, day: int) -> None:
        """Nothing that comes in from now on belongs to this day or one before it."""
        if day >= self.first_open:
            self._state["first_open"] = shifted(day, 1)
            self._save(f"close {day}")

    def is_done(self, step: str, day: int) -> bool:
        """Whether a step is done for a day."""
        return day in self._state["done"].get(step, [])

    def done_days(self, step: str) -> list[int]:
        """The days for which a step is done, oldest first."""
        return list(self._state["done"].get(step, []))

    def done(self, step: str, day: int, cursors: Mapping[str, dict[str, int]] | None = None) -> None:
        """A step is done for a day, and what it made is written. cursors: as for move_all, with it or not at all."""
        self._state["sources"] |= cursors or {}
        days = self._state["done"].setdefault(step, [])
        if day not in days:
            days.append(day)
            days.sort()
        self._save(f"done {step} {day}")

    def close(self) -> None:
        """Lets the next process in."""
        os.close(self._lock)

    @staticmethod
    def _days(folder: Path) -> list[int]:
        found = (_DAY.fullmatch(path.name) for path in folder.glob("day=*") if any(path.glob("[!.]*.parquet")))
        return sorted(int(match[1]) for match in found if match)

    def _load(self) -> dict[str, Any]:
        path = self.path / "state.json"
        if not path.exists():
            return {"form": FORM, "first_open": 0, "sources": {}, "done": {}}
        return parse_state(path.read_bytes(), path)

    def _save(self, what: str) -> None:
        body = json.dumps(self._state, sort_keys=True).encode() + b"\n"  # indented it takes five times as long
        with writing(self.path, self.path / "state.json"):
            write_whole(self.path / "state.json", body)
        self._on_commit(what)


@contextmanager
def writing(workspace: Path, path: Path | None = None) -> Iterator[None]:
    """Around what writes in a workspace, to `path` or anywhere in it. Raises WorkspaceError for an OSError that names
    something in it, or nothing, as that of a full disk does: nobody else would know what is meant."""
    try:
        yield
    except OSError as error:
        named = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes | os.PathLike) else None
        if named is not None and not named.absolute().is_relative_to(workspace.absolute()):
            raise
        said = os.strerror(error.errno) if error.errno else str(error)  # Arrow has words of its own around it
        raise WorkspaceError(
            named or path or workspace,
            Text(f"cannot be written: {said}", f"无法写入：{said}"),
            Text(
                "Make room there, or let the centre write, and run the step again",
                "请腾出空间或授予写权限，然后重新执行",
            ),
        ) from error


def flush_all(folder: Path) -> None:
    """Returns when a folder of a day (`files/<day>`) is durable, with all that lies in it. Raises OSError."""
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            flush_folder(path)
        else:
            flush_file(path)
    for name in (folder, folder.parent, folder.parent.parent):
        flush_folder(name)


def parse_state(content: bytes, path: Path) -> dict[str, Any]:
    """What a state.json says, also to who only reads. path: for the error. Raises WorkspaceError for another form."""
    try:
        state = json_of(content)
    except ValueError:
        state = None
    if not _is_whole(state):
        raise WorkspaceError(
            path,
            Text("is no state of a workspace of this form", "不是此格式的工作区状态"),
            Text("Restore it from a copy, or start another workspace", "请从备份恢复，或另建工作区"),
        )
    return dict(state)


def _is_whole(state: Any) -> bool:
    """Whether all is there that a workspace asks its state for, as numbers under names."""

    def are_numbers(found: object) -> bool:
        return isinstance(found, Iterable) and all(type(one) is int for one in found)

    if not isinstance(state, dict) or state.get("form") != FORM or type(state.get("first_open")) is not int:
        return False
    sources, done = state.get("sources"), state.get("done")
    return (
        isinstance(sources, dict)
        and all(isinstance(cursor, dict) and are_numbers(cursor.values()) for cursor in sources.values())
        and isinstance(done, dict)
        and all(isinstance(days, list) and are_numbers(days) for days in done.values())
    )
