"""Names for riders in shared data: the same within a month and a riding city, another in any other.

Whoever has one city's registry finds that city's rides in it, which the city has anyway, and no other's: a name there
is made with another message. A month's names are made with a key of that month, and stay nobody's once it is deleted.
"""

import hmac
import re
import secrets
from pathlib import Path

from yima.validator.errors import Kind, YimaError
from yima.validator.system.disk import write_whole
from yima.validator.system.posix import others_may_read
from yima.validator.texts import Text

KEY_BYTES = 32
_KEY = re.compile(r"[0-9a-f]{64}\n")


class PseudonymError(YimaError):
    """A key of pseudonyms that cannot be used."""

    kind = Kind.STATE


class Pseudonyms:
    """Names for one month (202609). key: 32 bytes."""

    def __init__(self, key: bytes, month: int) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key is {KEY_BYTES} bytes")
        self._key, self._month = key, month

    @classmethod
    def of(cls, folder: Path, month: int) -> "Pseudonyms":
        """By the month's key in `folder`, made there if there is none. Raises PseudonymError."""
        path = folder / f"{month}.key"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                write_whole(path, secrets.token_hex(KEY_BYTES).encode() + b"\n")
            text, mode = path.read_text(encoding="ascii"), path.stat().st_mode
        except (OSError, UnicodeDecodeError) as error:
            raise PseudonymError(path, Text(f"cannot be used: {error}", f"无法使用：{error}"), _CHECK) from error
        if others_may_read(mode):
            raise PseudonymError(
                path, Text("may be read by others", "其他用户可读"), Text("chmod 600", "请执行 chmod 600")
            )
        if not _KEY.fullmatch(text):
            raise PseudonymError(path, Text("is no key of 64 hex digits", "不是 64 位十六进制密钥"), _CHECK)
        return cls(bytes.fromhex(text), month)

    def rider(self, city: int, account: str) -> str:
        """The name of whoever has this account, in that city and month: 32 hex digits."""
        return self._name("rider", city, account)

    def transaction(self, city: int, clearing: int) -> str:
        """The name of one booking."""
        return self._name("transaction", city, str(clearing))

    def _name(self, *words: object) -> str:
        message = "\0".join(map(str, (self._month, *words))).encode()
        return hmac.digest(self._key, message, "sha256")[:16].hex()


_CHECK = Text("Restore it from a backup; with another key riders get other names", "请从备份恢复；换用密钥后化名会改变")
