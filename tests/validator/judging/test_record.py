"""The trip record: what it holds, and that a changed one is seen."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.issuer import Rider
from yima.validator import _core
from yima.validator.errors import ParametersError
from yima.validator.judging import GateContext, Mode, Moment, Reason, Validator
from yima.validator.judging.record import Terminal, record_is_intact, trip_record
from yima.validator.parameters import from_mapping
from yima.validator.version import VERSION

FULL = Terminal(
    terminal="SZ-000123",
    vehicle="10086",
    plate="苏E·12345",
    driver="D7",
    line="101",
    station="观前街",
    position="31.31,120.62",
)
REFUSER = Validator(from_mapping({"environment": "test", "version": 1}), GateContext(mode=Mode.BUS))


def tags(record: bytes) -> dict[int, bytes]:
    """The record taken apart, in its order; each tag stands once."""
    found: dict[int, bytes] = {}
    while record:
        tag, length = int.from_bytes(record[:2]), int.from_bytes(record[2:4])
        assert tag not in found
        assert len(record) >= 4 + length
        found[tag], record = record[4 : 4 + length], record[4 + length :]
    return found


def refused(code: bytes, terminal: Terminal = FULL, unix_s: int = 0, trusted: bool = True) -> bytes:
    moment = Moment(unix_s=unix_s, tick_ms=0, trusted=trusted)
    return trip_record(code, REFUSER.judge(code, moment), terminal=terminal, record_id="R1", moment=moment)


def test_an_accepted_ride_is_recorded_with_its_fare(
    new_rider: Callable[..., Rider], new_validator: Callable[..., Validator], now: int
) -> None:
    code = new_rider().code(now)
    moment = Moment.at(now)
    record = trip_record(
        code, new_validator().judge(code, moment), terminal=FULL, record_id="SZ-00012320260921", moment=moment
    )
    found = tags(record)
    assert list(found) == [*range(0x11), 0x2001, 0x2002, 0x2003, 0x11]
    assert found[0x00] == b"\0"
    assert found[0x01] == code
    assert found[0x02] == b"yima"
    assert found[0x03] == b"SZ-000123"
    assert found[0x04] == VERSION.encode()
    assert found[0x05] == b"SZ-00012320260921"
    assert found[0x06] == b"4131"
    assert found[0x07] == b"\0"
    assert found[0x08] == b"156"
    assert found[0x09] == (200).to_bytes(4)
    assert found[0x0B].decode() == "苏E·12345"
    assert found[0x0F] == b"31.31,120.62"
    assert found[0x10] == now.to_bytes(4)
    assert found[0x2001] == bytes(2)
    assert found[0x2002] == b"\1"
    assert found[0x2003] == b"flat-bus"
    assert found[0x11] == _core.sm3(record[:-36])
    assert record_is_intact(record)


def test_a_refused_tap_is_recorded_with_amount_0_and_its_reason() -> None:
    found = tags(refused(b"garbage", trusted=False))
    assert found[0x01] == b"garbage"
    assert found[0x09] == bytes(4)
    assert found[0x2001] == int(Reason.UNKNOWN_FAMILY).to_bytes(2)
    assert found[0x2002] == b"\0"


def test_an_empty_text_leaves_its_tag_out() -> None:
    found = tags(refused(b"?", Terminal(terminal="T")))
    assert not found.keys() & set(range(0x0A, 0x10))


@given(code=st.binary(max_size=4096), unix_s=st.integers(-(2**63), 2**63 - 1))
def test_any_payload_and_any_clock_make_an_intact_record(code: bytes, unix_s: int) -> None:
    record = refused(code, unix_s=unix_s)
    assert record_is_intact(record)
    assert tags(record)[0x10] == min(max(unix_s, 0), 2**32 - 1).to_bytes(4)


def test_a_record_with_any_one_bit_changed_is_not_intact() -> None:
    record = refused(b"short")
    for bit in range(len(record) * 8):
        changed = bytearray(record)
        changed[bit // 8] ^= 1 << bit % 8
        assert not record_is_intact(bytes(changed)), bit


def test_a_record_cut_short_anywhere_is_not_intact() -> None:
    record = refused(b"short")
    assert not any(record_is_intact(record[:size]) for size in range(len(record)))


def test_unknown_tags_are_kept_and_acquirers_may_add_theirs_behind() -> None:
    head = bytes.fromhex("0000000100") + bytes.fromhex("0042000199") + bytes.fromhex("30010000")
    record = head + bytes.fromhex("00110020") + _core.sm3(head)
    assert record_is_intact(record)
    assert record_is_intact(record + bytes.fromhex("2f000002abcd"))
    assert not record_is_intact(record + bytes.fromhex("2f000003abcd"))
    assert not record_is_intact(record + bytes.fromhex("0010000400000000"))
    assert not record_is_intact(record + record[len(head) :])


@given(st.binary(max_size=200))
def test_any_bytes_can_be_asked_whether_they_are_a_record(content: bytes) -> None:
    assert not record_is_intact(content)
    assert not record_is_intact(bytes.fromhex("0000000100") + content)


@pytest.mark.parametrize("wrong", ["x" * 256, "苏" * 86, "a\nb", "a\0b"])
def test_a_text_that_no_record_can_hold_is_refused_when_the_terminal_is_set_up(wrong: str) -> None:
    with pytest.raises(ParametersError, match="line"):
        Terminal(terminal="T", line=wrong)


def test_the_longest_texts_fit_beside_the_longest_payload() -> None:
    longest = "x" * 255
    terminal = Terminal(terminal=longest, **dict.fromkeys(("vendor", "software", "vehicle", "plate"), longest))
    assert record_is_intact(refused(bytes(4096), terminal))
    with pytest.raises(ValueError, match="4096"):
        refused(bytes(4097))
    moment = Moment.at(0)
    with pytest.raises(ValueError, match="255"):
        trip_record(b"?", REFUSER.judge(b"?", moment), terminal=FULL, record_id="x" * 256, moment=moment)
