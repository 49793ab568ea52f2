"""What parameters say that their author is unlikely to mean: legal, and wrong in most cities.

Every warning has a name, a level and what to do. A source silences one by its name with a reason, in the table `lint`
of package.toml. What cannot be built is no warning but an error (`source`).
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yima.sdk.parameters.group_file import loose_ends
from yima.sdk.parameters.lint_fares import fare_findings
from yima.sdk.parameters.lint_hours import hour_findings
from yima.sdk.parameters.lint_names import NAMES, Finding, Level
from yima.sdk.parameters.lint_slips import slip_findings
from yima.sdk.parameters.wording import Wording, day
from yima.validator.parameters.rules import OPEN, Mode, Rules
from yima.validator.texts import Text

if TYPE_CHECKING:  # a gate looks for findings too, and builds nothing
    from yima.sdk.parameters.compile import Opened

__all__ = ["NAMES", "Finding", "Level", "findings", "findings_of", "silenced"]

_SOON_S = 3 * 86400  # enough for a new list to be drawn up and brought to the gates
_SUISHEN_TYPES = 0xA0  # account types from here on are another family's, which the ministry's set does not judge


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What is looked at. not_before, expiry: unix seconds; 0 and OPEN where nothing tells them."""

    rules: Rules
    city: int
    not_before: int
    expiry: int
    now: int
    words: Wording


def silenced(opened: "Opened") -> Mapping[str, str]:
    """The warnings that the source silences, with their reasons."""
    return opened.source.silenced if opened.source else {}


def findings(opened: "Opened", now: int) -> list[Finding]:
    """All warnings, the worst first, silenced ones too. now: unix seconds."""
    place = opened.package or opened.source
    return findings_of(
        opened.rules,
        city=opened.city,
        not_before=place.not_before if place else 0,
        expiry=place.expiry if place else OPEN,
        now=now,
    )


def findings_of(
    rules: Rules, *, city: int, not_before: int, expiry: int, now: int, modes: Collection[Mode] = tuple(Mode)
) -> list[Finding]:
    """The same of rules alone. city: 0, any; not_before, expiry: when they hold, unix seconds, 0 and OPEN where nothing
    tells it. modes: of the gates that there are."""
    words = Wording(rules)
    held = _Held(rules=rules, city=city, not_before=not_before, expiry=expiry, now=now, words=words)
    found = [*_times(held), *_trust(held), *_whose(held), *_entries(held), *_riders(held)]
    found += fare_findings(rules, not_before, expiry, words, modes)
    found += hour_findings(rules, expiry, words)
    found += slip_findings(rules, words)
    return sorted(found, key=lambda finding: (-finding.level, finding.name, finding.text.en))


def _times(held: _Held) -> Iterator[Finding]:
    limits = held.rules.limits
    if held.expiry <= held.now:
        yield Finding.of(
            "expired",
            f"expired on {day(held.expiry)} UTC+8",
            f"已于 {day(held.expiry)}（UTC+8）失效",
            "Write a later expiry and a higher version",
            "请写更晚的 expiry 并递增 version",
        )
    issued = limits.lists_issued_at
    if issued > held.now:
        yield Finding.of(
            "lists-in-the-future",
            f"lists_issued is {day(issued)}, which has not come",
            f"lists_issued 为 {day(issued)}，尚未到来",
            "Write the day on which the deny-list was drawn up",
            "请写黑名单的制作日期",
        )
    if issued and limits.lists_max_age_s and issued + limits.lists_max_age_s < max(held.now, held.not_before):
        yield Finding.of(
            "lists-too-old",
            "the deny-list is older than lists_max_age_s: every gate refuses everybody",
            "黑名单已超过 lists_max_age_s：所有闸机将拒绝所有人",
            "Draw it up anew, and write its day into lists_issued",
            "请重新制作黑名单并更新 lists_issued",
        )
    elif issued and limits.lists_max_age_s and issued + limits.lists_max_age_s < held.now + _SOON_S:
        yield Finding.of(
            "lists-old-soon",
            f"from {day(issued + limits.lists_max_age_s)} on the deny-list is too old: every gate refuses everybody",
            f"自 {day(issued + limits.lists_max_age_s)} 起黑名单过旧：所有闸机将拒绝所有人",
            "Draw it up anew, and write its day into lists_issued",
            "请重新制作黑名单并更新 lists_issued",
        )


def _trust(held: _Held) -> Iterator[Finding]:
    rules = held.rules
    if not rules.roots and {"ministry", "unified"} & set(rules.limits.families):
        yield Finding.of(
            "no-roots",
            "no root key: every code of the ministry's form is refused",
            "没有根公钥：所有部标码均被拒绝",
            "Add [[roots]]; `yima params roots` checks them",
            "请添加 [[roots]]，可用 yima params roots 校验",
        )
    for root in rules.roots.values():
        if root.expires and root.expires < _month(max(held.now, held.not_before)):
            yield Finding.of(
                "root-expired",
                f"root {root.index} has expired: codes under it are refused",
                f"根公钥 {root.index} 已过期，其下的码均被拒绝",
                "Get the next root from the platform",
                "请向平台获取新的根证书",
            )
    for root_index in sorted({row.root for row in rules.revoked} - set(rules.roots)):
        yield Finding.of(
            "unknown-root",
            f"revoked.csv names root {root_index}, which is not loaded: it withdraws nothing",
            f"revoked.csv 指定了未加载的根证书 {root_index}：该行不起作用",
            "Correct the index; `yima inspect` shows a certificate's",
            "请更正序号，yima inspect 会显示证书的根序号",
        )
    if not rules.whitelist and {"ministry", "unified"} & set(rules.limits.families):
        yield Finding.of(
            "no-institutions",
            "nobody is on the whitelist",
            "白名单为空",
            "Add whitelist.csv, or import the ministry's file",
            "请添加 whitelist.csv 或导入部平台白名单",
        )
    if not rules.deny:
        yield Finding.of(
            "no-deny-list",
            "no account is on the deny-list",
            "黑名单为空",
            "Add deny.csv, unless devices have the national list (--deny-list)",
            "请添加 deny.csv，除非终端另有全国黑名单（--deny-list）",
        )


