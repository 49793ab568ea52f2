"""A board is described once: what is wrong with a description is named, and all that is made from it agrees."""

import re
from pathlib import Path

import pytest

from yima.firmware_images.hardware import BOARDS, HardwareError, board, boards, linker_script, map_header, read

GOOD = (BOARDS / "mps2_an500" / "board.toml").read_text()


@pytest.mark.parametrize("name", boards())
def test_a_board_is_called_as_its_folder(name: str) -> None:
    assert board(name).name == name
    assert board(name).folder == BOARDS / name.replace("-", "_")


def test_a_board_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(HardwareError, match=r"abacus.*mps2-an500"):
        board("abacus")


@pytest.mark.parametrize(
    ("there", "instead", "named"),
    [
        ("unit = 8", "unit = 12", "flash.unit is 12"),
        ("block = 0x1000", "block = 0x1800", "flash.block is 6144"),
        ("block = 0x1000", "block = 0x400", "flash.block is 1024, not a power of two from 2048 to 131072"),
        ("block = 0x1000", "block = 0x4_0000", "flash.block is 262144"),
        ("log = { start = 0xA_0000, size = 0x4_0000", "log = { start = 0xA_0000, size = 0x3000",
         "flash.log has less than 4 blocks, in which no tap can be recorded"),
        ("log = { start = 0xA_0000", "log = { start = 0xA_0800", "flash.log is not whole blocks"),
        ("size = 0x4_0000 }", "size = 0x4_1000 }", "flash.log reaches into flash.settings"),
        ("parameters = { start = 0x8_0000, size = 0x2_0000 }", "parameters = { start = 0x8_0000, size = 0x1000 }",
         "flash.parameters is not two times whole blocks"),
        ("waiting = { start = 0xE_4000, size = 0x1_0000 }", "waiting = { start = 0xE_4000, size = 0x8000 }",
         "flash.waiting is not as large as one copy of flash.parameters"),
        ("size = 0x10_0000", "size = 0xE_5000", "ends behind the flash"),
        ("[{ start = 0x1_0000, size = 0x3_0000 }", "[{ start = 0x1_0000, size = 0x2_0000 }", "differ in size"),
        ("image_max = 0x2_0000", "image_max = 0x3_0000", "no room for a slot's trailer"),
        ('starts = "vectors"', 'starts = "by magic"', "by magic"),
        ('name = "mps2-an500"', "", "KeyError: 'name'"),
        ("[flash]", "[flash", "TOMLDecodeError"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_description_is_named(there: str, instead: str, named: str, tmp_path: Path) -> None:
    assert there in GOOD
    path = tmp_path / "board.toml"
    path.write_text(GOOD.replace(there, instead, 1))
    with pytest.raises(HardwareError) as refused:
        read(path)
    assert named in str(refused.value)
    assert str(path) in str(refused.value)


def test_the_firmware_is_told_what_the_description_says() -> None:
    header = map_header(board())
    for said in (
        'PORT_HARDWARE "mps2-an500"',
        "PORT_LOG = 0xa0000",
        "PORT_PARAMETERS_SIZE = 0x10000",
        "PORT_SLOT_B = 0x40000",
    ):
        assert said in header


def test_an_image_is_linked_behind_the_header_of_its_slot_and_every_number_of_the_script_is_told() -> None:
    script = linker_script(board(), board().slots[1])
    assert "ORIGIN = 0x40200" in script
    assert not re.search("@[A-Z_]+@", script)


def test_the_memory_table_of_the_emulated_board_says_where_its_description_puts_things() -> None:
    table = (BOARDS / "mps2_an500" / "README.md").read_text()
    mps2 = board()
    copies = (*mps2.parameters.halves(), *mps2.settings.halves())
    for part in (mps2.boot, *mps2.slots, *copies, mps2.log, mps2.floor):
        assert f"| 0x{part.start:08X} | {part.size // 1024} KB |" in table
