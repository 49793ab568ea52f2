"""The flash log on flash of other parts: units of 1 to 32 bytes, blocks of 2 to 128 KB, power cuts and rot on each."""

import ctypes
import random

import pytest

from tests.validator.core.flash import Flash, load_library

UNITS = (1, 2, 4, 8, 16, 32)
SIZES = tuple(1024 << power for power in range(1, 8))


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return load_library(tmp_path_factory)


def payload_of(number: int, block_size: int) -> bytes:
    """Some three entries fill a block."""
    return random.Random(number).randbytes(min(block_size * (20 + number % 13) // 100, 65000))


class Day:
    """Entries until the ring has gone round, acknowledged some behind. begins: the operation before each erase."""

    def __init__(self, flash: Flash, block_size: int, rounds: int = 6) -> None:
        self.promised: dict[int, bytes] = {}
        self.acknowledged = 0
        self.begins: list[int] = []
        for number in range(1, 3 * rounds):
            before, erased = flash.operations, flash.erased
            if flash.append(payload_of(number, block_size)) != number:
                break
            self.promised[number] = payload_of(number, block_size)
            if flash.erased > erased:
                self.begins.append(before)
            if number > 3:
                if not flash.acknowledge(number - 3):
                    break
                self.acknowledged = number - 3


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("block_size", SIZES)
def test_every_geometry_keeps_what_it_took_through_cuts_and_half_an_erase(unit: int, block_size: int) -> None:
    """Half an erase was taken for a block once; each erase here is cut, and a program before and behind it."""
    whole = Flash(4, block_size, unit)
    day = Day(whole, block_size)
    assert len(day.promised) == 17
    assert whole.chain_holds()
    assert whole.violations == 0
    assert min(whole.erases(block) for block in range(4)) >= 1
    whole.close()
    for begin in day.begins[4:6]:
        for cut_at, seed in ((begin, 0), (begin, 702), (begin, 99), (begin + 1, 5), (begin + 9, 7), (begin - 1, 3)):
            flash = Flash(4, block_size, unit)
            flash.open(cut_at, seed)
            cut = Day(flash, block_size)
            flash.open()
            kept = flash.entries()
            assert flash.acknowledged >= cut.acknowledged
            assert all(kept[number] == data for number, data in cut.promised.items() if number > flash.acknowledged)
            assert all(data == payload_of(number, block_size) for number, data in kept.items())
            assert flash.next in (len(cut.promised) + 1, len(cut.promised) + 2)
            assert (flash.lost(), flash.chain_holds()) == ([], True)
            following = flash.next
            assert flash.acknowledge(following - 1)
            assert flash.append(b"goes on") == following
            assert flash.violations == 0
            flash.close()


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("block_size", SIZES)
def test_every_geometry_names_what_rotted_and_goes_on(unit: int, block_size: int) -> None:
    flash = Flash(4, block_size, unit)
    wrote = Day(flash, block_size, rounds=3).promised
    chance = random.Random(unit * block_size)
    image = bytearray(flash.image)
    for _ in range(6):
        image[chance.randrange(len(image))] ^= 1 << chance.randrange(8)
    before = flash.acknowledged
    flash.overwrite(bytes(image))
    flash.open()
    kept = flash.entries()
    named = {number for first, last in flash.lost() for number in range(first, last + 1)}
    assert all(wrote[number] == data for number, data in kept.items())
    assert {number for number in wrote if number > before} <= named | set(kept)
    assert flash.next > max(wrote)
    assert flash.acknowledge(flash.next - 1)
    assert flash.append(b"goes on")
    flash.close()
