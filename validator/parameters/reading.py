"""The parameter image read back into rules: for pages and comparisons, and for what a device itself must know.

`read(image)` undoes `image.build`; the image must have passed the core's door (`parameters_check`).
What the door does not walk is read with care: a label that is no UTF-8 keeps its sound letters, a matrix whose cells
are not all there, or a station of no mode, is left out.
"""

import struct
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

from yima.validator import _core
from yima.validator.parameters import image as image_form
from yima.validator.parameters.rules import (
    OPEN,
    Acceptance,
    Concession,
    Decoder,
    Fare,
    FareKind,
    Journey,
    LabelKey,
    LabelKind,
    Limits,
    Matrix,
    Pair,
    ReaderProfile,
    Root,
    Rules,
    Stage,
    Station,
    Transfer,
)

_ENVIRONMENTS = {number: name for name, number in image_form.ENVIRONMENTS.items()}
_MODES = {number: mode for mode, number in image_form.MODE_NUMBERS.items()}
_FORMS = {number: form for form, number in image_form.FORM_NUMBERS.items()}
_LABEL_KINDS = frozenset(LabelKind)
_KNOWN = range(1, 20)

Value = TypeVar("Value")
Row = tuple[Any, ...]  # as its struct unpacks
Image = bytes | bytearray | memoryview


def _members(bits: bytes) -> tuple[int, ...]:
    number = int.from_bytes(bits, "little")
    return tuple(member for member in range(number.bit_length()) if number >> member & 1)


class _Image:
    """Sections of an image, as rows."""

    def __init__(self, image: Image) -> None:
        self._image = memoryview(image)
        _, _, count, _, self.environment, self.version = image_form.HEADER.unpack_from(self._image)
        self.sections = {}
        for i in range(count):
            number, size, rows, at = image_form.ENTRY.unpack_from(
                self._image, image_form.HEADER.size + i * image_form.ENTRY.size
            )
            self.sections[number] = (size, rows, at)
        self.names = [bytes(row).rstrip(b"\0").decode() for row in self.rows(8)]

    @cached_property
    def labels(self) -> Mapping[LabelKey, str]:
        return dict(_label(row) for row in self.each(19, image_form.LABEL) if row[0] in _LABEL_KINDS)

    def rows(self, number: int) -> Iterator[bytes]:
        size, rows, at = self.sections.get(number, (0, 0, 0))
        for i in range(rows):
            yield bytes(self._image[at + i * size : at + (i + 1) * size])

    def each(self, number: int, form: struct.Struct) -> Iterator[Row]:
        return map(form.unpack, self.rows(number))

    def all(self, number: int, form: struct.Struct, make: Callable[[Row], Value]) -> tuple[Value, ...]:
        return tuple(map(make, self.each(number, form)))

    def rule(self, number: int) -> str:
        return self.names[number - 1] if 1 <= number <= len(self.names) else ""

    def table(self, number: int) -> str:
        return self.labels.get(LabelKey(LabelKind.TABLE, number), str(number)) if number else ""

    def fare(self, row: Row) -> Fare:
        mode, line, city, from_s, to_s, kind, rule, fen, at = row
        return Fare(
            rule=self.rule(rule), mode=_MODES[mode], city=city, line=line, from_s=from_s, to_s=to_s,
            kind=FareKind(kind), fen=fen, table=self.table(at),
        )  # fmt: skip

    def concession(self, row: Row) -> Concession:
        kind, mode, issuer, riding, from_s, to_s, by, rule, value = row
        return Concession(
            rule=self.rule(rule), account_type=None if kind == image_form.ANY_ACCOUNT_TYPE else kind,
            mode=_MODES.get(mode), issuer_city=issuer, riding_city=riding, from_s=from_s, to_s=to_s,
            percent=value if by == 1 else None, fen=0 if by == 1 else value,
        )  # fmt: skip

    def transfer(self, row: Row) -> Transfer:
        mode, city, within_s, value, by, rule = row
        return Transfer(
            rule=self.rule(rule), mode=_MODES[mode], city=city, within_s=within_s,
            percent=value if by == 1 else None, less_fen=0 if by == 1 else value,
        )  # fmt: skip

    def journey(self, row: Row) -> Journey:
        mode, city, longest, over, no_entry, unreadable, cap, *policies, over_rule, _, _, _ = row
        return Journey(
            rule=self.rule(over_rule).removesuffix(image_form.JOURNEY_RULES[0]), mode=_MODES[mode], city=city,
            longest_s=longest, over_time_fen=over, missing_exit=policies[0] == 2,
            missing_entry_fen=no_entry if policies[1] == 2 else None,
            unreadable_fen=unreadable if policies[2] == 2 else None, entry_cap_fen=cap,
        )  # fmt: skip

    def stages(self) -> Mapping[str, tuple[Stage, ...]]:
        tables: dict[str, tuple[Stage, ...]] = defaultdict(tuple)
        for table, up_to, fen in self.each(14, image_form.STAGE):
            tables[self.table(table)] += (Stage(up_to_m=None if up_to == OPEN else up_to, fen=fen),)
        return dict(tables)

    def matrices(self) -> Mapping[str, Matrix]:
        cells = b"".join(self.rows(17)) if 17 in self.sections else b""
        axes: dict[int, dict[int, int]] = defaultdict(dict)
        for table, station, place in self.each(16, image_form.AXIS):
            axes[table][place] = station
        matrices = {}
        for table, size, first in self.each(15, image_form.MATRIX):
            if 2 * (first + size * size) > len(cells):
                continue  # the core finds no ride in it either
            at = [2 * (first + i * size) for i in range(size)]
            fares = [[_cell(cells, start + 2 * k) for k in range(size)] for start in at]
            stations = [axes[table].get(place, 0) for place in range(size)]
            matrices[self.table(table)] = Matrix(stations=tuple(stations), fares=tuple(map(tuple, fares)))
        return matrices


