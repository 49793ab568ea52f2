"""Rows of a feed from a place on: of each day a file or several that do not change, read no further than is asked for.

Of Parquet one group of rows is read and held for the pages after it; of fixed-width files the lines are sought.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from yima.sdk.centre.clearing.files.layouts import HEADER_SIZE, record_size
from yima.sdk.centre.clearing.files.reading import parse_record
from yima.sdk.centre.clearing.parquet import TableFileError
from yima.sdk.centre.interfaces.cursors import Place, refused
from yima.validator.texts import Text

Row = dict[str, Any]
Rows = Callable[[int, int, int], Sequence[tuple[int, Row]]]
"""Rows of a day: (day, place from which on, how many at most), each with the place behind it. Fewer: the day ends."""

_HELD = 12  # groups of rows in memory, of at most 65,536 rows each


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a feed. next: where the part after it begins. more: whether there is one already."""

    rows: tuple[Row, ...]
    next: Place
    more: bool


def page(days: Sequence[int], rows: Rows, place: Place, limit: int) -> Page:
    """At most `limit` rows from there on. Raises RefusedError for a place beyond what there is: the centre was restored
    from an older copy."""
    if place.day and place.day not in days:
        raise refused()
    found: list[tuple[Place, Row]] = []
    for day in days:
        if day < place.day:
            continue
        start = place.rows if day == place.day else 0
        for behind, row in rows(day, start, limit + 1 - len(found)):
            found.append((Place(day=day, rows=behind), row))
        if len(found) > limit:
            break
    taken = found[:limit]
    return Page(
        rows=tuple(row for _, row in taken), next=taken[-1][0] if taken else place, more=len(found) > len(taken)
    )


def of_parquet(
    files: Callable[[int], Iterable[Path]], columns: Sequence[str], keep: Callable[[Row], bool] | None = None
) -> Rows:
    """Rows of the files of each day, one behind the other; keep: which of them are the caller's."""

    def rows(day: int, start: int, count: int) -> Sequence[tuple[int, Row]]:
        found: list[tuple[int, Row]] = []
        before = 0
        for path in files(day):
            for group, size in enumerate(_sizes(path)):
                end = before + size
                if end > start:
                    first = max(start - before, 0)
                    table = _group(path, group, tuple(columns))
                    wanted = size - first if keep else count - len(found)
                    for offset, row in enumerate(table.slice(first, wanted).to_pylist(), before + first + 1):
                        if keep is None or keep(row):
                            found.append((offset, row))
                            if len(found) == count:
                                return found
                before = end
        return found

    return rows


def of_lines(files: Callable[[int], Iterable[Path]], kind: str, keep: Callable[[Row], bool] | None = None) -> Rows:
    """Records of fixed-width files of a kind, in the order of the files."""
    size = record_size(kind) + 1

    def rows(day: int, start: int, count: int) -> Sequence[tuple[int, Row]]:
        found: list[tuple[int, Row]] = []
        before = 0
        for path in files(day):
            with path.open("rb") as file:
                here = (path.stat().st_size - HEADER_SIZE - 1) // size
                at = max(start - before, 0)
                file.seek(HEADER_SIZE + 1 + at * size)
                while at < here and len(found) < count:
                    at += 1
                    row = parse_record(path.name, at + 1, kind, file.read(size)[:-1].decode("ascii", "replace"))
                    if keep is None or keep(row):
                        found.append((before + at, row))
                before += here
            if len(found) == count:
                break
        return found

    return rows


def whole(path: Path, columns: Sequence[str]) -> Iterator[pa.Table]:
    """All rows of a file, a group at a time; of one that is not there: none."""
    for group in range(len(_sizes(path))):
        yield _group(path, group, tuple(columns))


def _sizes(path: Path) -> tuple[int, ...]:
    return _sizes_of(str(path), _stamp(path)) if path.exists() else ()


def _group(path: Path, group: int, columns: tuple[str, ...]) -> pa.Table:
    return _group_of(str(path), _stamp(path), group, columns)


def _stamp(path: Path) -> tuple[int, int]:
    """So that nothing is held of a folder that was replaced."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


@lru_cache(maxsize=4096)
def _sizes_of(path: str, _stamp: tuple[int, int]) -> tuple[int, ...]:
    try:
        with pq.ParquetFile(path) as file:
            return tuple(file.metadata.row_group(group).num_rows for group in range(file.num_row_groups))
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, error) from error


@lru_cache(maxsize=_HELD)
def _group_of(path: str, _stamp: tuple[int, int], group: int, columns: tuple[str, ...]) -> pa.Table:
    try:
        with pq.ParquetFile(path) as file:
            return file.read_row_group(group, columns=list(columns), use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, error) from error


def _damaged(path: str, error: Exception) -> TableFileError:
    return TableFileError(
        path,
        Text(f"cannot be read: {error}", f"无法读取：{error}"),
        Text("Restore it from a copy", "请从备份恢复"),
    )
