"""The parameter image described a second time, by hand and for tests alone; the first is validator/core/parameters.def.

They share no line. A field is a construct and what the door lets through: `u8("mode", 1, 2)` is one byte that holds 1
or 2; a `pad` is zeros; what has no bounds is not looked at by itself. `parse` reads an image by this description alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from construct import Array, Bytes, Const, Int8ub, Int16ub, Int32sb, Int32ub, Struct, this

ANY = 0xFFFFFFFF
FEN = 0xFFFFFF


class Column(NamedTuple):
    """A field. least, most: of a number that the door checks; None: it has no bounds of its own."""

    name: str
    form: Any
    kind: str
    least: int | None = None
    most: int | None = None


def u8(name: str, least: int | None = None, most: int | None = None) -> Column:
    return Column(name, Int8ub, "NUMBER", least, most)


def u16(name: str, least: int | None = None, most: int | None = None) -> Column:
    return Column(name, Int16ub, "NUMBER", least, most)


def u32(name: str, least: int | None = None, most: int | None = None) -> Column:
    return Column(name, Int32ub, "NUMBER", least, most)


def raw(name: str, size: int, kind: str = "BYTES") -> Column:
    return Column(name, Bytes(size), kind)


def pad(size: int, name: str = "zero") -> Column:
    return Column(name, Bytes(size), "ZERO")


class Layout(NamedTuple):
    """A section: name, bytes of the key, how rows stand, fields in their order."""

    name: str
    key: int
    order: str
    columns: Sequence[Column]

    @property
    def row(self) -> Any:
        """A row as a construct."""
        return Struct(*(column.name / column.form for column in self.columns))


MODE = u8("mode", 1, 2)
DATES = (u32("from_s"), u32("to_s"))
KEY = raw("key", 64, "KEY")

SECTIONS: Mapping[int, Layout] = {
    1: Layout("LIMITS", 0, "ONE", (
        u32("max_validity_s"), u32("future_tolerance_s"), u32("debounce_ms"), u32("account_interval_s"),
        raw("versions", 32, "SET"), raw("account_types", 32, "SET"), u32("families", 0, 0x1FFF),
        u32("lists_max_age_s"), u32("lists_issued_at"), u32("offline_max_s"), u32("taps_per_minute", 1, 6000))),
    2: Layout("FARES", 8, "DATED", (
        MODE, u8("when"), u16("line"), u32("city"), *DATES, u8("kind", 1, 3), pad(1), u16("rule"),
        u32("fen", 0, FEN), u16("table"), pad(2, "zero_2"))),
    3: Layout("ROOTS", 1, "SORTED", (
        u8("index"), u8("expiry_year", 0, 99), u8("expiry_month", 0, 12), pad(1), KEY)),
    4: Layout("WHITELIST", 8, "SORTED", (
        raw("organisation", 4), raw("platform", 4), u32("city"), u8("modes", 1, 3), pad(3))),
    5: Layout("ACCEPTANCE", 12, "DATED", (
        u32("riding_city", 1, ANY), MODE, u8("family", 0, 12), pad(2), u32("issuer_city", 1, ANY), *DATES)),
    6: Layout("DENY", 10, "RANGES", (raw("first", 10), raw("last", 10))),
    7: Layout("SHIFTS", 8, "SORTED", (raw("organisation", 4), Column("seconds", Int32sb, "SIGNED"))),
    8: Layout("NAMES", 0, "LISTED", (raw("name", 32, "NAME"),)),
    9: Layout("CONCESSIONS", 20, "DATED", (
        u32("riding_city"), u16("line"), u16("account_type", 0, 256), u32("issuer_city"), raw("organisation", 4),
        u8("mode", 0, 2), u8("group", 0, 15), u8("when"), pad(1), *DATES,
        u8("kind", 1, 2), u8("funder", 1, 4), u16("rule"), u32("value", 0, FEN))),
    11: Layout("JOURNEYS", 8, "SORTED", (
        MODE, pad(3), u32("city"), u32("longest_s"), u32("over_time_fen", 0, FEN), u32("missing_entry_fen", 0, FEN),
        u32("unreadable_fen", 0, FEN), u32("entry_cap_fen", 0, FEN), u8("missing_exit", 1, 2),
        u8("missing_entry", 1, 2), u8("unreadable", 1, 2), u8("unpriced", 1, 2), u16("over_time_rule"),
        u16("missing_entry_rule"), u16("unreadable_rule"), u16("missing_exit_rule"), u16("unpriced_rule"),
        pad(2, "zero_2"))),
    12: Layout("DECODERS", 4, "SORTED", (
        raw("organisation", 4), u8("state_at", 0, 31), u8("station_at", 0, 32), u8("time_at", 0, 32),
        u8("station_size", 1, 4), u8("station_form", 1, 2), u8("time_form", 0, 2), pad(2), raw("inside", 32, "SET"))),
    13: Layout("STATIONS", 12, "LARGE", (
        MODE, pad(1), u16("line"), u32("city"), u16("station"), pad(2, "zero_2"), u32("metres"))),
    14: Layout("STAGES", 8, "SORTED", (u16("table"), pad(2), u32("up_to_m"), u32("fen", 0, FEN))),
    15: Layout("MATRICES", 2, "SORTED", (u16("table"), u16("stations", 1, ANY), u32("first_cell"))),
    16: Layout("AXES", 4, "LARGE", (u16("table"), u16("station"), u16("place"), pad(2))),
    17: Layout("CELLS", 0, "LARGE", (u16("fen"),)),
    18: Layout("READER", 0, "ONE", (
        u32("baud", 1, ANY), u16("gap_ms"), u8("prefix_size", 0, 8), u8("suffix_size", 0, 8), raw("prefix", 8),
        raw("suffix", 8))),
    19: Layout("LABELS", 10, "LARGE", (
        u8("kind", 1, 7), u8("mode", 0, 2), u16("line"), u32("number"), u16("station"), raw("name", 54, "TEXT"))),
    20: Layout("SUISHEN_KEYS", 1, "SORTED", (u8("index"), pad(3), KEY)),
    21: Layout("SUISHEN_TRANSPORT_KEYS", 1, "SORTED", (u8("index"), u8("modes", 1, 3), pad(2), KEY)),
    22: Layout("MINISTRY_226_KEYS", 4, "SORTED", (
        raw("key_id", 4), u32("city"), u32("cap_fen", 1, ANY), u8("modes", 1, 3), pad(3), KEY)),
    23: Layout("RESOLVED", 32, "SORTED", (
        raw("prefix", 32), u8("prefix_size", 1, 32), u8("family", 10, 12), u8("modes", 1, 3), pad(1), u32("city"),
        u32("deadline_ms", 1, 10_000), u32("remember_s", 1, 604_800), u32("at_risk_fen"), u32("at_risk_rides"))),
    24: Layout("GROUPS", 0, "LISTED", (raw("name", 32, "NAME"),)),
    25: Layout("MEMBERS", 10, "LARGE", (raw("account", 10), u16("groups"))),
    26: Layout("TARIFF", 0, "ONE", (
        u8("choice", 1, 2), u8("rounding", 1, 3), u8("unit_fen", 1, 100), pad(1), u16("day_begins_min", 0, 1439),
        raw("week", 7), pad(3, "zero_2"))),
    27: Layout("DAYS", 2, "RANGES", (u16("first"), u16("last"), u8("kind", 1, 15), pad(1))),
    28: Layout("BANDS", 4, "SORTED", (u8("band", 1, 15), pad(1), u16("from_min", 0, 1439), u16("to_min", 1, 1440))),
    29: Layout("WHEN", 0, "LISTED", (u16("kinds"), u16("bands"), u8("by", 1, 3), pad(1))),
    36: Layout("REVOKED", 12, "DATED", (
        u8("root"), u8("told", 0, 3), pad(2), raw("organisation", 4), raw("serial", 3), pad(1, "zero_2"), *DATES)),
    40: Layout("COLUMNS", 6, "LARGE", (u16("table"), u16("exit"), u16("entry"), u16("fen"))),
}  # fmt: skip

HEADER = Struct(
    "magic" / Const(b"YIMP"),
    "format" / Const(4, Int16ub),
    "sections" / Int16ub,
    "size" / Int32ub,
    "environment" / Int8ub,
    "zero" / Const(bytes(3)),
    "version" / Int32ub,
)
ENTRY = Struct("section" / Int16ub, "row_size" / Int16ub, "rows" / Int32ub, "start" / Int32ub)
FRONT = Struct("header" / HEADER, "entries" / Array(this.header.sections, ENTRY))


def starts(image: bytes) -> dict[int, tuple[int, int]]:
    """Where the rows of each section begin, and how many there are."""
    return {entry.section: (entry.start, entry.rows) for entry in FRONT.parse(image).entries}


def parse(image: bytes) -> dict[int, list[dict[str, Any]]]:
    """The rows of each section, without their zeros."""
    found = {}
    for number, (start, count) in starts(image).items():
        layout = SECTIONS[number]
        pads = {"_io", *(column.name for column in layout.columns if column.kind == "ZERO")}
        rows = Array(count, layout.row).parse(image[start:])
        found[number] = [{name: value for name, value in row.items() if name not in pads} for row in rows]
    return found
