"""What changes from one set of parameters to another: what a rider would notice, and what an operator would.

Rules it keeps:
- Rules are compared as what they say, line by line, so the order in which they were written down is no change.
- Of large tables (matrices, the deny-list) it says how many entries change, with the first few.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from yima.sdk.parameters.compile import Opened
from yima.sdk.parameters.diff_parts import in_parts
from yima.sdk.parameters.diff_summary import summary
from yima.sdk.parameters.show import bands, families, limits, roots, shifts, stages_of
from yima.sdk.parameters.wording import Wording, calendar_lines, day, habit_lines, money
from yima.validator.parameters import sections
from yima.validator.parameters.members import group_names, member_rows, members_in, merged
from yima.validator.parameters.rules import Acceptance, Mode, Rules, Station
from yima.validator.texts import Text

_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one part says no more, and what it says now. of_rider: whether a rider would notice."""

    part: Text
    of_rider: bool
    gone: Sequence[str]
    new: Sequence[str]


def changes(old: Opened, new: Opened) -> list[Change]:
    """All that changes, in the order of a page."""
    found = []
    for part, of_rider, before, after in _parts(old, new):
        gone, added = _beyond(before, after), _beyond(after, before)
        if gone or added:
            found.append(Change(part=part, of_rider=of_rider, gone=gone, new=added))
    return found


def report(old: Opened, new: Opened) -> str:
    """The changes as text; one line if there are none."""
    found = changes(old, new)
    lines = [f"{old.name} → {new.name}"]
    if not found:
        lines.append("nothing that anybody would notice 没有可感知的变化")
    words = Wording(replace(new.rules, labels={**old.rules.labels, **new.rules.labels}))
    sentences = list(summary(old.rules, new.rules, words))
    if sentences:
        lines += ["", "In words 概要", *(f"  {text.en}; {text.zh}" for text in sentences)]
    for of_rider, title in ((True, "A rider notices 乘客可感知"), (False, "An operator notices 运营方可感知")):
        parts = [change for change in found if change.of_rider is of_rider]
        if parts:
            lines += ["", title]
        for change in parts:
            lines.append(f"  {change.part.en} {change.part.zh}")
            lines += [f"    - {line}" for line in _first(change.gone)]
            lines += [f"    + {line}" for line in _first(change.new)]
    if new.source or new.package:
        said = in_parts(old, new)
        lines += ["", "Part by part 分段", *(f"  {text.en}; {text.zh}" for text in said)] if said else []
    return "\n".join(lines) + "\n"


