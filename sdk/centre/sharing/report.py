"""A shared day as one HTML file, in English and Chinese: flows between cities, hours, subsidies, equal treatment.

It says what the day's public tables say and nothing else: it is given them alone. What they leave out is a dot.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from yima.sdk.centre.clearing.money.tables import CENTRE_PARTY, PartyKind
from yima.sdk.centre.clearing.report.html import yuan
from yima.sdk.centre.clearing.report.words import word
from yima.sdk.centre.sharing.flows import ALL, HOURS, OTHER
from yima.sdk.page import both, heading, page, table
from yima.sdk.profiles.yangtze_delta.plan import load_plan
from yima.validator.texts import Text

DOT = "·"
_OTHERS = Text("others, together", "其他合计")


@dataclass(frozen=True, slots=True, kw_only=True)
class Public:
    """The public tables of a day. equal_treatment: None where nothing was simulated; version, digest: of the parameters
    that it was simulated under."""

    service_date: int
    k: int
    flows: pa.Table
    subsidies: pa.Table
    equal_treatment: pa.Table | None = None
    version: int = 0
    digest: str = ""


def shared_page(public: Public) -> str:
    """The whole document."""
    day = f"{public.service_date // 10000}-{public.service_date // 100 % 100:02d}-{public.service_date % 100:02d}"
    return page(Text(f"Rides of {day}", f"{day} 出行数据"), _parts(public))


def _parts(public: Public) -> Iterator[str]:
    said = Text(
        f"Nothing here is of fewer than {public.k} riders; a dot hides what may be nothing or as much as that.",
        f"此处任何数字都不少于 {public.k} 人；圆点表示不公开，可能为零，也可能达到此数。",
    )
    yield f"<p>{both(said)}</p>"
    issuers = [row for row in public.flows.to_pylist() if row["flow"] == "issuers"]
    yield heading(Text("From which city, in which city", "发卡城市与受理城市"))
    yield _matrix(issuers)
    yield heading(Text("Hours", "分时"))
    yield _hours(issuers)
    yield heading(Text("Subsidy by funder", "各出资方补贴"))
    yield _subsidies(public)
    if public.equal_treatment is not None:
        yield heading(Text("What equal treatment would cost", "同等待遇的成本"))
        yield _equal_treatment(public, public.equal_treatment)


def _matrix(rows: Sequence[dict[str, Any]]) -> str:
    rides = {(row["from"], row["city"]): row["rides"] for row in rows if row["hour"] == ALL}
    cities = sorted({row["city"] for row in rows})
    homes = sorted({home for home, _ in rides} - {OTHER}) + ([OTHER] if any(home == OTHER for home, _ in rides) else [])
    most = max((count for count in rides.values() if count), default=0)
    body = [(_city(home), *(_count(rides.get((home, city)), most) for city in cities)) for home in homes]
    sums = (str(sum(rides.get((home, city)) or 0 for home in homes)) for city in cities)
    caption = both(
        Text(
            "Rides by the city of the code (row) and the city ridden in (column); cities of few riders are together.",
            "行程数：行为发卡城市，列为受理城市；乘客少的城市合并列示。",
        )
    )
    heads = ("from 发卡城市", *(_city(f"{city:06}") for city in cities))
    kinds = [""] * len(body) + ["total"]
    return _wide(table(caption, heads, [*body, ("all shown 合计", *sums)], range(1, len(heads)), kinds))


def _hours(rows: Sequence[dict[str, Any]]) -> str:
    rides = {(row["city"], row["hour"]): row["rides"] for row in rows if row["from"] == ALL}
    cities = sorted({row["city"] for row in rows})
    most = max(rides.values(), default=0)
    body = [
        (f"{hour:02}:00", *(_count(rides.get((city, f"{hour:02}")), most) for city in cities))
        for hour in HOURS
        if any((city, f"{hour:02}") in rides for city in cities)
    ]
    caption = both(Text("Rides by the hour (UTC+8) and the city ridden in.", "各受理城市分时行程数（UTC+8）。"))
    heads = ("hour 时", *(_city(f"{city:06}") for city in cities))
    return _wide(table(caption, heads, body, range(1, len(heads))))


def _subsidies(public: Public) -> str:
    body = [
        (_party(row["party_kind"], row["party"]), str(row["rides"]), yuan(row["fen"]))
        for row in public.subsidies.to_pylist()
    ]
    caption = both(
        Text(
            "What funders paid for rides of this day. Who is not here paid for few riders, or for none.",
            "各出资方为当日行程支付的补贴。未列出者，涉及乘客少或没有。",
        )
    )
    return table(caption, ("funder 出资方", "rides 行程", "paid 出资"), body, (1, 2))


def _equal_treatment(public: Public, found: pa.Table) -> str:
    body = [
        (
            _city(row["from"]),
            _city(row["to"]),
            _party(row["party_kind"], row["party"]),
            str(row["rides"]),
            yuan(row["difference_fen"]),
        )
        for row in found.to_pylist()
    ]
    caption = both(
        Text(
            f"What who would have paid more (below 0: less) under parameters {public.version}, by pair of cities. Pairs"
            " of few riders are not here, nor rides that those parameters refuse.",
            f"若采用参数版本 {public.version}，各城市对之间各出资方多付（负数为少付）的金额。"
            "乘客少的城市对以及会被拒绝的行程不在其中。",
        )
    )
    heads = ("from 发卡城市", "in 受理城市", "who pays 出资方", "rides 行程", "difference 差额")
    return f"{table(caption, heads, body, (3, 4))}<p><code>{public.digest}</code></p>"


def _wide(made: str) -> str:
    return f'<div class="wide">{made}</div>'


def _count(count: int | None, most: int) -> str:
    """A number on a ground that is the darker the more it is."""
    if count is None:
        return DOT
    return f'<span class="heat" style="--heat: {count * 100 // max(most, 1)}%">{count}</span>'


def _city(code: str) -> str:
    names = {f"{city.division:06}": city.name for city in load_plan().cities}
    return both(_OTHERS if code == OTHER else names.get(code, Text(code, "")))


def _party(kind: str, party: str) -> str:
    if kind == PartyKind.CITY:
        return _city(party[2:])
    name = both(word(PartyKind, kind))
    return name if party == CENTRE_PARTY else f"{name} {party}"
