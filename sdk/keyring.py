"""A file that keeps a test world's private keys, so that codes made tomorrow fit parameters loaded today.

Rules:
- TEST KEYS, in the open: the file says so in its first line, and only its owner may read it (0600).
- It grows and never changes what it holds: a root or issuer once in it keeps its key and certificate.
- It is replaced whole or not at all. Of two programs that need new keys of one file, one waits for the other.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from construct import ConstructError

from yima.sdk import issuer, layouts
from yima.sdk.issuer import Issuer, RootAuthority
from yima.sdk.sm2 import SigningKey
from yima.validator.errors import YimaError
from yima.validator.outside import bytes_of, json_of
from yima.validator.system.disk import write_whole
from yima.validator.system.locks import in_turn
from yima.validator.texts import Text

ABOUT = "TEST KEYS, private and unprotected. Never load them into a gate that takes money. 测试私钥，切勿用于生产"
_SIZE_MAX = 1 << 20


class KeyringError(YimaError):
    """A key file that cannot be read or written."""


class Keyring:
    """Roots by index, and issuers by root index and issuer id."""

    def __init__(self) -> None:
        self._roots: dict[int, RootAuthority] = {}
        self._issuers: dict[tuple[int, str], Issuer] = {}

    def root(self, index: int) -> RootAuthority:
        """The root of this index, made if it is not there."""
        if index not in self._roots:
            self._roots[index] = issuer.make_root(index)
        return self._roots[index]

    def issuer(self, root: RootAuthority, issuer_id: str) -> Issuer:
        """The issuer of this id under this root, made if it is not there."""
        place = (root.index, issuer_id)
        if place not in self._issuers:
            self._issuers[place] = issuer.make_issuer(root, issuer_id, serial=len(self._issuers) + 1)
        return self._issuers[place]

    @classmethod
    @contextmanager
    def kept(cls, path: Path) -> Iterator["Keyring"]:
        """The keys in a file, which holds those that are made meanwhile, too. Raises KeyringError."""
        with ExitStack() as turn:
            with _writing(path):
                turn.enter_context(in_turn(path.parent / f".{path.name}.lock"))
            keyring = cls.load(path)
            yield keyring
            keyring.save(path)

    @classmethod
    def load(cls, path: Path) -> "Keyring":
        """The keys in a file; none where there is no file yet. Raises KeyringError."""
        keyring = cls()
        try:
            content = json_of(bytes_of(path, _SIZE_MAX))
            for entry in content["roots"]:
                certificate, key = _certificate_and_key(entry)
                fields = layouts.ROOT_CERTIFICATE.parse(certificate)
                _must(fields.public_key == key.public and len(certificate) == layouts.ROOT_CERTIFICATE_SIZE)
                keyring._roots[fields.index] = RootAuthority(index=fields.index, key=key, certificate=certificate)
            for entry in content["issuers"]:
                certificate, key = _certificate_and_key(entry)
                fields = layouts.CERTIFICATE.parse(certificate)
                _must(fields.issuer_key == key.compressed and len(certificate) == layouts.CERTIFICATE_SIZE)
                issuer_id = fields.issuer_id.hex()
                made = Issuer(issuer_id=issuer_id, key=key, certificate=certificate)
                keyring._issuers[fields.root_index, issuer_id] = made
        except FileNotFoundError:
            return keyring
        except OSError as error:
            raise _error(path, f"cannot be read ({error.strerror})", f"无法读取（{error.strerror}）") from error
        except (ValueError, KeyError, TypeError, ConstructError) as error:
            raise _error(path, "is no file of test keys", "不是测试密钥文件") from error
        return keyring

    def save(self, path: Path) -> None:
        """Writes all keys, readable by the owner only. Raises KeyringError."""
        content = {
            "about": ABOUT,
            "roots": [_entry(root.certificate, root.key) for root in self._roots.values()],
            "issuers": [_entry(made.certificate, made.key) for made in self._issuers.values()],
        }
        with _writing(path):
            write_whole(path, json.dumps(content, ensure_ascii=False, indent=1).encode())


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _error(path, f"cannot be written ({error.strerror})", f"无法写入（{error.strerror}）") from error


def _entry(certificate: bytes, key: SigningKey) -> dict[str, str]:
    return {"certificate": certificate.hex(), "secret": key.secret.to_bytes(32).hex()}


def _certificate_and_key(entry: dict[str, str]) -> tuple[bytes, SigningKey]:
    return bytes.fromhex(entry["certificate"]), SigningKey.from_int(int(entry["secret"], 16))


def _must(holds: bool) -> None:
    if not holds:
        raise ValueError("key and certificate do not belong together")


def _error(path: Path, en: str, zh: str) -> KeyringError:
    remedy = Text(
        "Give another file after --keys; a new one is made if it is not there", "请用 --keys 指定其他文件，不存在则新建"
    )
    return KeyringError(path, Text(en, zh), remedy)
