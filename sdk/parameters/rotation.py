"""Signing what was signed before anew: to change the keys, without a device that is left behind, and as the way back.

Two packages with the content of the one in force:

    n + 1   signed by the old keys, names the old and the new ones   either may sign from here on
    n + 2   signed by the new keys, names the new ones only          the old ones are worth nothing from here on

A device needs n + 1 before n + 2, at leisure: leave days or weeks between them. If an old key is lost and not stolen,
nothing is urgent; if it is stolen, give both at once. A device that missed n + 1 says so (GAP or UNKNOWN_SIGNER) and
takes both in order. If every old key is lost, nothing helps but new pins on every device.
"""

from collections.abc import Sequence
from typing import NamedTuple

from yima.sdk.parameters.parts import refuse_part
from yima.sdk.parameters.signing import Envelope, sign_package
from yima.sdk.sm2 import SigningKey
from yima.validator.errors import ParametersError
from yima.validator.packages import Kind, Package, key_id, when
from yima.validator.parameters.image import with_version
from yima.validator.texts import Text

__all__ = ["Rotation", "reissued", "rotate_keys"]

_VERSION_MAX = 0xFFFFFFFF


class Rotation(NamedTuple):
    """The two packages of a change of keys, to be given in this order."""

    overlap: bytes
    final: bytes


def rotate_keys(
    current: Package,
    *,
    old: Sequence[SigningKey],
    new: Sequence[SigningKey],
    needed: int | None = None,
    not_before: int | None = None,
    final_not_before: int | None = None,
    expiry: int | None = None,
) -> Rotation:
    """Both packages from the parameters in force. Raises ParametersError if the old keys may not sign.

    needed: how many of the new keys must sign what follows. not_before: of the first, final_not_before: of the second,
    expiry: of both, unix seconds. Each is the current package's unless given.
    """
    _may_sign(current, old)
    begin = current.not_before if not_before is None else not_before
    until = current.expiry if expiry is None else expiry
    new_keys = [key.compressed for key in new]
    demanded = current.needed if needed is None else needed  # nobody lowers it without saying so
    overlap = resigned(
        current,
        version=current.version + 1,
        next_keys=[*current.keys, *new_keys],
        needed=demanded,
        not_before=begin,
        expiry=until,
        keys=old,
    )
    final = resigned(
        current,
        version=current.version + 2,
        next_keys=new_keys,
        needed=demanded,
        not_before=begin if final_not_before is None else final_not_before,
        expiry=until,
        keys=new,
    )
    return Rotation(overlap, final)


def reissued(
    old: Package,
    *,
    version: int,
    keys: Sequence[SigningKey],
    not_before: int,
    expiry: int | None = None,
    current: Package | None = None,
    replaces: bool = False,
) -> bytes:
    """The content of an old package as a new version, for devices whatever they missed: the way back.

    current: what is in force, whose keys must sign and go on signing; None: the old one's. expiry: the old one's unless
    given. replaces: what waits on a device is given up for it. Raises ParametersError.
    """
    newest = current or old
    if version <= max(newest.version, old.version):
        raise ParametersError(
            newest.source,
            Text(
                f"is version {newest.version}; version {version} would be taken by no device that has it",
                f"版本为 {newest.version}；已有该版本的终端不会接受版本 {version}",
            ),
            Text(
                "Give --version a number above every version published", "请用 --version 指定高于所有已发布版本的号码"
            ),
        )
    _may_sign(newest, keys)
    until = old.expiry if expiry is None else expiry
    if until <= not_before:
        raise ParametersError(
            old.source,
            Text(f"expired at {when(until)}", f"已于 {when(until)} 过期"),
            Text("Give the new one its own --expiry", "请用 --expiry 指定新的失效时间"),
        )
    return resigned(
        old,
        version=version,
        next_keys=newest.keys,
        needed=newest.needed,
        not_before=not_before,
        expiry=until,
        keys=keys,
        previous=0,
        replaces=replaces,
    )


def resigned(
    current: Package,
    *,
    version: int,
    next_keys: Sequence[bytes],
    needed: int,
    not_before: int,
    expiry: int,
    keys: Sequence[SigningKey],
    previous: int | None = None,
    replaces: bool = False,
) -> bytes:
    """The same parameters under another version and other keys; previous, replaces: see Envelope. Raises
    ParametersError."""
    if current.kind is not Kind.PARAMETERS:
        raise ParametersError(
            current.source,
            Text("is no package of parameters", "不是参数包"),
            Text("Keys of deny-lists change with the next full list", "黑名单的密钥随下一份完整名单更换"),
        )
    refuse_part(current)
    if version > _VERSION_MAX:
        raise ParametersError(
            current.source,
            Text(f"has no version {version} behind it", f"其后没有版本 {version}"),
            Text(f"{_VERSION_MAX} is the last version there is", f"版本号最大为 {_VERSION_MAX}"),
        )
    image = bytes(current.image)
    envelope = Envelope(
        environment=current.environment,
        version=version,
        not_before=not_before,
        expiry=expiry,
        city=current.city,
        next_keys=next_keys,
        needed=needed,
        previous=previous,
        replaces=replaces,
    )
    # The version stands in the image too.
    return sign_package(with_version(image, version), envelope, keys, in_parts=bool(current.parts))


def _may_sign(current: Package, old: Sequence[SigningKey]) -> None:
    given = dict.fromkeys(key.compressed for key in old)  # a key that is named twice signs once
    missing = [key_id(key).hex() for key in given if key not in current.keys]
    if missing or len(given) < current.needed:
        raise ParametersError(
            current.source,
            Text(
                f"demands {current.needed} of its keys, and {len(given)} sign; "
                f"not among them: {', '.join(missing) or 'none'}",
                f"要求 {current.needed} 个签名，给出 {len(given)} 个密钥；不在其列的密钥：{'、'.join(missing) or '无'}",
            ),
            Text("Sign with the keys that the package in force names", "请使用当前参数包所列的密钥签名"),
        )
