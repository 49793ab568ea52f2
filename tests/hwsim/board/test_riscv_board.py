"""The board `riscv32-virt`: the same application in another instruction set, on QEMU, takes taps, survives power
cuts and updates."""

from pathlib import Path

import pytest

from tests.hwsim.board.other_boards import firmware_of
from yima.firmware_images.hardware import board as board_named
from yima.firmware_images.image import read
from yima.hwsim.board.flash import Cut
from yima.hwsim.board.layout import PIN_GATE, SCANNER
from yima.hwsim.board.log_reader import read_log
from yima.hwsim.board.station import Station
from yima.hwsim.board.virt import installed
from yima.hwsim.board.workshop import CLOCK, UPDATE, Firmware, World, equip, ready_board

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not installed(), reason="qemu-system-riscv32 is not installed: qemu-system-misc"),
]
VIRT = board_named("riscv32-virt")
RECORD_OPERATIONS = 80  # a record takes a few more


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Firmware:
    return firmware_of(VIRT, tmp_path_factory)


@pytest.fixture
def flash(tmp_path: Path, firmware: Firmware, world: World) -> Path:
    path = tmp_path / "flash"
    equip(path, firmware.image, world.parameters)
    return path


def test_a_tap_opens_the_gate_when_its_record_is_in_flash(flash: Path, world: World) -> None:
    with ready_board(flash) as board:
        board.feed(SCANNER, world.code(1, CLOCK))
        outcome = board.run(3000, until=b"record=") + board.run(100)
        assert "tap n=1 accepted=1 reason=0 name=ACCEPTED" in outcome.status
        opened = next(change for change in outcome.pins if change.pins & PIN_GATE)
        assert opened.operations > 0, "the record came before"
        assert 3 in read_log(bytes(board.flash)).records


@pytest.mark.parametrize("cut", [Cut.TORN, Cut.NEARLY])
def test_power_that_goes_while_a_record_is_written_costs_no_other(cut: Cut, flash: Path, world: World) -> None:
    with ready_board(flash) as board:
        board.feed(SCANNER, world.code(1, CLOCK))
        board.run(3000, until=b"record=")
        kept = read_log(bytes(board.flash)).records
        board.set_rtc(CLOCK + 60)
        board.power_on()
        started = board.run(5000, until=b"ready terminal").operations
        board.cut_at(started + RECORD_OPERATIONS // 2, cut)
        board.power_on()
        assert "ready terminal" in board.run(5000, until=b"ready terminal").status
        board.feed(SCANNER, world.code(2, CLOCK + 60))
        assert board.run(5000, until=b"record=").state == "power lost"
        board.power_on()
        assert "ready terminal" in board.run(5000, until=b"ready terminal").status
        log = read_log(bytes(board.flash))
        assert log.complaints == ()
        assert kept.items() <= log.records.items()
        assert {record.number for record in Station(board).records()} == set(log.records)


def test_an_update_is_tried_and_goes_back_unless_it_is_confirmed(flash: Path, firmware: Firmware) -> None:
    with ready_board(flash) as board:
        station = Station(board)
        station.upload(firmware.update)
        station.try_image(read(firmware.update).digest)
        assert station.reset().slot == "B"
        assert station.state()["software"] == UPDATE
        board.power_off()
        assert board.power_on().slot == "A", "nobody confirmed it"
