"""Images: what imgtool signs, our verifier takes; what was changed, it refuses, for the right reason."""

import random
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from yima.firmware_images.build import Environment, Slot
from yima.firmware_images.hardware import board, boards
from yima.firmware_images.image import TLVS_MAX, Fault, ImageError, factory_slot, read, trailer_magic, verify
from yima.firmware_images.keys import KeyFileError, pem_of_test_key, public_key_of, public_test_key
from yima.firmware_images.signing import SigningError, sign

_PRODUCT = "yima-metro-gate"
_PAYLOAD = random.Random(5).randbytes(3000)
_COUNTER_TLV, _HEADER = 0x50, 0x200


@pytest.fixture(scope="module")
def signed() -> bytes:
    return sign(_PAYLOAD, Slot.B, _PRODUCT, version="2.3.4+77", counter=9)


@pytest.fixture(scope="module")
def other_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "other.pem"
    path.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


@pytest.fixture(scope="module")
def test_key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "TEST-ONLY.pem"
    path.write_bytes(pem_of_test_key())
    return path


def _fault(data: bytes, floor: int = 0, product: str | None = None, key: Path | None = None) -> Fault | None:
    keys = [public_key_of(key) if key else public_test_key()]
    try:
        verify(data, keys, counter_floor=floor, product=product)
    except ImageError as error:
        return error.fault
    return None


def _imgtool_takes(data: bytes, key: Path, folder: Path) -> bool:
    (folder / "image.bin").write_bytes(data)
    command = [sys.executable, "-m", "imgtool.main", "verify", "--key", str(key), str(folder / "image.bin")]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_an_image_says_who_it_is(signed: bytes) -> None:
    image = verify(signed, [public_test_key()], counter_floor=9, product=_PRODUCT)
    assert (image.version_text, image.counter, image.product) == ("2.3.4+77", 9, _PRODUCT)
    assert (image.address, image.payload_size, image.size) == (0x40000, len(_PAYLOAD), len(signed))


def test_an_image_signed_with_the_test_key_says_so(signed: bytes, other_key: Path) -> None:
    assert read(signed).test_key
    assert not read(sign(_PAYLOAD, Slot.A, _PRODUCT, key=other_key)).test_key


def test_signing_the_same_bytes_again_gives_the_same_image(signed: bytes) -> None:
    assert sign(_PAYLOAD, Slot.B, _PRODUCT, version="2.3.4+77", counter=9) == signed


def test_imgtool_and_we_agree_on_good_tampered_and_wrongly_signed_images(
    signed: bytes, other_key: Path, test_key_file: Path, tmp_path: Path
) -> None:
    other = sign(_PAYLOAD, Slot.B, _PRODUCT, key=other_key)
    assert _fault(signed) is None
    assert _imgtool_takes(signed, test_key_file, tmp_path)
    assert _fault(other) is Fault.UNKNOWN_KEY
    assert not _imgtool_takes(other, test_key_file, tmp_path)
    assert _fault(other, key=other_key) is None
    assert _imgtool_takes(other, other_key, tmp_path)
    signature_at = len(signed) - 10
    for at in (_HEADER + 1, _HEADER + len(_PAYLOAD) - 1, _HEADER + len(_PAYLOAD) + 8, 21, signature_at):
        changed = bytearray(signed)
        changed[at] ^= 1
        assert _fault(bytes(changed)) is not None
        assert not _imgtool_takes(bytes(changed), test_key_file, tmp_path)


def test_an_older_security_counter_is_refused(signed: bytes) -> None:
    assert _fault(signed, floor=9) is None
    assert _fault(signed, floor=10) is Fault.OLDER


def test_a_security_counter_outside_the_signed_part_counts_for_nothing(signed: bytes) -> None:
    image = read(signed)
    tlvs_at = _HEADER + len(_PAYLOAD) + int.from_bytes(signed[10:12], "little")
    area = signed[tlvs_at + 4 : image.size] + struct.pack("<HHI", _COUNTER_TLV, 4, 99)
    forged = signed[:tlvs_at] + struct.pack("<HH", 0x6907, len(area) + 4) + area
    assert verify(forged, [public_test_key()]).counter == 9
    assert _fault(forged, floor=10) is Fault.OLDER


def test_an_image_for_another_product_is_refused(signed: bytes) -> None:
    assert _fault(signed, product="yima-bus-validator") is Fault.OTHER_PRODUCT


