"""What is made once is made by whoever comes first, and anew where that failed."""

import threading
from pathlib import Path

import pytest

from tests.once import once


def test_the_first_makes_it_and_the_others_wait_for_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    made: list[Path] = []
    found: list[str] = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "part").write_text("made")

    def ask() -> None:
        found.append((once(tmp_path_factory, "of-once-threads", make) / "part").read_text())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["made"] * 4
    assert len(made) == 1


def test_what_was_not_made_whole_is_made_anew(tmp_path_factory: pytest.TempPathFactory) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        once(tmp_path_factory, "of-once-failed", fail)
    folder = once(tmp_path_factory, "of-once-failed", lambda folder: (folder / "whole").touch())
    assert [path.name for path in folder.iterdir()] == ["whole"]
