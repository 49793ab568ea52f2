"""A set of parameters as a page that a person reads before it is given out."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby

from yima.sdk.parameters.compile import Opened
from yima.sdk.parameters.wording import (
    MODES,
    Wording,
    calendar_lines,
    day,
    habit_lines,
    money,
    period,
    ranges_of,
)
from yima.validator.parameters.family_rules import read
from yima.validator.parameters.image import build
from yima.validator.parameters.rules import OPEN, Limits, Matrix, Rules, Stage

_MATRIX_SHOWN = 24  # stations; a wider matrix is told by its size
_REPLACES = "  replaces 取代        what waits on devices 终端上等待中的包"


def page(opened: Opened) -> str:
    """The page, lines of text ending with one line break."""
    return "\n".join(_lines(opened)) + "\n"


def _lines(opened: Opened) -> Iterator[str]:
    rules, words = opened.rules, Wording(opened.rules)
    yield f"{opened.name}"
    yield f"  environment 环境    {rules.environment}"
    yield f"  version 版本        {rules.version}"
    yield f"  for 适用            {words.city(opened.city)}"
    yield from _validity(opened)
    yield from _section("Limits 限制", limits(rules.limits))
    if rules.reader:
        yield from _section("Reader 读码器", [words.reader(rules.reader)])
    yield from _section("Root keys 根公钥", roots(rules), empty="none: every code is refused 无，全部拒绝")
    yield from _section("Withdrawn certificates 已吊销证书", map(words.revocation, rules.revoked))
    yield from _section("Institutions 发卡机构", map(words.pair, rules.whitelist), empty="none 无")
    yield from _acceptance(rules, words)
    yield from _section("Fares 票价", map(words.fare, rules.fares), empty="none: every ride is refused 无，全部拒绝")
    for name, stages in rules.stages.items():
        yield from _section(f"Stages 里程票价: {name}", stages_of(stages))
    for name, matrix in rules.matrices.items():
        yield from _section(f"Matrix 票价矩阵: {name}", _matrix(matrix))
    yield from _section("Days 日历", calendar_lines(rules.calendar))
    yield from _section("Bands of time 时段", bands(rules))
    yield from _section("Tariff 计费", habit_lines(rules.habits))
    yield from _section("Concessions 优惠", map(words.concession, rules.concessions))
    yield from _section("Groups 群体", groups(rules))
    yield from _section("Entry and exit 进出站", map(words.journey, rules.journeys))
    yield from _section("Issuers' own data 自定义域", map(words.decoder, rules.decoders))
    yield from _section("Time bases 时间基准", shifts(rules, words))
    yield from _section("Other families 其他码", families(rules, words))
    yield from _section(f"Deny-list 黑名单 ({len(rules.deny)})", _first(map(words.accounts, rules.deny)))


def _section(title: str, lines: Iterable[str], empty: str = "") -> Iterator[str]:
    found = list(lines) or ([empty] if empty else [])
    if found:
        yield ""
        yield title
        yield from (f"  {line}" for line in found)


def _first(lines: Iterable[str], most: int = 20) -> Iterator[str]:
    for number, line in enumerate(lines):
        if number == most:
            yield "…"
            return
        yield line


def _validity(opened: Opened) -> Iterator[str]:
    if package := opened.package:
        yield f"  valid 有效期        {day(package.not_before)} – {day(package.expiry)} UTC+8"
        yield f"  after 上一版本      {package.previous}"
        if package.replaces:
            yield _REPLACES
        yield f"  next signers 下次签名者 {package.needed} of {', '.join(key.hex() for key in package.keys)}"
        yield f"  id 标识             {package.id.hex()}"
    elif source := opened.source:
        yield f"  valid 有效期        {day(source.not_before)} – {day(source.expiry)} UTC+8"
        if source.replaces:
            yield _REPLACES


def limits(found: Limits) -> list[str]:
    """The limits, one a line."""
    families = ", ".join(found.families)
    lines = [
        f"families 码类: {families}",
        f"versions 版本号: {' '.join(f'0x{version:02X}' for version in found.versions)}",
        f"account types 账户类型: {' '.join(f'0x{kind:02X}' for kind in found.account_types)}",
        f"validity of one code 单码有效期: at most 最多 {found.max_validity_s} s",
        f"phone's clock ahead 手机时间超前: at most 最多 {found.future_tolerance_s} s",
        f"same presentation 同一次出示: {found.debounce_ms} ms",
    ]
    if found.account_interval_s:
        lines.append(f"same account again 同一账户间隔: {found.account_interval_s} s")
    if found.lists_max_age_s:
        lines.append(f"deny-list at most 黑名单最长 {found.lists_max_age_s} s old")
    if found.lists_issued_at:
        lines.append(f"deny-list issued 黑名单制作: {day(found.lists_issued_at)}")
    lines.append(f"room for 可记忆 {found.taps_per_minute} rides a minute 次/分钟")
    if found.offline_max_s:
        lines.append(f"offline at most 离线最长 {found.offline_max_s} s")
    return lines


def roots(rules: Rules) -> Iterator[str]:
    """The root keys, one a line."""
    for root in rules.roots.values():
        until = "no expiry known 无失效日期" if root.expires is None else "until 至 {}-{:02}".format(*root.expires)
        yield f"{root.index}: {root.key.hex()[:16]}… {until}"


def _acceptance(rules: Rules, words: Wording) -> Iterator[str]:
    title = "Accepted 互通"
    if rules.acceptance is None:
        yield from _section(title, ["every issuer everywhere 所有机构，所有城市"])
        return
    lines = []
    rows = sorted(
        rules.acceptance,
        key=lambda row: (row.riding_city, row.mode, row.family, row.from_s, row.to_s, row.issuer_city),
    )
    for (riding, mode), inside in groupby(rows, key=lambda row: (row.riding_city, row.mode)):
        lines.append(f"{words.city(riding)} {MODES[mode]}")
        for (family, from_s, to_s), same in groupby(inside, key=lambda row: (row.family, row.from_s, row.to_s)):
            when = period(from_s, to_s) or "always 始终"
            only = f"{family} only 仅, " if family else ""
            lines.append(f"  {only}{when}: {', '.join(words.city(row.issuer_city) for row in same)}")
    yield from _section(title, lines, empty="nobody 无")


def stages_of(stages: Iterable[Stage]) -> Iterator[str]:
    """A table of stages, one a line."""
    for stage in sorted(stages, key=lambda stage: OPEN if stage.up_to_m is None else stage.up_to_m):
        reach = "beyond 以上" if stage.up_to_m is None else f"up to 至 {stage.up_to_m} m"
        yield f"{reach}: {money(stage.fen)}"


def _matrix(matrix: Matrix) -> Iterator[str]:
    size = len(matrix.stations)
    fares = [fen for row in matrix.fares for fen in row if fen is not None]
    span = f"{money(min(fares))} – {money(max(fares))}" if fares else "no ride 无票价"
    yield f"{size} stations 站, {len(fares)} fares 个票价, {span}"
    if size <= _MATRIX_SHOWN:
        yield "entry\\exit".rjust(10) + "".join(f"{station:7}" for station in matrix.stations)
        for station, row in zip(matrix.stations, matrix.fares, strict=True):
            yield f"{station:10}" + "".join(f"{'-' if fen is None else fen:>7}" for fen in row)


def bands(rules: Rules) -> Iterator[str]:
    """The bands of time, one a line."""
    for name, ranges in sorted(rules.bands.items()):
        yield f"{name}: {ranges_of(ranges)}"


def groups(rules: Rules) -> Iterator[str]:
    """How many accounts or ranges are in each group, one a line."""
    counts = Counter(group for member in rules.members for group in member.groups)
    for group in sorted(counts):
        yield f"{group}: {counts[group]} accounts or ranges 个账户或区间"


def shifts(rules: Rules, words: Wording) -> Iterator[str]:
    """Time bases granted to institutions, one a line."""
    for organisation, seconds in rules.time_shifts.items():
        hours = ", ".join(f"{shift / 3600:+g} h" for shift in sorted(seconds))
        yield f"{words.organisation(organisation)}: UTC, {hours}"


def families(rules: Rules, words: Wording) -> Iterator[str]:
    """What is loaded for other families, one a line."""
    found = read(build(Rules(environment=rules.environment, version=0, other=rules.other)))
    for outer in found.suishen_keys:
        yield f"suishen outer key 外层公钥 {outer.index}: {outer.key.hex()[:16]}…"
    for transport in found.transport_keys:
        modes = ", ".join(MODES[mode] for mode in transport.modes)
        yield f"suishen transport key 交通公钥 {transport.index}: {transport.key.hex()[:16]}… {modes}"
    for old in found.ministry_226_keys:
        place = f"{words.city(old.city)}, {money(old.cap_fen)}"
        yield f"226-byte form key 旧版公钥 {old.key_id}: {old.key.hex()[:16]}… {place}"
    for asked in found.resolved:
        risk = f"{asked.at_risk_rides} rides 次, {money(asked.at_risk_fen)}" if asked.at_risk_rides else "refused 拒绝"
        yield (
            f"{asked.family} {asked.prefix!r}: {words.city(asked.city)}, answer within {asked.deadline_ms} ms, "
            f"unreachable 无法核验: {risk}"
        )
