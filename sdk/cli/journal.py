"""`yima journal`: looking into a device's journal, handing it on, putting its past by; the device may be running."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from yima.sdk.cli.arguments import WholeNumber
from yima.validator.errors import JournalError, Kind, YimaError
from yima.validator.journal import JournalView
from yima.validator.journal.archiving import archive
from yima.validator.journal.exporting import as_mapping, export_lines, export_records, new_file
from yima.validator.journal.salvage import Gap
from yima.validator.shown import shown, shown_json
from yima.validator.state import look_at_journal, salvage_journal
from yima.validator.texts import Text, say

HELP = "show, verify, export or archive a device's journal 查看、校验、导出或归档终端日志"

EXAMPLES = """\
examples 示例:
  yima journal show /var/lib/yima               state, quarantine and the newest records 状态、隔离与最新记录
  yima journal show /var/lib/yima --last 100 --json
  yima journal verify /var/lib/yima             numbering and hash chain of every record 校验编号与哈希链
  yima journal verify /var/lib/yima --archive /mnt/stick        the archived ones too 连同归档一并校验
  yima journal export /var/lib/yima --form ministry --out rides.bin
                                                the records of rides, one behind the other 部标行程记录，依次相接
  yima journal export /var/lib/yima --form ministry --out rides/     one file each, in a folder 每条一个文件
  yima journal export /var/lib/yima --form jsonl --out all.jsonl     every entry with its facts 全部条目及其要素
  yima journal archive /var/lib/yima --to /mnt/stick    moves what the collector has there 将已确认部分移至归档
