"""`yima params`: parameters from the files a person edits to the signed package a device takes."""

import argparse
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from yima.sdk.cli import params_cut, params_deny, params_fare, params_lint, params_lists, params_reissue
from yima.sdk.cli.arguments import WholeNumber, moment
from yima.sdk.cli.written import named, put, write, writing
from yima.sdk.parameters.cells import LOCAL
from yima.sdk.parameters.compile import build_package, open_any, open_whole
from yima.sdk.parameters.diff import changes, report
from yima.sdk.parameters.example import PLAIN, write_source
from yima.sdk.parameters.group_file import loose_ends
from yima.sdk.parameters.lint_fares import gap_findings
from yima.sdk.parameters.parts import is_part
from yima.sdk.parameters.rotation import rotate_keys
from yima.sdk.parameters.show import page
from yima.sdk.parameters.signing import Report, add_signature, make_key_file, read_key_file, verify_package
from yima.sdk.parameters.source import read_source
from yima.sdk.parameters.trips import refuse_surprises
from yima.sdk.parameters.wording import Wording, money
from yima.sdk.profiles.tariffs import NAMES as TARIFFS
from yima.sdk.profiles.tariffs import write_tariff
from yima.validator.errors import ParametersError
from yima.validator.outside import text_of
from yima.validator.packages import Trust, pins_as_text, read_package, read_pins, when
from yima.validator.packages.package import KEYS_MAX
from yima.validator.parameters import flat_fares, load
from yima.validator.parameters.rules import Rules
from yima.validator.system.locks import in_turn
from yima.validator.system.paths import is_file
from yima.validator.texts import Text

HELP = "build, show, verify, compare and sign parameters 参数包的制作、查看、校验、比较与签名"

