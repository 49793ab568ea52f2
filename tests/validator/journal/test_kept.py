"""What a device needs to know again of what it kept: entries of today, and records that an older version kept."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.entries import tap
from tests.uplinks import record
from yima.sdk.layouts import RECORD
from yima.validator import _core
from yima.validator.journal.facts import NoteFacts, write
from yima.validator.journal.kept import NOT_INTACT, KeptTap, code_of, fault_of, kept_tap
from yima.validator.journal.older import OlderEntry
from yima.validator.judging import Vouched
from yima.validator.ports import JournalKey

NOTE = write(NoteFacts(at=1, trusted=True, run=1, tick_ms=1, note=1)) + b"text"


def older(*tags: tuple[int, bytes], cut: int = 0) -> OlderEntry:
    """A record as it was written when reason, trust, rules and who vouched were tags of its own."""
    values = ((0, b"\0"), (1, b"code"), (9, (200).to_bytes(4)), (0x2001, bytes(2)), (0x2002, b"\1"), *tags)
    body: bytes = RECORD.build([{"tag": tag, "value": value} for tag, value in values])
    record = body + bytes.fromhex("00110020") + _core.sm3(body)
    return OlderEntry(
        key=JournalKey("gate-7", 7, 1), at=5, time_trusted=True, tick_ms=0, reason=0,
        content=record[: len(record) - cut], previous=bytes(32), hash=bytes(32),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("tags", "vouched"),
    [
        ((), Vouched.HERE),
        (((0x2004, b"\1"),), Vouched.ISSUER),
        (((0x2004, b"\2"),), Vouched.NOBODY),
        (((0x2004, b"\7"),), Vouched.HERE),
    ],
)
def test_a_record_of_an_older_version_is_understood(tags: tuple[tuple[int, bytes], ...], vouched: Vouched) -> None:
    assert kept_tap(older(*tags)) == KeptTap(5, b"code", 200, vouched)
    assert fault_of(older(*tags)) is None


def test_an_entry_of_another_kind_is_no_tap() -> None:
    assert kept_tap(NOTE) is None
    assert code_of(NOTE) is None
    assert fault_of(NOTE) is None


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "its facts cannot be read"),
        (record(b"code"), "its facts cannot be read"),
        (NOTE[:40], "its facts cannot be read"),
        (tap(body=record(b"code")[:-1]), NOT_INTACT),
        (tap(body=record(b"code") + b"\0"), NOT_INTACT),
        (older(cut=1), NOT_INTACT),
    ],
)
def test_what_no_device_kept_is_named(content: bytes | OlderEntry, fault: str) -> None:
    assert (fault_of(content) or "").startswith(fault)


def test_taps_of_today_say_what_was_shown() -> None:
    assert kept_tap(tap(9, body=record(b"code"))) == KeptTap(9, b"code", 200, Vouched.HERE)
    assert kept_tap(tap(9, body=b"shown", reason=10, fare_fen=0)) == KeptTap(9, b"shown", 0, Vouched.HERE)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_as_far_as_they_say_something(content: bytes) -> None:
    assert kept_tap(content) is None or fault_of(content) is None
    kept = kept_tap(replace(older(), content=content))
    assert kept is not None
    assert kept.fare_fen >= 0
