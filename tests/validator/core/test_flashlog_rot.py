"""The flash log over bytes that it never wrote so: rot, another writer, and flash that fails again and again.

Blocks are packed here by the layout that flashlog_layout.h gives: a second writer of the format.
"""

import ctypes
import struct
import zlib
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.validator.core.flash import BLOCK_SIZE, Flash, load_library
from yima.validator import _core


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return load_library(tmp_path_factory.mktemp("flashlog") / "flashlog_rot.so")


@pytest.fixture
def flash() -> Iterator[Flash]:
    made = Flash()
    yield made
    made.close()


class Writer:
    """Packs blocks that follow each other, with a chain of its own."""

    def __init__(self) -> None:
        self.chain = bytes(32)
        self.number = 1

    def block(self, sequence: int, payloads: Sequence[bytes], acknowledged: int = 0) -> bytes:
        """A whole block with these entries."""
        head = struct.pack("<4sIII", b"YLG1", sequence, self.number, acknowledged) + self.chain
        entries = b"".join(self.entry(payload) for payload in payloads)
        return (head + struct.pack("<I4x", zlib.crc32(head)) + b"\xff" * 8 + entries).ljust(BLOCK_SIZE, b"\xff")

    def entry(self, payload: bytes, inverse: int = 0xFE, size: int | None = None) -> bytes:
        """An entry, its checksums right whatever else is said of it."""
        self.chain = _core.sm3(self.chain + self.number.to_bytes(4, "little") + b"\1" + payload)
        head = struct.pack("<HBB", len(payload) if size is None else size, 1, inverse)
        body = payload + b"\xff" * (-len(payload) % 8) + self.chain
        self.number += 1
        return head + struct.pack("<III", zlib.crc32(head), self.number - 1, zlib.crc32(body)) + body

    def acknowledgement(self, number: int) -> bytes:
        """The entry that says that everything up to a number has arrived."""
        self.chain = _core.sm3(self.chain + number.to_bytes(4, "little") + b"\2")
        head = struct.pack("<HBB", 0, 2, 0xFD)
        return head + struct.pack("<III", zlib.crc32(head), number, zlib.crc32(self.chain)) + self.chain


def opened(flash: Flash, *blocks: bytes) -> Flash:
    flash.overwrite(b"".join(blocks))
    flash.open()
    return flash


def test_a_second_writer_of_the_format_is_read_alike(flash: Flash) -> None:
    writer = Writer()
    opened(flash, writer.block(1, [b"one", b"two"]), writer.block(2, [b"three"], 1))
    assert flash.entries() == {1: b"one", 2: b"two", 3: b"three"}
    assert (flash.next, flash.acknowledged) == (4, 1)
    assert flash.chain_holds()
    assert flash.append(b"four") == 4
    assert flash.chain_holds()


def test_a_second_writer_writes_the_same_bytes(flash: Flash) -> None:
    writer = Writer()
    written = writer.block(1, [])[:64] + writer.entry(b"one") + writer.entry(b"two") + writer.acknowledgement(1)
    assert (flash.append(b"one"), flash.append(b"two"), flash.acknowledge(1)) == (1, 2, True)
    assert flash.image == written.ljust(len(flash.image), b"\xff")
    opened(flash, written)
    assert flash.entries() == {1: b"one", 2: b"two"}
    assert (flash.next, flash.acknowledged) == (3, 1)
    assert flash.chain_holds()


@pytest.mark.parametrize("byte", range(8))
def test_a_unit_with_a_single_byte_programmed_is_not_programmed_again(flash: Flash, byte: int) -> None:
    writer = Writer()
    block = bytearray(writer.block(1, []))
    entry = writer.entry(b"one")
    block[64 : 64 + len(entry)] = entry
    block[64 + len(entry) + byte] = 0xFE
    opened(flash, bytes(block))
    assert flash.append(b"two") == 2
    assert flash.entries() == {1: b"one", 2: b"two"}
    assert flash.violations == 0


def test_an_empty_log_holds(flash: Flash) -> None:
    assert flash.chain_holds()
    assert flash.entries() == {}
    flash.begin()
    assert flash.step() == 0


