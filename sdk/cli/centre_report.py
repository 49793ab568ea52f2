"""`yima centre report`: what a day comes to, as a page, as a table, or as JSON."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from yima.sdk.centre.clearing.day import Centre, report_path
from yima.sdk.centre.clearing.report.figures import DayFigures, faults
from yima.sdk.centre.clearing.report.rider import RiderMonth, rider_table
from yima.sdk.centre.clearing.report.text import net_table
from yima.sdk.cli.arguments import a_day
from yima.sdk.cli.centre_arguments import add_common, opened
from yima.validator.shown import shown_json
from yima.validator.texts import Text, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares its arguments."""
    add_common(parser)
    parser.add_argument(
        "--day", type=a_day, metavar="DAY", help="of this day; default the newest that is settled 指定日期（默认最新）"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="default DIR/workspace/reports/DAY.html 报告文件")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    with opened(arguments) as centre:
        day = arguments.day or centre.newest_settled()
        figures = centre.figures(day)
        path = arguments.out or report_path(centre.workspace.path, day)
        centre.write_report(figures, path)
    return say_figures(arguments, figures, path)


def say_figures(arguments: argparse.Namespace, figures: DayFigures, path: Path) -> int:
    """Shows them; 0, or 1 where the day is not in order."""
    wrong = faults(figures)
    if arguments.json:
        found = [fault.en for fault in wrong]
        print(shown_json({"day": figures.day, "report": str(path), "faults": found, **figures.of}))
    else:
        Console(file=sys.stdout, highlight=False).print(net_table(figures))
        for fault in wrong:
            print(f"✗ {say(fault)}")
        print(say(Text(f"report: {path}", f"报告：{path}")))
    return 1 if wrong else 0


def say_rider(arguments: argparse.Namespace, found: RiderMonth) -> None:
    """One rider's month, as a table or an object."""
    if arguments.json:
        print(shown_json({"rider_month": found.mapping}))
    else:
        Console(file=sys.stdout, highlight=False).print(rider_table(found))


def report_day(arguments: argparse.Namespace, centre: Centre, day: int) -> int:
    """The report of a day that has just been cleared."""
    figures = centre.figures(day)
    path = report_path(centre.workspace.path, day)
    centre.write_report(figures, path)
    return say_figures(arguments, figures, path)
