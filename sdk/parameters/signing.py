"""Signing packages: around an image comes an envelope, and on it the signatures of those who answer for it.

Rules:
- What is signed says everything: environment, city, versions, times, the image's digest, who signs next. A signature
  added later changes none of it, so several holders of keys can sign one after the other, each where the key is.
- A key file is private: readable by its owner only, never overwritten. It holds the key in the open and suits tests and
  benches; a production key stays in its module, which signs `to_be_signed` and hands the signature to `attach`.
- Image and envelope go together: an image of another version or environment is refused here, as on every device.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from construct import ConstructError, Container

from yima.sdk import layouts_package as layouts
from yima.sdk import sm2
from yima.sdk.parameters.parts import list_of_parts, padded
from yima.sdk.sm2 import SigningKey
from yima.validator.deny.denylist import DenyList
from yima.validator.errors import ParametersError
from yima.validator.packages import (
    ENVIRONMENTS,
    Kind,
    Package,
    PackageError,
    Pins,
    Policy,
    Standing,
    Trust,
    check,
    key_id,
    parse_package,
    when,
)
from yima.validator.parameters import sections
from yima.validator.system.disk import create
from yima.validator.system.posix import others_may_read
from yima.validator.texts import Text

DENY_VALID_S = 30 * 86400
_KEY_FILE_MAX = 4096
_KEYS_MAX = 16
_NUMBER_MAX = 0xFFFFFFFF
_ABOUT = "PRIVATE: signs parameter packages. 私钥：用于签署参数包"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What stands on a package.

    version: from 1. previous: the device must have had it or a later one; None: the version before this. not_before,
    expiry: unix seconds. next_keys: compressed keys of which `needed` must sign the next package; none: those that sign
    this one. base: the id of the package that a deny-list increment applies to.
    replaces: what waits on a device, of an older version, is given up for this one.
    """

    environment: str
    version: int
    not_before: int
    expiry: int
    city: int = 0
    kind: Kind = Kind.PARAMETERS
    previous: int | None = None
    next_keys: Sequence[bytes] = ()
    needed: int = 1
    base: bytes = bytes(32)
    replaces: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature on a package. signer: its key's id in hex. trusted: by the verifier; named: by the package itself.

    holds: None where the key is not known, so that nobody can tell.
    """

    signer: str
    trusted: bool
    named: bool
    holds: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a device that trusts so would say. error: None if it would take the package at once."""

    package: Package
    signatures: tuple[Signature, ...]
    standing: Standing
    error: PackageError | None


def sign_package(image: bytes, envelope: Envelope, keys: Sequence[SigningKey], *, in_parts: bool = False) -> bytes:
    """The package, signed by each of the keys; unsigned if there are none. in_parts: so that a gate can be given its
    own (`parts`). Raises ParametersError if it cannot be."""
    parts = list_of_parts(image) if in_parts else b""
    named = sorted(set(envelope.next_keys) or {key.compressed for key in keys})
    previous = envelope.version - 1 if envelope.previous is None else envelope.previous
    _refuse_misfits(envelope, previous, len(named))
    try:
        unsigned = layouts.PACKAGE.build(
            Container(
                signed=Container(
                    environment=ENVIRONMENTS[envelope.environment],
                    kind=envelope.kind,
                    city=envelope.city,
                    version=envelope.version,
                    previous=previous,
                    image_size=len(parts or image),
                    not_before=envelope.not_before,
                    expiry=envelope.expiry,
                    digest=sm2.sm3(parts or image),
                    base=envelope.base,
                    next_keys=named,
                    needed=envelope.needed,
                    replaces=int(envelope.replaces),
                    in_parts=int(in_parts),
                ),
                signatures=[],
                image=padded(parts) + image,
            )
        )
    except (ConstructError, KeyError) as error:
        raise _unfit(f"{error}".splitlines()[-1]) from error
    package = parse_package(unsigned, "package")
    if package.kind is Kind.PARAMETERS and _inside(image) != (envelope.environment, envelope.version):
        raise PackageError("package", "MIXED")
    for key in keys:
        unsigned = add_signature(unsigned, key)
    return bytes(unsigned)


