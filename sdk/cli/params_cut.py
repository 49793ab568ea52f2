"""`yima params cut`: a gate's own part of a package, under the same signatures."""

import argparse
from pathlib import Path

from yima.sdk.cli.arguments import WholeNumber
from yima.sdk.cli.written import write
from yima.sdk.parameters.parts import cut
from yima.validator.packages import read_package
from yima.validator.parameters.own_part import Spot
from yima.validator.parameters.rules import Mode

HELP = "a gate's own part of a package, for a board; needs no key 拆出某闸机所需部分（无需密钥）"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """PACKAGE [--station N] [--mode M --city C --line N] -o FILE"""
    parser.add_argument("file", type=Path, metavar="PACKAGE", help="built with --parts 以 --parts 制作的参数包")
    parser.add_argument(
        "--station", type=WholeNumber(1, 65535), metavar="N", help="the gate's; without it no matrix, for a bus 站号"
    )
    parser.add_argument(
        "--line", type=WholeNumber(0, 65535), metavar="N",
        help="the bus's, in --city; without it the stops of all lines 线路，省略则含全部线路",
    )  # fmt: skip
    parser.add_argument(
        "--city", type=WholeNumber(0, 999_999), default=0, metavar="CODE", help="of the line, 6 digits 城市代码"
    )
    parser.add_argument(
        "--mode", type=Mode, choices=list(Mode), help="default: metro with --station, else bus 默认按是否指定站号"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the part 输出文件")


def run(arguments: argparse.Namespace) -> int:
    """0. Raises ParametersError."""
    package = read_package(arguments.file)
    mode = arguments.mode or (Mode.METRO if arguments.station else Mode.BUS)
    spot = Spot(mode, arguments.city, arguments.line, arguments.station or 0)
    write(arguments.output, cut(bytes(package.data), spot, str(arguments.file)))
    return 0
