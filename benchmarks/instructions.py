"""`python -m benchmarks.instructions`: how many instructions the core and the camera reader take, by callgrind.

Counts do not drift with the load of a machine, so they can be a gate where times cannot. Rules it keeps:
- What is counted, and what is done so that a count is the same each time, is told by `core_instructions` and
  `camera_instructions`.
- A count is comparable with one made where all that it depends on is the same (compiler, architecture, for the camera
  also the libraries). Anything else is said to be not comparable, and is no failure. Other frames than those counted
  are one: the record is to be renewed with them.
- Counts are kept in instructions.json, which says how to renew it. `--check` fails on growth beyond 2 %.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks import camera_instructions, core_instructions
from benchmarks.callgrind import InstructionsError
from yima.validator.texts import Text, say

RECORD = Path(__file__).with_name("instructions.json")
GROWTH = 0.02
_PARTS: Final = ("core", "camera")
_HOW: Final = "python -m benchmarks.instructions --renew, where what is named as the origin is the same"


def compare(recorded: dict[str, int], counted: dict[str, int]) -> list[str]:
    """Paths that grew by more than GROWTH, each as a line for people. counted: those that are gated."""
    grown = [path for path in counted if counted[path] > recorded.get(path, 0) * (1 + GROWTH)]
    return [
        say(Text(f"{path}: {recorded.get(path, 0):,} -> {counted[path]:,} instructions", f"{path} 的指令数增加过多"))
        for path in grown
    ]


def main() -> int:
    """Counts; with --check compares with the record (status 1 on growth); with --renew writes it."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.instructions",
        description="counts the instructions of the core and of a camera's frame 统计核心与摄像头每帧的指令数",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="fail on growth over 2 %% 增长超过 2%% 即失败")
    mode.add_argument("--renew", action="store_true", help="write the record anew 更新记录")
    parser.add_argument("--only", choices=_PARTS, help="count one of the two alone 只统计其中之一")
    arguments = parser.parse_args()
    parts = (arguments.only,) if arguments.only else _PARTS
    try:
        return max(_count(part, check=arguments.check, renew=arguments.renew) for part in parts)
    except InstructionsError as error:
        print(error, file=sys.stderr)
        return 2


def _count(part: str, *, check: bool, renew: bool) -> int:
    record: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    before: dict[str, Any] = record.get(part, {"origin": {}, "counts": {}})
    with tempfile.TemporaryDirectory(prefix="yima-instructions-") as made:
        directory = Path(made)
        here = camera_instructions.prepare(directory) if part == "camera" else core_instructions.origin()
        other = sorted(name for name in here if before["origin"].get(name) != here[name])
        if check and other and other != ["frames"]:
            said = ", ".join(f"{name} {before['origin'].get(name)}, here {here[name]}" for name in other)
            print(say(Text(f"{part}: not comparable: recorded with {said}", f"{part}：环境不同，无法比较")))
            return 0
        if check and other:
            return _refused([say(Text(f"{part}: the frames are others", f"{part}：所用的帧已改变"))])
        module = camera_instructions if part == "camera" else core_instructions
        counted = module.count(directory)
    for path, instructions in counted.items():
        old = before["counts"].get(path)
        print(f"{path:34}{instructions:>12,}" + (f"   {instructions / old - 1:+.2%}" if old else ""))
    if renew:
        record |= {"renew": _HOW, part: {"origin": here, "counts": counted}}
        RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    gated = camera_instructions.gated(counted) if part == "camera" else counted
    if check and (grown := compare(before["counts"], gated)):
        return _refused(grown)
    return 0


def _refused(lines: list[str]) -> int:
    print("\n".join(lines), file=sys.stderr)
    remedy = Text(
        "If it is meant, renew the record: python -m benchmarks.instructions --renew",
        "若在预期之内，请更新记录：python -m benchmarks.instructions --renew",
    )
    print(say(remedy), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
