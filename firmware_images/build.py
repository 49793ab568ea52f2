"""Builds the firmware: from the sources in this folder and in validator/core, by the pinned ziglang, to an ELF and a
flat image.

Rules it keeps:
- The same sources give the same bytes, from any folder and any machine: paths go in relative, nothing asks for the
  time.
- The ELF has the symbol table (costs are counted by it) and line numbers for a debugger. Types and variables stay out:
  with them the compiler makes other code (seen with 0.17.1), and what is debugged must be what is flashed.
- An image is linked for one slot: it runs where it lies.
- What a board is comes from its description (hardware.py). The budget is checked here (flash.image_max); RAM is checked
  by the linker script.
"""

import importlib.util
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version as installed
from pathlib import Path

from yima.firmware_images.hardware import (
    DEFAULT_BOARD,
    IMAGE_HEADER,
    Hardware,
    Place,
    Starts,
    board,
    linker_script,
    map_folder,
)
from yima.validator.errors import YimaError
from yima.validator.remedies import install_requirement
from yima.validator.texts import Text
from yima.validator.version import VERSION

ROOT = Path(__file__).resolve().parent.parent
COMPILER = "0.17.1"
"""The pinned ziglang: another one makes other bytes and other costs."""
_FLAGS = (
    *("-std=c11", "-O2", "-gline-tables-only"),
    *("-ffreestanding", "-fno-builtin", "-fno-stack-protector", "-ffunction-sections", "-fdata-sections"),
    *("-fno-unwind-tables", "-fno-asynchronous-unwind-tables"),
    *("-Wall", "-Wextra", "-Wshadow", "-Wno-unused-command-line-argument", "-nostdlib"),
    *("-Wl,--gc-sections", "-Wl,-z,max-page-size=4", "-Wl,--build-id=none"),
)
_UNROLLED = ("runtime.c", "sm2.c", "sm2_32.c", "sm3.c")
"""Where loops are worth their room unrolled: nine tenths of a tap. The rest would take 18 KB for nothing."""

_ALONE = ("runtime.c", "status.c", "words.c", "flashlog.c", "flashlog_layout.c", "sm3.c")
"""What of application and core is asked for by a board without them: a C library's, the status line, a CRC."""
_INCLUDES = ("firmware_images/app", "firmware_images/boards", "validator/core", "validator/core/include")


def includes(hardware: Hardware) -> tuple[str, ...]:
    """The folders that the firmware includes from, relative to the root of the repository but for that of the board's
    map.h."""
    folder = str(hardware.folder.relative_to(ROOT))
    return (*_INCLUDES[:2], folder, *_INCLUDES[2:], str(map_folder(hardware).resolve()))


class BuildError(YimaError):
    """The firmware could not be built."""


class Product(StrEnum):
    """What the one application becomes by configuration."""

    BUS_VALIDATOR = "bus-validator"
    METRO_GATE = "metro-gate"
    PORT_CHECK = "port-check"
    """No product: what a vendor runs on new hardware, in the application's place."""

    @property
    def full_name(self) -> str:
        """As the image names itself (TLV 00A0, status line)."""
        return f"yima-{self}"


class Slot(StrEnum):
    """Where an image lies and runs."""

    A = "a"
    B = "b"

    def of(self, hardware: Hardware) -> Place:
        """Where it lies on a board; the MCUboot header comes first."""
        return hardware.slots[self is Slot.B]


class Environment(StrEnum):
    """Whose parameters the image takes; numbers as in a parameter image."""

    PRODUCTION = "production"
    TEST = "test"

    @property
    def number(self) -> int:
        """1 production, 2 test."""
        return 1 if self is Environment.PRODUCTION else 2


@dataclass(frozen=True, slots=True)
class Built:
    """One build. image: the bytes as they lie in flash behind the header. ram_bytes: static data and the stack's
    reserve; 0: nobody counts them."""

    hardware: Hardware
    product: Product
    slot: Slot
    environment: Environment
    elf: Path
    image: bytes
    ram_bytes: int


def sources(hardware: Hardware, product: Product) -> list[Path]:
    """What is compiled, relative to the root of the repository, in a fixed order. A machine with a C library needs
    runtime.c no more than one with words of 32 bits the wider kernels."""
    shared = [path for folder in ("validator/core", "firmware_images/app") for path in (ROOT / folder).glob("*.c")]
    ours = [*hardware.folder.glob("*.c")]
    if product is Product.PORT_CHECK:
        shared = [path for path in shared if path.name in _ALONE]
        ours += (ROOT / "firmware_images" / "port_check").glob("*.c")
    left_out = {"sm2_64.c", "sm2_adx.c"} if hardware.target.kernel == 32 else {"runtime.c"}
    return sorted(path.relative_to(ROOT) for path in (*shared, *ours) if path.name not in left_out)


def defines(product: Product, environment: Environment, hardware: Hardware) -> tuple[str, ...]:
    """What the sources want to be told."""
    return (
        f"YIMA_PRODUCT_{product.name}",
        f"YIMA_ENVIRONMENT={environment.number}",
        f'YIMA_VERSION="{VERSION}"',
        *(("YIMA_KERNEL_32=1",) if hardware.target.kernel == 32 else ()),
    )


