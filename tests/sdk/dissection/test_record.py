"""yima.sdk.dissection.record: a trip record's tags, its integrity and the code inside, beside the core's own check."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yima.sdk import sm2
from yima.sdk.dissection.code import dissect
from yima.sdk.dissection.record import dissect_record, is_record, record_integrity
from yima.sdk.layouts import RECORD
from yima.sdk.roots import RootKeys
from yima.validator.judging import Reason
from yima.validator.judging.record import record_is_intact


def built(*tags: tuple[int, bytes]) -> bytes:
    """A record of these tags with the right integrity at its end."""
    body: bytes = RECORD.build([{"tag": tag, "value": value} for tag, value in tags])
    return body + bytes.fromhex("00110020") + sm2.sm3(body)


def test_the_cores_record_shows_every_tag_and_the_code_inside(
    record: bytes, code: bytes, root_keys: RootKeys, now: int
) -> None:
    assert is_record(record)
    dissection = dissect_record(record, roots=root_keys, at=now, reveal=True)
    document = dissection.document
    tags = document["tags"]
    assert isinstance(tags, dict)
    assert document["integrity"] is True
    assert document["code"] == dissect(code, roots=root_keys, at=now, reveal=True).document
    assert tags["0001"] == code.hex()
    assert {key: tags[key] for key in ("0000", "0002", "0003", "0005", "0006", "0008", "000D")} == {
        "0000": "00",
        "0002": "yima",
        "0003": "30000001",
        "0005": "30000001-1-7",
        "0006": "4131",
        "0008": "156",
        "000D": "快线 1",
    }
    assert (tags["0009"], tags["0010"]) == (200, now)
    assert max(tags) == "0011"
    assert dissection.sound


def test_a_record_of_an_older_device_shows_the_tags_it_had_of_its_own(code: bytes) -> None:
    record = built(
        (0, b"\x00"), (1, code), (9, bytes(4)), (0x2001, b"\x00\x40"), (0x2002, b"\x01"), (0x2003, b"bus-flat"),
        (0x2004, b"\x02"), (0x2005, b"\x03"),
    )  # fmt: skip
    dissection = dissect_record(record)
    tags = dissection.document["tags"]
    assert isinstance(tags, dict)
    assert (int(tags["2001"], 16), tags["2002"], tags["2003"]) == (Reason.CODE_EXPIRED, "01", "bus-flat")
    names = {field.number: field.name.en for field in dissection.fields}
    assert names["2004"].startswith("vouched for by")
    assert names["2005"].startswith("transaction")
    assert dissection.sound


def test_rows_lie_where_they_say(record: bytes) -> None:
    for field in dissect_record(record, reveal=True).fields:
        assert not field.raw or record[field.offset : field.offset + field.size].hex() == field.raw


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_one_flipped_bit_breaks_the_integrity(data: st.DataObject, record: bytes) -> None:
    flipped = bytearray(record)
    flipped[data.draw(st.integers(0, len(record) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert not record_integrity(bytes(flipped))
    assert not record_is_intact(bytes(flipped))
    assert not dissect_record(bytes(flipped)).sound


def test_a_record_whose_integrity_is_wrong_says_so_at_its_offset(record: bytes) -> None:
    broken = record[:-1] + bytes([record[-1] ^ 1])
    dissection = dissect_record(broken)
    assert dissection.document["integrity"] is False
    assert len(record) - 36 in [problem.offset for problem in dissection.problems]


def test_unknown_tags_are_kept_and_shown(code: bytes) -> None:
    record = built((0, b"\x00"), (1, code), (0x2100, b"\xca\xfe"))
    dissection = dissect_record(record)
    tags = dissection.document["tags"]
    assert isinstance(tags, dict)
    assert tags["2100"] == "cafe"
    assert dissection.sound


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (built((0, b"\x00")), "no code"),
        (built((0, b"\x00"), (0, b"\x00"), (1, b"TX1")), "stands twice"),
        (built((0, b"\x00"), (1, b"TX1")) + bytes.fromhex("21000001ff"), "not covered"),
        (built((0, b"\x00"), (1, b"TX1")) + b"\x21", "no tag"),
        (bytes.fromhex("00000001000001016a80"), "longer than the record"),
        (bytes.fromhex("0000000100"), "no integrity"),
    ],
)
def test_what_is_wrong_with_a_record_is_said(record: bytes, said: str) -> None:
    dissection = dissect_record(record)
    assert any(said in problem.text.en for problem in dissection.problems)
    assert not dissection.sound


def test_a_foreign_code_inside_is_named_and_not_shown() -> None:
    dissection = dissect_record(built((0, b"\x00"), (1, b"TX0123456789")))
    assert dissection.document["code"] == {"family": "wechat", "size": 12, "problems": []}
    tags = dissection.document["tags"]
    assert isinstance(tags, dict)
    assert tags["0001"] == "*" * 24


def test_an_amount_in_bcd_is_read_both_ways_for_the_engineer() -> None:
    fields = dissect_record(built((0, b"\x00"), (1, b"TX1"), (9, bytes.fromhex("0200")))).fields
    assert next(field.meaning for field in fields if field.number == "0009") == "¥5.12 (BCD: ¥2.00)"


def test_escape_sequences_in_a_tag_are_not_passed_on() -> None:
    tags = dissect_record(built((0, b"\x00"), (1, b"TX1"), (0x000D, b"\x1b[2Jline\xff"))).document["tags"]
    assert isinstance(tags, dict)
    assert tags["000D"] == r"\x1b[2Jline\xff"


@settings(deadline=None)
@given(tail=st.binary(max_size=600), reveal=st.booleans())
def test_any_bytes_have_a_dissection_as_a_record(tail: bytes, reveal: bool) -> None:
    for data in (tail, bytes.fromhex("00000001000001") + tail):
        dissection = dissect_record(data, reveal=reveal)
        assert dissection.document["integrity"] is record_integrity(data)


@settings(deadline=None)
@given(tags=st.lists(st.tuples(st.integers(2, 0x3000), st.binary(max_size=40)), max_size=8))
def test_the_core_and_the_sdk_agree_on_integrity(tags: list[tuple[int, bytes]], code: bytes) -> None:
    unique = {tag: value for tag, value in tags if tag != 0x0011}
    record = built((0, b"\x00"), (1, code), *unique.items())
    assert record_integrity(record)
    assert record_is_intact(record)
    assert not record_integrity(record[:-1])
    assert not record_is_intact(record[:-1])
