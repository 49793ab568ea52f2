"""RAM of the emulated board: at power-on it holds anything, the firmware relies on none of it, its stack has room."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hwsim.board.boards import board_on
from yima.firmware_images.image import read
from yima.hwsim.board.emulator import Board, Outcome
from yima.hwsim.board.flash import Cut
from yima.hwsim.board.flaws import Flaws
from yima.hwsim.board.layout import RAM_BASE, RAM_SIZE, SCANNER, STACK_SIZE
from yima.hwsim.board.log_reader import read_log
from yima.hwsim.board.station import Station
from yima.hwsim.board.workshop import CLOCK, Firmware, World, equip

READY_MS = 2000


def come_up(board: Board, clock: int = CLOCK) -> Outcome:
    """Power off and on, until ready."""
    board.power_off()
    board.set_rtc(clock)
    return board.power_on() + board.run(READY_MS, until=b"ready terminal") + board.run(50)


def test_what_ram_holds_at_power_on_changes_nothing(tmp_path: Path, firmware: Firmware, world: World) -> None:
    code = world.code(1)
    runs = []
    for seed in (1, 2):
        flash = tmp_path / f"flash-{seed}"
        equip(flash, firmware.image, world.parameters)
        with board_on(flash, ram_seed=seed) as board:
            come_up(board)
            board.feed(SCANNER, code)
            tapped = board.run(1000)
            assert "name=ACCEPTED" in tapped.status
            runs.append((tapped.insns, tapped.status, tapped.pins, read_log(bytes(board.flash)).records))
    assert runs[0] == runs[1]


def test_a_board_costs_the_same_at_every_power_on(tmp_path: Path, firmware: Firmware, world: World) -> None:
    """What the emulator keeps from one power-on to the next must not show."""
    flash = tmp_path / "flash"
    equip(flash, firmware.image, world.parameters)
    with board_on(flash) as board:
        come_up(board)  # the first marks its slot
        board.power_off()
        before = bytes(board.flash)
        runs = []
        for _ in range(3):
            board.power_off()
            board.flash[:] = before  # each start is written down
            runs.append(come_up(board))
    assert len({(run.insns, run.status, run.operations) for run in runs}) == 1
    flash.write_bytes(before)
    with board_on(flash) as board:
        assert come_up(board).insns == runs[-1].insns


def test_a_board_in_the_process_of_another_runs_as_one_in_its_own(
    tmp_path: Path, firmware: Firmware, world: World
) -> None:
    code = world.code(1)

    def flash(name: str) -> Path:
        equip(tmp_path / name, firmware.image, world.parameters)
        return tmp_path / name

    def come_up_and_tap(board: Board) -> Outcome:
        come_up(board)
        board.feed(SCANNER, code)
        return board.run(1000)

    with Board(flash("one")) as board:
        first = come_up_and_tap(board)
        board.set_rtc(CLOCK + 100, stopped=True)
        board.set_flaws(Flaws(program_us=82, drift_ppm=60_000, noise=100))
        board.set_buttons(1)
        board.cut_at(1, Cut.TORN)
        board.feed(SCANNER, b"?" * 500)
        board.become(flash("other"))
        assert come_up_and_tap(board) == first
        assert board.flash[:] == (tmp_path / "other").read_bytes() == (tmp_path / "one").read_bytes()


def test_ram_outlives_a_reset_and_not_a_loss_of_power(
    tmp_path: Path, firmware: Firmware, world: World, stack_used: Callable[[Board], int]
) -> None:
    flash = tmp_path / "flash"
    equip(flash, firmware.image, world.parameters)
    with board_on(flash) as board:
        fresh = come_up(board)
        booted = stack_used(board)
        board.feed(SCANNER, world.code(1))
        board.run(1000)
        deep = stack_used(board)
        assert deep > booted
        Station(board).reset()
        assert stack_used(board) == deep
        assert come_up(board).status == fresh.status.replace("next=1", "next=6").replace("codes=0", "codes=1")
        assert stack_used(board) < deep


@pytest.mark.parametrize(("address", "size"), [(0, 4), (RAM_BASE - 4, 4), (RAM_BASE, RAM_SIZE + 4), (RAM_BASE, -4)])
def test_what_is_no_ram_is_not_asked_for(
    tmp_path: Path, firmware: Firmware, world: World, address: int, size: int
) -> None:
    from yima.hwsim.board.errors import BoardError

    flash = tmp_path / "flash"
    equip(flash, firmware.image, world.parameters)
    with board_on(flash) as board, pytest.raises(BoardError, match="not RAM"):
        board.untouched(address, size)


@pytest.mark.slow
@pytest.mark.long
def test_the_stack_keeps_room_through_trips_and_an_update(
    tmp_path: Path, firmware: Firmware, world: World, stack_used: Callable[[Board], int]
) -> None:
    """The lab vectors' stacks are looked at in test_differential.py."""
    flash = tmp_path / "flash"
    equip(flash, firmware.image, world.parameters)
    with board_on(flash) as board:
        come_up(board)
        station = Station(board)
        for rider in range(5):
            board.feed(SCANNER, world.code(rider))
            board.run(1000)
        station.records(1)
        station.upload(firmware.update)
        station.try_image(read(firmware.update).digest)
        station.reset()
        station.confirm()
        assert 1000 < stack_used(board) <= STACK_SIZE * 3 // 4
