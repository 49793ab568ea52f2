"""Root keys that a bench engineer hands to `yima inspect`: root certificates, or bare keys.

Several files may bring the same index (test and production worlds have their own root 1); a certificate is then valid
by any of them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from yima.sdk import layouts, sm2
from yima.validator.errors import YimaError
from yima.validator.outside import bytes_of
from yima.validator.texts import Text

_LIMIT = 1 << 20
_LINE = re.compile(r"(?P<index>0x[0-9a-fA-F]{1,2}|\d{1,3})\s+(?P<key>[0-9a-fA-F]{128})")

_FORMS = Text(
    "Give a file of 144-byte root certificates, or lines `index hexkey` with 64-byte keys (128 hex digits)",
    "请提供由 144 字节根证书组成的文件，或每行为“索引 64 字节公钥十六进制”的文本",
)


class RootsError(YimaError):
    """Root keys that cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RootKey:
    """One root's public key, x‖y, and the month ("YYYY-MM") to whose end it is valid; None for a bare key."""

    index: int
    key: bytes
    expires: str | None


@dataclass(frozen=True, slots=True)
class RootKeys:
    """Root keys by index."""

    keys: tuple[RootKey, ...] = field(default=())

    def of(self, index: int) -> tuple[RootKey, ...]:
        """Every key loaded for this index."""
        return tuple(root for root in self.keys if root.index == index)


def load_roots(paths: Iterable[Path]) -> RootKeys:
    """All roots of these files. Raises RootsError that names the file and the line or offset."""
    keys: list[RootKey] = []
    for path in paths:
        keys += parse_roots(_read(path), str(path))
    return RootKeys(tuple(keys))


def parse_roots(data: bytes, thing: str) -> list[RootKey]:
    """The roots in one file's bytes; `thing` names it in errors. Raises RootsError."""
    # A root certificate carries A0 (of its RID): it is never ASCII.
    keys = _parse_lines(data.decode(), thing) if data.isascii() else _parse_certificates(data, thing)
    if not keys:
        raise RootsError(thing, Text("holds no root key", "不含任何根公钥"), _FORMS)
    return keys


def _read(path: Path) -> bytes:
    try:
        return bytes_of(path, _LIMIT)
    except OSError as error:
        problem = Text(f"cannot be read ({error.strerror})", f"无法读取（{error.strerror}）")
        raise RootsError(path, problem, Text("Check the path and its permissions", "请检查路径与权限")) from error


def _parse_certificates(data: bytes, thing: str) -> list[RootKey]:
    size = layouts.ROOT_CERTIFICATE_SIZE
    if len(data) % size:
        problem = Text(f"{len(data)} bytes is no multiple of 144", f"长度 {len(data)} 字节，不是 144 的整数倍")
        raise RootsError(thing, problem, _FORMS)
    return [_certificate(data[at : at + size], thing, at) for at in range(0, len(data), size)]


def _certificate(certificate: bytes, thing: str, at: int) -> RootKey:
    root = layouts.ROOT_CERTIFICATE.parse(certificate)
    start, end = layouts.ROOT_SPAN
    if root.header != 0x21 or not sm2.verify(root.public_key, certificate[start:end], root.self_signature):
        problem = Text(f"no valid root certificate at byte {at}", f"第 {at} 字节处不是有效的根证书")
        remedy = Text(
            "Its header must be 21 and its self signature must check: take it from the root's owner again",
            "记录头须为 21 且自签名须通过验证，请重新获取该根证书",
        )
        raise RootsError(thing, problem, remedy)
    return RootKey(index=root.index, key=root.public_key, expires=layouts.expiry_month(root.expiry))


def _parse_lines(text: str, thing: str) -> list[RootKey]:
    keys = []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.split("#")[0].strip()
        if not content:
            continue
        match = _LINE.fullmatch(content)
        index = int(match["index"], 16 if match["index"].startswith("0x") else 10) if match else 0
        if match is None or index > 0xFF:
            problem = Text(f"line {number} is not `index hexkey`", f"第 {number} 行不是“索引 公钥”")
            raise RootsError(thing, problem, _FORMS)
        key = bytes.fromhex(match["key"])
        if sm2.decompress(sm2.compress(key)) != key:
            problem = Text(f"line {number}: the key is not on the curve", f"第 {number} 行：公钥不在曲线上")
            raise RootsError(thing, problem, Text("Copy the key again", "请重新复制公钥"))
        keys.append(RootKey(index=index, key=key, expires=None))
    return keys
