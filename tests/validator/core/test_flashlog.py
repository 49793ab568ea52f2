"""The flash log: what it promises, with power failing at every operation and inside it."""

import ctypes
import random
import zlib
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.validator.core.flash import Flash, load_library

_BLOCKS, _BLOCK_SIZE = 5, 1024


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return load_library(tmp_path_factory)


@pytest.fixture
def flash() -> Iterator[Flash]:
    made = Flash()
    yield made
    assert made.violations == 0, "a unit was programmed twice"
    made.close()


def _payload(number: int) -> bytes:
    return random.Random(number).randbytes(20 + number * 37 % 180)


def test_what_was_appended_is_there_after_a_restart_in_order(flash: Flash) -> None:
    for number in range(1, 11):
        assert flash.append(_payload(number)) == number
    flash.open()
    assert flash.entries() == {number: _payload(number) for number in range(1, 11)}
    assert flash.next == 11
    assert flash.chain_holds()


def test_a_walk_from_a_number_sees_that_entry_and_those_behind_it(flash: Flash) -> None:
    for number in range(1, 15):
        flash.append(_payload(number))
    assert list(flash.entries(12)) == [12, 13, 14]
    assert list(flash.entries(15)) == []


def test_a_full_log_refuses_and_erases_nothing(flash: Flash) -> None:
    taken = 0
    while flash.append(bytes([taken]) * 100):
        taken += 1
    assert flash.entries() == {number: bytes([number - 1]) * 100 for number in range(1, taken + 1)}
    flash.open()
    assert flash.append(b"x" * 100) == 0
    assert len(flash.entries()) == taken


def test_a_full_log_can_always_be_acknowledged_entry_by_entry_and_then_goes_on(flash: Flash) -> None:
    number = 0
    for _ in range(4):
        while flash.append(b"x"):
            number += 1
        behind = flash.acknowledged
        while flash.acknowledged < number:
            behind += 1
            assert flash.acknowledge(behind)
    assert flash.append(b"y") == number + 1
    assert flash.chain_holds()


def test_acknowledging_what_is_not_there_is_refused_and_the_past_stays_acknowledged(flash: Flash) -> None:
    flash.append(b"one")
    assert not flash.acknowledge(2)
    assert flash.acknowledge(1)
    assert flash.acknowledge(0)
    flash.open()
    assert flash.acknowledged == 1


def test_numbers_go_on_after_everything_was_acknowledged_and_erased(flash: Flash) -> None:
    for number in range(1, 200):
        assert flash.append(_payload(number)) == number
        assert flash.acknowledge(number)
    flash.open()
    assert flash.next == 200
    assert flash.acknowledged == 199
    assert flash.chain_holds()


def test_blocks_wear_evenly(flash: Flash) -> None:
    for number in range(1, 300):
        assert flash.append(_payload(number)) == number
        assert flash.acknowledge(number)
    erases = [flash.erases(block) for block in range(_BLOCKS)]
    assert max(erases) - min(erases) <= 1


def test_idle_time_opens_the_next_block_so_that_the_append_only_programs(flash: Flash) -> None:
    while flash.append(b"z" * 300) < 2:
        pass
    erased = flash.erased
    assert flash.idle(300)
    assert flash.erased == erased + 1
    assert flash.append(b"z" * 300) == 3
    assert flash.erased == erased + 1
    assert not flash.idle(300)


def test_an_entry_larger_than_a_block_is_refused(flash: Flash) -> None:
    assert flash.append(b"a" * (_BLOCK_SIZE - 112 - 56)) == 1
    assert flash.append(b"a" * (_BLOCK_SIZE - 112 - 55)) == 0
    assert flash.append(b"") == 0
    assert list(flash.entries()) == [1]


@given(first=st.binary(max_size=300), second=st.binary(max_size=300))
def test_the_checksum_is_the_crc_32_of_zlib_also_when_it_is_continued(first: bytes, second: bytes) -> None:
    crc32 = Flash.library.yima_crc32
    assert crc32(0, first, len(first)) == zlib.crc32(first)
    assert crc32(crc32(0, first, len(first)), second, len(second)) == zlib.crc32(first + second)


def test_every_row_of_the_checksums_table_is_read() -> None:
    for byte in range(256):
        assert Flash.library.yima_crc32(0, bytes([byte]), 1) == zlib.crc32(bytes([byte]))


@given(st.binary(max_size=_BLOCKS * _BLOCK_SIZE))
@settings(max_examples=200)
def test_any_bytes_in_flash_are_a_log_that_can_be_used(junk: bytes) -> None:
    flash = Flash()
    flash.overwrite(junk)
    flash.open()
    flash.entries()
    number = flash.append(b"after junk")
    assert number
    flash.open()
    assert flash.entries()[number] == b"after junk"
    flash.close()