def sign_deny_list(
    image: bytes,
    keys: Sequence[SigningKey],
    *,
    base: Sequence[Package] = (),
    city: int | None = None,
    previous: int | None = None,
    not_before: int | None = None,
    expiry: int | None = None,
    next_pins: Pins | None = None,
) -> bytes:
    """The package of a full deny-list, or of an increment upon the packages `base`: a full list, then its increments.

    Environment and version are the list's own. city: default the base's, else any. previous: see Envelope; default for
    a full list 0, so that a device takes it whatever it missed, for an increment the base. not_before: default when the
    list was drawn up; expiry: default 30 days after that. next_pins: who signs what comes next; default those whom the
    base names, else those who sign this one. The list is verified first. Raises ParametersError.
    """
    deny = DenyList(
        *(package.image for package in base), image, sources=(*(package.source for package in base), "deny-list")
    )
    deny.verify()
    if deny.version == 0:
        raise ParametersError(
            "deny-list",
            Text("is version 0; packages begin with 1", "版本为 0，签名包的版本从 1 开始"),
            Text("Build it with a higher --version", "请以更高的 --version 重新制作"),
        )
    begin = deny.issued_at if not_before is None else not_before
    if next_pins is None and base:
        next_pins = Pins(keys=base[-1].keys, needed=base[-1].needed)
    return sign_package(
        image,
        Envelope(
            environment=deny.environment,
            kind=Kind.DENY_INCREMENT if base else Kind.DENY_LIST,
            city=(base[-1].city if base else 0) if city is None else city,
            version=deny.version,
            previous=(base[-1].version if base else 0) if previous is None else previous,
            not_before=begin,
            expiry=begin + DENY_VALID_S if expiry is None else expiry,
            next_keys=next_pins.keys if next_pins else (),
            needed=next_pins.needed if next_pins else 1,
            base=base[-1].id if base else bytes(32),
        ),
        keys,
    )


def to_be_signed(data: bytes) -> bytes:
    """What a signature covers (user id 1234567812345678): header and keys. Raises PackageError."""
    package = parse_package(data)
    return bytes(data[: layouts.HEADER_SIZE + len(package.keys) * layouts.KEY_SIZE])


def attach(data: bytes, public: bytes, signature: bytes) -> bytes:
    """The package with r‖s by the compressed key added, or put in place of an older one by the same key.

    Raises PackageError if it is no package, or BAD_SIGNATURE if the signature does not hold.
    """
    if not sm2.verify(public, to_be_signed(data), signature):
        raise PackageError("package", "BAD_SIGNATURE")
    parsed = layouts.PACKAGE.parse(data)
    signatures = {row.key_id: row.signature for row in parsed.signatures} | {key_id(public): signature}
    rows = [Container(key_id=name, signature=value) for name, value in sorted(signatures.items())]
    built: bytes = layouts.PACKAGE.build(Container(signed=parsed.signed, signatures=rows, image=parsed.image))
    parse_package(built)  # 16 signatures are the most
    return built


def add_signature(data: bytes, key: SigningKey) -> bytes:
    """The package, signed by this key too. Raises PackageError."""
    return attach(data, key.compressed, key.sign(to_be_signed(data)))


def verify_package(data: bytes, trust: Trust, now: int, source: str = "package") -> Report:
    """Everything a device would look at, and its answer. Raises PackageError if it has not the form of a package."""
    package = parse_package(data, source)
    trusted = {key_id(key): key for key in trust.keys}
    named = {key_id(key): key for key in package.keys}
    signed = to_be_signed(data)
    signatures = []
    for row in layouts.PACKAGE.parse(data).signatures:
        key = trusted.get(row.key_id) or named.get(row.key_id)
        signatures.append(
            Signature(
                signer=row.key_id.hex(),
                trusted=row.key_id in trusted,
                named=row.key_id in named,
                holds=None if key is None else sm2.verify(key, signed, row.signature),
            )
        )
    error = None
    try:
        check(package, trust, now)
    except PackageError as refused:
        error = refused
    return Report(package=package, signatures=tuple(signatures), standing=package.standing(now, Policy()), error=error)


