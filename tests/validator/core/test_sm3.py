"""The core's SM3, held against the standard and against OpenSSL's as `cryptography` brings it."""

import pytest
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st

from yima.validator import _core


def other_sm3(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        # GB/T 32905-2016, Annex A.1 and A.2.
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_the_examples_of_the_standard_come_out(message: bytes, digest: str) -> None:
    assert _core.sm3(message).hex() == digest


def test_every_length_over_four_blocks_agrees_with_openssl() -> None:
    data = bytes(range(256)) + bytes(range(44))
    for length in range(len(data) + 1):
        assert _core.sm3(data[:length]) == other_sm3(data[:length]), length


@given(st.binary(max_size=5000))
def test_any_bytes_agree_with_openssl(data: bytes) -> None:
    assert _core.sm3(data) == other_sm3(data)


def test_every_bytes_like_object_is_taken() -> None:
    assert _core.sm3(bytearray(b"abc")) == _core.sm3(memoryview(b"abc")) == _core.sm3(b"abc")


def test_what_is_not_bytes_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        _core.sm3("abc")  # type: ignore[arg-type]