def _cell(cells: bytes, at: int) -> int | None:
    fen = int.from_bytes(cells[at : at + 2])
    return None if fen == image_form.NO_RIDE else fen


def _label(row: Row) -> tuple[LabelKey, str]:
    kind, mode, line, number, station, name = row
    key = LabelKey(LabelKind(kind), number, _MODES.get(mode), line, station)
    return key, name.rstrip(b"\0").decode(errors="ignore")


def _limits(row: Row) -> Limits:
    validity, tolerance, debounce, interval, versions, types, families, age, issued, offline = row
    return Limits(
        versions=_members(versions), max_validity_s=validity, future_tolerance_s=tolerance,
        debounce_ms=debounce, account_interval_s=interval, account_types=_members(types),
        families=tuple(name for i, name in enumerate(_core.FAMILIES) if families >> i & 1),
        lists_max_age_s=age, lists_issued_at=issued, offline_max_s=offline,
    )  # fmt: skip


def _root(row: Row) -> Root:
    index, year, month, _, key = row
    return Root(index=index, key=key, expires=(2000 + year, month) if month else None)


def _pair(row: Row) -> Pair:
    organisation, platform, city, modes = row
    allowed = tuple(mode for number, mode in _MODES.items() if number & modes)
    return Pair(organisation=organisation.hex(), platform=platform.hex(), city=city, modes=allowed)


def _acceptance(row: Row) -> Acceptance:
    riding, mode, issuer, from_s, to_s = row
    return Acceptance(riding_city=riding, mode=_MODES[mode], issuer_city=issuer, from_s=from_s, to_s=to_s)


def _decoder(row: Row) -> Decoder:
    organisation, state, station, time, size, form, time_form, inside = row
    return Decoder(
        organisation=organisation.hex(), state_at=state, inside=_members(inside), station_at=station,
        station_size=size, station_form=_FORMS[form], time_at=time, time_form=_FORMS[time_form],
    )  # fmt: skip


def _station(row: Row) -> Station:
    mode, line, city, station, metres = row
    return Station(mode=_MODES[mode], city=city, line=line, station=station, metres=metres)


def _reader(row: Row) -> ReaderProfile:
    baud, gap_ms, prefix_size, suffix_size, prefix, suffix = row
    return ReaderProfile(baud=baud, gap_ms=gap_ms, prefix=prefix[:prefix_size], suffix=suffix[:suffix_size])


def _time_shifts(image: _Image) -> Mapping[str, tuple[int, ...]]:
    shifts: dict[str, tuple[int, ...]] = defaultdict(tuple)
    for organisation, seconds in image.each(7, image_form.SHIFT):
        shifts[organisation.hex()] += (seconds,)
    return {organisation: tuple(sorted(seconds)) for organisation, seconds in shifts.items()}


def read_limits(image: Image) -> Limits:
    """The one row of limits."""
    return _Image(image).all(1, image_form.LIMITS, _limits)[0]


def read_reader(image: Image) -> ReaderProfile | None:
    """How the reader speaks; None: the image does not say."""
    return next(iter(_Image(image).all(18, image_form.READER, _reader)), None)


def read_head(image: Image) -> Rules:
    """What a device names at its start: environment, version, limits, fares, roots; and nothing else."""
    form, found = image_form, _Image(image)
    roots = found.all(3, form.ROOT, _root)
    return Rules(
        environment=_ENVIRONMENTS[found.environment],
        version=found.version,
        limits=read_limits(image),
        fares=found.all(2, form.FARE, found.fare),
        roots={root.index: root for root in roots},
    )


def read(image: Image) -> Rules:
    """Every rule of an image, in the image's order."""
    form, found = image_form, _Image(image)
    size = form.ACCOUNT_SIZE
    return replace(
        read_head(image),
        whitelist=found.all(4, form.PAIR, _pair),
        acceptance=found.all(5, form.ACCEPTANCE, _acceptance) if 5 in found.sections else None,
        deny=tuple((row[:size], row[size:]) for row in found.rows(6)),
        time_shifts=_time_shifts(found),
        concessions=found.all(9, form.CONCESSION, found.concession),
        transfers=found.all(10, form.TRANSFER, found.transfer),
        journeys=found.all(11, form.JOURNEY, found.journey),
        decoders=found.all(12, form.DECODER, _decoder),
        stations=tuple(_station(row) for row in found.each(13, form.STATION) if row[0] in _MODES),
        stages=found.stages(),
        matrices=found.matrices(),
        reader=read_reader(image),
        labels={key: name for key, name in found.labels.items() if key.kind is not LabelKind.TABLE},
        other={number: tuple(found.rows(number)) for number in found.sections if number not in _KNOWN},
    )
