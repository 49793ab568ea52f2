"""The portable parts of the firmware, compiled for the machine at hand: so that tests drive the very source that the
image is made of. Undefined behaviour traps. Where the environment names a folder in YIMA_COVERAGE_IN, branches are
counted into it instead (`make coverage`)."""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from yima.firmware_images.build import ROOT, BuildError, includes
from yima.firmware_images.hardware import board
from yima.validator.texts import Text


def host_library(sources: Sequence[str | Path], library: Path, *, defines: Sequence[str] = ()) -> ctypes.CDLL:
    """Compiles `sources` (relative to the root of the repository, or absolute) into a shared library and loads it. The
    machine's own compiler, else ziglang. Raises BuildError with what the compiler said."""
    compiler = ["cc"] if shutil.which("cc") else [sys.executable, "-m", "ziglang", "cc"]
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
        *compiler,
        *("-std=c11", "-g", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", *watched),
        *(f"-I{folder}" for folder in includes(board(), library.parent / "map")),
        *(f"-D{define}" for define in defines),
        *(str(source) for source in sources),
        *("-o", str(library)),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(
            library.name,
            Text(f"the compiler refused:\n{done.stderr.strip()}", f"编译失败：\n{done.stderr.strip()}"),
            Text("Mend the source", "请修正源代码"),
        )
    return ctypes.CDLL(str(library))
