"""Reports of a scanner in HID-POS mode, made here by the manuals' table and put together by the reader's own code."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.validator.readers.test_serial_reader import CODE, SOUND
from yima.validator.ports import Reading
from yima.validator.readers.hid_reports import MalformedReportError, Reports, parsed

TEXT = b"XIAMEN/" + b"0123456789" * 12
LATER_NS = 10**12


def reports_of(payload: bytes, *, aim: bytes = b"]Q1", flag: bool = True, room: int = 56) -> list[bytes]:
    """What a scanner sends of one payload; flag: whether it ever sets the last bit."""
    pieces = [payload[at : at + room] for at in range(0, len(payload), room)]
    return [
        bytes([2, len(piece)]) + aim + piece.ljust(56, b"\0") + b"s\0" + bytes([flag and at < len(pieces) - 1])
        for at, piece in enumerate(pieces)
    ]


def put_together(reports: list[bytes], step_ns: int = 1_000_000) -> list[Reading]:
    assembling = Reports()
    readings: list[Reading] = []
    for number, report in enumerate(reports):
        readings += assembling.feed(report, number * step_ns)
    return readings + assembling.silence(LATER_NS)


def test_the_manuals_example_of_two_reports() -> None:
    """LSR118 product manual, B.1.1: 60 bytes, of which 56 and 4."""
    pass_ = b"M1GATHERGOOD/MICHAEL  YABCDEF LHRDURAK 3542 052Y003D23      "[:60]
    first, second = reports_of(pass_, aim=b"]Q0")
    assert (first[:5], first[63], second[63]) == (b"\x02\x38]Q0", 1, 0)
    assert parsed(first) == (pass_[:56], "]Q0", True)
    assembling = Reports()
    assert assembling.feed(first, 0) == []
    (reading,) = assembling.feed(second, 1_000_000)
    assert (reading.payload, reading.first_ns, reading.last_ns, reading.faults) == (pass_, 0, 1_000_000, ())


@pytest.mark.parametrize("flag", [True, False], ids=["the bit set", "the bit never set"])
@pytest.mark.parametrize("aim", [b"]Q1", b"\0\0\0"], ids=["named", "unnamed"])
def test_a_code_longer_than_a_report_is_put_together(aim: bytes, *, flag: bool) -> None:
    codes = [CODE, *SOUND]
    sent = [report for code in codes for report in reports_of(code, aim=aim, flag=flag)]
    assert [(one.payload, one.faults) for one in put_together(sent)] == [(code, ()) for code in codes]


def test_a_code_is_delivered_with_its_last_report_and_waits_for_nothing() -> None:
    assembling = Reports()
    *before, last = reports_of(CODE)
    assert [assembling.feed(report, 0) for report in before] == [[]] * len(before)
    assert [one.payload for one in assembling.feed(last, 0)] == [CODE]


def test_texts_end_by_the_bit() -> None:
    sent = [*reports_of(TEXT), *reports_of(b"XIAMEN/1"), *reports_of(TEXT)]
    assert [one.payload for one in put_together(sent)] == [TEXT, b"XIAMEN/1", TEXT]


def test_a_report_that_does_not_come_is_told_with_what_came() -> None:
    (reading,) = put_together(reports_of(TEXT)[:-1])
    assert reading.payload == TEXT[:112]
    assert reading.faults == ("the report that was to go on did not come",)


def test_a_scan_of_another_symbology_ends_the_one_before() -> None:
    sent = [*reports_of(TEXT)[:1], *reports_of(b"6901234567892", aim=b"]E0")]
    first, second = put_together(sent)
    assert (first.payload, second.payload) == (TEXT[:56], b"6901234567892")
    assert second.faults == ("]E0 is no QR code",)


def test_other_reports_are_dropped_and_counted() -> None:
    status = bytes([4, 1, 0, 0])
    (reading,) = put_together([status, *reports_of(CODE)[:3], status, *reports_of(CODE)[3:], b""])
    assert reading.payload == CODE
    assert reading.faults == ("2 reports of other ids dropped",)


BROKEN = {
    "of 63 bytes, not 64": reports_of(CODE)[0][:63],
    "of 57 data bytes": b"\x02\x39" + reports_of(CODE)[0][2:],
    "AIM identifier is 5d5131"[:17]: b"\x02\x38" + b"Q1]" + reports_of(CODE)[0][5:],
}


@pytest.mark.parametrize("why", BROKEN)
def test_a_report_that_breaks_the_form_is_seen_as_it_came(why: str) -> None:
    with pytest.raises(MalformedReportError, match=why):
        parsed(BROKEN[why])
    first, second = put_together([BROKEN[why], *reports_of(CODE)])
    assert (first.payload, second.payload) == (BROKEN[why], CODE)
    assert why in first.faults[0]


def test_a_report_of_another_id_is_none_of_scanned_data() -> None:
    with pytest.raises(MalformedReportError, match="report 01, not 02"):
        parsed(b"\x01" + bytes(63))


@given(
    st.lists(st.binary(min_size=1, max_size=400).filter(lambda data: not data.startswith(b"\x02")), max_size=4),
    st.integers(1, 56),
)
def test_every_payload_comes_out_as_if_a_line_had_brought_it(payloads: list[bytes], room: int) -> None:
    """A scanner may fill its reports as it likes; the pieces change nothing."""

    def read(room: int) -> list[bytes]:
        sent = [reports_of(payload, room=room) for payload in payloads]
        return [one.payload for reports in sent for one in put_together(reports)]

    assert read(room) == read(56)


@given(st.lists(st.binary(max_size=80) | st.binary(min_size=63, max_size=63).map(lambda rest: b"\x02" + rest)))
def test_whatever_comes_ends_nothing_and_is_bounded(reports: list[bytes]) -> None:
    readings = put_together(reports)
    assert all(0 < len(one.payload) <= 4096 for one in readings)
    assert all(one.first_ns <= one.last_ns for one in readings)
    assert all(one.last_ns <= two.last_ns for one, two in pairwise(readings))


def test_a_flood_without_an_end_is_one_reading() -> None:
    endless = [bytes([2, 56]) + b"]Q1" + b"A" * 56 + b"\0\0\1"] * 200
    assert len(put_together([*endless, *reports_of(CODE)])) == 2
