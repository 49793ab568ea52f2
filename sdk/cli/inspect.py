"""`yima inspect`: takes a code, a trip record or an entry of a device apart, field by field."""

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled

from yima.sdk.bench import Cause, Diagnosis, diagnose
from yima.sdk.cli.arguments import add_payload_arguments, payload_of, unix_seconds
from yima.sdk.dissection.code import Dissection, dissect
from yima.sdk.dissection.entry import dissect_entry, is_entry
from yima.sdk.dissection.families import FAMILIES
from yima.sdk.dissection.record import dissect_record, is_record
from yima.sdk.payloads import Payload
from yima.sdk.roots import load_roots

HELP = "dissect a code, a trip record or an entry, check its signatures 逐字段解析码、行程记录或条目并验签"

_PIPED_WIDTH = 160
_WORDS = {
    "valid": "有效",
    "invalid": "无效",
    "unknown root": "根证书未知",
    "expired": "已过期",
    "too long": "超过上限",
    "from the future": "时间超前",
}
_SIGNERS = {
    "certificate": "certificate, by its root CA 证书（根 CA 签名）",
    "issuer": "issuer authorisation 发卡机构授权",
    "rider": "rider 用户",
}
_TIMES = {
    "certificate": "certificate 证书",
    "authorisation": "authorisation 授权",
    "validity": "validity (up to 1200 s) 有效时长",
    "code": "code 二维码",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE|-|--hex HEX [--roots FILE]… [--at UNIX] [--json] [--reveal]"""
    add_payload_arguments(parser)
    parser.add_argument(
        "--roots",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="144-byte root certificates, or lines `index hexkey`; may be repeated 根证书或根公钥文件，可多次给出",
    )
    parser.add_argument(
        "--at", type=unix_seconds, metavar="UNIX", help="say also what the time checks say then 检查时间"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object 输出 JSON")
    parser.add_argument("--reveal", action="store_true", help="show account numbers whole 显示完整账户号")


def run(arguments: argparse.Namespace) -> int:
    """0 sound, 1 damaged, forged or no code at all."""
    payload = payload_of(arguments)
    roots = load_roots(arguments.roots)
    found, data = None, payload.data
    take_apart = dissect_entry if is_entry(data) else dissect_record if is_record(data) else dissect
    if take_apart is dissect:
        found = diagnose(payload.came or data)
        data = found.payload if found.proved or found.harmless else data
    dissection = take_apart(data, roots=roots, at=arguments.at, reveal=arguments.reveal)
    if arguments.json:
        document = dissection.document | ({} if found is None else {"diagnosis": found.document()})
        print(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        _print(dissection, payload, len(data), found)
    return 0 if dissection.sound and (found is None or found.harmless) else 1


def _print(dissection: Dissection, payload: Payload, size: int, found: Diagnosis | None) -> None:
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
    family = dissection.document.get("family")
    facts = dissection.document.get("facts")
    if isinstance(facts, dict):
        what = f"entry 条目: {facts['kind']}"
    else:
        what = "trip record 行程记录" if family is None else f"{family}: {_both(FAMILIES[str(family)])}"
    console.print(f"{what}  ({size} bytes 字节, {payload.form})")
    if payload.codes > 1:
        console.print(f"one of {payload.codes} codes in the picture 图中共有 {payload.codes} 个码，此为其一")
    if found is not None and found.cause != Cause.WHOLE:
        _print_diagnosis(console, found)
    if dissection.note is not None and family is None:
        console.print(f"code inside 其中的码: {_both(dissection.note)}")
    if dissection.fields:
        console.print(_table(dissection))
    if "integrity" in dissection.document:
        console.print("integrity 完整性: " + ("true 一致" if dissection.document["integrity"] else "false 不一致"))
    for title, labels, said in (
        ("signatures 签名", _SIGNERS, dissection.signatures),
        ("time 时间", _TIMES, dissection.times),
    ):
        if said:
            console.print(title)
        for key, label in labels.items():
            answer = said.get(key)
            if answer is not None:
                console.print(f"  {label}: {answer} {_WORDS[answer]}")
    for problem in dissection.problems:
        console.print(f"offset 偏移 {problem.offset}: {problem.text.en}  {problem.text.zh}")


def _print_diagnosis(console: Console, found: Diagnosis) -> None:
    """What happened to the bytes on the way, and what cures it."""
    proved = "  proved 已验证" if found.proved else ""
    detail = f" ({found.detail})" if found.detail else ""
    console.print(f"{found.cause}{detail}: {_both(found.explained.what)}{proved}")
    console.print(f"  cure 处理: {_both(found.explained.cure)}")


def _table(dissection: Dissection) -> Table:
    table = Table(show_lines=False)
    for heading in ("# 字段", "offset 偏移", "size 字节"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("field 名称", "raw 原始数据", "meaning 含义"):
        table.add_column(heading, overflow="fold")
    for field in dissection.fields:
        cells = (field.number, str(field.offset), str(field.size), _both(field.name), field.raw, field.meaning)
        table.add_row(*(Styled(cell) for cell in cells))
    return table


def _both(text: tuple[str, str]) -> str:
    return " ".join(text)
