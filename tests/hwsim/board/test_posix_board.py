"""The board `posix`: the whole application as a process takes taps, survives power cuts and updates, and is heard when
it dies. Nothing of the emulator is loaded."""

import subprocess
from pathlib import Path

import pytest

from tests.hwsim.board.other_boards import firmware_of
from yima.firmware_images.build import BuildError, Environment, Product, Slot, build
from yima.firmware_images.hardware import board as board_named
from yima.firmware_images.image import read
from yima.hwsim.board.bootrom import Trust, put_trust, trust_of
from yima.hwsim.board.cut_scenarios import first_trips
from yima.hwsim.board.emulator import Board
from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.flash import Flash
from yima.hwsim.board.layout import MPS2, PIN_GATE, PIN_GREEN, SCANNER
from yima.hwsim.board.log_reader import read_log
from yima.hwsim.board.power_cuts import survive
from yima.hwsim.board.station import Station
from yima.hwsim.board.workshop import CLOCK, UPDATE, Firmware, World, equip, make_firmware, ready_board

POSIX = board_named("posix")


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Firmware:
    return firmware_of(POSIX, tmp_path_factory)


@pytest.fixture
def flash(tmp_path: Path, firmware: Firmware, world: World) -> Path:
    path = tmp_path / "flash"
    equip(path, firmware.image, world.parameters)
    return path


def test_a_tap_opens_the_gate_when_its_record_is_in_flash(flash: Path, world: World) -> None:
    with ready_board(flash) as board:
        board.feed(SCANNER, world.code(1))
        outcome = board.run(1000, until=b"record=")
        assert "tap n=1 accepted=1 reason=0 name=ACCEPTED" in outcome.status
        opened = next(change for change in outcome.pins if change.pins & PIN_GATE)
        assert opened.pins & PIN_GREEN
        assert opened.operations > 0, "the record came before"
        assert 3 in read_log(bytes(board.flash)).records
        assert not board.run(2000).pins[-1].pins, "the gate shuts by itself"


def test_the_same_bytes_at_the_same_times_give_the_same_run(flash: Path, world: World) -> None:
    begun, code = flash.read_bytes(), world.code(1)
    runs = []
    for _ in range(2):
        flash.write_bytes(begun)
        with ready_board(flash) as board:
            board.feed(SCANNER, code)
            runs.append((board.run(1500), bytes(board.flash)))
    assert runs[0] == runs[1]


def test_the_emulator_is_not_loaded(flash: Path) -> None:
    with ready_board(flash) as board:
        loaded = Path(f"/proc/{board._child.pid}/maps")
        if not loaded.exists():
            pytest.skip("there is no /proc to look into")
        assert "unicorn" not in loaded.read_text()


def test_no_cut_loses_a_promised_record(tmp_path: Path, firmware: Firmware, world: World) -> None:
    scenario = first_trips(tmp_path, firmware, world, 2)
    assert len(scenario.operations) > 150
    survived = survive(scenario, every=40, tap_every=10, workers=1)
    assert survived.losses == []
    assert survived.tried > 20
    assert survived.again > 5


def test_an_update_is_tried_confirmed_and_stays(flash: Path, firmware: Firmware) -> None:
    with ready_board(flash) as board:
        station = Station(board)
        station.upload(firmware.update)
        station.try_image(read(firmware.update).digest)
        assert station.reset().slot == "B"
        assert station.state()["software"] == UPDATE
        board.power_off()
        assert board.power_on().slot == "A", "nobody confirmed it"


def test_a_flash_that_says_it_is_another_boards_is_refused_for_its_size(flash: Path) -> None:
    memory = bytearray(flash.read_bytes())
    trust = trust_of(Flash(memory))
    assert trust is not None
    assert trust.hardware == "posix"
    put_trust(Flash(memory), Trust(environment="test", product=trust.product, hardware="mps2-an500", keys=trust.keys))
    flash.write_bytes(memory)
    with pytest.raises(BoardError, match="is no flash of 1 MB"):
        Board(flash)


def test_what_a_process_says_when_it_dies_is_noted_and_the_board_halts(
    tmp_path: Path, firmware: Firmware, world: World
) -> None:
    path = tmp_path / "flash"
    equip(path, firmware.image, world.parameters)
    with ready_board(path) as board:
        children = Path(f"/proc/{board._child.pid}/task/{board._child.pid}/children")
        if not children.exists():
            pytest.skip("there is no /proc to look into")
        subprocess.run(["kill", "-SEGV", children.read_text().split()[0]], check=True)
        outcome = board.run(100)
    assert outcome.state == "halted"
    assert any("fault: the process ended with -11" in note for _, note in outcome.notes)


def test_a_terminal_that_is_no_ascii_stays_off_the_status_line(tmp_path: Path, firmware: Firmware) -> None:
    equip(tmp_path / "flash", firmware.image, None, terminal="闸机 1")
    with Board(tmp_path / "flash") as board:
        board.power_on()
        assert "ready terminal=???????1\n" in board.run(2000, until=b"ready terminal").status


def test_time_the_clock_and_inputs_are_the_benchs(flash: Path) -> None:
    with Board(flash) as board:
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
