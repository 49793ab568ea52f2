"""`yima centre simulate`: what past rides would have cost under other parameters, and who would have paid."""

import argparse
import sys
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from yima.sdk.centre.clearing.report.html import yuan
from yima.sdk.centre.simulation.other import read_other
from yima.sdk.centre.simulation.settling import Simulation, simulate
from yima.sdk.centre.simulation.sums import faults
from yima.sdk.centre.simulation.writing import described, write
from yima.sdk.cli.arguments import a_service_date
from yima.sdk.cli.centre_arguments import add_common, opened
from yima.validator.judging import Reason
from yima.validator.shown import shown_json
from yima.validator.texts import Text, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares its arguments."""
    add_common(parser)
    parser.add_argument(
        "--parameters", type=Path, required=True, metavar="OTHER",
        help="a package, an image, a TOML file or a source directory 参数包、镜像、TOML 文件或源目录",
    )  # fmt: skip
    parser.add_argument(
        "--from", dest="since", type=a_service_date, metavar="DAY", help="the first service date 起始行程日期"
    )
    parser.add_argument(
        "--to", dest="until", type=a_service_date, metavar="DAY", help="the last service date 截止行程日期"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="OUT", help="the folder of the result 结果目录")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    other = read_other(arguments.parameters)
    with opened(arguments) as centre:
        found = simulate(
            centre.workspace,
            centre.engine,
            centre.published,
            centre.terms,
            other,
            since=arguments.since,
            until=arguments.until,
        )
    write(found, arguments.out)
    wrong = faults(found)
    said: Any = described(found)
    if arguments.json:
        print(shown_json({"faults": [fault.en for fault in wrong], "out": str(arguments.out), **said}))
    else:
        Console(file=sys.stdout, highlight=False).print(_table(found, said["pairs"]))
        for reason, count in said["reasons"].items():
            text = Reason[reason].text
            print(say(Text(f"refused: {count} rides, {text.en}", f"拒绝 {count} 笔行程：{text.zh}")))
        for fault in wrong:
            print(f"✗ {say(fault)}")
        print(say(Text(f"tables: {arguments.out}", f"结果：{arguments.out}")))
    return 1 if wrong else 0


def _table(found: Simulation, rows: list[dict[str, Any]]) -> Table:
    """By pair of cities and mode; the account types and groups of them are in the files."""
    title = Text(
        f"Rides from {found.since} to {found.until} under parameters {found.other.version}",
        f"{found.since} 至 {found.until} 行程，参数版本 {found.other.version}",
    )
    table = Table(box=box.SIMPLE_HEAD, title=say(title), title_justify="left")
    table.add_column(say(Text("from", "发卡城市")))
    table.add_column(say(Text("in", "受理城市")))
    table.add_column(say(Text("mode", "方式")))
    for heading in (
        Text("rides", "行程"),
        Text("as settled", "已清算"),
        Text("otherwise", "改用参数"),
        Text("difference", "差额"),
    ):
        table.add_column(say(heading), justify="right")
    columns = ("rides", "settled_fen", "other_fen", "difference_fen")
    sums: dict[tuple[str, str, str], list[int]] = {}
    for row in rows:
        key = (f"{row['issuer_city']:06}", f"{row['city']:06}", row["mode"])
        sums[key] = [a + row[name] for a, name in zip(sums.get(key, [0] * 4), columns, strict=True)]
    for key, (rides, *fen) in sorted(sums.items()):
        if fen[2]:
            table.add_row(*key, str(rides), *map(yuan, fen))
    rides, *fen = (sum(row[name] for row in rows) for name in columns)
    table.add_row(say(Text("all", "合计")), "", "", str(rides), *map(yuan, fen), style="bold")
    return table
