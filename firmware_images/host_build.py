"""The firmware, or parts of it, compiled for the machine at hand: so that tests drive the very source that the image is
made of, and a board can be a process.

In a library undefined behaviour traps; where the environment names a folder in YIMA_COVERAGE_IN, branches are counted
into it instead (`make coverage`).
"""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from yima.firmware_images.build import ROOT, BuildError, includes
from yima.firmware_images.hardware import Hardware, board
from yima.validator.texts import Text


def host_library(
    sources: Sequence[str | Path],
    library: Path,
    *,
    defines: Sequence[str] = (),
    hardware: Hardware | None = None,
) -> ctypes.CDLL:
    """Compiles `sources` (relative to the root of the repository, or absolute) into a shared library and loads it. The
    machine's own compiler, else ziglang. hardware: whose map.h they see, default mps2-an500. Raises BuildError with
    what the compiler said."""
    watched = ["-O1", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
    if counters := os.environ.get("YIMA_COVERAGE_IN"):
        watched = [
            "-O0",
            "-fomit-frame-pointer",
            "--coverage",
            "-frandom-seed=0",  # several modules build the same sources: their counters must fit the same notes
            "-dumpdir",
            f"{Path(counters).resolve() / library.stem}-",
        ]
    command = [
        *_compiler(),
        *("-std=c11", "-g", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", *watched),
        *(f"-I{folder}" for folder in includes(hardware or board())),
        *(f"-D{define}" for define in defines),
        *(str(source) for source in sources),
        *("-o", str(library)),
    ]
    _compile(command, library)
    return ctypes.CDLL(str(library))


def host_program(
    sources: Sequence[Path], program: Path, hardware: Hardware, *, defines: Sequence[str], sanitize: bool
) -> None:
    """Compiles the sources of a board that is a process. sanitize: under AddressSanitizer and
    UndefinedBehaviorSanitizer, with line numbers. Raises BuildError with what the compiler said."""
    compiler = _compiler()
    watched = ["-s"]
    if sanitize:  # ziglang comes without AddressSanitizer
        kinds = "undefined" if "ziglang" in compiler else "address,undefined"
        watched = [f"-fsanitize={kinds}", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g1"]
    command = [
        *compiler,
        *("-std=c11", "-O1" if sanitize else "-O2", "-Wall", "-Wextra", "-Werror", *watched, *hardware.target.flags),
        *(f"-I{folder}" for folder in includes(hardware)),
        *(f"-D{define}" for define in defines),
        *(str(source) for source in sources),
        *("-o", str(program.resolve())),
    ]
    _compile(command, program)


def _compiler() -> list[str]:
    return ["cc"] if shutil.which("cc") else [sys.executable, "-m", "ziglang", "cc"]


def _compile(command: Sequence[str], output: Path) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace", check=False)
    if done.returncode:
        raise BuildError(
            output.name,
            Text(f"the compiler refused:\n{done.stderr.strip()}", f"编译失败：\n{done.stderr.strip()}"),
            Text("Mend the source", "请修正源代码"),
        )
