"""The log read from outside: any flash is a log, perhaps with complaints."""

import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from yima.hwsim.board.layout import FLASH_BLOCK, LOG, LOG_SIZE
from yima.hwsim.board.log_reader import _header_of, read_log


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


@pytest.mark.parametrize("bit", [0, 100, 383, 384 + 31])
def test_a_header_that_lacks_its_last_bit_begins_a_block_all_the_same(bit: int) -> None:
    """Power failed when all but one bit of the first copy was programmed: the device read on, this reader not."""
    whole = block(1)
    flash = bytearray(bytes(LOG) + whole.ljust(LOG_SIZE, b"\xff"))
    flash[LOG + bit // 8] ^= 1 << bit % 8
    flash[LOG + 56 : LOG + 112] = b"\xff" * 56  # the second copy was not begun
    wanted = None if bit < 32 else bytes(whole[:52])  # one that does not begin like a header is none
    found = _header_of(bytes(flash[LOG : LOG + FLASH_BLOCK]))
    assert (found[:52] if found else None) == wanted


def test_an_entrys_head_that_lacks_a_bit_is_read() -> None:
    seed = block(1)[16:20]
    eight = (0).to_bytes(2, "little") + bytes([1, 0xFE]) + (1).to_bytes(4, "little")
    of_head = zlib.crc32(eight, int.from_bytes(seed, "little"))
    behind = bytes(32)
    crcs = of_head.to_bytes(4, "little") + zlib.crc32(behind, of_head).to_bytes(4, "little")
    entry = eight + crcs + behind + bytes(8)
    for bit in range(96):
        spoilt = bytearray(entry)
        spoilt[bit // 8] ^= 1 << bit % 8
        flash = bytes(LOG) + block(1, bytes(spoilt)).ljust(LOG_SIZE, b"\xff")
        assert read_log(flash).records == {1: b""}


def test_behind_an_entry_that_has_rotted_one_whose_head_lacks_a_bit_is_read() -> None:
    def entry(number: int) -> bytes:
        eight = (8).to_bytes(2, "little") + bytes([1, 0xFE]) + number.to_bytes(4, "little")
        of_head = zlib.crc32(eight, int.from_bytes(block(1)[16:20], "little"))
        body = number.to_bytes(8, "big") + bytes(32)
        crcs = of_head.to_bytes(4, "little") + zlib.crc32(body, of_head).to_bytes(4, "little")
        return eight + crcs + body + bytes(8)

    spoilt = bytearray(entry(1) + entry(2) + entry(3))
    spoilt[16] ^= 1
    spoilt[64] ^= 1
    flash = bytes(LOG) + block(1, bytes(spoilt)).ljust(LOG_SIZE, b"\xff")
    assert sorted(read_log(flash).records) == [2, 3]
