"""`yima params deny`: the deny-list of national size, from CSV to the signed packages that devices take.

Bare files are images (core/deny.c). Where one is read, a signed package around it will do as well; what is written is a
package if somebody signs it. An increment's package names the package that it applies to, so its base must be packages
too.
"""

import argparse
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from yima.sdk.cli.arguments import WholeNumber, unix_seconds
from yima.sdk.cli.written import put
from yima.sdk.parameters.signing import read_key_file, sign_deny_list
from yima.validator.deny.denylist import DenyList, account_bytes
from yima.validator.errors import ParametersError
from yima.validator.outside import bytes_of
from yima.validator.packages import Chain, Pins, Trust, check, is_package, parse_package, read_package, read_pins, when
from yima.validator.packages.package import SIZE_MAX
from yima.validator.texts import Text, say

if TYPE_CHECKING:
    from yima.sdk.parameters.denylist import Changes

HELP = "deny-lists of card accounts: build, sign, apply, show 制作、签名、合并、查看黑名单"

EXAMPLES = """\
examples 示例:
  yima params deny build national.csv -o national.ymd --version 1          a full list 全量名单
  yima params deny build changes.csv -o day2.ymd --version 2 --base national.ymd
                                                                           an increment 增量
  yima params deny build tomorrow.csv --whole -o day2.ymd --version 2 --base national.ymd
                                                  an increment, worked out from a full CSV 由全量 CSV 求增量
  yima params deny apply national.ymd day2.ymd -o new.ymd                  a new full list 合并为全量
  yima params deny show national.ymd day2.ymd --account 31048700000000019999
signed, for `yima run --trust --deny-list` 签名:
  yima params deny build national.csv -o national.ymp --version 1 --environment production --key signer.key
  yima params deny build changes.csv -o day2.ymp --version 2 --environment production --base national.ymp \
    --key signer.key
  yima params deny sign national.ymd -o national.ymp --key signer.key      a file that was built before
  yima params sign national.ymp -o national.ymp --key second.key           one more signature 追加签名
the CSV 源文件: account,last,action   account: 20 digits, F padded; last: makes it a range; action: add or remove
"""