def test_an_image_for_another_environment_or_hardware_is_refused(signed: bytes, other_key: Path) -> None:
    keys = [public_test_key()]
    with pytest.raises(ImageError) as refused:
        verify(signed, keys, environment="production")
    assert refused.value.fault is Fault.OTHER_ENVIRONMENT
    with pytest.raises(ImageError) as refused:
        verify(signed, keys, hardware="another-board")
    assert refused.value.fault is Fault.OTHER_HARDWARE
    production = sign(_PAYLOAD, Slot.A, _PRODUCT, environment=Environment.PRODUCTION, key=other_key)
    image = verify(production, [public_key_of(other_key)], environment="production", hardware="mps2-an500")
    assert (image.environment, image.hardware) == ("production", "mps2-an500")


def test_a_production_image_under_the_test_key_is_refused(test_key_file: Path) -> None:
    with pytest.raises(ImageError) as refused:
        sign(_PAYLOAD, Slot.A, _PRODUCT, environment=Environment.PRODUCTION, key=test_key_file)
    assert refused.value.fault is Fault.TEST_KEY


def test_an_image_with_a_tlv_that_stands_twice_is_none_for_us_as_for_the_boot_rom(signed: bytes) -> None:
    at = _HEADER + len(_PAYLOAD) + int.from_bytes(signed[10:12], "little")
    area = signed[at + 4 :] + signed[at + 4 : at + 40]
    with pytest.raises(ImageError) as refused:
        read(signed[:at] + struct.pack("<HH", 0x6907, len(area) + 4) + area)
    assert refused.value.fault is Fault.TLV_TWICE


def _changed(data: bytes, at: int, size: int, by: int) -> bytes:
    """A number of the header changed."""
    number = int.from_bytes(data[at : at + size], "little") + by
    return data[:at] + number.to_bytes(size, "little") + data[at + size :]


def _form(data: bytes) -> Fault | None:
    try:
        read(data)
    except ImageError as error:
        return error.fault
    return None


def test_sizes_that_do_not_belong_together_make_an_image_none(signed: bytes) -> None:
    assert _form(_changed(signed, 10, 2, 1)) is Fault.TRUNCATED, "the protected TLVs are longer than they say"
    moved = _changed(_changed(signed, 8, 2, 16), 12, 4, -16)
    assert _form(moved) is Fault.TRUNCATED, "the program begins elsewhere than every other"


def test_a_security_counter_of_another_length_makes_an_image_none(signed: bytes) -> None:
    counter, shorter = struct.pack("<HHI", _COUNTER_TLV, 4, 9), struct.pack("<HHHH", _COUNTER_TLV, 0, 1, 0)
    assert signed.count(counter) == 1
    assert _form(signed.replace(counter, shorter)) is Fault.TRUNCATED


def test_an_image_that_may_lie_anywhere_is_linked_for_no_slot(signed: bytes) -> None:
    assert _form(_changed(signed, 16, 4, -0x100)) is Fault.OTHER_SLOT


@pytest.mark.parametrize(("tlvs", "fault"), [(TLVS_MAX, None), (TLVS_MAX + 1, Fault.TRUNCATED)])
def test_an_area_has_room_for_so_many_tlvs(signed: bytes, tlvs: int, fault: Fault | None) -> None:
    at = _HEADER + len(_PAYLOAD) + int.from_bytes(signed[10:12], "little")
    area = signed[at + 4 :]
    there = len({read(signed).digest, read(signed).key_hash, read(signed).signature})
    area += b"".join(struct.pack("<HH", 0x1000 + number, 0) for number in range(tlvs - there))
    assert _form(signed[:at] + struct.pack("<HH", 0x6907, len(area) + 4) + area) is fault


@pytest.mark.parametrize(("more", "fault"), [(0, None), (1, Fault.TOO_LARGE)])
def test_an_image_leaves_room_for_the_trailer_of_its_slot(signed: bytes, more: int, fault: Fault | None) -> None:
    added = board().slots[1].size - board().trailer_size - len(signed) + more
    end = _HEADER + len(_PAYLOAD)
    larger = _changed(signed[:end] + bytes(added) + signed[end:], 12, 4, added)
    assert _form(larger) is fault
    if fault:
        with pytest.raises(ImageError):
            factory_slot(larger)
    else:
        assert len(factory_slot(larger)) == board().slots[1].size