"""


class UsageError(YimaError):
    """An option that the action needs."""

    kind = Kind.USAGE


class _Out:
    """Where an export goes, by the command line. is_folder: it was written as one, which a Path no longer tells."""

    def __init__(self, text: str) -> None:
        self.path = Path(text)
        self.is_folder = text.endswith(tuple(filter(None, ("/", os.sep, os.altsep))))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the verb."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument("action", choices=list(_ACTIONS), help="what to do 操作")
    parser.add_argument("state", type=Path, metavar="DIR", help="the device's state directory 状态目录")
    parser.add_argument("--last", type=int, default=10, metavar="N", help="show: how many records, default 10 显示条数")
    parser.add_argument("--json", action="store_true", help="one JSON object 输出 JSON")
    parser.add_argument(
        "--archive", type=Path, metavar="OUT", help="show, verify, export: with what was archived there 连同归档"
    )
    parser.add_argument("--to", type=Path, metavar="OUT", help="archive: the folder of the archive 归档目录")
    parser.add_argument("--form", choices=["ministry", "jsonl"], help="export: which form 导出格式")
    parser.add_argument(
        "--out", type=_Out, metavar="PATH",
        help="export: a new file, a folder (one that ends in / is made), or - for standard output 输出位置",
    )  # fmt: skip
    parser.add_argument(
        "--after", type=WholeNumber(0, (1 << 63) - 1), default=0, metavar="N",
        help="export: only what follows entry N 仅导出第 N 条之后",
    )  # fmt: skip
    parser.add_argument(
        "--reveal", action="store_true", help="export: whole accounts and codes in jsonl 在 jsonl 中显示完整账户与码"
    )


def run(arguments: argparse.Namespace) -> int:
    """0 if it went well; 1 if an export lacks entries that cannot be read. Raises JournalError with what is wrong,
    UsageError where an option is missing."""
    return _ACTIONS[arguments.action](arguments)


def _show(arguments: argparse.Namespace) -> int:
    journal = look_at_journal(arguments.state, arguments.archive)
    try:
        found = _state(journal)
        last = max(0, arguments.last)
        newest = journal.entries(max(0, found["last"] - last), last)
    finally:
        journal.close()
    found["records"] = [as_mapping(one.key.sequence, one.content, one.hash, reveal=False) for one in newest]
    _say(arguments, found, _lines(found))
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    journal = look_at_journal(arguments.state, arguments.archive)
    try:
        found = _state(journal)
        with _at_work(Text("verifying", "校验中")):
            found["verified"] = journal.verify()
    finally:
        journal.close()
    _say(arguments, found, _lines(found))
    return 0


def _export(arguments: argparse.Namespace) -> int:
    if arguments.form is None or arguments.out is None:
        raise _missing("--form, --out")
    out: Path = arguments.out.path
    journal = salvage_journal(arguments.state, arguments.archive)
    with _at_work(Text("exporting", "导出中")), _of(out):
        if arguments.form == "ministry":
            if str(out) == "-":
                raise _missing("--out PATH")
            if arguments.out.is_folder:
                out.mkdir(mode=0o700, exist_ok=True)
            done = export_records(journal, out, after=arguments.after)
        elif str(out) == "-":
            done = export_lines(journal, sys.stdout.buffer, after=arguments.after, reveal=arguments.reveal)
        else:
            with new_file(out) as file:
                done = export_lines(journal, file, after=arguments.after, reveal=arguments.reveal)
    lost = [_numbers(gap) for gap in done.unreadable]
    found = {"device": journal.device, "epoch": journal.epoch, "written": done.written, "unreadable": lost}
    line = Text(f"{done.written} written to {out}", f"已写入 {done.written} 条：{out}")
    lines = [say(line), *(say(Text(f"  ! cannot be read: {one}", f"  ! 无法读取：{one}")) for one in lost)]
    _say(arguments, found, "\n".join(lines), out=sys.stderr if str(out) == "-" else sys.stdout)
    return 1 if lost else 0


def _archive(arguments: argparse.Namespace) -> int:
    if arguments.to is None:
        raise _missing("--to")
    journal = look_at_journal(arguments.state)
    acknowledged = journal.acknowledged()
    journal.close()
    with _at_work(Text("archiving", "归档中")):
        done = archive(journal.folder, arguments.to, acknowledged)
    found = {"folder": str(done.folder), "segments": done.segments, "first": done.first, "last": done.last}
    line = (
        Text(
            f"records {done.first} to {done.last} now lie in {done.folder}, verified",
            f"记录 {done.first} 至 {done.last} 已移至 {done.folder}，校验无误",
        )
        if done.segments
        else Text(
            "nothing to archive: only full segments go, when the collector has all of them",
            "没有可归档的内容：仅归档已写满且已全部确认的分段",
        )
    )
    _say(arguments, found, say(line))
    return 0


_ACTIONS = {"show": _show, "verify": _verify, "export": _export, "archive": _archive}


def _missing(option: str) -> UsageError:
    return UsageError(
        "yima journal",
        Text(f"{option} is needed", f"缺少 {option}"),
        Text("See yima journal --help", "请参阅 yima journal --help"),
    )


@contextmanager
def _of(out: Path) -> Iterator[None]:
    """A write that fails names the output, not the journal, which is whole. Standard output is everybody's matter."""
    try:
        yield
    except OSError as error:
        if str(out) == "-":
            raise
        raise JournalError(
            out,
            Text(f"cannot be written: {error.strerror}", f"无法写入：{error.strerror}"),
            Text("Make room there; what it holds is not whole", "请腾出空间；其内容不完整"),
        ) from error


def _at_work(what: Text) -> Any:
    return Console(stderr=True).status(say(what))


def _say(arguments: argparse.Namespace, found: dict[str, Any], lines: str, out: Any = None) -> None:
    print(shown_json(found, indent=2) if arguments.json else lines, file=out)


def _numbers(gap: Gap) -> str:
    return f"#{gap.first}" if gap.first == gap.last else f"#{gap.first}-{gap.last or '?'}"


def _state(journal: JournalView) -> dict[str, Any]:
    last, acknowledged = journal.last_sequence(), journal.acknowledged()
    return {
        "device": journal.device,
        "epoch": journal.epoch,
        "first": journal.first_sequence(),
        "last": last,
        "acknowledged": acknowledged,
        "pending": last - acknowledged,
        "bytes": journal.size(),
        "quarantined": [
            {"sequence": entry.sequence, "why": entry.why, "at": entry.at} for entry in journal.quarantined()
        ],
    }


def _lines(found: dict[str, Any]) -> str:
    lines = [
        say(
            Text(
                "device {device}, epoch {epoch}: records {first} to {last}, acknowledged up to #{acknowledged},"
                " {pending} waiting",
                "设备 {device}，纪元 {epoch}：记录 {first} 至 {last}，已确认至 #{acknowledged}，待上传 {pending} 条",
            )
        ).format(**found)
    ]
    lines += [f"  ! #{entry['sequence']}: {shown(entry['why'])}" for entry in found["quarantined"]]
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
