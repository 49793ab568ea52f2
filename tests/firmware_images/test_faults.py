"""A fault is told at the next start, with its cause and place, and a stack that overflows is a fault.

The same spoilt firmware runs on the emulated board and on QEMU: the first instructions of `device_tap` are replaced, so
the next code from the scanner runs into them.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from tests.firmware_images.qemu_board import QemuBoard, flash
from tests.hwsim.board.boards import board_on
from tests.hwsim.board.other_boards import bus_firmware
from yima.firmware_images.build import Built, Product, Slot
from yima.firmware_images.hardware import IMAGE_HEADER
from yima.firmware_images.image import factory_slot
from yima.firmware_images.signing import sign
from yima.hwsim.board.layout import RAM_BASE, SCANNER, SLOT_A, STACK_SIZE
from yima.hwsim.board.station import Station
from yima.hwsim.board.workshop import CLOCK, equip

KEPT = RAM_BASE + STACK_SIZE


@dataclass(frozen=True)
class Spoilt:
    """code: what `device_tap` begins with. cause: CFSR. at: where in it the fault is, None: nobody knows."""

    kind: str
    code: bytes
    cause: int
    at: int | None


SPOILT = (
    Spoilt("USAGE", bytes.fromhex("00de"), 1 << 16, 0),  # udf: UNDEFINSTR
    Spoilt("BUS", bytes.fromhex("4ff040400060"), 0x8200, 4),  # mov r0, #0xC0000000; str r0, [r0]: PRECISERR, BFARVALID
    Spoilt("STACK", bytes.fromhex("ffb4fde7"), 0x92, None),  # push {r0-r7}, for ever: DACCVIOL, MSTKERR, MMARVALID
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return bus_firmware(tmp_path_factory).slot_a


@pytest.fixture(params=SPOILT, ids=[spoilt.kind for spoilt in SPOILT])
def spoilt(request: pytest.FixtureRequest) -> Spoilt:
    found = request.param
    assert isinstance(found, Spoilt)
    return found


def _function(built: Built) -> tuple[int, int]:
    """Where `device_tap` begins: its address, and its offset in the ELF."""
    with built.elf.open("rb") as file:
        elf = ELFFile(file)
        symbols = elf.get_section_by_name(".symtab")
        assert isinstance(symbols, SymbolTableSection)
        address = (symbols.get_symbol_by_name("device_tap") or [])[0]["st_value"] & ~1
        return address, next(iter(elf.address_offsets(address)))


def _changed(data: bytes, at: int, code: bytes) -> bytes:
    return data[:at] + code + data[at + len(code) :]


def _image(built: Built, spoilt: Spoilt) -> bytes:
    at = _function(built)[0] - SLOT_A.start - IMAGE_HEADER
    return sign(_changed(built.image, at, spoilt.code), Slot.A, Product.BUS_VALIDATOR.full_name)


def _check(told: dict[str, str], built: Built, spoilt: Spoilt, count: int) -> None:
    assert (told["kind"], int(told["count"])) == (spoilt.kind, count)
    assert int(told["cause"], 16) == spoilt.cause
    assert int(told["pc"], 16) == (0 if spoilt.at is None else _function(built)[0] + spoilt.at)


def _told(status: str) -> dict[str, str]:
    line = re.search(r"^fault (.*)$", status, re.MULTILINE)
    assert line, status
    return dict(word.split("=", 1) for word in line[1].split())


def test_a_fault_is_told_at_the_next_start_and_in_the_state(built: Built, spoilt: Spoilt, tmp_path: Path) -> None:
    path = tmp_path / "flash"
    equip(path, _image(built, spoilt), None)
    with board_on(path) as board:
        board.set_rtc(CLOCK)
        board.power_on()
        assert "fault" not in board.run(2000, until=b"ready terminal").status
        assert Station(board).state()["faults"] == 0
        for count in (1, 2):
            board.feed(SCANNER, b"\x80" * 60)
            _check(_told(board.run(2000, until=b"ready terminal").status), built, spoilt, count)
        state = Station(board).state()
        assert (state["faults"], state["fault"]["kind"]) == (2, spoilt.kind)
        assert state["fault"]["cause"] == spoilt.cause
        assert "fault" not in Station(board).reset().status + board.run(2000, until=b"ready terminal").status
        assert Station(board).state()["faults"] == 2, "it is told once, and counted on"
        board.power_off()
        board.power_on()
        board.run(2000, until=b"ready terminal")
        assert Station(board).state()["faults"] == 0


def test_what_ram_holds_by_chance_is_no_fault(built: Built, tmp_path: Path) -> None:
    """What was kept is believed only with its CRC."""
    path = tmp_path / "flash"
    equip(path, _image(built, SPOILT[0]), None)
    with board_on(path) as board:
        board.set_rtc(CLOCK)
        board.power_on()
        board.run(2000, until=b"ready terminal")
        board.feed(SCANNER, b"\x80" * 60)
        assert "fault count=1" in board.run(2000, until=b"ready terminal").status
        assert board.untouched(KEPT, 64) < 64, "it lies between stack and data"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed")
def test_qemu_tells_the_same_fault(built: Built, spoilt: Spoilt, tmp_path: Path) -> None:
    elf = tmp_path / "spoilt.elf"
    elf.write_bytes(_changed(built.elf.read_bytes(), _function(built)[1], spoilt.code))
    image = factory_slot(_image(built, spoilt))
    with QemuBoard(elf, tmp_path, flash(image, None)) as board:
        board.until("ready terminal")
        for count in (1, 2):
            board.scan(b"\x80" * 60)
            _check(board.until("fault "), built, spoilt, count)
            board.until("ready terminal")
