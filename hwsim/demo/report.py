"""The demonstration's report: one HTML file with its table and plot inside, in both languages.

It needs nothing but itself: no script, no font, no picture, no network. Names and reasons are escaped.
"""

import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from yima.hwsim.bus import yuan
from yima.hwsim.demo.accounts import Account
from yima.hwsim.demo.outcomes import Outcome, fares_by_rule
from yima.hwsim.latency import STEPS, spread
from yima.sdk.page import both, check_place, heading, page, table
from yima.validator.errors import YimaError
from yima.validator.judging import Reason
from yima.validator.parameters import Mode
from yima.validator.remedies import missing_module
from yima.validator.texts import Text

_COLOURS = {Mode.BUS: "#1f6feb", Mode.METRO: "#d9822b"}
MODES = {Mode.BUS: Text("bus", "公交"), Mode.METRO: Text("metro", "地铁")}


def check_report(path: Path) -> None:
    """Whether a report could be written there, before anything runs for it. Raises YimaError."""
    _drawing()
    check_place(path, Text("Choose another directory with --out", "请用 --out 另选目录"))


def write_report(
    path: Path,
    *,
    title: Text,
    outcomes: Sequence[Outcome],
    accounts: Sequence[Account],
    differences: Sequence[Text],
    board: str = "",
    clearing: str = "",
) -> None:
    """Writes the report; `check_report` says beforehand whether that can be done. board: the section about the gate
    controller, HTML, of yima.hwsim.demo.tap_on_board. clearing: the one about money, of yima.hwsim.demo.clearing.
    Raises YimaError, OSError."""
    parts = [
        _result(differences),
        heading(Text("Verdicts by reason", "判定结果")),
        _reasons(outcomes),
        heading(Text("Fares by rule", "票价规则")),
        _fares(outcomes),
        heading(Text("Records", "行程记录")),
        _accounts(accounts),
        heading(Text("Latency by step", "各步延迟")),
        f"<figure>{latency_svg(outcomes)}<figcaption>Each dot is one tap; bars mark median and 99th percentile. "
        "On a serial line, what is no ministry code ends by silence, so it takes longer. "
        "每点为一次刷码；短线为中位数与 99 分位。串口上的非部标码靠静默判断结尾，因此较慢。</figcaption></figure>",
        _latencies(outcomes),
        board,
        clearing,
        heading(Text("Every tap", "全部刷码")),
        _taps(outcomes),
    ]
    path.write_text(page(title, parts), encoding="utf-8")


def latencies(outcomes: Iterable[Outcome], mode: Mode) -> Mapping[str, list[float]]:
    """Milliseconds by step, of that mode's answers."""
    times: dict[str, list[float]] = {step: [] for step in STEPS}
    for outcome in outcomes:
        if outcome.presentation.mode is mode and outcome.tap is not None and not outcome.tap.again:
            for step, value in outcome.tap.times_ms.items():
                times[step].append(value)
    return times


def latency_svg(outcomes: Sequence[Outcome]) -> str:
    """The plot as an SVG element: milliseconds on a logarithmic axis, one row a step and mode."""
    figure_of, style = _drawing()
    figure = figure_of(figsize=(9, 4.2), layout="constrained")
    axes = figure.add_subplot()
    rows: list[str] = []
    for step in reversed(STEPS):
        for mode in reversed(Mode):
            values = [max(value, 0.001) for value in latencies(outcomes, mode)[step]]
            row = len(rows)
            rows.append(f"{STEPS[step].en}, {mode.value}")
            if not values:
                continue
            # A small regular stagger keeps dots of equal value apart.
            heights = [row + (index % 5 - 2) * 0.09 for index in range(len(values))]
            axes.scatter(values, heights, s=11, alpha=0.55, color=_COLOURS[mode], linewidths=0)
            found = spread(values)
            axes.plot([found.p50, found.p99], [row, row], color="#1c2733", linewidth=0, marker="|", markersize=15)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xlabel("milliseconds")
    axes.grid(axis="x", which="both", linewidth=0.4, alpha=0.5)
    axes.spines[["top", "right", "left"]].set_visible(False)
    drawn = io.StringIO()
    with style({"svg.fonttype": "none", "svg.hashsalt": "yima"}):
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    text = drawn.getvalue()
    return text[text.index("<svg") :]


