"""What the demonstration shows on the console: taps as they come, the network's state, and the closing tables.

Rules it keeps:
- It is readable without a terminal: no cursor movement where there is none, a fixed width in a log.
- A reason is always shown in both languages; the rest speaks the language of the process.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import unescape
from pathlib import Path

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled

from yima.hwsim.bus import yuan
from yima.hwsim.demo.accounts import Account, Tap
from yima.hwsim.demo.clearing import Cleared
from yima.hwsim.demo.outcomes import Outcome, fares_by_rule
from yima.hwsim.demo.report import MODES, latencies
from yima.hwsim.latency import STEPS, spread
from yima.validator.judging import Reason
from yima.validator.parameters import Mode
from yima.validator.texts import Text, say

_LOG_WIDTH = 148
_NARROW = 128  # below this, what is shown is left out: who and why matter more
_TITLE = Text("Yima 一码: a tap, from the phone's screen to the collector", "Yima 一码：一次刷码，从手机屏幕到采集端")
_SHOWS = Text("shows", "出示")
_VERDICT = Text("verdict", "判定")
_COLUMNS = (
    # heading, width (the verdict has what is left), right-aligned
    (Text("#", "#"), 3, True),
    (Text("gate", "闸机"), 5, False),
    (Text("who", "乘客"), 21, False),
    (_SHOWS, 26, False),
    (_VERDICT, 0, False),
    (Text("fare", "票价"), 6, True),
    (Text("read", "读码"), 5, True),
    (Text("judge", "判定"), 5, True),
    (Text("journal", "落盘"), 7, True),
    (Text("gate ms", "闸机 ms"), 7, True),
)


_PIECE = re.compile(r'(?<=textLength=")([\d.]+)("[^>]*>)([^<]*)(?=</text>)')


def in_its_width(picture: str) -> str:
    """A rich SVG with room for Chinese: rich counts a character as one cell, whatever it takes."""

    def widened(found: re.Match[str]) -> str:
        text = unescape(found[3])
        width = float(found[1]) / max(len(text), 1) * cell_len(text)
        return f"{round(width, 1):g}{found[2]}{found[3]}"

    return _PIECE.sub(widened, picture)


class Screen:
    """Writes to a rich Console."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @classmethod
    def standard(cls, *, record: bool) -> "Screen":
        """On standard output. record: keeps what is shown for `save`."""
        console = Console(record=record, highlight=False)
        if record or not console.is_terminal:
            console.width = _LOG_WIDTH
        return cls(console)

    def title(self, taps: int, seed: int) -> None:
        """The first lines."""
        self._console.rule(Styled(say(_TITLE), style="bold"))
        self._say(
            Text(f"{taps} taps, seed {seed}, synthetic riders", f"{taps} 次刷码，随机种子 {seed}，虚构乘客"),
            style="dim",
        )

    def started(self, what: Text, where: str) -> None:
        """A process is ready."""
        self._console.print(Styled.assemble(("● ", "green"), say(what), "  ", (where, "dim")))

    def headings(self) -> None:
        """The headings of the taps' columns."""
        self._console.print()
        self._row([Styled(say(heading), style="bold") for heading, *_ in _COLUMNS])

    def tap(self, outcome: Outcome) -> None:
        """One tap, at once."""
        shown, tap = outcome.presentation, outcome.tap
        who = f"{shown.person.name.en} {shown.person.name.zh} · {say(shown.person.city.name)}"
        self._row(
            [
                Styled(str(shown.number), style="dim"),
                Styled(say(MODES[shown.mode])),
                Styled(who),
                Styled(say(shown.story), style="dim"),
                _verdict(tap),
                _fare(tap),
                *_times(tap),
            ]
        )
        if outcome.difference is not None:
            self._console.print(Styled(f"    ✗ {say(outcome.difference)}", style="bold red"))

    def network(self, *, up: bool, waiting: int) -> None:
        """The network was cut or restored. waiting: records not yet acknowledged."""
        if up:
            said = Text(f"network restored, {waiting} records wait", f"网络恢复，待上传 {waiting} 条")
        else:
            said = Text("network cut: gates go on, records wait", "网络中断：闸机照常工作，记录暂存")
        self._console.rule(Styled(say(said), style="bold yellow" if not up else "bold green"), style="dim")

    @contextmanager
    def waiting(self, what: Text) -> Iterator[None]:
        """Says what is waited for; a spinner on a terminal."""
        self._say(what, style="dim")
        if self._console.is_terminal and not self._console.record:
            with self._console.status(say(what)):
                yield
        else:
            yield

    def summary(
        self,
        outcomes: Sequence[Outcome],
        accounts: Sequence[Account],
        differences: Sequence[Text],
        *,
        seconds: float,
        carried: Mapping[str, int],
    ) -> None:
        """The closing tables and the result."""
        self._console.print()
        self._console.print(_reasons(outcomes))
        self._console.print(_rules(outcomes))
        self._console.print(_records(accounts))
        self._console.print(_latencies(outcomes))
        self._say(
            Text(
                f"network: {carried['up']} bytes up, {carried['down']} down, {carried['connections']} connections;"
                f" {seconds:.1f} s in all",
                f"网络：上行 {carried['up']} 字节，下行 {carried['down']} 字节，{carried['connections']} 个连接；"
                f"共 {seconds:.1f} 秒",
            ),
            style="dim",
        )
        for difference in differences:
            self._say(Text(f"✗ {difference.en}", f"✗ {difference.zh}"), style="bold red")
        if not differences:
            self._say(
                Text(
                    "✓ every tap accounted for: judged as expected, recorded, uploaded, acknowledged, chain unbroken",
                    "✓ 账目相符：判定正确，全部记录、上传并确认，哈希链完整",
                ),
                style="bold green",
            )

    def board(self, said: Text, *, measured: bool) -> None:
        """What a tap costs on the gate controller, or why it was not measured."""
        what = Text("gate controller", "闸机控制器")
        self._console.print(
            Styled.assemble(("● ", "green" if measured else "yellow"), say(what), "  ", (say(said), "dim"))
        )

    def cleared(self, cleared: Cleared) -> None:
        """Who owes whom, or why nobody knows."""
        for table in cleared.tables:
            self._console.print(table)
        what = Text("clearing", "清分")
        self._console.print(
            Styled.assemble(("● ", "green" if cleared.done else "yellow"), say(what), "  ", (say(cleared.said), "dim"))
        )
        for difference in cleared.differences:
            self._say(Text(f"✗ {difference.en}", f"✗ {difference.zh}"), style="bold red")

    def wrote(self, path: Path) -> None:
        """A file was written."""
        self._say(Text(f"report: {path}", f"报告：{path}"))

    def kept(self, directory: Path) -> None:
        """The stores were kept."""
        self._say(Text(f"journals and store kept: {directory}", f"日志与存储保留于：{directory}"))

    def save(self, path: Path) -> None:
        """Writes what was shown as an SVG. Raises OSError."""
        path.write_text(in_its_width(self._console.export_svg(title="yima demo")), encoding="utf-8")

    def _row(self, cells: Sequence[Styled]) -> None:
        row = Table.grid(padding=(0, 1), expand=True)
        kept = []
        for (heading, width, right), cell in zip(_COLUMNS, cells, strict=True):
            if heading is _SHOWS and self._console.width < _NARROW:
                continue
            row.add_column(width=width or None, ratio=None if width else 1, justify="right" if right else "left")
            kept.append(cell)
        row.add_row(*kept)
        self._console.print(row)

    def _say(self, text: Text, style: str = "") -> None:
        self._console.print(Styled(say(text), style=style))


