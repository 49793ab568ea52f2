"""A list longer than it may be is refused: cut short in silence, its last devices and keys would be nobody's."""

from collections.abc import Callable
from pathlib import Path

import pytest

from yima.sdk.centre.collector.enrolment import FILE_MAX, read_all_keys
from yima.sdk.roots import load_roots
from yima.validator.errors import YimaError
from yima.validator.packages import read_pins

LISTS: dict[str, tuple[int, Callable[[Path], object]]] = {
    "devices": (FILE_MAX, read_all_keys),
    "pins": (1 << 16, read_pins),
    "roots": (1 << 20, lambda path: load_roots([path])),
}


@pytest.mark.parametrize("what", LISTS)
def test_a_list_longer_than_it_may_be_is_refused_and_not_cut(what: str, tmp_path: Path) -> None:
    most, read = LISTS[what]
    path = tmp_path / "list"
    path.write_bytes(b"#" * most + b"\n")
    with pytest.raises(YimaError, match="larger than"):
        read(path)
