"""Rules in words: one line each, English followed by Chinese where words carry the meaning.

Names come from the rules' own labels; what has none is shown by its number. Accounts are masked.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

from yima.validator.judging import masked
from yima.validator.parameters.rules import (
    OPEN,
    Acceptance,
    By,
    Calendar,
    Concession,
    Decoder,
    Fare,
    FareKind,
    Form,
    Funder,
    Habits,
    Journey,
    LabelKey,
    LabelKind,
    Mode,
    Pair,
    ReaderProfile,
    Revocation,
    Rules,
    When,
)

MODES = {Mode.BUS: "bus 公交", Mode.METRO: "metro 地铁"}
FUNDERS = {
    Funder.RIDING_CITY: "the riding city 受理城市",
    Funder.ISSUER_CITY: "the issuer's city 发卡城市",
    Funder.OPERATOR: "the operator 运营单位",
    Funder.REGION: "the region 区域",
}
_BY = {By.ENTRY: "entry 进站时刻", By.EXIT: "exit 出站时刻", By.TAP: "tap 刷码时刻"}
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UTC_8 = timedelta(hours=8)


def money(fen: int) -> str:
    """¥2.00"""
    return f"¥{fen / 100:.2f}"


def day(unix_s: int) -> str:
    """The day in UTC+8, with the minute if it is not midnight, and the second if it has any."""
    moment = datetime.fromtimestamp(unix_s, UTC) + _UTC_8
    if moment.second:
        return f"{moment:%Y-%m-%d %H:%M:%S}"
    return f"{moment:%Y-%m-%d}" if unix_s % 86400 == 86400 - 28800 else f"{moment:%Y-%m-%d %H:%M}"


def period(from_s: int, to_s: int) -> str:
    """When a rule holds; empty for always."""
    begin = f"from 自 {day(from_s)}" if from_s else ""
    end = f"before 至 {day(to_s)}" if to_s != OPEN else ""
    return f"{begin} {end}".strip()


def hours(when: When) -> str:
    """On which days, in which bands, by which moment; empty for always."""
    if not when:
        return ""
    parts = []
    if when.days:
        parts.append(f"on 限 {' '.join(when.days)}")
    if when.bands:
        parts.append(f"in 时段 {' '.join(when.bands)}")
    return f"{', '.join(parts)}, by {_BY[when.by]}"


def ranges_of(ranges: Iterable[tuple[int, int]]) -> str:
    """A band's hours: 07:00–08:30, 17:00–18:30."""
    return ", ".join("–".join(f"{minute // 60:02}:{minute % 60:02}" for minute in ends) for ends in ranges)


def calendar_lines(calendar: Calendar | None) -> Iterator[str]:
    """Which kind each day is of, one a line."""
    if calendar is None:
        return
    for kind in dict.fromkeys(calendar.week):
        days = " ".join(name for name, of in zip(_WEEK, calendar.week, strict=True) if of == kind)
        yield f"{kind or 'of no kind 不属任何类'}: {days}"
    for first, last, kind in calendar.exceptions:
        ends = [f"{date(1970, 1, 1) + timedelta(days=day)}" for day in (first, last)]
        yield f"{kind}: {ends[0]}" if first == last else f"{kind}: {ends[0]} – {ends[1]}"


def habit_lines(habits: Habits) -> Iterator[str]:
    """What differs from the plain habits, one a line."""
    plain = Habits()
    if habits.choice is not plain.choice:
        yield "concessions: the one that leaves the least 优惠取对乘客最有利的一项"
    if (habits.rounding, habits.unit_fen) != (plain.rounding, plain.unit_fen):
        yield f"percentages round 百分比取整: {habits.rounding}, {habits.unit_fen} fen 分"
    if habits.day_begins_min:
        yield f"the day begins at 运营日始于 {ranges_of([(habits.day_begins_min, habits.day_begins_min)])[:5]}"