def test_every_changed_bit_of_the_signed_part_is_noticed(signed: bytes) -> None:
    end = _HEADER + len(_PAYLOAD) + int.from_bytes(signed[10:12], "little")
    for at in (*range(32), *range(_HEADER, end, 61), *range(end - 60, end)):
        changed = bytearray(signed)
        changed[at] ^= 1 << at % 8
        assert _fault(bytes(changed)) is not None, at


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused(data: st.DataObject) -> None:
    base = bytearray(_small())
    for _ in range(data.draw(st.integers(0, 6))):
        base[data.draw(st.integers(0, len(base) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(base[: data.draw(st.integers(0, len(base)))])
    try:
        read(cut)
    except ImageError as error:
        assert isinstance(error.fault, Fault)


def _small(cache: list[bytes] = []) -> bytes:  # noqa: B006  # signed once
    if not cache:
        cache.append(sign(b"small", Slot.A, _PRODUCT))
    return cache[0]


def test_a_factory_slot_is_an_image_that_was_tried_and_confirmed(signed: bytes) -> None:
    slot = factory_slot(signed)
    assert len(slot) == board().slots[0].size
    assert read(slot).digest == read(signed).digest
    assert slot[-16:] == trailer_magic(board())
    assert slot[-24] == slot[-32] == 1


def test_a_larger_image_than_the_slot_is_refused_by_imgtool_and_by_us() -> None:
    with pytest.raises(SigningError):
        sign(bytes(board().slots[0].size), Slot.A, _PRODUCT)
    with pytest.raises(ImageError):
        read(_small().ljust(board().slots[0].size + 1, b"\xff"))
    with pytest.raises(ImageError):
        read(bytes(max(board(name).slots[0].size for name in boards()) + 1))


def test_a_public_key_file_will_do_for_verifying_and_another_kind_of_file_is_named(
    other_key: Path, tmp_path: Path
) -> None:
    public = public_key_of(other_key)
    path = tmp_path / "public.pem"
    path.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert public_key_of(path).public_bytes_raw() == public.public_bytes_raw()
    path.write_bytes(b"no key")
    with pytest.raises(KeyFileError, match=r"public\.pem"):
        public_key_of(path)
    other_kind = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(other_kind.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(KeyFileError, match="not an Ed25519 key"):
        public_key_of(path)


@pytest.mark.parametrize(
    "numbers",
    [
        {"version": "256.0.0"}, {"version": "0.256.0"}, {"version": "0.0.65536"}, {"version": "0.0.0+4294967296"},
        {"version": "1.2.3-rc1"}, {"version": "01.2.3"}, {"version": "١.٢.٣"}, {"version": "9" * 5000},
        {"version": ""}, {"counter": -1}, {"counter": 1 << 32},
    ],
)  # fmt: skip
def test_numbers_for_which_an_image_has_no_room_are_named_with_what_it_has_room_for(numbers: dict[str, Any]) -> None:
    """imgtool ended with a traceback, which stood in the error."""
    with pytest.raises(SigningError) as refused:
        sign(b"code", Slot.A, _PRODUCT, **numbers)
    assert "Traceback" not in str(refused.value)
    assert "4294967295" in refused.value.problem.en and "4294967295" in refused.value.problem.zh


def test_the_largest_numbers_are_in_the_image() -> None:
    largest = read(sign(b"code", Slot.A, _PRODUCT, version="255.255.65535+4294967295", counter=0xFFFFFFFF))
    assert (largest.version, largest.counter) == ((255, 255, 0xFFFF, 0xFFFFFFFF), 0xFFFFFFFF)
    assert read(sign(b"code", Slot.A, _PRODUCT, version="7", counter=0)).version == (7, 0, 0, 0)


def test_a_key_that_cannot_sign_is_named_by_its_file_and_nothing_is_signed(other_key: Path, tmp_path: Path) -> None:
    private = load_pem_private_key(other_key.read_bytes(), None)
    locked = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    public = public_key_of(other_key).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for name, content, why in (
        ("gone.pem", None, "No such file"), ("junk.pem", b"junk", "no key"), ("locked.pem", locked, "encrypted"),
        ("public.pem", public, "cannot sign"),
    ):  # fmt: skip
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(KeyFileError, match=why) as refused:
            sign(b"code", Slot.A, _PRODUCT, key=path)
        assert refused.value.thing == str(path)
        assert "Traceback" not in str(refused.value)
