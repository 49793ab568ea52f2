"""One rider's month: several codes, several cities, and what each of them knew; who paid what.

Rules it keeps:
- The rider is found in the tables: of the persons with rides by two codes or more in the month of a day, the one with
  most codes, then most cities, then most rides.
- Amounts are those of the bookings that stand, who paid the rest is what funders were booked for.
- A city knows the codes that were shown at its gates, and not that they are one person's. Accounts are masked.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from rich import box
from rich.table import Table

from yima.sdk.centre.clearing.money.tables import CLEARED, FUNDED, PERSONS, PartyKind
from yima.sdk.centre.clearing.report.html import yuan
from yima.sdk.centre.clearing.report.text import called_by_code
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.page import both, heading, table
from yima.sdk.profiles.yangtze_delta.plan import load_plan
from yima.validator.judging import masked
from yima.validator.texts import Text, say

TITLE = Text("One rider's month", "一位乘客的一个月")
Name = Callable[[str, str], Text]


@dataclass(frozen=True, slots=True, kw_only=True)
class InCity:
    """What a city knew. codes: accounts shown there, masked. others: who paid how much of the rest."""

    city: int
    codes: tuple[str, ...]
    rides: int
    gross_fen: int
    paid_fen: int
    others: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RiderMonth:
    """month: 202609. codes: all that rode, masked."""

    month: int
    codes: tuple[str, ...]
    cities: tuple[InCity, ...]

    @property
    def mapping(self) -> dict[str, object]:
        """For machines."""
        return {
            "month": self.month,
            "codes": list(self.codes),
            "cities": [
                {"city": one.city, "codes": list(one.codes), "rides": one.rides, "gross_fen": one.gross_fen}
                | {"paid_fen": one.paid_fen, "others": {f"{k} {p}": fen for (k, p), fen in one.others.items()}}
                for one in self.cities
            ],
        }


def rider_month(workspace: Workspace, day: int) -> RiderMonth | None:
    """Of the month of that day, as far as it is settled; None where nobody rode by two codes."""
    persons = _persons(workspace, day // 100)
    if not persons:
        return None
    rows = workspace.read(CLEARED, since=day // 100 * 100, before=day + 1)
    rows = rows.filter(pc.is_in(rows["account"], pa.array(list(persons), pa.string())))
    rides: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in _standing(rows.to_pylist()):
        if row["service_date"] // 100 == day // 100:
            rides[persons[row["account"]]].append(row)
    found = max(rides.items(), key=_rank, default=("", []))[1]
    if len({row["account"] for row in found}) < 2:
        return None
    return RiderMonth(
        month=day // 100,
        codes=tuple(masked(account) for account in sorted({row["account"] for row in found})),
        cities=tuple(_in_cities(workspace, found, day)),
    )


def _persons(workspace: Workspace, month: int) -> dict[str, str]:
    """Accounts that are one person's with others in that month, to the person."""
    persons: dict[str, str] = {}
    for row in workspace.read(PERSONS, before=(month + 1) * 100).sort_by("day").to_pylist():
        persons[row["account"]] = row["person"]
    return {person: person for person in persons.values()} | persons  # who is called by an account has no row for it