class Wording:
    """The words of one set of rules."""

    def __init__(self, rules: Rules) -> None:
        self._labels = rules.labels

    def _named(self, key: LabelKey, number: str) -> str:
        name = self._labels.get(key)
        return f"{name} {number}" if name else number

    def city(self, code: int) -> str:
        """A city by name and code; `any city` for 0."""
        return self._named(LabelKey(LabelKind.CITY, code), str(code)) if code else "any city 任何城市"

    def line(self, mode: Mode, city: int, line: int) -> str:
        """A line by name and number."""
        return self._named(LabelKey(LabelKind.LINE, city, mode, line), f"line 线路 {line}")

    def station(self, mode: Mode, city: int, line: int, station: int) -> str:
        """A station by name and number."""
        return self._named(LabelKey(LabelKind.STATION, city, mode, line, station), str(station))

    def organisation(self, organisation: str) -> str:
        """An institution by name and number."""
        return self._named(LabelKey(LabelKind.ORGANISATION, int(organisation)), organisation)

    def pair(self, pair: Pair) -> str:
        """One line of the whitelist."""
        modes = "" if len(pair.modes) == len(Mode) else f", {MODES[pair.modes[0]]} only 仅"
        return f"{self.organisation(pair.organisation)} / {pair.platform}: {self.city(pair.city)}{modes}"

    def revocation(self, row: Revocation) -> str:
        """Which certificates are withdrawn, since when."""
        whose = f", {self.organisation(row.organisation)}" if row.organisation else ""
        serial = f", serial 序列号 {row.serial}" if row.serial else ", every certificate 全部证书"
        return f"root 根证书 {row.root}{whose}{serial} {period(row.from_s, row.to_s)}".rstrip()

    def acceptance(self, row: Acceptance) -> str:
        """Whose codes ride where, since when."""
        when, only = period(row.from_s, row.to_s), f", {row.family} only 仅" if row.family else ""
        return f"{self.city(row.issuer_city)} → {self.city(row.riding_city)} {MODES[row.mode]}{only} {when}".rstrip()

    def fare(self, fare: Fare) -> str:
        """Where a fare holds, and how much it is."""
        where = self.line(fare.mode, fare.city, fare.line) + ", " if fare.line else ""
        price = {
            FareKind.FLAT: money(fare.fen),
            FareKind.STAGES: f"by distance 按里程, {fare.table}",
            FareKind.MATRIX: f"by entry and exit 按进出站, {fare.table}",
        }[fare.kind]
        when = f"{hours(fare.when)} {period(fare.from_s, fare.to_s)}".strip()
        return f"{fare.rule}: {MODES[fare.mode]}, {where}{self.city(fare.city)}: {price} {when}".rstrip()

    def concession(self, row: Concession) -> str:
        """For whom, what remains, and who pays for the rest."""
        who = (
            "every account type 所有账户类型"
            if row.account_type is None
            else f"account type 账户类型 0x{row.account_type:02X}"
        )
        who += f", group 群体 {row.group}" if row.group else ""
        who += f", {self.organisation(row.organisation)}" if row.organisation else ""
        mode = "any mode 任何方式" if row.mode is None else MODES[row.mode]
        if row.line and row.mode is not None:
            mode += f", {self.line(row.mode, row.riding_city, row.line)}"
        elif row.line:
            mode += f", line 线路 {row.line}"
        price = f"at most 最多 {money(row.fen)}" if row.percent is None else f"{row.percent:g}%"
        when = f"{hours(row.when)} {period(row.from_s, row.to_s)}".strip()
        cities = f"of {self.city(row.issuer_city)} in {self.city(row.riding_city)}"
        funder = f"funded by 出资 {FUNDERS[row.funded_by]}"
        return f"{row.rule}: {who} {cities}, {mode}: {price}, {funder} {when}".rstrip()

    def journey(self, row: Journey) -> str:
        """What happens to journeys that are not plain."""

        def price(fen: int | None) -> str:
            return "refused 拒绝" if fen is None else money(fen)

        longest = f"over 超过 {row.longest_s} s: +{money(row.over_time_fen)}; " if row.longest_s else ""
        cap = f"; cap at entry 进站限额 {money(row.entry_cap_fen)}" if row.entry_cap_fen else ""
        return (
            f"{row.rule}: {MODES[row.mode]}, {self.city(row.city)}: {longest}"
            f"no exit 缺出站: {'accepted 放行' if row.missing_exit else 'refused 拒绝'}; "
            f"no entry 缺进站: {price(row.missing_entry_fen)}; unreadable 无法读取: {price(row.unreadable_fen)}; "
            f"not in the tables 票价表缺失: {'opened for nothing 免费放行' if row.unpriced else 'refused 拒绝'}{cap}"
        )

    def decoder(self, row: Decoder) -> str:
        """Where an institution keeps what."""
        states = " ".join(f"0x{state:02X}" for state in row.inside)
        time = "no time 无时间" if row.time_form is Form.NONE else f"time 时间 @{row.time_at} {row.time_form}"
        return (
            f"{self.organisation(row.organisation)}: state 状态 @{row.state_at} (inside 站内: {states}), "
            f"station 站点 @{row.station_at} {row.station_size} bytes 字节 {row.station_form}, {time}"
        )

    @staticmethod
    def accounts(ends: tuple[bytes, bytes]) -> str:
        """An account or a range, masked."""
        first, last = (masked(account.hex().rstrip("f")) for account in ends)
        return first if ends[0] == ends[1] else f"{first} – {last}"

    @staticmethod
    def reader(profile: ReaderProfile) -> str:
        """How the reader speaks."""
        around = "".join(
            f", {name} {value.hex()}"
            for name, value in (("prefix", profile.prefix), ("suffix", profile.suffix))
            if value
        )
        return f"{profile.baud} baud, {profile.gap_ms} ms{around}"
