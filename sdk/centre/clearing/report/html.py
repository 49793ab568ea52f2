"""A cleared day as one HTML file, in English and Chinese: who owes whom, subsidy by funder, differences by cause.

It needs nothing but itself (yima.sdk.page), and is the same bytes when it is made again.
"""

from collections.abc import Callable, Iterator, Sequence
from html import escape

from yima.sdk.centre.clearing.money.tables import CENTRE_PARTY, Booked, DecidedBy, Decision, PartyKind, Posted, Reason
from yima.sdk.centre.clearing.report.figures import REDUCED, DayFigures, Rows, faults
from yima.sdk.centre.clearing.report.words import word
from yima.sdk.centre.clearing.tables import Cause, Kind, Source, Verdict, Why
from yima.sdk.page import both, heading, page, table
from yima.validator.texts import Text


def yuan(fen: int) -> str:
    """¥-1.05, exactly, with its sign before the digits."""
    sign = "-" if fen < 0 else ""
    return f"{sign}¥{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def report_page(figures: DayFigures) -> str:
    """The whole document."""
    day = f"{figures.day // 10000}-{figures.day // 100 % 100:02d}-{figures.day % 100:02d}"
    return page(Text(f"Clearing of {day}", f"{day} 清分报告"), _parts(figures))


def _parts(figures: DayFigures) -> Iterator[str]:
    yield _result(figures)
    yield heading(Text("Who owes whom", "轧差"))
    yield net_section(figures)
    yield heading(Text("What for", "分录"))
    yield _posted(figures)
    yield heading(Text("By operator and issuer", "按收单方与发码方"))
    yield _pairs(figures)
    yield heading(Text("Subsidy by funder", "各出资方补贴"))
    yield _funders(figures)
    yield _reduced(figures)
    yield heading(Text("Fares: gate and centre", "票价差异"))
    yield _differences(figures)
    yield heading(Text("Rides and bookings", "行程与入账"))
    yield _rides(figures)
    yield _bookings(figures)
    yield heading(Text("Taps", "刷码"))
    yield _taps(figures)
    yield heading(Text("Disputes", "差错"))
    yield _disputes(figures)


def _result(figures: DayFigures) -> str:
    found = faults(figures)
    if found:
        items = "".join(f"<li>{both(fault)}</li>" for fault in found)
        return f'<p class="no">✗ The day is not in order: 当日账目不符：</p><ul class="no">{items}</ul>'
    posted = sum(row["moved_fen"] for row in figures.of["causes_of_postings"])
    text = Text(
        f"All postings sum to 0 fen; {yuan(posted)} changed hands. Funders pay what was taken off, to the fen.",
        f"分录合计为 0 分，共划转 {yuan(posted)}；补贴与优惠逐分相符。",
    )
    return f'<p class="yes">✓ {both(text)}</p>'


def net_section(figures: DayFigures, *, name: Callable[[str, str], Text] | None = None) -> str:
    """The table of who owes whom alone. name: what a party (kind, code) is called."""
    rows = [
        (
            both(name(row["party_kind"], row["party"])) if name else _party(row),
            yuan(row["due_in_fen"]),
            yuan(row["due_out_fen"]),
            yuan(row["net_fen"]),
        )
        for row in figures.of["net"]
    ]
    sums = [yuan(figures.total("net", name)) for name in ("due_in_fen", "due_out_fen", "net_fen")]
    heads = ("party 机构", "due in 应收", "due out 应付", "net 净额")
    return _table("Above 0: the party gets it; below: it pays. 正数为应收，负数为应付。", heads, rows, 1, total=sums)


def _posted(figures: DayFigures) -> str:
    rows = [
        (both(word(Posted, row["cause"])), yuan(row["moved_fen"]), yuan(row["sum_fen"]))
        for row in figures.of["causes_of_postings"]
    ]
    moved, left = figures.total("causes_of_postings", "moved_fen"), figures.total("causes_of_postings", "sum_fen")
    return _table("", ("cause 事由", "moved 划转", "sum 合计"), rows, 1, total=(yuan(moved), yuan(left)))


def _pairs(figures: DayFigures) -> str:
    names = ("fare_fen", "fee_fen", "issuer_share_fen", "acquirer_share_fen")
    rows = [
        (escape(row["operator"]), escape(row["issuer"]), str(row["rides"]), *(yuan(row[name]) for name in names))
        for row in figures.of["pairs"]
    ]
    heads = ("operator 运营单位", "issuer 发码机构", "rides 行程", "fares 票款", "fee 手续费",
             "issuer's share 发码方分成", "operator's share 收单方分成")  # fmt: skip
    sums = (str(figures.total("pairs", "rides")), *(yuan(figures.total("pairs", name)) for name in names))
    return _table("", heads, rows, 2, total=("", *sums))