def _drawing() -> tuple[Any, Any]:
    """matplotlib's Figure and rc_context. Raises YimaError when it is not installed."""
    try:
        from matplotlib import rc_context  # noqa: PLC0415  an optional extra, and slow to load
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise YimaError("report", *missing_module(missing)) from missing
    return Figure, rc_context


def _result(differences: Sequence[Text]) -> str:
    if not differences:
        return '<p class="yes">✓ Every tap is accounted for. 所有刷码均已入账。</p>'
    items = "".join(f"<li>{both(difference)}</li>" for difference in differences)
    return f'<p class="no">✗ Not everything is accounted for: 账目不符：</p><ul class="no">{items}</ul>'


def _reasons(outcomes: Sequence[Outcome]) -> str:
    counted: Counter[Reason] = Counter()
    again = 0
    for outcome in outcomes:
        if outcome.tap is not None:
            counted[outcome.tap.reason] += not outcome.tap.again
            again += outcome.tap.again
    rows = [
        (both(reason.text), str(reason.case or "–"), str(count))
        for reason, count in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        if count
    ]
    rows.append(("the same presentation, shown again 同一次出示", "–", str(again)))
    return table("", ("reason 原因", "lab case 检测编号", "taps 次数"), rows, (1, 2))


def _fares(outcomes: Sequence[Outcome]) -> str:
    rows = [
        (f"<code>{escape(rule)}</code>", str(len(fares)), *(yuan(fen) for fen in (min(fares), max(fares), sum(fares))))
        for rule, fares in fares_by_rule(outcomes).items()
    ]
    caption = "Rules are rows of the signed parameter package. 规则为签名参数包中的行。"
    return table(caption, ("rules 规则", "rides 次数", "least 最低", "most 最高", "in all 合计"), rows, (1, 2, 3, 4))


def _accounts(accounts: Sequence[Account]) -> str:
    counts = ("taps 刷码", "again 重复出示", "recorded 记录", "uploaded 上传", "acknowledged 确认", "reversed 冲正")
    heads = ("device 设备", *counts, "fares 票款")
    rows = [
        (
            escape(one.device),
            *(str(n) for n in (one.taps, one.again, one.recorded, one.uploaded, one.acknowledged, one.reversed)),
            yuan(one.fares_fen),
        )
        for one in accounts
    ]
    return table("", heads, rows, (1, 2, 3, 4, 5, 6, 7))


def _latencies(outcomes: Sequence[Outcome]) -> str:
    rows = []
    for mode in Mode:
        for step, values in latencies(outcomes, mode).items():
            found = spread(values)
            numbers = (f"{found.p50:.2f}", f"{found.p99:.2f}", f"{found.most:.2f}") if found.size else ("–",) * 3
            rows.append((both(MODES[mode]), both(STEPS[step]), str(found.size), *numbers))
    heads = ("gate 闸机", "step 步骤", "taps 次数", "p50 ms", "p99 ms", "max ms")
    return table("", heads, rows, (2, 3, 4, 5))


def _taps(outcomes: Sequence[Outcome]) -> str:
    rows = []
    for outcome in outcomes:
        shown = outcome.presentation
        tap = outcome.tap
        answer = both(tap.reason.text) if tap is not None else "no answer 无应答"
        mark = '<span class="yes">✓</span>' if outcome.accepted else '<span class="no">✗</span>'
        note = "" if outcome.as_expected else f'<br><b class="no">expected 应为 {both(shown.expects.text)}</b>'
        who = f"{both(shown.person.name)} · {both(shown.person.city.name)}"
        fare = yuan(tap.fare_fen) if tap is not None and tap.rule else ""
        rule = f"<br><code>{escape(tap.rule)}</code>" if tap is not None and tap.rule else ""
        gate = both(MODES[shown.mode])
        rows.append((str(shown.number), gate, who, both(shown.story), mark, answer + rule + note, fare))
    return table("", ("#", "gate 闸机", "who 乘客", "shows 出示", "", "answer 应答", "fare 票价"), rows, (0, 6))
