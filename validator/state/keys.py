"""The device's own key: what makes a batch the device's, and not anybody's.

A trip record's tag 0011 is a plain checksum that anyone can compute. So every batch is signed with the device's
Ed25519 key, made at its first start and kept in its state directory. Rules:

- The key file is the device's alone (0600); one that others may read is refused, not used.
- It is written whole or not at all: a power cut never leaves half a key.
- The signature is over the exact bytes of the body.
"""

from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from yima.validator.errors import DeviceKeyError
from yima.validator.system.disk import write_whole
from yima.validator.system.posix import others_may_read
from yima.validator.texts import Text

KEY_FILE_MAX = 4096


class DeviceKey:
    """An Ed25519 key; public: 64 hexadecimal digits."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    @classmethod
    def generate(cls) -> "DeviceKey":
        """A new key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load_or_create(cls, path: Path) -> "DeviceKey":
        """The key in the file, or a new one put there. Raises DeviceKeyError."""
        try:
            if path.exists():
                return cls._load(path)
            made = cls.generate()
            made._store(path)
        except OSError as error:
            raise DeviceKeyError(
                path,
                Text(
                    f"the device key cannot be read or made: {error.strerror}",
                    f"无法读取或创建设备密钥：{error.strerror}",
                ),
                Text("Make the state directory writable for this user", "请使状态目录对当前用户可写"),
            ) from error
        return made

    @classmethod
    def _load(cls, path: Path) -> "DeviceKey":
        if others_may_read(path.stat().st_mode):
            raise DeviceKeyError(
                path,
                Text("the device key may be read by others", "设备密钥可被其他用户读取"),
                Text(
                    f"If nobody did: chmod 600 {path}; else delete it and enrol the new one",
                    f"如确认未泄露：chmod 600 {path}；否则请删除并重新登记",
                ),
            )
        try:
            with path.open("rb") as file:
                key = load_pem_private_key(file.read(KEY_FILE_MAX), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            key = None
            cause: Exception | None = error
        else:
            cause = None
        if not isinstance(key, Ed25519PrivateKey):
            raise DeviceKeyError(
                path,
                Text("holds no Ed25519 private key", "不是 Ed25519 私钥"),
                Text(
                    "Put the right file back, or delete it: a new key is made, to be enrolled",
                    "请恢复正确的文件，或删除它以生成新密钥并重新登记",
                ),
            ) from cause
        return cls(key)

    def _store(self, path: Path) -> None:
        pem = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_whole(path, pem)

    def sign(self, body: bytes) -> str:
        """The signature over the body, 128 hexadecimal digits."""
        return self._key.sign(body).hex()


def is_signed(public: str, signature: str, body: bytes) -> bool:
    """Whether the key (64 hex digits) made the signature (128 hex digits) over the body. Any text may be asked."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), body)
    except (ValueError, InvalidSignature):
        return False
    return True
