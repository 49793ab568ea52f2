"""The boot ROM starts signed images only, tries an update once, goes back unless it was confirmed, never to an older
security counter."""

import itertools
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from yima.firmware_images.build import Environment, Product, Slot
from yima.firmware_images.hardware import DEFAULT_BOARD
from yima.firmware_images.image import factory_slot, trailer_magic
from yima.firmware_images.keys import public_test_key
from yima.firmware_images.signing import sign
from yima.hwsim.board.bootrom import BootRom, Trust, _can_begin, complaint, flag_set, image_in, put_trust, trailer
from yima.hwsim.board.flash import Cut, Flash, PowerLostError
from yima.hwsim.board.layout import FLASH_SIZE, MPS2, SLOT_A, SLOT_B, SLOTS
from yima.hwsim.board.layout import Slot as Place

KEY = public_test_key().public_bytes_raw()
BUS = Product.BUS_VALIDATOR.full_name


def trust(*keys: bytes, environment: str = "test", product: str = BUS, hardware: str = DEFAULT_BOARD) -> Trust:
    return Trust(environment=environment, product=product, hardware=hardware, keys=keys)


def program(place: Place) -> bytes:
    """A vector table and nothing behind it."""
    start = place.start + 0x200
    return (0x2002_0000).to_bytes(4, "little") + (start + 9).to_bytes(4, "little") + b"\xfe\xe7" * 100


def signed(place: Place, version: str, counter: int = 1) -> bytes:
    slot = Slot.A if place is SLOT_A else Slot.B
    return sign(program(place), slot, BUS, version=version, counter=counter)


@pytest.fixture(scope="session")
def images() -> dict[str, bytes]:
    return {
        "a1": signed(SLOT_A, "1.0.0"),
        "a0": signed(SLOT_A, "0.9.0", 0),
        "b2": signed(SLOT_B, "2.0.0", 2),
        "b2-low": signed(SLOT_B, "2.0.0", 0),
        "b1+9": signed(SLOT_B, "1.0.0+9"),
        "a-high": signed(SLOT_A, "1.0.0", 2000),
    }


@pytest.fixture
def board(images: dict[str, bytes]) -> Callable[..., Flash]:
    """A flash with image a1 from the factory; update: an image that was uploaded to slot B and is to be tried."""

    def make(update: str = "", *, asked: bool = True, keys: tuple[bytes, ...] = (KEY,), first: str = "a1") -> Flash:
        memory = bytearray(b"\xff" * FLASH_SIZE)
        memory[SLOT_A.start : SLOT_A.end] = factory_slot(images[first])
        if update:
            memory[SLOT_B.start : SLOT_B.start + len(images[update])] = images[update]
            if asked:
                memory[SLOT_B.end - 16 : SLOT_B.end] = trailer_magic(MPS2)
        flash = Flash(memory)
        put_trust(flash, trust(*keys))
        return flash

    return make


def started(flash: Flash) -> str | None:
    slot = BootRom(flash).boot().slot
    return slot.name if slot else None


def confirm(flash: Flash, slot: Place) -> None:
    flash.program(slot.end - 24, flag_set(MPS2))


def test_the_factory_image_starts_again_and_again(board: Callable[..., Flash]) -> None:
    flash = board()
    assert [started(flash) for _ in range(3)] == ["A", "A", "A"]


def test_an_update_is_tried_once_and_given_up_unless_it_is_confirmed(board: Callable[..., Flash]) -> None:
    flash = board("b2")
    assert [started(flash), started(flash), started(flash)] == ["B", "A", "A"]
    assert image_in(flash, SLOT_B) is None, "what was given up is erased"


def test_a_confirmed_update_stays(board: Callable[..., Flash]) -> None:
    flash = board("b2")
    assert started(flash) == "B"
    confirm(flash, SLOT_B)
    assert [started(flash), started(flash)] == ["B", "B"]


def test_an_upload_that_nobody_asked_to_start_is_not_started(board: Callable[..., Flash]) -> None:
    assert started(board("b2", asked=False)) == "A"


