"""Rules in words: one line each, English followed by Chinese where words carry the meaning.

Names come from the rules' own labels; what has none is shown by its number. Accounts are masked.
"""

from datetime import UTC, datetime, timedelta

from yima.validator.judging import masked
from yima.validator.parameters.rules import (
    OPEN,
    Acceptance,
    Concession,
    Decoder,
    Fare,
    FareKind,
    Form,
    Funder,
    Journey,
    LabelKey,
    LabelKind,
    Mode,
    Pair,
    ReaderProfile,
    Rules,
)

MODES = {Mode.BUS: "bus 公交", Mode.METRO: "metro 地铁"}
FUNDERS = {
    Funder.RIDING_CITY: "the riding city 受理城市",
    Funder.ISSUER_CITY: "the issuer's city 发卡城市",
    Funder.OPERATOR: "the operator 运营单位",
    Funder.REGION: "the region 区域",
}
_UTC_8 = timedelta(hours=8)


def money(fen: int) -> str:
    """¥2.00"""
    return f"¥{fen / 100:.2f}"


def day(unix_s: int) -> str:
    """The day in UTC+8, with the minute if it is not midnight."""
    moment = datetime.fromtimestamp(unix_s, UTC) + _UTC_8
    return f"{moment:%Y-%m-%d}" if unix_s % 86400 == 86400 - 28800 else f"{moment:%Y-%m-%d %H:%M}"


def period(from_s: int, to_s: int) -> str:
    """When a rule holds; empty for always."""
    begin = f"from 自 {day(from_s)}" if from_s else ""
    end = f"before 至 {day(to_s)}" if to_s != OPEN else ""
    return f"{begin} {end}".strip()


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

    def acceptance(self, row: Acceptance) -> str:
        """Whose codes ride where, since when."""
        when = period(row.from_s, row.to_s)
        return f"{self.city(row.issuer_city)} → {self.city(row.riding_city)} {MODES[row.mode]} {when}".rstrip()

    def fare(self, fare: Fare) -> str:
        """Where a fare holds, and how much it is."""
        where = self.line(fare.mode, fare.city, fare.line) + ", " if fare.line else ""
        price = {
            FareKind.FLAT: money(fare.fen),
            FareKind.STAGES: f"by distance 按里程, {fare.table}",
            FareKind.MATRIX: f"by entry and exit 按进出站, {fare.table}",
        }[fare.kind]
        when = period(fare.from_s, fare.to_s)
        return f"{fare.rule}: {MODES[fare.mode]}, {where}{self.city(fare.city)}: {price} {when}".rstrip()

    def concession(self, row: Concession) -> str:
        """For whom, what remains, and who pays for the rest."""
        who = (
            "every account type 所有账户类型"
            if row.account_type is None
            else f"account type 账户类型 0x{row.account_type:02X}"
        )
        who += f", group 群体 {row.group}" if row.group else ""
        mode = "any mode 任何方式" if row.mode is None else MODES[row.mode]
        price = f"at most 最多 {money(row.fen)}" if row.percent is None else f"{row.percent}%"
        when = period(row.from_s, row.to_s)
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
            f"no entry 缺进站: {price(row.missing_entry_fen)}; unreadable 无法读取: {price(row.unreadable_fen)}{cap}"
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
