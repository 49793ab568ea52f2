"""How many instructions the core takes, counted exactly by callgrind; part of `python -m benchmarks.instructions`.

Rules it keeps:
- Three paths: a signature under a fresh compressed key; one under a known issuer's table; a whole accepted code whose
  issuer is known (the lab's case 5715).
- Only the core is counted: a small C program (core_instructions.c) is built here with the portable 64-bit kernel alone
  and with memory functions of its own, so that neither the processor nor the C library has a say.
"""

import json
import platform
from pathlib import Path
from typing import Any

from benchmarks.callgrind import compiler, run, total, valgrind
from yima.validator.parameters import from_mapping

ROOT = Path(__file__).parent.parent
PATHS = ("fresh_key", "known_issuer", "whole_code")
_LAB_CASE = ROOT / "tests" / "vectors" / "lab" / "5715.json"
_FLAGS = ["-std=c11", "-O2", "-g0", "-DYIMA_KERNEL_64=1"]


def count(directory: Path) -> dict[str, int]:
    """Instructions of each path. directory: for the program and what it reads. Raises InstructionsError."""
    valgrind()
    program = _build(directory)
    image, code, clock = _inputs(directory)
    return {path: _count(program, path, [str(image), str(code), str(clock)], directory) for path in PATHS}


def _build(directory: Path) -> Path:
    program = directory / "instructions"
    core = ROOT / "validator" / "core"
    sources = [str(Path(__file__).with_suffix(".c")), *sorted(str(path) for path in core.glob("*.c"))]
    includes = [f"-I{core}", f"-I{core / 'include'}"]
    run([compiler()[0], *_FLAGS, *includes, *sources, "-o", str(program)], "cc")
    return program


def _inputs(directory: Path) -> tuple[Path, Path, int]:
    vector: dict[str, Any] = json.loads(_LAB_CASE.read_text(encoding="utf-8"))
    gate = vector["gate"]
    parameters = from_mapping(
        {
            "environment": "test",
            "version": 1,
            "fares": {gate["mode"]: gate["fare_fen"]},
            "roots": vector["roots"],
            "whitelist": [{"organisation": pair[0], "platform": pair[1]} for pair in vector["whitelist"]],
        },
        source=_LAB_CASE.name,
    )
    image, code = directory / "image", directory / "code"
    image.write_bytes(parameters.image)
    code.write_bytes(bytes.fromhex(vector["code"]))
    return image, code, int(vector["clock"])


def _count(program: Path, path: str, arguments: list[str], directory: Path) -> int:
    out = directory / f"callgrind.{path}"
    collect = ["--tool=callgrind", f"--toggle-collect=measured_{path}", f"--callgrind-out-file={out}"]
    run(["valgrind", *collect, str(program), path, *arguments], f"instructions {path}")
    return total(out)


def origin() -> dict[str, str]:
    """What counts depend on: only those of one origin are comparable."""
    return {"architecture": platform.machine(), "compiler": compiler()[1], "flags": " ".join(_FLAGS)}
