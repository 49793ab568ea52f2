"""What `yima collect` tells, as lines for people."""

from collections.abc import Callable, Mapping
from typing import Any

from yima.sdk.centre.fleet.beside import NOT_JUDGED
from yima.validator.shown import shown
from yima.validator.texts import Text, say

Event = Mapping[str, Any]


def line_of(event: Event) -> str:
    """One event of the collector."""
    return _LINES[event["event"]](event)


def _listening(event: Event) -> str:
    line = say(
        Text(f"listening on {event['url']}, store {event['store']}", f"监听 {event['url']}，存储 {event['store']}")
    )
    if event["open"]:
        line += "\n" + say(
            Text(
                "WARNING: --bench: any device is trusted on first use, and everyone may read",
                "警告：--bench：首次出现的设备均被信任，任何人可读取，仅限试验台使用",
            )
        )
    return line if event["judges"] else f"{line}\n  {say(NOT_JUDGED)}"


def _device(event: Event) -> str:
    return say(
        Text(
            f"NEW DEVICE {event['device']}, key {event['key']} ({event['how']})",
            f"新设备 {event['device']}，公钥 {event['key']}",
        )
    )


def _batch(event: Event) -> str:
    line = f"{event['device']}/{event['epoch']}: +{event['entries']} -> #{event['acknowledged']}"
    return line + "".join(f"\n  ! #{sequence}: {shown(why)}" for sequence, why in event["rejected"].items())


def _flagged(event: Event) -> str:
    return say(
        Text(
            f"CASE {event['case']}: {event['tap']}, {event['fare_fen']} fen: {shown(event['why'])}",
            f"案件 {event['case']}：{event['tap']}，{event['fare_fen']} 分：{shown(event['why'])}",
        )
    )


def _refused(event: Event) -> str:
    why = shown(event["why"])
    return say(Text(f"refused ({event['status']}): {why}", f"已拒绝（{event['status']}）：{why}"))


def _trouble(event: Event) -> str:
    return say(Text(f"TROUBLE: {shown(event['why'])}", f"故障：{shown(event['why'])}"))


def _broker(event: Event) -> str:
    return say(Text(f"listening at the broker {shown(event['url'])}", f"经消息代理接收：{shown(event['url'])}"))


def _stopped(_event: Event) -> str:
    return say(Text("stopped", "已停止"))


_LINES: dict[str, Callable[[Event], str]] = {
    "listening": _listening,
    "device": _device,
    "batch": _batch,
    "flagged": _flagged,
    "refused": _refused,
    "trouble": _trouble,
    "broker": _broker,
    "stopped": _stopped,
}
