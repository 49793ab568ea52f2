"""What a tap costs on the board, for people: a table and a chart as a section of a report, in both languages.

Rules it keeps:
- The chart has no legend to hunt for: each bar stands in the row of its name and carries its value; both kinds of tap
  are drawn to one scale. Its colours differ for every kind of sight.
- Milliseconds are a model, one instruction a cycle at a rate that is named, and said to be one.
"""

from html import escape

from yima.hwsim.board.costs import PARTS, Part, Tap
from yima.hwsim.board.measurement import RATES_MHZ, Measured, model_ms
from yima.sdk.page import both, page, table
from yima.validator.texts import Text

TITLE = Text("What a tap costs on the gate controller", "闸机控制器上一次刷码的开销")
_NEW = Text("new issuer", "新机构")
_KNOWN = Text("known issuer", "已知机构")
_KINDS = (
    (Text("new issuer: its first code", "新机构：首码"), "#0072b2"),
    (Text("known issuer: a later code", "已知机构：后续码"), "#d55e00"),
)
_INTRODUCTION = Text(
    "The bus validator's firmware, built for a Cortex-M7 and run on the emulated board: instructions of one accepted "
    "tap, from the scanner's bytes to gate, record and status line, counted one by one. The first code of an issuer "
    "needs its certificate checked; an issuer seen before is remembered, and gets a table that makes its signatures "
    "cheaper.",
    "公交验票机固件，为 Cortex-M7 编译并在仿真板上运行：一次放行的刷码，从扫码字节到开闸、记录和状态行，逐条统计指令。"
    "机构首码需验证证书；见过的机构会被记住，并建表以加快验签。",
)
_MODEL = Text(
    "Milliseconds are a model: one instruction a cycle at the rate named; no caches, no wait states, no time for flash "
    "operations, no line.",
    "毫秒数为模型：按所列主频每周期一条指令计，不含缓存、等待周期、闪存操作与线路时间。",
)
_WIDTH, _LABELS, _PANEL = 900, 282, 309  # of the chart, of the column of names, of each kind of tap
_HEAD, _ROW, _BAR = 58, 34, 16
_LONGEST = 190  # the longest bar; what is left of the panel is for its value
_INK, _FAINT = "#1c2733", "#5a6772"


def section(measured: Measured) -> str:
    """The chart and the tables as HTML, without a heading."""
    caption = Text("Instructions by part", "各部分指令数")
    figure = f"<figure>{chart(measured)}<figcaption>{both(_MODEL)}</figcaption></figure>"
    return "\n".join(
        [f"<p>{both(_INTRODUCTION)}</p>", figure, _parts(measured, caption), _model(measured), _image(measured)]
    )


def whole_page(measured: Measured) -> str:
    """The section as a document of its own."""
    return page(TITLE, [section(measured)])


def chart(measured: Measured) -> str:
    """The parts of both kinds of tap as an SVG element, which is a file of its own too."""
    taps = _taps(measured)
    parts = [part for part in PARTS if part.of_tap]
    most = max(max(tap.parts[part.name] for part in parts) for tap in taps) or 1
    height = _HEAD + _ROW * len(parts) + 4
    told = Text(
        f"instructions by part: {' and '.join(title.en for title, _ in _KINDS)}",
        f"各部分指令数：{'、'.join(title.zh for title, _ in _KINDS)}",
    )
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
        f' font-family="system-ui, sans-serif" font-size="13" role="img">',
        f"<title>{escape(told.en)} {escape(told.zh)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for row, part in enumerate(parts):
        lines += _name(part, _HEAD + row * _ROW)
    for panel, (tap, (title, colour)) in enumerate(zip(taps, _KINDS, strict=True)):
        left = _LABELS + panel * _PANEL
        lines += _panel_head(tap, title, left)
        for row, part in enumerate(parts):
            value = tap.parts[part.name]
            lines += _bar(left, _HEAD + row * _ROW, _LONGEST * value / most, colour, _told(value, tap.instructions))
        lines.append(f'<path d="M{left} {_HEAD - 6}V{height - 4}" stroke="{_FAINT}" stroke-width="1"/>')
    return "\n".join([*lines, "</svg>"])


def brief(instructions: int) -> str:
    """A count in three digits or so: 1.64 M, 43 k, 505."""
    if instructions >= 1_000_000:
        return f"{instructions / 1e6:.2f} M"
    return f"{instructions / 1e3:.0f} k" if instructions >= 10_000 else f"{instructions:,}"


