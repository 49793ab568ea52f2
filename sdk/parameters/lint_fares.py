"""Warnings about fares: amounts that are yuan, months without a fare, stations that a matrix does not have."""

from collections.abc import Collection, Iterable, Iterator

from yima.sdk.parameters.lint_names import Finding
from yima.sdk.parameters.wording import MODES, Wording, day, money
from yima.validator.parameters.rules import OPEN, Fare, FareKind, LabelKind, Mode, Rules

YUAN_MOST = 20
"""A table whose dearest fare is no more fen than this was written in yuan: nothing costs ¥0.20 any more."""
DEAR_FEN = {Mode.BUS: 3000, Mode.METRO: 5000}
"""Fares above are unlikely: a bus within a city, a metro over its longest distance."""


def fare_findings(
    rules: Rules, not_before: int, expiry: int, words: Wording, modes: Collection[Mode] = tuple(Mode)
) -> Iterator[Finding]:
    """All of them. not_before, expiry: when the parameters hold, unix seconds. modes: of the gates that there are."""
    yield from _amounts(rules)
    yield from _gaps(rules, not_before, expiry, words, modes)
    yield from _never(rules, not_before, expiry)
    yield from _caps(rules)
    yield from _tables(rules)
    yield from gap_findings(rules, words)


def prices(rules: Rules, fare: Fare) -> list[int]:
    """What rides can cost by this rule, in fen."""
    if fare.kind is FareKind.FLAT:
        return [fare.fen]
    if fare.kind is FareKind.STAGES:
        return [stage.fen for stage in rules.stages.get(fare.table, ())]
    matrix = rules.matrices.get(fare.table)
    return [fen for row in matrix.fares for fen in row if fen is not None] if matrix else []


def _amounts(rules: Rules) -> Iterator[Finding]:
    for fare in rules.fares:
        dearest = max(prices(rules, fare), default=0)
        if 0 < dearest <= YUAN_MOST:
            yield Finding.of(
                "in-yuan",
                f"{fare.rule}: no ride costs more than {money(dearest)}",
                f"{fare.rule}：票价最高仅 {money(dearest)}",
                "Write fen, not yuan: 200 is ¥2.00",
                "金额单位为分：200 即 ¥2.00",
            )
        if dearest > DEAR_FEN[fare.mode]:
            yield Finding.of(
                "dear-fare",
                f"{fare.rule}: a {fare.mode} ride for {money(dearest)}",
                f"{fare.rule}：{MODES[fare.mode]} 票价高达 {money(dearest)}",
                "Write fen: 200 is ¥2.00; silence it if it is meant",
                "金额单位为分：200 即 ¥2.00；如属实请忽略此警告",
            )


def _gaps(rules: Rules, begin: int, end: int, words: Wording, modes: Collection[Mode]) -> Iterator[Finding]:
    for mode in modes:
        if not any(fare.mode is mode for fare in rules.fares):
            yield Finding.of(
                "no-fare",
                f"no fare for {mode}: its gates refuse everybody",
                f"没有 {MODES[mode]} 票价，其闸机将拒绝所有人",
                "Add a row to fares.csv, or silence it where nobody rides it",
                "请在 fares.csv 添加行；若无此方式请忽略此警告",
            )
    for mode, city, line in sorted({(fare.mode, fare.city, fare.line) for fare in rules.fares}):
        broader = {(mode, city, line), (mode, city, 0), (mode, 0, 0)}
        held = [(f.from_s, f.to_s) for f in rules.fares if (f.mode, f.city, f.line) in broader and not f.when]
        where = words.line(mode, city, line) if line else words.city(city)
        for first, last in uncovered(held, begin, end):
            until = "" if last == OPEN else day(last)
            yield Finding.of(
                "fare-gap",
                f"no fare for {mode}, {where}, from {day(first)} to {until or 'ever'}",
                f"{MODES[mode]}，{where}：{day(first)} 至 {until or '永久'} 没有票价",
                "Let `to` of one row be `from` of the next",
                "请使前一行的 to 等于后一行的 from",
            )


def uncovered(held: Iterable[tuple[int, int]], begin: int, end: int) -> list[tuple[int, int]]:
    """What of the time from begin to end none of these covers."""
    gaps, at = [], begin
    for first, last in sorted(held):
        if first > at and at < end:
            gaps.append((at, min(first, end)))
        at = max(at, last)
    return [*gaps, (at, end)] if at < end else gaps


def _never(rules: Rules, begin: int, end: int) -> Iterator[Finding]:
    for name, rows in (("fares.csv", rules.fares), ("concessions.csv", rules.concessions)):
        for row in rows:
            if row.to_s <= begin or row.from_s >= end:
                yield Finding.of(
                    "never-holds",
                    f"{name}: {row.rule} holds at no time at which the package does",
                    f"{name}：{row.rule} 在参数包有效期内从不生效",
                    "Take the row out, or correct its dates",
                    "请删除该行或更正日期",
                )