EXAMPLES = """\
examples 示例:
  yima params example > gate.toml               the plain form, for a bench 简单参数文件
  yima params example city/                     a source directory to begin with 源目录示例
  yima params check city/                       every cell of it 检查每个单元格
  yima params lint city/                        what is unlikely to be meant 可疑之处
  yima params new-key signer.key --pins signers.txt
  yima params build city/ --key signer.key -o city-1.ymp
  yima params show city-1.ymp
  yima params verify city-1.ymp --trust signers.txt
  yima params diff city-1.ymp city/             what a rider or an operator would notice 变化
  yima params new-key next.key
  yima params rotate-keys city-1.ymp --old signer.key --new next.key -o rotated
  yima params reissue city-1.ymp --version 4 --key signer.key -o city-4.ymp   the way back 回退
The files and columns of a source are described in docs/parameters.md. 文件与列的说明见 docs/parameters.md
"""
_FILE = "a source directory, a package, or a plain TOML file 源目录、参数包或 TOML"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One verb of parameters each."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    verbs = parser.add_subparsers(
        dest="action",
        required=True,
        metavar="example|check|lint|fare|try|build|show|verify|diff|new-key|sign|rotate-keys|cut|reissue|deny|whitelist|roots",
    )
    example = verbs.add_parser("example", help="print the plain form, or write a source directory 输出示例")
    example.add_argument("directory", nargs="?", type=Path, metavar="DIR", help="a source is written there 源目录")
    example.add_argument("--tariff", choices=TARIFFS, help="a real city's fares instead 真实城市票价示例")
    check = verbs.add_parser("check", help="look at everything and sum it up 检查并概述")
    check.add_argument("file", type=Path, metavar="FILE", help=_FILE)
    params_lint.add_arguments(verbs.add_parser("lint", help=params_lint.HELP))
    params_fare.add_fare_arguments(verbs.add_parser("fare", help=params_fare.FARE_HELP))
    params_fare.add_try_arguments(verbs.add_parser("try", help=params_fare.TRY_HELP))
    _add_build(verbs.add_parser("build", help="compile a source directory to a package 由源目录制作参数包"))
    show = verbs.add_parser("show", help="a page to read 可读页面")
    show.add_argument("file", type=Path, metavar="FILE", help=_FILE)
    verify = verbs.add_parser("verify", help="what a device would say; exit 0 taken, 1 not 以终端的规则校验")
    verify.add_argument("file", type=Path, metavar="FILE")
    verify.add_argument("--trust", type=Path, required=True, metavar="FILE", help="the signers' public keys 信任的公钥")
    verify.add_argument("--environment", choices=["test", "production"], help="the device's; default the package's own")
    verify.add_argument(
        "--city", type=WholeNumber(0, 999_999), default=0, metavar="N", help="the device's 终端所在城市"
    )
    verify.add_argument("--at", type=moment, default="now", metavar="MOMENT", help="default now 时刻")
    verify.add_argument("--newest", type=Path, metavar="FILE", help="the newest package it has had 已有的最新参数包")
    compare = verbs.add_parser("diff", help="what changes; exit 0 nothing, 1 something 比较变化")
    compare.add_argument("old", type=Path, metavar="OLD", help=_FILE)
    compare.add_argument("new", type=Path, metavar="NEW", help=_FILE)
    new_key = verbs.add_parser("new-key", help="make a signing key for tests and benches 生成签名私钥")
    new_key.add_argument("file", type=Path, metavar="FILE")
    new_key.add_argument("--pins", type=Path, metavar="FILE", help="add its public half to these 追加公钥")
    sign = verbs.add_parser("sign", help="add a signature to a package 追加签名")
    sign.add_argument("file", type=Path, metavar="FILE")
    _add_keys(sign, "--key", "signs it 签名私钥", required=True)
    _add_output(sign)
    rotate = verbs.add_parser("rotate-keys", help="two packages that change the signers 更换签名密钥")
    rotate.add_argument("file", type=Path, metavar="FILE", help="the package in force 当前参数包")
    _add_keys(rotate, "--old", "signs what is in force 原私钥", required=True)
    _add_keys(rotate, "--new", "signs from here on 新私钥", required=True)
    rotate.add_argument(
        "--needed", type=WholeNumber(1, 16), metavar="N", help="of the new keys; default as now 所需签名数，默认不变"
    )
    rotate.add_argument("--not-before", type=moment, metavar="MOMENT", help="of the first 第一个包的生效时间")
    rotate.add_argument("--final-not-before", type=moment, metavar="MOMENT", help="of the second 第二个包的生效时间")
    rotate.add_argument("--expiry", type=moment, metavar="MOMENT", help="of both 失效时间")
    rotate.add_argument("-o", "--output", type=Path, required=True, metavar="NAME", help="NAME-1.ymp, NAME-2.ymp")
    params_cut.add_arguments(verbs.add_parser("cut", help=params_cut.HELP))
    params_reissue.add_arguments(verbs.add_parser("reissue", help=params_reissue.HELP))
    params_deny.add_arguments(verbs.add_parser("deny", help=params_deny.HELP))
    params_lists.add_whitelist_arguments(verbs.add_parser("whitelist", help=params_lists.WHITELIST_HELP))
    params_lists.add_roots_arguments(verbs.add_parser("roots", help=params_lists.ROOTS_HELP))


def _add_build(build: argparse.ArgumentParser) -> None:
    build.add_argument(
        "source", type=Path, metavar="DIR", help="or a plain TOML file: to an image without keys 或 TOML，制作参数映像"
    )
    _add_output(build)
    _add_keys(build, "--key", "signs it; several may 签名私钥，可多个")
    build.add_argument("--parts", action="store_true", help="so that a gate can be given its own part 可按闸机拆分")
    build.add_argument("--next-pins", type=Path, metavar="FILE", help="who signs the next; default the same 下次签名者")


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the package 参数包")


def _add_keys(parser: argparse.ArgumentParser, name: str, about: str, *, required: bool = False) -> None:
    parser.add_argument(name, type=Path, action="append", default=[], required=required, metavar="KEYFILE", help=about)


def run(arguments: argparse.Namespace) -> int:
    """0; verify and diff 1 for no and for changes. What cannot be used is a ParametersError (2)."""
    verbs = {
        "example": _example,
        "check": _check,
        "lint": params_lint.run,
        "fare": params_fare.run_fare,
        "try": params_fare.run_try,
        "build": _build,
        "show": _show,
        "verify": _verify,
        "diff": _diff,
        "new-key": _new_key,
        "sign": _sign,
        "rotate-keys": _rotate,
        "cut": params_cut.run,
        "reissue": params_reissue.run,
        "deny": params_deny.run,
        "whitelist": params_lists.run_whitelist,
        "roots": params_lists.run_roots,
    }
    return verbs[arguments.action](arguments)