def _taps(measured: Measured) -> tuple[Tap, Tap]:
    return measured.costs.new_issuer, measured.costs.known_issuer


def _share(value: int, whole: int) -> str:
    percent = 100 * value / whole
    return f"{percent:.1f} %" if percent >= 0.05 else "< 0.1 %"


def _told(value: int, whole: int) -> str:
    return f"{brief(value)} · {_share(value, whole)}"


def _name(part: Part, top: float) -> list[str]:
    right = _LABELS - 10
    return [
        f'<text x="{right}" y="{top + 12}" fill="{_INK}" text-anchor="end">{escape(part.text.en)}</text>',
        f'<text x="{right}" y="{top + 26}" fill="{_FAINT}" text-anchor="end" font-size="11" lang="zh">'
        f"{escape(part.text.zh)}</text>",
    ]


def _panel_head(tap: Tap, title: Text, left: int) -> list[str]:
    mhz = RATES_MHZ[-1]
    whole = f"{brief(tap.instructions)} · {model_ms(tap.instructions, mhz):.1f} ms @ {mhz} MHz (model 模型)"
    return [
        f'<text x="{left}" y="18" fill="{_INK}" font-weight="600">{escape(title.en)} '
        f'<tspan lang="zh">{escape(title.zh)}</tspan></text>',
        f'<text x="{left}" y="38" fill="{_INK}">{whole}</text>',
    ]


def _bar(left: int, top: int, width: float, colour: str, told: str) -> list[str]:
    return [
        f'<rect x="{left}" y="{top + 4}" width="{max(width, 1):.1f}" height="{_BAR}" fill="{colour}"/>',
        f'<text x="{left + max(width, 1) + 6:.1f}" y="{top + 17}" fill="{_INK}" font-size="12">{escape(told)}</text>',
    ]


def _parts(measured: Measured, caption: Text) -> str:
    taps = _taps(measured)
    rows, kinds = [], []
    for part in (part for part in PARTS if part.of_tap):
        counts = [(tap.parts[part.name], tap.instructions) for tap in taps]
        cells = ((f"{count:,}", escape(_share(count, whole))) for count, whole in counts)
        rows.append((both(part.text), *(cell for pair in cells for cell in pair)))
        kinds.append("")
    rows.append(
        (both(Text("the tap", "一次刷码合计")), *(cell for tap in taps for cell in (f"{tap.instructions:,}", "100 %")))
    )
    kinds.append("total")
    for part in (part for part in PARTS if not part.of_tap):
        name = Text(f"not the tap's: {part.text.en}", f"不计入：{part.text.zh}")
        rows.append((both(name), *(cell for tap in taps for cell in (f"{tap.parts[part.name]:,}", "–"))))
        kinds.append("aside")
    share = both(Text("share", "占比"))
    heads = (both(Text("part", "部分")), both(_NEW), share, both(_KNOWN), share)
    return table(both(caption), heads, rows, (1, 2, 3, 4), kinds)


def _model(measured: Measured) -> str:
    counts = [count for tap in _taps(measured) for count in (tap.to_gate, tap.instructions)]
    rows = [(both(Text("instructions", "指令数")), *(f"{count:,}" for count in counts))]
    rows += [(f"{mhz} MHz", *(f"{model_ms(count, mhz):.2f} ms" for count in counts)) for mhz in RATES_MHZ]
    to_gate, tap = Text("last byte to gate", "末字节到开闸"), Text("whole tap", "整次刷码")
    columns = [
        Text(f"{kind.en}, {what.en}", f"{kind.zh}，{what.zh}") for kind in (_NEW, _KNOWN) for what in (to_gate, tap)
    ]
    heads = (both(Text("clock rate", "主频")), *map(both, columns))
    caption = Text("Model: milliseconds at one instruction a cycle", "模型：每周期一条指令时的毫秒数")
    return table(both(caption), heads, rows, (1, 2, 3, 4))


def _image(measured: Measured) -> str:
    flash, ram, boot = f"{measured.flash_bytes:,}", f"{measured.ram_bytes:,}", f"{measured.costs.boot:,}"
    operations = measured.costs.known_issuer.flash_operations
    said = Text(
        f"Image: {flash} bytes of flash, {ram} bytes of RAM with its stack; {boot} instructions from reset to ready; "
        f"{operations} flash operations a tap.",
        f"固件：闪存 {flash} 字节，内存（含栈）{ram} 字节；复位到就绪 {boot} 条指令；"
        f"每次刷码 {operations} 次闪存操作。",
    )
    return f"<p>{both(said)}</p>"
