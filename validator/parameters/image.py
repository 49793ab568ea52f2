"""The parameter image: what the core reads in place, built from checked values.

What lies where is told by core/parameters.def, which `sections` brings here; `reading` is the way back.
Values come in checked by this package or yima.sdk.parameters; what does not fit all the same is caught by the core's
own door. The same rules make the same bytes, in whatever order they were written down.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence

from yima.validator import _core
from yima.validator.parameters import sections
from yima.validator.parameters.hours import Hours
from yima.validator.parameters.members import group_names, member_rows, merged
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
    Limits,
    Matrix,
    Mode,
    Pair,
    ReaderProfile,
    Revocation,
    Root,
    Rules,
    Stage,
    Station,
)

ENVIRONMENTS = {"production": 1, "test": 2}
ACCOUNT_SIZE = sections.DENY.key_size
ANY_ACCOUNT_TYPE = sections.CONCESSIONS["account_type"].most
NO_RIDE = 0xFFFF
MODE_NUMBERS = {Mode.BUS: 1, Mode.METRO: 2}
FUNDER_NUMBERS = {funder: number for number, funder in enumerate(Funder, start=1)}
FORM_NUMBERS = {Form.NONE: 0, Form.BINARY: 1, Form.BCD: 2}
RULE_NAME_SIZE = sections.NAMES["name"].size
LABEL_SIZE = sections.LABELS["name"].size
PERCENT, FEN = 1, 2  # what a concession counts in
REFUSE, ACCEPT = 1, 2  # a journey's policies
REVOKED_TOLD = (1, 2)  # bits: the institution is told, the serial is told

JOURNEY_RULES = ("-over-time", "-no-entry", "-unreadable", "-no-exit", "-unpriced")
"""What stands behind a journey's name in the five rules of its row, in their order."""


def number_set(members: Iterable[int]) -> bytes:
    """256 bits, the first byte holding 0 to 7."""
    bits = 0
    for member in members:
        bits |= 1 << member
    return bits.to_bytes(32, "little")


def rule_names(rules: Rules) -> list[str]:
    """The names of all rules, in the order of their numbers (from 1)."""
    named: list[Fare | Concession] = [*rules.fares, *rules.concessions]
    names = {rule.rule for rule in named}
    return sorted(names | {journey.rule + behind for journey in rules.journeys for behind in JOURNEY_RULES})


def _limits(limits: Limits) -> bytes:
    return sections.LIMITS.pack(
        max_validity_s=limits.max_validity_s,
        future_tolerance_s=limits.future_tolerance_s,
        debounce_ms=limits.debounce_ms,
        account_interval_s=limits.account_interval_s,
        versions=number_set(limits.versions),
        account_types=number_set(limits.account_types),
        families=sum(1 << _core.FAMILIES.index(family) for family in set(limits.families)),
        lists_max_age_s=limits.lists_max_age_s,
        lists_issued_at=limits.lists_issued_at,
        offline_max_s=limits.offline_max_s,
        taps_per_minute=limits.taps_per_minute,
    )


def _root(root: Root) -> bytes:
    year, month = root.expires or (2000, 0)
    return sections.ROOTS.pack(index=root.index, expiry_year=year - 2000, expiry_month=month, key=root.key)


def _revocation(row: Revocation) -> bytes:
    of_organisation, of_serial = REVOKED_TOLD
    return sections.REVOKED.pack(
        root=row.root,
        told=of_organisation * bool(row.organisation) + of_serial * bool(row.serial),
        organisation=bytes.fromhex(row.organisation) or bytes(4),
        serial=bytes.fromhex(row.serial) or bytes(3),
        from_s=row.from_s,
        to_s=row.to_s,
    )


def mode_mask(modes: Iterable[Mode]) -> int:
    """One bit a mode."""
    return sum(MODE_NUMBERS[mode] for mode in set(modes))


def _pair(pair: Pair) -> bytes:
    return sections.WHITELIST.pack(
        organisation=bytes.fromhex(pair.organisation),
        platform=bytes.fromhex(pair.platform),
        city=pair.city,
        modes=mode_mask(pair.modes),
    )


def _acceptance(row: Acceptance) -> bytes:
    return sections.ACCEPTANCE.pack(
        riding_city=row.riding_city,
        mode=MODE_NUMBERS[row.mode],
        family=_core.FAMILIES.index(row.family) if row.family else 0,
        issuer_city=row.issuer_city,
        from_s=row.from_s,
        to_s=row.to_s,
    )


