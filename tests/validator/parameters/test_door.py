"""The core's door to parameters: every bound of every field, and the order of rows, by the description made for tests.

Each test begins with an image that the door takes, changes one thing, and says what the door says of it.
"""

from dataclasses import replace
from typing import NamedTuple

import pytest

from tests.parameter_images import KEYS, images
from tests.parameter_layout import SECTIONS, Column, starts
from yima.validator import _core
from yima.validator.parameters.image import build
from yima.validator.parameters.rules import Journey, Mode, Rules

GOOD = images()["everything.bin"]
STARTS = starts(GOOD)
WALKED = {number: layout for number, layout in SECTIONS.items() if layout.order != "LARGE"}
SORTED = [number for number, layout in SECTIONS.items() if layout.order == "SORTED"]
DATED = [number for number, layout in SECTIONS.items() if layout.order == "DATED"]


class Place(NamedTuple):
    """A field in the rows of a section. offset, size: bytes."""

    number: int
    offset: int
    column: Column

    @property
    def size(self) -> int:
        return int(self.column.form.sizeof())

    @property
    def bounds(self) -> tuple[int, int]:
        """Its least and its most: its own, or what its bytes hold at all."""
        largest = (1 << 8 * self.size) - 1
        return self.column.least or 0, largest if self.column.most is None else min(self.column.most, largest)

    def __str__(self) -> str:
        return f"{SECTIONS[self.number].name}-{self.column.name}"


def places(kind: str) -> list[Place]:
    """Every field of a kind in the sections that the door walks."""
    found = []
    for number, layout in WALKED.items():
        offset = 0
        for column in layout.columns:
            if column.kind == kind:
                found.append(Place(number, offset, column))
            offset += column.form.sizeof()
    return found


def name_of(number: int) -> str:
    return SECTIONS[number].name


def row_of(number: int, i: int = 0) -> bytes:
    size = SECTIONS[number].row.sizeof()
    start = STARTS[number][0] + i * size
    return GOOD[start : start + size]


def with_row(number: int, row: bytes, i: int = 0) -> bytes:
    """The good image with another row of a section."""
    start = STARTS[number][0] + i * len(row)
    return GOOD[:start] + row + GOOD[start + len(row) :]


def with_bytes(number: int, offset: int, changed: bytes, i: int = 0) -> bytes:
    row = row_of(number, i)
    return with_row(number, row[:offset] + changed + row[offset + len(changed) :], i)


def verdict(image: bytes) -> str:
    """What the door says of an image: good, or what is wrong with a value, an order, a section."""
    try:
        _core.parameters_check(image)
    except ValueError as error:
        words = {"impossible value": "value", "ascending": "order", "section": "section"}
        return next(short for words_of_it, short in words.items() if words_of_it in str(error))
    return "good"


def test_the_image_to_begin_with_is_good() -> None:
    assert verdict(GOOD) == "good"


@pytest.mark.parametrize("place", places("NUMBER"), ids=str)
def test_a_number_keeps_its_bounds_to_the_last(place: Place) -> None:
    for outside in (place.bounds[0] - 1, place.bounds[1] + 1):
        if 0 <= outside < 1 << 8 * place.size:
            assert verdict(with_bytes(place.number, place.offset, outside.to_bytes(place.size))) == "value"


# What another field narrows, or rows are ordered by, is met in tests of its own.
NARROWED = {
    "FARES": {"from_s", "to_s"}, "ACCEPTANCE": {"from_s", "to_s"}, "CONCESSIONS": {"from_s", "to_s", "value"},
    "DAYS": {"last"}, "BANDS": {"to_min"},
    "LIMITS": {"families"}, "ROOTS": {"expiry_month"}, "RESOLVED": {"prefix_size"},
    "REVOKED": {"from_s", "to_s"},
    "DECODERS": {"station_at", "time_at", "station_size", "time_form"},
}  # fmt: skip
FREE = [
    place
    for place in places("NUMBER")
    if place.offset >= SECTIONS[place.number].key
    and place.column.name not in NARROWED.get(SECTIONS[place.number].name, set())
]


@pytest.mark.parametrize("place", FREE, ids=str)
def test_a_number_may_be_each_of_its_bounds(place: Place) -> None:
    for bound in place.bounds:
        assert verdict(with_bytes(place.number, place.offset, bound.to_bytes(place.size))) == "good"


