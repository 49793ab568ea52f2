"""`yima centre day`: everything that is due, in one go; it ends with one rider's month on several codes."""

import argparse

from yima.sdk.centre.clearing.day import STEPS
from yima.sdk.centre.clearing.report.rider import rider_month
from yima.sdk.cli.centre_arguments import add_common, add_day, bar, opened, say_done, yesterday
from yima.sdk.cli.centre_report import report_day, say_rider


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares its arguments."""
    add_common(parser)
    add_day(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    status = 0
    with opened(arguments) as centre, bar(arguments) as progress:
        for done in centre.ingest(progress):
            say_done(arguments, done)
        days = centre.due(until=yesterday(), named=arguments.day)
        for day in days:
            progress.day = str(day)
            for step in STEPS:
                say_done(arguments, centre.run(step, day, progress))
            status |= report_day(arguments, centre, day)
        if days and (found := rider_month(centre.workspace, days[-1])):
            say_rider(arguments, found)
    return status
