"""The log read from outside: any flash is a log, perhaps with complaints."""

import struct
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from yima.hwsim.board.layout import FLASH_BLOCK, LOG, LOG_SIZE
from yima.hwsim.board.log_reader import _header_of, read_log
from yima.validator import _core


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


def log(*blocks: tuple[int, list[tuple[int, int]]], spoil: str = "") -> bytes:
    """A flash whose log has these blocks: each its sequence and its entries, (number, kind); the chain leads through
    them all. spoil: the chain does not lead on "in" the first entry, or "between" the blocks."""
    chain, whole = bytes(32), b""
    for sequence, entries in blocks:
        if whole and spoil == "between":
            chain = bytes(32)
        head = b"YLG2" + struct.pack("<III", sequence, entries[0][0], 0) + chain
        copy = head + zlib.crc32(head).to_bytes(4, "little") + b"\xff" * 4
        seed, content = int.from_bytes(chain[:4], "little"), copy * 2
        for number, kind in entries:
            eight = struct.pack("<HBBI", 8, kind, 0xFF ^ kind, number)
            data = number.to_bytes(8)
            chain = _core.sm3(chain + number.to_bytes(4, "little") + bytes([kind]) + data)
            if spoil == "in" and number == 1:
                chain = bytes(31) + b"\1"
            of_head = zlib.crc32(eight, seed)
            body = data + chain
            content += eight + struct.pack("<II", of_head, zlib.crc32(body, of_head)) + body + bytes(8)
        whole += content.ljust(FLASH_BLOCK, b"\xff")
    return bytes(LOG) + whole.ljust(LOG_SIZE, b"\xff")


RECORD, ACKNOWLEDGED = 1, 2
FIRST = (1, [(1, RECORD), (2, RECORD)])


@pytest.mark.parametrize(
    ("flash", "complaints"),
    [
        (log(FIRST, (2, [(3, RECORD)])), ()),
        (log(FIRST, (2, [(3, RECORD)]), spoil="in"), ("the chain breaks at entry 1",)),
        (log(FIRST, (2, [(3, RECORD)]), spoil="between"), ("the chain breaks between blocks 1 and 2",)),
        (log(FIRST, (3, [(3, RECORD)])), ("block 3 follows block 1",)),
        (log(FIRST, (2, [(2, RECORD)])), ("record 2 is there twice",)),
        (log(FIRST, (2, [(4, RECORD)])), ("numbers have gaps: [1, 2, 4]",)),
    ],
)
def test_what_must_not_be_is_complained_of(flash: bytes, complaints: tuple[str, ...]) -> None:
    """A reader that complains of nothing would let every power cut pass."""
    assert read_log(flash).complaints == complaints


def test_the_last_acknowledgement_counts() -> None:
    found = read_log(log(FIRST, (2, [(1, ACKNOWLEDGED), (2, ACKNOWLEDGED)])))
    assert (sorted(found.records), found.acknowledged, found.complaints) == ([1, 2], 2, ())
