"""The core's table of the image: held against a description by hand, against real images, and against its page."""

from pathlib import Path

import pytest

from tests import parameter_layout
from tests.parameter_images import CORPUS, images
from yima.sdk.parameters.image_page import page
from yima.validator import _core
from yima.validator.parameters import sections
from yima.validator.parameters.image import with_version
from yima.validator.parameters.sections import BY_NUMBER, Opened

ROOT = Path(__file__).parents[3]
IMAGES = images()


def test_the_core_and_the_description_by_hand_know_the_same_sections() -> None:
    by_hand = {
        number: (layout.name, layout.row.sizeof(), layout.key, layout.order)
        for number, layout in parameter_layout.SECTIONS.items()
    }
    assert {
        number: (section.name, section.row_size, section.key_size, section.order)
        for number, section in BY_NUMBER.items()
    } == by_hand


@pytest.mark.parametrize("number", parameter_layout.SECTIONS, ids=lambda number: BY_NUMBER[number].name)
def test_the_core_and_the_description_by_hand_put_every_field_in_the_same_place(number: int) -> None:
    by_hand, offset = [], 0
    for column in parameter_layout.SECTIONS[number].columns:
        least, most = column.least or 0, parameter_layout.ANY if column.most is None else column.most
        by_hand.append((column.name, offset, column.form.sizeof(), column.kind, least, most))
        offset += column.form.sizeof()
    fields = BY_NUMBER[number].fields
    assert [(field.name, field.offset, field.size, field.form, field.least, field.most) for field in fields] == by_hand


def test_the_header_and_the_directory_are_those_described_by_hand() -> None:
    for section, by_hand in ((sections.HEADER, parameter_layout.HEADER), (sections.ENTRY, parameter_layout.ENTRY)):
        assert [(field.name, field.size) for field in section.fields] == [
            (form.name, form.sizeof()) for form in by_hand.subcons
        ]
        assert section.row_size == by_hand.sizeof()


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_says_the_same_by_either_description(name: str) -> None:
    image = IMAGES[name]
    opened = Opened(image)
    by_table = {number: [vars(row) for row in opened.each(BY_NUMBER[number])] for number in opened.numbers}
    assert by_table == parameter_layout.parse(image)


def test_what_was_written_down_stands_where_the_description_by_hand_says() -> None:
    found = parameter_layout.parse(IMAGES["everything.bin"])
    assert found[5][0] == {"riding_city": 320500, "mode": 1, "issuer_city": 310000, "family": 0, "from_s": 5, "to_s": 9}
    [rest, city] = found[11]
    assert (city["mode"], city["city"], city["longest_s"], city["over_time_fen"]) == (2, 320500, 7200, 700)
    assert (city["missing_entry"], city["missing_entry_fen"], city["unreadable"]) == (2, 5, 1)
    assert (rest["city"], rest["missing_exit"], rest["unreadable_fen"], rest["entry_cap_fen"]) == (0, 2, 6, 300)
    names = [row["name"].rstrip(b"\0").decode() for row in found[8]]
    rules = ("over_time_rule", "missing_entry_rule", "unreadable_rule", "missing_exit_rule")
    assert [names[city[rule] - 1] for rule in rules] == [
        "city-over-time", "city-no-entry", "city-unreadable", "city-no-exit",
    ]  # fmt: skip
    assert [row["fen"] for row in found[17]] == [1, 0xFFFF, 0xFFFE, 4, 8]
    assert found[18] == [
        {"baud": 9600, "gap_ms": 30, "prefix_size": 1, "suffix_size": 2}
        | {"prefix": b"\x02" + bytes(7), "suffix": b"\r\n" + bytes(6)}
    ]
    assert (found[23][1]["prefix_size"], found[23][1]["at_risk_fen"], found[23][1]["at_risk_rides"]) == (3, 1000, 3)


def test_the_images_together_hold_every_section() -> None:
    held = {number for image in IMAGES.values() for number in Opened(image).numbers}
    assert held == set(BY_NUMBER)


@pytest.mark.parametrize("name", IMAGES)
def test_the_seeds_of_the_fuzz_corpus_are_the_images_and_the_core_takes_them(name: str) -> None:
    _core.parameters_check(IMAGES[name])
    assert (CORPUS / name).read_bytes() == IMAGES[name], "renew them: python -m tests.parameter_images"


def test_the_page_of_the_image_is_the_one_the_table_makes() -> None:
    shown = (ROOT / "docs" / "parameter-image.md").read_text(encoding="utf-8")
    assert shown == page(), "renew it: python -m yima.sdk.parameters.image_page > docs/parameter-image.md"


def test_a_row_takes_each_field_once_and_no_other() -> None:
    row = {"table": 1, "stations": 2, "first_cell": 3}
    assert vars(sections.MATRICES.read(sections.MATRICES.pack(**row))) == row
    with pytest.raises(TypeError, match="MATRICES has no field size"):
        sections.MATRICES.pack(**row, size=4)
    with pytest.raises(KeyError, match="first_cell"):
        sections.MATRICES.pack(table=1, stations=2)
    with pytest.raises(KeyError, match="size"):
        sections.MATRICES["size"]


def test_another_version_changes_the_version_alone() -> None:
    image = IMAGES["everything.bin"]
    other = with_version(image, 0xA1B2C3D4)
    assert other == image[:16] + bytes.fromhex("a1b2c3d4") + image[20:]
