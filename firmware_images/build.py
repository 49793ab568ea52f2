"""Builds the firmware: from the sources in this folder and in validator/core, by the pinned ziglang, to an ELF and a
flat image.

Rules it keeps:
- The same sources give the same bytes, from any folder and any machine: paths go in relative, nothing asks for the
  time.
- The ELF has the symbol table (costs are counted by it) and line numbers for a debugger. Types and variables stay out:
  with them the compiler makes other code (seen with 0.17.1), and what is debugged must be what is flashed.
- An image is linked for one slot: it runs where it lies.
- The budget is checked here: 128 KB of flash; RAM is checked by the linker script.
"""

import importlib.util
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version as installed
from pathlib import Path

from yima.validator.errors import YimaError
from yima.validator.remedies import install_requirement
from yima.validator.texts import Text
from yima.validator.version import VERSION

ROOT = Path(__file__).resolve().parent.parent
COMPILER = "0.17.1"
"""The pinned ziglang: another one makes other bytes and other costs."""
FLASH_BUDGET = 128 * 1024
IMAGE_HEADER = 0x200
RAM_START = 0x20000000
STACK_BYTES = 16 * 1024
"""The stack has the beginning of RAM: one that overflows meets the guard below it, and faults."""

_FLAGS = (
    *("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m7", "-std=c11", "-O2", "-gline-tables-only"),
    *("-ffreestanding", "-fno-builtin", "-fno-stack-protector", "-ffunction-sections", "-fdata-sections"),
    *("-fno-unwind-tables", "-fno-asynchronous-unwind-tables"),
    *("-Wall", "-Wextra", "-Wshadow", "-Wno-unused-command-line-argument", "-nostdlib"),
    *("-Wl,--gc-sections", "-Wl,-e,reset", "-Wl,-z,max-page-size=4", "-Wl,--build-id=none"),
    "-DYIMA_KERNEL_32=1",
)
_UNROLLED = ("runtime.c", "sm2.c", "sm2_32.c", "sm3.c")
"""Where loops are worth their room unrolled: nine tenths of a tap. The rest would take 18 KB for nothing."""

INCLUDES = (
    "firmware_images/app",
    "firmware_images/boards",
    "firmware_images/boards/mps2_an500",
    "validator/core",
    "validator/core/include",
)
_BOARD = "firmware_images/boards/mps2_an500"
HARDWARE = "mps2-an500"
"""As images name it (TLV 00A2); map.h says the same to the firmware."""


class BuildError(YimaError):
    """The firmware could not be built."""


class Product(StrEnum):
    """What the one application becomes by configuration."""

    BUS_VALIDATOR = "bus-validator"
    METRO_GATE = "metro-gate"

    @property
    def full_name(self) -> str:
        """As the image names itself (TLV 00A0, status line)."""
        return f"yima-{self}"


class Slot(StrEnum):
    """Where an image lies and runs."""

    A = "a"
    B = "b"

    @property
    def address(self) -> int:
        """Its first byte: the MCUboot header."""
        return 0x10000 if self is Slot.A else 0x40000


class Environment(StrEnum):
    """Whose parameters the image takes; numbers as in a parameter image."""

    PRODUCTION = "production"
    TEST = "test"

    @property
    def number(self) -> int:
        """1 production, 2 test."""
        return 1 if self is Environment.PRODUCTION else 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """One build. image: the bytes from the vector table on, as they lie in flash behind the header. ram_bytes: static
    data and the stack's reserve."""

    product: Product
    slot: Slot
    environment: Environment
    elf: Path
    image: bytes
    ram_bytes: int


def sources() -> list[Path]:
    """What is compiled, relative to the root of the repository, in a fixed order."""
    core = (ROOT / "validator" / "core").glob("*.c")
    ours = (*(ROOT / "firmware_images" / "app").glob("*.c"), *(ROOT / _BOARD).glob("*.c"))
    left_out = {"sm2_64.c", "sm2_adx.c"}
    return sorted(path.relative_to(ROOT) for path in (*core, *ours) if path.name not in left_out)


