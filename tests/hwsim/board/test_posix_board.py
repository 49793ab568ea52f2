"""The board `posix` as what no other is: a process. Nothing of the emulator is loaded, and it is heard when it dies."""

import subprocess
from pathlib import Path

import pytest

from yima.firmware_images.build import BuildError, Environment, Product, Slot, build
from yima.firmware_images.hardware import board as board_named
from yima.hwsim.board.bootrom import Trust, put_trust, trust_of
from yima.hwsim.board.cut_scenarios import first_trips
from yima.hwsim.board.emulator import Board
from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.flash import Flash
from yima.hwsim.board.layout import MPS2, SCANNER
from yima.hwsim.board.power_cuts import survive
from yima.hwsim.board.station import Station
from yima.hwsim.board.workshop import CLOCK, Firmware, World, equip, make_firmware, ready_board

POSIX = board_named("posix")


@pytest.fixture
def board_name() -> str:
    return "posix"


def test_the_same_bytes_at_the_same_times_give_the_same_run(other_flash: Path, world: World) -> None:
    begun, code = other_flash.read_bytes(), world.code(1)
    runs = []
    for _ in range(2):
        other_flash.write_bytes(begun)
        with ready_board(other_flash) as board:
            board.feed(SCANNER, code)
            runs.append((board.run(1500), bytes(board.flash)))
    assert runs[0] == runs[1]


def test_the_emulator_is_not_loaded(other_flash: Path) -> None:
    with ready_board(other_flash) as board:
        loaded = Path(f"/proc/{board._child.pid}/maps")
        if not loaded.exists():
            pytest.skip("there is no /proc to look into")
        assert "unicorn" not in loaded.read_text()


def test_a_flash_that_says_it_is_another_boards_is_refused_for_its_size(other_flash: Path) -> None:
    memory = bytearray(other_flash.read_bytes())
    trust = trust_of(Flash(memory))
    assert trust is not None
    assert trust.hardware == "posix"
    put_trust(Flash(memory), Trust(environment="test", product=trust.product, hardware="mps2-an500", keys=trust.keys))
    other_flash.write_bytes(memory)
    with pytest.raises(BoardError, match="is no flash of 1 MB"):
        Board(other_flash)


def test_what_a_process_says_when_it_dies_is_noted_and_the_board_halts(
    tmp_path: Path, other_firmware: Firmware, world: World
) -> None:
    path = tmp_path / "flash"
    equip(path, other_firmware.image, world.parameters)
    with ready_board(path) as board:
        children = Path(f"/proc/{board._child.pid}/task/{board._child.pid}/children")
        if not children.exists():
            pytest.skip("there is no /proc to look into")
        subprocess.run(["kill", "-SEGV", children.read_text().split()[0]], check=True)
        outcome = board.run(100)
    assert outcome.state == "halted"
    assert any("fault: the process ended with -11" in note for _, note in outcome.notes)


def test_a_terminal_that_is_no_ascii_stays_off_the_status_line(tmp_path: Path, other_firmware: Firmware) -> None:
    equip(tmp_path / "flash", other_firmware.image, None, terminal="闸机 1")
    with Board(tmp_path / "flash") as board:
        board.power_on()
        assert "ready terminal=???????1\n" in board.run(2000, until=b"ready terminal").status


def test_time_the_clock_and_inputs_are_the_benchs(other_flash: Path) -> None:
    with Board(other_flash) as board:
        board.set_rtc(0, stopped=True)
        board.power_on()
        assert "why=unset" in board.run(2000, until=b"ready terminal").status
        Station(board).set_time(CLOCK)
        assert "trusted=1" in board.run(50).status or Station(board).state()["trusted"]


def test_only_a_process_can_have_sanitizers(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="only a process"):
        build(Product.BUS_VALIDATOR, Slot.A, Environment.TEST, tmp_path, MPS2, sanitize=True)


@pytest.mark.long
def test_under_sanitizers_a_tap_and_its_power_cuts_find_nothing(tmp_path: Path, world: World) -> None:
    firmware = make_firmware(tmp_path / "firmware", hardware=POSIX, sanitize=True)
    survived = survive(first_trips(tmp_path, firmware, world, 2), every=40, workers=1)
    assert survived.losses == []
