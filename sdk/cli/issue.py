"""`yima issue`: makes test codes, and beside them the roots and parameters under which they are accepted."""

import argparse
import string
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from yima.sdk.cli.arguments import WholeNumber, command_line, unix_seconds
from yima.sdk.issuer import Issuer, make_rider
from yima.sdk.keyring import ABOUT, Keyring
from yima.sdk.qr import LEVELS, qr_png
from yima.sdk.trial_parameters import toml
from yima.validator.errors import Kind, YimaError
from yima.validator.parameters.rules import Limits
from yima.validator.texts import Text

HELP = "make test codes (.bin and QR .png) with roots and parameters to match 生成测试码、根证书与参数"

_MADE_BY = "# Made by `yima issue`; run it again and this file is replaced 由 yima issue 生成，可能被覆盖"


class IssueError(YimaError):
    """Codes that cannot be written."""


class AskedError(IssueError):
    """Codes that cannot be made as asked."""

    kind = Kind.USAGE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--out DIR and what the codes shall carry."""
    add = parser.add_argument
    add("--out", required=True, type=Path, metavar="DIR", help="folder to write into, made if need be 输出文件夹")
    add("--count", type=WholeNumber(1, 9999), default=1, metavar="N", help="codes, each of another rider 数量")
    add("--roots", type=WholeNumber(1, 255), default=1, metavar="N", help="roots 1 to N, codes take turns 根证书数")
    add("--level", choices=LEVELS, default="L", help="QR error correction, default L 纠错级别")
    add("--scale", type=WholeNumber(1, 50), default=6, metavar="PX", help="pixels a module, default 6 每模块像素")
    add("--at", type=unix_seconds, default="now", metavar="UNIX", help="generation time, default now 生成时间")
    add("--validity", type=WholeNumber(0, 65535), default=120, metavar="S", help="of one code, default 120 有效秒数")
    add(
        "--authorised",
        type=WholeNumber(0, 10**9),
        default=86400,
        metavar="S",
        help="after --at, default a day 授权秒数",
    )
    add("--organisation", type=_digits(8, 8), default="00083010", metavar="8-DIGITS", help="default 00083010 发卡机构")
    add("--platform", type=_digits(8, 8), default="50083010", metavar="8-DIGITS", help="default 50083010 发码平台")
    add("--cap", type=WholeNumber(0, 0xFFFFFF), default=2000, metavar="FEN", help="default 2000 单次限额（分）")
    add("--account-type", type=WholeNumber(0, 255), default=0, metavar="N", help="default 0 账户类型")
    add(
        "--payment-account",
        type=_account,
        default="6228480402564890",
        metavar="TEXT",
        help="of the first code 首个支付账户号",
    )
    add(
        "--card-account",
        type=_digits(1, 20),
        default="31048700000000019999",
        metavar="DIGITS",
        help="同上，卡账户号",
    )
    add("--issuer-data", type=_issuer_data, default=b"", metavar="HEX", help="up to 32 bytes 发卡机构自定义域")
    add("--version", type=_version, default=0x80, metavar="HEX", help="default 80 版本号")
    add("--keys", type=Path, metavar="FILE", help="keep TEST KEYS here and use them again; default: fresh 测试私钥文件")


def run(arguments: argparse.Namespace) -> int:
    """Writes everything; 0. Raises YimaError."""
    _check_room(arguments)
    with nullcontext(Keyring()) if arguments.keys is None else Keyring.kept(arguments.keys) as keyring:
        roots = [keyring.root(index) for index in range(1, arguments.roots + 1)]
        issuers = [keyring.issuer(root, arguments.organisation) for root in roots]
    if arguments.keys is not None:
        print(f"{arguments.keys}: {ABOUT}")
    out: Path = arguments.out
    codes = [_code(arguments, issuers[i % len(issuers)], i) for i in range(arguments.count)]
    try:
        out.mkdir(parents=True, exist_ok=True)
        _write_parameters(arguments, out)
        (out / "roots.bin").write_bytes(b"".join(root.certificate for root in roots))
        for number, code in enumerate(codes, 1):
            path = out / f"code-{number:03}.bin"
            path.write_bytes(code)
            qr_png(code, path.with_suffix(".png"), arguments.level, arguments.scale)
            print(f"{path}  {len(code)} bytes 字节  {path.with_suffix('.png').name} ({arguments.level})")
    except OSError as error:
        problem = Text(f"cannot be written ({error.strerror})", f"无法写入（{error.strerror}）")
        raise IssueError(error.filename or out, problem, Text("Give another --out", "请更换 --out")) from error
    print(f"{out / 'roots.bin'}  {out / 'params.toml'}")
    until = arguments.at + min(arguments.validity, arguments.authorised)
    print(f"good until 有效至: {datetime.fromtimestamp(until, UTC):%Y-%m-%d %H:%M:%S} UTC (--at {until})")
    words = ["judge", str(out / "code-001.bin"), "--params", str(out / "params.toml"), "--at", str(arguments.at)]
    print(f"try 试试: {command_line(words)}")
    return 0


def _code(arguments: argparse.Namespace, issuer: Issuer, number: int) -> bytes:
    """One rider's code; accounts count on from the first, so that no two riders share one."""
    try:
        rider = make_rider(
            issuer,
            payment_account=_counted(arguments.payment_account, number),
            card_account=_counted(arguments.card_account, number),
            platform=arguments.platform,
            account_type=arguments.account_type,
            cap_fen=arguments.cap,
            authorised_until=arguments.at + arguments.authorised,
            validity_s=arguments.validity,
            issuer_data=arguments.issuer_data,
        )
        return rider.code(arguments.at, version=arguments.version)
    except (ValueError, OverflowError) as error:
        problem = Text("no code holds an authorisation that ends so late", "授权到期时间过晚，码中无法表示")
        raise AskedError(
            "--at", problem, Text("Give an earlier --at or --authorised", "请减小 --at 或 --authorised")
        ) from error