def _first(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _SHOWN
    return [*lines[:_SHOWN], *([f"… and {more} more 另有 {more} 项"] if more > 0 else [])]


def _beyond(lines: Iterable[object], others: Iterable[object]) -> list[str]:
    there = set(others)
    return [str(line) for line in dict.fromkeys(lines) if line not in there]


@dataclass(frozen=True, slots=True)
class _Accounts:
    """A line of accounts: compared by what they are, shown masked."""

    first: bytes
    last: bytes
    group: str = ""

    def __str__(self) -> str:
        return (f"{self.group}: " if self.group else "") + Wording.accounts((self.first, self.last))


def _members(rules: Rules) -> Iterator[_Accounts]:
    # As a package has them: who wrote which ranges, and for a group that nothing asks for, is no change.
    names = group_names(rules.concessions)
    for member in members_in(map(sections.MEMBERS.read, member_rows(rules.members, names)), names):
        yield from (_Accounts(member.first, member.last, group) for group in member.groups)


def _accepted(rules: Rules, words: Wording) -> Iterator[str]:
    if rules.acceptance is None:
        yield "every issuer everywhere 所有机构，所有城市"
    rows: Sequence[Acceptance] = rules.acceptance or ()
    yield from map(words.acceptance, rows)


def _stages(rules: Rules) -> Iterator[str]:
    for name, stages in rules.stages.items():
        yield from (f"{name}: {line}" for line in stages_of(stages))


def _matrices(rules: Rules, words: Wording) -> Iterator[str]:
    for name, matrix in rules.matrices.items():
        fare = next((fare for fare in rules.fares if fare.table == name), None)
        mode, city = (fare.mode, fare.city) if fare else (Mode.METRO, 0)
        stations = [words.station(mode, city, 0, station) for station in matrix.stations]
        for entry, row in zip(stations, matrix.fares, strict=True):
            yield from (
                f"{name}: {entry} → {exit_} {money(fen)}"
                for exit_, fen in zip(stations, row, strict=True)
                if fen is not None
            )


def _station(station: Station) -> str:
    return f"{station.mode} {station.city} {station.line}/{station.station}: {station.metres} m"


def _head(opened: Opened, *, signed: bool) -> list[str]:
    lines = [f"environment 环境 {opened.rules.environment}", f"version 版本 {opened.rules.version}"]
    lines.append(f"for 适用 {opened.city or 'any city 任何城市'}")
    if place := opened.package or opened.source:
        lines.append(f"valid 有效期 {day(place.not_before)} – {day(place.expiry)} UTC+8")
        if place.replaces:
            lines.append("gives up what waits on devices 取代终端上等待中的包")
    if opened.package and signed:
        lines += [f"next signer 下次签名者 {key.hex()}" for key in opened.package.keys]
        lines.append(f"next signatures needed 下次所需签名数 {opened.package.needed}")
    return lines


# What is compared: its name, whether a rider would notice, and its lines.
_PARTS: tuple[tuple[Text, bool, Callable[[Rules, Wording], Iterable[object]]], ...] = (
    (Text("institutions", "发卡机构"), True, lambda rules, words: map(words.pair, rules.whitelist)),
    (Text("accepted", "互通"), True, _accepted),
    (Text("withdrawn", "吊销"), True, lambda rules, words: map(words.revocation, rules.revoked)),
    (Text("fares", "票价"), True, lambda rules, words: map(words.fare, rules.fares)),
    (Text("stages", "里程票价"), True, lambda rules, words: _stages(rules)),
    (Text("matrices", "票价矩阵"), True, _matrices),
    (Text("days", "日历"), True, lambda rules, words: calendar_lines(rules.calendar)),
    (Text("bands of time", "时段"), True, lambda rules, words: bands(rules)),
    (Text("tariff", "计费"), True, lambda rules, words: habit_lines(rules.habits)),
    (Text("concessions", "优惠"), True, lambda rules, words: map(words.concession, rules.concessions)),
    (Text("groups", "群体"), True, lambda rules, words: _members(rules)),
    (Text("entry and exit", "进出站"), True, lambda rules, words: map(words.journey, rules.journeys)),
    (Text("limits", "限制"), True, lambda rules, words: limits(rules.limits)),
    (Text("deny-list", "黑名单"), True, lambda rules, words: (_Accounts(*ends) for ends in merged(rules.deny))),
    (Text("root keys", "根公钥"), False, lambda rules, words: roots(rules)),
    (Text("stations", "站点"), False, lambda rules, words: map(_station, rules.stations)),
    (Text("issuers' own data", "自定义域"), False, lambda rules, words: map(words.decoder, rules.decoders)),
    (Text("time bases", "时间基准"), False, shifts),
    (Text("other families", "其他码"), False, families),
    (Text("reader", "读码器"), False, lambda rules, words: [words.reader(rules.reader)] if rules.reader else []),
)


def _parts(old: Opened, new: Opened) -> Iterator[tuple[Text, bool, Sequence[object], Sequence[object]]]:
    # One set of names for both, the newer first: a city that is called another thing is no change of a rule.
    words = Wording(replace(new.rules, labels={**old.rules.labels, **new.rules.labels}))
    signed = bool(old.package and new.package)  # a source does not say who will sign
    yield Text("package", "参数包"), False, _head(old, signed=signed), _head(new, signed=signed)
    for part, of_rider, lines in _PARTS:
        yield part, of_rider, list(lines(old.rules, words)), list(lines(new.rules, words))