@pytest.mark.parametrize(
    "entry",
    [
        Writer().entry(b"payload", inverse=0xFF),
        Writer().entry(b"payload", size=BLOCK_SIZE - 64 - 48 + 1),
        Writer().entry(b"payload", size=0xFFFF),
    ],
    ids=["type without its complement", "longer than the block", "as long as can be said"],
)
def test_a_head_whose_checksum_holds_is_still_not_believed_when_it_says_what_cannot_be(
    flash: Flash, entry: bytes
) -> None:
    block = Writer().block(1, [])
    opened(flash, block[:64] + entry.ljust(BLOCK_SIZE - 64, b"\xff"))
    assert flash.entries() == {}
    assert flash.append(b"next block") == 1
    assert flash.entries() == {1: b"next block"}


@pytest.mark.parametrize("place", [0, 1])
def test_an_entry_exchanged_for_another_breaks_the_chain(flash: Flash, place: int) -> None:
    other = Writer()
    other.chain = b"\x55" * 32
    writer = Writer()
    blocks = [writer.block(1, [b"one"]), writer.block(2, [b"two"])]
    other.number = place + 1
    forged = other.entry(b"not")
    blocks[place] = blocks[place][:64] + forged + blocks[place][64 + len(forged) :]
    opened(flash, *blocks)
    assert flash.entries()[place + 1] == b"not", "its own checksums are right"
    assert not flash.chain_holds()


def test_blocks_that_do_not_follow_each_other_are_not_walked_together(flash: Flash) -> None:
    writer = Writer()
    opened(flash, writer.block(1, [b"one"]), writer.block(7, [b"two"]))
    assert flash.entries() == {2: b"two"}


def test_a_rotten_head_hides_what_lies_before_it_and_locks_nothing_once_all_is_acknowledged(flash: Flash) -> None:
    """The oldest block is opened next, and the one behind it would tell how far it goes."""
    while flash.append(b"x" * 200):
        pass
    image = bytearray(flash.image)
    image[BLOCK_SIZE + 20] ^= 1  # in the header of the second oldest
    opened(flash, bytes(image))
    newest = flash.next - 1
    kept = flash.entries()
    assert kept
    assert min(kept) > 1
    assert flash.acknowledge(newest - 1)
    assert not flash.append(b"y" * 900), "one entry that is not acknowledged may stand in any block"
    assert flash.acknowledge(newest)
    assert flash.append(b"y" * 900) == newest + 1
    assert flash.chain_holds()


def test_an_erase_while_a_walk_is_on_ends_it(flash: Flash) -> None:
    for number in range(1, 7):
        assert flash.append(b"x" * 400) == number
    flash.begin()
    assert flash.step() == 1
    assert flash.acknowledge(6)
    for number in range(7, 14):
        assert flash.append(b"x" * 400) == number
        assert flash.acknowledge(number)
    seen = []
    while number := flash.step():
        seen.append(number)
    assert len(seen) < 12
    assert seen == sorted(set(seen))


def test_an_older_block_behind_the_one_opened_next_tells_nothing_of_it(flash: Flash) -> None:
    writer = Writer()
    older, old, new = writer.block(2, [b"a"]), writer.block(3, [b"b" * 400]), writer.block(7, [b"c" * 400] * 2)
    opened(flash, new, old, older)
    newest = flash.next - 1
    assert flash.append(b"d" * 400) == 0, "what stands in the old block may be needed"
    assert flash.acknowledge(newest)
    assert flash.append(b"d" * 400) == newest + 1


def test_a_block_that_rots_during_a_walk_ends_it(flash: Flash) -> None:
    for number in range(1, 6):
        assert flash.append(b"x" * 400) == number
    flash.begin()
    assert flash.step() == 1
    image = bytearray(flash.image)
    image[BLOCK_SIZE] ^= 1
    flash.overwrite(bytes(image))
    assert [flash.step(), flash.step()] == [2, 0]