def build(
    product: Product,
    slot: Slot,
    environment: Environment,
    folder: Path,
    hardware: Hardware | None = None,
    *,
    sanitize: bool = False,
) -> Built:
    """Builds into `folder` (made if need be): one ELF, and one linker script if it is not a process. hardware: default
    mps2-an500. sanitize: a process whose memory and arithmetic are watched. Raises BuildError with what the compiler
    said, or if the image is over its budget."""
    hardware = hardware or board()
    if hardware.starts is Starts.PROGRAM:
        return _program(product, slot, environment, folder, hardware, sanitize=sanitize)
    if sanitize:
        raise BuildError(
            hardware.name,
            Text("only a process can be built with sanitizers", "只有以进程运行的板卡支持 sanitizer"),
            Text("--board posix", "--board posix"),
        )
    _check_compiler()
    folder.mkdir(parents=True, exist_ok=True)
    name = build_name(product, environment, slot, hardware)
    script, elf = folder / f"{name}.ld", folder / f"{name}.elf"
    script.write_text(linker_script(hardware, slot.of(hardware)), encoding="utf-8")
    compiler = [
        *(sys.executable, "-m", "ziglang", "cc", *hardware.target.flags, *_FLAGS, f"-Wl,-e,{hardware.target.entry}"),
        *(f"-ffile-prefix-map={path}={name}" for path, name in ((ROOT, "."), (_compiler_folder(), "ziglang"))),
        *(f"-I{folder_name}" for folder_name in includes(hardware)),
        *(f"-D{define}" for define in defines(product, environment, hardware)),
    ]
    unrolled = elf.with_suffix(".unrolled.o")
    fast = [str(path) for path in sources(hardware, product) if path.name in _UNROLLED]
    rest = [str(path) for path in sources(hardware, product) if path.name not in _UNROLLED]
    _compile([*compiler, "-r", "-Wl,--no-gc-sections", *fast], unrolled, name)
    script_flag = f"-Wl,-T,{script.resolve()}"
    _compile([*compiler, "-fno-unroll-loops", *rest, str(unrolled.resolve()), script_flag], elf, name)
    image, ram = _read(elf, hardware, slot.of(hardware))
    return _within_budget(Built(hardware, product, slot, environment, elf, image, ram))


def _program(
    product: Product, slot: Slot, environment: Environment, folder: Path, hardware: Hardware, *, sanitize: bool
) -> Built:
    """The image is the ELF, the same for either slot: it is told where it lies. Raises BuildError."""
    from yima.firmware_images.host_build import host_program  # noqa: PLC0415 - it is made of what stands here

    folder.mkdir(parents=True, exist_ok=True)
    elf = folder / f"{build_name(product, environment, slot, hardware)}.elf"
    told = defines(product, environment, hardware)
    host_program(sources(hardware, product), elf, hardware, defines=told, sanitize=sanitize)
    return _within_budget(Built(hardware, product, slot, environment, elf, elf.read_bytes(), 0))


def build_name(product: Product, environment: Environment, slot: Slot, hardware: Hardware) -> str:
    """The stem of a build's files; the first board's are called by the product alone."""
    which = "" if hardware.name == DEFAULT_BOARD else f"{hardware.name}-"
    return f"{product.full_name}-{which}{environment}-{slot}"


def _within_budget(built: Built) -> Built:
    """Raises BuildError."""
    size, most = len(built.image) + IMAGE_HEADER, built.hardware.image_max
    if size > most:
        raise BuildError(
            built.elf.stem,
            Text(f"{size} bytes are over the budget of {most}", f"映像 {size} 字节，超出预算 {most}"),
            Text("Leave something out", "请减小映像"),
        )
    return built


def _compile(command: list[str], output: Path, name: str) -> None:
    """Raises BuildError."""
    command = [*command, "-o", str(output.resolve())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace", check=False)
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


def _read(elf: Path, hardware: Hardware, place: Place) -> tuple[bytes, int]:
    """What lies in the slot, flattened, and the RAM in use."""
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415  # whoever only wants the names needs no ELF reader

    ram = hardware.ram
    start = (hardware.base or 0) + place.start + IMAGE_HEADER
    flat = bytearray()
    ram_end = ram.start
    with elf.open("rb") as file:
        for segment in ELFFile(file).iter_segments("PT_LOAD"):
            at, size = segment["p_paddr"], segment["p_filesz"]
            if ram.start <= segment["p_vaddr"] < ram.start + ram.size:
                ram_end = max(ram_end, segment["p_vaddr"] + segment["p_memsz"])
            if not start <= at < start + place.size or not size:
                continue  # the boot stub, and what is only zeros
            flat.extend(b"\xff" * (at - start + size - len(flat)))
            flat[at - start : at - start + size] = segment.data()
    return bytes(flat), ram_end - ram.start