class _Numbers:
    """Numbers of names within one image: of rules, of groups, and of tables of stages and matrices."""

    def __init__(self, rules: Rules) -> None:
        self.groups = {name: number for number, name in enumerate(group_names(rules.concessions), start=1)} | {"": 0}
        self._hours = Hours(rules)
        self._rules = {name: number for number, name in enumerate(rule_names(rules), start=1)}
        self.tables = {name: number for number, name in enumerate(sorted({*rules.stages, *rules.matrices}), start=1)}

    def fare(self, fare: Fare) -> bytes:
        return sections.FARES.pack(
            mode=MODE_NUMBERS[fare.mode],
            when=self._hours.number(fare.when),
            line=fare.line,
            city=fare.city,
            from_s=fare.from_s,
            to_s=fare.to_s,
            kind=fare.kind,
            rule=self._rules[fare.rule],
            fen=fare.fen,
            table=0 if fare.kind is FareKind.FLAT else self.tables[fare.table],
        )

    def concession(self, row: Concession) -> bytes:
        return sections.CONCESSIONS.pack(
            account_type=ANY_ACCOUNT_TYPE if row.account_type is None else row.account_type,
            mode=0 if row.mode is None else MODE_NUMBERS[row.mode],
            group=self.groups[row.group],
            when=self._hours.number(row.when),
            line=row.line,
            organisation=bytes.fromhex(row.organisation or "00000000"),
            issuer_city=row.issuer_city,
            riding_city=row.riding_city,
            from_s=row.from_s,
            to_s=row.to_s,
            kind=FEN if row.percent is None else PERCENT,
            funder=FUNDER_NUMBERS[row.funded_by],
            rule=self._rules[row.rule],
            value=row.fen if row.percent is None else round(row.percent * 10),
        )

    def journey(self, row: Journey) -> bytes:
        over_time, no_entry, unreadable, no_exit, unpriced = (self._rules[row.rule + end] for end in JOURNEY_RULES)
        return sections.JOURNEYS.pack(
            mode=MODE_NUMBERS[row.mode],
            city=row.city,
            longest_s=row.longest_s,
            over_time_fen=row.over_time_fen,
            missing_entry_fen=row.missing_entry_fen or 0,
            unreadable_fen=row.unreadable_fen or 0,
            entry_cap_fen=row.entry_cap_fen,
            missing_exit=ACCEPT if row.missing_exit else REFUSE,
            missing_entry=REFUSE if row.missing_entry_fen is None else ACCEPT,
            unreadable=REFUSE if row.unreadable_fen is None else ACCEPT,
            unpriced=ACCEPT if row.unpriced else REFUSE,
            over_time_rule=over_time,
            missing_entry_rule=no_entry,
            unreadable_rule=unreadable,
            missing_exit_rule=no_exit,
            unpriced_rule=unpriced,
        )

    def stage(self, table: str, stage: Stage) -> bytes:
        up_to_m = OPEN if stage.up_to_m is None else stage.up_to_m
        return sections.STAGES.pack(table=self.tables[table], up_to_m=up_to_m, fen=stage.fen)


def _decoder(row: Decoder) -> bytes:
    return sections.DECODERS.pack(
        organisation=bytes.fromhex(row.organisation),
        state_at=row.state_at,
        station_at=row.station_at,
        time_at=row.time_at,
        station_size=row.station_size,
        station_form=FORM_NUMBERS[row.station_form],
        time_form=FORM_NUMBERS[row.time_form],
        inside=number_set(row.inside),
    )


def _station(row: Station) -> bytes:
    return sections.STATIONS.pack(
        mode=MODE_NUMBERS[row.mode], line=row.line, city=row.city, station=row.station, metres=row.metres
    )


def _matrices(matrices: Mapping[str, Matrix], tables: Mapping[str, int]) -> dict[int, list[bytes]]:
    rows, axes, cells = [], [], bytearray()
    for name in sorted(matrices):
        matrix, table = matrices[name], tables[name]
        first_cell = len(cells) // sections.CELLS.row_size
        rows.append(sections.MATRICES.pack(table=table, stations=len(matrix.stations), first_cell=first_cell))
        axes += [
            sections.AXES.pack(table=table, station=station, place=place)
            for place, station in enumerate(matrix.stations)
        ]
        for fares in matrix.fares:
            cells += struct.pack(f">{len(fares)}H", *(NO_RIDE if fen is None else fen for fen in fares))
    return {
        sections.MATRICES.number: rows,
        sections.AXES.number: sorted(axes),
        sections.CELLS.number: [bytes(cells)] if cells else [],
    }


