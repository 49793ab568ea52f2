"""The boards beside mps2-an500, and firmware of any of them, built once for all tests of a run."""

import pickle
from pathlib import Path

import pytest

from tests.once import once
from yima.firmware_images.hardware import Hardware
from yima.hwsim.board import virt
from yima.hwsim.board.workshop import Firmware, make_firmware

NO_QEMU = pytest.mark.skipif(not virt.installed(), reason="qemu-system-riscv32 is not installed: qemu-system-misc")
BOARDS = ["posix", pytest.param("riscv32-virt", marks=[pytest.mark.long, NO_QEMU])]


def firmware_of(hardware: Hardware, factory: pytest.TempPathFactory) -> Firmware:
    """The bus validator of that board, signed with the test key."""

    def make(folder: Path) -> None:
        (folder / "firmware").write_bytes(pickle.dumps(make_firmware(folder, hardware=hardware)))

    made: Firmware = pickle.loads((once(factory, hardware.name, make) / "firmware").read_bytes())
    return made
