"""What a parameter centre publishes: an index of releases, each a package with whom it is for and who answers for it.

Both are documents: a statement (JSON in ASCII, keys in order, no blanks) and signatures under it, in one file:

    {"signatures":[{"at":…,"by":"…","key":"<66 hex>","role":"…","signature":"<128 hex>"}, …],"statement":"<JSON>"}

A signature is SM2 over "yima <kind> 1", role, by, at and the statement, so that who signed as what, and when, is signed
too. What a release says:

    package   id (64 hex), chain, version, size in bytes: exactly one package
    for       a list of {"city", "operator", "mode", "line", "device"}, each a value or left out; one that fits will do
    why       a sentence
    publisher the key that may hold the release back, stop it, or give it to a share of those it is for

The index, signed by the publisher, says for each release how large a share of devices takes it now, and what the
publication's number is, which never goes back. So a stolen publisher's key can delay what two others signed, and can
make nothing new. Everything here is hostile until its signatures hold: PublicationError says what is wrong.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from yima.validator import _core
from yima.validator.errors import ParametersError
from yima.validator.outside import json_of
from yima.validator.packages import Chain, Trust
from yima.validator.texts import Text

DOCUMENT_MAX = 1 << 20
RELEASES_MOST = 1000
SIGNATURES_MOST = 16
WHOLE = 10_000
"""The share that is everybody, in hundredths of a percent."""
INDEX, RELEASE = "index", "release"
PROPOSED, APPROVED, PUBLISHED = "proposed", "approved", "published"
_TARGET = ("city", "operator", "mode", "line", "device")
_ID = re.compile(r"[0-9a-f]{64}")
_KEY = re.compile(r"0[23][0-9a-f]{64}")
_SIGNATURE = re.compile(r"[0-9a-f]{128}")
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,100}")
_TEXT = re.compile(r"[^\x00-\x1f\x7f]{0,1000}")


class PublicationError(ParametersError):
    """A publication that is not believed; what is in force stays."""


class Signed(NamedTuple):
    """One signature under a document. key: compressed; at: unix seconds by the signer."""

    key: bytes
    role: str
    by: str
    at: int
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A statement with its signatures; nothing of it is to be believed yet."""

    kind: str
    statement: bytes
    signatures: tuple[Signed, ...]

    @property
    def id(self) -> str:
        """Names it: SM3 of the statement, whoever signs it; 64 hex digits."""
        return _core.sm3(self.statement).hex()

    def to_bytes(self) -> bytes:
        """The file."""
        rows = [
            {"key": one.key.hex(), "role": one.role, "by": one.by, "at": one.at, "signature": one.signature.hex()}
            for one in self.signatures
        ]
        return _json({"statement": self.statement.decode("ascii"), "signatures": rows}) + b"\n"

    def signers(self, keys: Sequence[bytes], roles: Sequence[str]) -> set[bytes]:
        """Which of the keys signed it in one of these roles. Raises PublicationError where one of theirs does not
        hold; what others signed counts for nothing."""
        found = set()
        for one in self.signatures:
            if one.key not in keys or one.role not in roles:
                continue
            message = to_be_signed(self.kind, self.statement, one.role, one.by, one.at)
            if not _core.Sm2Key(one.key).verify(message, one.signature):
                raise _bad(self.kind, f"the signature of {one.by} does not hold", f"{one.by} 的签名无效")
            found.add(one.key)
        return found