def test_the_counter_floor_rises_when_an_image_is_confirmed_and_not_before(board: Callable[..., Flash]) -> None:
    flash = board("b2")
    started(flash)
    assert BootRom(flash).floor() == 0
    confirm(flash, SLOT_B)
    started(flash)
    assert BootRom(flash).floor() == 2


def test_a_boot_at_which_nothing_is_new_wears_no_flash(board: Callable[..., Flash]) -> None:
    flash = board()
    started(flash)
    operations = flash.operations
    assert started(flash) == "A"
    assert flash.operations == operations


@pytest.mark.parametrize("larger", [0, 1])
def test_where_both_blocks_of_the_floor_are_full_no_cut_lets_it_fall(board: Callable[..., Flash], larger: int) -> None:
    whole = board(first="a-high")
    half = MPS2.floor.size // 2
    for place in (0, 1):
        for at in range(0, half, MPS2.trailer_unit):
            counter = 1 + at // MPS2.trailer_unit + (1000 if place == larger else 0)
            unit = struct.pack("<II", counter, counter ^ 0xFFFFFFFF).ljust(MPS2.trailer_unit, b"\xff")
            start = MPS2.floor.start + place * half + at
            whole.memory[start : start + len(unit)] = unit
    before, operation = BootRom(whole).floor(), 0
    assert 1000 < before < 2000
    for operation in itertools.count():
        flash = Flash(bytearray(whole.memory))
        flash.cut_at(operation, Cut.NEARLY)
        try:
            assert started(flash) == "A"
            break
        except PowerLostError:
            assert BootRom(flash).floor() >= before, f"cut at operation {operation}"
    assert operation > 1
    assert BootRom(flash).floor() == 2000


def test_a_build_number_makes_no_image_newer(board: Callable[..., Flash]) -> None:
    """MCUboot compares none, and slot A wins a tie."""
    assert started(board("b1+9")) == "A"


def test_an_image_below_the_floor_is_refused_even_with_a_higher_version(board: Callable[..., Flash]) -> None:
    flash = board()
    assert started(flash) == "A"
    assert BootRom(flash).floor() == 1
    low = board("b2-low").memory[SLOT_B.start : SLOT_B.end]
    flash.memory[SLOT_B.start : SLOT_B.end] = low
    assert started(flash) == "A"
    assert image_in(flash, SLOT_B) is None


@pytest.mark.parametrize(("at", "word"), [(4, SLOT_B.start), (4, 0), (16, 0)], ids=["other slot", "none", "floating"])
def test_an_image_that_is_linked_for_another_place_is_none(board: Callable[..., Flash], at: int, word: int) -> None:
    flash = board()
    flash.memory[SLOT_A.start + at : SLOT_A.start + at + 4] = word.to_bytes(4, "little")
    assert image_in(flash, SLOT_A) is None


def test_a_security_counter_of_another_length_is_none(board: Callable[..., Flash]) -> None:
    flash = board()
    counter, shorter = struct.pack("<HHI", 0x50, 4, 1), struct.pack("<HHHH", 0x50, 0, 1, 0)
    flash.memory[:] = bytes(flash.memory).replace(counter, shorter)
    image = image_in(flash, SLOT_A)
    assert image is not None
    assert image.counter is None


def test_the_boot_rom_has_room_for_eight_keys(board: Callable[..., Flash]) -> None:
    flash = board()
    put_trust(flash, trust(*[KEY] * 8))
    assert started(flash) == "A"
    with pytest.raises(ValueError, match="up to 8 keys"):
        put_trust(flash, trust(*[KEY] * 9))


RAM = MPS2.ram


