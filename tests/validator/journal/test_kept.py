"""What a device needs to know again of what it kept: entries of today, and records that an older version kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.uplinks import record
from yima.sdk.layouts import RECORD
from yima.validator import _core
from yima.validator.journal.facts import NoteFacts, write
from yima.validator.journal.kept import KeptTap, code_of, fault_of, kept_tap
from yima.validator.judging import Vouched

NOTE = write(NoteFacts(at=1, trusted=True, run=1, tick_ms=1, note=1)) + b"text"


def older(*tags: tuple[int, bytes]) -> bytes:
    """A record as it was written when reason, trust, rules and who vouched were tags of its own."""
    values = ((0, b"\0"), (1, b"code"), (9, (200).to_bytes(4)), (0x2001, bytes(2)), (0x2002, b"\1"), *tags)
    body: bytes = RECORD.build([{"tag": tag, "value": value} for tag, value in values])
    return body + bytes.fromhex("00110020") + _core.sm3(body)


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
    assert kept_tap(older(*tags)) == KeptTap(b"code", 200, vouched)
    assert fault_of(older(*tags)) is None


def test_an_entry_of_another_kind_is_no_tap() -> None:
    assert kept_tap(NOTE) is None
    assert code_of(NOTE) is None
    assert fault_of(NOTE) is None


@pytest.mark.parametrize("content", [b"", b"no record", record(b"code")[:-1], record(b"code") + b"\0", NOTE[:40]])
def test_what_no_device_kept_is_named(content: bytes) -> None:
    assert fault_of(content) == "it is no entry, and no intact trip record (tag 0011)"


@given(st.binary(max_size=300))
def test_any_bytes_are_read_as_far_as_they_say_something(content: bytes) -> None:
    kept = kept_tap(content)
    assert kept is not None
    assert kept.fare_fen >= 0
    assert kept.vouched in Vouched
