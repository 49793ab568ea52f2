"""`yima centre versions`: which devices run which parameters, and whether all had a version in time."""

import argparse
import time
from datetime import datetime, timedelta, timezone

from yima.sdk.centre.fleet.database import FleetError
from yima.sdk.centre.fleet.versions import ADDED_DAYS, REMOVED_DAYS, Duty, Of, prove, running
from yima.sdk.cli.arguments import WholeNumber, a_day
from yima.sdk.cli.centre_fleet import add_store, local, opened, say_one
from yima.validator.texts import Text, say

_HERE = timezone(timedelta(hours=8))
_WORDS = {
    Duty.IN_TIME: Text("in time", "按时"),
    Duty.LATE: Text("LATE", "迟于期限"),
    Duty.MISSING: Text("not yet", "尚未"),
    Duty.OVERDUE: Text("OVERDUE", "逾期未更新"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares its arguments."""
    add_store(parser)
    parser.add_argument(
        "--of", choices=[str(of) for of in Of], default="parameters", help="of what, default parameters 对象"
    )
    parser.add_argument(
        "--version", type=WholeNumber(1, 0xFFFF_FFFF), metavar="N", help="prove this version, or a newer one 核对版本"
    )
    parser.add_argument("--published", type=a_day, metavar="DAY", help="the day it was published 发布日")
    within = parser.add_mutually_exclusive_group()
    within.add_argument(
        "--within", type=WholeNumber(1, 3650), metavar="DAYS", help=f"days it may take, default {ADDED_DAYS} 期限（天）"
    )
    within.add_argument("--added", action="store_const", dest="within", const=ADDED_DAYS,
                        help=f"a city was added: {ADDED_DAYS} days 新增城市")  # fmt: skip
    within.add_argument("--removed", action="store_const", dest="within", const=REMOVED_DAYS,
                        help=f"a city was removed: {REMOVED_DAYS} days 移除城市")  # fmt: skip
    parser.set_defaults(run=lambda arguments: _prove(arguments) if arguments.version else _running(arguments))


def _running(arguments: argparse.Namespace) -> int:
    """What runs where proves no duty: who asks for a proof and does not say of what must not take the 0 for one."""
    if arguments.published is not None or arguments.within is not None:
        raise FleetError(
            "--published, --within, --added, --removed",
            Text("ask whether a version was in time, and none is named", "用于核对版本时效，但未指定版本"),
            Text("Give --version, as 12", "请给出 --version，如 12"),
        )
    with opened(arguments) as database:
        found = running(database, Of(arguments.of))
    for one in found:
        line = f"{one.device:20}  {one.version:8}  {local(one.since)}  {local(one.seen)}"
        say_one(arguments, one._asdict(), line)
    return 0


def _prove(arguments: argparse.Namespace) -> int:
    """0: every device had it in time, or still may; 1: one had it late, or lacks it beyond the time."""
    if arguments.published is None:
        raise FleetError(
            "--version",
            Text("needs the day on which it was published", "缺少发布日期"),
            Text("Give --published, as 20260901", "请给出 --published，如 20260901"),
        )
    published = int(_midnight(arguments.published).timestamp())
    with opened(arguments) as database:
        proofs = prove(
            database, arguments.version, published=published, within_days=arguments.within or ADDED_DAYS,
            now=int(time.time()), of=Of(arguments.of),
        )  # fmt: skip
    for one in proofs:
        since = local(one.since) if one.since else "-"
        line = f"{one.device:20}  {say(_WORDS[one.duty]):10}  {since}  {one.days}"
        say_one(arguments, one._asdict(), line)
    return 1 if any(one.duty in (Duty.LATE, Duty.OVERDUE) for one in proofs) else 0


def _midnight(day: int) -> datetime:
    """The beginning of a day in the cities' time."""
    return datetime(day // 10000, day // 100 % 100, day % 100, tzinfo=_HERE)
