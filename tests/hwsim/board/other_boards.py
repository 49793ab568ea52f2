"""The boards beside mps2-an500, and firmware of any board, built once for all tests of a run."""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from tests.once import once
from yima.firmware_images.build import Product
from yima.firmware_images.hardware import Hardware, board
from yima.hwsim.board import virt
from yima.hwsim.board.workshop import Firmware, make_firmware

NO_QEMU = pytest.mark.skipif(not virt.installed(), reason="qemu-system-riscv32 is not installed: qemu-system-misc")
BOARDS = ["posix", pytest.param("riscv32-virt", marks=[pytest.mark.long, NO_QEMU])]


def firmware_of(
    hardware: Hardware, factory: pytest.TempPathFactory, product: Product = Product.BUS_VALIDATOR
) -> Firmware:
    """A product of that board, signed with the test key."""

    def make(folder: Path) -> None:
        (folder / "firmware").write_bytes(pickle.dumps(make_firmware(folder, product, hardware)))

    folder = once(factory, f"{hardware.name}-{product}", make)
    made: Firmware = pickle.loads((folder / "firmware").read_bytes())
    # The folder was moved after it was made.
    a, b = (replace(one, elf=folder / one.elf.name) for one in (made.slot_a, made.slot_b))
    return replace(made, slot_a=a, slot_b=b)


def bus_firmware(factory: pytest.TempPathFactory) -> Firmware:
    """The bus validator of mps2-an500."""
    return firmware_of(board(), factory)


def metro_firmware(factory: pytest.TempPathFactory) -> Firmware:
    """The metro gate of mps2-an500."""
    return firmware_of(board(), factory, Product.METRO_GATE)
