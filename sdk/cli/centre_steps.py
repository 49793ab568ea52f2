"""`yima centre rides`, `identity` and so on: one step of clearing, for every day it is due."""

import argparse

from yima.sdk.cli.centre_arguments import add_common, add_day, bar, opened, say_done, yesterday


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of any of them; which one it is stands in `verb`."""
    add_common(parser)
    add_day(parser)
    parser.set_defaults(run=_step)


def _step(arguments: argparse.Namespace) -> int:
    with opened(arguments) as centre, bar(arguments) as progress:
        for day in centre.days(arguments.verb, until=yesterday(), named=arguments.day):
            progress.day = str(day)
            say_done(arguments, centre.run(arguments.verb, day, progress))
    return 0