def _example(arguments: argparse.Namespace) -> int:
    if arguments.directory is None:
        if arguments.tariff:
            raise ParametersError(
                "--tariff",
                Text("no directory", "未指定目录"),
                Text("Name one that is not there yet", "请指定尚不存在的目录"),
            )
        print(PLAIN, end="")
    elif arguments.tariff:
        write_tariff(arguments.tariff, arguments.directory)
        print(f"written 已写入: {arguments.directory}")
    else:
        write_source(arguments.directory, datetime.now(LOCAL).year)
        print(f"written 已写入: {arguments.directory}")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    opened = open_any(arguments.file)
    rules = opened.rules
    print(f"usable 可用: {opened.name}")
    print(f"  environment 环境  {rules.environment}")
    print(f"  version 版本      {rules.version}")
    counts = (
        ("roots 根证书", len(rules.roots), "every code is refused 全部拒绝"),
        ("withdrawn 吊销", len(rules.revoked), ""),
        ("institutions 机构", len(rules.whitelist), "every code is refused 全部拒绝"),
        ("fares 票价", len(rules.fares), "every ride is refused 全部拒绝"),
        (
            "acceptance 互通",
            len(rules.acceptance or ()),
            "all cities 所有城市" if rules.acceptance is None else "nobody 无",
        ),
        ("concessions 优惠", len(rules.concessions), ""),
        ("groups 群体", len({group for member in rules.members for group in member.groups}), ""),
        ("matrices 矩阵", len(rules.matrices), ""),
        ("denied 黑名单", len(rules.deny), ""),
    )
    flat = ", ".join(f"{mode} {money(fen)}" for mode, fen in flat_fares(rules).items())
    if flat:
        print(f"  flat 一票制       {flat}")
    for name, count, if_none in counts:
        print(f"  {name:14}{count}" + (f"  {if_none}" if not count and if_none else ""))
    _tell_loose_ends(rules)
    if opened.package and is_part(opened.package):  # which lacks what is for other gates
        return 0
    for finding in gap_findings(rules, Wording(rules)):
        print(f"{finding.text.en} {finding.text.zh}")
    return 0


def _tell_loose_ends(rules: Rules) -> None:
    for told in loose_ends(rules):
        print(f"{told.en} {told.zh}")


def _build(arguments: argparse.Namespace) -> int:
    keys = [read_key_file(path) for path in arguments.key]
    pins = read_pins(arguments.next_pins) if arguments.next_pins else None
    if is_file(arguments.source) and not keys and pins is None:
        write(arguments.output, bytes(load(arguments.source).image))
        print("an image for `yima web`; no device takes it 参数映像，供 yima web 使用，终端不接受")
        return 0
    if not keys and pins is None:
        raise ParametersError(
            "--key",
            Text("nobody signs, and nobody is named to sign the next one", "无人签名，也未指定下次签名者"),
            Text(
                "Sign with --key, or name the signers with --next-pins and sign later",
                "请用 --key 签名，或用 --next-pins 指定签名者后再签名",
            ),
        )
    source = read_source(arguments.source)
    if source.trips:
        count = refuse_surprises(source.trips, source.city, source.rules)
        print(f"{count} trips as expected 次行程与预期一致")
    data = build_package(
        source, keys, next_keys=pins.keys if pins else (), needed=pins.needed if pins else 1, in_parts=arguments.parts
    )
    write(arguments.output, data)
    _tell_loose_ends(source.rules)
    if not keys:
        print("unsigned: no device takes it before `yima params sign` 未签名，须先签名")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    print(page(open_any(arguments.file)), end="")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    package = read_package(arguments.file)
    pins = read_pins(arguments.trust)
    newest = read_package(arguments.newest) if arguments.newest else None
    trust = Trust(
        environment=arguments.environment or package.environment,
        city=arguments.city,
        keys=newest.keys if newest else pins.keys,
        needed=newest.needed if newest else pins.needed,
        newest=(newest.version, newest.id) if newest else None,
        active=newest.id if newest else None,
    )
    found = verify_package(bytes(package.data), trust, arguments.at, str(arguments.file))
    _print_report(found)
    if found.error is None:
        open_any(arguments.file)  # what is inside must be taken by the core too
    return 0 if found.error is None else 1


