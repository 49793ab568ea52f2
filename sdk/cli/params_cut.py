"""`yima params cut`: a gate's own part of a package, under the same signatures."""

import argparse
from pathlib import Path

from yima.sdk.cli.arguments import WholeNumber
from yima.sdk.cli.written import write
from yima.sdk.parameters.parts import cut
from yima.validator.packages import read_package

HELP = "a gate's own part of a package, for a board; needs no key 拆出某闸机所需部分（无需密钥）"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """PACKAGE [--station N] -o FILE"""
    parser.add_argument("file", type=Path, metavar="PACKAGE", help="built with --parts 以 --parts 制作的参数包")
    parser.add_argument(
        "--station", type=WholeNumber(1, 65535), metavar="N", help="the gate's; without it no matrix, for a bus 站号"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the part 输出文件")


def run(arguments: argparse.Namespace) -> int:
    """0. Raises ParametersError."""
    package = read_package(arguments.file)
    write(arguments.output, cut(bytes(package.data), arguments.station, str(arguments.file)))
    return 0
