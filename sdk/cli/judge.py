"""`yima judge`: one code, judged by the real core."""

import argparse
import json
from pathlib import Path

from yima.sdk.cli.arguments import (
    WholeNumber,
    add_direction_argument,
    add_operator_argument,
    gate_of,
    moment,
)
from yima.sdk.cli.payload_arguments import add_payload_arguments, payload_of
from yima.sdk.parameters.compile import compiled
from yima.sdk.parameters.moments import as_local
from yima.sdk.parameters.source import read_source
from yima.validator.judging import Moment, Validator, Verdict
from yima.validator.packages import Trust, read_package, read_pins
from yima.validator.parameters import Mode, Parameters, load
from yima.validator.system.paths import is_folder

HELP = "judge one code as a gate would; exit 0 accepted, 1 refused 按闸机规则判定一个码"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE|--hex HEX --params FILE [--trust FILE] [--at UNIX] [--mode MODE] [--city N] … [--json]"""
    add_payload_arguments(parser)
    parser.add_argument(
        "--params", required=True, type=Path, metavar="FILE",
        help="a package with --trust, a plain TOML file, or a source directory 参数包、参数文件或源目录",
    )  # fmt: skip
    parser.add_argument("--trust", type=Path, metavar="FILE", help="the signers' public keys 受信任的签名公钥")
    parser.add_argument(
        "--at",
        type=moment,
        default="now",
        metavar="MOMENT",
        help='"2026-10-01 07:20" (UTC+8) or unix seconds; default now 判定时刻',
    )
    parser.add_argument("--mode", type=Mode, choices=tuple(Mode), default=Mode.BUS, help="default bus 交通方式")
    parser.add_argument(
        "--city",
        type=WholeNumber(0, 999_999),
        default=0,
        metavar="N",
        help="where the gate stands, e.g. 320500 闸机所在城市的行政区划代码",
    )
    for name, about in (("line", "its line 线路"), ("station", "its station or stop 站点")):
        parser.add_argument(f"--{name}", default="", metavar="N", help=f"number of {about}, as in the fare tables")
    add_direction_argument(parser)
    add_operator_argument(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object 输出 JSON")


def run(arguments: argparse.Namespace) -> int:
    """Judges with a fresh memory; 0 accepted, 1 refused."""
    payload = payload_of(arguments)
    validator = Validator(_parameters(arguments), gate_of(arguments))
    verdict = validator.judge(payload.data, Moment.at(arguments.at))
    if arguments.json:
        print(json.dumps(_document(verdict), ensure_ascii=False, indent=1))
    else:
        if payload.codes > 1:
            print(f"code {payload.number} of {payload.codes} in the picture 图中共 {payload.codes} 个码")
        _print(verdict, arguments.at)
    return 0 if verdict.accepted else 1


def _parameters(arguments: argparse.Namespace) -> Parameters:
    if is_folder(arguments.params):
        return compiled(read_source(arguments.params))
    if arguments.trust is None:
        return load(arguments.params)
    # The bench stands in for any device of the package's own environment and city.
    package, pins = read_package(arguments.params), read_pins(arguments.trust)
    trust = Trust(environment=package.environment, city=package.city, keys=pins.keys, needed=pins.needed)
    return load(arguments.params, trust=trust, now=arguments.at)


def _document(verdict: Verdict) -> dict[str, object]:
    return {
        "accepted": verdict.accepted,
        "reason": verdict.reason.name,
        "case": verdict.case,
        "stages": {stage.name.lower(): str(result) for stage, result in verdict.stages.items()},
        "fare_fen": verdict.fare_fen,
        "rule": verdict.rule,
        "transaction": verdict.transaction.name.lower(),
        "english": verdict.reason.english,
        "chinese": verdict.reason.chinese,
        "family": verdict.family,
        "account_masked": verdict.account_masked,
    }


def _print(verdict: Verdict, at: int) -> None:
    case = f" [{verdict.case}]" if verdict.case else ""
    print(f"{'ACCEPTED 通过' if verdict.accepted else 'REFUSED 拒绝'}{case}  {verdict.reason.name}")
    print(f"  {verdict.reason.english}  {verdict.reason.chinese}")
    print(f"  at 时刻      {as_local(at)} ({at})")
    print(f"  family 码类  {verdict.family}")
    if verdict.account_masked:
        print(f"  card 卡账户  {verdict.account_masked}")
    if verdict.accepted:
        print(f"  fare 票价    ¥{verdict.fare_fen / 100:.2f}  {verdict.rule}")
    if verdict.transaction:
        print(f"  tap 交易     {verdict.transaction.name.lower().replace('_', ' ')}")
    for stage, result in verdict.stages.items():
        print(f"  {stage.name.lower():18}{result}")
