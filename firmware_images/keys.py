"""Keys that sign images: a vendor's own, from PEM files, and the test key, which everybody has.

The test key is made from a sentence that stands here, so it protects nothing. It exists so that a checkout can be
built, signed and started without a ceremony; whatever it signed says so (`Image.test_key`, `yima image show`), and it
signs nothing but test images. A vendor makes a key with `imgtool keygen -k vendor.pem -t ed25519`, keeps it off this
machine, signs with `yima image sign --key`, and puts the public half into the boot ROM.
"""

import hashlib
from functools import cache
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from yima.validator.errors import YimaError
from yima.validator.outside import bytes_of
from yima.validator.texts import Text

_SENTENCE = b"yima TEST ONLY image signing key: published, worthless, never to be trusted by a device in service"

WARNING = Text(
    "signed with the TEST key, which everybody has: for the emulated board only, never for a device in service",
    "使用公开的测试密钥签名：仅供仿真板使用，不得用于正式设备",
)


class KeyFileError(YimaError):
    """A key file that cannot be used."""


def private_test_key() -> Ed25519PrivateKey:
    """The private half of the test key."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(_SENTENCE).digest())


def public_test_key() -> Ed25519PublicKey:
    """The public half of the test key, for a boot ROM in the test environment."""
    return private_test_key().public_key()


def pem_of_test_key() -> bytes:
    """The private half as PEM, as imgtool wants it."""
    return private_test_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@cache
def _test_key_hash() -> bytes:
    public = public_test_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(public).digest()


def is_test_key(key_hash: bytes) -> bool:
    """Whether an image's key hash names the test key."""
    return key_hash == _test_key_hash()


def public_key_of(path: Path) -> Ed25519PublicKey:
    """The Ed25519 public key of a PEM file, which may hold the private key. Raises KeyFileError."""
    try:
        pem = bytes_of(path)
        private = b"PRIVATE KEY" in pem
        key = load_pem_private_key(pem, None).public_key() if private else load_pem_public_key(pem)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError(
            path,
            Text(f"no key could be read: {error}", f"无法读取密钥：{error}"),
            Text("Give a PEM file without password", "请提供无密码的 PEM 文件"),
        ) from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError(
            path,
            Text("not an Ed25519 key", "不是 Ed25519 密钥"),
            Text("imgtool keygen -t ed25519", "imgtool keygen -t ed25519"),
        )
    return key


def public_half_of(path: Path) -> Ed25519PublicKey:
    """The same of a PEM file that can sign: it holds the private key. Raises KeyFileError."""
    key = public_key_of(path)
    if b"PRIVATE KEY" not in bytes_of(path):
        raise KeyFileError(
            path,
            Text("holds the public half of a key, which cannot sign", "只有公钥，不能签名"),
            Text("Give the private key's PEM file", "请提供私钥的 PEM 文件"),
        )
    return key
