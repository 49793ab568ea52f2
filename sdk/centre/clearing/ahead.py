"""Making the next piece while the last one is worked on: two steps side by side, each on a thread of its own.

What reads a store holds the interpreter's lock, what writes Parquet does not; one after the other they leave a
processor idle.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Piece = TypeVar("Piece")


def ahead(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The same pieces in their order, the next one made on another thread meanwhile. `pieces` is touched by that thread
    alone, also to close it where it can be closed; what it raises is raised here, in its place."""
    with ThreadPoolExecutor(1) as aside:
        coming = aside.submit(_next, pieces)
        try:
            while found := coming.result():
                coming = aside.submit(_next, pieces)
                yield found[0]
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                aside.submit(close).result()


def _next(pieces: Iterator[Piece]) -> tuple[Piece] | None:
    """The next one; None behind the last."""
    for piece in pieces:
        return (piece,)
    return None