def _verdict(tap: Tap | None) -> Styled:
    if tap is None:
        return Styled(f"✗ {say(Text('no answer', '无应答'))}", style="bold red")
    style = "green" if tap.reason is Reason.ACCEPTED else "red"
    mark = "✓" if tap.reason is Reason.ACCEPTED else "✗"
    if tap.again:
        mark, style = "=", "yellow"
    said = Styled.assemble((f"{mark} ", f"bold {style}"), (f"{tap.reason.english} {tap.reason.chinese}", style))
    return said.append(f"  {tap.rule}", "dim") if tap.rule else said


def _fare(tap: Tap | None) -> Styled:
    return Styled(yuan(tap.fare_fen), style="bold") if tap is not None and tap.rule else Styled("")


def _times(tap: Tap | None) -> list[Styled]:
    if tap is None:
        return [Styled("")] * 4
    times = tap.times_ms
    written = [f"{times['read']:.1f}", f"{times['judge']:.2f}", f"{times['journal']:.1f}", f"{times['gate']:.1f}"]
    return [Styled(value, style="cyan") for value in written]


def _reasons(outcomes: Sequence[Outcome]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=say(Text("Verdicts by reason", "判定结果")), title_justify="left")
    table.add_column(say(Text("reason", "原因")))
    table.add_column(say(Text("lab case", "检测编号")), justify="right")
    table.add_column(say(Text("taps", "次数")), justify="right")
    told = [outcome.tap for outcome in outcomes if outcome.tap is not None]
    counted = Counter(tap.reason for tap in told if not tap.again)
    for reason, count in sorted(counted.items(), key=lambda item: (-item[1], item[0])):
        style = "green" if reason is Reason.ACCEPTED else ""
        table.add_row(f"{reason.english} {reason.chinese}", str(reason.case or "–"), str(count), style=style)
    again = sum(tap.again for tap in told)
    table.add_row(
        say(Text("the same presentation, shown again", "同一次出示，重示结果")), "–", str(again), style="yellow"
    )
    silent = len(outcomes) - len(told)
    if silent:
        table.add_row(say(Text("no answer", "无应答")), "–", str(silent), style="bold red")
    return table