@pytest.mark.parametrize(
    ("stack", "reset", "begins"),
    [
        (RAM.start + RAM.size, 0x201, True),
        (RAM.start + 1, SLOT_A.end - SLOT_A.start - 1, True),
        (RAM.start, 0x201, False),
        (RAM.start + RAM.size + 1, 0x201, False),
        (RAM.start + RAM.size, 0x200, False),
        (RAM.start + RAM.size, 0x1FF, False),
        (RAM.start + RAM.size, SLOT_A.end - SLOT_A.start + 1, False),
    ],
)
def test_an_image_begins_with_a_stack_in_memory_and_a_thumb_address_of_its_own(
    board: Callable[..., Flash], stack: int, reset: int, begins: bool
) -> None:
    image = image_in(board(), SLOT_A)
    assert image is not None
    assert _can_begin(MPS2, image, struct.pack("<II", stack, SLOT_A.start + reset)) is begins


def test_a_board_with_another_key_starts_nothing(board: Callable[..., Flash]) -> None:
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert started(board(keys=(other,))) is None
    assert started(board(keys=())) is None
    assert started(board(keys=(other, KEY))) == "A"


@pytest.mark.parametrize("other", [{"environment": "production"}, {"product": "yima-metro-gate"}, {"hardware": "b2"}])
def test_an_image_for_another_environment_product_or_hardware_is_not_started(
    board: Callable[..., Flash], other: dict[str, str], tmp_path: Path
) -> None:
    key = Ed25519PrivateKey.generate()
    path = tmp_path / "vendor.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    image = sign(program(SLOT_A), Slot.A, BUS, environment=Environment.TEST, key=path)
    flash = board()
    flash.memory[SLOT_A.start : SLOT_A.end] = factory_slot(image)
    put_trust(flash, trust(key.public_key().public_bytes_raw()))
    assert started(flash) == "A"
    put_trust(flash, trust(key.public_key().public_bytes_raw(), **other))
    assert started(flash) is None, "though the vendor's own key signed it"


def test_a_production_board_trusts_the_test_key_for_nothing(board: Callable[..., Flash]) -> None:
    image = image_in(board(), SLOT_A)
    assert image is not None
    assert complaint(image, trust(KEY), 0) is None
    problem = complaint(image, trust(KEY, environment="production"), 0)
    assert problem is not None and "not signed with a key of this board" in problem


@settings(max_examples=60)
@given(where=st.integers(0, 1 << 20), bit=st.integers(0, 7))
def test_no_flipped_bit_of_what_is_signed_starts(images: dict[str, bytes], where: int, bit: int) -> None:
    memory = bytearray(b"\xff" * FLASH_SIZE)
    memory[SLOT_A.start : SLOT_A.end] = factory_slot(images["a1"])
    flash = Flash(memory)
    put_trust(flash, trust(KEY))
    image = image_in(flash, SLOT_A)
    assert image is not None
    memory[SLOT_A.start + where % len(image.hashed)] ^= 1 << bit
    assert started(flash) is None


@settings(max_examples=100)
@given(junk=st.binary(min_size=32, max_size=600), keep=st.integers(0, 32))
def test_no_junk_in_a_slot_breaks_the_boot(images: dict[str, bytes], junk: bytes, keep: int) -> None:
    memory = bytearray(b"\xff" * FLASH_SIZE)
    memory[SLOT_A.start : SLOT_A.end] = factory_slot(images["a1"])
    memory[SLOT_B.start : SLOT_B.start + len(junk)] = images["b2"][:keep] + junk[keep:]
    memory[SLOT_B.end - 16 : SLOT_B.end] = trailer_magic(MPS2)
    flash = Flash(memory)
    put_trust(flash, trust(KEY))
    assert started(flash) == "A"


@pytest.mark.parametrize("cut", list(Cut))
def test_power_may_go_at_every_operation_of_the_boot_rom(board: Callable[..., Flash], cut: Cut) -> None:
    whole = board("b2")
    started(whole)  # tried; the next boot gives it up
    length = 0
    while True:
        flash = Flash(bytearray(whole.memory))
        flash.cut_at(length, cut)
        try:
            assert started(flash) == "A"
            break
        except PowerLostError:
            flash.uncut()
            assert started(flash) == "A", f"cut {cut} at operation {length}"
            assert trailer(flash, SLOT_A).magic
        length += 1
    assert length > 40, "a slot has 48 blocks"
    assert {slot.name for slot in SLOTS} == {"A", "B"}