@pytest.mark.parametrize("place", places("ZERO"), ids=str)
def test_each_byte_that_must_be_zero_is_looked_at(place: Place) -> None:
    for at in range(place.offset, place.offset + place.size):
        assert verdict(with_bytes(place.number, at, b"\x01")) == "value", at
        assert verdict(with_bytes(place.number, at, b"\x80")) == "value", at


@pytest.mark.parametrize("place", places("KEY"), ids=str)
def test_a_key_lies_on_the_curve(place: Place) -> None:
    assert verdict(with_bytes(place.number, place.offset, KEYS[1])) == "good"
    assert verdict(with_bytes(place.number, place.offset + place.size - 1, b"\x00")) == "value"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"a", "good"), (b"!~", "good"), (b"x" * 31, "good"), (b"x" * 32, "value"), (b"", "value"), (b"a b", "value"),
        (b"a\x00b", "value"), (b"\x7f", "value"), (b"\x80", "value"), (b"a" + bytes(30) + b"b", "value"),
    ],
)  # fmt: skip
def test_a_rules_name_is_ascii_and_ends_with_zeros(name: bytes, said: str) -> None:
    assert verdict(with_row(8, name.ljust(32, b"\0"))) == said


@pytest.mark.parametrize("number", SORTED, ids=name_of)
def test_rows_ascend_by_the_whole_key_and_by_nothing_behind_it(number: int) -> None:
    key = SECTIONS[number].key
    first, second = row_of(number), row_of(number, 1)
    assert verdict(with_row(number, first, 1)) == "order"  # the same row twice
    said = set()
    for at in range(key, len(first)):  # a greater byte behind the key does not make the row a later one
        twin = first[:at] + bytes([min(first[at] + 1, 255)]) + first[at + 1 :]
        said.add(verdict(with_row(number, twin, 1)))
    assert said <= {"order", "value"}
    assert "order" in said or key == len(first)
    exchanged = with_row(number, first, 1)
    start = STARTS[number][0]
    exchanged = exchanged[:start] + second + exchanged[start + len(second) :]
    assert verdict(exchanged) == "order"


@pytest.mark.parametrize("number", SORTED, ids=name_of)
def test_the_last_byte_of_the_key_tells_rows_apart(number: int) -> None:
    layout, first = SECTIONS[number], row_of(number)
    at = layout.key - 1
    later = first[:at] + bytes([first[at] + 1]) + first[at + 1 :]
    assert verdict(with_row(number, later, 1)) == "good"


def test_two_journeys_of_one_place_are_refused_though_one_is_longer() -> None:
    place = Journey(rule="city", mode=Mode.BUS, city=320500)
    for longest_s in (1, 1 << 24):  # told by the last byte of the field, and by the first, right behind the key
        later = replace(place, longest_s=longest_s)
        assert verdict(build(Rules(environment="test", version=1, journeys=[place, later]))) == "order"


@pytest.mark.parametrize(("told", "zeros"), [(0, (4, 8)), (1, (8,)), (2, (4,)), (3, ())])
def test_what_a_withdrawal_does_not_tell_is_zeros_or_nobody_would_find_it(told: int, zeros: tuple[int, ...]) -> None:
    sizes = {4: 4, 8: 3}  # of the institution, of the serial, by their places
    others, last = row_of(36)[12:], STARTS[36][1] - 1
    for at, size in sizes.items():
        for byte in range(at, at + size):
            key = bytearray([255, told]) + bytes(10)
            key[byte] = 1
            assert verdict(with_row(36, bytes(key) + others, last)) == ("value" if at in zeros else "good"), byte


@pytest.mark.parametrize("number", DATED, ids=name_of)
def test_a_dated_row_holds_for_a_time_and_no_other_of_its_key_overlaps_it(number: int) -> None:
    key, first = SECTIONS[number].key, row_of(number)

    def dated(from_s: int, to_s: int) -> bytes:
        return first[:key] + from_s.to_bytes(4) + to_s.to_bytes(4) + first[key + 8 :]

    def two(earlier: bytes, later: bytes) -> str:
        start = STARTS[number][0]
        return verdict(GOOD[:start] + earlier + later + GOOD[start + 2 * len(first) :])

    assert two(dated(1, 5), dated(5, 9)) == "good"
    assert two(dated(1, 5), dated(6, 9)) == "good"
    assert two(dated(1, 6), dated(5, 9)) == "order"
    assert two(dated(5, 9), dated(1, 5)) == "order"
    assert two(dated(1, 5), dated(5, 5)) == "value"
    assert two(dated(1, 5), dated(9, 5)) == "value"


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ((1, 3), (4, 6), "good"),
        ((1, 3), (3, 6), "order"),  # they share one account
        ((1, 6), (3, 4), "order"),  # one inside the other
        ((1, 6), (3, 9), "order"),  # the first ends inside the second
        ((4, 6), (1, 3), "order"),
        ((2, 2), (3, 3), "good"),
        ((2, 2), (2, 2), "order"),
        ((3, 1), (4, 6), "value"),  # ends before it begins
        ((1, 3), (6, 4), "value"),
    ],
)
def test_ranges_of_the_deny_list_do_not_overlap(first: tuple[int, int], second: tuple[int, int], said: str) -> None:
    ranges = [bytes([0x31] * 9 + [number]) for number in (*first, *second)]
    start = STARTS[6][0]
    assert verdict(GOOD[:start] + b"".join(ranges) + GOOD[start + 40 :]) == said


