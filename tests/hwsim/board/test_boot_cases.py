"""Each state of a slot's trailer, and what MCUboot's rule for direct-XIP with revert makes of it: the rows are those of
docs/firmware.md."""

import re
from pathlib import Path

import pytest

from tests.hwsim.board.test_boot_rom import KEY, signed, trust
from yima.firmware_images.image import factory_slot, trailer_magic
from yima.hwsim.board.bootrom import BootRom, Flag, flag_address, image_in, put_trust, trailer
from yima.hwsim.board.flash import Flash
from yima.hwsim.board.layout import FLASH_SIZE, MPS2, SLOT_A, SLOT_B

PAGE = Path(__file__).parents[3] / "docs" / "firmware.md"
FLAGS = {"unset": b"\xff" * 8, "set": b"\x01" + b"\xff" * 7, "bad": b"\x81" + b"\xff" * 7, "worn": b"\x00" * 8}
MAGICS = {"good": trailer_magic(MPS2), "unset": b"\xff" * 16, "bad": trailer_magic(MPS2)[:-1] + b"\x00"}


def states_of(flag: str) -> list[str]:
    """A flag that flash does not take is worn: as bad as another bad one, but it stays."""
    return {"any": list(FLAGS), "bad": ["bad", "worn"]}.get(flag, [flag])


def rows() -> list[tuple[str, str, str, str]]:
    """The page's rows; one that holds for several states stands once for each."""
    found = re.findall(r"^\| (not good|good) \| (\w+) \| (\w+) \| ([^|]+) \|$", PAGE.read_text(), re.MULTILINE)
    return [
        (one_magic, one_done, one_ok, does.strip())
        for magic, copy_done, image_ok, does in found
        for one_magic in (["good"] if magic == "good" else ["unset", "bad"])
        for one_done in states_of(copy_done)
        for one_ok in states_of(image_ok)
    ]


@pytest.fixture(scope="module")
def images() -> tuple[bytes, bytes]:
    return signed(SLOT_A, "1.0.0", 1), signed(SLOT_B, "2.0.0", 2)


def test_the_page_has_every_state() -> None:
    assert {row[:3] for row in rows()} == {(m, done, ok) for m in MAGICS for done in FLAGS for ok in FLAGS}


@pytest.mark.parametrize(("magic", "copy_done", "image_ok", "does"), rows(), ids=lambda value: value.split(",")[0])
def test_a_state_of_the_trailer(
    images: tuple[bytes, bytes], magic: str, copy_done: str, image_ok: str, does: str
) -> None:
    memory = bytearray(b"\xff" * FLASH_SIZE)
    memory[SLOT_A.start : SLOT_A.end] = factory_slot(images[0])
    memory[SLOT_B.start : SLOT_B.start + len(images[1])] = images[1]
    memory[SLOT_B.end - 16 : SLOT_B.end] = MAGICS[magic]
    flash = Flash(memory)
    for name, value in (("copy_done", copy_done), ("image_ok", image_ok)):
        at = flag_address(MPS2, SLOT_B, name)
        memory[at : at + 8] = FLAGS[value]
    put_trust(flash, trust(KEY))
    boot = BootRom(flash).boot()
    assert boot.slot is not None
    if does == "erased":
        assert boot.slot.name == "A"
        assert image_in(flash, SLOT_B) is None
        return
    assert boot.slot.name == "B"
    assert (trailer(flash, SLOT_B).copy_done is Flag.SET) == (copy_done != "worn")
    assert ("on trial" in does) == (image_ok != "set")
    assert BootRom(flash).floor() == (2 if image_ok == "set" else 0), "an image on trial raises no floor"
    if "on trial" in does and copy_done != "worn":
        again = BootRom(flash).boot().slot
        assert again is not None
        assert again.name == "A", "nobody confirmed it"
