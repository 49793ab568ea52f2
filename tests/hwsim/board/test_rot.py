"""Flash decays under log, settings and parameters: what is lost is lost by name, and the device goes on.

A sample; `yima board rot --cases 10000` tries more.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.hwsim.board.boards import board_on, ready_board_on
from yima.firmware_images.provision import Settings, settings_copy
from yima.firmware_images.session import bench_key
from yima.hwsim.board.layout import FLASH_BLOCK, LOG, PARAMETERS, PIN_GATE, SCANNER, SETTINGS
from yima.hwsim.board.station import Station
from yima.hwsim.board.workshop import CITY, CLOCK, Firmware, World, equip


def test_no_loss_is_silent_no_log_jams_and_no_number_is_doubled() -> None:
    """One bit in a block's header lost records in 468 of 1000 cases and jammed the log in 913; nobody noticed."""
    done = subprocess.run(
        [sys.executable, "-m", "yima.sdk.cli.main", "board", "rot", "--cases", "400"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == ["log", "weak", "dead", "settings", "parameters"]
    assert all("0 silent, 0 jammed, 0 doubled" in line for line in lines)
    assert all(" 0 noticed" not in line for line in lines), "something must have rotted"


@pytest.mark.parametrize("rotten", ["first", "second", "both"])
def test_settings_that_rotted_in_both_copies_open_no_gate(
    rotten: str, tmp_path: Path, firmware: Firmware, world: World
) -> None:
    """The second copies were blank, and a device without settings let riders in as terminal "unset" of city 0."""
    path = tmp_path / "flash"
    equip(path, firmware.image, world.parameters)
    flash = bytearray(path.read_bytes())
    copy = settings_copy(Settings(terminal="T1", city=CITY, station_keys=[bench_key()]))
    assert all(flash[at : at + len(copy)] == copy for at in SETTINGS)
    assert flash[PARAMETERS[0] : PARAMETERS[0] + 4096] == flash[PARAMETERS[1] : PARAMETERS[1] + 4096]
    for number, place in enumerate(SETTINGS):
        if rotten in ("both", ("first", "second")[number]):
            flash[place + 20] ^= 1
    path.write_bytes(flash)
    with board_on(path) as board:
        board.set_rtc(CLOCK)
        board.power_on()
        started = board.run(2000, until=b"ready terminal").status
        board.feed(SCANNER, world.code(1))
        shown = board.run(1500, until=b"record=") + board.run(50)
        opened = any(change.pins & PIN_GATE for change in shown.pins)
    assert opened == (rotten != "both")
    assert ("name=NO_SETTINGS" in shown.status) == (rotten == "both")
    assert ("settings refused=NONE" in started) == (rotten == "both")


def test_what_the_device_lost_it_names_to_the_station_and_on_the_status_line(
    tmp_path: Path, firmware: Firmware, world: World
) -> None:
    path = tmp_path / "flash"
    equip(path, firmware.image, world.parameters)
    with ready_board_on(path) as board:
        for rider in range(3):
            board.feed(SCANNER, world.code(rider))
            board.run(1500, until=b"record=")
        before = Station(board).records()
        rotten = before[-2]
        at = bytes(board.flash).index(rotten.data, LOG, LOG + FLASH_BLOCK)
        board.power_off()
        board.flash[at + 300] ^= 8
        board.power_on()
        assert "lost=1" in board.run(2000, until=b"ready terminal").status
        station = Station(board)
        answer = station.ask(0, 64, 2, {"from": 0})
        assert answer["lost"] == [{"from": rotten.number, "to": rotten.number}]
        assert station.state()["lost"] == 1
        kept = [record.number for record in station.records()]
        assert rotten.number not in kept
        assert station.acknowledge(station.records()[-1]) == kept[-1]
        assert station.state()["lost"] == 0
