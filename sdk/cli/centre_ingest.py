"""`yima centre ingest`: reads what collectors have, from where it was left."""

import argparse

from yima.sdk.cli.centre_arguments import add_common, bar, opened, say_done


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares its arguments."""
    add_common(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    with opened(arguments) as centre, bar(arguments) as progress:
        for done in centre.ingest(progress):
            say_done(arguments, done)
    return 0
