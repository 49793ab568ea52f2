"""Rules that no gate can know: what a person's other rides give. Written in TOML, with dates, by city.

What they say, in the order in which a fare goes through them; each takes its part of what the one before left:

- **Companion** 同行. A ride that begins while another of the same person lasts, or a bus ride that begins within
  `companion_s` of one on the same line, is a companion's: it pays in full, gives no transfer and counts in no sum.
- **Concession** 优待. Whose person is in one of the rule's `groups` on the service date pays at most `percent` of the
  gross fare, rounded half up, or nothing (`free`). What the gate has taken off counts towards it: only what is left to
  that is taken off here, and nothing where the gate gave as much or more. Of several rules the one that leaves least
  holds, of equal ones the first by name. `homes` are the cities whose issuers' codes it holds for; left out, all.
- **Transfer** 换乘. The ride right before it (companions left aside) ended at most `within_min` ago in the same city,
  on another vehicle, and, if both are of one mode, on another line: `less_fen` off, or free.
- **Daily cap** 日封顶. What is beyond `cap_fen` of one service date, over the modes of the rule, is not paid.
- **Monthly total** 月累计. Once the month's rides before this one, over the modes of the rule, come to `beyond` fen or
  rides, `percent` of the fare remains, rounded half up. The ride that reaches the sum pays in full.

Rules they keep:
- Which rule holds is asked of the ride's service date and riding city. Sums begin anew with a rule of another name.
- Journeys that are not regular (over-time, a leg missing) pay what the gate's rules say: they get nothing here, count
  in no sum, and are no leg of a transfer.
- Sums of the day are what the rides cost after concessions and transfers, sums of the month what they cost after daily
  caps as well, in the order of (begin, ride_id).
- One account in the group is enough for all codes of its person; who says so, and from which day, is identity's matter.
- A rule that changes ends with a date, and another begins; rides of its days are never priced by the other.
Which cities have such tariffs, and at which figures, is for whoever writes the file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TypedDict

import pyarrow as pa

from yima.sdk.centre.clearing.tables import Funder
from yima.sdk.centre.clearing.toml_rows import Row, TermsError, parse, read, refuse_overlaps
from yima.sdk.centre.identity.statements import GROUP, GROUPS
from yima.validator.parameters.rules import FEN_MAX
from yima.validator.texts import Text

MODES = {"bus": 1, "metro": 2}  # numbers of facts.def
LEGS = tuple(f"{before}-{after}" for before in MODES for after in MODES)
FUNDERS = {one.value.lower().replace("_", "-"): one for one in Funder if one is not Funder.NONE}
COMPANION_S, COMPANION_MAX_S = 180, 3600
JOURNEY_MAX_S = 86400  # a journey makes companions of others for a day at most
WITHIN_MAX_MIN = 720
FREE = FEN_MAX + 1  # off: whatever the fare is
ANY_HOME = 0
_CITIES = (100000, 999999)  # division codes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dated:
    """What every rule has. since, until: days as numbers; until is the first on which it holds no more."""

    rule: str
    city: int
    funder: Funder
    since: int
    until: int


class _Common(TypedDict):
    rule: str
    city: int
    funder: Funder
    since: int
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Concession(_Dated):
    """homes: cities of issuers; ANY_HOME, whoever issued the code. percent: of the gross fare that remains."""

    groups: tuple[str, ...]
    modes: tuple[int, ...]
    homes: tuple[int, ...]
    percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(_Dated):
    """legs: (mode before, mode after). less_fen: FREE, nothing is left."""

    legs: tuple[tuple[int, int], ...]
    within_s: int
    less_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyCap(_Dated):
    """cap_fen: of one person on one service date."""

    modes: tuple[int, ...]
    cap_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyTotal(_Dated):
    """by_rides: tiers count rides, else fen. tiers: (from this sum on, percent that remains), ascending."""

    modes: tuple[int, ...]
    by_rides: bool
    tiers: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All rules of the centre. companion_s: see the module."""

    companion_s: int = COMPANION_S
    concessions: tuple[Concession, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    caps: tuple[DailyCap, ...] = ()
    totals: tuple[MonthlyTotal, ...] = ()

    def relations(self) -> dict[str, pa.Table]:
        """The rules as small tables, a row for each thing that a ride can be asked for. place: the concession with the
        smallest one holds."""
        concessions = [
            {**_dated(one), "mode": mode, "group_name": group, "home": home, "percent": one.percent, "place": place}
            for place, one in enumerate(sorted(self.concessions, key=lambda one: (one.percent, one.rule)))
            for mode, group, home in product(one.modes, one.groups, one.homes)
        ]
        transfers = [
            {**_dated(one), "before": before, "after": after, "within_s": one.within_s, "less_fen": one.less_fen}
            for one in self.transfers
            for before, after in one.legs
        ]
        caps = [{**_dated(one), "mode": mode, "cap_fen": one.cap_fen} for one in self.caps for mode in one.modes]
        totals = [{**_dated(one), "mode": mode, "by_rides": one.by_rides} for one in self.totals for mode in one.modes]
        tiers = [
            {"rule": one.rule, "low": low, "high": high, "percent": percent}
            for one in self.totals
            for (low, percent), high in zip(one.tiers, [*(low for low, _ in one.tiers[1:]), 1 << 62], strict=True)
        ]
        every = (*self.concessions, *self.transfers, *self.caps, *self.totals)
        funders = [{"rule": one.rule, "funder": one.funder.value} for one in every]
        days = {"city": pa.int64(), "since": pa.int32(), "until": pa.int32()}
        leg = {"before": pa.int32(), "after": pa.int32(), "within_s": pa.int64(), "less_fen": pa.int64()}
        named = {"rule": pa.string()}
        whose = {"mode": pa.int32(), "group_name": pa.string(), "home": pa.int64()}
        remains = {"percent": pa.int64(), "place": pa.int32()}
        return {
            "concession_rules": _relation(concessions, {**named, **days, **whose, **remains}),
            "transfer_rules": _relation(transfers, {**named, **days, **leg}),
            "cap_rules": _relation(caps, {**named, **days, "mode": pa.int32(), "cap_fen": pa.int64()}),
            "total_rules": _relation(totals, {**named, **days, "mode": pa.int32(), "by_rides": pa.bool_()}),
            "total_tiers": _relation(tiers, {**named, "low": pa.int64(), "high": pa.int64(), "percent": pa.int64()}),
            "rule_funders": _relation(funders, {**named, "funder": pa.string()}),
        }


def read_rules(path: Path) -> Rules:
    """The rules in a file. Raises TermsError."""
    return _rules(read(path))


def parse_rules(text: str, where: str = "rules") -> Rules:
    """The same from text. Raises TermsError."""
    return _rules(parse(text, where))


def _rules(file: Row) -> Rules:
    concessions = [(_concession(row), row) for row in file.rows("concession")]
    transfers = [(_transfer(row), row) for row in file.rows("transfer")]
    caps = [(_cap(row), row) for row in file.rows("daily_cap")]
    totals = [(_total(row), row) for row in file.rows("monthly_total")]
    companion_s = file.number("companion_s", 0, COMPANION_MAX_S, COMPANION_S)
    file.has("taps")  # which taps count is said in the same file; see folder.py
    file.has("rides")  # how legs become rides is said in the same file; see rides/rules.py
    file.end()
    names: set[str] = set()
    for one, row in (*concessions, *transfers, *caps, *totals):
        row.end()
        if one.rule in names:
            raise TermsError(
                f"{row.where}, rule",
                Text(f"{one.rule} is there already", f"{one.rule} 已存在"),
                Text("Give every rule a name of its own", "每条规则须有各自的名称"),
            )
        names.add(one.rule)
    same = Text("says the same", "内容相同")
    refuse_overlaps(
        [
            ((one.city, *of), one.since, one.until, row.where)
            for one, row in concessions
            for of in product(one.groups, one.modes, one.homes)
        ],
        same,
    )
    refuse_overlaps([((t.city, leg), t.since, t.until, row.where) for t, row in transfers for leg in t.legs], same)
    for dated in (caps, totals):
        refuse_overlaps([((t.city, mode), t.since, t.until, row.where) for t, row in dated for mode in t.modes], same)
    return Rules(
        companion_s=companion_s,
        concessions=tuple(one for one, _ in concessions),
        transfers=tuple(one for one, _ in transfers),
        caps=tuple(one for one, _ in caps),
        totals=tuple(one for one, _ in totals),
    )


def _concession(row: Row) -> Concession:
    known = Text(", ".join(GROUPS) + ", resident- and six digits", "、".join(GROUPS) + "、resident- 加六位数字")
    groups = row.words("groups", GROUP, f"some of {known.en}, each once", f"{known.zh}，不重复")
    homes = row.numbers("homes", *_CITIES) if row.has("homes") else (ANY_HOME,)
    percent = 0 if row.flag("free") else row.number("percent", 0, 99)
    return Concession(**_common(row), groups=groups, modes=_modes(row), homes=homes, percent=percent)


def _transfer(row: Row) -> Transfer:
    legs = tuple(tuple(MODES[word] for word in leg.split("-")) for leg in row.choices("legs", LEGS))
    less_fen = FREE if row.flag("free") else row.number("less_fen", 1, FEN_MAX)
    within_s = row.number("within_min", 1, WITHIN_MAX_MIN) * 60
    return Transfer(**_common(row), legs=tuple((a, b) for a, b in legs), within_s=within_s, less_fen=less_fen)


def _cap(row: Row) -> DailyCap:
    return DailyCap(**_common(row), modes=_modes(row), cap_fen=row.number("cap_fen", 0, FEN_MAX))


def _total(row: Row) -> MonthlyTotal:
    by_rides = row.choice("by", ("fen", "rides")) == "rides"
    tiers: list[tuple[int, int]] = []
    for tier in row.rows("tiers"):
        low = tiers[-1][0] + 1 if tiers else 1
        tiers.append((tier.number("beyond", low, FEN_MAX), tier.number("percent", 0, 100)))
        tier.end()
    if not tiers:
        row.refuse("tiers", "at least one {beyond, percent}", "至少一档 {beyond, percent}")
    return MonthlyTotal(**_common(row), modes=_modes(row), by_rides=by_rides, tiers=tuple(tiers))


def _common(row: Row) -> _Common:
    since, until = row.period()
    return {
        "rule": row.name("rule"),
        "city": row.number("city", *_CITIES),
        "funder": FUNDERS[row.choice("funded_by", tuple(FUNDERS))],
        "since": since,
        "until": until,
    }


def _modes(row: Row) -> tuple[int, ...]:
    return tuple(MODES[word] for word in row.choices("modes", tuple(MODES)))


def _dated(one: _Dated) -> dict[str, object]:
    return {"rule": one.rule, "city": one.city, "since": one.since, "until": one.until}


def _relation(rows: Sequence[Mapping[str, object]], types: dict[str, pa.DataType]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), pa.schema(list(types.items())))
