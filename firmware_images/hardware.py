"""Boards: what `boards/*/board.toml` says of each, for all that has to know where things lie.

Rules it keeps:
- A board is described once. map.h, the linker script, signing, provisioning, boot ROM model and emulator come from it.
- Addresses are flash addresses: where the CPU reads them is for the port to say (flash.base, port_flash_at).
- A description is checked when it is read: parts that overlap, are not made of whole blocks or leave the flash are
  named.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from yima.validator.errors import YimaError
from yima.validator.outside import text_of, toml_of
from yima.validator.texts import Text

BOARDS: Final = Path(__file__).parent / "boards"
DEFAULT_BOARD: Final = "mps2-an500"
IMAGE_HEADER: Final = 0x200
UNITS: Final = (1, 2, 4, 8, 16, 32)
"""Bytes that flash can be programmed by."""
BLOCK_MIN: Final = 2048
"""Bytes that are erased at once: an entry of the log does not reach beyond a block."""
BLOCK_MAX: Final = 128 * 1024
LOG_BLOCKS_MIN: Final = 4
"""YIMA_LOG_BLOCKS_MIN of validator/core/flashlog.h, which has the other bounds of a block as well."""
PARAMETERS_HEADER: Final = 64
SETTINGS_HEADER: Final = 16


class HardwareError(YimaError):
    """A board that is not there, or whose description cannot be used."""


class Starts(StrEnum):
    """How an image begins, and so how it is started."""

    VECTORS = "vectors"
    """A vector table of Cortex-M: stack pointer and first instruction."""
    CODE = "code"
    """The first instruction."""
    PROGRAM = "program"
    """An ELF that the machine at hand runs as a process."""


@dataclass(frozen=True, slots=True)
class Place:
    """A part of flash. start: its flash address. size: bytes."""

    name: str
    start: int
    size: int

    @property
    def end(self) -> int:
        """The address behind it."""
        return self.start + self.size

    def halves(self) -> tuple["Place", "Place"]:
        """The two copies of what is kept twice."""
        half = self.size // 2
        return Place(self.name, self.start, half), Place(self.name, self.start + half, half)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ram:
    """Bytes; a process has none of its own. stack: at the beginning. kept: behind the stack, what no reset clears."""

    start: int = 0
    size: int = 0
    stack: int = 0
    kept: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """flags: for the compiler. kernel: 32 or 64, the word of the SM2 kernel. script, entry: linker script and first
    function of an image that is linked for its slot; empty for a process."""

    flags: tuple[str, ...]
    kernel: int
    script: str = ""
    entry: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """One board. folder: of its sources. base: what is added to a flash address to read there, None: ask the port.
    unit, block: bytes that are programmed and erased at once. image_max: bytes of a slot for header and code."""

    name: str
    folder: Path
    processor: str
    clock_hz: int
    starts: Starts
    target: Target
    ram: Ram
    base: int | None
    unit: int
    block: int
    size: int
    image_max: int
    boot: Place
    slots: tuple[Place, Place]
    parameters: Place
    waiting: Place
    log: Place
    settings: Place
    floor: Place

    @property
    def writable(self) -> Place:
        """What can be changed at all: from the first of these parts to the end of the last."""
        start, end = min(part.start for part in self.kept), max(part.end for part in self.kept)
        return Place("writable", start, end - start)

    @property
    def kept(self) -> tuple[Place, ...]:
        """The parts that firmware, boot ROM and factory write."""
        return (*self.slots, self.parameters, self.waiting, self.log, self.settings, self.floor)

    @property
    def trailer_unit(self) -> int:
        """Bytes that a flag of a slot's trailer takes: MCUboot's BOOT_MAX_ALIGN."""
        return max(8, self.unit)

    @property
    def trailer_size(self) -> int:
        """Bytes at the end of a slot that no image reaches into."""
        return max(64, 3 * self.trailer_unit)

    def slot_at(self, address: int) -> Place | None:
        """The slot that begins there."""
        return next((slot for slot in self.slots if slot.start == address), None)


def boards() -> list[str]:
    """The names of the boards that are there."""
    return sorted(path.parent.name.replace("_", "-") for path in BOARDS.glob("*/board.toml"))


@cache
def board(name: str = DEFAULT_BOARD) -> Hardware:
    """The board of that name. Raises HardwareError."""
    if name not in boards():
        raise HardwareError(
            name,
            Text("there is no such board", "没有该板卡"),
            Text(f"One of: {', '.join(boards())}", f"可选：{'、'.join(boards())}"),
        )
    return read(BOARDS / name.replace("-", "_") / "board.toml")


def read(path: Path) -> Hardware:
    """Reads a description. Raises HardwareError."""
    try:
        found = toml_of(text_of(path))
        hardware = _hardware(found, path.parent)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise _unusable(path, f"{type(error).__name__}: {error}") from error
    if wrong := "; ".join(_faults(hardware)):
        raise _unusable(path, wrong)
    return hardware


def _hardware(found: Mapping[str, Any], folder: Path) -> Hardware:
    flash, target = found["flash"], found["target"]
    a, b = (Place(name, **slot) for name, slot in zip("AB", flash["slots"], strict=True))
    return Hardware(
        name=found["name"],
        folder=folder,
        processor=found["processor"],
        clock_hz=found["clock_hz"],
        starts=Starts(found["starts"]),
        target=Target(**target | {"flags": tuple(target["flags"])}),
        ram=Ram(**found.get("ram", {})),
        base=flash.get("base"),
        unit=flash["unit"],
        block=flash["block"],
        size=flash["size"],
        image_max=flash["image_max"],
        boot=Place("boot", **flash["boot"]),
        slots=(a, b),
        parameters=Place("parameters", **flash["parameters"]),
        waiting=Place("waiting", **flash["waiting"]),
        log=Place("log", **flash["log"]),
        settings=Place("settings", **flash["settings"]),
        floor=Place("floor", **flash["floor"]),
    )


def _faults(hardware: Hardware) -> Iterator[str]:
    """What is wrong with a description."""
    block, slots = hardware.block, hardware.slots
    if hardware.unit not in UNITS:
        yield f"flash.unit is {hardware.unit}, not one of {UNITS}"
    if not BLOCK_MIN <= block <= BLOCK_MAX or block & (block - 1):
        yield f"flash.block is {block}, not a power of two from {BLOCK_MIN} to {BLOCK_MAX}"
        return
    for part in hardware.kept:
        copies = 1 if part in {hardware.waiting, hardware.log, *slots} else 2
        if not part.size or part.start % block or part.size % (copies * block):
            yield f"flash.{part.name} is not {'two times ' * (copies - 1)}whole blocks of {block:#x}"
    if hardware.log.size < LOG_BLOCKS_MIN * block:
        yield f"flash.log has less than {LOG_BLOCKS_MIN} blocks, in which no tap can be recorded"
    parts = sorted((hardware.boot, *hardware.kept), key=lambda part: part.start)
    for part, following in pairwise(parts):
        if part.end > following.start:
            yield f"flash.{part.name} reaches into flash.{following.name}"
    if hardware.boot.start or parts[-1].end > hardware.size:
        yield "flash.boot is not at 0, or a part ends behind the flash"
    if slots[0].size != slots[1].size or hardware.settings.size != 2 * block:
        yield "the slots differ in size, or flash.settings is not two blocks"
    if 2 * hardware.waiting.size != hardware.parameters.size or hardware.waiting.size < 2 * block:
        yield "flash.waiting is not as large as one copy of flash.parameters, and two blocks"
    if hardware.image_max > slots[0].size - hardware.trailer_size:
        yield "flash.image_max leaves no room for a slot's trailer"


def map_header(hardware: Hardware) -> str:
    """map.h: the description as the firmware includes it."""
    numbers = {
        "FLASH_UNIT": hardware.unit,
        "FLASH_BLOCK": hardware.block,
        "SLOT_A": hardware.slots[0].start,
        "SLOT_B": hardware.slots[1].start,
        "SLOT_SIZE": hardware.slots[0].size,
        "IMAGE_HEADER": IMAGE_HEADER,
        "PARAMETERS": hardware.parameters.start,
        "PARAMETERS_SIZE": hardware.parameters.size // 2,
        "WAITING": hardware.waiting.start,
        "LOG": hardware.log.start,
        "LOG_SIZE": hardware.log.size,
        "SETTINGS": hardware.settings.start,
        "FLASH_FROM": hardware.writable.start,
        "FLASH_END": hardware.writable.end,
        "FLASH_SIZE": hardware.size,
        "CLOCK_HZ": hardware.clock_hz,
    }
    lines = [
        f"/* map.h - where things lie in the flash of {hardware.name}; made from its board.toml. */",
        "#ifndef YIMA_MAP_H",
        "#define YIMA_MAP_H",
        f'#define PORT_HARDWARE "{hardware.name}"',
        f'#define PORT_PROCESSOR "{hardware.processor}"',
        *([] if hardware.base is None else [f"#define PORT_FLASH_BASE UINT32_C({hardware.base:#x})"]),
        f"enum {{ {', '.join(f'PORT_{name} = {number:#x}' for name, number in numbers.items())} }};",
        "#endif",
    ]
    return "\n".join(lines) + "\n"


def cache_folder() -> Path:
    """Where what was made of sources is kept for the next time: $YIMA_BOARD_CACHE, else the user's cache."""
    if told := os.environ.get("YIMA_BOARD_CACHE"):
        return Path(told)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "yima-board"


