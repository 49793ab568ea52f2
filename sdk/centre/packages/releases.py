"""A release from its proposal to its approval: two people, two keys, one reason why."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from yima.sdk.sm2 import SigningKey
from yima.validator.packages import Chain, Kind, Package
from yima.validator.packages.publication import (
    APPROVED,
    PROPOSED,
    RELEASE,
    Document,
    PublicationError,
    Release,
    Signed,
    read_release,
    to_be_signed,
)
from yima.validator.texts import Text

_LINE = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]*")


def proposed(
    package: Package, *, targets: Sequence[Mapping[str, Any]], why: str, publisher: bytes, by: str, at: int,
    key: SigningKey,
) -> Document:  # fmt: skip
    """A release of a package, proposed by `by`. targets: see Release; none: every device. at: unix seconds. Raises
    PublicationError."""
    if not why.strip():
        raise _unfit("says not why", "未说明原因", Text("Say it with --why", "请用 --why 说明"))
    check_words("--why", why, 1000)
    check_words("--by", by, 100)
    release = Release(
        id="",
        package=package.id.hex(),
        chain=Chain.PARAMETERS if package.kind is Kind.PARAMETERS else Chain.DENY,
        version=package.version,
        size=len(package.data),
        targets=tuple(targets) or ({},),
        why=why,
        publisher=publisher,
    )
    document = Document(kind=RELEASE, statement=release.statement(), signatures=())
    read_release(document)
    return signed(document, PROPOSED, by, at, key)


def approved(document: Document, *, by: str, at: int, key: SigningKey) -> Document:
    """The release, approved by another person with another key. Raises PublicationError."""
    check_words("--by", by, 100)
    for one in document.signatures:
        if one.key == key.compressed or one.by == by:
            raise _unfit(
                f"is proposed by {one.by}, who cannot approve it as well",
                f"由 {one.by} 提出，不能由同一人或同一密钥批准",
                Text("Let somebody else approve it with a key of their own", "请由他人以其自有密钥批准"),
            )
    return signed(document, APPROVED, by, at, key)


def signed(document: Document, role: str, by: str, at: int, key: SigningKey) -> Document:
    """A document with one signature more."""
    signature = key.sign(to_be_signed(document.kind, document.statement, role, by, at))
    return replace(document, signatures=(*document.signatures, Signed(key.compressed, role, by, at, signature)))


def check_answered_for(document: Document, package: Package) -> Release:
    """A release of this package that two people answer for with two keys. Raises PublicationError."""
    release = read_release(document)
    if release.package != package.id.hex():
        raise _unfit("is of another package", "对应另一个参数包", Text("Name its package", "请指定对应的参数包"))
    keys = [one.key for one in document.signatures]
    proposers, approvers = document.signers(keys, (PROPOSED,)), document.signers(keys, (APPROVED,))
    if not proposers or not approvers - proposers:
        raise _unfit(
            f"version {release.version} is not proposed and approved by two keys",
            f"版本 {release.version} 尚未由两把密钥分别提出和批准",
            Text("Approve it: yima centre packages approve", "请批准：yima centre packages approve"),
        )
    return release


def check_words(option: str, text: str, most: int) -> None:
    """Whether a document can say this: one line, not empty, of so many characters at most. Raises PublicationError."""
    if not _LINE.fullmatch(text) or not text.strip() or len(text) > most:
        raise PublicationError(
            option,
            Text(f"is not one line of 1 to {most} characters", f"不是 1 至 {most} 个字符的单行文字"),
            Text("Say it in one line", "请用一行文字说明"),
        )


def _unfit(en: str, zh: str, remedy: Text) -> PublicationError:
    return PublicationError("the release", Text(en, zh), remedy)
