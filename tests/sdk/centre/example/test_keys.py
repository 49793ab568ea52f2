"""Keys out of a seed: the same names, the same key; and they sign as the standard has it."""

from yima.sdk.centre.example.keys import seeded_key
from yima.sdk.sm2 import verify
from yima.validator import _core


def test_the_same_names_give_the_same_key_and_others_do_not() -> None:
    assert seeded_key(5, "a").public == seeded_key(5, "a").public
    assert len({seeded_key(*names).public for names in ((5, "a"), (5, "b"), (6, "a"), ("5a",))}) == 4


def test_libcrypto_and_the_core_accept_what_they_sign() -> None:
    key = seeded_key("somebody")
    signature = key.sign(b"message")
    assert verify(key.public, b"message", signature)
    assert _core.sm2_verify(key.public, b"message", signature)


def test_a_key_does_not_show_itself() -> None:
    key = seeded_key("somebody")
    assert str(key.secret) not in repr(key)
