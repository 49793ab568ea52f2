"""Whether something lies at a name that anybody may have given.

A name that is too long, or one in a folder that may not be looked into, is a question without an answer: nothing is
said to be there, and whoever opens it then is told why by the system.
"""

from collections.abc import Callable
from pathlib import Path


def is_folder(path: Path) -> bool:
    """Whether a folder is there, as far as the system says."""
    return _says(path.is_dir)


def is_file(path: Path) -> bool:
    """Whether a file is there, as far as the system says."""
    return _says(path.is_file)


def _says(asked: Callable[[], bool]) -> bool:
    try:
        return asked()
    except OSError:
        return False
