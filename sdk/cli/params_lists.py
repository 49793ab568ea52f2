"""`yima params whitelist` and `yima params roots`: files of the ministry's platform, into a source and out of it."""

import argparse
import re
from datetime import date
from pathlib import Path

from yima.sdk.cli.written import put
from yima.sdk.parameters.folder import place_of
from yima.sdk.parameters.root_files import bundle, read_root_files
from yima.sdk.parameters.whitelist_file import read_whitelist_file
from yima.sdk.parameters.whitelist_source import give_out, read_homes, take_over

WHITELIST_HELP = "the ministry's whitelist file (BCBN…A) into a source, or out of it 部平台白名单导入导出"
ROOTS_HELP = "check root certificate files and put them into one 校验并合并根证书文件"
_TABLE = "whitelist"


def add_whitelist_arguments(parser: argparse.ArgumentParser) -> None:
    """import FILE DIR | export DIR -o OUT"""
    verbs = parser.add_subparsers(dest="whitelist_action", required=True, metavar="import|export")
    into = verbs.add_parser("import", help="make a source's whitelist.csv hold the file's pairs 导入")
    into.add_argument("file", type=Path, metavar="FILE", help="under the name the platform gave it 保留原文件名")
    into.add_argument("source", type=Path, metavar="DIR", help="source directory 源目录")
    into.add_argument(
        "--home", type=_home, action="append", default=[], metavar="ORGANISATION=DIVISION",
        help="where a new institution is at home; 0: taken everywhere 新机构所在城市，0 表示各地受理",
    )  # fmt: skip
    into.add_argument(
        "--homes",
        type=Path,
        metavar="FILE",
        help="the same for many: organisation,city; a whitelist.csv too 机构所在城市表",
    )
    out = verbs.add_parser("export", help="write a source's whitelist as the platform's file 导出")
    out.add_argument("source", type=Path, metavar="DIR", help="source directory 源目录")
    out.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="where the file goes 输出目录")
    out.add_argument("--day", type=_day, required=True, metavar="DAY", help="in its name, 2024-01-31 文件名中的日期")
    out.add_argument("--serial", type=_serial, required=True, metavar="DIGITS", help="24 digits in its name 24 位数字")


def run_whitelist(arguments: argparse.Namespace) -> int:
    """0; a file that cannot be used is a ParametersError (2)."""
    place = place_of(arguments.source, _TABLE)
    if arguments.whitelist_action == "export":
        whitelist = give_out(place, arguments.day, arguments.serial)
        print(f"written 已写入: {whitelist.write(arguments.output)}  {len(whitelist.pairs)}")
        return 0
    homes = {**(read_homes(arguments.homes) if arguments.homes else {}), **dict(arguments.home)}
    taken = take_over(place, read_whitelist_file(arguments.file), homes)
    for what, institutions in (
        ("+ new 新增", taken.came),
        ("- gone 移除", taken.went),
        ("~ platform 平台变更", taken.changed),
    ):
        for institution in institutions:
            print(f"{what}  {institution}")
    print(f"written 已写入: {place}")
    return 0


def add_roots_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE… [-o FILE]"""
    parser.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="144 bytes a certificate, or hex 根证书文件"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="all of them in one, for a source 合并输出")


def run_roots(arguments: argparse.Namespace) -> int:
    """0; a file that cannot be used is a ParametersError (2)."""
    roots = read_root_files(arguments.files)
    for root in roots:
        year, month = root.expires
        print(f"root {root.index:3}  valid to the end of 有效至 {year}-{month:02}  SM3 {root.fingerprint}")
    print("Compare the SM3 with what the platform says by another way. 请与平台另行提供的 SM3 核对")
    if arguments.output:
        put(arguments.output, bundle(roots))
        print(f"written 已写入: {arguments.output}")
    return 0


def _home(text: str) -> tuple[str, int]:
    found = re.fullmatch("([0-9]{8})=(0|[1-9][0-9]{5})", text)
    if not found:
        raise argparse.ArgumentTypeError("ORGANISATION=DIVISION, such as 00083010=310000 或 00083010=0")
    return found[1], int(found[2])


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not 2000 <= day.year <= 2099:
        raise argparse.ArgumentTypeError("a day from 2000 to 2099 such as 2024-01-31 日期，例如 2024-01-31")
    return day


def _serial(text: str) -> str:
    if not re.fullmatch("[0-9]{24}", text):
        raise argparse.ArgumentTypeError("24 digits 24 位数字")
    return text
