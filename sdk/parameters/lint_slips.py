"""Warnings about slips of a pen: hours for seconds, halves written 0.5, a line at one place, a table that is turned.

They are for who signs. A gate does not say them again: the source may have silenced them, which no package tells.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

from yima.sdk.parameters.lint_fares import prices
from yima.sdk.parameters.lint_names import Finding
from yima.sdk.parameters.wording import Wording, day, money
from yima.validator.parameters.rules import OPEN, Calendar, Concession, LabelKind, Matrix, Mode, Rules

_SPLIT_MOST = 120  # stations, of which every three are looked at
_JOURNEY_LEAST_S, _VALIDITY_LEAST_S = 1800, 60
_GAP_MOST_S = 31 * 86400
_WEEKEND = (5, 6)


def slip_findings(rules: Rules, words: Wording) -> Iterator[Finding]:
    """All of them."""
    yield from _matrices(rules)
    yield from _lines(rules, words)
    yield from _stages(rules)
    yield from _free(rules)
    yield from _reductions(rules)
    yield from _concession_gaps(rules)
    yield from _journeys(rules)
    if rules.calendar:
        yield from _calendar(rules.calendar)


def _matrices(rules: Rules) -> Iterator[Finding]:
    for name, matrix in rules.matrices.items():
        fares = {
            (a, b): fen
            for a, row in zip(matrix.stations, matrix.fares, strict=True)
            for b, fen in zip(matrix.stations, row, strict=True)
        }
        uneven = [
            (a, b) for (a, b), fen in fares.items() if a < b and fen != fares[b, a] and None not in (fen, fares[b, a])
        ]
        if uneven:
            a, b = uneven[0]
            yield Finding.of(
                "uneven-matrix",
                f"matrix {name}: {len(uneven)} pairs cost another fare on the way back, the first {a} and {b}",
                f"矩阵 {name}：{len(uneven)} 对站点往返票价不同，首个为 {a} 与 {b}",
                "Check that rows and columns name the stations in the same order",
                "请核对行与列的站号顺序是否一致",
            )
        if len(matrix.stations) > 2 and len(set(fares.values()) - {None}) == 1:
            yield Finding.of(
                "one-fare",
                f"matrix {name}: every ride costs the same",
                f"矩阵 {name}：所有行程票价相同",
                "Write metres into network.csv, not kilometres; a flat fare needs no matrix",
                "network.csv 的单位为米而非公里；一票制无需矩阵",
            )
        if split := _split(matrix):
            a, b, c = split
            yield Finding.of(
                "split-cheaper",
                f"matrix {name}: from {a} to {b} is dearer than by {c} with two rides",
                f"矩阵 {name}：{a} 至 {b} 的票价高于在 {c} 分两段乘坐",
                "Correct the cells; silence it if the tariff is so",
                "请更正单元格；若票价确实如此请忽略此警告",
            )


def _split(matrix: Matrix) -> tuple[int, int, int] | None:
    """Two stations, and a third at which leaving and entering anew makes the ride cheaper."""
    if len(matrix.stations) > _SPLIT_MOST:
        return None
    dear = 1 << 30
    rows = [[dear if fen is None else fen for fen in row] for row in matrix.fares]
    to = [list(column) for column in zip(*rows, strict=True)]
    for a, row in enumerate(rows):
        for b, column in enumerate(to):
            if a != b and row[b] < dear and (least := min(map(sum, zip(row, column, strict=True)))) < row[b]:
                by = next(c for c in range(len(row)) if row[c] + column[c] == least)
                return matrix.stations[a], matrix.stations[b], matrix.stations[by]
    return None


def _lines(rules: Rules, words: Wording) -> Iterator[Finding]:
    at: dict[tuple[Mode, int, int, int], list[int]] = defaultdict(list)
    for one in rules.stations:
        at[one.mode, one.city, one.line, one.metres].append(one.station)
    for (mode, city, line, metres), stations in at.items():
        if len(stations) > 1:
            where = words.line(mode, city, line)
            yield Finding.of(
                "same-metres",
                f"{where}: stations {stations[0]} and {stations[1]} both lie at {metres} m",
                f"{where}：站点 {stations[0]} 与 {stations[1]} 都位于 {metres} 米",
                "Write metres from the start of the line",
                "请填写距线路起点的米数",
            )
    called: dict[tuple[Mode | None, int, int, str], list[int]] = defaultdict(list)
    for key, name in rules.labels.items():
        if key.kind is LabelKind.STATION:
            called[key.mode, key.number, key.line, name].append(key.station)
    for (_, _, _, name), stations in called.items():
        if len(set(stations)) > 1:
            yield Finding.of(
                "same-name",
                f"stations {stations[0]} and {stations[1]} are both called {name}",
                f"站点 {stations[0]} 与 {stations[1]} 同名：{name}",
                "Correct one of the two; silence it where a line has two of a name",
                "请更正其一；若同一线路确有同名站请忽略此警告",
            )
    known = {(fare.city, fare.line) for fare in rules.fares} | {(one.city, one.line) for one in rules.stations}
    known |= {(key.number, key.line) for key in rules.labels if key.kind in {LabelKind.LINE, LabelKind.STATION}}
    for row in rules.concessions:
        if row.line and (row.riding_city, row.line) not in known:
            yield Finding.of(
                "unknown-line",
                f"{row.rule} is for line {row.line}, which neither fares nor stations know",
                f"{row.rule} 针对线路 {row.line}，而票价与站点中均无该线路",
                "Correct the line, or name it in lines.csv",
                "请更正线路号，或在 lines.csv 中登记",
            )


def _stages(rules: Rules) -> Iterator[Finding]:
    for name, stages in rules.stages.items():
        ordered = sorted(stages, key=lambda stage: OPEN if stage.up_to_m is None else stage.up_to_m)
        fens = [stage.fen for stage in ordered]
        if fens != sorted(fens):
            yield Finding.of(
                "stages-fall",
                f"table {name}: a longer ride costs less",
                f"表 {name}：里程更长而票价更低",
                "Correct up_to_m or fen",
                "请更正 up_to_m 或 fen",
            )


def _free(rules: Rules) -> Iterator[Finding]:
    for fare in rules.fares:
        found = prices(rules, fare)
        if found and not max(found):
            yield Finding.of(
                "free-fare",
                f"{fare.rule}: every ride costs nothing",
                f"{fare.rule}：所有行程免费",
                "Write the fare in fen; silence it if rides are free",
                "请填写票价（分）；若确为免费请忽略此警告",
            )


def _is_for_all(row: Concession) -> bool:
    return row.account_type is None and not (row.group or row.organisation or row.issuer_city or row.when)


def _reductions(rules: Rules) -> Iterator[Finding]:
    for row in rules.concessions:
        if row.percent is not None and 0 < row.percent < 1:
            yield Finding.of(
                "percent-below-one",
                f"{row.rule}: {row.percent:g}% of the fare remain",
                f"{row.rule}：仅付票价的 {row.percent:g}%",
                "Write percent: half is 50",
                "请写百分数：半价为 50",
            )
        if row.percent == 0 and _is_for_all(row):
            yield Finding.of(
                "free-for-all",
                f"{row.rule} names no riders: everybody rides for nothing",
                f"{row.rule} 未限定乘客：所有人免费",
                "Name an account type, a group or an issuer; silence it on a free day",
                "请指定账户类型、群体或发卡方；若为免费日请忽略此警告",
            )
        fares = [fare for fare in rules.fares if row.mode in {None, fare.mode} and row.riding_city in {0, fare.city}]
        dearest = max((fen for fare in fares for fen in prices(rules, fare)), default=0)
        if row.percent == 100 or (row.percent is None and 0 < dearest <= row.fen):
            yield Finding.of(
                "no-reduction",
                f"{row.rule} takes nothing off: the dearest ride costs {money(dearest)}",
                f"{row.rule} 没有任何减免：最高票价为 {money(dearest)}",
                "Correct percent or fen",
                "请更正 percent 或 fen",
            )


def _concession_gaps(rules: Rules) -> Iterator[Finding]:
    held: dict[tuple[object, ...], list[Concession]] = defaultdict(list)
    for row in rules.concessions:
        who = (row.account_type, row.group, row.organisation, row.issuer_city, row.line, row.riding_city, row.mode)
        held[*who, row.when].append(row)
    for rows in held.values():
        ordered = sorted(rows, key=lambda row: row.from_s)
        for row, following in pairwise(ordered):
            if 0 < following.from_s - row.to_s <= _GAP_MOST_S:
                yield Finding.of(
                    "concession-gap",
                    f"{row.rule}: nothing holds from {day(row.to_s)} to {day(following.from_s)}",
                    f"{row.rule}：{day(row.to_s)} 至 {day(following.from_s)} 没有优惠",
                    "Let `to` of one row be `from` of the next: it is the first day that no longer counts",
                    "请使前一行的 to 等于后一行的 from：to 是不再生效的第一天",
                )


def _journeys(rules: Rules) -> Iterator[Finding]:
    for row in rules.journeys:
        if row.over_time_fen and not row.longest_s:
            yield Finding.of(
                "never-over-time",
                f"{row.rule}: over_time_fen is never charged without longest_s",
                f"{row.rule}：未填 longest_s，over_time_fen 不会生效",
                "Write the longest journey in seconds",
                "请填写最长乘车时间（秒）",
            )
        if 0 < row.longest_s < _JOURNEY_LEAST_S:
            yield Finding.of(
                "short-journey",
                f"{row.rule}: a journey is over time after {row.longest_s} s",
                f"{row.rule}：乘车 {row.longest_s} 秒即超时",
                "Write seconds: four hours are 14400",
                "单位为秒：4 小时即 14400",
            )
    if rules.limits.max_validity_s < _VALIDITY_LEAST_S:
        yield Finding.of(
            "short-validity",
            f"max_validity_s is {rules.limits.max_validity_s}: codes that hold longer are refused",
            f"max_validity_s 为 {rules.limits.max_validity_s}：有效期更长的码将被拒绝",
            "Write seconds: 20 minutes are 1200",
            "单位为秒：20 分钟即 1200",
        )


def _calendar(calendar: Calendar) -> Iterator[Finding]:
    """A year with a holiday of several working days has Saturdays or Sundays on which people work instead."""
    freed: dict[int, int] = defaultdict(int)
    worked: set[int] = set()
    for first, last, kind in calendar.exceptions:
        for at in range(first, last + 1):
            found = date(1970, 1, 1) + timedelta(days=at)
            if kind != calendar.week[found.weekday()]:
                if found.weekday() in _WEEKEND:
                    worked.add(found.year)
                else:
                    freed[found.year] += 1
    for year in sorted(year for year, days in freed.items() if days > 3 and year not in worked):
        yield Finding.of(
            "no-shifted-days",
            f"calendar.csv: {year} has {freed[year]} free working days and no weekend that is worked for them",
            f"calendar.csv：{year} 年有 {freed[year]} 个工作日放假，却没有调休上班的周末",
            "Add a row for each Saturday and Sunday that is worked",
            "请为每个调休上班的周六、周日添加一行",
        )


SLIPS = frozenset(
    {
        "uneven-matrix", "one-fare", "split-cheaper", "same-metres", "same-name", "unknown-line", "stages-fall",
        "free-fare", "percent-below-one", "free-for-all", "no-reduction", "concession-gap", "never-over-time",
        "short-journey", "short-validity", "no-shifted-days",
    }
)  # fmt: skip
"""Their names."""
