"""What a tap costs is exact, within its budget, and what another emulator counts too."""

import json
import tempfile
from pathlib import Path

import pytest

from benchmarks.board import BEGIN, END, PAGE, RECORD, count, differences, figures, page_table
from benchmarks.pages import read_between
from yima.hwsim.board.costs import functions
from yima.hwsim.board.emulator import Board
from yima.hwsim.board.layout import SCANNER, STATION
from yima.hwsim.board.measurement import Measured
from yima.hwsim.board.qemu import Witness, after_call, installed
from yima.hwsim.board.station import Station
from yima.hwsim.board.workshop import CLOCK, Firmware, World, equip

KNOWN_ISSUER_MOST = 9_000_000
NEW_ISSUER_MOST = 15_000_000
TICK_HANDLER = 3  # instructions: one tick more or less falls into a passage


def test_counts_repeat_and_keep_their_budget(measured: Measured) -> None:
    """The record is of another run, and of another machine as a rule."""
    counted = figures(measured)
    assert differences(json.loads(RECORD.read_text()), counted) == []
    assert counted["instructions_per_tap_known_issuer"] <= KNOWN_ISSUER_MOST
    assert counted["instructions_per_tap_new_issuer"] <= NEW_ISSUER_MOST
    assert counted["flash_bytes"] <= 128 * 1024
    assert counted["ram_bytes"] <= 128 * 1024
    assert sum(counted["parts_known_issuer"].values()) == counted["instructions_per_tap_known_issuer"]


def test_a_difference_to_the_record_is_named() -> None:
    assert differences({"flash_bytes": 1, "ram_bytes": 2}, {"flash_bytes": 1, "ram_bytes": 3}) == ["ram_bytes: 2 -> 3"]


@pytest.mark.long
def test_the_counts_are_those_of_the_record(tmp_path: Path) -> None:
    """Meant changes: python -m benchmarks.board --renew."""
    assert differences(json.loads(RECORD.read_text()), figures(count(tmp_path))) == []


def test_the_page_shows_what_the_record_holds() -> None:
    assert read_between(PAGE, BEGIN, END) == page_table(json.loads(RECORD.read_text()))


def test_while_bytes_come_the_loop_looks_at_time_and_gate_once_a_millisecond(
    tmp_path: Path, firmware: Firmware, world: World
) -> None:
    """It turns for every byte; with all its work each time it could not keep up with a line at 25 MHz."""
    flash = tmp_path / "flash"
    equip(flash, firmware.image, world.parameters)
    places = functions(firmware.slot_a.elf)
    with Board(flash) as board:
        board.mark({places[name][0]: part for part, name in enumerate(("gate_run", "station_run"), 2)})
        board.set_rtc(CLOCK)
        board.power_on()
        board.run(2000, until=b"ready terminal")
        board.run(2000)
        board.parts(clear=True)
        board.feed(STATION, bytes(1152))
        board.run(100)
        _, (_, _, looked, turned, *_) = board.parts()
    assert turned > 1152
    assert 50 <= looked <= 101


@pytest.mark.slow
@pytest.mark.skipif(not installed(), reason="qemu-system-arm is not installed")
def test_qemu_gives_the_same_verdicts_and_counts_to_one_timer_tick(
    tmp_path: Path, firmware: Firmware, world: World
) -> None:
    flash = tmp_path / "flash"
    equip(flash, firmware.image, world.parameters)
    places = functions(firmware.slot_a.elf)
    judge = places["yima_judge"][0]
    behind = after_call(firmware.slot_a.image, 0x10200, *places["yima_loop_reading"], judge)
    codes = [world.code(rider) for rider in range(3)]
    ours: list[int] = []
    said: list[str] = []
    with Board(flash, mhz=1000) as board:  # as -icount shift=0: a nanosecond an instruction
        board.power_on()
        board.mark({judge: 2})
        board.run(2000, until=b"ready terminal")
        Station(board).set_time(CLOCK)  # as QEMU's is set: it starts without one
        board.run(500, until=b"clock trusted=1")
        for code in codes:
            board.parts(clear=True)
            board.feed(SCANNER, code)
            said += _taps((board.run(1000, until=b"record=") + board.run(100)).status)
            ours.append(board.parts()[0][2])
    equip(flash, firmware.image, world.parameters)
    with Board(flash) as board:
        board.power_on()  # the boot ROM chooses the slot; QEMU starts what it chose
    theirs: list[str] = []
    with tempfile.TemporaryDirectory() as sockets, Witness(flash, Path(sockets), start=judge, stop=behind) as qemu:
        qemu.status_until(b"ready terminal")
        qemu.set_time(CLOCK)
        qemu.status_until(b"clock trusted=1")
        for code in codes:
            qemu.scan(code)
            theirs += _taps(qemu.status_until(b"tap "))
        counted = qemu.counts()
    assert theirs == said
    assert len(counted) == len(ours) == 3
    assert all(abs(a - b) <= TICK_HANDLER for a, b in zip(ours, counted, strict=True)), (ours, counted)


def _taps(status: str) -> list[str]:
    return [line for line in status.splitlines() if line.startswith("tap ")]
