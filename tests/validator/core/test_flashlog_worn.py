"""The flash log over flash that is worn: blocks that cannot be erased any more, cells that read the same for ever."""

import ctypes
from collections.abc import Iterator

import pytest

from tests.validator.core.flash import BLOCK_SIZE, Flash, load_library

HEADER = 112


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return load_library(tmp_path_factory)


@pytest.fixture
def flash() -> Iterator[Flash]:
    made = Flash()
    yield made
    made.close()


@pytest.mark.parametrize("worn", [{0}, {1}, {4}, {1, 2}, {0, 4}])
def test_a_block_that_cannot_be_erased_any_more_is_passed_over(worn: set[int]) -> None:
    """A log jammed for good where one erase was refused."""
    flash = Flash()
    wrote: dict[int, bytes] = {}
    for step in range(120):
        if step == 20:
            for block in worn:
                flash.wear_out(block)
        payload = bytes([step]) * 200
        number = flash.append(payload)
        assert number == step + 1
        wrote[number] = payload
        kept = {entry: found for entry, found in flash.entries().items() if entry > flash.acknowledged}
        assert kept == {entry: wrote[entry] for entry in range(flash.acknowledged + 1, number + 1)}
        assert flash.lost() == []
        if step % 3 == 2:
            assert flash.acknowledge(number)
        if step % 7 == 6:
            flash.open()
            assert flash.next == number + 1
    assert flash.violations == 0
    flash.close()


def test_a_log_of_worn_blocks_alone_refuses(flash: Flash) -> None:
    flash.append(b"one")
    for block in range(5):
        flash.wear_out(block)
    while flash.append(b"x" * 200):
        assert flash.acknowledge(flash.next - 1)
    assert not flash.idle(200)
    assert flash.append(b"x" * 200) == 0
    assert flash.entries()[1] == b"one"


def test_a_block_passed_over_in_an_earlier_round_is_room_where_nothing_behind_it_can_be_read(flash: Flash) -> None:
    """How far it goes is told by no header then, and not all is acknowledged."""
    for step in range(24):
        if step == 20:
            flash.wear_out(2)  # in use by now
        number = flash.append(b"x" * 400)
        if step < 23:
            assert flash.acknowledge(number)
    image = bytearray(flash.image)
    sequences = [int.from_bytes(image[block + 4 : block + 8], "little") for block in range(0, len(image), BLOCK_SIZE)]
    assert sequences == [21, 22, 18, 24, 25]
    for block in (0, 1):
        image[block * BLOCK_SIZE : block * BLOCK_SIZE + HEADER] = bytes(HEADER)
    flash.overwrite(bytes(image))
    assert flash.room == 4


def test_how_far_a_block_goes_is_told_by_the_next_that_can_be_read(flash: Flash) -> None:
    """Where the header behind it had rotted, a block was not opened before everything was acknowledged."""
    while flash.append(b"x" * 400):
        pass
    assert flash.acknowledge(4)
    image = bytearray(flash.image)
    for copy in (0, HEADER // 2):
        image[BLOCK_SIZE + copy + 20] ^= 3
    flash.overwrite(bytes(image))
    assert flash.room >= 1, "entries 1 and 2 of block 0 lie before 5, where block 2 begins"


@pytest.mark.parametrize("behind", [0, 3, 16, 30, 56, 63])
def test_an_entry_that_was_refused_is_not_there_and_one_that_was_taken_is_there_once(flash: Flash, behind: int) -> None:
    """A dead cell under an entry's end mark had it refused, and written again, while the first one could be read."""
    flash.append(b"one")
    flash.stick(HEADER + 64 + behind)
    assert flash.append(b"two") == 2
    flash.open()
    assert flash.entries() == {1: b"one", 2: b"two"}
    assert flash.next == 3
