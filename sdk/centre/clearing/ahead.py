"""Making the next pieces while the last one is worked on: two steps side by side, each on a thread of its own.

What reads a store holds the interpreter's lock, what writes Parquet does not; one after the other they leave a
processor idle.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Condition
from typing import Generic, TypeVar

Piece = TypeVar("Piece")


def ahead(pieces: Iterator[Piece], *, room: int = 1, size: Callable[[Piece], int] = lambda piece: 1) -> Iterator[Piece]:
    """The same pieces in their order, the next ones made on another thread meanwhile. `pieces` is touched by that
    thread alone, also to close it where it can be closed; what it raises is raised here, in its place. Another piece is
    begun while those that wait are smaller than `room` together: where large ones and small ones take turns, a count of
    them would leave one of the threads idle."""
    waiting: _Waiting[Piece] = _Waiting(room)
    with ThreadPoolExecutor(1) as aside:
        made = aside.submit(waiting.fill, pieces, size)
        try:
            while found := waiting.take():
                yield found[0]
        finally:
            waiting.stop()
        made.result()


class _Waiting(Generic[Piece]):
    """Pieces between the thread that makes them and the one that takes them."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._pieces: deque[tuple[Piece, int]] = deque()
        self._size = 0
        self._is_over = False
        self._changed = Condition()

    def fill(self, pieces: Iterator[Piece], size: Callable[[Piece], int]) -> None:
        """Makes pieces until there are no more, or nobody takes them."""
        try:
            for piece in pieces:
                with self._changed:
                    self._pieces.append((piece, size(piece)))
                    self._size += self._pieces[-1][1]
                    del piece  # it is held while the next one is made otherwise
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: self._is_over or self._size < self._room)
                    if self._is_over:
                        return
        finally:
            self.stop()
            close = getattr(pieces, "close", None)
            if close is not None:
                close()

    def take(self) -> tuple[Piece] | None:
        """The next one; None behind the last."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over or bool(self._pieces))
            if not self._pieces:
                return None
            piece, its_size = self._pieces.popleft()
            self._size -= its_size
            self._changed.notify_all()
            return (piece,)

    def stop(self) -> None:
        """No more are made, or none are taken."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
