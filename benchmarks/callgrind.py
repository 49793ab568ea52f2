"""What the instruction counts share: the tools, how they are run, and what a total is."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from yima.validator.errors import YimaError
from yima.validator.texts import Text

_TOTAL = "totals:"
_TRIGGER = "desc: Trigger: Client Request: "


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
    return found, run([found, "--version"], "cc").splitlines()[0]


def valgrind() -> str:
    """What valgrind calls itself. Raises InstructionsError where there is none."""
    if shutil.which("valgrind") is None:
        raise InstructionsError(
            "valgrind",
            Text("is not installed, and counts the instructions", "未安装，无法统计指令数"),
            Text("Install it: apt-get install valgrind", "请安装：apt-get install valgrind"),
        )
    return run(["valgrind", "--version"], "valgrind").strip()


def total(out: Path) -> int:
    """The instructions in a file that callgrind wrote. Raises InstructionsError."""
    lines = out.read_text(encoding="utf-8").splitlines() if out.is_file() else []
    for line in lines:
        if line.startswith(_TOTAL):
            return int(line.split()[1])
    raise InstructionsError(
        out.name,
        Text("callgrind wrote no total", "callgrind 没有写出总数"),
        Text("Run valgrind by hand on the program to see why", "请手动运行 valgrind 查看原因"),
    )


def triggered(out: Path) -> dict[str, int]:
    """The instructions up to each mark of a program, by its name. out: the file that callgrind was told to write, which
    puts what each mark has ended into one that ends in a number. Raises InstructionsError."""
    found = {}
    for dump in sorted(out.parent.glob(f"{out.name}.*")):
        for line in dump.read_text(encoding="utf-8").splitlines():
            if line.startswith(_TRIGGER):
                found[line.removeprefix(_TRIGGER)] = total(dump)
    return found


def run(command: list[str], what: str, environment: Mapping[str, str] | None = None) -> str:
    """What the command prints. environment: None for ours. Raises InstructionsError where it fails."""
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", check=False, env=environment
    )
    if done.returncode != 0:
        raise InstructionsError(
            what,
            Text(f"failed: {done.stderr.strip()[-2000:]}", f"失败：{done.stderr.strip()[-2000:]}"),
            Text("Mend what it says; make sanitize finds most causes", "请按提示修复；make sanitize 能找出大多数原因"),
        )
    return done.stdout
