"""The flash log over bytes that it never wrote so: rot, another writer, and flash that fails again and again."""

import ctypes
import zlib
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.validator.core.flash import BLOCK_SIZE, Flash, load_library
from tests.validator.core.flash_writer import HEADER, OVERHEAD, Writer


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return load_library(tmp_path_factory)


@pytest.fixture
def flash() -> Iterator[Flash]:
    made = Flash()
    yield made
    made.close()


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
    written = writer.block(1, [])[:HEADER] + writer.entry(b"one") + writer.entry(b"two") + writer.acknowledgement(1)
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
    block[HEADER : HEADER + len(entry)] = entry
    block[HEADER + len(entry) + byte] = 0xFE
    opened(flash, bytes(block))
    assert flash.append(b"two") == 2
    assert flash.entries() == {1: b"one", 2: b"two"}
    assert flash.violations == 0
    assert flash.image[:BLOCK_SIZE] == bytes(block), "not even tried: programmed twice, a unit may read as neither"


def test_an_empty_log_holds(flash: Flash) -> None:
    assert flash.chain_holds()
    assert flash.entries() == {}
    flash.begin()
    assert flash.step() == 0


@pytest.mark.parametrize(
    "entry",
    [
        Writer().entry(b"payload", inverse=0xFF),
        Writer().entry(b"payload", size=BLOCK_SIZE - HEADER - OVERHEAD + 1),
        Writer().entry(b"payload", size=0xFFFF),
    ],
    ids=["type without its complement", "longer than the block", "as long as can be said"],
)
def test_a_head_whose_checksum_holds_is_still_not_believed_when_it_says_what_cannot_be(
    flash: Flash, entry: bytes
) -> None:
    block = Writer().block(1, [])
    opened(flash, block[:HEADER] + entry.ljust(BLOCK_SIZE - HEADER, b"\xff"))
    assert flash.entries() == {}
    number = flash.append(b"next block")
    assert number > 1, "the number of what stands there may have been given"
    assert flash.entries() == {number: b"next block"}
    assert flash.lost() == [(1, number - 1)]


@pytest.mark.parametrize("place", [0, 1])
def test_an_entry_exchanged_for_another_breaks_the_chain(flash: Flash, place: int) -> None:
    other = Writer()
    other.chain = b"\x55" * 32
    writer = Writer()
    blocks = [writer.block(1, [b"one"]), writer.block(2, [b"two"])]
    other.number, other.seed = place + 1, int.from_bytes(blocks[place][16:20], "little")
    forged = other.entry(b"not")
    blocks[place] = blocks[place][:HEADER] + forged + blocks[place][HEADER + len(forged) :]
    opened(flash, *blocks)
    assert flash.entries()[place + 1] == b"not", "its own checksums are right"
    assert not flash.chain_holds()


def test_blocks_that_do_not_follow_each_other_are_not_walked_together(flash: Flash) -> None:
    writer = Writer()
    opened(flash, writer.block(1, [b"one"]), writer.block(7, [b"two"]))
    assert flash.entries() == {2: b"two"}


