"""The parameter image: what the core reads in place, built from checked values.

The layout is described in core/parameters.c, and this is its mirror; `reading` is the way back.
Values come in checked by this package or yima.sdk.parameters; what does not fit all the same is caught by the core's
own door. The same rules make the same bytes, in whatever order they were written down.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence

from yima.validator import _core
from yima.validator.parameters.rules import (
    Acceptance,
    Concession,
    Decoder,
    Fare,
    FareKind,
    Form,
    Journey,
    LabelKey,
    LabelKind,
    Limits,
    Matrix,
    Mode,
    Pair,
    ReaderProfile,
    Root,
    Rules,
    Station,
    Transfer,
)

FORMAT = 2
ENVIRONMENTS = {"production": 1, "test": 2}
ACCOUNT_SIZE = 10
ANY_ACCOUNT_TYPE = 0x100
NO_RIDE = 0xFFFF
MODE_NUMBERS = {Mode.BUS: 1, Mode.METRO: 2}
FORM_NUMBERS = {Form.NONE: 0, Form.BINARY: 1, Form.BCD: 2}
RULE_NAME_SIZE = 32
LABEL_SIZE = 54

HEADER = struct.Struct(">4sHHIB3xI")
ENTRY = struct.Struct(">HHII")
LIMITS = struct.Struct(">4I32s32s4I")
FARE = struct.Struct(">BxHI II BxHIH2x")
ROOT = struct.Struct(">4B64s")
PAIR = struct.Struct(">4s4sIB3x")
ACCEPTANCE = struct.Struct(">IB3xI II")
SHIFT = struct.Struct(">4si")
CONCESSION = struct.Struct(">HBxII II BxHI")
TRANSFER = struct.Struct(">B3xIIIBxH")
JOURNEY = struct.Struct(">B3xI5I3Bx4H")
DECODER = struct.Struct(">4s6B2x32s")
STATION = struct.Struct(">BxHIH2xI")
STAGE = struct.Struct(">H2xII")
MATRIX = struct.Struct(">HHI")
AXIS = struct.Struct(">HHH2x")
READER = struct.Struct(">IHBB8s8s")
LABEL = struct.Struct(">BBHIH54s")

JOURNEY_RULES = ("-over-time", "-no-entry", "-unreadable", "-no-exit")
"""What stands behind a journey's name in the four rules of its row, in their order."""