def _funders(figures: DayFigures) -> str:
    rows = [
        (
            _party(row),
            both(word(Source, row["source"])),
            f"<code>{escape(row['rule'])}</code>",
            str(row["rides"]),
            yuan(-row["fen"]),
        )
        for row in figures.of["funders"]
    ]
    heads = ("funder 出资方", "where 环节", "rule 规则", "rides 行程", "pays 出资")
    sums = (str(figures.total("funders", "rides")), yuan(-figures.total("funders", "fen")))
    return _table("", heads, rows, 3, total=("", "", *sums))


def _reduced(figures: DayFigures) -> str:
    rows = [(both(what), yuan(-figures.total("reduced", name))) for name, what in REDUCED.items()]
    left = -figures.total("reduced", "gate_fen") - figures.total("reduced", "centre_fen")
    return _table("", ("taken off by 优惠环节", "sum 金额"), rows, 1, total=(yuan(left),))


def _differences(figures: DayFigures) -> str:
    rows = [
        (
            both(word(Cause, row["cause"])),
            str(row["rides"]),
            yuan(row["gate_fen"]),
            yuan(row["centre_fen"]),
            yuan(row["centre_fen"] - row["gate_fen"]),
        )
        for row in figures.of["differences"]
    ]
    same, rides = figures.equal_fares
    share = f"{same * 10000 // rides / 100:.2f} %" if rides else "–"
    caption = both(
        Text(
            f"The gate took what the centre says for {same} of {rides} rides ({share}); every difference has a cause.",
            f"{rides} 笔行程中 {same} 笔与闸机一致（{share}）；差异均有原因。",
        )
    )
    gate, centre = figures.total("differences", "gate_fen"), figures.total("differences", "centre_fen")
    heads = ("cause 原因", "rides 行程", "gate 闸机", "centre 清分中心", "difference 差额")
    return _table(caption, heads, rows, 1, total=(str(rides), yuan(gate), yuan(centre), yuan(centre - gate)))


def _rides(figures: DayFigures) -> str:
    rows = [(both(word(Kind, row["kind"])), str(row["rides"]), yuan(row["fare_fen"])) for row in figures.of["kinds"]]
    sums = (str(figures.total("kinds", "rides")), yuan(figures.total("kinds", "fare_fen")))
    caption = "Before the centre's own rules. 未计清分中心优惠。"
    return _table(caption, ("kind 类型", "rides 行程", "fares 票款"), rows, 1, total=sums)


def _bookings(figures: DayFigures) -> str:
    rows = [
        (both(word(Booked, row["cause"])), str(row["booked"]), str(row["reversed"]), yuan(row["fare_fen"]))
        for row in figures.of["bookings"]
    ]
    sums = (
        str(figures.total("bookings", "booked")),
        str(figures.total("bookings", "reversed")),
        yuan(figures.total("bookings", "fare_fen")),
    )
    return _table("", ("booked because of 入账事由", "booked 入账", "reversed 冲正", "fares 票款"), rows, 1, total=sums)


def _taps(figures: DayFigures) -> str:
    rows = [
        (both(word(Verdict, row["verdict"])), both(word(Why, row["why"])), str(row["taps"]))
        for row in figures.of["taps"]
    ]
    total = ("", str(figures.total("taps", "taps")))
    caption = "Every signature was checked again. 所有签名均已复核。"
    unsigned = figures.total("unsigned", "taps")
    if unsigned:
        caption += f" No device has signed {unsigned} that count. 其中 {unsigned} 次有效刷码没有终端签名。"
    return _table(caption, ("verdict 结论", "why 原因", "taps 次数"), rows, 2, total=total)


def _disputes(figures: DayFigures) -> str:
    rows = [
        (
            both(word(Reason, row["reason"])),
            both(word(Decision, row["decision"])),
            both(word(DecidedBy, row["decided_by"])),
            f"<code>{escape(row['reply'])}</code>",
            str(row["disputes"]),
        )
        for row in figures.of["disputes"]
    ]
    decided = _sum(figures.of["disputes"], "decision", {Decision.UPHELD, Decision.REFUSED})
    signed = _sum(figures.of["disputes"], "decided_by", {DecidedBy.SIGNATURES})
    caption = both(
        Text(
            f"{decided} decided, {signed} of them by the signatures alone.",
            f"已裁决 {decided} 件，其中 {signed} 件仅凭签名。",
        )
    )
    heads = ("reason 理由", "decision 裁决", "decided by 依据", "reply 答复", "disputes 件数")
    return _table(caption, heads, rows, 4, total=("", "", "", str(figures.total("disputes", "disputes"))))


def _sum(rows: Rows, column: str, values: set[Decision] | set[DecidedBy]) -> int:
    return sum(row["disputes"] for row in rows if row[column] in {str(value) for value in values})


def _party(row: dict[str, str]) -> str:
    name = both(word(PartyKind, row["party_kind"]))
    return name if row["party"] == CENTRE_PARTY else f"{name} {escape(row['party'])}"


def _table(
    caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], words: int, *, total: Sequence[str]
) -> str:
    """words: how many columns hold words, before those of numbers. total: the sums, without the first column."""
    kinds = [""] * len(rows) + ["total"]
    numbers = range(words, len(heads))
    return table(caption, heads, [*rows, ("all 合计", *total)], numbers, kinds)
