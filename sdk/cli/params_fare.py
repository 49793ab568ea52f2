"""`yima params fare` and `yima params try`: what rides cost, without a code."""

import argparse
import json
import re
from pathlib import Path

from yima.sdk.cli.arguments import WholeNumber, moment
from yima.sdk.parameters.asking import Asker, Ride, is_gap
from yima.sdk.parameters.compile import open_whole
from yima.sdk.parameters.moments import as_local
from yima.sdk.parameters.trips import read_trips, try_trips
from yima.sdk.parameters.wording import money
from yima.validator.errors import ParametersError
from yima.validator.judging import Mode, Verdict
from yima.validator.texts import Text

FARE_HELP = "what one ride costs, asked of the core; exit 1 refused 查询一次行程的票价"
TRY_HELP = "rides of a table against what is expected; exit 1 for a difference 按行程表试算"
_FILE = "a source directory or a package 源目录或参数包"


def add_fare_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE --from A [--to B] [--at MOMENT] [--as WHO] …"""
    parser.add_argument("file", type=Path, metavar="FILE", help=_FILE)
    station = WholeNumber(1, 0xFFFF)
    parser.add_argument(
        "--from", dest="start", type=station, required=True, metavar="N", help="where it begins 起点站号"
    )
    parser.add_argument(
        "--to", dest="end", type=station, default=0, metavar="N", help="the exit; a bus with one tap has none 出站站号"
    )
    parser.add_argument("--at", type=moment, default="now", metavar="MOMENT", help='"2026-10-01 07:20" (UTC+8) 时刻')
    parser.add_argument("--as", dest="who", default="", metavar="WHO", help="senior, 0x41, senior+2 群体与账户类型")
    parser.add_argument("--mode", type=Mode, choices=tuple(Mode), help="default metro with --to, else bus 交通方式")
    city = WholeNumber(100000, 999999)
    parser.add_argument("--city", type=city, default=0, metavar="N", help="default the package's 乘车城市")
    parser.add_argument("--issuer-city", type=city, default=0, metavar="N", help="default the same 发卡城市")
    parser.add_argument(
        "--entered", type=moment, default=0, metavar="MOMENT", help="default 10 minutes before 进站时刻"
    )
    parser.add_argument("--institution", type=_institution, metavar="N", help="of the code's issuer, 8 digits 发卡机构")
    parser.add_argument("--line", type=station, default=0, metavar="N", help="of the fare tables 线路")
    parser.add_argument("--json", action="store_true", help="one JSON object 输出 JSON")


def _institution(text: str) -> str:
    """An argument's type: 8 digits, not all zeros."""
    if re.fullmatch(r"[0-9]{8}", text, re.ASCII) and int(text):
        return text
    raise argparse.ArgumentTypeError("8 digits, such as 00083010 请给出 8 位机构代码")


def run_fare(arguments: argparse.Namespace) -> int:
    """0; 1 where the ride is refused, or the tables do not know it."""
    if arguments.entered > arguments.at:
        raise ParametersError(
            "--entered",
            Text(f"{as_local(arguments.entered)} lies behind --at", f"{as_local(arguments.entered)} 晚于 --at"),
            Text(f"Give a moment up to {as_local(arguments.at)}", f"请给出不晚于 {as_local(arguments.at)} 的时刻"),
        )
    opened = open_whole(arguments.file)
    ride = Ride(
        mode=arguments.mode or (Mode.METRO if arguments.end else Mode.BUS), city=arguments.city or opened.city,
        start=arguments.start, end=arguments.end, line=arguments.line, at=arguments.at, who=arguments.who,
        issuer_city=arguments.issuer_city, organisation=arguments.institution or "", entered=arguments.entered,
    )  # fmt: skip
    verdict = Asker(opened.rules).ask(ride)
    if arguments.json:
        print(json.dumps(_document(verdict), ensure_ascii=False, indent=1))
    elif verdict.accepted:
        print(f"{money(verdict.fare_fen)}  {verdict.rule}  {as_local(ride.at)}")
    else:
        print(f"{verdict.reason.name}  {verdict.reason.english}  {verdict.reason.chinese}  {as_local(ride.at)}")
    if is_gap(verdict):
        print("the tables have no fare for this ride 票价表无此行程")
    return 1 if is_gap(verdict) or not verdict.accepted else 0


def _document(verdict: Verdict) -> dict[str, object]:
    return {
        "accepted": verdict.accepted,
        "reason": verdict.reason.name,
        "fare_fen": verdict.fare_fen,
        "gross_fen": verdict.gross_fen,
        "rule": verdict.rule,
        "in_tables": not is_gap(verdict),
    }


def add_try_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE TRIPS"""
    parser.add_argument("file", type=Path, metavar="FILE", help=_FILE)
    parser.add_argument("trips", type=Path, metavar="TRIPS", help="from, to, when, who, expected … 行程表")


def run_try(arguments: argparse.Namespace) -> int:
    """0; 1 where a trip is not as expected, or the tables do not know it."""
    opened = open_whole(arguments.file)
    bad = 0
    for answer in try_trips(read_trips(arguments.trips, opened.city), opened.rules):
        due = f" expected 应为 {answer.trip.expected}" if answer.trip.expected else ""
        mark = "ok" if answer.good else "WRONG 不符"
        bad += not answer.good
        rule = f" {answer.verdict.rule}" if answer.verdict.rule else ""
        print(f"line 第 {answer.trip.row.line} 行: {answer.said}{rule}{due} {mark}")
    print(f"{bad} not as expected 项不符")
    return 1 if bad else 0
