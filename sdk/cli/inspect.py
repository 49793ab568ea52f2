"""`yima inspect`: takes a code, a trip record or an entry of a device apart, field by field."""

import argparse
import json
import sys
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled

from yima.sdk.bench import Cause, Diagnosis, diagnose
from yima.sdk.cli.arguments import unix_seconds
from yima.sdk.cli.exit_status import DONE, NO, status_of
from yima.sdk.cli.payload_arguments import add_payload_arguments
from yima.sdk.dissection.code import Dissection, dissect
from yima.sdk.dissection.entry import dissect_entry, is_entry
from yima.sdk.dissection.families import FAMILIES
from yima.sdk.dissection.record import dissect_record, is_record
from yima.sdk.line_words import line_words
from yima.sdk.payloads import Payload, payload_of_hex, read_payloads, sources_in
from yima.sdk.roots import RootKeys, load_roots
from yima.validator.errors import YimaError
from yima.validator.guarding.lines import shared_writer
from yima.validator.shown import shown

HELP = "dissect a code, a trip record or an entry, check its signatures 逐字段解析码、行程记录或条目并验签"

_PIPED_WIDTH = 160
_TABLE_WIDTH = 80  # in fewer columns the table leaves out what it is for
_STATUS = """\
of inspect 本命令:
  0    every code is sound 所有码完好
  1    one is damaged, forged or no code 有码损坏、伪造或不是码
  3    a file cannot be used; the others are shown 有文件不可用，其余照常显示
"""
_WORDS = {
    "valid": "有效",
    "invalid": "无效",
    "unknown root": "根证书未知",
    "not kept": "记录中未保存",
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
    """FILE…|-|--hex HEX [--roots FILE]… [--at UNIX] [--json] [--reveal]"""
    add_payload_arguments(parser, several=True)
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
    parser.add_argument("--json", action="store_true", help="one JSON object a line for each code 每个码一行 JSON")
    parser.add_argument("--reveal", action="store_true", help="show account numbers whole 显示完整账户号")
    parser.epilog = _STATUS


def run(arguments: argparse.Namespace) -> int:
    """0 all sound; 1 one is damaged, forged or no code; 3 a file cannot be used, the others are shown all the same."""
    roots = load_roots(arguments.roots)
    statuses = [DONE.number]
    sources = _sources(arguments, statuses)
    for source in sources:
        try:
            payloads = [payload_of_hex(source)] if arguments.hex else read_payloads(source)
        except YimaError as error:
            statuses.append(_said(error))
            continue
        name = "--hex" if arguments.hex else source
        if len(sources) > 1 and not arguments.json:
            print(f"\n{shown(name)}")
        seen = [_look(payload, roots, arguments) for payload in payloads]
        for one in seen:
            if arguments.json:
                print(json.dumps({"source": name} | one.document(), ensure_ascii=False))
            else:
                _print(one)
        transit = [one for one in seen if one.dissection.document.get("family") != "unknown"]
        sound = all(one.sound for one in transit or seen)  # a poster beside a phone is no damage
        statuses.append(DONE.number if sound else NO.number)
    return max(statuses)


def _sources(arguments: argparse.Namespace, statuses: list[int]) -> list[str]:
    if arguments.hex:
        return [" ".join(arguments.hex)]
    sources: list[str] = []
    for place in arguments.files:
        try:
            sources += sources_in(place)
        except YimaError as error:
            statuses.append(_said(error))
    return sources


def _said(error: YimaError) -> int:
    """Says what is wrong with one file, as the command says it of a whole run; the status for it."""
    sys.stdout.flush()
    shared_writer(sys.stderr).write(f"yima: {error}")
    return status_of(error)


class _Seen(NamedTuple):
    """One payload, and what was found in it. data: what was taken apart, after the line's harm was undone."""

    payload: Payload
    data: bytes
    dissection: Dissection
    diagnosis: Diagnosis | None

    @property
    def sound(self) -> bool:
        return self.dissection.sound and (self.diagnosis is None or self.diagnosis.harmless)

    def document(self) -> dict[str, object]:
        form: dict[str, object] = {"form": self.payload.form, "size": len(self.data)}
        if self.payload.codes > 1:
            form |= {"number": self.payload.number, "codes": self.payload.codes}
        found = {} if self.diagnosis is None else {"diagnosis": self.diagnosis.document()}
        return form | self.dissection.document | {"fields": self.dissection.field_objects()} | found


def _look(payload: Payload, roots: RootKeys, arguments: argparse.Namespace) -> _Seen:
    found, data = None, payload.data
    take_apart = dissect_entry if is_entry(data) else dissect_record if is_record(data) else dissect
    if take_apart is dissect:
        found = diagnose(payload.came or data)
        data = found.payload if found.proved or found.harmless else data
    dissection = take_apart(data, roots=roots, at=arguments.at, reveal=arguments.reveal)
    return _Seen(payload, data, dissection, found)


def _print(seen: _Seen) -> None:
    payload, data, dissection, found = seen
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
    family = dissection.document.get("family")
    facts = dissection.document.get("facts")
    if isinstance(facts, dict):
        what = f"entry 条目: {facts['kind']}"
    else:
        what = "trip record 行程记录" if family is None else f"{family}: {_both(FAMILIES[str(family)])}"
    console.print(f"{what}  ({len(data)} bytes 字节, {payload.form})")
    if payload.codes > 1:
        console.print(f"code {payload.number} of {payload.codes} in the picture 图中共 {payload.codes} 个码")
    if found is not None and found.cause != Cause.WHOLE:
        _print_diagnosis(console, found)
    if dissection.note is not None and family is None:
        console.print(f"code inside 其中的码: {_both(dissection.note)}")
    if dissection.fields:
        _print_fields(console, dissection)
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
    detail = f" ({line_words(found.detail)})" if found.detail else ""
    console.print(f"{found.cause}{detail}: {_both(found.explained.what)}{proved}")
    console.print(f"  cure 处理: {_both(found.explained.cure)}")


def _print_fields(console: Console, dissection: Dissection) -> None:
    if console.width >= _TABLE_WIDTH:
        console.print(_table(dissection))
        return
    for field in dissection.fields:
        said = "  ".join(dict.fromkeys(filter(None, (field.meaning, field.raw))))
        place = f"{field.number:>4} {field.offset:>4} {field.size:>3}"
        console.print(f"{place}  {_both(field.name)}: {said}", soft_wrap=True)


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