_VERSION_MAX = 0xFFFFFFFF


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """build, sign, apply, show."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    verbs = parser.add_subparsers(dest="deny_action", required=True, metavar="build|sign|apply|show")
    version = WholeNumber(0, _VERSION_MAX)
    make = verbs.add_parser("build", help="a full list, or an increment upon a base 制作全量或增量")
    make.add_argument("source", type=Path, metavar="CSV")
    make.add_argument("--version", type=version, required=True, metavar="N", help="of the list 版本")
    make.add_argument("--environment", choices=["test", "production"], default="test", help="default test 环境")
    make.add_argument("--whole", action="store_true", help="the CSV is the full list; work out what changed 求增量")
    sign = verbs.add_parser("sign", help="a built file as a signed package 签名成包")
    sign.add_argument("file", type=Path, metavar="FILE", help="a full list or an increment 名单文件")
    for verb in (make, sign):
        verb.add_argument(
            "--base", type=Path, nargs="+", default=[], metavar="FILE", help="the state it is for 基础名单"
        )
        _add_envelope(verb)
    join = verbs.add_parser("apply", help="a full list and its increments as one full list 合并为全量")
    join.add_argument("--version", type=version, metavar="N", help="default the newest file's and one 默认版本加一")
    for verb in (make, sign, join):
        verb.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    for verb in (make, join):
        verb.add_argument("--issued-at", type=unix_seconds, metavar="UNIX", help="when it was drawn up 制作时间")
    show = verbs.add_parser("show", help="verify it, say what it holds, and of one account whether it is denied 查看")
    show.add_argument("--account", metavar="DIGITS", help="20 digits, F padded 卡账户号")
    show.add_argument(
        "--trust",
        type=Path,
        metavar="FILE",
        help="and whether a device that trusts these keys takes it 以终端的规则校验",
    )
    for verb in (join, show):
        verb.add_argument("files", type=Path, nargs="+", metavar="FILE", help="the full list, then its increments 文件")


def run(arguments: argparse.Namespace) -> int:
    """0; with show --account, 1 if the account is denied. Raises ParametersError."""
    verbs = {"build": _build, "sign": _sign, "apply": _apply, "show": _show}
    return verbs[arguments.deny_action](arguments)


def _add_envelope(parser: argparse.ArgumentParser) -> None:
    signed = parser.add_argument_group("a signed package 签名包")
    signed.add_argument(
        "--key",
        type=Path,
        action="append",
        default=[],
        metavar="KEYFILE",
        help="signs it; several may 签名私钥，可多个",
    )
    signed.add_argument(
        "--next-pins",
        type=Path,
        metavar="FILE",
        help="who signs the next; default as the base, or who signs 下次签名者",
    )
    signed.add_argument("--city", type=WholeNumber(0, 999_999), metavar="N", help="for devices there only 仅适用该城市")
    signed.add_argument(
        "--previous", type=WholeNumber(0, 0xFFFFFFFF), metavar="N",
        help="the oldest version a device must have had; default 0, of an increment its base 所需的最低版本",
    )  # fmt: skip
    signed.add_argument("--not-before", type=unix_seconds, metavar="UNIX", help="default when it was drawn up 生效时间")
    signed.add_argument(
        "--expiry", type=unix_seconds, metavar="UNIX", help="no device begins with it later; default 30 days 失效时间"
    )


def _build(arguments: argparse.Namespace) -> int:
    # Everything but making lists must do without numpy, which is an extra.
    from yima.sdk.parameters.deny_source import read_csv  # noqa: PLC0415
    from yima.sdk.parameters.denylist import build, combined, difference  # noqa: PLC0415

    if arguments.whole and not arguments.base:
        raise ParametersError(
            "--whole",
            Text("works out what changed, but upon nothing", "求增量但未给出基础名单"),
            Text("Name the base with --base", "请用 --base 指明基础名单"),
        )
    issued_at = unix_seconds("now") if arguments.issued_at is None else arguments.issued_at
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(say(Text("reading", "读取")), total=1.0)
        changes = read_csv(arguments.source, lambda share: progress.update(task, completed=share))
    with _busy(Text("building", "制作")):
        images = _images(arguments.base)
        base = _opened(arguments.base, images) if images else None
        if arguments.whole:
            changes = difference(combined(images), changes)
        image = build(
            changes,
            environment=arguments.environment,
            version=arguments.version,
            issued_at=issued_at,
            base=base,
        )
    packed = _packed(arguments, image) if arguments.key or arguments.next_pins else image
    return _written(arguments.output, packed, changes)


def _sign(arguments: argparse.Namespace) -> int:
    data = _read(arguments.file)
    if is_package(data):
        raise ParametersError(
            arguments.file,
            Text("is a package already", "已是签名包"),
            Text("Add a signature with: yima params sign", "追加签名请用 yima params sign"),
        )
    with _busy(Text("signing", "签名")):
        packed = _packed(arguments, data)
    put(arguments.output, packed)
    print(f"{arguments.output}: {len(packed)} bytes 字节")
    return 0


def _packed(arguments: argparse.Namespace, image: bytes) -> bytes:
    if not (arguments.key or arguments.next_pins or arguments.base):
        raise ParametersError(
            "--key",
            Text("nobody signs, and nobody is named to sign the next one", "无人签名，也未指定下次签名者"),
            Text(
                "Sign with --key, or name the signers with --next-pins and sign later",
                "请用 --key 签名，或用 --next-pins 指定签名者后再签名",
            ),
        )
    return sign_deny_list(
        image,
        [read_key_file(path) for path in arguments.key],
        base=[read_package(path) for path in arguments.base],
        city=arguments.city,
        previous=arguments.previous,
        not_before=arguments.not_before,
        expiry=arguments.expiry,
        next_pins=read_pins(arguments.next_pins) if arguments.next_pins else None,
    )


def _apply(arguments: argparse.Namespace) -> int:
    from yima.sdk.parameters.denylist import build, combined  # noqa: PLC0415

    with _busy(Text("joining", "合并")):
        images = _images(arguments.files)
        deny = _opened(arguments.files, images)
        version = deny.version + 1 if arguments.version is None else arguments.version
        issued_at = deny.issued_at if arguments.issued_at is None else arguments.issued_at
        _refuse_older(arguments.files[-1], deny, version, issued_at)
        changes = combined(images)
        image = build(changes, environment=deny.environment, version=version, issued_at=issued_at)
    return _written(arguments.output, image, changes)


def _refuse_older(newest: Path, deny: DenyList, version: int, issued_at: int) -> None:
    """Raises ParametersError where no device that has what is joined would take the whole."""
    if deny.version == _VERSION_MAX:
        raise ParametersError(
            newest,
            Text(f"is version {_VERSION_MAX}, the last that there is", f"版本为 {_VERSION_MAX}，已是最大版本"),
            Text(
                "Begin anew with version 1, and empty the folder deny/ of each device",
                "请从版本 1 重新开始，并清空各终端的 deny/ 文件夹",
            ),
        )
    if version <= deny.version:
        raise ParametersError(
            newest,
            Text(
                f"is version {deny.version}; no device that has it would take version {version}",
                f"版本为 {deny.version}；已有该版本的终端不会接受版本 {version}",
            ),
            Text(
                f"Give --version a number above {deny.version}, or leave it out",
                f"请用 --version 指定高于 {deny.version} 的版本，或省略",
            ),
        )
    if issued_at < deny.issued_at:
        raise ParametersError(
            newest,
            Text(
                f"was drawn up at {when(deny.issued_at)}, after what --issued-at says",
                f"制作于 {when(deny.issued_at)}，晚于 --issued-at",
            ),
            Text("Give --issued-at no earlier moment, or leave it out", "请用 --issued-at 指定不更早的时刻，或省略"),
        )


def _show(arguments: argparse.Namespace) -> int:
    deny = _opened(arguments.files, _images(arguments.files))
    with _busy(Text("verifying", "校验")):
        deny.verify()
    print(f"environment 环境  {deny.environment}")
    print(f"version 版本      {deny.version}")
    print(f"issued 制作时间   {when(deny.issued_at)}")
    print(f"digest 摘要       {deny.digest.hex()}")
    for path, held in zip(arguments.files, deny.files, strict=True):
        print(f"{path}")
        print(f"  denied 禁止     {held.denied} accounts 个账户, {held.denied_ranges} ranges 个号段")
        print(f"  allowed 解除    {held.allowed} accounts 个账户, {held.allowed_ranges} ranges 个号段")
    if arguments.trust is not None:
        _check_trust(arguments.files, read_pins(arguments.trust))
        print("taken 可用")
    if arguments.account is None:
        return 0
    denied = deny.has(_account(arguments.account))
    print(
        say(Text("this account is denied", "该账户在黑名单中") if denied else Text("not denied", "该账户不在黑名单中"))
    )
    return int(denied)


def _check_trust(paths: Sequence[Path], pins: Pins) -> None:
    """As a new device would look at them, one after the other, now."""
    trust: Trust | None = None
    for path in paths:
        package = read_package(path)
        before = trust or Trust(environment=package.environment, chain=Chain.DENY, keys=pins.keys, needed=pins.needed)
        check(package, before, unix_seconds("now"))
        trust = replace(
            before,
            keys=package.keys,
            needed=package.needed,
            newest=(package.version, package.id),
            active=package.id,
        )


def _account(text: str) -> bytes:
    try:
        return account_bytes(text)
    except ValueError as error:
        raise ParametersError(
            "--account",
            Text("no card account", "不是卡账户号"),
            Text("Write 20 digits, F padded", "请写 20 位，以 F 补齐"),
        ) from error


def _images(paths: Sequence[Path]) -> list[memoryview]:
    return [_image(path) for path in paths]


def _image(path: Path) -> memoryview:
    data = _read(path)
    return parse_package(data, str(path)).image if is_package(data) else memoryview(data)


def _read(path: Path) -> bytes:
    try:
        return bytes_of(path, SIZE_MAX)
    except OSError as error:
        raise ParametersError(
            path,
            Text(f"cannot be read: {error.strerror}", f"无法读取：{error.strerror}"),
            Text("Check the path and its permissions", "请检查路径与权限"),
        ) from error


def _opened(paths: Sequence[Path], images: Sequence[memoryview]) -> DenyList:
    return DenyList(*images, sources=tuple(map(str, paths)))


def _busy(what: Text) -> AbstractContextManager[object]:
    return Console(stderr=True).status(say(what))


def _written(path: Path, image: bytes, changes: "Changes") -> int:
    put(path, image)
    ranges = len(changes.denied_ranges) + len(changes.allowed_ranges)
    accounts = changes.denied.size + changes.allowed.size
    print(f"{path}: {accounts} accounts 个账户, {ranges} ranges 个号段, {len(image)} bytes 字节")
    return 0
