"""What parameters say, as values: the rules by which a gate judges, before they are packed for the core.

Rules it keeps:
- Money in fen, times in unix seconds UTC, distances in metres. Cities are administrative division codes (320500 is
  Suzhou); lines and stations have the operator's own numbers, 1 to 65535. 0 stands for "any" where a rule may leave it.
- A rule that is dated holds from `from_s` (inclusive) to `to_s` (exclusive); OPEN: without end.
- Nothing here is checked: `loading` and yima.sdk.parameters check what people write, and the core checks again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import NamedTuple

OPEN = 0xFFFFFFFF
FEN_MAX = 0xFFFFFF
RULE_NAME_MAX = 31


class Mode(StrEnum):
    """What one rides."""

    BUS = "bus"
    METRO = "metro"


class Funder(StrEnum):
    """Who pays for a reduction: the city one rides in, the issuer's, the operator of the line, the region."""

    RIDING_CITY = "riding-city"
    ISSUER_CITY = "issuer-city"
    OPERATOR = "operator"
    REGION = "region"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The terminal's habits. Times in seconds, debounce in milliseconds; an interval or an age of 0 is off.

    families: names of the code families judged here. lists_max_age_s: a deny-list issued longer ago refuses everybody;
    lists_issued_at: when the list of these parameters was, 0: not told. offline_max_s: how long a device may be without
    its collector. taps_per_minute: the most rides that a memory of used codes is made for. Defaults: a real terminal's
    1200 s and 20 s; the lab's account types, and 0x41, which codes in the field carry; versions met in the field.
    """

    versions: Sequence[int] = (0x80, 0x81)
    max_validity_s: int = 1200
    future_tolerance_s: int = 20
    debounce_ms: int = 2000
    account_interval_s: int = 0
    account_types: Sequence[int] = (0, 1, 2, 3, 4, 5, 0x41)
    families: Sequence[str] = ("ministry",)
    lists_max_age_s: int = 0
    lists_issued_at: int = 0
    offline_max_s: int = 0
    taps_per_minute: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A root CA's public key. key: x and y, 64 bytes. expires: (year, month), valid to its end; None if not known."""

    index: int
    key: bytes
    expires: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Issuer certificates under the root of this index that are withdrawn, while this holds.

    organisation (8 digits), serial (3 bytes in hex): only those of this institution, of this serial; empty: of any.
    """

    root: int
    organisation: str = ""
    serial: str = ""
    from_s: int = 0
    to_s: int = OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One line of the whitelist. organisation, platform: 8 digits. city: the issuer's, 0 for everywhere."""

    organisation: str
    platform: str
    city: int = 0
    modes: Sequence[Mode] = (Mode.BUS, Mode.METRO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Codes of an issuer's city ride on a mode of a riding city, while this holds.

    family: only codes of this family, by its name in `limits.families`; empty: of any. `ministry` is the unified
    platform's form too, which is the same code.
    """

    riding_city: int
    mode: Mode
    issuer_city: int
    family: str = ""
    from_s: int = 0
    to_s: int = OPEN


class By(StrEnum):
    """Which moment counts where a rule holds at some hours alone; a single tap is entry, exit and tap at once."""

    ENTRY = "entry"
    EXIT = "exit"
    TAP = "tap"


class When(NamedTuple):
    """Days and hours at which a rule holds, within its dates: names of kinds of day and of bands; none: all.

    by: of which moment. A moment that is not known fulfils nothing.
    """

    days: tuple[str, ...] = ()
    bands: tuple[str, ...] = ()
    by: By = By.TAP

    def __bool__(self) -> bool:
        return bool(self.days or self.bands)


ALWAYS = When()


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Kinds of days: of each day of the week from Monday, and of days that are another.

    exceptions: first and last day, inclusive, as days from 1970-01-01 in UTC+8, with their kind.
    """

    week: tuple[str, str, str, str, str, str, str]
    exceptions: Sequence[tuple[int, int, str]] = ()


class Choice(StrEnum):
    """Which concession is applied of those that fit."""

    SAYS_MOST = "says-most"
    BEST = "best"


class Rounding(StrEnum):
    """How a percentage is rounded."""

    HALF_UP = "half-up"
    DOWN = "down"
    UP = "up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How concessions are chosen and rounded, to multiples of unit_fen. day_begins_min: of operation, in UTC+8."""

    choice: Choice = Choice.SAYS_MOST
    rounding: Rounding = Rounding.HALF_UP
    unit_fen: int = 1
    day_begins_min: int = 0


class FareKind(IntEnum):
    """How a fare rule finds a fare."""

    FLAT = 1
    STAGES = 2
    MATRIX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Fare:
    """A fare rule. fen: of a flat one. table: the name of its stages or of its matrix. A line needs its city."""

    rule: str
    mode: Mode
    city: int = 0
    line: int = 0
    from_s: int = 0
    to_s: int = OPEN
    when: When = ALWAYS
    kind: FareKind = FareKind.FLAT
    fen: int = 0
    table: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Rides up to so many metres (inclusive; None: however long) cost this much."""

    up_to_m: int | None
    fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Fares by entry (row) and exit (column), in the order of `stations`; None: there is no such ride."""

    stations: Sequence[int]
    fares: Sequence[Sequence[int | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """Where a station lies on its line, counted from the line's start."""

    mode: Mode
    city: int
    line: int
    station: int
    metres: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Concession:
    """A reduced fare for some riders: percent of the fare, or (percent None) at most so many fen.

    account_type None: any. group: that the account must be in (`Member`), empty: any. organisation: 8 digits, empty:
    any. mode None: any. issuer_city, riding_city, line 0: any; a line needs its riding city. percent: in tenths at the
    finest. funded_by: who pays for the difference.
    """

    rule: str
    account_type: int | None = None
    group: str = ""
    organisation: str = ""
    issuer_city: int = 0
    line: int = 0
    riding_city: int = 0
    mode: Mode | None = None
    from_s: int = 0
    to_s: int = OPEN
    when: When = ALWAYS
    percent: float | None = None
    fen: int = 0
    funded_by: Funder = Funder.RIDING_CITY


class Member(NamedTuple):
    """Card accounts, 10 bytes each, from first to last inclusive, and the names of the groups that they are in."""

    first: bytes
    last: bytes
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """What gates with entries and exits do where a journey is not plain.

    longest_s: a longer one (0: never) costs over_time_fen more. missing_exit: whether a rider may enter who has entered
    before; missing_entry_fen: what an exit without entry costs, unreadable_fen: what one costs whose entry the code
    does not tell; None refuses. unpriced: whether a ride that the tables do not have is accepted for 0 fen.
    entry_cap_fen: what a rider's cap must cover to enter. rule: the name behind which -over-time, -no-exit, -no-entry,
    -unreadable or -unpriced stands in a verdict.
    """

    rule: str
    mode: Mode
    city: int = 0
    longest_s: int = 0
    over_time_fen: int = 0
    missing_exit: bool = False
    missing_entry_fen: int | None = None
    unreadable_fen: int | None = None
    unpriced: bool = False
    entry_cap_fen: int = 0


class Form(StrEnum):
    """How a number stands in an issuer's data. For a time, BINARY is unix seconds and BCD yyyyMMddHHmmss in UTC+8."""

    NONE = "none"
    BINARY = "binary"
    BCD = "bcd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoder:
    """Where an institution keeps a rider's metro state in field 14. Offsets count from the field's first byte.

    inside: values of the state that mean "entered, not left". station_size: 1, 2 or 4 bytes.
    """

    organisation: str
    state_at: int
    inside: Sequence[int]
    station_at: int
    station_size: int = 2
    station_form: Form = Form.BINARY
    time_at: int = 0
    time_form: Form = Form.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderProfile:
    """How the reader speaks: 8N1 at this rate; this silence ends a frame; prefix and suffix stand around a code."""

    baud: int = 115200
    gap_ms: int = 20
    prefix: bytes = b""
    suffix: bytes = b""


class LabelKind(IntEnum):
    """What a label names."""

    CITY = 1
    LINE = 2
    STATION = 3
    ORGANISATION = 4
    TABLE = 5
    DAY = 6
    BAND = 7


class LabelKey(NamedTuple):
    """What is named. number: of a city, an organisation or a table; a line's or a station's city."""

    kind: LabelKind
    number: int
    mode: Mode | None = None
    line: int = 0
    station: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All that an image holds.

    acceptance: None accepts every city. deny: inclusive ranges of card accounts as their 10 bytes. time_shifts:
    organisation to extra shifts in seconds. members: those of groups that no concession names are left out of an image.
    stages, matrices: by the table names that fares give. bands: ranges of minutes from midnight in UTC+8 by name, the
    end exclusive; one that passes midnight is two. labels: names for people. other: rows of sections that are packed
    elsewhere (`family_rules`), by section number.
    """

    environment: str
    version: int
    limits: Limits = field(default_factory=Limits)
    fares: Sequence[Fare] = ()
    roots: Mapping[int, Root] = field(default_factory=dict)
    revoked: Sequence[Revocation] = ()
    whitelist: Sequence[Pair] = ()
    acceptance: Sequence[Acceptance] | None = None
    deny: Sequence[tuple[bytes, bytes]] = ()
    time_shifts: Mapping[str, Sequence[int]] = field(default_factory=dict)
    concessions: Sequence[Concession] = ()
    members: Sequence[Member] = ()
    habits: Habits = field(default_factory=Habits)
    calendar: Calendar | None = None
    bands: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)
    journeys: Sequence[Journey] = ()
    decoders: Sequence[Decoder] = ()
    stations: Sequence[Station] = ()
    stages: Mapping[str, Sequence[Stage]] = field(default_factory=dict)
    matrices: Mapping[str, Matrix] = field(default_factory=dict)
    reader: ReaderProfile | None = None
    labels: Mapping[LabelKey, str] = field(default_factory=dict)
    other: Mapping[int, Sequence[bytes]] = field(default_factory=dict)