def _without_room(flash: Flash) -> dict[int, bytes]:
    """A full log, of which power cuts have used up the block in reserve: each torn head costs the rest of a block."""
    while flash.append(b"x" * 200):
        pass
    assert not flash.idle(200), "no block may be opened before its time"
    for first_unit_of_an_entry in (0, 8):  # in the block at hand; behind the header of the one in reserve
        flash.open(first_unit_of_an_entry, seed=1)
        assert not flash.acknowledge(1)
    flash.open()
    return flash.entries()


def test_power_cuts_that_use_up_the_block_in_reserve_do_not_lock_the_log_for_good(flash: Flash) -> None:
    kept = _without_room(flash)
    assert flash.append(b"y") == 0
    assert not flash.idle(200)
    assert flash.acknowledge(1)
    assert flash.entries() == kept
    assert flash.chain_holds()
    flash.open()
    assert flash.acknowledged == 1
    assert flash.entries() == kept
    newest = flash.next - 1
    assert flash.acknowledge(newest)
    assert flash.append(b"y") == newest + 1
    assert flash.chain_holds()


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 0xFFFFFFFF)), min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_power_may_fail_while_that_block_is_opened_again_and_nothing_kept_is_lost(cuts: list[tuple[int, int]]) -> None:
    flash = Flash()
    kept = _without_room(flash)
    for cut_at, seed in cuts:
        flash.open(cut_at, seed)
        flash.acknowledge(2)
        flash.open()
        assert flash.acknowledged in (0, 2)
        assert flash.entries() == kept
        assert flash.chain_holds()
    newest = flash.next - 1
    assert flash.acknowledge(newest)
    assert flash.append(b"y") == newest + 1
    assert flash.chain_holds()
    assert flash.violations == 0
    flash.close()


def _newest(image: bytes | bytearray) -> int:
    """Where the block of the highest sequence lies."""
    starts = [at for at in range(0, len(image), BLOCK_SIZE) if image[at : at + 4] == b"YLG1"]
    return max(starts, key=lambda at: int.from_bytes(image[at + 4 : at + 8], "little"))


@pytest.mark.parametrize(
    ("start", "end"), [(64, 112), (80, 112)], ids=["its first entry", "its first entry's chain value"]
)
def test_of_a_block_erased_in_its_place_and_cut_nothing_is_taken_for_written(
    flash: Flash, start: int, end: int
) -> None:
    kept = _without_room(flash)
    assert all(flash.acknowledge(number) for number in (1, 2, 3))
    image = bytearray(flash.image)
    at = _newest(image)
    image[at + start : at + end] = b"\xff" * (end - start)
    opened(flash, bytes(image))
    assert flash.acknowledged == 0, "what that block held is forgotten"
    assert flash.entries() == kept
    assert flash.chain_holds()
    assert flash.acknowledge(5)
    flash.open()
    assert flash.acknowledged == 5
    assert flash.entries() == kept
    assert flash.chain_holds()


def test_a_first_block_that_was_cut_in_its_place_leaves_an_empty_log(flash: Flash) -> None:
    opened(flash, Writer().block(1, [])[:-8] + b"\0" * 8)
    assert flash.entries() == {}
    assert flash.append(b"one") == 1
    assert flash.chain_holds()


def test_a_block_with_records_is_never_opened_again_in_its_place(flash: Flash) -> None:
    writer = Writer()
    full = [writer.block(sequence, [b"x" * 424, b"y" * 424]) for sequence in range(1, 6)]
    opened(flash, *full)
    kept = flash.entries()
    assert len(kept) == 10
    assert not flash.acknowledge(1), "another writer has left no block for that"
    assert flash.entries() == kept


def test_a_newest_block_whose_header_rots_under_way_is_not_erased(flash: Flash) -> None:
    _without_room(flash)
    image = bytearray(flash.image)
    image[_newest(image) + 20] ^= 1
    flash.overwrite(bytes(image))
    assert not flash.acknowledge(1)
    assert flash.image == image


def test_an_entry_of_more_than_16_bits_is_refused() -> None:
    large = Flash(4, 65536)
    assert large.append(bytes(65536)) == 0
    assert large.append(bytes(65535)) == 0
    assert large.append(bytes(65536 - 64 - 48)) == 1
    large.close()
