"""What the verbs that clear have in common: the folder, the day, the engine, and how they say what was done."""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from yima.sdk.centre.clearing.day import Centre, StepDone
from yima.sdk.centre.clearing.days import day_of, shifted
from yima.sdk.centre.clearing.engine import ENGINES
from yima.sdk.centre.clearing.folder import CentreFolder
from yima.sdk.cli.arguments import a_day
from yima.validator.shown import shown_json
from yima.validator.texts import Text, say


def add_common(parser: argparse.ArgumentParser) -> None:
    """DIR, --engine, --memory, --json."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="the centre's folder 清分中心的文件夹")
    parser.add_argument(
        "--engine", choices=ENGINES, default="duckdb", help="what runs the steps, default duckdb 执行引擎"
    )
    parser.add_argument(
        "--memory", default="2GB", metavar="SIZE", help="how much DuckDB may use, default 2GB DuckDB 内存上限"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line 输出 JSON 行")


def add_day(parser: argparse.ArgumentParser) -> None:
    """--day."""
    parser.add_argument(
        "--day", type=a_day, metavar="DAY",
        help="up to this day, at most today, which is not over; default every day that is over "
        "至此日，最晚为今天（默认：所有已结束的日期）",
    )  # fmt: skip


def opened(arguments: argparse.Namespace) -> Centre:
    """The centre of the arguments. Raises YimaError."""
    return Centre(CentreFolder(arguments.folder), engine=arguments.engine, memory=arguments.memory)


def yesterday() -> int:
    """The last day that is over, in the cities' time."""
    return shifted(day_of(int(time.time())), -1)


def say_done(arguments: argparse.Namespace, done: StepDone) -> None:
    """One step as a line, or as an object."""
    if arguments.json:
        print(shown_json({"step": done.step, "day": done.day or None, "before": done.before, **done.counts}))
        return
    day = f"{done.day}  " if done.day else ""
    counts = ", ".join(f"{name} {count}" for name, count in done.counts.items())
    print(f"{day}{done.step:9} {say(Text('done before', '先前已完成')) if done.before else counts}")


@contextmanager
def bar(arguments: argparse.Namespace) -> Iterator["Bar"]:
    """Progress on standard error, where somebody sees it."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        yield Bar(progress)


class Bar:
    """One line of progress."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("")
        self.day = ""

    def __call__(self, step: str, done: int, of: int) -> None:
        """A step of the library has come so far; of 0: nobody knows how many there are."""
        if step:
            self._progress.update(
                self._task, description=f"{self.day} {step}".strip(), completed=done, total=of or None
            )