def merged(ranges: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The same accounts as ascending ranges that do not overlap."""
    result: list[tuple[bytes, bytes]] = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], last))
        else:
            result.append((first, last))
    return result


def number_set(members: Iterable[int]) -> bytes:
    """256 bits, the first byte holding 0 to 7."""
    bits = 0
    for member in members:
        bits |= 1 << member
    return bits.to_bytes(32, "little")


def rule_names(rules: Rules) -> list[str]:
    """The names of all rules, in the order of their numbers (from 1)."""
    named: list[Fare | Concession | Transfer] = [*rules.fares, *rules.concessions, *rules.transfers]
    names = {rule.rule for rule in named}
    return sorted(names | {journey.rule + behind for journey in rules.journeys for behind in JOURNEY_RULES})


def _limits(limits: Limits) -> bytes:
    families = sum(1 << _core.FAMILIES.index(family) for family in set(limits.families))
    return LIMITS.pack(
        limits.max_validity_s,
        limits.future_tolerance_s,
        limits.debounce_ms,
        limits.account_interval_s,
        number_set(limits.versions),
        number_set(limits.account_types),
        families,
        limits.lists_max_age_s,
        limits.lists_issued_at,
        limits.offline_max_s,
    )


def _root(root: Root) -> bytes:
    year, month = root.expires or (2000, 0)
    return ROOT.pack(root.index, year - 2000, month, 0, root.key)


def _pair(pair: Pair) -> bytes:
    modes = sum(MODE_NUMBERS[mode] for mode in set(pair.modes))
    return PAIR.pack(bytes.fromhex(pair.organisation), bytes.fromhex(pair.platform), pair.city, modes)


def _acceptance(row: Acceptance) -> bytes:
    return ACCEPTANCE.pack(row.riding_city, MODE_NUMBERS[row.mode], row.issuer_city, row.from_s, row.to_s)


class _Numbers:
    """Numbers of names within one image: of rules, and of tables of stages and matrices."""

    def __init__(self, rules: Rules) -> None:
        self._rules = {name: number for number, name in enumerate(rule_names(rules), start=1)}
        self.tables = {name: number for number, name in enumerate(sorted({*rules.stages, *rules.matrices}), start=1)}

    def fare(self, fare: Fare) -> bytes:
        return FARE.pack(
            MODE_NUMBERS[fare.mode],
            fare.line,
            fare.city,
            fare.from_s,
            fare.to_s,
            fare.kind,
            self._rules[fare.rule],
            fare.fen,
            0 if fare.kind is FareKind.FLAT else self.tables[fare.table],
        )

    def concession(self, row: Concession) -> bytes:
        return CONCESSION.pack(
            ANY_ACCOUNT_TYPE if row.account_type is None else row.account_type,
            0 if row.mode is None else MODE_NUMBERS[row.mode],
            row.issuer_city,
            row.riding_city,
            row.from_s,
            row.to_s,
            2 if row.percent is None else 1,
            self._rules[row.rule],
            row.fen if row.percent is None else row.percent,
        )

    def transfer(self, row: Transfer) -> bytes:
        kind, value = (2, row.less_fen) if row.percent is None else (1, row.percent)
        return TRANSFER.pack(MODE_NUMBERS[row.mode], row.city, row.within_s, value, kind, self._rules[row.rule])

    def journey(self, row: Journey) -> bytes:
        return JOURNEY.pack(
            MODE_NUMBERS[row.mode],
            row.city,
            row.longest_s,
            row.over_time_fen,
            row.missing_entry_fen or 0,
            row.unreadable_fen or 0,
            row.entry_cap_fen,
            2 if row.missing_exit else 1,
            1 if row.missing_entry_fen is None else 2,
            1 if row.unreadable_fen is None else 2,
            *(self._rules[row.rule + behind] for behind in JOURNEY_RULES),
        )


def _decoder(row: Decoder) -> bytes:
    return DECODER.pack(
        bytes.fromhex(row.organisation),
        row.state_at,
        row.station_at,
        row.time_at,
        row.station_size,
        FORM_NUMBERS[row.station_form],
        FORM_NUMBERS[row.time_form],
        number_set(row.inside),
    )


def _station(row: Station) -> bytes:
    return STATION.pack(MODE_NUMBERS[row.mode], row.line, row.city, row.station, row.metres)


def _matrices(matrices: Mapping[str, Matrix], tables: Mapping[str, int]) -> dict[int, list[bytes]]:
    rows, axes, cells = [], [], bytearray()
    for name in sorted(matrices):
        matrix = matrices[name]
        rows.append(MATRIX.pack(tables[name], len(matrix.stations), len(cells) // 2))
        axes += [AXIS.pack(tables[name], station, place) for place, station in enumerate(matrix.stations)]
        for fares in matrix.fares:
            cells += struct.pack(f">{len(fares)}H", *(NO_RIDE if fen is None else fen for fen in fares))
    return {15: rows, 16: sorted(axes), 17: [bytes(cells)] if cells else []}


def _reader(profile: ReaderProfile) -> bytes:
    sizes = len(profile.prefix), len(profile.suffix)
    return READER.pack(profile.baud, profile.gap_ms, *sizes, profile.prefix, profile.suffix)


def _label(key: LabelKey, name: str) -> bytes:
    mode = 0 if key.mode is None else MODE_NUMBERS[key.mode]
    return LABEL.pack(key.kind, mode, key.line, key.number, key.station, name.encode())


def _shifts(shifts: Mapping[str, Sequence[int]]) -> list[bytes]:
    return [
        SHIFT.pack(bytes.fromhex(organisation), shift)
        for organisation, seconds in shifts.items()
        for shift in set(seconds) - {0}
    ]


ROW_SIZES = {
    1: LIMITS.size, 2: FARE.size, 3: ROOT.size, 4: PAIR.size, 5: ACCEPTANCE.size, 6: 2 * ACCOUNT_SIZE, 7: SHIFT.size,
    8: RULE_NAME_SIZE, 9: CONCESSION.size, 10: TRANSFER.size, 11: JOURNEY.size, 12: DECODER.size, 13: STATION.size,
    14: STAGE.size, 15: MATRIX.size, 16: AXIS.size, 17: 2, 18: READER.size, 19: LABEL.size,
}  # fmt: skip
"""Bytes a row, by section."""


def _sections(rules: Rules) -> dict[int, list[bytes]]:
    """Rows of every section in the order of the image; cells come as one piece."""
    numbers = _Numbers(rules)
    labels = dict(rules.labels) | {LabelKey(LabelKind.TABLE, at): name for name, at in numbers.tables.items()}
    stages = [
        STAGE.pack(numbers.tables[name], 0xFFFFFFFF if stage.up_to_m is None else stage.up_to_m, stage.fen)
        for name, table in rules.stages.items()
        for stage in table
    ]
    sections = {
        1: [_limits(rules.limits)],
        2: sorted(map(numbers.fare, rules.fares)),
        3: sorted(map(_root, rules.roots.values())),
        4: sorted(map(_pair, rules.whitelist)),
        6: [first + last for first, last in merged(rules.deny)],
        7: sorted(_shifts(rules.time_shifts)),
        8: [name.encode().ljust(RULE_NAME_SIZE, b"\0") for name in rule_names(rules)],
        9: sorted(map(numbers.concession, rules.concessions)),
        10: sorted(map(numbers.transfer, rules.transfers)),
        11: sorted(map(numbers.journey, rules.journeys)),
        12: sorted(map(_decoder, rules.decoders)),
        13: sorted(map(_station, rules.stations)),
        14: sorted(stages),
        **_matrices(rules.matrices, numbers.tables),
        18: [_reader(rules.reader)] if rules.reader else [],
        19: sorted(_label(key, name) for key, name in labels.items()),
        **{number: sorted(rows) for number, rows in sorted(rules.other.items())},
    }
    used = {number: rows for number, rows in sections.items() if rows}
    if rules.acceptance is not None:  # an empty one says something too: nobody from elsewhere
        used[5] = sorted(set(map(_acceptance, rules.acceptance)))
    return dict(sorted(used.items()))


def build(rules: Rules) -> bytes:
    """The image of these rules."""
    sections = _sections(rules)
    start = HEADER.size + ENTRY.size * len(sections)
    directory = b""
    bodies = [b"".join(rows) for rows in sections.values()]
    at = start
    for (number, rows), body in zip(sections.items(), bodies, strict=True):
        size = ROW_SIZES.get(number) or len(rows[0])
        directory += ENTRY.pack(number, size, len(body) // size, at)
        at += len(body)
    head = HEADER.pack(b"YIMP", FORMAT, len(sections), at, ENVIRONMENTS[rules.environment], rules.version)
    return b"".join([head, directory, *bodies])