class Place(NamedTuple):
    """Where a device is, as its command line says it. 0 or "": not told; what names such a place is not for it."""

    device: str
    city: int = 0
    operator: int = 0
    mode: str = ""
    line: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One package, whom it is for and why. id: the document's; package: the package's id, 64 hex digits; publisher: a
    compressed key; size in bytes."""

    id: str
    package: str
    chain: Chain
    version: int
    size: int
    targets: tuple[Mapping[str, Any], ...]
    why: str
    publisher: bytes

    def is_for(self, place: Place) -> bool:
        """Whether a device there is among those it is for."""
        return any(all(getattr(place, name) == value for name, value in target.items()) for target in self.targets)

    def statement(self) -> bytes:
        """What is signed."""
        package = {"id": self.package, "chain": self.chain.value, "version": self.version, "size": self.size}
        targets = [dict(target) for target in self.targets]
        said = {"form": 1, "package": package, "for": targets, "why": self.why, "publisher": self.publisher.hex()}
        return _json(said)


class Offer(NamedTuple):
    """A release in the index. share: of 10000, how many of those it is for take it now; note: why it is held back."""

    release: str
    share: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """What is published now. number: grows with every index; until: unix seconds, then it is too old to go by."""

    number: int
    until: int
    offers: tuple[Offer, ...]

    def statement(self) -> bytes:
        """What is signed."""
        offers = [{"release": one.release, "share": one.share, "note": one.note} for one in self.offers]
        return _json({"form": 1, "number": self.number, "until": self.until, "offers": offers})


def lot(release: str, device: str) -> int:
    """Which hundredth of a percent a device falls into for a release: 0 to 9999, so that anybody can tell later who was
    in the canary."""
    return int.from_bytes(_core.sm3(f"yima lot 1\n{release}\n{device}".encode())[:8]) % WHOLE


def to_be_signed(kind: str, statement: bytes, role: str, by: str, at: int) -> bytes:
    """What a signature covers."""
    return f"yima {kind} 1\n{_json({'role': role, 'by': by, 'at': at}).decode()}\n".encode() + statement


def parse_document(data: bytes, kind: str) -> Document:
    """The document in a file, by its form alone. Raises PublicationError."""
    if len(data) > DOCUMENT_MAX:
        raise _bad(kind, f"has more than {DOCUMENT_MAX} bytes", f"超过 {DOCUMENT_MAX} 字节")
    reading = _Reading(kind)
    outer = reading.object(reading.json(data), ("statement", "signatures"))
    statement = outer["statement"]
    if not isinstance(statement, str) or not statement.isascii():
        raise reading.bad("statement")
    rows = reading.list(outer["signatures"], SIGNATURES_MOST)
    signatures = []
    for row in (reading.object(one, ("key", "role", "by", "at", "signature")) for one in rows):
        signatures.append(
            Signed(
                key=bytes.fromhex(reading.text(row["key"], _KEY)),
                role=reading.text(row["role"], _NAME),
                by=reading.text(row["by"], _NAME),
                at=reading.number(row["at"]),
                signature=bytes.fromhex(reading.text(row["signature"], _SIGNATURE)),
            )
        )
    return Document(kind=kind, statement=statement.encode("ascii"), signatures=tuple(signatures))


def read_release(document: Document) -> Release:
    """What a release says, not who signed it. Raises PublicationError."""
    reading = _Reading(RELEASE)
    outer = reading.object(reading.json(document.statement), ("form", "package", "for", "why", "publisher"))
    package = reading.object(outer["package"], ("id", "chain", "version", "size"))
    chain = reading.text(package["chain"], _NAME)
    if reading.number(outer["form"]) != 1 or chain not in {one.value for one in Chain}:
        raise reading.bad("form")
    targets = []
    for row in reading.list(outer["for"], RELEASES_MOST):
        if not isinstance(row, dict) or not set(row) <= set(_TARGET):
            raise reading.bad("for")
        for name, value in row.items():
            reading.number(value) if name in {"city", "operator"} else reading.text(value, _NAME)
        targets.append(row)
    release = Release(
        id=document.id,
        package=reading.text(package["id"], _ID),
        chain=Chain(chain),
        version=reading.number(package["version"]),
        size=reading.number(package["size"]),
        targets=tuple(targets),
        why=reading.text(outer["why"], _TEXT),
        publisher=bytes.fromhex(reading.text(outer["publisher"], _KEY)),
    )
    if release.statement() != document.statement:
        raise reading.bad("statement")
    return release


def read_index(document: Document) -> Index:
    """What an index says, not who signed it. Raises PublicationError."""
    reading = _Reading(INDEX)
    outer = reading.object(reading.json(document.statement), ("form", "number", "until", "offers"))
    rows = [reading.object(row, ("release", "share", "note")) for row in reading.list(outer["offers"], RELEASES_MOST)]
    if reading.number(outer["form"]) != 1:
        raise reading.bad("form")
    return Index(
        number=reading.number(outer["number"]),
        until=reading.number(outer["until"]),
        offers=tuple(
            Offer(
                reading.text(row["release"], _ID), min(reading.number(row["share"]), WHOLE),
                reading.text(row["note"], _TEXT),
            )
            for row in rows
        ),
    )  # fmt: skip


def check_release(document: Document, trust: Trust, index: Document) -> Release:
    """A release whose signatures a device believes, in an index that its publisher signed. Raises PublicationError.

    As many trusted keys as a package needs must have proposed or approved it.
    """
    release = read_release(document)
    signers = document.signers(trust.keys, (PROPOSED, APPROVED))
    if len(signers) < max(trust.needed, 1):
        raise _bad(
            RELEASE,
            f"version {release.version} is answered for by {len(signers)} of the {trust.needed} keys that are needed",
            f"版本 {release.version} 的受信任签名为 {len(signers)} 个，需要 {trust.needed} 个",
        )
    if not index.signers([release.publisher], (PUBLISHED,)):
        raise _bad(INDEX, "is not signed by the publisher whom the release names", "未由发布说明所列的发布方签名")
    return release


class _Reading:
    """Takes a document's values apart."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def bad(self, what: str) -> PublicationError:
        return _bad(self._kind, f"{what} is not as it is written", f"{what} 格式有误")

    def json(self, data: bytes) -> Any:
        try:
            return json_of(data.decode("ascii"))
        except ValueError as error:
            raise _bad(self._kind, "is not JSON in ASCII", "不是 ASCII 编码的 JSON") from error

    def object(self, value: Any, keys: Sequence[str]) -> Mapping[str, Any]:
        if not isinstance(value, dict) or set(value) != set(keys):
            raise self.bad(", ".join(keys))
        return value

    def list(self, value: Any, most: int) -> Sequence[Any]:
        if not isinstance(value, list) or len(value) > most:
            raise self.bad("a list")
        return value

    def number(self, value: Any) -> int:
        if type(value) is not int or not 0 <= value < 1 << 63:
            raise self.bad("a number")
        return value

    def text(self, value: Any, form: re.Pattern[str]) -> str:
        if not isinstance(value, str) or not form.fullmatch(value):
            raise self.bad("a text")
        return value


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode("ascii")


def _bad(kind: str, en: str, zh: str) -> PublicationError:
    return PublicationError(
        f"the {kind} of the publication",
        Text(en, zh),
        Text("Publish it again with yima centre packages", "请用 yima centre packages 重新发布"),
    )
