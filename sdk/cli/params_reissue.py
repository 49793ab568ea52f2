"""`yima params reissue`: the content of an old package as a new version, the way back."""

import argparse
from pathlib import Path

from yima.sdk.cli.arguments import WholeNumber, moment
from yima.sdk.cli.written import write
from yima.sdk.parameters.rotation import reissued
from yima.sdk.parameters.signing import read_key_file
from yima.validator.packages import read_package

HELP = "an old package's content as a new version: the way back 以旧内容制作新版本（回退）"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """OLD --version N --key KEYFILE -o FILE [--current FILE] [--replaces] [--not-before] [--expiry]"""
    parser.add_argument("file", type=Path, metavar="OLD", help="the package whose content comes back 旧参数包")
    parser.add_argument(
        "--version", type=WholeNumber(1, 0xFFFFFFFF), required=True, metavar="N",
        help="above every version that was published 新版本号，须高于所有已发布的版本",
    )  # fmt: skip
    parser.add_argument(
        "--key", type=Path, action="append", required=True, metavar="KEYFILE", help="signs it; several may 签名私钥"
    )
    parser.add_argument(
        "--current", type=Path, metavar="FILE", help="what is in force; its keys sign, OLD's without it 当前参数包"
    )
    parser.add_argument("--not-before", type=moment, default="now", metavar="MOMENT", help="default now 生效时间")
    parser.add_argument("--expiry", type=moment, metavar="MOMENT", help="default that of OLD 失效时间")
    parser.add_argument(
        "--replaces", action="store_true", help="what waits on devices is given up; else it still comes 取代等待中的包"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the package 参数包")


def run(arguments: argparse.Namespace) -> int:
    """0. Raises ParametersError where no device would take it."""
    data = reissued(
        read_package(arguments.file),
        version=arguments.version,
        keys=[read_key_file(path) for path in arguments.key],
        not_before=arguments.not_before,
        expiry=arguments.expiry,
        current=read_package(arguments.current) if arguments.current else None,
        replaces=arguments.replaces,
    )
    write(arguments.output, data)
    return 0
