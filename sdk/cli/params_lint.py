"""`yima params lint`: what parameters say that their author is unlikely to mean."""

import argparse
import json
from pathlib import Path

from yima.sdk.cli.arguments import moment
from yima.sdk.parameters.compile import open_whole
from yima.sdk.parameters.lint import Level, findings, silenced

HELP = "warn of what is legal and unlikely to be meant; exit 1 from --fail-on up 检查可疑之处"
_NEVER = "never"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE [--fail-on LEVEL] [--at MOMENT] [--json]"""
    parser.add_argument("file", type=Path, metavar="FILE", help="a source directory or a package 源目录或参数包")
    parser.add_argument(
        "--fail-on", choices=[*(level.name.lower() for level in Level), _NEVER], default="warning",
        help="exit 1 from this level up; default warning 达到此级别时退出码为 1",
    )  # fmt: skip
    parser.add_argument("--at", type=moment, default="now", metavar="MOMENT", help="default now 检查时刻")
    parser.add_argument("--json", action="store_true", help="one JSON list 输出 JSON")


def run(arguments: argparse.Namespace) -> int:
    """0; 1 where something of that level is not silenced."""
    opened = open_whole(arguments.file)
    reasons = silenced(opened)
    found = findings(opened, arguments.at)
    loud = [finding for finding in found if finding.name not in reasons]
    if arguments.json:
        rows = [
            {
                "name": one.name, "level": one.level.name.lower(), "english": one.text.en, "chinese": one.text.zh,
                "remedy_english": one.remedy.en, "remedy_chinese": one.remedy.zh, "silenced": reasons.get(one.name),
            }
            for one in found
        ]  # fmt: skip
        print(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        for one in loud:
            print(f"{one.level.text.en} {one.level.text.zh} [{one.name}]")
            print(f"  {one.text.en}. {one.remedy.en}.\n  {one.text.zh}。{one.remedy.zh}。")
        for name, reason in reasons.items():
            print(f"silenced 已忽略 [{name}]: {reason}")
        print(f"{len(loud)} warnings 条警告")
    least = Level.SERIOUS + 1 if arguments.fail_on == _NEVER else Level[arguments.fail_on.upper()]
    return 1 if any(one.level >= least for one in loud) else 0
