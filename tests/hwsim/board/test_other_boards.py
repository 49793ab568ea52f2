"""The boards beside mps2-an500, `posix` and `riscv32-virt`: the same application takes taps, survives power cuts and
is updated."""

import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.hwsim.board.other_boards import BOARDS
from yima.firmware_images.image import read
from yima.hwsim.board.cut_scenarios import first_trips
from yima.hwsim.board.emulator import Board
from yima.hwsim.board.flash import Cut
from yima.hwsim.board.layout import PIN_GATE, PIN_GREEN, SCANNER
from yima.hwsim.board.log_reader import read_log
from yima.hwsim.board.power_cuts import survive
from yima.hwsim.board.station import Station
from yima.hwsim.board.workshop import CLOCK, UPDATE, Firmware, World, ready_board

RECORD_OPERATIONS = 80  # a record takes a few more


@pytest.fixture(params=BOARDS)
def board_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_tap_opens_the_gate_when_its_record_is_in_flash(other_flash: Path, world: World) -> None:
    with ready_board(other_flash) as board:
        board.feed(SCANNER, world.code(1, CLOCK))
        outcome = board.run(3000, until=b"record=") + board.run(100)
        assert "tap n=1 accepted=1 reason=0 name=ACCEPTED" in outcome.status
        opened = next(change for change in outcome.pins if change.pins & PIN_GATE)
        assert opened.pins & PIN_GREEN
        assert opened.operations > 0, "the record came before"
        assert 3 in read_log(bytes(board.flash)).records
        assert not board.run(2000).pins[-1].pins, "the gate shuts by itself"


@pytest.mark.parametrize("cut", [Cut.TORN, Cut.NEARLY])
def test_power_that_goes_while_a_record_is_written_costs_no_other(cut: Cut, other_flash: Path, world: World) -> None:
    with ready_board(other_flash) as board:
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


def test_nothing_is_left_of_a_board_that_was_closed_while_it_ran(
    other_flash: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def running(scratch: str) -> list[str]:
        told = subprocess.run(["ps", "-eo", "args", "-ww"], capture_output=True, text=True, check=True).stdout
        return [line for line in told.splitlines() if scratch in line]

    with tempfile.TemporaryDirectory() as scratch:  # a short path: sockets lie in it
        monkeypatch.setenv("TMPDIR", scratch)
        with ready_board(other_flash):
            assert running(scratch)
            assert list(Path(scratch).iterdir())
        assert running(scratch) == []
        assert list(Path(scratch).iterdir()) == []


def try_update(board: Board, image: bytes) -> Station:
    """The update has been uploaded, and is on trial."""
    station = Station(board)
    station.upload(image)
    station.try_image(read(image).digest)
    assert station.reset().slot == "B"
    assert station.state()["software"] == UPDATE
    return station


def test_an_update_that_nobody_confirms_goes_back(other_flash: Path, other_firmware: Firmware) -> None:
    with ready_board(other_flash) as board:
        try_update(board, other_firmware.update)
        board.power_off()
        assert board.power_on().slot == "A"


def test_an_update_that_is_confirmed_stays(other_flash: Path, other_firmware: Firmware) -> None:
    with ready_board(other_flash) as board:
        station = try_update(board, other_firmware.update)
        station.confirm()
        assert station.reset().slot == "B"
        board.power_off()
        assert board.power_on().slot == "B"
        assert f"yima version={UPDATE}" in board.run(5000, until=b"ready terminal").status


def test_no_cut_loses_a_promised_record(
    tmp_path: Path, other_firmware: Firmware, world: World, board_name: str
) -> None:
    scenario = first_trips(tmp_path, other_firmware, world, 2)
    assert len(scenario.operations) > 150
    survived = survive(scenario, every=40, tap_every=10, workers=1)
    assert survived.losses == []
    assert survived.tried > 20
    assert survived.again > 5
