"""`python -m benchmarks`: how long the parts of a tap take on this machine. It reports and never judges."""

import argparse
import json
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.measurement import Series, machine
from benchmarks.taps import Bench
from yima.hwsim.latency import spread
from yima.sdk.cli.arguments import WholeNumber
from yima.validator.texts import Text, say

_LOG_WIDTH = 130


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="measures the parts of a tap on this machine; reports, never judges 测量刷码各步耗时，只报告不评判",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object 输出 JSON")
    parser.add_argument(
        "--rounds", type=WholeNumber(1, 100_000), default=500, metavar="N", help="values a series, default 500 每项次数"
    )
    parser.add_argument(
        "--directory",
        type=Path,
        metavar="DIR",
        help="where journals are written, default the temporary directory 日志目录",
    )
    arguments = parser.parse_args()
    progress = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="yima-bench-", dir=arguments.directory) as temporary:
        directory = Path(temporary)
        there = machine(directory)
        with progress.status(say(Text("measuring", "测量中"))):
            found = list(Bench(arguments.rounds, directory).measure())
    if arguments.json:
        print(
            json.dumps(
                {"machine": there, "series": [series.as_mapping() for series in found]}, ensure_ascii=False, indent=1
            )
        )
    else:
        _show(there, found)


def _show(there: dict[str, object], found: list[Series]) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _LOG_WIDTH
    for name, value in there.items():
        shown = ", ".join(f"{key} {one}" for key, one in value.items()) if isinstance(value, dict) else str(value)
        console.print(f"{name:20}{shown}", style="dim")
    table = Table(box=None, padding=(0, 2))
    table.add_column(say(Text("what", "项目")))
    for heading in (
        Text("values", "次数"),
        Text("p50 ms", "p50 ms"),
        Text("p99 ms", "p99 ms"),
        Text("max ms", "最大 ms"),
    ):
        table.add_column(say(heading), justify="right")
    table.add_column(say(Text("note", "备注")))
    for series in found:
        values = spread(series.values_us)
        numbers = (f"{value / 1000:.3f}" for value in (values.p50, values.p99, values.most))
        table.add_row(say(series.what), str(values.size), *numbers, series.note)
    console.print()
    console.print(table)


if __name__ == "__main__":
    main()
