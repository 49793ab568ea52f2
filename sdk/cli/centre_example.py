"""`yima centre example`: a synthetic region to try the centre on, with the truth beside it."""

import argparse
import json
from pathlib import Path

from yima.sdk.centre.clearing.folder import WORKSPACE
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.centre.example.comparing import compare
from yima.sdk.centre.example.making import (
    DAYS,
    DAYS_MOST,
    TAPS_LEAST,
    make_example,
    refuse_incomparable,
    settlement_days,
)
from yima.sdk.cli.arguments import WholeNumber
from yima.sdk.cli.centre_arguments import bar
from yima.validator.texts import Text, say

_TAPS_MOST = 100_000_000
_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares its arguments."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="a new folder 新文件夹")
    parser.add_argument(
        "--taps", type=WholeNumber(TAPS_LEAST, _TAPS_MOST), default=10_000, metavar="N",
        help="presentations in all, default 10000 刷码总数",
    )  # fmt: skip
    parser.add_argument("--seed", type=WholeNumber(0, 1 << 62), default=1, metavar="S", help="default 1 随机种子")
    parser.add_argument(
        "--days", type=WholeNumber(1, DAYS_MOST), default=DAYS, metavar="D", help="days of service, default 3 运营天数"
    )
    parser.add_argument(
        "--compare", action="store_true",
        help="make nothing: name every difference between DIR/workspace and DIR/truth 只比对已清算的结果",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object a line 输出 JSON 行")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.compare:
        return _compare(arguments)
    with bar(arguments) as progress:
        made = make_example(
            arguments.folder, arguments.taps, arguments.seed, days=arguments.days, progress=progress
        )  # fmt: skip
    last = settlement_days(arguments.folder)[-1]
    if arguments.json:
        print(json.dumps({**made, "last_day": last}))
        return 0
    counts = ", ".join(f"{name} {count}" for name, count in made.items())
    print(f"{arguments.folder}: {counts}")
    print(f"yima centre day {arguments.folder} --day {last}")
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    """0: what was cleared is the truth."""
    refuse_incomparable(arguments.folder, arguments.folder / WORKSPACE)
    workspace = Workspace(arguments.folder / WORKSPACE)
    try:
        differences = compare(workspace, arguments.folder)
    finally:
        workspace.close()
    if arguments.json:
        for one in differences:
            print(json.dumps({"what": one.what, "name": one.name, "should": one.should, "found": one.found}))
    else:
        for one in differences[:_SHOWN]:
            print(one)
        count = len(differences)
        print(say(Text(f"differences: {count}", f"差异：{count}")))
    return 1 if differences else 0
