"""Signed packages: what a device believes of one, and why not.

A package is an envelope (core/package.c) around a parameter image or a deny-list. The rules, in the manner of The
Update Framework; the core keeps them, here they get their words:

- No unsigned one: as many keys as the newest package demanded must have signed, at first the keys pinned on the device;
  every signature in a package must hold, and be by a key that is trusted or that the package itself names.
- No other environment: test and production never mix. No other city than the device's.
- No older version than the newest this device has had; the same version only if it is the same package. What waits for
  its time was taken while it was newer, and stays so unless a newer one says that it replaces it (`store`).
- None that leaves out a version it builds on, in force or waiting; an increment applies to exactly what is active.
- Not expired, not before its time. One that is in force goes on for a grace after its expiry, with an alarm before it.
- No mix: the parameters inside say the same environment and version as the envelope.
- Nothing is read from the image before all of this holds.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import Enum, IntEnum
from pathlib import Path
from typing import NamedTuple

from yima.validator import _core
from yima.validator.errors import ParametersError
from yima.validator.outside import text_of
from yima.validator.packages.texts import PROBLEMS
from yima.validator.texts import Text

MAGIC = b"YIMA"
HEADER_SIZE = 128
KEY_SIZE = 33
KEYS_MAX = 16
SIZE_MAX = 512 << 20  # of one package: a national deny-list takes a quarter of it
ENVIRONMENTS = {"production": 1, "test": 2}
_ENVIRONMENT_NAMES = {number: name for name, number in ENVIRONMENTS.items()}
_PINS_MAX = 1 << 16
_LOCAL = timezone(timedelta(hours=8))
_DAY_S = 86400


class Kind(IntEnum):
    """What a package carries."""

    PARAMETERS = 1
    DENY_INCREMENT = 2
    DENY_LIST = 3


class Chain(Enum):
    """Parameters and deny-lists are two sequences of versions, each with its own newest."""

    PARAMETERS = "parameters"
    DENY = "deny"


class Standing(IntEnum):
    """How a package in force stands."""

    NOT_YET = 0
    GOOD = 1
    EXPIRING = 2
    GRACE = 3
    EXPIRED = 4


class PackageError(ParametersError):
    """A package that is not taken; what was in force stays in force. rule: OLDER, ... as in core/package.h."""

    def __init__(self, thing: object, rule: str, detail: Text | None = None) -> None:
        problem, remedy = PROBLEMS[rule]
        if detail:
            problem = Text(f"{problem.en} ({detail.en})", f"{problem.zh}（{detail.zh}）")
        super().__init__(thing, problem, remedy)
        self.rule = rule


class Label(NamedTuple):
    """A package by its name. id: 32 bytes; not_before: unix seconds."""

    version: int
    id: bytes
    not_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An opened package. It has the form of one; whether it may be believed is `check`'s to say.

    city: division code, 0 for any. previous: the device must have had this version or a later one. not_before, expiry:
    unix seconds; at expiry it no longer holds. digest: SM3 of the image. base: id of the package that an increment
    applies to, else zeros. keys: compressed SM2 keys, of which `needed` must sign the next one. replaces: what waits
    on a device, of an older version, is given up for this one. signers: ids of the keys that are said to have signed
    this one. id: SM3 of what is signed. parts: of a package in parts, the list of them (core/package.h); then digest is
    that of the list, and image may be one gate's own. data: all its bytes; image: those inside.
    """

    environment: str
    kind: Kind
    city: int
    version: int
    previous: int
    not_before: int
    expiry: int
    digest: bytes
    base: bytes
    needed: int
    replaces: bool
    keys: tuple[bytes, ...]
    signers: tuple[bytes, ...]
    id: bytes
    parts: bytes = field(repr=False)
    image: memoryview = field(repr=False)
    data: memoryview = field(repr=False)
    source: str

    @property
    def label(self) -> "Label":
        """What a device says of it."""
        return Label(self.version, self.id, self.not_before)

    def standing(self, now: int, policy: "Policy") -> Standing:
        """How it stands at `now`, unix seconds."""
        return Standing(_core.package_standing(self.not_before, self.expiry, now, policy.alarm_s, policy.grace_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the operator decides about expiry, in seconds.

    alarm_s: how long before it the alarm begins. grace_s: how long a package in force is used after it; none is ever
    activated after its expiry.
    """

    alarm_s: int = 14 * _DAY_S
    grace_s: int = 3 * _DAY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """The keys a device is born with, of which `needed` must sign its first package."""

    keys: tuple[bytes, ...]
    needed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What a device trusts now: see `yima_package_trust` in core/package.h.

    city: the device's, 0 for a place that takes any. newest: (version, id) of the newest package it has had. waiting:
    the highest version that waits for its time, 0: none. active: id of the package in force.
    """

    environment: str
    chain: Chain = Chain.PARAMETERS
    city: int = 0
    keys: tuple[bytes, ...]
    needed: int = 1
    newest: tuple[int, bytes] | None = None
    waiting: int = 0
    active: bytes | None = None

    def for_core(self) -> tuple[int, bool, int, bytes, int, int, bytes | None, int, bytes | None]:
        """As the binding takes it."""
        version, name = self.newest or (0, None)
        return (
            ENVIRONMENTS[self.environment],
            self.chain is Chain.DENY,
            self.city,
            b"".join(self.keys),
            self.needed,
            version,
            name,
            self.waiting,
            self.active,
        )


def key_id(key: bytes) -> bytes:
    """What signatures name a compressed key by: the first 8 bytes of its SM3."""
    return _core.sm3(key)[:8]


def is_package(start: bytes) -> bool:
    """Whether a file that begins so says it is a package."""
    return start[: len(MAGIC)] == MAGIC


def parse_package(data: bytes | memoryview, source: str = "package") -> Package:
    """A package by its form alone; nothing of it is to be believed yet. Raises PackageError with the byte."""
    view = memoryview(data).cast("B").toreadonly()
    error, offset, fields = _core.package_open(view)
    if fields is None:
        raise PackageError(source, _core.PACKAGE_ERRORS[error], Text(f"at byte {offset}", f"在第 {offset} 字节"))
    (environment, kind, city, version, previous, not_before, expiry, digest, base, needed, replaces, keys,
     signers, identity, start, size, parts) = fields  # fmt: skip
    return Package(
        environment=_ENVIRONMENT_NAMES[environment],
        kind=Kind(kind),
        city=city,
        version=version,
        previous=previous,
        not_before=not_before,
        expiry=expiry,
        digest=digest,
        base=base,
        needed=needed,
        replaces=replaces,
        keys=keys,
        signers=signers,
        id=identity,
        parts=parts,
        image=view[start : start + size],
        data=view,
        source=source,
    )


def check(package: Package, trust: Trust, now: int) -> None:
    """Holds a package against all rules at `now`, unix seconds. Raises PackageError, NOT_YET if that is all."""
    error = _core.package_check(package.data, trust.for_core(), now)
    if error:
        rule = _core.PACKAGE_ERRORS[error]
        raise PackageError(package.source, rule, _detail(rule, package, trust))


def image_is_intact(package: Package) -> bool:
    """Whether the image has the digest in the header; takes a second for some 200 MB."""
    return _core.package_image_intact(package.data)


def read_package(path: str | Path) -> Package:
    """A package file by its form alone, to look at. It is read, not mapped: a file of anybody's may change under us.

    Raises ParametersError.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_MAX + 1)
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(data) > SIZE_MAX:
        raise ParametersError(
            path, Text("is too large for a package", "超出参数包大小上限"), Text("Check the path", "请检查路径")
        )
    return parse_package(data, str(path))


def open_package(path: str | Path, trust: Trust, now: int) -> Package:
    """A package file that keeps every rule at `now`, unix seconds. Raises PackageError or ParametersError."""
    package = read_package(path)
    check(package, trust, now)
    return package


def parse_pins(text: str, source: str = "keys") -> Pins:
    """Pinned keys: one compressed SM2 key of 66 hex digits a line; `needed 2` if one signature is not enough.

    `#` begins a comment. Raises ParametersError that names the line.
    """
    keys: list[bytes] = []
    needed = 1
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0].strip()
        demand = re.fullmatch(r"needed\s+(\d{1,2})", content)
        if demand:
            needed = int(demand[1])
        elif content:
            keys.append(_pin(content, f"{source}: line {number}"))
    if not 1 <= needed <= len(set(keys)) <= KEYS_MAX:
        raise ParametersError(
            source,
            Text(
                f"{len(set(keys))} keys, of which {needed} must sign",
                f"共 {len(set(keys))} 个公钥，要求 {needed} 个签名",
            ),
            Text("Give 1 to 16 keys, and need no more than there are", "请提供 1 至 16 个公钥，且要求数不超过公钥数"),
        )
    return Pins(keys=tuple(sorted(set(keys))), needed=needed)


def read_pins(path: str | Path) -> Pins:
    """Pinned keys from a file. Raises ParametersError."""
    path = Path(path)
    try:
        text = text_of(path, _PINS_MAX)
    except OSError as error:
        raise _unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise ParametersError(path, Text("is not text", "不是文本文件"), _KEY_LINES) from error
    return parse_pins(text, str(path))


def pins_as_text(keys: Sequence[bytes], needed: int = 1, *, about: str = "") -> str:
    """The file that `read_pins` reads."""
    lines = [f"# {line}" for line in about.splitlines()]
    lines += [f"needed {needed}"] if needed != 1 else []
    return "\n".join([*lines, *(key.hex() for key in sorted(keys))]) + "\n"


_KEY_LINES = Text("Write one compressed SM2 key of 66 hex digits a line", "请每行写一个压缩 SM2 公钥（66 位十六进制）")


def _pin(content: str, place: str) -> bytes:
    if not re.fullmatch(r"[0-9A-Fa-f]{66}", content):
        raise ParametersError(place, Text("is no key", "不是公钥"), _KEY_LINES)
    key = bytes.fromhex(content)
    try:
        _core.sm2_parse_key(key)
    except ValueError as error:
        raise ParametersError(
            place, Text("is a key off the curve", "公钥不在曲线上"), Text("Copy the key again", "请重新复制公钥")
        ) from error
    return key


def _unreadable(path: Path, error: OSError) -> ParametersError:
    return ParametersError(
        path,
        Text(f"cannot be read: {error.strerror}", f"无法读取：{error.strerror}"),
        Text("Check the path and its permissions", "请检查路径与权限"),
    )


def when(unix_s: int) -> str:
    """A moment for people, UTC+8 as operators write it; one beyond the calendar stays a number."""
    try:
        return f"{datetime.fromtimestamp(unix_s, _LOCAL):%Y-%m-%d %H:%M} UTC+8"
    except (ValueError, OverflowError, OSError):
        return str(unix_s)


def _detail(rule: str, package: Package, trust: Trust) -> Text | None:
    """The numbers an engineer needs to see, where there are any."""
    newest = trust.newest[0] if trust.newest else 0
    signers = ", ".join(signer.hex() for signer in package.signers)
    return {
        "OTHER_ENVIRONMENT": Text(
            f"{package.environment} on a {trust.environment} device",
            f"{package.environment}，本机为 {trust.environment}",
        ),
        "OTHER_CITY": Text(f"for {package.city}, here is {trust.city}", f"适用 {package.city}，本机为 {trust.city}"),
        "UNKNOWN_SIGNER": Text(f"signed by {signers}", f"签名者 {signers}"),
        "OLDER": Text(f"version {package.version}, had {newest}", f"版本 {package.version}，已用过 {newest}"),
        "SAME_VERSION": Text(f"version {package.version}", f"版本 {package.version}"),
        "GAP": Text(f"builds on {package.previous}, had {newest}", f"基于版本 {package.previous}，本机为 {newest}"),
        "EXPIRED": Text(f"since {when(package.expiry)}", f"自 {when(package.expiry)}"),
        "NOT_YET": Text(f"from {when(package.not_before)} on", f"自 {when(package.not_before)} 起"),
    }.get(rule)
