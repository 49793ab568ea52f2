"""Pieces made ahead of who takes them: in their order, no more of them than there is room for, errors in place."""

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.centre.clearing.ahead import ahead

WAIT_S = 30  # until a thread that never comes is a failure


class Maker:
    """Makes pieces of the sizes given, and says how many it has begun."""

    def __init__(self, *sizes: int) -> None:
        self.sizes = sizes
        self.begun = 0
        self.is_closed = False
        self._changed = threading.Condition()

    def pieces(self) -> Iterator[int]:
        try:
            for size in self.sizes:
                with self._changed:
                    self.begun += 1
                    self._changed.notify_all()
                yield size
        finally:
            self.is_closed = True

    def has_begun(self, count: int) -> bool:
        """Whether so many are begun, now or soon."""
        with self._changed:
            return self._changed.wait_for(lambda: self.begun >= count, WAIT_S)


@given(st.lists(st.integers(0, 5)), st.integers(1, 9))
def test_pieces_come_in_their_order_whatever_the_room(sizes: list[int], room: int) -> None:
    assert list(ahead(iter(sizes), room=room, size=int)) == sizes


def test_the_next_piece_is_made_while_one_is_worked_on() -> None:
    maker = Maker(1, 1, 1, 1)
    taken = ahead(maker.pieces())
    assert next(taken) == 1
    assert maker.has_begun(2)
    list(taken)
    assert maker.begun == 4


def test_small_pieces_wait_together_and_a_large_one_behind_them_is_begun() -> None:
    maker = Maker(9, 1, 1, 1, 9, 9)
    taken = ahead(maker.pieces(), room=10, size=int)
    assert next(taken) == 9
    assert maker.has_begun(5), "the second large one is made while the first is worked on"
    assert list(taken) == [1, 1, 1, 9, 9]


def test_no_piece_is_begun_while_those_that_wait_fill_the_room() -> None:
    maker = Maker(9, 9, 9)
    taken = ahead(maker.pieces(), room=9, size=int)
    next(taken)
    assert maker.has_begun(2)
    taken.close()  # type: ignore[attr-defined]  # a generator
    assert maker.begun == 2
    assert maker.is_closed


def test_what_making_raises_comes_behind_the_pieces_before_it() -> None:
    def pieces() -> Iterator[int]:
        yield 1
        yield 2
        raise LookupError("third")

    found = []
    with pytest.raises(LookupError, match="third"):
        for piece in ahead(pieces(), room=9):
            found.append(piece)  # what came before the error is looked at
    assert found == [1, 2]


def test_who_stops_taking_closes_what_makes() -> None:
    maker = Maker(1, 1, 1, 1, 1, 1)
    with pytest.raises(ZeroDivisionError):
        for piece in ahead(maker.pieces()):
            piece / 0
    assert maker.is_closed
