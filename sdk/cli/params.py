"""`yima params`: an example of the parameters' plain form, and a check of a file."""

import argparse
from pathlib import Path

from validator.parameters import Parameters, load

HELP = "print example parameters, or check a file 参数示例与检查"

# The root key is the test lab's public test root 1, so that the example loads as it is.
EXAMPLE = """\
# Parameters of a yima validator 参数
environment = "test"            # or "production" 环境
version = 1

[limits]                        # all optional; these are the defaults 限制（均可省略，以下为默认值）
versions = [0x80, 0x81]         # accepted versions of the code 受理的版本号
max_validity_s = 1200           # longest validity of one code 单码最长有效时间
future_tolerance_s = 20         # how far a phone's clock may be ahead 手机时间允许超前
debounce_ms = 2000              # the same bytes within it are the same presentation 同一次出示
account_interval_s = 0          # the same account again not before; 0 is off 同一账户最小间隔
account_types = [0, 1, 2, 3, 4, 5]

[fares]                         # fen, flat by mode; a mode without a fare refuses 票价（分）
bus = 200
metro = 300

[[roots]]                       # one block a root 根证书或公钥
index = 1
key = "\
F8ECFA98612ECB5CF9C0EBCAA8C9C67714F6EE948CFF7226EF7E39000542930F\
BEA4C6CEF060C660ED51C93EBD11696208373792096609CDDA3C7726B563B50F"
# or: certificate = "<144 bytes in hex>"
# or: file = "roots.bin"        # n × 144 bytes, relative to this file

[[whitelist]]                   # one block a pair of institution and platform 白名单
organisation = "00083010"
platform = "50083010"
city = 310000                   # the issuer's city, optional 发卡城市（可省略）
modes = ["bus", "metro"]        # default both 交通方式

[acceptance]                    # riding city = issuers' cities; optional 乘车城市 = 受理的发卡城市
310000 = [310000, 320500]
320500 = [310000, 320500]

[[deny]]                        # a card account, or a range; F pads to 20 digits 黑名单
first = "31048700000000019990"
last = "31048700000000019998"

[[time_shifts]]                 # extra time bases accepted of one institution 额外时间基准
organisation = "00083010"
shifts_s = [28800]
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """example | check FILE"""
    verbs = parser.add_subparsers(dest="action", required=True, metavar="example|check")
    verbs.add_parser("example", help="print a commented example 输出带注释的示例")
    check = verbs.add_parser("check", help="load a file and sum it up 加载并概述参数文件")
    check.add_argument("file", type=Path, metavar="FILE")


def run(arguments: argparse.Namespace) -> int:
    """0; a file that cannot be used is a ParametersError (2)."""
    if arguments.action == "example":
        print(EXAMPLE, end="")
    else:
        _summarise(load(arguments.file))
    return 0


def _summarise(parameters: Parameters) -> None:
    fares = ", ".join(f"{mode} ¥{fen / 100:.2f}" for mode, fen in parameters.fares_fen.items())
    print(f"usable 可用: {parameters.source}")
    print(f"  environment 环境  {parameters.environment}")
    print(f"  version 版本      {parameters.version}")
    print(f"  fares 票价        {fares or 'none: every ride is refused 无，全部拒绝'}")
    for root in parameters.roots.values():
        until = "no expiry known 无失效日期" if root.expires is None else "{}-{:02}".format(*root.expires)
        print(f"  root 根证书       {root.index}  {until}")
    if not parameters.roots:
        print("  root 根证书       none: every code is refused 无，全部拒绝")
    print(f"  image 映像        {len(parameters.image)} bytes 字节")