def map_folder(hardware: Hardware) -> Path:
    """A folder with the board's map.h that stays where it is: what a compiler keeps goes by the paths it was given."""
    digest = hashlib.sha256(map_header(hardware).encode()).hexdigest()[:24]
    folder = cache_folder() / f"map-{digest}"
    try:
        return write_map(hardware, folder)
    except OSError as error:
        raise HardwareError(
            folder,
            Text(f"cannot be written: {error.strerror or error}", f"无法写入：{error.strerror or error}"),
            Text("Set YIMA_BOARD_CACHE to a folder that can", "请将 YIMA_BOARD_CACHE 设为可写的文件夹"),
        ) from error


def write_map(hardware: Hardware, folder: Path) -> Path:
    """Writes map.h into `folder`, made if need be, unless it stands there. Returns the folder, for the compiler."""
    path, text = folder / "map.h", map_header(hardware)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        folder.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(made).replace(path)  # whoever compiles beside us finds the old one or the new one
    return folder


def linker_script(hardware: Hardware, slot: Place) -> str:
    """The linker script of an image for that slot. Raises HardwareError for a board that has none."""
    if not hardware.target.script:
        raise _unusable(hardware.folder / "board.toml", "no target.script")
    base, ram = hardware.base or 0, hardware.ram
    numbers = {
        "BOOT": base + hardware.boot.start,
        "BOOT_SIZE": hardware.boot.size,
        "IMAGE": base + slot.start + IMAGE_HEADER,
        "IMAGE_MAX": hardware.image_max,
        "STACK": ram.start,
        "STACK_SIZE": ram.stack,
        "KEPT": ram.start + ram.stack,
        "KEPT_SIZE": ram.kept,
        "DATA": ram.start + ram.stack + ram.kept,
        "DATA_SIZE": ram.size - ram.stack - ram.kept,
    }
    script = (hardware.folder / hardware.target.script).read_text(encoding="utf-8")
    for name, number in numbers.items():
        script = script.replace(f"@{name}@", hex(number))
    return script


def _unusable(path: Path, what: str) -> HardwareError:
    return HardwareError(
        path,
        Text(f"cannot be used as a board's description: {what}", f"板卡描述无法使用：{what}"),
        Text("See boards/mps2_an500/board.toml", "请参阅 boards/mps2_an500/board.toml"),
    )