def make_key_file(path: Path) -> SigningKey:
    """A new key in a new file that only its owner may read. Raises ParametersError; never overwrites."""
    key = SigningKey.generate()
    text = f"# {_ABOUT}\n# public 公钥 {key.compressed.hex()}\nsecret {key.secret:064x}\n"
    try:
        descriptor = create(path)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ParametersError(
            path,
            Text(f"cannot be made: {error.strerror}", f"无法创建：{error.strerror}"),
            Text("Name a file that is not there yet, in a directory you may write", "请指定可写目录中尚不存在的文件"),
        ) from error
    return key


def read_key_file(path: Path) -> SigningKey:
    """The key in a file that make_key_file made. Raises ParametersError."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(_KEY_FILE_MAX).decode(errors="replace")
    except OSError as error:
        raise ParametersError(
            path,
            Text(f"cannot be read: {error.strerror}", f"无法读取：{error.strerror}"),
            Text("Check the path and its permissions", "请检查路径与权限"),
        ) from error
    if others_may_read(mode):
        raise ParametersError(
            path,
            Text("may be read by others", "可被其他用户读取"),
            Text(
                f"If nobody did: chmod 600 {path}; else make a new key and rotate",
                "如确认未泄露请 chmod 600，否则请更换密钥",
            ),
        )
    found = re.findall(r"(?m)^secret ([0-9a-f]{64})$", text)
    try:
        if len(found) == 1:
            return SigningKey.from_int(int(found[0], 16))
    except ValueError:
        found = []
    raise ParametersError(
        path,
        Text("holds no signing key", "不含签名私钥"),
        Text("Name the file in which the key was made", "请指定生成密钥时的文件"),
    )


def _inside(image: bytes) -> tuple[str, int] | None:
    """Environment and version that a parameter image says of itself."""
    names = {number: name for name, number in ENVIRONMENTS.items()}
    if not image.startswith(sections.MAGIC) or len(image) < sections.HEADER.row_size:
        return None
    head = sections.HEADER.read(image)
    return (names[head.environment], head.version) if head.environment in names else None


def _refuse_misfits(envelope: Envelope, previous: int, keys: int) -> None:
    """Raises ParametersError where values that are sound each by itself do not go together: the core would say no more
    than at which byte."""
    if not 1 <= envelope.version <= _NUMBER_MAX:
        raise ParametersError(
            "version",
            Text(f"{envelope.version} is none that a package can have", f"{envelope.version} 不能作为参数包版本"),
            Text(f"Versions are 1 to {_NUMBER_MAX}", f"版本为 1 至 {_NUMBER_MAX}"),
        )
    if previous >= envelope.version:
        raise ParametersError(
            "previous",
            Text(f"{previous} is not below version {envelope.version}", f"{previous} 不小于版本 {envelope.version}"),
            Text("Name a version that devices had before this one", "请写终端此前应有的版本"),
        )
    if envelope.expiry <= envelope.not_before:
        begin, end = when(envelope.not_before), when(envelope.expiry)
        raise ParametersError(
            "expiry",
            Text(f"{end} does not lie behind the beginning, {begin}", f"{end} 不晚于生效时间 {begin}"),
            Text("Give a later expiry (--expiry), or an earlier beginning", "请用 --expiry 指定更晚的失效时间"),
        )
    if keys > _KEYS_MAX or not 1 <= envelope.needed <= keys:
        raise ParametersError(
            "signers of the next package",
            Text(f"{keys} keys, of which {envelope.needed} must sign", f"{keys} 个公钥，要求 {envelope.needed} 个签名"),
            Text(
                f"Name 1 to {_KEYS_MAX} different keys, and need no more than there are",
                f"请指定 1 至 {_KEYS_MAX} 个不同的公钥，要求的签名数不可超过公钥数",
            ),
        )


def _unfit(why: str) -> ParametersError:
    return ParametersError(
        "package",
        Text(f"cannot be made of these values: {why}", f"无法由这些值制作参数包：{why}"),
        Text("Numbers are 0 to 4294967295, keys 33 bytes", "数值应为 0 至 4294967295，公钥 33 字节"),
    )
