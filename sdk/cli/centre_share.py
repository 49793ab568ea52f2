"""`yima centre share`: a day's rides for others to look at, without riders."""

import argparse
from pathlib import Path

from yima.sdk.centre.clearing.day import StepDone
from yima.sdk.centre.sharing.flows import K_DEFAULT
from yima.sdk.centre.sharing.writing import share
from yima.sdk.centre.simulation.other import read_other
from yima.sdk.centre.simulation.settling import Simulation, simulate
from yima.sdk.cli.arguments import WholeNumber, a_service_date
from yima.sdk.cli.centre_arguments import add_common, opened, say_done


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares its arguments."""
    add_common(parser)
    parser.add_argument("--day", type=a_service_date, required=True, metavar="DAY", help="the service date 行程日期")
    parser.add_argument("--out", type=Path, required=True, metavar="OUT", help="the folder of shares 共享目录")
    parser.add_argument(
        "--k", type=WholeNumber(2, 1000), default=K_DEFAULT, metavar="N",
        help=f"counts under it are hidden, default {K_DEFAULT} 小于此数的计数不公开",
    )  # fmt: skip
    parser.add_argument(
        "--parameters", type=Path, metavar="OTHER",
        help="tell what equal treatment would cost: the day under these, see simulate 并给出改用此参数的成本",
    )  # fmt: skip
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    other = read_other(arguments.parameters) if arguments.parameters else None
    with opened(arguments) as centre:

        def simulated() -> Simulation:
            assert other is not None
            return simulate(
                centre.workspace,
                centre.engine,
                centre.published,
                centre.terms,
                other,
                since=arguments.day,
                until=arguments.day,
            )

        counts = share(
            centre.workspace,
            arguments.day,
            arguments.out,
            centre.workspace.path / "pseudonyms",
            wait_days=centre.terms.rides.close_after_days,
            k=arguments.k,
            simulated=simulated if other else None,
        )
    say_done(arguments, StepDone(step="share", day=arguments.day, counts=counts))
    return 0
