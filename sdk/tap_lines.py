"""What a running device says: one line a tap for people, in both languages, or one JSON object a line for programs.

Accounts are masked in both; what came from outside is escaped. A reader of our output that went away ends the run,
cleanly; one that does not read holds up nothing (see validator.guarding.lines).
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

from yima.sdk.line_words import line_words
from yima.validator.guarding.lines import LineWriter, lost_as_json, lost_as_line, shared_writer
from yima.validator.happenings import Happening, Notice, Tap
from yima.validator.judging import Direction, Vouched
from yima.validator.judging.loop import GateAnswer
from yima.validator.packages import Label, when
from yima.validator.shown import shown
from yima.validator.texts import Text, say

WHY_MAX = 200  # characters of a collector's reason that a line has room for

HAPPENINGS = {
    Happening.READER_LOST: Text("the reader is gone, it is tried again", "读码器丢失，正在重试"),
    Happening.READER_SILENT: Text("the reader is silent: nothing has come", "读码器没有数据"),
    Happening.READER_BACK: Text("the reader is back", "读码器已恢复"),
    Happening.JOURNAL_TROUBLE: Text("nothing can be recorded, the gate stays shut", "无法记录，闸门不开"),
    Happening.JOURNAL_BACK: Text("the journal records again", "日志已恢复记录"),
    Happening.JOURNAL_ROOM_TROUBLE: Text("the journal will have no room for records soon", "日志空间即将用尽"),
    Happening.JOURNAL_ROOM_BACK: Text("the journal has room again", "日志空间已恢复"),
    Happening.OLDER_JOURNAL_SENT: Text("the collector has all of the older journal", "旧版日志已全部上传"),
    Happening.REVERSED: Text("the gate did not open: the ride is reversed", "闸门未开，本次行程已冲正"),
    Happening.PASSAGE: Text("what became of the rider", "乘客通行结果"),
    Happening.CLOCK: Text("the clock", "系统时钟"),
    Happening.SERVICE: Text("service", "服务状态"),
    Happening.GATE_TROUBLE: Text("the gate did not take the command", "闸机未接受指令"),
    Happening.UPLOAD_TROUBLE: Text("no upload for now", "暂时无法上传"),
    Happening.UPLOAD_BACK: Text("uploads work again", "上传已恢复"),
    Happening.ACKNOWLEDGED: Text("acknowledged", "已确认"),
    Happening.QUARANTINED: Text("the collector refused records, they are in quarantine", "采集端拒收的记录已隔离"),
    Happening.PARAMETERS_CHANGED: Text("other parameters are in force", "已启用新参数"),
    Happening.PARAMETERS_UNCHANGED: Text(
        "looked again: no other parameters to bring into force", "已重新读取：没有可启用的新参数"
    ),
    Happening.PARAMETERS_TROUBLE: Text("parameters", "参数"),
    Happening.DENY_LIST_CHANGED: Text("another deny-list is in force", "已启用新黑名单"),
    Happening.DENY_LIST_UNCHANGED: Text(
        "looked again: no other deny-list to bring into force", "已重新读取：没有可启用的新黑名单"
    ),
    Happening.DENY_LIST_TROUBLE: Text("deny-list", "黑名单"),
    Happening.RESOLVER_TROUBLE: Text("codes that only their issuer can verify", "联网核验"),
    Happening.USES_TROUBLE: Text("codes used at other gates are not heard of", "收不到其他闸机的已用码"),
    Happening.USES_BACK: Text("codes used at other gates are heard of again", "已恢复接收其他闸机的已用码"),
    Happening.METRICS_TROUBLE: Text("metrics are not answered", "指标服务不可用"),
    Happening.CONSOLE_TROUBLE: Text("the console is not answered", "实时页面不可用"),
    Happening.PLACE: Text("the bus is at", "车辆位置"),
    Happening.PLACE_UNKNOWN: Text("no fare is known where the bus is", "车辆当前位置没有票价"),
    Happening.PLACE_TROUBLE: Text("nobody says where the bus is", "无法获知车辆位置"),
    Happening.PLACE_BACK: Text("it is said again where the bus is", "车辆位置信息已恢复"),
    Happening.CLOCK_TROUBLE: Text("the clock fails, no code can be accepted", "时钟故障，无法受理"),
}


def tap_as_mapping(tap: Tap) -> dict[str, Any]:
    """A tap as JSON has it: times in the unit their name says, money in fen, the account masked."""
    verdict = tap.verdict
    return {
        "event": "tap",
        "seq": tap.key.sequence if tap.key else None,
        "device": tap.key.device if tap.key else None,
        "epoch": tap.key.epoch if tap.key else None,
        "at": tap.at,
        "time_trusted": tap.time_trusted,
        "accepted": verdict.accepted,
        "reason": verdict.reason.name,
        "reason_number": int(verdict.reason),
        "case": verdict.case,
        "english": verdict.reason.english,
        "chinese": verdict.reason.chinese,
        "family": verdict.family,
        "stages": {stage.name.lower(): str(result) for stage, result in verdict.stages.items()},
        "account_masked": verdict.account_masked,
        "fare_fen": verdict.fare_fen,
        "rule": verdict.rule,
        "vouched": verdict.vouched.name.lower(),
        "again": verdict.again,
        "was_accepted": verdict.was_accepted,
        "gate": tap.gate.name.lower() if tap.gate else None,
        "payload_length": tap.payload_length,
        "read_ms": round(tap.read_ms, 3),
        "judge_us": round(tap.judge_us, 1),
        "asked_ms": round(tap.asked_ms, 3),
        "journal_ms": round(tap.journal_ms, 3),
        "gate_ms": round(tap.gate_ms, 3),
        "total_ms": round(tap.total_ms, 3),
        "faults": list(tap.faults),
        "trouble": str(tap.trouble) if tap.trouble else None,
    }


def tap_as_line(tap: Tap, *, with_verdict: bool) -> str:
    """A tap for people; without the verdict where the gate has just said it on the same console."""
    verdict = tap.verdict
    words = [f"  #{tap.key.sequence}" if tap.key else "  --"]
    if with_verdict:
        mark = "again 重示" if verdict.again else "open 开闸" if verdict.accepted else "refuse 拒绝"
        words.append(f"{mark}: {verdict.reason.english} {verdict.reason.chinese}")
        if verdict.case:
            words.append(f"case 用例 {verdict.case}")
        if verdict.accepted:
            words.append(f"{verdict.fare_fen / 100:.2f} yuan 元")
    if verdict.account_masked and (with_verdict or not verdict.accepted):
        words.append(f"account 账户 {verdict.account_masked}")
    if verdict.vouched is Vouched.NOBODY:
        words.append("AT RISK, its issuer cannot be reached 信用乘车，未能核验")
    words.append(f"{tap.payload_length} bytes 字节")
    words.append(
        f"read 读 {tap.read_ms:.1f} · judge 判 {tap.judge_us / 1000:.2f} · journal 记 {tap.journal_ms:.1f}"
        f" · gate 闸 {tap.gate_ms:.1f} · total 共 {tap.total_ms:.1f} ms"
    )
    words += [f"! {line_words(fault)}" for fault in tap.faults]
    return shown("  ".join(words))


def notice_as_mapping(notice: Notice) -> dict[str, Any]:
    """A notice as JSON has it."""
    found: dict[str, Any] = {"event": str(notice.happening)}
    if notice.error is not None:
        found |= {"thing": notice.error.thing, "problem": notice.error.problem.en, "remedy": notice.error.remedy.en}
        found |= {"problem_zh": notice.error.problem.zh, "remedy_zh": notice.error.remedy.zh}
    if notice.through is not None:
        found["acknowledged"] = notice.through
    if notice.version is not None:
        of = "deny_list" if notice.happening is Happening.DENY_LIST_CHANGED else "parameters"
        found[f"{of}_version"] = notice.version
    if notice.waiting:
        found["parameters_waiting"] = waiting_as_json(notice.waiting)
    if notice.happening is Happening.SERVICE:
        found["reason"] = notice.reason.name if notice.reason else None
    if notice.moment is not None:
        found |= {"at": notice.moment.unix_s, "trusted": notice.moment.trusted, "expected": notice.expected}
    if (place := notice.place) is not None:
        found |= {"line": place.line, "station": place.station, "direction": str(place.direction)}
    if notice.tap is not None and notice.gate is not None:
        found |= {"seq": notice.tap, "gate": notice.gate.name.lower()}
    if notice.rejected:
        found["rejected"] = {str(sequence): why for sequence, why in notice.rejected.items()}
    return found


def notice_as_line(notice: Notice) -> str:
    """A notice for people."""
    line = f"  * {say(HAPPENINGS[notice.happening])}"
    if notice.error is not None:
        line += f" - {notice.error}"
    line += _details(notice)
    if notice.rejected:
        line += ": " + "; ".join(f"#{sequence} {shown(why, WHY_MAX)}" for sequence, why in notice.rejected.items())
    elif notice.through is not None:
        line += f": #{notice.through}"
    elif notice.version is not None:
        line += say(Text(f": version {notice.version}", f"：版本 {notice.version}"))
    return "\n".join([line, *waiting_as_lines(notice.waiting)])


def waiting_as_json(waiting: Sequence[Label]) -> list[dict[str, Any]]:
    """Parameters that wait for their time, as JSON has them; times are unix seconds."""
    return [{"version": one.version, "not_before": one.not_before} for one in waiting]


def waiting_as_lines(waiting: Sequence[Label]) -> list[str]:
    """The same for people, a line each."""
    return [
        say(
            Text(
                f"  parameters of version {one.version} wait, in force from {when(one.not_before)}",
                f"  参数版本 {one.version} 等待生效，自 {when(one.not_before)} 起",
            )
        )
        for one in waiting
    ]


def _details(notice: Notice) -> str:
    """What a notice says of the ride, the clock or the service."""
    if notice.tap is not None and notice.gate is not None:
        return f": #{notice.tap} {say(_GATE[notice.gate])}"
    if notice.moment is not None:
        known = Text("trusted", "可信") if notice.moment.trusted else Text("not trusted", "不可信")
        return f": {notice.moment.unix_s}, {say(known)} ({say(Text('expected', '应为'))} {notice.expected})"
    if (place := notice.place) is not None:
        way = "" if place.direction is Direction.NONE else f" {place.direction}"
        return say(Text(f": line {place.line} stop {place.station}", f"：线路 {place.line} 站 {place.station}")) + way
    if notice.happening is Happening.SERVICE:
        return f": {notice.reason.english} {notice.reason.chinese}" if notice.reason else say(Text(": open", "：正常"))
    return ""


_GATE = {
    GateAnswer.OPENED: Text("it opened", "已开闸"),
    GateAnswer.PASSED: Text("passed", "已通过"),
    GateAnswer.NOT_PASSED: Text("did not pass", "未通过"),
    GateAnswer.FAILED: Text("it did not open", "未开闸"),
    GateAnswer.UNKNOWN: Text("it did not answer", "无应答"),
}


def standard_output(on_broken: Callable[[], None], *, as_json: bool) -> LineWriter:
    """The writer on the process's standard output, which a console gate shares."""
    out = shared_writer(sys.stdout)
    out.on_broken = on_broken
    out.lost = lost_as_json if as_json else lost_as_line
    return out
