"""What a file says, for who asks often."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")


class Watched(Generic[T]):
    """What a file says, read again when it was replaced. load: gets the path, also where there is no file."""

    def __init__(self, path: Path, load: Callable[[Path], T]) -> None:
        self._path, self._load = path, load
        self._lock = threading.Lock()
        self._held: tuple[tuple[int, ...], T] | None = None

    def get(self) -> T:
        """The newest. Raises what load raises."""
        with self._lock:
            seen = self._seen()
            if self._held is None or self._held[0] != seen:
                self._held = (seen, self._load(self._path))
            return self._held[1]

    def _seen(self) -> tuple[int, ...]:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return ()
        return (status.st_ino, status.st_mtime_ns, status.st_size)