def _both_headers(image: bytearray, block: int) -> None:
    """The same bit of both copies of a block's header."""
    for copy in (0, HEADER // 2):
        image[block * BLOCK_SIZE + copy + 20] ^= 3


def test_a_block_whose_headers_have_both_rotted_is_lost_by_number_and_hides_nothing_else(flash: Flash) -> None:
    """One bit in a header hid all that lay before it: records were lost in 468 of 1000 cases, and nobody noticed."""
    while flash.append(b"x" * 200):
        pass
    before, newest = flash.entries(), flash.next - 1
    image = bytearray(flash.image)
    _both_headers(image, 1)
    opened(flash, bytes(image))
    kept = flash.entries()
    missing = [number for number in before if number not in kept]
    assert missing == list(range(missing[0], missing[-1] + 1))
    assert 1 < missing[0] < missing[-1] < newest
    assert flash.lost() == [(missing[0], missing[-1])]
    assert flash.lost(missing[1]) == [(missing[1], missing[-1])]
    assert flash.lost(missing[-1] + 1) == []
    assert not flash.chain_holds()
    assert flash.acknowledge(newest - 1)
    assert flash.lost() == []
    assert flash.append(b"y" * 800) == newest + 1, "the newest entry lies behind the rotten block"
    assert {newest, newest + 1} <= set(flash.entries())


@pytest.mark.parametrize("copy", [0, HEADER // 2])
def test_one_rotten_copy_of_a_header_costs_nothing(flash: Flash, copy: int) -> None:
    while flash.append(b"x" * 200):
        pass
    kept, image = flash.entries(), bytearray(flash.image)
    for block in range(flash.blocks - 1):
        image[block * BLOCK_SIZE + copy + 17 * block % 52] ^= 4
    opened(flash, bytes(image))
    assert flash.entries() == kept
    assert flash.chain_holds()


def test_two_copies_of_a_header_that_rotted_in_different_words_make_a_whole_one(flash: Flash) -> None:
    flash.append(b"one")
    image = bytearray(flash.image)
    for at in (2, 9, 30, HEADER // 2 + 13, HEADER // 2 + 20, HEADER // 2 + 49):
        image[at] ^= 0x10
    opened(flash, bytes(image))
    assert flash.entries() == {1: b"one"}
    assert flash.append(b"two") == 2


def test_a_flipped_bit_of_an_entrys_head_is_mended(flash: Flash) -> None:
    """A number stood under no CRC: one bit gave an acknowledgement of 66 where 10 came next."""
    assert [flash.append(b"x" * size) for size in (9, 30, 5)] == [1, 2, 3]
    assert flash.acknowledge(1)
    image = flash.image
    acknowledgement = HEADER + 3 * OVERHEAD + 16 + 32 + 8
    for entry in (HEADER, acknowledgement):
        for bit in range(96):
            rotten = bytearray(image)
            rotten[entry + bit // 8] ^= 1 << bit % 8
            opened(flash, bytes(rotten))
            assert (flash.next, flash.acknowledged, list(flash.entries())) == (4, 1, [1, 2, 3])
            assert flash.chain_holds()


@pytest.mark.parametrize("place", ["payload", "chain", "crc"])
def test_the_newest_entrys_number_is_not_given_again_when_it_rots(flash: Flash, place: str) -> None:
    assert [flash.append(b"x" * 16), flash.append(b"y" * 16)] == [1, 2]
    image = bytearray(flash.image)
    image[HEADER + OVERHEAD + 16 + {"payload": 16, "chain": 40, "crc": 12}[place]] ^= 1
    opened(flash, bytes(image))
    assert flash.entries() == {1: b"x" * 16}
    assert flash.lost() == [(2, 2)]
    assert not flash.chain_holds()
    assert flash.append(b"z") == 3
    flash.open()
    assert flash.entries() == {1: b"x" * 16, 3: b"z"}
    assert not flash.chain_holds(), "it stays noticed"


def test_an_entry_hidden_in_a_payload_is_not_found_when_the_head_around_it_rots(flash: Flash) -> None:
    forged = Writer().entry(b"forged")
    assert flash.append(b"a" * 600) == 1
    while flash.append(bytes(8) + forged + forged) < 6:
        pass  # in the second block, whose chain nobody outside knows
    image = bytearray(flash.image)
    image[BLOCK_SIZE + HEADER] ^= 3
    opened(flash, bytes(image))
    assert b"forged" not in flash.entries().values()


def test_an_entry_is_written_once_more_where_blank_flash_has_rotted(flash: Flash) -> None:
    flash.append(b"one")
    image = bytearray(flash.image)
    flash.overwrite(bytes(image))
    image[HEADER + 64 + 40] ^= 1  # where the next entry will lie; the log is open
    flash.overwrite(bytes(image))
    assert flash.append(b"\xff" * 100) == 2
    assert flash.entries() == {1: b"one", 2: b"\xff" * 100}
    flash.open()
    assert flash.entries() == {1: b"one", 2: b"\xff" * 100}
    assert (flash.next, flash.lost(), flash.chain_holds()) == (3, [], True)


def test_the_largest_entry_that_append_takes_leaves_a_log_that_holds(flash: Flash) -> None:
    for size in (flash.largest, 1, flash.largest, flash.largest):
        assert flash.append(b"L" * size)
    assert flash.append(b"L" * (flash.largest + 1)) == 0
    assert flash.chain_holds()
    flash.open()
    assert flash.chain_holds()
    assert [len(payload) for payload in flash.entries().values()] == [flash.largest, 1, flash.largest, flash.largest]


@given(st.lists(st.integers(0, 5 * BLOCK_SIZE * 8 - 1), min_size=1, max_size=8, unique=True), st.integers(20, 45))
@example([4448, 5568], 30)  # of the last two, the first's body and a bit of the second's head
@settings(max_examples=200, deadline=None)
def test_whatever_bits_flip_no_loss_is_silent_no_number_is_doubled_and_the_log_goes_on(
    bits: list[int], count: int
) -> None:
    headers = Counter(bit // 8 // (HEADER // 2) for bit in (bit % (8 * BLOCK_SIZE) for bit in bits))
    assume(headers[0] < 2 or headers[1] < 2)  # of two copies with two flipped bits each nothing can be made
    flash = Flash()
    wrote: dict[int, bytes] = {}
    for step in range(count):
        payload = bytes([step]) * (30 + 29 * step % 150)
        if number := flash.append(payload):
            wrote[number] = payload
        if step % 6 == 5:
            flash.acknowledge(max(wrote) - 4)
    acknowledged = flash.acknowledged
    image = bytearray(flash.image)
    for bit in bits:
        image[bit // 8] ^= 1 << bit % 8
    opened(flash, bytes(image))
    kept = flash.entries()
    assert all(wrote[number] == payload for number, payload in kept.items())
    named = {number for first, last in flash.lost() for number in range(first, last + 1)}
    assert {number for number in wrote if number > max(acknowledged, flash.acknowledged)} <= named | set(kept)
    assert flash.acknowledged <= acknowledged
    following = flash.next
    assert following > max(wrote)
    assert flash.acknowledge(following - 1)
    assert flash.append(b"goes on") >= following
    assert list(flash.entries().values())[-1] == b"goes on"
    flash.close()


def test_behind_an_entry_that_has_rotted_one_with_a_flipped_bit_in_its_head_is_read(flash: Flash) -> None:
    """It was passed over in silence, and where both were the last its number was given once more."""
    for payload in (b"first", b"second", b"third"):
        flash.append(payload)
    size = OVERHEAD + 8
    for bit in range(96):
        image = bytearray(flash.image)
        image[HEADER + 16] ^= 1  # of the first one's payload
        image[HEADER + size + bit // 8] ^= 1 << bit % 8
        made = opened(Flash(), bytes(image))
        assert made.entries() == {2: b"second", 3: b"third"}
        assert (made.lost(), made.next) == ([(1, 1)], 4)
        made.close()


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


def test_a_block_that_rots_during_a_walk_is_left_out_of_it(flash: Flash) -> None:
    for number in range(1, 6):
        assert flash.append(b"x" * 400) == number
    flash.begin()
    assert flash.step() == 1
    image = bytearray(flash.image)
    _both_headers(image, 1)
    flash.overwrite(bytes(image))
    assert [flash.step() for _ in range(3)] == [2, 5, 0]


def _without_room(flash: Flash) -> dict[int, bytes]:
    """A full log, of which power cuts have used up the block in reserve: each torn head costs the rest of a block."""
    while flash.append(b"x" * 200):
        pass
    assert not flash.idle(200), "no block may be opened before its time"
    for number in (1, 2):  # in the block at hand, and in the one in reserve, whose header says the first
        flash.open(0, seed=1)
        assert not flash.acknowledge(number)
        flash.open()
        if number == 1:
            assert flash.acknowledge(1)
    flash.open()
    return flash.entries()


def test_power_cuts_that_use_up_the_block_in_reserve_do_not_lock_the_log_for_good(flash: Flash) -> None:
    kept = _without_room(flash)
    assert flash.append(b"y") == 0
    assert not flash.idle(200)
    assert flash.acknowledge(2)
    assert flash.acknowledged == 2
    assert flash.entries() == kept
    assert flash.chain_holds()
    flash.open()
    assert flash.acknowledged == 1, "there was no room to write it: those entries are handed out once more"
    assert flash.entries() == kept
    newest = flash.next - 1
    assert all(flash.acknowledge(number) for number in range(1, newest + 1))
    assert flash.append(b"y") == newest + 1
    flash.open()
    assert flash.acknowledged == newest, "the header of the next block says it"
    assert flash.chain_holds()


def test_the_same_bit_of_both_copies_of_a_header_is_mended(flash: Flash) -> None:
    """A property test found it: two bits took the newest block, and its numbers were given again."""
    flash.append(b"one")
    image = bytearray(flash.image)
    image[0] ^= 1
    image[HEADER // 2] ^= 1
    opened(flash, bytes(image))
    assert flash.entries() == {1: b"one"}


def test_a_log_of_another_form_is_an_empty_one(flash: Flash) -> None:
    flash.append(b"one")
    head = flash.image[:48].replace(b"YLG2", b"YLG1")
    opened(flash, head + zlib.crc32(head).to_bytes(4, "little") + bytes(4))
    assert flash.entries() == {}
    assert flash.append(b"one") == 1
    assert flash.chain_holds()


def test_an_entry_of_more_than_16_bits_is_refused() -> None:
    large = Flash(4, 65536)
    assert large.append(bytes(65536)) == 0
    assert large.append(bytes(65535)) == 0
    assert large.append(bytes(65536 - HEADER - OVERHEAD)) == 1
    large.close()
