"""The log read from outside: any flash is a log, perhaps with complaints."""

import zlib

from hypothesis import example, given
from hypothesis import strategies as st

from yima.hwsim.board.layout import FLASH_BLOCK, LOG, LOG_SIZE
from yima.hwsim.board.log_reader import read_log


def block(sequence: int, entries: bytes = b"") -> bytes:
    head = (b"YLG2" + sequence.to_bytes(4, "little") + (1).to_bytes(4, "little")).ljust(48, b"\0")
    copy = head + zlib.crc32(head).to_bytes(4, "little") + b"\xff" * 4
    return (copy * 2 + entries).ljust(FLASH_BLOCK, b"\xff")


def head(size: int, kind: int = 1) -> bytes:
    eight = size.to_bytes(2, "little") + bytes([kind, 0xFF ^ kind]) + (1).to_bytes(4, "little")
    return eight + zlib.crc32(eight).to_bytes(4, "little")


@given(st.binary(max_size=200), st.integers(0, 2**32 - 1))
@example(head(0xFFFF), 1)
@example(head(8) + bytes(8), 2**32 - 1)
@example(head(0) + bytes(8 + 32), 0)
def test_any_entries_are_read_as_far_as_they_are_whole(entries: bytes, sequence: int) -> None:
    flash = bytes(LOG) + block(sequence, entries).ljust(LOG_SIZE, b"\xff")
    found = read_log(flash)
    assert all(len(data) <= FLASH_BLOCK for data in found.records.values())


@given(st.binary(max_size=FLASH_BLOCK))
def test_any_flash_is_an_empty_log(content: bytes) -> None:
    assert read_log(bytes(LOG) + content.ljust(LOG_SIZE, b"\xff")).records == {}
