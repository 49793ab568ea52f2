"""Test keys that follow from the seed of an example; they sign as every key here does, through libcrypto.

The seed is no secret, and so are its keys: nothing made of them may ever sign for anybody real.
"""

import hashlib

from yima.sdk.sm2 import N, SigningKey


def seeded_key(*names: object) -> SigningKey:
    """The key that follows from names; far from the next one's."""
    wide = hashlib.sha512(b"yima test" + b"\0".join(str(name).encode() for name in names)).digest()
    return SigningKey.from_int(int.from_bytes(wide) % (N - 2) + 1)
