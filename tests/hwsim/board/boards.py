"""Boards for one test after the other: each is a new one, in a process that an earlier one may have had."""

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yima.hwsim.board.emulator import Board
from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.workshop import get_ready

_IDLE_MOST = 2
_idle: list[Board] = []


@contextmanager
def board_on(flash: Path, *, keep_operations: bool = False, ram_seed: int = 0) -> Iterator[Board]:
    """A board on this flash file, without power yet. Nobody closes it: its process stays for the next that asks."""
    board = _taken(flash, keep_operations=keep_operations, ram_seed=ram_seed)
    try:
        yield board
    except BaseException:
        board.close()
        raise
    if len(_idle) < _IDLE_MOST:
        _idle.append(board)
    else:
        board.close()


@contextmanager
def ready_board_on(flash: Path) -> Iterator[Board]:
    """The same, come up as far as taking codes."""
    with board_on(flash) as board:
        get_ready(board)
        yield board


def _taken(flash: Path, *, keep_operations: bool, ram_seed: int) -> Board:
    while _idle:
        board = _idle.pop()
        try:
            board.become(flash, keep_operations=keep_operations, ram_seed=ram_seed)
        except BoardError:  # its process has ended
            board.close()
        else:
            return board
    return Board(flash, keep_operations=keep_operations, ram_seed=ram_seed)


@atexit.register
def _end_idle() -> None:
    while _idle:
        _idle.pop().close()
