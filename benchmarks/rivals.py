"""Other people's SM2, behind one call, so that they can be measured beside ours with the same inputs.

Rules it keeps:
- A rival takes what a code holds: a compressed key of 33 bytes, the message, r and s of 64 bytes. What it must convert
  first (decompression, DER, hex) is its own time: that is what using it costs.
- libcrypto is always there (yima.sdk.sm2). The packages of the extra `bench` are measured when they are installed, and
  named as missing when not; nothing else imports them.
"""

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from yima.sdk import sm2

Verify = Callable[[bytes, bytes, bytes], bool]

# SubjectPublicKeyInfo { id-ecPublicKey, sm2p256v1, a compressed point }
_COMPRESSED_DER = bytes.fromhex("3039301306072a8648ce3d020106082a811ccf5501822d032200")


class Rival(NamedTuple):
    """A name for people, and the call: (compressed key, message, r then s) -> valid."""

    name: str
    verify: Verify
    rounds_share: float = 1.0
    """Pure Python takes milliseconds: it gets this share of the rounds."""


def installed() -> tuple[list[Rival], list[str]]:
    """The packages that are here, and the names of those that are not."""
    found, missing = [], []
    for name, make in (("tongsuopy", _tongsuopy), ("gmssl-pyx", _gmssl_pyx), ("gmssl", _gmssl)):
        try:
            found.append(make(name))
        except ImportError:
            missing.append(name)
    return found, missing


def _der(signature: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))


def _affine(compressed: bytes) -> bytes:
    public = sm2.decompress(compressed)
    if public is None:
        raise ValueError("not a point of the curve")
    return public


def _tongsuopy(name: str) -> Rival:
    serialization = import_module("tongsuopy.crypto.serialization")
    curves = import_module("tongsuopy.crypto.asymciphers.ec")
    algorithm = curves.ECDSA(import_module("tongsuopy.crypto.hashes").SM3())
    invalid = import_module("tongsuopy.crypto.exceptions").InvalidSignature

    def verify(compressed: bytes, message: bytes, signature: bytes) -> bool:
        key = serialization.load_der_public_key(_COMPRESSED_DER + compressed)
        try:
            key.verify(_der(signature), message, algorithm)
        except invalid:
            return False
        return True

    return Rival(name, verify)


def _gmssl_pyx(name: str) -> Rival:
    package = import_module("gmssl_pyx")

    def verify(compressed: bytes, message: bytes, signature: bytes) -> bool:
        return bool(package.sm2_verify(_affine(compressed), message, _der(signature)))

    return Rival(name, verify)


def _gmssl(name: str) -> Rival:
    package = import_module("gmssl.sm2")

    def verify(compressed: bytes, message: bytes, signature: bytes) -> bool:
        key = package.CryptSM2(private_key="", public_key=_affine(compressed).hex())
        return bool(key.verify_with_sm3(signature.hex(), message))

    return Rival(name, verify, rounds_share=0.05)
