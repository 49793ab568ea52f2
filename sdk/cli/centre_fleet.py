"""What the verbs about a collector's devices and cases have in common: the store, who asks, one line or one object."""

import argparse
import getpass
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

from yima.sdk.centre.fleet.database import Database, FleetError, is_begun, open_fleet
from yima.validator.shown import shown, shown_json
from yima.validator.texts import Text, say


def add_store(parser: argparse.ArgumentParser) -> None:
    """STORE and --json."""
    parser.add_argument(
        "store", metavar="STORE", help="the collector's store, as its --store has it; it may be at work 采集库"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line 输出 JSON 行")


def add_why(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """--why."""
    parser.add_argument(
        "--why", default="", required=required, metavar="TEXT", help="the reason; it is kept 原因，将被保存"
    )


@contextmanager
def opened(arguments: argparse.Namespace, *, begin: bool = False) -> Iterator[Database]:
    """The fleet's tables of that store; begin: where there are none they are made, and that is said. Raises
    FleetError."""
    is_new = not is_begun(arguments.store)
    if is_new and not begin:
        raise FleetError(
            arguments.store,
            Text("has nothing of a collector's devices beside it", "旁边没有采集端的终端数据"),
            Text("Name the --store of a collector that has run", "请给出运行过的采集端的 --store"),
        )
    if is_new:
        print(
            say(Text(f"a new register, beside {arguments.store}", f"新建登记册，位于 {arguments.store} 旁")),
            file=sys.stderr,
        )
    with closing(open_fleet(arguments.store)) as database:
        yield database


def who() -> str:
    """Who sits here, as the log has it."""
    try:
        return f"user {getpass.getuser()}"
    except (OSError, KeyError):
        return "user ?"


def say_one(arguments: argparse.Namespace, found: dict[str, object], line: str) -> None:
    """One thing, as an object or as a line that commands no terminal."""
    print(shown_json(found) if arguments.json else shown(line))


def local(at: int) -> str:
    """A moment in the cities' time."""
    try:
        return f"{datetime.fromtimestamp(at, UTC) + timedelta(hours=8):%Y-%m-%d %H:%M:%S}"
    except (OverflowError, ValueError, OSError):
        return str(at)


def a_number(text: str, what: str) -> int:
    """Digits, or a FleetError."""
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise FleetError(what, Text(f"{text} is no number", f"{text} 不是数字"), Text("Give digits", "请给出数字"))
    return int(text)