def _print_report(found: Report) -> None:
    package = found.package
    print(
        f"{package.kind.name.lower()} {package.version}, {package.environment}, {package.city or 'any city 任何城市'}"
    )
    print(f"  valid 有效期     {when(package.not_before)} – {when(package.expiry)}: {found.standing.name.lower()}")
    for signature in found.signatures:
        who = "trusted 受信任" if signature.trusted else "named by itself 自列" if signature.named else "unknown 未知"
        holds = {True: "holds 有效", False: "BAD 无效", None: "cannot be told 无法判断"}[signature.holds]
        print(f"  signature 签名   {signature.signer} {who}, {holds}")
    if not found.signatures:
        print("  signature 签名   none 无")
    print("taken 可用" if found.error is None else f"NOT TAKEN 不可用: {found.error}")


def _diff(arguments: argparse.Namespace) -> int:
    old, new = open_whole(arguments.old), open_whole(arguments.new)
    print(report(old, new), end="")
    return 1 if changes(old, new) else 0


def _new_key(arguments: argparse.Namespace) -> int:
    if arguments.pins and arguments.pins.absolute() == arguments.file.absolute():
        raise ParametersError(
            arguments.pins,
            Text("is to hold the private key, and the public keys too", "既要存私钥，又要存公钥"),
            Text("Name another file with --pins: it goes to the devices", "请用 --pins 指定另一文件，供终端使用"),
        )
    with ExitStack() as turn:
        if arguments.pins:  # of two who add to one file, one waits for the other
            with writing(arguments.pins):
                turn.enter_context(in_turn(arguments.pins.parent / f".{named(arguments.pins).name}.lock"))
        before = _pins_to_add_to(arguments.pins) if arguments.pins else ""  # before there is a key that nobody trusts
        key = make_key_file(arguments.file)
        if arguments.pins:
            try:
                put(arguments.pins, f"{before}{key.compressed.hex()}\n".encode())
            except ParametersError:
                arguments.file.unlink()  # so that the same command can be given again
                raise
    print(key.compressed.hex())
    if arguments.pins:
        print(f"written 已写入: {arguments.pins}")
    return 0


def _pins_to_add_to(path: Path) -> str:
    """What stands before the next key in a file of pins, whoever wrote it. Raises ParametersError if it has no room."""
    if not is_file(named(path)):
        return pins_as_text([], about="Signers of parameter packages 参数包签名公钥")
    pins = read_pins(path)
    if len(pins.keys) >= KEYS_MAX:
        raise ParametersError(
            path,
            Text(f"has {len(pins.keys)} keys, and no room for another", f"已有 {len(pins.keys)} 个公钥，无法再添加"),
            Text("Take out a key that signs no more, or name another file", "请删除不再使用的公钥，或指定其他文件"),
        )
    text = text_of(path)
    return text if text.endswith("\n") else f"{text}\n"


def _sign(arguments: argparse.Namespace) -> int:
    data = bytes(read_package(arguments.file).data)
    for path in arguments.key:
        data = add_signature(data, read_key_file(path))
    write(arguments.output, data)
    return 0


def _rotate(arguments: argparse.Namespace) -> int:
    output = arguments.output
    places = [output.with_name(f"{output.name}-{number}.ymp") if output.name else named(output) for number in (1, 2)]
    rotation = rotate_keys(
        read_package(arguments.file),
        old=[read_key_file(path) for path in arguments.old],
        new=[read_key_file(path) for path in arguments.new],
        needed=arguments.needed,
        not_before=arguments.not_before,
        final_not_before=arguments.final_not_before,
        expiry=arguments.expiry,
    )
    for path, data in zip(places, rotation, strict=True):
        write(path, data)
    return 0