def _rules(outcomes: Sequence[Outcome]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=say(Text("Fares by rule", "票价规则")), title_justify="left")
    table.add_column(say(Text("rules that set the fare", "决定票价的规则")))
    for heading in (Text("rides", "次数"), Text("least", "最低"), Text("most", "最高"), Text("in all", "合计")):
        table.add_column(say(heading), justify="right")
    for rule, fares in fares_by_rule(outcomes).items():
        table.add_row(rule, str(len(fares)), *(yuan(fen) for fen in (min(fares), max(fares), sum(fares))))
    return table


def _records(accounts: Sequence[Account]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=say(Text("Records", "行程记录")), title_justify="left")
    table.add_column(say(Text("device", "设备")))
    headings = (
        Text("readings", "读码"),
        Text("shown again", "重示"),
        Text("entries made", "记录"),
        Text("uploaded", "上传"),
        Text("acknowledged", "确认"),
        Text("reversed", "冲正"),
        Text("fares", "票款"),
    )
    for heading in headings:
        table.add_column(say(heading), justify="right")
    rows = [
        (one.taps, one.again, one.recorded, one.uploaded, one.acknowledged, one.reversed, one.fares_fen)
        for one in accounts
    ]
    for one, (*numbers, fares_fen) in zip(accounts, rows, strict=True):
        table.add_row(one.device, *map(str, numbers), yuan(fares_fen))
    *numbers, fares_fen = (sum(column) for column in zip(*rows, strict=True))
    table.add_row(say(Text("all", "合计")), *map(str, numbers), yuan(fares_fen), style="bold")
    return table


def _latencies(outcomes: Sequence[Outcome]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=say(Text("Latency, ms", "延迟 (ms)")), title_justify="left")
    table.add_column(say(Text("step", "步骤")))
    for mode in Mode:
        for percentile in ("p50", "p99"):
            table.add_column(f"{say(MODES[mode])} {percentile}", justify="right")
    times = {mode: latencies(outcomes, mode) for mode in Mode}
    for step, name in STEPS.items():
        cells = []
        for mode in Mode:
            found = spread(times[mode][step])
            cells += [f"{found.p50:.2f}", f"{found.p99:.2f}"] if found.size else ["–", "–"]
        table.add_row(say(name), *cells)
    return table