def build(product: Product, slot: Slot, environment: Environment, folder: Path) -> Built:
    """Builds into `folder` (made if need be): one ELF and one linker script. Raises BuildError with what the compiler
    said, or if the image is over its budget."""
    _check_compiler()
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{product.full_name}-{environment}-{slot}"
    script, elf = folder / f"{name}.ld", folder / f"{name}.elf"
    template = (ROOT / _BOARD / "mps2.ld").read_text()
    script.write_text(template.replace("@IMAGE@", hex(slot.address + IMAGE_HEADER)))
    compiler = [
        *(sys.executable, "-m", "ziglang", "cc", *_FLAGS),
        *(f"-ffile-prefix-map={path}={name}" for path, name in ((ROOT, "."), (_compiler_folder(), "ziglang"))),
        *(f"-I{folder_name}" for folder_name in INCLUDES),
        f"-DYIMA_PRODUCT_{product.name}",
        f"-DYIMA_ENVIRONMENT={environment.number}",
        f'-DYIMA_VERSION="{VERSION}"',
    ]
    unrolled = elf.with_suffix(".unrolled.o")
    fast = [str(path) for path in sources() if path.name in _UNROLLED]
    rest = [str(path) for path in sources() if path.name not in _UNROLLED]
    _compile([*compiler, "-r", "-Wl,--no-gc-sections", *fast], unrolled, name)
    script_flag = f"-Wl,-T,{script.resolve()}"
    _compile([*compiler, "-fno-unroll-loops", *rest, str(unrolled.resolve()), script_flag], elf, name)
    image, ram = _read(elf, slot)
    if len(image) + IMAGE_HEADER > FLASH_BUDGET:
        raise BuildError(
            name,
            Text(f"{len(image)} bytes are over the budget of {FLASH_BUDGET}", f"映像 {len(image)} 字节，超出预算"),
            Text("Leave something out", "请减小映像"),
        )
    return Built(product=product, slot=slot, environment=environment, elf=elf, image=image, ram_bytes=ram)


def _compile(command: list[str], output: Path, name: str) -> None:
    """Raises BuildError."""
    command = [*command, "-o", str(output.resolve())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode or not output.exists():
        raise BuildError(
            name,
            Text(f"the compiler refused:\n{done.stderr.strip()}", f"编译失败：\n{done.stderr.strip()}"),
            Text(f"Mend the source; the compiler is ziglang {COMPILER}", f"请修正源代码；编译器为 ziglang {COMPILER}"),
        )


def _compiler_folder() -> Path:
    """Raises ModuleNotFoundError without ziglang."""
    found = importlib.util.find_spec("ziglang")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("No module named 'ziglang'", name="ziglang")
    return Path(found.origin).parent


def _check_compiler() -> None:
    """Raises ModuleNotFoundError without ziglang, BuildError for another version than the pinned one."""
    _compiler_folder()
    found = installed("ziglang")
    if found != COMPILER:
        raise BuildError(
            "ziglang",
            Text(
                f"{found} is installed, images are built with {COMPILER}", f"已安装 {found}，映像须用 {COMPILER} 编译"
            ),
            install_requirement("ziglang"),
        )


def _read(elf: Path, slot: Slot) -> tuple[bytes, int]:
    """What lies in the slot, flattened, and the RAM in use."""
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415  # whoever only wants the names needs no ELF reader

    start = slot.address + IMAGE_HEADER
    flat = bytearray()
    ram_end = RAM_START
    with elf.open("rb") as file:
        for segment in ELFFile(file).iter_segments("PT_LOAD"):
            at, size = segment["p_paddr"], segment["p_filesz"]
            if segment["p_vaddr"] >= RAM_START:
                ram_end = max(ram_end, segment["p_vaddr"] + segment["p_memsz"])
            if at < start or not size:
                continue  # the boot stub, and what is only zeros
            flat.extend(b"\xff" * (at - start + size - len(flat)))
            flat[at - start : at - start + size] = segment.data()
    return bytes(flat), ram_end - RAM_START
