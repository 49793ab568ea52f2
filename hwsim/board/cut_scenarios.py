"""The scenarios of the power-cut test: trips on a log that has gone round, an update of the firmware, and a station
that writes at the wrong moment, while an image is on trial.

The trips begin with a log whose every block was used, so that a new block costs an erase of old records. The update,
with its fifteen thousand operations, begins with a young log, which boots faster.
"""

import random
from pathlib import Path

from yima.firmware_images.image import read
from yima.firmware_images.keys import public_test_key
from yima.hwsim.board.emulator import Board
from yima.hwsim.board.layout import FLASH_BLOCK, LOG_SIZE, SCANNER
from yima.hwsim.board.log_reader import read_log
from yima.hwsim.board.power_cuts import Player, Scenario
from yima.hwsim.board.station import Station
from yima.hwsim.board.workshop import CLOCK, Firmware, World, equip, ready_board

TRIPS = 9  # a block of the log holds seven records: one new block comes in between
_JUNK = 364
_ROUND = 60
_LEFT = 3  # records that the station has not taken: it takes them again after every cut


def fill_log(board: Board) -> None:
    """Refused taps, each recorded, and acknowledgements, until every block of the log was used; ends powered off."""
    chance = random.Random("a log that has gone round")  # noqa: S311 - repeatable junk
    board.set_rtc(CLOCK - 3600)
    board.power_on()
    board.run(2000, until=b"ready terminal")
    station = Station(board)
    for number in range((LOG_SIZE // FLASH_BLOCK * 7 // _ROUND + 1) * _ROUND + _LEFT):
        board.feed(SCANNER, b"\x01" + chance.randbytes(_JUNK - 1))
        board.run(200, until=b"record=")
        if number % _ROUND == _ROUND - 1:
            newest = max(read_log(bytes(board.flash)).records)
            station.acknowledge(station.records(newest)[-1])
    board.run(1000)
    board.power_off()


def prepared(directory: Path, firmware: Firmware, world: World) -> Path:
    """A board's flash with a log that has gone round. directory: scratch."""
    flash = directory / "flash"
    equip(flash, firmware.image, world.parameters)
    with Board(flash) as board:
        fill_log(board)
    return flash


def trips(directory: Path, firmware: Firmware, world: World, count: int = TRIPS) -> Scenario:
    """Taps that open the gate, with one acknowledgement among them."""
    return _trips(prepared(directory, firmware, world), world, count)


def first_trips(directory: Path, firmware: Firmware, world: World, count: int = TRIPS) -> Scenario:
    """The same on a log that is new."""
    flash = directory / "flash"
    equip(flash, firmware.image, world.parameters)
    return _trips(flash, world, count)


def update(directory: Path, firmware: Firmware, world: World) -> Scenario:
    """After a few trips: an upload into slot B, a trial boot, the confirmation, one more boot."""
    flash = directory / "flash"
    equip(flash, firmware.image, world.parameters)
    _trips(flash, world, 3)
    scenario = _scenario("update", flash, world.code(1000))
    with Board(flash, keep_operations=True) as board:
        player = Player(board, scenario)
        player.update(firmware.update)
        player.finish()
    return scenario


def trial(directory: Path, firmware: Firmware, world: World) -> Scenario:
    """An image is on trial; the station uploads into the slot of its fall-back, and erases it."""
    flash = directory / "flash"
    equip(flash, firmware.image, world.parameters)
    with ready_board(flash) as board:
        station = Station(board)
        station.upload(firmware.update)
        station.try_image(read(firmware.update).digest)
        board.power_off()
    scenario = _scenario("trial", flash, world.code(1000))
    with Board(flash, keep_operations=True) as board:
        player = Player(board, scenario)
        player.write_while_on_trial(firmware.image)
        player.finish()
    return scenario


def _trips(flash: Path, world: World, count: int) -> Scenario:
    codes = [world.code(rider) for rider in range(count + 1)]
    scenario = _scenario("trips", flash, codes[-1])
    with Board(flash, keep_operations=True) as board:
        player = Player(board, scenario)
        for number, code in enumerate(codes[:-1]):
            player.tap(code)
            if number == count // 2:
                player.acknowledge()
        player.finish()
    return scenario


def _scenario(name: str, flash: Path, next_code: bytes) -> Scenario:
    return Scenario(
        name=name,
        start=flash.read_bytes(),
        clock=CLOCK,
        key=public_test_key().public_bytes_raw(),
        next_code=next_code,
    )
