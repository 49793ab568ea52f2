"""What `yima run` says: one line at a time for people, in both languages, or with --json one object a line."""

import argparse
from typing import Any

from yima.sdk.cli.observed import Observers
from yima.sdk.tap_lines import (
    notice_as_line,
    notice_as_mapping,
    tap_as_line,
    tap_as_mapping,
    waiting_as_json,
    waiting_as_lines,
)
from yima.validator.deny.denylist import DenyList
from yima.validator.guarding.lines import LineWriter
from yima.validator.happenings import Notice, Summary, Tap
from yima.validator.journal import SegmentJournal
from yima.validator.packages import Label, when
from yima.validator.parameters import Parameters
from yima.validator.shown import masked_url
from yima.validator.texts import Text, say


class RunLines:
    """One run's lines. A console gate says the verdict itself, so it is not said twice on one console."""

    def __init__(self, out: LineWriter, arguments: argparse.Namespace) -> None:
        self._out = out
        self._arguments = arguments
        self._gate_speaks = arguments.gate.startswith("console:")
        self.observers = Observers()  # told the same, and say it elsewhere

    @property
    def dropped(self) -> int:
        """How many lines nobody read fast enough, or the disk had no room for."""
        return self._out.dropped

    def close(self) -> bool:
        """Gives the last lines a moment to go out; whether there was still somebody to read them."""
        self._out.close()
        return not self._out.broken

    def started(
        self,
        *,
        journal: SegmentJournal,
        parameters: Parameters,
        waiting: tuple[Label, ...],
        deny: DenyList | None,
        encrypted: bool | None,
        trusted: bool,
    ) -> None:
        """The first line. encrypted: whether uploads are, None if there are none. trusted: whether the clock is."""
        last = journal.last_sequence()
        begun = {
            "event": "started",
            "device": journal.device,
            "epoch": journal.epoch,
            "resumed_at": last + 1,
            "pending": last - journal.acknowledged(),
            "reader": masked_url(self._arguments.reader),
            "gate": masked_url(self._arguments.gate),
            "collector": self._arguments.collector and masked_url(self._arguments.collector),
            "collector_encrypted": encrypted,
            "mode": self._arguments.mode,
            "city": self._arguments.city,
            "environment": parameters.environment,
            "parameters_version": parameters.version,
            "parameters_waiting": waiting_as_json(waiting),
            "deny_list_version": deny.version if deny else None,
            "deny_list_issued_at": deny.issued_at if deny else None,
            "clock_trusted": trusted,
        }
        self._say(begun, "\n".join([_started_line(begun), *waiting_as_lines(waiting)]))

    def tap(self, tap: Tap) -> None:
        """One presentation."""
        self.observers.tap(tap)
        if self._arguments.json:
            self._out.write_json(tap_as_mapping(tap))
        else:
            self._out.write(tap_as_line(tap, with_verdict=not self._gate_speaks))

    def notice(self, notice: Notice) -> None:
        """What happened besides."""
        self.observers.notice(notice)
        if self._arguments.json:
            self._out.write_json(notice_as_mapping(notice))
        else:
            self._out.write(notice_as_line(notice))

    def stopped(self, summary: Summary) -> None:
        """The last line."""
        ended = {
            "event": "stopped",
            "taps": summary.taps,
            "recorded": summary.recorded,
            "reversed": summary.reversed,
            "acknowledged": summary.acknowledged,
            "pending": summary.pending,
        }
        self._say(ended, _stopped_line(summary))

    def _say(self, mapping: dict[str, Any], line: str) -> None:
        if self._arguments.json:
            self._out.write_json(mapping)
        else:
            self._out.write(line)


def _started_line(begun: dict[str, Any]) -> str:
    lines = [
        say(
            Text(
                "device {device}, next record #{resumed_at}, {pending} waiting for upload, reader {reader}",
                "设备 {device}，下一条记录 #{resumed_at}，待上传 {pending} 条，读码器 {reader}",
            )
        ).format(**begun)
    ]
    if begun["environment"] == "test":
        lines.append(
            say(Text("  * test parameters: real fares must not be taken with them", "  * 测试参数：不得用于实际收费"))
        )
    if begun["deny_list_version"] is not None:
        version, issued = begun["deny_list_version"], when(begun["deny_list_issued_at"])
        lines.append(
            say(Text(f"  deny-list version {version}, drawn up {issued}", f"  黑名单版本 {version}，制作于 {issued}"))
        )
    if begun["collector_encrypted"] is False:
        lines.append(
            say(Text("  * trips go to the collector unencrypted: use https", "  * 行程以明文上传，请使用 https"))
        )
    if not begun["clock_trusted"]:
        lines.append(
            say(
                Text(
                    "  * the clock is before the software's date or the newest record: every good code will be refused."
                    " Set the clock, or say --trust-clock if you know it is right",
                    "  * 系统时钟早于软件日期或最新记录：有效的码也会被拒绝。请校准时钟；确认无误可加 --trust-clock",
                )
            )
        )
    return "\n".join(lines)


def _stopped_line(summary: Summary) -> str:
    return say(
        Text(
            f"stopped: {summary.taps} taps, {summary.recorded} recorded, {summary.reversed} reversed, acknowledged up"
            f" to #{summary.acknowledged}, {summary.pending} waiting",
            f"已停止：刷码 {summary.taps} 次，记录 {summary.recorded} 条，"
            f"冲正 {summary.reversed} 次，已确认至 #{summary.acknowledged}，待上传 {summary.pending} 条",
        )
    )