def _month(unix_s: int) -> tuple[int, int]:
    year, month, *_ = day(unix_s).split("-")
    return int(year), int(month)


def _whose(held: _Held) -> Iterator[Finding]:
    """For which city, and whose riders."""
    rules, words = held.rules, held.words
    accepted = rules.acceptance
    if held.city:
        cities = {fare.city for fare in rules.fares} | {station.city for station in rules.stations}
        cities |= {journey.city for journey in rules.journeys} | {row.riding_city for row in accepted or ()}
        elsewhere = sorted(cities - {0, held.city})
        if elsewhere and held.city not in cities:
            yield Finding.of(
                "other-city",
                f"the package is for {words.city(held.city)}, its rows are for {words.city(elsewhere[0])}",
                f"参数包适用于 {words.city(held.city)}，而各行属于 {words.city(elsewhere[0])}",
                "Correct city in package.toml, or the rows",
                "请更正 package.toml 的 city 或各行的城市",
            )
    if accepted is None:
        return
    if not accepted:
        yield Finding.of(
            "nobody-accepted",
            "acceptance.csv has no row: no issuer's codes ride",
            "acceptance.csv 无任何行：所有机构的码均被拒绝",
            "Add rows, or take the file away to accept everybody",
            "请添加行；若要全部受理请删除该文件",
        )
        return
    if held.city in {pair.city for pair in rules.whitelist} and not any(
        row.riding_city == row.issuer_city == held.city for row in accepted
    ):
        yield Finding.of(
            "own-riders-refused",
            f"{words.city(held.city)} does not accept its own riders",
            f"{words.city(held.city)} 未受理本市的码",
            "Add a row with the city as riding and issuer's city",
            "请添加乘车城市与发卡城市均为本市的行",
        )
    for family in sorted({row.family for row in accepted} - {"", *_judged(rules)}):
        yield Finding.of(
            "family-not-judged",
            f"acceptance.csv has a row for {family}, and no gate judges that family",
            f"acceptance.csv 有 {family} 的行，但闸机不受理该码类",
            "Add it to families in [limits], or take the row away",
            "请将其加入 [limits] 的 families，或删除该行",
        )
    families = {row.family for row in accepted}
    for family in sorted(_judged(rules) - families if "" not in families else ()):
        yield Finding.of(
            "family-nobody-accepts",
            f"gates judge {family}, and no row accepts its codes",
            f"闸机受理 {family}，但没有任何行准许该码类",
            "Add a row with that family, or take it out of families in [limits]",
            "请添加该码类的行，或将其移出 [limits] 的 families",
        )
    somewhere = {row.issuer_city for row in accepted if row.family in ("", "ministry")}
    for pair in rules.whitelist:
        if pair.city and pair.city not in somewhere:
            yield Finding.of(
                "issuer-nobody-accepts",
                f"{words.pair(pair)} is on the whitelist, and no city accepts its codes",
                f"{words.pair(pair)} 在白名单中，但没有城市受理",
                "Add its city to acceptance.csv, or take it off the whitelist",
                "请在 acceptance.csv 添加其城市，或将其移出白名单",
            )


def _judged(rules: Rules) -> frozenset[str]:
    """The families that gates judge, the unified platform's form by the name that acceptance has for it."""
    return frozenset("ministry" if family == "unified" else family for family in rules.limits.families)


def _entries(held: _Held) -> Iterator[Finding]:
    """Metros that need to know where a rider entered."""
    rules, words = held.rules, held.words
    if not any(fare.mode is Mode.METRO and fare.table for fare in rules.fares):
        return
    decoded = {decoder.organisation for decoder in rules.decoders}
    for organisation in sorted({p.organisation for p in rules.whitelist if Mode.METRO in p.modes} - decoded):
        yield Finding.of(
            "no-decoder",
            f"{words.organisation(organisation)} rides metros, and no decoder reads its entries",
            f"{words.organisation(organisation)} 可乘地铁，但没有解码器读取其进站信息",
            "Add its row to decoders.csv, or modes `bus` in whitelist.csv",
            "请在 decoders.csv 添加其行，或在 whitelist.csv 将 modes 设为 bus",
        )


def _riders(held: _Held) -> Iterator[Finding]:
    rules = held.rules
    for row in rules.concessions:
        kind = row.account_type
        if kind is not None and kind < _SUISHEN_TYPES and kind not in rules.limits.account_types:
            yield Finding.of(
                "account-type-refused",
                f"{row.rule} is for account type 0x{kind:02X}, which the limits refuse",
                f"{row.rule} 针对账户类型 0x{kind:02X}，而 limits 不受理该类型",
                "Add it to account_types in [limits]",
                "请将其加入 [limits] 的 account_types",
            )
    for text in loose_ends(rules):
        yield Finding(
            name="loose-group",
            text=text,
            remedy=Text("Complete groups.csv or concessions.csv", "请补全 groups.csv 或 concessions.csv"),
        )
