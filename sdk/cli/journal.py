"""`yima journal`: looking into a device's journal; the device may be running."""

import argparse
import json
from pathlib import Path
from typing import Any

from yima.validator.journal import JournalView
from yima.validator.journal.exporting import entry_as_mapping
from yima.validator.state import look_at_journal
from yima.validator.texts import Text, say

HELP = "show or verify a device's journal 查看或校验终端日志"

EXAMPLES = """\
examples 示例:
  yima journal show /var/lib/yima               state, quarantine and the newest records 状态、隔离与最新记录
  yima journal show /var/lib/yima --last 100 --json
  yima journal verify /var/lib/yima             numbering and hash chain of every record 校验编号与哈希链
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the verb."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument("action", choices=["show", "verify"], help="what to do 操作")
    parser.add_argument("state", type=Path, metavar="DIR", help="the device's state directory 状态目录")
    parser.add_argument("--last", type=int, default=10, metavar="N", help="show: how many records, default 10 显示条数")
    parser.add_argument("--json", action="store_true", help="one JSON object 输出 JSON")


def run(arguments: argparse.Namespace) -> int:
    """0 if the journal is readable, and for verify whole. Raises JournalError with what is wrong."""
    journal = look_at_journal(arguments.state)
    try:
        found = _state(journal)
        if arguments.action == "verify":
            found["verified"] = journal.verify()
        else:
            last = max(0, arguments.last)
            newest = journal.entries(max(0, found["last"] - last), last)
            found["records"] = [entry_as_mapping(entry, reveal=False) for entry in newest]
    finally:
        journal.close()
    print(json.dumps(found, ensure_ascii=False, indent=2) if arguments.json else _lines(found))
    return 0


def _state(journal: JournalView) -> dict[str, Any]:
    last, acknowledged = journal.last_sequence(), journal.acknowledged()
    return {
        "device": journal.device,
        "epoch": journal.epoch,
        "last": last,
        "acknowledged": acknowledged,
        "pending": last - acknowledged,
        "quarantined": [
            {"sequence": entry.sequence, "why": entry.why, "at": entry.at} for entry in journal.quarantined()
        ],
    }


def _lines(found: dict[str, Any]) -> str:
    lines = [
        say(
            Text(
                "device {device}, epoch {epoch}: {last} records, acknowledged up to #{acknowledged}, {pending} waiting",
                "设备 {device}，纪元 {epoch}：共 {last} 条，已确认至 #{acknowledged}，待上传 {pending} 条",
            )
        ).format(**found)
    ]
    lines += [f"  ! #{entry['sequence']}: {entry['why']}" for entry in found["quarantined"]]
    for record in found.get("records", ()):
        doubt = "" if record.get("trusted", True) else "?"
        what = record.get("reason") or record.get("outcome") or record.get("event") or record["kind"]
        lines.append(f"  #{record['sequence']}  {record.get('at', '?')}{doubt}  {what}  {record['hash'][:16]}")
    if "verified" in found:
        lines.append(
            say(
                Text("every one of {verified} records is in its place, unchanged", "{verified} 条记录均完整无改动")
            ).format(**found)
        )
    return "\n".join(lines)
