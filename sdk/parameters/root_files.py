"""Root certificate files: what the ministry's platform hands out to be loaded into terminals, 144 bytes a certificate.

A certificate: header 21, service id 01010000, RID A000000632, CA index, expiry MMYY, algorithm 04, parameter (any: 11
is met), key length 40, public key x and y, self signature over what stands before it.

Rules it keeps:
- A file is whole certificates one after the other, or their hex digits; nothing else is guessed.
- Each is checked by the core, as the device will: fixed fields, key on the curve, self signature. What is wrong is
  named with file and offset. A self signature shows that the file is undamaged, not that the root is to be trusted:
  that is for whoever imports it to know, so `Root.fingerprint` is there to be compared.
- An index stands once. The same certificate twice is one; two different ones of one index are refused, both named.
"""

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from yima.sdk import layouts
from yima.validator import _core
from yima.validator.errors import ParametersError
from yima.validator.texts import Text

SIZE = layouts.ROOT_CERTIFICATE_SIZE
_SIZE_MAX = 256 * SIZE * 4  # every index once, as hex with room for white space
# Where the fixed fields lie, what they must be, and what a terminal's manual calls them.
_FIXED = (
    (0, bytes.fromhex("21"), Text("record header", "记录头")),
    (1, bytes.fromhex("01010000"), Text("service id", "服务标识")),
    (5, bytes.fromhex("a000000632"), Text("RID", "RID")),
    (13, bytes.fromhex("04"), Text("algorithm", "算法标识")),
    (15, bytes.fromhex("40"), Text("key length", "公钥长度")),
)


class RootFileError(ParametersError):
    """A root certificate file that cannot be taken over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RootCertificate:
    """A root certificate. expires: (year, month), valid to its end. place: file and offset, for people."""

    index: int
    expires: tuple[int, int]
    certificate: bytes
    place: str

    @property
    def key(self) -> bytes:
        """Its public key, x and y."""
        return self.certificate[16:80]

    @property
    def fingerprint(self) -> str:
        """SM3 of the whole certificate, hex: to be compared with what the platform says by another way."""
        return bytes(_core.sm3(self.certificate)).hex()


def read_root_files(paths: Iterable[Path]) -> list[RootCertificate]:
    """The roots of all files, by index. Raises RootFileError."""
    return merge(root for path in paths for root in parse_root_file(_read(path), str(path)))


def parse_root_file(content: bytes, thing: str) -> list[RootCertificate]:
    """The roots in one file's bytes, in its order; `thing` names it in errors. Raises RootFileError."""
    content = content.removeprefix(codecs.BOM_UTF8)  # of an editor; a certificate begins with 21
    # A certificate holds A0, of its RID, so the binary form is never ASCII.
    data = _from_hex(content, thing) if content and content.isascii() else content
    if not data or len(data) % SIZE:
        raise _wrong(
            thing,
            Text(
                f"{len(data)} bytes are no whole certificates of 144 bytes",
                f"{len(data)} 字节不是若干张 144 字节的证书",
            ),
        )
    return [_certificate(data[at : at + SIZE], f"{thing}, byte {at}") for at in range(0, len(data), SIZE)]


def merge(roots: Iterable[RootCertificate]) -> list[RootCertificate]:
    """Each index once, ascending. Raises RootFileError when two certificates claim one index."""
    found: dict[int, RootCertificate] = {}
    for root in roots:
        other = found.setdefault(root.index, root)
        if other.certificate != root.certificate:
            raise RootFileError(
                root.place,
                Text(
                    f"index {root.index} is taken by another root, {other.place}",
                    f"索引 {root.index} 已被另一根证书占用：{other.place}",
                ),
                Text("Leave the one that is in force; never mix test and production", "只保留有效的一个，切勿混用环境"),
            )
    return [found[index] for index in sorted(found)]


def bundle(roots: Iterable[RootCertificate]) -> bytes:
    """The file that holds these roots, ascending by index. Raises RootFileError as merge."""
    return b"".join(root.certificate for root in merge(roots))


def _certificate(certificate: bytes, place: str) -> RootCertificate:
    for at, expected, name in _FIXED:
        found = certificate[at : at + len(expected)]
        if found != expected:
            was, must = found.hex(), expected.hex()
            raise _wrong(place, Text(f"its {name.en} is {was}, not {must}", f"{name.zh}为 {was}，应为 {must}"))
    month, year = (_bcd(byte) for byte in certificate[11:13])
    if month is None or year is None or not 1 <= month <= 12:
        was = certificate[11:13].hex()
        raise _wrong(place, Text(f"its expiry {was} is no month MMYY", f"有效期 {was} 不是 MMYY"))
    if not _core.root_certificate_valid(certificate):
        raise _wrong(
            place, Text("its key is off the curve or its self signature is wrong", "公钥不在曲线上，或自签名错误")
        )
    return RootCertificate(index=certificate[10], expires=(2000 + year, month), certificate=certificate, place=place)


def _bcd(byte: int) -> int | None:
    high, low = divmod(byte, 16)
    return high * 10 + low if high < 10 and low < 10 else None


def _from_hex(content: bytes, thing: str) -> bytes:
    digits = re.sub(rb"\s+", b"", content)
    if len(digits) % 2 or not re.fullmatch(rb"[0-9A-Fa-f]+", digits):
        raise _wrong(thing, Text("a text, but not of hex digits", "是文本，但不是十六进制"))
    return bytes.fromhex(digits.decode())


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_SIZE_MAX + 1)
    except OSError as error:
        raise RootFileError(
            path,
            Text(f"cannot be read ({error.strerror})", f"无法读取（{error.strerror}）"),
            Text("Check the path and its permissions", "请检查路径与权限"),
        ) from error
    if len(content) > _SIZE_MAX:
        raise _wrong(str(path), Text("too large for root certificates", "作为根证书文件过大"))
    return content


def _wrong(place: str, problem: Text) -> RootFileError:
    return RootFileError(place, problem, Text("Get the file from the platform again", "请向平台重新获取该文件"))
