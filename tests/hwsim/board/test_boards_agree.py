"""The lab's vectors get the host's verdict on every board. What test_differential.py shows of mps2-an500 is shown here
of the others."""

from pathlib import Path

import pytest

from tests.hwsim.board.other_boards import NO_QEMU, firmware_of
from tests.hwsim.board.test_differential import parameters_of
from yima.firmware_images.hardware import board as board_named
from yima.hwsim.board.emulator import Board
from yima.hwsim.board.layout import SCANNER
from yima.hwsim.board.workshop import CITY, equip
from yima.validator.judging import GateContext, Mode, Validator


def disagreements(
    name: str, vectors: list[dict[str, object]], folder: Path, factory: pytest.TempPathFactory
) -> list[str]:
    """What a board says of the vectors otherwise than the host."""
    hardware, found = board_named(name), []
    firmware = firmware_of(hardware, factory)
    flash = folder / "flash"
    equip(flash, firmware.image, None)
    with Board(flash) as board:
        for vector in vectors:
            parameters, clock = parameters_of(vector), int(str(vector["clock"]))
            code = bytes.fromhex(str(vector["code"]))
            board.power_off()
            equip(folder / "next", firmware.image, parameters)
            board.flash[:] = (folder / "next").read_bytes()
            board.set_rtc(clock)
            board.power_on()
            board.run(5000, until=b"ready terminal")
            board.feed(SCANNER, code)
            said = (board.run(5000, until=b"record=") + board.run(20)).status
            verdict = Validator(parameters, GateContext(mode=Mode.BUS, city=CITY)).judge(code, clock)
            wanted = f"accepted={int(verdict.accepted)} reason={verdict.reason.value} name={verdict.reason.name} "
            if wanted not in said or f" fare={verdict.fare_fen} " not in said:
                found.append(f"{vector['case']}: {said!r}, not {wanted!r}")
    return found


def test_some_vectors_get_the_hosts_verdict(
    lab: dict[int, dict[str, object]], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert disagreements("posix", list(lab.values())[::40], tmp_path, tmp_path_factory) == []


@pytest.mark.long
@pytest.mark.parametrize("name", ["posix", pytest.param("riscv32-virt", marks=NO_QEMU)])
def test_all_vectors_get_the_hosts_verdict(
    name: str, lab: dict[int, dict[str, object]], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert disagreements(name, list(lab.values()), tmp_path, tmp_path_factory) == []
