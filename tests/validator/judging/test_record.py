"""The trip record: what it holds, and that a changed one is seen."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.issuer import Rider
from yima.validator import _core
from yima.validator.errors import ParametersError
from yima.validator.journal.facts import TapFacts, parse
from yima.validator.journal.kept import code_of, fault_of
from yima.validator.judging import Mode, Moment, Reason, Validator, Verdict
from yima.validator.judging.record import Terminal, record_is_intact, tap_entry, trip_record
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


def tags(record: bytes) -> dict[int, bytes]:
    """The record taken apart, in its order; each tag stands once."""
    found: dict[int, bytes] = {}
    while record:
        tag, length = int.from_bytes(record[:2]), int.from_bytes(record[2:4])
        assert tag not in found
        assert len(record) >= 4 + length
        found[tag], record = record[4 : 4 + length], record[4 + length :]
    return found


@pytest.fixture(scope="session")
def accepted(
    new_rider: Callable[..., Rider], new_validator: Callable[..., Validator], now: int
) -> Callable[..., Verdict]:
    """An accepted verdict; its code may be replaced by any bytes, as only the record's form is looked at here."""
    verdict = new_validator().judge(new_rider().code(now), now)
    assert verdict.accepted
    return lambda **changes: replace(verdict, **changes)


def recorded(
    verdict: Verdict, terminal: Terminal = FULL, *, unix_s: int = 0, mode: Mode = Mode.BUS, record_id: str = "R1"
) -> bytes:
    return trip_record(verdict, mode=mode, terminal=terminal, record_id=record_id, moment=Moment.at(unix_s))


Accepted = Callable[..., Verdict]


def test_an_accepted_ride_is_recorded_with_the_ministrys_tags_and_no_others(accepted: Accepted, now: int) -> None:
    verdict = accepted()
    record = recorded(verdict, unix_s=now, record_id="SZ-00012320260921")
    found = tags(record)
    assert list(found) == list(range(0x12))
    assert found[0x00] == b"\0"
    assert found[0x01] == verdict.code
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
    assert found[0x11] == _core.sm3(record[:-36])
    assert record_is_intact(record)


def test_the_merchant_type_is_the_modes_unless_the_terminal_has_its_own(accepted: Accepted) -> None:
    def merchant(mode: Mode, terminal: Terminal) -> bytes:
        return tags(recorded(accepted(), terminal, mode=mode))[0x06]

    assert merchant(Mode.BUS, FULL) == b"4131"
    assert merchant(Mode.METRO, FULL) == b"4111"
    assert merchant(Mode.METRO, replace(FULL, merchant_type="4789")) == b"4789"


def test_a_refused_tap_has_no_record(accepted: Accepted) -> None:
    with pytest.raises(ValueError, match="refused"):
        recorded(accepted().refused(Reason.OFFLINE_TOO_LONG))


def test_an_empty_text_leaves_its_tag_out(accepted: Accepted) -> None:
    found = tags(recorded(accepted(), Terminal(terminal="T")))
    assert not found.keys() & set(range(0x0A, 0x10))


@given(code=st.binary(max_size=4096), unix_s=st.integers(-(2**63), 2**63 - 1))
def test_any_payload_and_any_clock_make_an_intact_record(accepted: Accepted, code: bytes, unix_s: int) -> None:
    moment = Moment(unix_s=unix_s, tick_ms=0)
    record = trip_record(accepted(code=code), mode=Mode.BUS, terminal=FULL, record_id="R1", moment=moment)
    assert record_is_intact(record)
    assert tags(record)[0x10] == min(max(unix_s, 0), 2**32 - 1).to_bytes(4)


def test_a_record_with_any_one_bit_changed_is_not_intact(accepted: Accepted) -> None:
    record = recorded(accepted(code=b"short"))
    for bit in range(len(record) * 8):
        changed = bytearray(record)
        changed[bit // 8] ^= 1 << bit % 8
        assert not record_is_intact(bytes(changed)), bit


def test_a_record_cut_short_anywhere_is_not_intact(accepted: Accepted) -> None:
    record = recorded(accepted(code=b"short"))
    assert not any(record_is_intact(record[:size]) for size in range(len(record)))


def test_a_record_begins_with_the_one_version_that_there_is(accepted: Accepted) -> None:
    record = recorded(accepted())

    def sealed(content: bytes) -> bytes:
        return content + record[-36:-32] + _core.sm3(content)

    assert sealed(record[:-36]) == record
    for head in ("0000000101", "0000000200", "0001000100", "00000000"):
        assert not record_is_intact(sealed(bytes.fromhex(head) + record[5:-36])), head


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


@pytest.mark.parametrize("wrong", ["x" * 256, "苏" * 86, "a\nb", "a\0b", "\udcff"])
def test_a_text_that_no_record_can_hold_is_refused_when_the_terminal_is_set_up(wrong: str) -> None:
    with pytest.raises(ParametersError, match="line"):
        Terminal(terminal="T", line=wrong)


def test_a_terminals_id_is_whole_in_the_ids_of_its_records() -> None:
    """Two whose first 64 bytes are the same named their records alike."""
    with pytest.raises(ParametersError, match="At most 64 bytes"):
        Terminal(terminal="x" * 65)


def test_the_longest_texts_fit_beside_the_longest_payload(accepted: Accepted) -> None:
    longest = "x" * 255
    terminal = Terminal(terminal="x" * 64, **dict.fromkeys(("vendor", "software", "vehicle", "plate"), longest))
    assert record_is_intact(recorded(accepted(code=bytes(4096)), terminal))
    with pytest.raises(ValueError, match="4096"):
        recorded(accepted(code=bytes(4097)))
    with pytest.raises(ValueError, match="255"):
        recorded(accepted(), record_id="x" * 256)


def test_an_entry_is_the_facts_and_then_the_record_or_the_payload(
    new_rider: Callable[..., Rider], new_validator: Callable[..., Validator], now: int
) -> None:
    moment = Moment.at(now)
    for payload, mode, is_record in (
        (new_rider().code(now), Mode.METRO, True),
        (b"garbage", Mode.BUS, False),
        (b"", Mode.BUS, False),
        (b"g" * 400, Mode.BUS, False),
    ):
        validator = new_validator(mode=mode)
        verdict = validator.judge(payload, moment)
        entry = tap_entry(validator, verdict, terminal=FULL, record_id="R1", moment=moment, run=3)
        facts, body = parse(entry)
        assert isinstance(facts, TapFacts)
        assert (facts.accepted, facts.reason, facts.run) == (is_record, verdict.reason, 3)
        assert body == (recorded(verdict, unix_s=now, mode=mode) if is_record else payload)
        assert (code_of(entry), fault_of(entry)) == (payload, None)


@given(payload=st.binary(min_size=401, max_size=4096))
def test_of_a_long_refused_payload_the_beginning_and_the_sm3_are_kept(
    new_validator: Callable[..., Validator], now: int, payload: bytes
) -> None:
    validator, moment = new_validator(), Moment.at(now)
    verdict = validator.judge(payload, moment)
    entry = tap_entry(validator, verdict, terminal=FULL, record_id="R1", moment=moment, run=3)
    facts, body = parse(entry)
    assert isinstance(facts, TapFacts)
    assert (facts.cut_from, body) == (len(payload), payload[:368] + _core.sm3(payload))
    assert (code_of(entry), fault_of(entry)) == (None, None), "who has a part of a code has no code"