def _script(flash: Flash, start: int, count: int) -> tuple[dict[int, bytes], int]:
    """Appends and acknowledges until done or power fails: what was promised as kept, and as acknowledged."""
    promised: dict[int, bytes] = {}
    acknowledged = 0
    for step in range(count):
        number = flash.append(_payload(start + step))
        if not number:
            break
        promised[number] = _payload(start + step)
        if step % 5 == 4:
            if not flash.acknowledge(number - 2):
                break
            acknowledged = number - 2
        if step % 7 == 6:
            flash.idle(200)
    return promised, acknowledged


def test_power_may_fail_at_every_operation_and_inside_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing promised is lost, nothing is doubled, the chain holds, the log goes on."""
    whole = Flash()
    whole.open()
    _script(whole, 1, 40)
    operations = whole.operations
    assert whole.violations == 0
    assert min(whole.erases(block) for block in range(_BLOCKS)) >= 1, "the script wraps around"
    whole.close()
    cuts = 0
    for cut_at in range(operations):
        for seed in (0, 1 + cut_at, 0x1234567 + cut_at * 7919):
            flash = Flash()
            flash.open(cut_at, seed)
            promised, acknowledged = _script(flash, 1, 40)
            flash.open()
            _check_after_cut(flash, promised, acknowledged)
            flash.close()
            cuts += 1
    with capsys.disabled():
        print(f" {cuts} cuts ", end="")


def _cut(operation: int, seed: int = 0) -> tuple[Flash, dict[int, bytes], int]:
    """The script with power failing in this operation, not yet opened again."""
    flash = Flash()
    flash.open(operation, seed)
    return flash, *_script(flash, 1, 40)


@pytest.fixture(scope="module")
def erasing(library: ctypes.CDLL) -> list[int]:
    """Operations of the script that erase a block which was in use. The first round finds blank flash."""
    whole = Flash()
    _script(whole, 1, 40)
    counts = [_cut(operation)[0].erased for operation in range(whole.operations)]
    erasing = [at for at, (before, count) in enumerate(pairwise([0, *counts])) if count > before]
    return erasing[_BLOCKS:]


def test_a_cut_erase_that_restored_the_mark_of_retirement_and_left_the_header_leaves_no_block(
    erasing: list[int],
) -> None:
    """The fault was found by chance, with 60 of 40,000 cuts inside such an erase: the block counted as one in use, and
    the chain was not led on from it. This seed erases all from byte 53 of the block on."""
    assert len(erasing) >= 2
    for operation in erasing:
        flash, promised, acknowledged = _cut(operation, 702)
        flash.open()
        _check_after_cut(flash, promised, acknowledged)
        flash.close()


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_a_cut_erase_has_left_beside_the_header_is_no_block(erasing: list[int], data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(erasing))
    flash, promised, acknowledged = _cut(operation)
    image = bytearray(flash.image)
    begins = [at for at in range(0, len(image), _BLOCK_SIZE) if image[at : at + 4] == b"YLG2"]
    oldest = min(begins, key=lambda at: int.from_bytes(image[at + 4 : at + 8], "little"))
    cut = st.tuples(st.integers(112, _BLOCK_SIZE), st.integers(112, _BLOCK_SIZE))
    for start, end in data.draw(st.lists(cut, max_size=4)):
        image[oldest + start : oldest + max(start, end)] = b"\xff" * max(0, end - start)
    flash.overwrite(bytes(image))
    flash.open()
    _check_after_cut(flash, promised, acknowledged)
    flash.close()


def test_a_whole_block_that_is_opened_next_stays_in_the_walk_until_then(flash: Flash) -> None:
    """Half an erase is known by what it lacks; a block that lacks nothing is walked though it is needed no more."""
    while flash.append(b"q" * 200):
        pass
    newest = flash.next - 1
    assert flash.acknowledge(newest)
    assert list(flash.entries()) == list(range(1, newest + 1))
    assert flash.chain_holds()


def _check_after_cut(flash: Flash, promised: dict[int, bytes], acknowledged: int) -> None:
    kept = flash.entries()
    newest = max(promised, default=0)
    assert flash.acknowledged >= acknowledged
    for number, payload in promised.items():
        if number > flash.acknowledged:
            assert kept[number] == payload
    for number, payload in kept.items():
        assert payload == _payload(number)
    assert set(kept) - set(promised) <= {newest + 1}, "at most the entry that was being written"
    assert flash.chain_holds()
    following = flash.next
    assert following in (newest + 1, newest + 2)
    number = flash.append(_payload(following))
    assert number == following
    assert flash.acknowledge(number)
    flash.open()
    assert flash.acknowledged == number
    assert flash.chain_holds()


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 0xFFFFFFFF)), min_size=1, max_size=12))
@settings(max_examples=150, deadline=None)
def test_power_may_fail_again_and_again(cuts: list[tuple[int, int]]) -> None:
    flash = Flash()
    for cut_at, seed in cuts:
        flash.open(cut_at, seed)
        promised, acknowledged = _script(flash, flash.next, 12)
        flash.open()
        kept = flash.entries()
        assert flash.acknowledged >= acknowledged
        assert all(kept[number] == payload for number, payload in promised.items() if number > flash.acknowledged)
        assert flash.chain_holds()
        if not flash.room:
            assert flash.acknowledge(flash.next - 1)
    flash.close()