def _caps(rules: Rules) -> Iterator[Finding]:
    for journey in rules.journeys:
        fares = [f for f in rules.fares if f.mode is journey.mode and f.city in {0, journey.city or f.city}]
        dearest = max((fen for fare in fares for fen in prices(rules, fare)), default=0)
        if 0 < journey.entry_cap_fen < dearest:
            yield Finding.of(
                "entry-cap-below-fare",
                f"{journey.rule}: {money(journey.entry_cap_fen)} lets a rider in, the dearest ride is {money(dearest)}",
                f"{journey.rule}：限额 {money(journey.entry_cap_fen)} 即可进站，而最高票价为 {money(dearest)}",
                f"Write {dearest} into entry_cap_fen: such riders cannot leave",
                f"请将 entry_cap_fen 设为 {dearest}，否则乘客无法出站",
            )


def _tables(rules: Rules) -> Iterator[Finding]:
    named = {fare.table for fare in rules.fares}
    for name in sorted({*rules.stages, *rules.matrices} - named):
        yield Finding.of(
            "unused-table",
            f"no fare names the table {name}",
            f"没有票价使用表 {name}",
            "Name it in fares.csv, or take it out",
            "请在 fares.csv 中使用，或删除该表",
        )


def _by_distance(rules: Rules, words: Wording) -> Iterator[Finding]:
    """Lines that are paid by distance: one without stations, one that is longer than its table."""
    for fare in rules.fares:
        if fare.kind is not FareKind.STAGES:
            continue
        places = [
            one for one in rules.stations
            if one.mode is fare.mode and fare.city in {0, one.city} and fare.line in {0, one.line}
        ]  # fmt: skip
        where = words.line(fare.mode, fare.city, fare.line) if fare.line else words.city(fare.city)
        if not places:
            yield Finding.of(
                "line-without-stations",
                f"{fare.rule} goes by distance, and {where} has no station with metres: nobody has a fare",
                f"{fare.rule} 按里程计费，而 {where} 没有带里程的站点：所有行程均无票价",
                "Add its stops with metres to stations.csv",
                "请在 stations.csv 添加其站点与里程",
            )
        ends = [stage.up_to_m for stage in rules.stages.get(fare.table, ())]
        spans: dict[tuple[int, int], list[int]] = {}
        for one in places:
            spans.setdefault((one.city, one.line), []).append(one.metres)
        longest = max((max(metres) - min(metres) for metres in spans.values()), default=0)
        if ends and None not in ends and longest > max(end for end in ends if end is not None):
            yield Finding.of(
                "beyond-stages",
                f"{fare.rule}: rides of up to {longest} m, and table {fare.table} ends before: they have no fare",
                f"{fare.rule}：行程可达 {longest} 米，而表 {fare.table} 未覆盖：此类行程没有票价",
                "Add rows to stages.csv, the last one `rest`",
                "请在 stages.csv 补充各行，最后一行写 rest",
            )


def gap_findings(rules: Rules, words: Wording) -> Iterator[Finding]:
    """Cells that are empty, and stations that a fare's table does not have: a rider between them has no fare."""
    for name, matrix in rules.matrices.items():
        empty = [
            (a, b)
            for a, row in zip(matrix.stations, matrix.fares, strict=True)
            for b, fen in zip(matrix.stations, row, strict=True)
            if fen is None and a != b
        ]
        if empty:
            a, b = empty[0]
            yield Finding.of(
                "missing-cell",
                f"matrix-{name}.csv: {len(empty)} pairs have no fare, the first {a} to {b}",
                f"matrix-{name}.csv：{len(empty)} 对站点没有票价，首个为 {a} 至 {b}",
                "Fill the cells; silence it if there is no such ride",
                "请补全单元格；若确无此行程请忽略此警告",
            )
    yield from _by_distance(rules, words)
    for fare in rules.fares:
        known = {
            key.station
            for key in rules.labels
            if key.kind is LabelKind.STATION
            and (key.number, key.mode) == (fare.city, fare.mode)
            and (not fare.line or key.line == fare.line)
        }
        table = rules.matrices.get(fare.table) if fare.kind is FareKind.MATRIX else None
        missing = sorted(known - set(table.stations)) if table else []
        if missing:
            shown = words.station(fare.mode, fare.city, 0, missing[0])
            yield Finding.of(
                "unknown-station",
                f"{len(missing)} stations are not in matrix-{fare.table}.csv, the first {shown}",
                f"{len(missing)} 个站点不在 matrix-{fare.table}.csv 中，首个为 {shown}",
                "Add them to the matrix: riders there have no fare",
                "请加入矩阵，否则这些站点没有票价",
            )