@pytest.mark.parametrize(
    ("number", "name", "value", "said"),
    [
        (1, "families", 1, "value"),  # unknown is no family that could be judged
        (1, "families", 0x1FFE, "good"),
        (2, "line", 1, "value"),  # the first fare is of any city
        (3, "expiry_month", 0, "value"),  # a year without its month
        (9, "line", 1, "value"),  # the first concession is of any city
        (27, "last", 0, "value"),
        (28, "from_min", 1439, "value"),
        (12, "state_at", 31, "good"),
        (12, "station_size", 3, "value"),
        (23, "prefix_size", 31, "value"),  # what is filled up is zeros
    ],
)
def test_what_one_field_demands_of_another(number: int, name: str, value: int, said: str) -> None:
    offset = 0
    for column in SECTIONS[number].columns:
        if column.name == name:
            break
        offset += column.form.sizeof()
    assert verdict(with_bytes(number, offset, value.to_bytes(column.form.sizeof()))) == said


def test_a_percentage_is_at_most_a_thousand_tenths() -> None:
    assert row_of(9, 1)[28] == 1
    assert verdict(with_bytes(9, 32, (1000).to_bytes(4), 1)) == "good"
    assert verdict(with_bytes(9, 32, (1001).to_bytes(4), 1)) == "value"


def test_fen_of_a_concession_may_be_more_than_a_hundred() -> None:
    assert row_of(9)[28] == 2
    assert verdict(with_bytes(9, 32, (0xFFFFFF).to_bytes(4))) == "good"


@pytest.mark.parametrize("form", [0, 1, 2])
def test_a_time_ends_within_field_14(form: int) -> None:
    size = {0: 0, 1: 4, 2: 7}[form]
    row = row_of(12)
    assert verdict(with_row(12, row[:6] + bytes([32 - size]) + row[7:9] + bytes([form]) + row[10:])) == "good"
    assert verdict(with_row(12, row[:6] + bytes([33 - size]) + row[7:9] + bytes([form]) + row[10:])) == "value"


@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_station_ends_within_field_14(size: int) -> None:
    row = row_of(12)
    assert verdict(with_row(12, row[:5] + bytes([32 - size]) + row[6:7] + bytes([size]) + row[8:])) == "good"
    assert verdict(with_row(12, row[:5] + bytes([33 - size]) + row[6:7] + bytes([size]) + row[8:])) == "value"


def test_a_root_may_have_no_month_only_without_a_year() -> None:
    assert verdict(with_bytes(3, 1, b"\x00\x00")) == "good"
    assert verdict(with_bytes(3, 1, b"\x00\x0c")) == "good"
    assert verdict(with_bytes(3, 1, b"\x01\x00")) == "value"


def test_a_prefix_may_fill_its_place() -> None:
    assert row_of(23)[32] == 32
    assert verdict(with_bytes(23, 31, b"\xff")) == "good"


def test_an_extra_time_base_is_none_when_it_is_zero() -> None:
    assert verdict(with_bytes(7, 4, bytes(4), 1)) == "value"


@pytest.mark.parametrize("number", [1, 18, 26])
def test_there_is_one_row_of_limits_one_of_the_reader_and_one_of_the_tariff(number: int) -> None:
    at = next(at for at in range(20, 20 + 12 * len(STARTS), 12) if int.from_bytes(GOOD[at : at + 2]) == number)
    for rows in (0, 2):
        assert verdict(GOOD[: at + 4] + rows.to_bytes(4) + GOOD[at + 8 :]) == "section"
