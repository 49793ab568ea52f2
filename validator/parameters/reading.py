"""The parameter image read back into rules: for pages and comparisons, and for what a device itself must know.

`read(image)` undoes `image.build`; the image must have passed the core's door (`parameters_check`).
What the door does not walk is read with care: a label that is no UTF-8 keeps its sound letters, a matrix whose cells
are not all there, or a station of no mode, is left out.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

from yima.validator import _core
from yima.validator.parameters import image as image_form
from yima.validator.parameters import sections
from yima.validator.parameters.hours import HoursRead
from yima.validator.parameters.members import group_name, members_in
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
    Mode,
    Pair,
    ReaderProfile,
    Revocation,
    Root,
    Rules,
    Stage,
    Station,
)
from yima.validator.parameters.sections import Image, Opened, Section

_ENVIRONMENTS = {number: name for name, number in image_form.ENVIRONMENTS.items()}
_FUNDERS = {number: funder for funder, number in image_form.FUNDER_NUMBERS.items()}
_MODES = {number: mode for mode, number in image_form.MODE_NUMBERS.items()}
_FORMS = {number: form for form, number in image_form.FORM_NUMBERS.items()}
_LABEL_KINDS = frozenset(LabelKind)
_OWN_LABELS = frozenset({LabelKind.TABLE, LabelKind.DAY, LabelKind.BAND})  # which the names in rules stand for
_READ_ELSEWHERE = (
    sections.SUISHEN_KEYS, sections.SUISHEN_TRANSPORT_KEYS, sections.MINISTRY_226_KEYS, sections.RESOLVED,
    sections.COLUMNS,
)  # fmt: skip

Value = TypeVar("Value")
Row = Any  # as `Section.read` gives it


def _members(bits: bytes) -> tuple[int, ...]:
    number = int.from_bytes(bits, "little")
    return tuple(member for member in range(number.bit_length()) if number >> member & 1)


class _Image(Opened):
    """Sections of an image, as rules."""

    def __init__(self, image: Image) -> None:
        super().__init__(image)
        self.names = [row.name.rstrip(b"\0").decode() for row in self.each(sections.NAMES)]
        self.groups = [row.name.rstrip(b"\0").decode() for row in self.each(sections.GROUPS)]

    @cached_property
    def labels(self) -> Mapping[LabelKey, str]:
        return dict(_label(row) for row in self.each(sections.LABELS) if row.kind in _LABEL_KINDS)

    @cached_property
    def hours(self) -> HoursRead:
        return HoursRead(self, self.labels)

    def all(self, section: Section, make: Callable[[Row], Value]) -> tuple[Value, ...]:
        return tuple(map(make, self.each(section)))

    def rule(self, number: int) -> str:
        return self.names[number - 1] if 1 <= number <= len(self.names) else ""

    def table(self, number: int) -> str:
        return self.labels.get(LabelKey(LabelKind.TABLE, number), str(number)) if number else ""

    def fare(self, row: Row) -> Fare:
        return Fare(
            rule=self.rule(row.rule), mode=_MODES[row.mode], city=row.city, line=row.line, from_s=row.from_s,
            to_s=row.to_s, when=self.hours.when(row.when), kind=FareKind(row.kind), fen=row.fen,
            table=self.table(row.table),
        )  # fmt: skip

    def concession(self, row: Row) -> Concession:
        percent = row.value / 10 if row.kind == image_form.PERCENT else None
        return Concession(
            rule=self.rule(row.rule),
            account_type=None if row.account_type == image_form.ANY_ACCOUNT_TYPE else row.account_type,
            group=group_name(row.group, self.groups), mode=_MODES.get(row.mode), issuer_city=row.issuer_city,
            organisation=row.organisation.hex() if any(row.organisation) else "", line=row.line,
            riding_city=row.riding_city, from_s=row.from_s, to_s=row.to_s, when=self.hours.when(row.when),
            percent=percent,
            fen=row.value if percent is None else 0, funded_by=_FUNDERS[row.funder],
        )  # fmt: skip

    def journey(self, row: Row) -> Journey:
        accept = image_form.ACCEPT
        return Journey(
            rule=self.rule(row.over_time_rule).removesuffix(image_form.JOURNEY_RULES[0]), mode=_MODES[row.mode],
            city=row.city, longest_s=row.longest_s, over_time_fen=row.over_time_fen,
            missing_exit=row.missing_exit == accept,
            missing_entry_fen=row.missing_entry_fen if row.missing_entry == accept else None,
            unreadable_fen=row.unreadable_fen if row.unreadable == accept else None, unpriced=row.unpriced == accept,
            entry_cap_fen=row.entry_cap_fen,
        )  # fmt: skip

    def stages(self) -> Mapping[str, tuple[Stage, ...]]:
        tables: dict[str, tuple[Stage, ...]] = defaultdict(tuple)
        for row in self.each(sections.STAGES):
            tables[self.table(row.table)] += (Stage(up_to_m=None if row.up_to_m == OPEN else row.up_to_m, fen=row.fen),)
        return dict(tables)

    def matrices(self) -> Mapping[str, Matrix]:
        cells = b"".join(self.rows(sections.CELLS.number))
        axes: dict[int, dict[int, int]] = defaultdict(dict)
        for row in self.each(sections.AXES):
            axes[row.table][row.place] = row.station
        matrices = {}
        for row in self.each(sections.MATRICES):
            size, first = row.stations, row.first_cell
            if 2 * (first + size * size) > len(cells):
                continue  # the core finds no ride in it either
            at = [2 * (first + i * size) for i in range(size)]
            fares = [[_cell(cells, start + 2 * k) for k in range(size)] for start in at]
            stations = [axes[row.table].get(place, 0) for place in range(size)]
            matrices[self.table(row.table)] = Matrix(stations=tuple(stations), fares=tuple(map(tuple, fares)))
        return matrices


def _cell(cells: bytes, at: int) -> int | None:
    fen = int.from_bytes(cells[at : at + 2])
    return None if fen == image_form.NO_RIDE else fen


def _label(row: Row) -> tuple[LabelKey, str]:
    key = LabelKey(LabelKind(row.kind), row.number, _MODES.get(row.mode), row.line, row.station)
    return key, row.name.rstrip(b"\0").decode(errors="ignore")


def _limits(row: Row) -> Limits:
    return Limits(
        versions=_members(row.versions), max_validity_s=row.max_validity_s, future_tolerance_s=row.future_tolerance_s,
        debounce_ms=row.debounce_ms, account_interval_s=row.account_interval_s,
        account_types=_members(row.account_types),
        families=tuple(name for i, name in enumerate(_core.FAMILIES) if row.families >> i & 1),
        lists_max_age_s=row.lists_max_age_s, lists_issued_at=row.lists_issued_at, offline_max_s=row.offline_max_s,
        taps_per_minute=row.taps_per_minute,
    )  # fmt: skip


def _root(row: Row) -> Root:
    expires = (2000 + row.expiry_year, row.expiry_month) if row.expiry_month else None
    return Root(index=row.index, key=row.key, expires=expires)


def _revocation(row: Row) -> Revocation:
    of_organisation, of_serial = image_form.REVOKED_TOLD
    return Revocation(
        root=row.root,
        organisation=row.organisation.hex() if row.told & of_organisation else "",
        serial=row.serial.hex() if row.told & of_serial else "",
        from_s=row.from_s,
        to_s=row.to_s,
    )


def modes_in(mask: int) -> tuple[Mode, ...]:
    """The modes of a mask of bits."""
    return tuple(mode for number, mode in _MODES.items() if number & mask)


def _pair(row: Row) -> Pair:
    return Pair(
        organisation=row.organisation.hex(), platform=row.platform.hex(), city=row.city, modes=modes_in(row.modes)
    )


def _acceptance(row: Row) -> Acceptance:
    return Acceptance(
        riding_city=row.riding_city, mode=_MODES[row.mode], issuer_city=row.issuer_city,
        family=_core.FAMILIES[row.family] if row.family else "", from_s=row.from_s, to_s=row.to_s,
    )  # fmt: skip


def _decoder(row: Row) -> Decoder:
    return Decoder(
        organisation=row.organisation.hex(), state_at=row.state_at, inside=_members(row.inside),
        station_at=row.station_at, station_size=row.station_size, station_form=_FORMS[row.station_form],
        time_at=row.time_at, time_form=_FORMS[row.time_form],
    )  # fmt: skip


def _station(row: Row) -> Station:
    return Station(mode=_MODES[row.mode], city=row.city, line=row.line, station=row.station, metres=row.metres)


def _reader(row: Row) -> ReaderProfile:
    return ReaderProfile(
        baud=row.baud, gap_ms=row.gap_ms, prefix=row.prefix[: row.prefix_size], suffix=row.suffix[: row.suffix_size]
    )


def _time_shifts(image: _Image) -> Mapping[str, tuple[int, ...]]:
    shifts: dict[str, tuple[int, ...]] = defaultdict(tuple)
    for row in image.each(sections.SHIFTS):
        shifts[row.organisation.hex()] += (row.seconds,)
    return {organisation: tuple(sorted(seconds)) for organisation, seconds in shifts.items()}


def read_limits(image: Image) -> Limits:
    """The one row of limits."""
    return _Image(image).all(sections.LIMITS, _limits)[0]


def read_reader(image: Image) -> ReaderProfile | None:
    """How the reader speaks; None: the image does not say."""
    return next(iter(_Image(image).all(sections.READER, _reader)), None)


def read_head(image: Image) -> Rules:
    """What a device names at its start: environment, version, limits, fares, roots; and nothing else."""
    found = _Image(image)
    return Rules(
        environment=_ENVIRONMENTS[found.header.environment],
        version=found.header.version,
        limits=read_limits(image),
        fares=found.all(sections.FARES, found.fare),
        roots={root.index: root for root in found.all(sections.ROOTS, _root)},
    )


def read_fares(image: Image) -> Rules:
    """What a ride may cost, and where: fares with their tables, journeys, stations, acceptance; and nothing else."""
    found = _Image(image)
    return Rules(
        environment=_ENVIRONMENTS[found.header.environment],
        version=found.header.version,
        fares=found.all(sections.FARES, found.fare),
        journeys=found.all(sections.JOURNEYS, found.journey),
        stages=found.stages(),
        matrices=found.matrices(),
        stations=tuple(_station(row) for row in found.each(sections.STATIONS) if row.mode in _MODES),
        acceptance=found.all(sections.ACCEPTANCE, _acceptance) if sections.ACCEPTANCE in found else None,
        other={sections.COLUMNS.number: tuple(found.rows(sections.COLUMNS.number))},
    )


def read(image: Image) -> Rules:
    """Every rule of an image, in the image's order."""
    found = _Image(image)
    return replace(
        read_without_accounts(image),
        deny=found.all(sections.DENY, lambda row: (row.first, row.last)),
        members=members_in(found.each(sections.MEMBERS), found.groups),
    )


def read_without_accounts(image: Image) -> Rules:
    """Every rule but lists of accounts, which may be long: deny-list and groups."""
    found = _Image(image)
    return replace(
        read_head(image),
        revoked=found.all(sections.REVOKED, _revocation),
        whitelist=found.all(sections.WHITELIST, _pair),
        acceptance=found.all(sections.ACCEPTANCE, _acceptance) if sections.ACCEPTANCE in found else None,
        time_shifts=_time_shifts(found),
        concessions=found.all(sections.CONCESSIONS, found.concession),
        habits=found.hours.habits,
        calendar=found.hours.calendar,
        bands=found.hours.bands,
        journeys=found.all(sections.JOURNEYS, found.journey),
        decoders=found.all(sections.DECODERS, _decoder),
        stations=tuple(_station(row) for row in found.each(sections.STATIONS) if row.mode in _MODES),
        stages=found.stages(),
        matrices=found.matrices(),
        reader=read_reader(image),
        labels={key: name for key, name in found.labels.items() if key.kind not in _OWN_LABELS},
        other={section.number: tuple(found.rows(section.number)) for section in _READ_ELSEWHERE if section in found},
    )
