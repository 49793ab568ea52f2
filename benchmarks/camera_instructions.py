"""How many instructions a frame takes the camera reader, by callgrind; part of `python -m benchmarks.instructions`.

Rules it keeps:
- Four paths: an empty room; a phone that shows no code, which is what the dear passes are spent on; a code held about
  right, in VGA and in HD. Each is a mean over the turns of the passes. zxing-cpp as it comes is counted on the same
  frames, to compare with, and is no gate.
- Python, zxing-cpp, OpenCV and NumPy are counted as they are installed, single-threaded and with the instruction set
  that each x86-64 processor since 2011 has: their own choice by the processor is switched off. Hash seeds are pinned,
  garbage is not collected, and what is made once is made before. Two counts then are the same to the instruction.
- Start-up is left out: callgrind counts between two marks (camera_instructions.c).
"""

import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks.callgrind import compiler, run, triggered, valgrind
from benchmarks.camera_paths import PATHS, TURNS, name_of

_MARKS = Path(__file__).with_suffix(".c")
_PACKAGES = ("numpy", "opencv-python-headless", "zxing-cpp")
_MODULE = [sys.executable, "-m", "benchmarks.camera_paths"]
_LEFT_OUT = "AVX AVX2 AVX512F AVX512BW AVX512VL AVX_Fast_Unaligned_Load BMI2 ERMS FMA FSRM LZCNT MOVBE RTM XSAVE XSAVEC"
_PINNED = {
    "PYTHONHASHSEED": "0",
    "PYTHONPATH": str(Path(__file__).parent.parent),
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=" + ",".join(f"-{part}" for part in _LEFT_OUT.split()),
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Nehalem",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENCV_CPU_DISABLE": "AVX,FP16,AVX2,AVX512-SKX",
    "OPENCV_FOR_THREADS_NUM": "1",
    "OPENCV_IPP": "disabled",
}


def prepare(directory: Path) -> dict[str, str]:
    """Writes the frames into the directory. What counts depend on: only those of one origin are comparable. Raises
    InstructionsError."""
    made: dict[str, str] = json.loads(run([*_MODULE, "render", str(directory)], "camera frames", _environment()))
    packages = {name: version(name) for name in _PACKAGES}
    python = f"{platform.python_version()} {platform.python_compiler()}"
    libc = " ".join(platform.libc_ver())
    return {
        "architecture": platform.machine(),
        "python": python,
        "libc": libc,
        "valgrind": valgrind(),
        **packages,
        **made,
    }


def count(directory: Path) -> dict[str, int]:
    """Instructions a frame of each path, `yima` and `zxing`; the directory as `prepare` left it. Raises
    InstructionsError."""
    library, out = directory / "marks.so", directory / "callgrind.camera"
    for earlier in directory.glob(f"{out.name}.*"):
        earlier.unlink()
    run([compiler()[0], "-O2", "-shared", "-fPIC", str(_MARKS), "-o", str(library)], "cc")
    collect = ["--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}"]
    counted = ["count", str(directory), str(library)]
    run(["valgrind", *collect, *_MODULE, *counted], "camera instructions", _environment())
    found = triggered(out)
    names = [name_of(path, side) for side in ("yima", "zxing") for path in PATHS]
    return {name: found[name] // TURNS for name in names}


def gated(counts: dict[str, int]) -> dict[str, int]:
    """Of the counts those that must not grow: ours."""
    ours = [name_of(path, "yima") for path in PATHS]
    return {name: counts[name] for name in ours}


def _environment() -> dict[str, str]:
    return {**os.environ, **_PINNED}
