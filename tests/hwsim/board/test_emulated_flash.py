"""Flash keeps its rules and counts its operations; a cut leaves what was, what would be, or a mixture of both."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.hwsim.board.flash import Cut, Flash, FlashRuleError, Operation, PowerLostError, cut_states
from yima.hwsim.board.layout import FLASH_BLOCK, FLASH_HIGH, FLASH_LOW, FLASH_SIZE, LOG

UNITS = st.binary(min_size=8, max_size=8)


def blank() -> bytearray:
    return bytearray(b"\xff" * FLASH_SIZE)


def test_programming_clears_bits_and_erasing_sets_a_whole_block() -> None:
    flash = Flash(blank())
    flash.program(LOG, bytes(8))
    assert flash.read(LOG, 16) == bytes(8) + b"\xff" * 8
    flash.erase(LOG)
    assert flash.read(LOG, FLASH_BLOCK) == b"\xff" * FLASH_BLOCK
    assert flash.operations == 2


def test_a_bit_never_goes_from_0_to_1_by_programming() -> None:
    flash = Flash(blank())
    flash.program(LOG, b"\x0f" * 8)
    with pytest.raises(FlashRuleError, match="from 0 to 1"):
        flash.program(LOG, b"\x1f" * 8)
    assert flash.operations == 1


@pytest.mark.parametrize("address", [LOG + 1, LOG + 4, FLASH_LOW - 8, FLASH_HIGH])
def test_units_are_aligned_and_within_what_the_controller_serves(address: int) -> None:
    with pytest.raises(FlashRuleError, match="is not a place"):
        Flash(blank()).program(address, bytes(8))


@given(old=UNITS, wanted=UNITS, number=st.integers(0, 10**6), cut=st.sampled_from(Cut))
def test_a_torn_write_has_each_bit_from_before_or_after(old: bytes, wanted: bytes, number: int, cut: Cut) -> None:
    new = bytes(a & b for a, b in zip(old, wanted, strict=True))
    torn = Operation(LOG, new).cut(old, cut, number)
    for was, is_now, would in zip(old, torn, new, strict=True):
        assert would | is_now == is_now, "a bit is cleared that the write leaves alone"
        assert is_now | was == was, "a bit is set"
    assert Operation(LOG, new).cut(old, cut, number) == torn, "a cut can be repeated"


@given(number=st.integers(0, 1000), cut=st.sampled_from(Cut))
def test_a_half_erase_clears_no_bit(number: int, cut: Cut) -> None:
    old = bytes(range(256)) * 16
    torn = Operation(LOG, None).cut(old, cut, number)
    assert len(torn) == FLASH_BLOCK
    assert all(was & ~is_now == 0 for was, is_now in zip(old, torn, strict=True))


def test_power_goes_at_the_operation_that_was_named() -> None:
    flash = Flash(blank())
    flash.cut_at(1, Cut.BEFORE)
    with pytest.raises(PowerLostError):
        flash.program(LOG, bytes(24))
    assert flash.read(LOG, 24) == bytes(8) + b"\xff" * 16


def test_every_operation_is_cut_before_it_and_inside_it() -> None:
    operations = [Operation(LOG, bytes(8)), Operation(LOG + 8, b"\x55" * 8), Operation(LOG, None)]
    memory = blank()
    memory[LOG + 16 : LOG + FLASH_BLOCK] = bytes(FLASH_BLOCK - 16)
    found = [(number, cut, bytes(state[LOG : LOG + 16])) for number, cut, state in cut_states(memory, operations)]
    assert [(number, cut) for number, cut, _ in found] == [(n, cut) for n in range(3) for cut in Cut]
    assert found[0][2] == b"\xff" * 16
    assert found[3][2] == bytes(8) + b"\xff" * 8
    assert found[6][2] == bytes(8) + b"\x55" * 8
    assert memory == blank()
