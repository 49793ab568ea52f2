"""The ministry's whitelist file: what is written reads back, and every malformed line is named with its reason."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.parameters.whitelist_file import (
    LAB_MINIMUM,
    WhitelistFile,
    WhitelistFileError,
    compare,
    parse_whitelist_file,
    read_whitelist_file,
)

NAME = "BCBN240131" + "0" * 23 + "7A"
LAB = WhitelistFile(issued=date(2024, 1, 31), serial="0" * 23 + "7", pairs=LAB_MINIMUM)
LINES = [
    "01",
    "000004" + "F" * 20,
    "00083010   50083010",
    "01011000   01011000",
    "01523990   50023301",
    "09981001   50023301",
]


def content(lines: list[str]) -> bytes:
    return "".join(line + "\n" for line in lines).encode()


def with_line(number: int, line: str) -> list[str]:
    return [*LINES[: number - 1], line, *LINES[number:]]


def test_the_labs_least_list_is_written_as_the_platform_writes_it(tmp_path: Path) -> None:
    path = LAB.write(tmp_path)
    assert path.name == NAME
    assert path.read_bytes() == content(LINES)
    assert read_whitelist_file(path) == LAB


@pytest.mark.parametrize("data", [content(LINES), content(LINES)[:-1], content(LINES).replace(b"\n", b"\r\n")])
def test_line_ends_of_either_kind_and_a_last_line_without_one_are_read(data: bytes) -> None:
    assert parse_whitelist_file(NAME, data) == LAB


def test_an_empty_list_is_a_list() -> None:
    assert parse_whitelist_file(NAME, content(["01", "000000" + "F" * 20])).pairs == ()


@pytest.mark.parametrize(
    ("lines", "line", "reason"),
    [
        ([], 1, "must be 01"),
        (["02", *LINES[1:]], 1, "must be 01"),
        (["01"], 2, "count of 6 digits and 20 F"),
        (with_line(2, "000004" + "F" * 19), 2, "count of 6 digits and 20 F"),
        (with_line(2, "000004" + "f" * 20), 2, "count of 6 digits and 20 F"),
        (with_line(2, "000003" + "F" * 20), 2, "it says 3 records, there are 4"),
        (LINES[:-1], 2, "it says 4 records, there are 3"),
        (with_line(3, "00083010  50083010"), 3, "three spaces"),
        (with_line(4, "01011000\t\t\t01011000"), 4, "three spaces"),
        (with_line(5, "0152399A   50023301"), 5, "8 digits"),
        (with_line(6, ""), 6, "8 digits"),
        (with_line(6, "00083010   50083011"), 6, "00083010 stands in line 3 already"),
        (with_line(6, "09981001   50023301 "), 6, "8 digits"),
        (with_line(6, "0998100１   50023301"), 6, "not ASCII"),
        (with_line(6, "9" * 500), 6, "8 digits"),
    ],
)
def test_a_malformed_line_is_named_with_file_line_and_reason(lines: list[str], line: int, reason: str) -> None:
    with pytest.raises(WhitelistFileError, match=reason) as refused:
        parse_whitelist_file(NAME, content(lines), "lists/" + NAME)
    assert refused.value.thing == f"lists/{NAME}, line {line}"
    assert len(str(refused.value)) < 250
    assert refused.value.problem.zh


@pytest.mark.parametrize(
    "name",
    ["", NAME[:-1], NAME + "A", NAME.lower(), NAME.replace("240131", "240132"), "BCBN240131" + "x" * 24 + "A"],
)
def test_a_file_under_another_name_is_refused(name: str) -> None:
    with pytest.raises(WhitelistFileError, match="the name is not BCBN"):
        parse_whitelist_file(name, content(LINES))


def test_a_file_that_is_not_there_and_a_place_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    with pytest.raises(WhitelistFileError, match="cannot be read"):
        read_whitelist_file(tmp_path / NAME)
    with pytest.raises(WhitelistFileError, match="cannot be written"):
        LAB.write(tmp_path / "nowhere")


def test_what_is_longer_than_any_whitelist_is_refused_unread() -> None:
    with pytest.raises(WhitelistFileError, match="longer than any whitelist"):
        parse_whitelist_file(NAME, b"9" * 30_000_000)


@pytest.mark.parametrize(
    ("serial", "pairs"),
    [
        ("7", LAB_MINIMUM),
        ("0" * 24, (("1234567", "12345678"),)),
        ("0" * 24, (LAB_MINIMUM[0], LAB_MINIMUM[0])),
    ],
)
def test_what_no_file_could_hold_cannot_be_made(serial: str, pairs: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(ValueError, match=r"serial|pairs"):
        WhitelistFile(issued=date(2024, 1, 1), serial=serial, pairs=pairs)


def test_two_lists_are_compared_by_institution() -> None:
    new = [*LAB_MINIMUM[1:3], ("09981001", "50023302"), ("12345678", "50023301")]
    assert compare(LAB_MINIMUM, new) == (["12345678"], ["00083010"], ["09981001"])
    assert compare(LAB_MINIMUM, reversed(LAB_MINIMUM)) == ([], [], [])


EIGHT = st.from_regex(r"[0-9]{8}", fullmatch=True)


@given(
    issued=st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    serial=st.from_regex(r"[0-9]{24}", fullmatch=True),
    pairs=st.dictionaries(EIGHT, EIGHT, max_size=30),
)
def test_what_is_written_reads_back(issued: date, serial: str, pairs: dict[str, str]) -> None:
    made = WhitelistFile(issued=issued, serial=serial, pairs=tuple(pairs.items()))
    assert parse_whitelist_file(made.name, made.content()) == made


@given(data=st.one_of(st.binary(max_size=200), st.text(alphabet="0189F \r\n", max_size=200).map(str.encode)))
def test_any_bytes_are_a_whitelist_or_the_one_error(data: bytes) -> None:
    try:
        found = parse_whitelist_file(NAME, data)
    except WhitelistFileError:
        return
    assert parse_whitelist_file(NAME, found.content()) == found


@given(place=st.integers(0, len(content(LINES)) - 1), byte=st.integers(0, 255))
def test_one_byte_changed_makes_another_list_or_is_noticed(place: int, byte: int) -> None:
    data = bytearray(content(LINES))
    data[place] = byte
    try:
        found = parse_whitelist_file(NAME, bytes(data))
    except WhitelistFileError as refused:
        assert ", line " in refused.thing
        return
    # What was accepted says exactly what these bytes say, whatever ends the last line.
    assert found.content().rstrip(b"\n") == bytes(data).replace(b"\r\n", b"\n").rstrip(b"\r\n")
