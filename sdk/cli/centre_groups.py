"""`yima centre groups`: who is in which group, for the package of a city's gates."""

import argparse
from pathlib import Path

from yima.sdk.centre.clearing.day import StepDone
from yima.sdk.centre.identity.gate_list import GateListError, gate_list
from yima.sdk.cli.arguments import WholeNumber, a_day
from yima.sdk.cli.centre_arguments import add_common, opened, say_done
from yima.sdk.groups import GROUP
from yima.validator.system.disk import write_whole
from yima.validator.texts import Text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares its arguments."""
    add_common(parser)
    parser.add_argument(
        "--city", type=WholeNumber(100000, 999999), required=True, metavar="N", help="whose gates 闸机所在城市"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="groups.csv of its source 输出文件")
    parser.add_argument(
        "--groups", type=_groups, default=(), metavar="G,G",
        help="only these; default all, of residents the city's own 仅限这些群体（默认全部，居民限本市）",
    )  # fmt: skip
    parser.add_argument(
        "--day", type=a_day, metavar="DAY",
        help="how it stands on that day; default the last that is known 以此日为准（默认最近一日）",
    )  # fmt: skip
    parser.set_defaults(run=_run)


def _groups(text: str) -> tuple[str, ...]:
    groups = tuple(text.split(","))
    if not all(map(GROUP.fullmatch, groups)):
        raise argparse.ArgumentTypeError("groups apart by commas, as senior,resident-320505 请给出群体，以逗号分隔")
    return groups


def _run(arguments: argparse.Namespace) -> int:
    with opened(arguments) as centre:
        found = gate_list(centre.workspace, arguments.city, arguments.day, arguments.groups)
    try:
        write_whole(arguments.out, found.as_csv().encode())
    except OSError as error:
        raise GateListError(
            arguments.out,
            Text(f"cannot be written: {error.strerror}", f"无法写入：{error.strerror}"),
            Text("Name a file that can be written with --out", "请用 --out 指定可写的文件"),
        ) from error
    accounts = len({account for account, _ in found.rows})
    counts = {"accounts": accounts, "lines": len(found.rows), "left_out": found.left_out}
    say_done(arguments, StepDone(step="groups", day=found.day, counts=counts))
    return 0
