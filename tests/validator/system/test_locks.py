"""A lock has one holder, says who it is, and is gone with its process."""

import multiprocessing
import os
from pathlib import Path

import pytest

from yima.validator.system.locks import HeldError, hold, in_turn


def test_a_second_one_is_told_who_holds_it(tmp_path: Path) -> None:
    held = hold(tmp_path / "lock")
    with pytest.raises(HeldError) as refused:
        hold(tmp_path / "lock")
    assert refused.value.holder == str(os.getpid())
    os.close(held)
    os.close(hold(tmp_path / "lock"))


def test_a_shorter_number_leaves_nothing_of_a_longer_one(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("123456789012\n")
    os.close(hold(tmp_path / "lock"))
    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_link_where_the_lock_should_be_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("precious")
    (tmp_path / "lock").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic links"):
        hold(tmp_path / "lock")
    assert (tmp_path / "other").read_text() == "precious"


def _add_one(folder: Path, times: int) -> None:
    for _ in range(times):
        with in_turn(folder / "lock"):
            (folder / "count").write_text(str(int((folder / "count").read_text()) + 1))


def test_who_waits_gets_its_turn(tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0")
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_add_one, args=(tmp_path, 25)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert (tmp_path / "count").read_text() == "50"
