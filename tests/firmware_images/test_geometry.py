"""Flash with units of 1 to 32 bytes and blocks of 2 to 128 KB: the firmware writes slots, trailers and parameters into
it, the boot ROM and the factory agree, and imgtool does."""

import ctypes
import importlib.util
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

if importlib.util.find_spec("imgtool") is None:
    pytest.skip("the extra `firmware` is not installed", allow_module_level=True)

from yima.firmware_images.build import Environment, Product, Slot, defines
from yima.firmware_images.hardware import UNITS, Hardware, Place, board
from yima.firmware_images.host_build import host_library
from yima.firmware_images.image import factory_slot
from yima.firmware_images.keys import pem_of_test_key, public_test_key
from yima.firmware_images.provision import parameters_copy
from yima.firmware_images.signing import sign
from yima.hwsim.board.bootrom import BootRom, Flag, Trust, put_trust, trailer
from yima.hwsim.board.flash import Flash

BUS = Product.BUS_VALIDATOR
SOURCES = (
    *(f"firmware_images/app/{name}.c" for name in ("image", "sha256", "flash_writer", "parameters_flash")),
    *("firmware_images/boards/posix/flash.c", "tests/firmware_images/geometry_host.c"),
    *(f"validator/core/{name}.c" for name in ("flashlog", "flashlog_layout", "sm3")),
)
PROGRAM = b"\x7fELF" + random.Random(7).randbytes(9001)
PARAMETERS = bytes(12) + b"\x02" + random.Random(8).randbytes(3000)


def shaped(unit: int, block: int) -> Hardware:
    """The board posix with another flash."""
    slot = max(block, 0x2_0000)
    sizes = (
        ("parameters", max(4 * block, 0x4000)),
        ("waiting", max(2 * block, 0x2000)),
        ("log", 4 * block),
        ("settings", 2 * block),
        ("floor", 2 * block),
    )
    places, at = {}, slot
    for name, size in sizes:
        places[name] = Place(name, at, size)
        at += size
    return replace(
        board("posix"),
        name=f"posix-{unit}-{block}",
        unit=unit,
        block=block,
        size=at + 2 * slot,
        slots=(Place("A", at, slot), Place("B", at + slot, slot)),
        parameters=places["parameters"],
        waiting=places["waiting"],
        log=places["log"],
        settings=places["settings"],
        floor=places["floor"],
    )


SHAPES = [
    pytest.param((unit, block), marks=[] if unit in {1, 32} else pytest.mark.long)
    for unit, block in zip(UNITS, (2048, 4096, 8192, 16384, 65536, 131072), strict=True)
]


@dataclass
class Bench:
    hardware: Hardware
    library: ctypes.CDLL
    memory: bytearray


@pytest.fixture(params=SHAPES, ids=str, scope="module")
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    hardware = shaped(*request.param)
    told = [*defines(BUS, Environment.TEST, hardware), "_POSIX_C_SOURCE=200809L"]
    library = host_library(SOURCES, tmp_path_factory.mktemp("flash") / "f.so", defines=told, hardware=hardware)
    yield Bench(hardware, library, bytearray())


@pytest.fixture(autouse=True)
def blank(bench: Bench) -> None:
    bench.memory = bytearray(b"\xff" * bench.hardware.size)
    bench.library.flash_use((ctypes.c_uint8 * len(bench.memory)).from_buffer(bench.memory))


@pytest.mark.parametrize("piece", [1, 7, 512, 100000])
def test_what_comes_in_pieces_of_any_size_is_written_whole_and_nothing_beside_it(bench: Bench, piece: int) -> None:
    slot = bench.hardware.slots[1]
    assert bench.library.geometry_write(slot.start, PROGRAM, len(PROGRAM), piece)
    assert bench.memory[slot.start : slot.start + len(PROGRAM)] == PROGRAM
    assert set(bench.memory[: slot.start]) | set(bench.memory[slot.start + len(PROGRAM) :]) == {0xFF}


def test_parameters_are_taken_as_the_factory_writes_them(bench: Bench) -> None:
    start = bench.hardware.parameters.start
    assert bench.library.geometry_parameters(PARAMETERS, len(PARAMETERS))
    copy = parameters_copy(PARAMETERS, hardware=bench.hardware)
    assert bench.memory[start : start + len(copy)] == copy


def test_an_update_is_marked_tried_and_confirmed_as_the_boot_rom_understands_it(bench: Bench) -> None:
    hardware, a, b = bench.hardware, *bench.hardware.slots
    first = sign(PROGRAM, Slot.A, BUS.full_name, version="1.0.0", counter=1, hardware=hardware)
    second = sign(PROGRAM, Slot.B, BUS.full_name, version="2.0.0", counter=2, hardware=hardware)
    bench.memory[a.start : a.end] = factory_slot(first, hardware)
    assert bench.library.geometry_write(b.start, second, len(second), 300)
    flash = Flash(bench.memory, hardware=hardware)
    key = public_test_key().public_bytes_raw()
    put_trust(flash, Trust(environment="test", product=BUS.full_name, hardware=hardware.name, keys=(key,)))
    assert bench.library.image_set_pending(1)
    assert bench.library.image_set_pending(1), "once more is no harm"
    assert trailer(flash, b).magic
    assert started(flash) == "B"
    assert trailer(flash, b).copy_done is Flag.SET
    assert bench.library.image_set_confirmed(1)
    assert trailer(flash, b).image_ok is Flag.SET
    assert [started(flash), started(flash)] == ["B", "B"]
    assert BootRom(flash).floor() == 2


def test_a_slot_of_the_factory_is_one_that_imgtool_pads_and_confirms(bench: Bench, tmp_path: Path) -> None:
    slot, align = bench.hardware.slots[0], str(bench.hardware.trailer_unit)
    (tmp_path / "key.pem").write_bytes(pem_of_test_key())
    (tmp_path / "plain").write_bytes(PROGRAM)
    command = [
        *(sys.executable, "-m", "imgtool.main", "sign", "--key", "key.pem", "--header-size", "0x200", "--pad-header"),
        *("--slot-size", str(slot.size), "--align", align, "--max-align", align, "--version", "1.0.0"),
        *("--pad", "--confirm", "plain", "padded"),
    ]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    padded = (tmp_path / "padded").read_bytes()
    ours = factory_slot(PROGRAM, bench.hardware)
    unit = bench.hardware.trailer_unit
    assert len(padded) == len(ours)
    assert padded[-max(16, unit) - unit :] == ours[-max(16, unit) - unit :], "image_ok and magic"


def started(flash: Flash) -> str | None:
    slot = BootRom(flash).boot().slot
    return slot.name if slot else None
