"""yima.sdk.sm2: keys and signatures through libcrypto, held against the standard, itself and the core."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yima.sdk import sm2
from yima.sdk.sm2 import SigningKey

# GB/T 32918.5-2017 (GM/T 0003.5-2012), Annex A: the one official signature on the recommended curve.
ANNEX_A_SECRET = 0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8
ANNEX_A_PUBLIC = bytes.fromhex(
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
ANNEX_A_MESSAGE = b"message digest"
ANNEX_A_E = bytes.fromhex("f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640")
ANNEX_A_SIGNATURE = bytes.fromhex(
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)

KEY = SigningKey.from_int(ANNEX_A_SECRET)


def test_the_public_key_of_annex_a_follows_from_its_private_key() -> None:
    assert KEY.public == ANNEX_A_PUBLIC
    assert KEY.compressed == b"\x03" + ANNEX_A_PUBLIC[:32]


def test_the_signature_of_annex_a_verifies_in_every_form_of_its_key() -> None:
    for public in (ANNEX_A_PUBLIC, KEY.compressed, b"\x04" + ANNEX_A_PUBLIC):
        assert sm2.verify(public, ANNEX_A_MESSAGE, ANNEX_A_SIGNATURE)


def test_the_digest_of_annex_a_is_what_its_signature_covers() -> None:
    assert sm2.signed_digest(ANNEX_A_PUBLIC, ANNEX_A_MESSAGE) == ANNEX_A_E
    assert sm2.verify_digest(KEY.compressed, ANNEX_A_E, ANNEX_A_SIGNATURE)
    assert not sm2.verify_digest(KEY.compressed, bytes(32), ANNEX_A_SIGNATURE)


def test_sm3_gives_the_standards_examples() -> None:
    # GB/T 32905-2016, Annex A.
    assert sm2.sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert sm2.sm3(b"abcd" * 16).hex() == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"


@settings(max_examples=30, deadline=None)
@given(secret=st.integers(1, sm2.N - 2), message=st.binary(max_size=400))
def test_whatever_is_signed_verifies_and_a_changed_message_does_not(secret: int, message: bytes) -> None:
    key = SigningKey.from_int(secret)
    signature = key.sign(message)
    assert sm2.verify(key.compressed, message, signature)
    assert not sm2.verify(key.compressed, message + b"\x00", signature)


@settings(max_examples=30, deadline=None)
@given(bit=st.integers(0, 511))
def test_no_bit_of_a_signature_can_be_flipped(bit: int) -> None:
    flipped = bytearray(ANNEX_A_SIGNATURE)
    flipped[bit // 8] ^= 1 << bit % 8
    assert not sm2.verify(ANNEX_A_PUBLIC, ANNEX_A_MESSAGE, bytes(flipped))


@settings(max_examples=50, deadline=None)
@given(public=st.binary(min_size=33, max_size=33), signature=st.binary(min_size=64, max_size=64))
def test_any_bytes_of_the_right_size_are_judged_and_never_raise(public: bytes, signature: bytes) -> None:
    assert not sm2.verify(public, b"", signature)
    assert not sm2.verify_digest(public, bytes(32), signature)


@settings(max_examples=100, deadline=None)
@given(
    compressed=st.binary(min_size=33, max_size=33)
    | st.sampled_from([2, 3]).flatmap(lambda tag: st.binary(min_size=32, max_size=32).map(lambda x: bytes([tag]) + x))
)
def test_decompression_and_libcrypto_agree_on_which_keys_exist(compressed: bytes) -> None:
    public = sm2.decompress(compressed)
    with sm2._public_key(compressed) as key:  # whether libcrypto takes it is not to be seen from outside
        assert (public is None) == (key is None)
    assert public is None or sm2.compress(public) == compressed


def test_keys_differ_and_keep_their_secret_out_of_repr() -> None:
    one, other = SigningKey.generate(), SigningKey.generate()
    assert one.secret != other.secret
    assert str(one.secret) not in repr(one)


@pytest.mark.parametrize("secret", [0, -1, sm2.N - 1, sm2.N])
def test_a_private_key_outside_its_range_is_refused(secret: int) -> None:
    with pytest.raises(ValueError, match=r"1\.\.n-2"):
        SigningKey.from_int(secret)


@pytest.mark.parametrize("secret", [1, 2, sm2.N - 2])
def test_the_outermost_private_keys_sign(secret: int) -> None:
    key = SigningKey.from_int(secret)
    assert sm2.verify(key.public, b"x", key.sign(b"x"))


def test_more_keys_than_stay_loaded_sign_in_turn_and_in_threads_at_once() -> None:
    most = sm2._loaded.cache_info().maxsize
    assert most is not None
    keys = [SigningKey.from_int(secret) for secret in range(1, most + 20)]

    def signs(order: int) -> bool:
        return all(sm2.verify(key.public, b"x", key.sign(b"x")) for key in keys[order::4])

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(signs, [0, 1, 2, 3, 0, 1, 2, 3]))


def test_a_loaded_key_is_freed_once_and_not_before_the_last_who_holds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    freed: list[int] = []
    free = sm2._libcrypto().EVP_PKEY_free

    def watched(pointer: int) -> None:
        freed.append(pointer)
        free(pointer)

    monkeypatch.setattr(sm2._libcrypto(), "EVP_PKEY_free", watched)
    sm2._loaded.cache_clear()
    KEY.sign(b"x")
    held = sm2._loaded(KEY.secret, KEY.public)
    pointer = held.pointer
    sm2._loaded.cache_clear()
    assert pointer not in freed
    del held
    assert freed.count(pointer) == 1


def test_private_key_one_has_the_base_point_as_public_key() -> None:
    assert SigningKey.from_int(1).public == sm2.G


def test_wrong_sizes_are_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        sm2.verify(KEY.public, b"", b"short")
    with pytest.raises(ValueError, match="public key"):
        sm2.verify(b"\x02", b"", ANNEX_A_SIGNATURE)
    with pytest.raises(ValueError, match="32 bytes"):
        sm2.verify_digest(KEY.public, b"", ANNEX_A_SIGNATURE)


def test_all_public_certificates_check(public_certificates: dict[str, Any]) -> None:
    root = bytes.fromhex(public_certificates["root_certificate"]["hex"])
    assert sm2.verify(root[16:80], root[:80], root[80:])
    for entry in public_certificates["issuer_certificates"]:
        key, signed, signature = (bytes.fromhex(entry[name]) for name in ("key", "signed", "signature"))
        assert sm2.verify(key, signed, signature)


@pytest.mark.parametrize("names", [[], ["libm.so.6"], ["nowhere.so"]], ids=str)
def test_without_a_libcrypto_that_does_sm2_it_says_what_to_install(
    names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sm2, "_library_names", lambda: iter(names))
    sm2._libcrypto.cache_clear()
    try:
        with pytest.raises(sm2.Sm2Error, match="Install OpenSSL 3 with SM2") as refused:
            SigningKey.generate()
        assert all(name in str(refused.value) for name in names)
    finally:
        sm2._libcrypto.cache_clear()


def test_what_libcrypto_allocates_is_freed() -> None:
    resource = pytest.importorskip("resource")
    for _ in range(200):
        KEY.sign(b"warm")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(1500):
        sm2.verify(KEY.public, b"x", ANNEX_A_SIGNATURE)
        sm2.sm3(b"x")
    for _ in range(250):
        KEY.sign(b"x")
    # One key or context is about a kilobyte: as many left behind as there were calls would show.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 750
