"""`yima centre`: from what collectors keep to who owes whom. The module of a verb is imported when it is asked for, so
that a collector's devices are enrolled where nothing is installed that clears."""

import argparse

from yima.sdk.cli.late import LateParser

HELP = "clear a day: taps, rides, money, files, disputes 清分结算"

DESCRIPTION = """\
Takes what collectors keep, checks every tap again, makes rides of them, books who owes whom, and writes the files that
institutions get. DIR is a centre's folder: stores/, parameters/, rules.toml, rates.toml, incoming/ (see
docs/clearing.md); what the centre makes is in DIR/workspace. Every step can be run again.
读取采集库，复核每次刷码，合成行程，入账轧差，并生成各机构的文件。DIR 为清分中心的文件夹；各步骤均可重复执行。"""

EXAMPLES = """\
examples 示例:
  yima centre day region/                       every day that is over and not cleared yet 清算所有已结束的日期
  yima centre day region/ --day 20260922        up to this day, even if it is not over 清算至此日
  for s in ingest rides identity disputes settle files; do yima centre $s region/; done     a day, step by step 逐步执行
  yima centre report region/ --day 20260922     who owes whom, and a page of it 轧差与报告
  yima centre share region/ --day 20260922 --out shared/    flows and TIDES packages 客流与 TIDES 数据包
  yima centre groups region/ --city 310000 --out shanghai/groups.csv    who is in which group, for gates 闸机群体名单
  yima centre simulate region/ --parameters other/ --out what-if/    past rides, other parameters 换用参数重新计算
  yima centre example region/ --taps 10000       a synthetic region to try it on 生成示例区域
  yima centre keys make region/ --role issuer --of 99310000     who may read: a key 生成接口密钥
  yima centre devices enrol trips.db gate-7 3b6a27…     a device may send 登记终端
  yima centre certificates issue ca/ trips.db gate-7 --out given/     its certificate 签发终端证书
  yima centre cases settle trips.db 7 withhold --why 'no such rider'     decide about a record 裁决
  yima centre versions trips.db --version 12 --published 20260901 --removed     who was late 参数时效
  yima centre export trips.db --form parquet --out region/stores/city     what is new, for a centre 增量导出
  yima centre serve region/ --listen 127.0.0.1:8090     interfaces for institutions and services 提供查询接口
  yima centre evidence evidence-*.json --devices devices.txt     another centre's evidence 验证证据
  yima centre day region/ --engine spark        the same steps on Spark 在 Spark 上执行
"""
VERBS = {
    "day": ("centre_day", "clear whole days: every step, in order 完整清算：依次执行全部步骤"),
    "ingest": ("centre_ingest", "read what collectors have, from where it was left 读取采集库的新增部分"),
    "rides": ("centre_steps", "close days, check their taps, make rides of them 关闭日期、复核刷码、合成行程"),
    "identity": ("centre_steps", "take in what issuers state of their accounts 受理发码机构的身份声明"),
    "disputes": ("centre_steps", "take in files of institutions, decide disputes 受理机构文件、裁决差错"),
    "settle": ("centre_steps", "book rides, net the day 入账并轧差"),
    "files": ("centre_steps", "write what each institution gets 生成各机构的文件"),
    "report": ("centre_report", "who owes whom, subsidy by funder, differences by cause 轧差、补贴与差异报告"),
    "share": (
        "centre_share",
        "flows for everybody and a TIDES package for each city 生成公开客流与各城市的 TIDES 数据包",
    ),
    "simulate": (
        "centre_simulate",
        "past rides under other parameters: what they cost, who pays 在另一套参数下重新计算以往行程",
    ),
    "groups": ("centre_groups", "groups.csv for the package of a city's gates 生成某城市闸机参数包所用的 groups.csv"),
    "evidence": ("centre_evidence", "check bundles of evidence from another centre 验证其他清分中心的证据"),
    "keys": ("centre_keys", "who may read over the interfaces: keys by role 管理接口密钥"),
    "packages": (
        "centre_packages",
        "packages for devices: proposed, approved, published, watched 参数包的提案、批准、发布与监视",
    ),
    "serve": ("centre_serve", "read interfaces over HTTP for institutions and services 提供数据查询接口"),
    "devices": ("centre_devices", "who may send to a collector: enrolled, rotated, revoked, released 管理可上传的终端"),
    "certificates": ("centre_certificates", "certificates of devices and collectors (TLS) 终端与采集端证书"),
    "cases": ("centre_cases", "quarantine, conflicts, double use: records to decide about 待裁决的记录"),
    "versions": (
        "centre_versions",
        "which devices run which parameters since when; with --version, whether all had it in time 参数版本报告",
    ),
    "export": (
        "centre_export",
        "what a collector holds, for others; each run goes on where the last one ended 增量导出采集库",
    ),
    "example": (
        "centre_example",
        "make a synthetic region in a new folder, or hold a cleared one against its truth 生成示例区域，或与真值比对",
    ),
}
"""Module and what it is for, by verb."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verbs of the centre."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=LateParser)
    for name, (module, about) in VERBS.items():
        verbs.add_parser(name, help=about, description=about).declared_by(f"yima.sdk.cli.{module}")


def run(arguments: argparse.Namespace) -> int:
    """What the verb ends with. Raises YimaError with what is wrong."""
    status: int = arguments.run(arguments)
    return status
