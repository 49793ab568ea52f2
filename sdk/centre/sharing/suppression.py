"""Counts that may be shown: a table with its sums, in which no small count can be read or reckoned out.

A table has rows, columns and their sums. A count under k, or of fewer than k riders, is hidden, zeros too: whoever sees
what is hidden must not know that anybody was there. Sums would give a single hidden cell away, so more are hidden, with
as few riders as will do, until for each small cell that is not empty everything from 0 to its count, and to k at least,
is possible under all sums that are shown.

That is checked cell by cell: what is taken from one cell must go round through hidden ones of its row and column, so a
cell may be larger or smaller by as much as the narrowest way round allows. Sums of rows and columns are shown always;
those under k are hidden first, with all of their cells, by leaving the row or column out.

Who looks at the table may know part of it: an issuer knows where its own riders were. So all of this is asked for each
observer of what is left when their own part is taken away.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

Cell = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What may be shown. cells: by (row, column), None: hidden. rows, columns: which are shown at all, with their sums,
    over all cells of shown rows and columns."""

    cells: Mapping[Cell, int | None]
    rows: Mapping[int, int]
    columns: Mapping[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Somebody who knows part of a table. known: how much of each cell. riders: who is counted in it beside those;
    None: everybody once. own: rows that hold nothing else than what they know."""

    known: Mapping[Cell, int]
    riders: Mapping[Cell, Collection[str]] | None = None
    own: Collection[int] = ()


PUBLIC = Observer(known={})


def protected(counts: Sequence[Sequence[int]], k: int, observers: Sequence[Observer] = (PUBLIC,)) -> Shown:
    """Hides what must be hidden of a table of counts (rows of equal length, no count below 0); k: at least 2."""
    table = {(row, column): count for row, cells in enumerate(counts) for column, count in enumerate(cells)}
    left = [{cell: count - one.known.get(cell, 0) for cell, count in table.items()} for one in observers]
    views = list(zip(observers, left, strict=True))
    rows, columns = _large(len(counts), len(counts[0]) if counts else 0, views, k)
    table = {(row, column): counts[row][column] for row in rows for column in columns}
    hidden = {cell for cell in table for view in views if cell[0] not in view[0].own and not _is_large([cell], view, k)}
    views = [(one, {cell: theirs[cell] for cell in table}) for one, theirs in views]
    for cell in sorted((cell for cell in hidden if table[cell]), key=lambda cell: (-table[cell], cell)):
        for one, theirs in views:
            while cell[0] not in one.own and theirs[cell] and not _is_safe(theirs, hidden, cell, k):
                more = _next(theirs, hidden, cell, k)
                if not more:  # the whole table is hidden, and still too little to hide in
                    return Shown(cells={}, rows={}, columns={})
                hidden |= more
    return Shown(
        cells={cell: None if cell in hidden else count for cell, count in table.items()},
        rows={row: sum(table[row, column] for column in columns) for row in rows},
        columns={column: sum(table[row, column] for row in rows) for column in columns},
    )


View = tuple[Observer, Mapping[Cell, int]]
"""An observer, and what they do not know of each cell."""


def _is_large(cells: Iterable[Cell], view: View, k: int) -> bool:
    """Whether these cells have k riders or more, and as many rides, that the observer does not know."""
    observer, left = view
    cells = list(cells)
    if sum(left[cell] for cell in cells) < k:
        return False
    riders = observer.riders
    return riders is None or len({one for cell in cells for one in riders.get(cell, ())}) >= k


def _large(height: int, width: int, views: Sequence[View], k: int) -> tuple[list[int], list[int]]:
    """The rows and columns whose sums are at least k for everybody; those that are left out take their counts along."""
    rows, columns = list(range(height)), list(range(width))
    while True:
        kept_rows = [
            row
            for row in rows
            if all(row in view[0].own or _is_large(((row, one) for one in columns), view, k) for view in views)
        ]
        kept_columns = [
            column
            for column in columns
            if all(_is_large(((one, column) for one in kept_rows), view, k) for view in views)
        ]
        if (kept_rows, kept_columns) == (rows, columns):
            return rows, columns
        rows, columns = kept_rows, kept_columns


def _is_safe(table: Mapping[Cell, int], hidden: set[Cell], cell: Cell, k: int) -> bool:
    """Whether it may be 0, and may be k, for all that the sums say."""
    more = k - table[cell]
    return _way_round(table, hidden, cell, more, up=True) >= more and (
        _way_round(table, hidden, cell, table[cell], up=False) >= table[cell]
    )


def _way_round(table: Mapping[Cell, int], hidden: set[Cell], cell: Cell, enough: int, *, up: bool) -> int:
    """By how much the cell may be larger (up) or smaller, at most `enough`, with every sum as it is.

    A flow: what is put on the cell is taken from another hidden cell of its row, put on one of that one's column, and
    so on, until it is taken from one of the cell's own column. What is taken is there; what is put has no bound.
    """
    by_row: dict[int, list[int]] = {}
    by_column: dict[int, list[int]] = {}
    for row, column in hidden:
        if (row, column) != cell:
            by_row.setdefault(row, []).append(column)
            by_column.setdefault(column, []).append(row)
    now = {one: table[one] for one in hidden}
    found = 0
    while found < enough:
        step = _path(now, by_row, by_column, cell, up=up)
        if step is None:
            return found
        taken = min([enough - found, *(now[one] for one, sign in step if sign < 0)])
        for one, sign in step:
            now[one] += sign * taken
        found += taken
    return found


def _path(
    now: Mapping[Cell, int],
    by_row: Mapping[int, Sequence[int]],
    by_column: Mapping[int, Sequence[int]],
    cell: Cell,
    *,
    up: bool,
) -> list[tuple[Cell, int]] | None:
    """The shortest way from the cell's row to its column through other hidden cells, by turns along a row and along a
    column; (cell, -1 or 1) for what changes. Along a row the sign is that of `up` turned, along a column as it is."""
    first = -1 if up else 1
    start, end = ("row", cell[0]), ("column", cell[1])
    came: dict[tuple[str, int], tuple[tuple[str, int], Cell, int]] = {}
    waiting = deque([start])
    while waiting:
        at = waiting.popleft()
        if at == end:
            way = []
            while at != start:
                at, one, sign = came[at]
                way.append((one, sign))
            return way
        kind, number = at
        others = by_row.get(number, ()) if kind == "row" else by_column.get(number, ())
        for other in others:
            one = (number, other) if kind == "row" else (other, number)
            sign = first if kind == "row" else -first
            to = ("column" if kind == "row" else "row", other)
            if to != start and to not in came and (sign > 0 or now[one] > 0):
                came[to] = (at, one, sign)
                waiting.append(to)
    return None


def _next(table: Mapping[Cell, int], hidden: set[Cell], cell: Cell, k: int) -> set[Cell]:
    """What is hidden next for this cell: the other corners of the rectangle that takes the fewest riders out of sight
    and is a way round; without one, the smallest cell that is still shown. Empty: nothing is."""
    row, column = cell
    rows, columns = {one for one, _ in table} - {row}, {one for _, one in table} - {column}
    more, less = k - table[cell], table[cell]
    ways = [
        {(row, c), (r, column), (r, c)}
        for r in rows
        for c in columns
        if min(table[row, c], table[r, column]) >= more and table[r, c] >= less
    ]
    if ways:
        return min(ways, key=lambda way: (sum(table[one] for one in way - hidden), sorted(way))) - hidden
    open_ = [one for one in table if one not in hidden]
    return {min(open_, key=lambda one: (table[one], one))} if open_ else set()
