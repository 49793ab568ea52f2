"""The emulated board as a metro gate of a network with 500 stations: its own part, over the station line."""

from pathlib import Path

import pytest

from tests.hwsim.board.test_board import taps
from tests.network_world import CITY, exit_code, in_parts, network_image, spot
from tests.packages_world import NOW, A
from yima.firmware_images.build import Product
from yima.firmware_images.keys import public_test_key
from yima.firmware_images.provision import Settings
from yima.firmware_images.session import bench_key
from yima.hwsim.board.emulator import Board
from yima.hwsim.board.factory import make_flash
from yima.hwsim.board.layout import SCANNER
from yima.hwsim.board.station import Station
from yima.hwsim.board.workshop import make_firmware
from yima.sdk.parameters.parts import cut
from yima.validator.judging import Direction, GateContext, Mode, Validator
from yima.validator.parameters import from_image
from yima.validator.parameters.image import with_version

STATION = 350


@pytest.mark.long
def test_a_gate_of_500_stations_runs_on_the_board(tmp_path: Path) -> None:
    firmware = make_firmware(tmp_path, Product.METRO_GATE)
    flash = tmp_path / "flash"
    settings = Settings(
        terminal="M350", city=CITY, station=STATION, direction=2, keys=[A.compressed], station_keys=[bench_key()]
    )
    make_flash(
        flash, firmware.image, keys=[public_test_key()], settings=settings, parameters=cut(in_parts(), spot(STATION))
    )
    whole = Validator(
        from_image(network_image(), "whole"),
        GateContext(mode=Mode.METRO, city=CITY, station=STATION, direction=Direction.EXIT),
    )
    with Board(flash) as board:
        board.set_rtc(NOW)
        board.power_on()
        assert "ready terminal" in board.run(3000, until=b"ready terminal").status
        station = Station(board)
        assert station.send_parameters(cut(in_parts(with_version(network_image(), 2), version=2), spot(STATION))) == 2
        for account, entry in enumerate((101, 222, 333, 444)):
            code = exit_code(entry, NOW, account=account)
            verdict = whole.judge(code, NOW)
            board.feed(SCANNER, code)
            (tap,) = taps(board.run(3000).status)
            assert (tap["name"], int(tap["fare"])) == (verdict.reason.name, verdict.fare_fen)
