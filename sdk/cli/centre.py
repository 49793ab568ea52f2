"""`yima centre`: from what collectors keep to who owes whom. Each of its verbs is registered by a module of its own."""

import argparse

from yima.sdk.cli import (
    centre_cases,
    centre_day,
    centre_devices,
    centre_evidence,
    centre_example,
    centre_export,
    centre_groups,
    centre_keys,
    centre_packages,
    centre_report,
    centre_serve,
    centre_share,
    centre_simulate,
    centre_steps,
    centre_versions,
)

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
  yima centre ingest region/ && yima centre rides region/ && yima centre settle region/     step by step 逐步执行
  yima centre report region/ --day 20260922     who owes whom, and a page of it 轧差与报告
  yima centre share region/ --day 20260922 --out shared/    flows and TIDES packages 客流与 TIDES 数据包
  yima centre groups region/ --city 310000 --out shanghai/groups.csv    who is in which group, for gates 闸机群体名单
  yima centre simulate region/ --parameters other/ --out what-if/    past rides, other parameters 换用参数重新计算
  yima centre example region/ --taps 10000       a synthetic region to try it on 生成示例区域
  yima centre keys make region/ --role issuer --of 99310000     who may read: a key 生成接口密钥
  yima centre devices enrol trips.db gate-7 3b6a27…     a device may send 登记终端
  yima centre cases settle trips.db 7 withhold --why 'no such rider'     decide about a record 裁决
  yima centre versions trips.db --version 12 --published 20260901 --removed     who was late 参数时效
  yima centre export trips.db --form parquet --out region/stores/city     what is new, for a centre 增量导出
  yima centre serve region/ --listen 127.0.0.1:8090     interfaces for institutions and services 提供查询接口
  yima centre evidence evidence-*.json --devices devices.txt     another centre's evidence 验证证据
  yima centre day region/ --engine spark        the same steps on Spark 在 Spark 上执行
"""
MODULES = (
    centre_day,
    centre_steps,
    centre_report,
    centre_share,
    centre_simulate,
    centre_groups,
    centre_evidence,
    centre_keys,
    centre_packages,
    centre_serve,
    centre_devices,
    centre_cases,
    centre_versions,
    centre_export,
    centre_example,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verbs of the centre."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for module in MODULES:
        module.add_verbs(verbs)


def run(arguments: argparse.Namespace) -> int:
    """What the verb ends with. Raises YimaError with what is wrong."""
    status: int = arguments.run(arguments)
    return status
