"""`python -m benchmarks.instructions`: how many instructions the core takes, counted exactly by callgrind.

Counts do not drift with the load of a machine, so they can be a gate where times cannot. Rules it keeps:
- Three paths: a signature under a fresh compressed key; one under a known issuer's table; a whole accepted code whose
  issuer is known (the lab's case 5715).
- Only the core is counted: a small C program (instructions.c) is built here with the portable 64-bit kernel alone and
  with memory functions of its own, so that neither the processor nor the C library has a say.
- A count is comparable with one made by the same compiler for the same architecture. Anything else is said to be not
  comparable, and is no failure.
- Counts are kept in instructions.json, which says how to renew it. `--check` fails on growth beyond 2 %.
"""

import argparse
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from yima.validator.errors import YimaError
from yima.validator.parameters import from_mapping
from yima.validator.texts import Text, say

ROOT = Path(__file__).parent.parent
RECORD = Path(__file__).with_name("instructions.json")
PATHS = ("fresh_key", "known_issuer", "whole_code")
GROWTH = 0.02
_LAB_CASE = ROOT / "tests" / "vectors" / "lab" / "5715.json"
_FLAGS = ["-std=c11", "-O2", "-g0", "-DYIMA_KERNEL_64=1"]


class InstructionsError(YimaError):
    """Instructions cannot be counted here."""


def compiler() -> tuple[str, str]:
    """The compiler and what it calls itself. Raises InstructionsError where there is none."""
    found = shutil.which("cc")
    if found is None:
        raise InstructionsError(
            "cc",
            Text("there is no C compiler", "没有 C 编译器"),
            Text("Install one: apt-get install gcc libc6-dev", "请安装：apt-get install gcc libc6-dev"),
        )
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    return found, version.splitlines()[0]


def count(directory: Path) -> dict[str, int]:
    """Instructions of each path. directory: for the program and what it reads. Raises InstructionsError."""
    if shutil.which("valgrind") is None:
        raise InstructionsError(
            "valgrind",
            Text("is not installed, and counts the instructions", "未安装，无法统计指令数"),
            Text("Install it: apt-get install valgrind", "请安装：apt-get install valgrind"),
        )
    program = _build(directory)
    image, code, clock = _inputs(directory)
    return {path: _count(program, path, [str(image), str(code), str(clock)], directory) for path in PATHS}


def _build(directory: Path) -> Path:
    program = directory / "instructions"
    core = ROOT / "validator" / "core"
    sources = [str(Path(__file__).with_suffix(".c")), *sorted(str(path) for path in core.glob("*.c"))]
    includes = [f"-I{core}", f"-I{core / 'include'}"]
    _run([compiler()[0], *_FLAGS, *includes, *sources, "-o", str(program)], "cc")
    return program


def _inputs(directory: Path) -> tuple[Path, Path, int]:
    vector: dict[str, Any] = json.loads(_LAB_CASE.read_text())
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
    _run(["valgrind", *collect, str(program), path, *arguments], f"instructions {path}")
    for line in out.read_text().splitlines():
        if line.startswith("totals:"):
            return int(line.split()[1])
    raise InstructionsError(
        out.name,
        Text("callgrind wrote no total", "callgrind 没有写出总数"),
        Text("Run valgrind by hand on the program to see why", "请手动运行 valgrind 查看原因"),
    )


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InstructionsError(
            what,
            Text(f"failed: {done.stderr.strip()[-2000:]}", f"失败：{done.stderr.strip()[-2000:]}"),
            Text("Mend what it says; make sanitize finds most causes", "请按提示修复；make sanitize 能找出大多数原因"),
        )


def origin() -> dict[str, str]:
    """What counts depend on: only those of one origin are comparable."""
    return {"architecture": platform.machine(), "compiler": compiler()[1], "flags": " ".join(_FLAGS)}


def compare(recorded: dict[str, int], counted: dict[str, int]) -> list[str]:
    """Paths that grew by more than GROWTH, each as a line for people."""
    grown = [path for path in PATHS if counted[path] > recorded[path] * (1 + GROWTH)]
    return [
        say(Text(f"{path}: {recorded[path]:,} -> {counted[path]:,} instructions", f"{path} 的指令数增加过多"))
        for path in grown
    ]


def main() -> int:
    """Counts; with --check compares with the record (status 1 on growth); with --renew writes it."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.instructions",
        description="counts the core's instructions exactly, by callgrind 用 callgrind 精确统计核心指令数",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="fail on growth over 2 %% 增长超过 2%% 即失败")
    mode.add_argument("--renew", action="store_true", help="write the record anew 更新记录")
    arguments = parser.parse_args()
    try:
        return _main(check=arguments.check, renew=arguments.renew)
    except InstructionsError as error:
        print(error, file=sys.stderr)
        return 2


def _main(*, check: bool, renew: bool) -> int:
    here = origin()
    record: dict[str, Any] = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    if check and record.get("origin") != here:
        print(say(Text(f"not comparable: recorded with {record.get('origin')}, here {here}", "环境不同，无法比较")))
        return 0
    with tempfile.TemporaryDirectory(prefix="yima-instructions-") as directory:
        counted = count(Path(directory))
    for path, instructions in counted.items():
        before = record.get("counts", {}).get(path)
        print(f"{path:14}{instructions:>12,}" + (f"   {instructions / before - 1:+.2%}" if before else ""))
    if renew:
        how = "python -m benchmarks.instructions --renew, on the architecture and with the compiler named here"
        RECORD.write_text(json.dumps({"renew": how, "origin": here, "counts": counted}, indent=1) + "\n")
    if check and (grown := compare(record["counts"], counted)):
        print("\n".join(grown), file=sys.stderr)
        remedy = Text(
            "If the growth is meant, renew the record: python -m benchmarks.instructions --renew",
            "若增长在预期之内，请更新记录：python -m benchmarks.instructions --renew",
        )
        print(say(remedy), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