def _standing(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    taken_back = {(row["ride_id"], row["number"]) for row in rows if row["reverses"]}
    return [row for row in rows if not row["reverses"] and (row["ride_id"], row["number"]) not in taken_back]


def _rank(person: tuple[str, Sequence[Mapping[str, Any]]]) -> tuple[int, int, int, str]:
    name, rides = person
    return len({row["account"] for row in rides}), len({row["city"] for row in rides}), len(rides), name


def _in_cities(workspace: Workspace, rides: Sequence[dict[str, Any]], day: int) -> list[InCity]:
    city_of = {row["clearing"]: row["city"] for row in rides}
    funded = workspace.read(FUNDED, since=day // 100 * 100, before=day + 1)
    funded = funded.filter(pc.is_in(funded["clearing"], pa.array(list(city_of), pa.int64())))
    others: dict[int, dict[tuple[str, str], int]] = defaultdict(lambda: defaultdict(int))
    for row in funded.to_pylist():
        others[city_of[row["clearing"]]][row["party_kind"], row["party"]] -= row["fen"]
    return [
        InCity(
            city=city,
            codes=tuple(masked(account) for account in sorted({row["account"] for row in there})),
            rides=len(there),
            gross_fen=sum(row["gross_fen"] for row in there),
            paid_fen=sum(row["fare_fen"] for row in there),
            others=dict(sorted(others[city].items())),
        )
        for city in sorted(set(city_of.values()))
        if (there := [row for row in rides if row["city"] == city])
    ]


_HEADS = (
    Text("city", "城市"),
    Text("codes it saw", "所见的码"),
    Text("rides", "行程"),
    Text("fares", "票款"),
    Text("the rider paid", "乘客支付"),
    Text("others paid", "他方支付"),
)


def rider_table(found: RiderMonth, *, name: Name | None = None) -> Table:
    """For a terminal. name: what a party (kind, code) is called."""
    made = Table(box=box.SIMPLE_HEAD, title=say(_title(found)), title_justify="left", caption=say(_said(found)))
    made.caption_justify = "left"
    for place, head in enumerate(_HEADS):
        made.add_column(say(head), justify="right" if place in {2, 3, 4} else "left")
    for cells, style in _rows(found, name or _by_code):
        made.add_row(*(say(cell) for cell in cells), style=style)
    return made


def rider_section(found: RiderMonth, *, name: Name | None = None) -> str:
    """HTML with its heading."""
    rows = list(_rows(found, name or _by_code))
    body = [[both(cell) if cell.en != cell.zh else escape(cell.en) for cell in cells] for cells, _ in rows]
    kinds = ["total" if style else "" for _, style in rows]
    heads = [both(head) for head in _HEADS]
    return f"{heading(_title(found))}\n{table(both(_said(found)), heads, body, (2, 3, 4), kinds)}"


def _title(found: RiderMonth) -> Text:
    month = f"{found.month // 100}-{found.month % 100:02}"
    return Text(f"{TITLE.en}: {month}", f"{TITLE.zh}：{month}")


def _said(found: RiderMonth) -> Text:
    return Text(
        f"{len(found.codes)} codes are one person's, as their issuers state. No city knew more than its row.",
        f"各发码机构声明这 {len(found.codes)} 个码属于同一人；各城市所知不超过其所在行。",
    )


def _rows(found: RiderMonth, name: Name) -> list[tuple[list[Text], str]]:
    rows = []
    for one in found.cities:
        paid = [(name(*party), yuan(fen)) for party, fen in one.others.items() if fen]
        others = Text(
            ", ".join(f"{who.en} {fen}" for who, fen in paid), "，".join(f"{who.zh} {fen}" for who, fen in paid)
        )
        cells = [name(PartyKind.CITY, f"{one.city:08}"), _same("\n".join(one.codes)), _same(str(one.rides))]
        rows.append(([*cells, _same(yuan(one.gross_fen)), _same(yuan(one.paid_fen)), others], ""))
    gross, paid_fen = (sum(getattr(one, what) for one in found.cities) for what in ("gross_fen", "paid_fen"))
    counts = (str(len(found.codes)), str(sum(one.rides for one in found.cities)))
    cells = [Text("all", "合计"), *map(_same, (*counts, yuan(gross), yuan(paid_fen), yuan(gross - paid_fen)))]
    rows.append((cells, "bold"))
    return rows


def _same(text: str) -> Text:
    return Text(text, text)


def _by_code(kind: str, party: str) -> Text:
    names = {f"{city.division:08}": city.name for city in load_plan().cities}
    if kind == PartyKind.CITY and party in names:
        return names[party]
    return _same(called_by_code(kind, party))