def _reader(profile: ReaderProfile) -> bytes:
    return sections.READER.pack(
        baud=profile.baud,
        gap_ms=profile.gap_ms,
        prefix_size=len(profile.prefix),
        suffix_size=len(profile.suffix),
        prefix=profile.prefix,
        suffix=profile.suffix,
    )


def _label(key: LabelKey, name: str) -> bytes:
    return sections.LABELS.pack(
        kind=key.kind,
        mode=0 if key.mode is None else MODE_NUMBERS[key.mode],
        line=key.line,
        number=key.number,
        station=key.station,
        name=name.encode(),
    )


def _shifts(shifts: Mapping[str, Sequence[int]]) -> list[bytes]:
    return [
        sections.SHIFTS.pack(organisation=bytes.fromhex(organisation), seconds=shift)
        for organisation, seconds in shifts.items()
        for shift in set(seconds) - {0}
    ]


def _sections(rules: Rules) -> dict[int, list[bytes]]:
    """Rows of every section in the order of the image; cells come as one piece."""
    numbers = _Numbers(rules)
    groups = group_names(rules.concessions)
    hours = Hours(rules)
    tables = {LabelKey(LabelKind.TABLE, at): name for name, at in numbers.tables.items()}
    labels = dict(rules.labels) | tables | hours.labels
    found = {
        sections.LIMITS.number: [_limits(rules.limits)],
        sections.FARES.number: sorted(map(numbers.fare, rules.fares)),
        sections.ROOTS.number: sorted(map(_root, rules.roots.values())),
        sections.WHITELIST.number: sorted(map(_pair, rules.whitelist)),
        sections.REVOKED.number: sorted(set(map(_revocation, rules.revoked))),
        sections.DENY.number: [sections.DENY.pack(first=first, last=last) for first, last in merged(rules.deny)],
        sections.SHIFTS.number: sorted(_shifts(rules.time_shifts)),
        sections.NAMES.number: [sections.NAMES.pack(name=name.encode()) for name in rule_names(rules)],
        sections.CONCESSIONS.number: sorted(map(numbers.concession, rules.concessions)),
        sections.GROUPS.number: [sections.GROUPS.pack(name=name.encode()) for name in groups],
        sections.MEMBERS.number: member_rows(rules.members, groups),
        sections.JOURNEYS.number: sorted(map(numbers.journey, rules.journeys)),
        sections.DECODERS.number: sorted(map(_decoder, rules.decoders)),
        sections.STATIONS.number: sorted(map(_station, rules.stations)),
        sections.STAGES.number: sorted(numbers.stage(name, row) for name, rows in rules.stages.items() for row in rows),
        **_matrices(rules.matrices, numbers.tables),
        sections.READER.number: [_reader(rules.reader)] if rules.reader else [],
        **hours.rows(),
        sections.LABELS.number: sorted(_label(key, name) for key, name in labels.items()),
        **{number: sorted(rows) for number, rows in rules.other.items()},
    }
    used = {number: rows for number, rows in found.items() if rows}
    if rules.acceptance is not None:  # an empty one says something too: nobody from elsewhere
        used[sections.ACCEPTANCE.number] = sorted(set(map(_acceptance, rules.acceptance)))
    return dict(sorted(used.items()))


def build(rules: Rules) -> bytes:
    """The image of these rules."""
    found = _sections(rules)
    at = sections.HEADER.row_size + sections.ENTRY.row_size * len(found)
    directory = b""
    bodies = [b"".join(rows) for rows in found.values()]
    for number, body in zip(found, bodies, strict=True):
        size = sections.BY_NUMBER[number].row_size
        directory += sections.ENTRY.pack(section=number, row_size=size, rows=len(body) // size, start=at)
        at += len(body)
    head = sections.HEADER.pack(
        magic=sections.MAGIC,
        format=sections.FORMAT,
        sections=len(found),
        size=at,
        environment=ENVIRONMENTS[rules.environment],
        version=rules.version,
    )
    return b"".join([head, directory, *bodies])


def with_version(image: bytes, version: int) -> bytes:
    """The same image under another version."""
    head = vars(sections.HEADER.read(image)) | {"version": version}
    return sections.HEADER.pack(**head) + image[sections.HEADER.row_size :]
