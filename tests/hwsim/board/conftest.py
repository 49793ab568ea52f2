"""Firmware built once, a world of riders, and boards that are equipped with both."""

import importlib.util
import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from yima.validator.parameters import Parameters

NEEDED = ("unicorn", "elftools", "imgtool", "smp", "ziglang")
if all(importlib.util.find_spec(name) for name in NEEDED):
    from tests.hwsim.board.boards import board_on
    from tests.hwsim.board.other_boards import bus_firmware, firmware_of
    from yima.firmware_images.hardware import board as board_named
    from yima.hwsim.board.emulator import Board
    from yima.hwsim.board.layout import RAM_BASE, STACK_SIZE
    from yima.hwsim.board.measurement import Measured
    from yima.hwsim.board.workshop import CLOCK, Firmware, World, equip, make_world
else:
    collect_ignore_glob = ["test_*.py"]  # the extras `board` and `firmware` are not installed


@pytest.fixture(scope="session")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Firmware:
    """The bus validator, built and signed with the test key."""
    return bus_firmware(tmp_path_factory)


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """What the benchmark of the board counts."""
    from benchmarks.board import count

    return count(tmp_path_factory.mktemp("counted"))


@pytest.fixture(scope="session")
def world() -> World:
    """One issuer, and parameters that accept it."""
    return make_world()


@pytest.fixture
def other_firmware(board_name: str, tmp_path_factory: pytest.TempPathFactory) -> Firmware:
    """The bus validator of the board that a module names."""
    return firmware_of(board_named(board_name), tmp_path_factory)


@pytest.fixture
def other_flash(tmp_path: Path, other_firmware: Firmware, world: World) -> Path:
    """A flash file of that board, equipped."""
    path = tmp_path / "flash"
    equip(path, other_firmware.image, world.parameters)
    return path


@pytest.fixture
def stack_used() -> Callable[[Board], int]:
    """How deep the stack of a board with the firmware has been since power-on, bytes."""
    return lambda board: STACK_SIZE - board.untouched(RAM_BASE, STACK_SIZE)


@pytest.fixture
def started(tmp_path: Path, firmware: Firmware, world: World) -> Iterator[Callable[..., Board]]:
    """Makes boards that have come up; parameters=None makes one without."""
    boards, numbers = ExitStack(), itertools.count()

    def start(*, parameters: Parameters | None = world.parameters, clock: int = CLOCK, stopped: bool = False) -> Board:
        path = tmp_path / f"flash-{next(numbers)}"
        equip(path, firmware.image, parameters)
        board = boards.enter_context(board_on(path, keep_operations=True))
        board.set_rtc(clock, stopped=stopped)
        board.power_on()
        assert "ready terminal" in board.run(2000, until=b"ready terminal").status
        board.run(50)
        return board

    with boards:
        yield start