def _check_room(arguments: argparse.Namespace) -> None:
    """Whether there are as many accounts as riders."""
    for option, first in (("--card-account", arguments.card_account), ("--payment-account", arguments.payment_account)):
        room = 10 ** len(first) if _counts(first) else 1
        if arguments.count > room:
            problem = Text(
                f"tells {room} of the {arguments.count} riders apart",
                f"只能区分 {arguments.count} 位乘客中的 {room} 位",
            )
            remedy = Text("Give one of more digits and digits alone", "请给出位数更多的纯数字账户号")
            raise AskedError(option, problem, remedy)


def _counts(account: str) -> bool:
    return account.isascii() and account.isdecimal()


def _counted(account: str, number: int) -> str:
    if not _counts(account):
        return account
    size = len(account)
    return str((int(account) + number) % 10**size).zfill(size)


def _write_parameters(arguments: argparse.Namespace, out: Path) -> None:
    path = out / "params.toml"
    if path.exists() and not path.read_text(encoding="utf-8", errors="replace").startswith(_MADE_BY):
        remedy = Text("Move it away, or give another --out", "请移走该文件或更换 --out")
        raise IssueError(path, Text("was not made by `yima issue`", "不是 yima issue 生成的文件"), remedy)
    # A device takes 1200 s at most, unless it is told otherwise.
    max_validity_s = arguments.validity if arguments.validity > Limits().max_validity_s else None
    text = toml(
        (), arguments.organisation, arguments.platform,
        made_by=_MADE_BY, roots_file="roots.bin", max_validity_s=max_validity_s,
    )  # fmt: skip
    path.write_text(text, encoding="utf-8")


def _digits(least: int, most: int) -> Callable[[str], str]:
    """An argument's type: so many digits."""

    def parse(text: str) -> str:
        if set(text) <= set(string.digits) and least <= len(text) <= most:
            return text
        wanted = str(most) if least == most else f"{least} to {most}"
        raise argparse.ArgumentTypeError(f"{wanted} digits 须为 {wanted} 位数字")

    return parse


def _account(text: str) -> str:
    if text.isascii() and text.isprintable() and len(text) <= 16:
        return text
    raise argparse.ArgumentTypeError("up to 16 printable ASCII characters 最多 16 个可打印的 ASCII 字符")


def _issuer_data(text: str) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError:
        data = None
    if data is None or len(data) > 32:
        raise argparse.ArgumentTypeError("up to 32 bytes in hex 最多 32 字节的十六进制")
    return data


def _version(text: str) -> int:
    if len(text) == 2 and set(text) <= set(string.hexdigits):
        return int(text, 16)
    raise argparse.ArgumentTypeError("one byte in hex, e.g. 81 一个字节的十六进制，如 81")
