"""Changing the keys that sign packages, without a device that is left behind.

Two packages with the content of the one in force:

    n + 1   signed by the old keys, names the old and the new ones   either may sign from here on
    n + 2   signed by the new keys, names the new ones only          the old ones are worth nothing from here on

A device needs n + 1 before n + 2, at leisure: leave days or weeks between them. If an old key is lost and not stolen,
nothing is urgent; if it is stolen, give both at once. A device that missed n + 1 says so (GAP or UNKNOWN_SIGNER) and
takes both in order. If every old key is lost, nothing helps but new pins on every device.
"""

from collections.abc import Sequence
from typing import NamedTuple

from yima.sdk.parameters.signing import Envelope, sign_package
from yima.sdk.sm2 import SigningKey
from yima.validator.errors import ParametersError
from yima.validator.packages import Kind, Package, key_id
from yima.validator.parameters.image import with_version
from yima.validator.texts import Text

__all__ = ["Rotation", "rotate_keys"]


class Rotation(NamedTuple):
    """The two packages of a change of keys, to be given in this order."""

    overlap: bytes
    final: bytes


def rotate_keys(
    current: Package,
    *,
    old: Sequence[SigningKey],
    new: Sequence[SigningKey],
    needed: int = 1,
    not_before: int | None = None,
    final_not_before: int | None = None,
    expiry: int | None = None,
) -> Rotation:
    """Both packages from the parameters in force. Raises ParametersError if the old keys may not sign.

    needed: how many of the new keys must sign what follows. not_before: of the first, final_not_before: of the second,
    expiry: of both, unix seconds; each is the current package's unless given.
    """
    _may_sign(current, old)
    begin = current.not_before if not_before is None else not_before
    until = current.expiry if expiry is None else expiry
    new_keys = [key.compressed for key in new]
    overlap = resigned(
        current,
        version=current.version + 1,
        next_keys=[*current.keys, *new_keys],
        needed=needed,
        not_before=begin,
        expiry=until,
        keys=old,
    )
    final = resigned(
        current,
        version=current.version + 2,
        next_keys=new_keys,
        needed=needed,
        not_before=begin if final_not_before is None else final_not_before,
        expiry=until,
        keys=new,
    )
    return Rotation(overlap, final)


def resigned(
    current: Package,
    *,
    version: int,
    next_keys: Sequence[bytes],
    needed: int,
    not_before: int,
    expiry: int,
    keys: Sequence[SigningKey],
) -> bytes:
    """The same parameters under another version and other keys. Raises ParametersError."""
    if current.kind is not Kind.PARAMETERS:
        raise ParametersError(
            current.source,
            Text("is no package of parameters", "不是参数包"),
            Text("Keys of deny-lists change with the next full list", "黑名单的密钥随下一份完整名单更换"),
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
    )
    # The version stands in the image too.
    return sign_package(with_version(image, version), envelope, keys)


def _may_sign(current: Package, old: Sequence[SigningKey]) -> None:
    missing = [key_id(key.compressed).hex() for key in old if key.compressed not in current.keys]
    if missing or len(old) < current.needed:
        raise ParametersError(
            current.source,
            Text(
                f"demands {current.needed} of its keys; not among them: {', '.join(missing) or 'none'}",
                f"要求 {current.needed} 个签名；不在其列的密钥：{'、'.join(missing) or '无'}",
            ),
            Text("Sign with the keys that the package in force names", "请使用当前参数包所列的密钥签名"),
        )
