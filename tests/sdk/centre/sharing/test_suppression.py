"""Counts that are shown, attacked: every table that fits what is shown is tried, and no small count can be told."""

import random
from collections.abc import Iterator, Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.centre.sharing.suppression import PUBLIC, Cell, Observer, Shown, protected

TABLES = st.integers(1, 6).flatmap(
    lambda width: st.lists(st.lists(st.integers(0, 30), min_size=width, max_size=width), min_size=1, max_size=6)
)


def fitting(shown: Shown) -> Iterator[dict[Cell, int]]:
    """Every table of whole numbers from 0 up that agrees with what is shown: row by row, then the columns."""
    rows, columns = sorted(shown.rows), sorted(shown.columns)

    def of_row(row: int) -> Iterator[dict[Cell, int]]:
        hidden = [(row, column) for column in columns if shown.cells[row, column] is None]
        known = {(row, c): count for c in columns if (count := shown.cells[row, c]) is not None}
        left = shown.rows[row] - sum(known.values())
        for values in product(range(left + 1), repeat=max(0, len(hidden) - 1)):
            if hidden and sum(values) <= left:
                yield known | dict(zip(hidden, (*values, left - sum(values)), strict=True))
        if not hidden:
            yield known

    for parts in product(*(list(of_row(row)) for row in rows)):
        table = {cell: count for part in parts for cell, count in part.items()}
        if all(sum(table[row, column] for row in rows) == shown.columns[column] for column in columns):
            yield table


def attacked(counts: Sequence[Sequence[int]], k: int) -> int:
    """How many small counts were there to be told; fails if one could be."""
    shown = protected(counts, k)
    seen: dict[Cell, set[int]] = {cell: set() for cell, count in shown.cells.items() if count is None}
    for table in fitting(shown):
        for cell, values in seen.items():
            values.add(table[cell])
    small = [cell for cell in seen if 0 < counts[cell[0]][cell[1]] < k]
    for cell in small:
        assert min(seen[cell]) == 0, "somebody was there"
        assert max(seen[cell]) >= k, "it is known to be a small count"
    return len(small)


@pytest.mark.parametrize("seed", range(40))
def test_no_small_count_can_be_told_from_anything_that_is_shown(seed: int) -> None:
    dice = random.Random(seed)
    height, width = dice.choice([(2, 2), (2, 3), (3, 2), (3, 3)])
    counts = [[dice.choice([0, 0, 1, 2, 3, 5]) for _ in range(width)] for _ in range(height)]
    attacked(counts, 3)


def test_the_attack_finds_what_sums_give_away() -> None:
    """The same attack on a table of which only the small count is hidden: its row's sum tells it."""
    naive = Shown(cells={(0, 0): None, (0, 1): 9, (1, 0): 7, (1, 1): 8}, rows={0: 10, 1: 15}, columns={0: 8, 1: 17})
    assert {table[0, 0] for table in fitting(naive)} == {1}
    assert attacked([[1, 9], [7, 8]], 3) == 1


@given(TABLES, st.integers(2, 8))
def test_what_is_shown_is_true_and_no_count_under_k_is(counts: list[list[int]], k: int) -> None:
    shown = protected(counts, k)
    for (row, column), count in shown.cells.items():
        assert count is None or count == counts[row][column] >= k
    assert set(shown.cells) == set(product(shown.rows, shown.columns))
    for row, total in shown.rows.items():
        assert total == sum(counts[row][column] for column in shown.columns) >= k
    for column, total in shown.columns.items():
        assert total == sum(counts[row][column] for row in shown.rows) >= k


@pytest.mark.parametrize("seed", range(20))
def test_no_count_of_few_riders_can_be_told_either(seed: int) -> None:
    """A cell of six rides, all of one rider: for all that is shown nobody may have been there."""
    dice = random.Random(seed)
    counts = [[dice.choice([0, 1, 3, 5]) for _ in range(3)] for _ in range(3)]
    counts[0][0] = 6
    riders = [[{f"{row}{column}{number}" for number in range(counts[row][column])} for column in range(3)]
              for row in range(3)]  # fmt: skip
    riders[0][0] = {"one"}
    known = {(row, column): riders[row][column] for row in range(3) for column in range(3)}
    shown = protected(counts, 3, [Observer(known={}, riders=known)])
    assert shown.cells.get((0, 0)) is None
    if (0, 0) in shown.cells:
        assert min(table[0, 0] for table in fitting(shown)) == 0


@pytest.mark.parametrize("seed", range(40))
def test_who_knows_a_row_is_told_no_small_count_of_the_others(seed: int) -> None:
    """Everybody but the first row's owner sees the table; each row's owner knows its own counts."""
    dice = random.Random(seed)
    counts = [[dice.choice([0, 0, 1, 2, 3, 5, 9]) for _ in range(3)] for _ in range(3)]
    owners = [Observer(known={(row, column): counts[row][column] for column in range(3)}, own=[row]) for row in (1, 2)]
    shown = protected(counts, 3, [PUBLIC, *owners])
    for knows in (None, 1, 2):
        seen: dict[Cell, set[int]] = {cell: set() for cell, count in shown.cells.items() if count is None}
        for table in fitting(shown):
            if all(table[cell] == counts[cell[0]][cell[1]] for cell in table if cell[0] == knows):
                for cell, values in seen.items():
                    values.add(table[cell])
        for cell, values in seen.items():
            if cell[0] != knows and 0 < counts[cell[0]][cell[1]] < 3:
                assert min(values) == 0 and max(values) >= 3


def test_a_table_without_small_counts_is_shown_whole() -> None:
    shown = protected([[5, 6], [7, 8]], 5)
    assert list(shown.cells.values()) == [5, 6, 7, 8]
    assert (shown.rows, shown.columns) == ({0: 11, 1: 15}, {0: 12, 1: 14})


def test_no_more_is_hidden_than_a_way_round_needs() -> None:
    shown = protected([[1, 20, 30], [40, 10, 60], [70, 80, 90]], 5)
    assert [cell for cell, count in shown.cells.items() if count is None] == [(0, 0), (0, 1), (1, 0), (1, 1)]


@pytest.mark.parametrize("counts", [[], [[]], [[0]], [[4]], [[1, 1], [1, 1]]])
def test_a_table_too_small_to_hide_in_is_not_shown(counts: list[list[int]]) -> None:
    assert protected(counts, 5) == Shown(cells={}, rows={}, columns={})
