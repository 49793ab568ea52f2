"""Keys out of a seed sign as the standard has it: libcrypto and the core agree, who are no relatives of this code."""

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from yima.sdk.centre.example.keys import Nonces, SeededKey, derived, walk
from yima.sdk.sm2 import SigningKey, verify
from yima.validator import _core


def test_points_of_a_walk_are_the_public_keys_that_libcrypto_computes() -> None:
    for secret, x, y in islice(walk(derived("any")), 150):  # more than two blocks of one inversion
        assert SigningKey.from_int(secret).public == x.to_bytes(32) + y.to_bytes(32)


@given(st.binary(max_size=400))
def test_libcrypto_and_the_core_accept_every_signature(message: bytes) -> None:
    key = SeededKey.named(Nonces("some"), "somebody")
    for _ in range(2):
        signature = key.sign(message)
        assert verify(key.public, message, signature)
        assert _core.sm2_verify(key.public, message, signature)


def test_the_same_names_give_the_same_bytes_and_others_do_not() -> None:
    def signed(nonces: str, name: str) -> bytes:
        return SeededKey.named(Nonces(nonces), name).sign(b"message")

    assert signed("a", "b") == signed("a", "b")
    assert len({signed("a", "b"), signed("a", "c"), signed("c", "b")}) == 3


def test_no_nonce_comes_twice() -> None:
    key = SeededKey.named(Nonces("n"), "k")
    assert len({key.sign(b"the same") for _ in range(200)}) == 200


def test_a_key_does_not_show_itself() -> None:
    key = SeededKey.named(Nonces("n"), "k")
    assert str(key.secret) not in repr(key)
