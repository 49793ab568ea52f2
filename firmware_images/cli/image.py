"""`yima image`: firmware images are built, signed, checked, shown."""

import argparse
import json
import sys
from pathlib import Path

from yima.firmware_images.hardware import DEFAULT_BOARD, board, boards
from yima.firmware_images.image import COUNTER_MAX, Image, ImageError, read, verify
from yima.firmware_images.keys import WARNING, public_key_of, public_test_key
from yima.sdk.cli.arguments import WholeNumber
from yima.validator.errors import YimaError
from yima.validator.outside import bytes_of
from yima.validator.texts import Text, say
from yima.validator.version import VERSION

HELP = "build, sign, verify, show firmware images 固件映像的编译、签名、验证与查看"
DEFAULT_FOLDER = Path("build/firmware")
_PRODUCTS = ("bus-validator", "metro-gate")
_ENVIRONMENTS = ("test", "production")


class ImageFileError(YimaError):
    """A file that cannot be read."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """build | sign | verify FILE | show FILE"""
    verbs = parser.add_subparsers(dest="action", required=True, metavar="build|sign|verify|show")
    build = verbs.add_parser("build", help="compile, for both slots 编译（两个槽位）")
    build.add_argument("--product", choices=[*_PRODUCTS, "port-check"], action="append", help="default: both 产品")
    build.add_argument(
        "--board", choices=boards(), default=DEFAULT_BOARD, metavar="NAME",
        help=f"{', '.join(boards())}; default {DEFAULT_BOARD} 板卡",
    )  # fmt: skip
    build.add_argument(
        "--environment", choices=_ENVIRONMENTS, default="test", help="whose parameters it takes 参数环境"
    )
    build.add_argument(
        "--sanitize", action="store_true", help="posix: memory and arithmetic are watched 启用内存与未定义行为检查"
    )
    _folder(build)
    sign = verbs.add_parser("sign", help="sign what was built, with imgtool 签名")
    sign.add_argument(
        "--key", type=Path, metavar="PEM", help="Ed25519; default: the public TEST key 默认为公开测试密钥"
    )
    sign.add_argument("--image-version", default=VERSION, metavar="V", help=f"default {VERSION} 映像版本")
    sign.add_argument(
        "--counter", type=WholeNumber(0, COUNTER_MAX), metavar="N",
        help="security counter; needed with --key; test images: 1 安全计数器",
    )  # fmt: skip
    _folder(sign)
    check = verbs.add_parser("verify", help="exit 0 if the image may run, 1 if not 验证")
    check.add_argument("file", type=Path, metavar="FILE")
    check.add_argument(
        "--key", type=Path, action="append", metavar="PEM", help="trusted; default: the TEST key 信任的公钥"
    )
    check.add_argument(
        "--counter-floor", type=WholeNumber(0, COUNTER_MAX), default=0, metavar="N",
        help="refuse older 拒绝更低的计数器",
    )  # fmt: skip
    check.add_argument("--product", metavar="NAME", help="refuse another product 只接受该产品")
    check.add_argument(
        "--environment",
        choices=_ENVIRONMENTS,
        help="refuse the other; default: production with --key, else test 只接受该环境",
    )
    check.add_argument(
        "--hardware", default=DEFAULT_BOARD, metavar="NAME", help=f"default {DEFAULT_BOARD} 只接受该硬件"
    )
    show = verbs.add_parser("show", help="what an image says of itself; checks nothing 查看，不作验证")
    show.add_argument("file", type=Path, metavar="FILE")
    show.add_argument("--json", action="store_true", help="one JSON object 输出 JSON")


def _folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help=f"default {DEFAULT_FOLDER} 目录")


def run(arguments: argparse.Namespace) -> int:
    """0; 1 for an image that verify refuses; a YimaError for what an engineer can mend."""
    action = {"build": _build, "sign": _sign, "verify": _verify, "show": _show}[arguments.action]
    return action(arguments)


def _build(arguments: argparse.Namespace) -> int:
    from yima.firmware_images.build import Environment, Product, Slot, build  # noqa: PLC0415  # compiler
    from yima.firmware_images.signing import MANIFEST, named_before, write_builds  # noqa: PLC0415

    products = arguments.product or list(_PRODUCTS)
    environment = Environment(arguments.environment)
    hardware = board(arguments.board)
    before = named_before(arguments.folder)
    builds = [
        build(Product(name), slot, environment, arguments.folder, hardware, sanitize=arguments.sanitize)
        for name in products
        for slot in Slot
    ]
    for built in builds:
        ram = f"  RAM {built.ram_bytes} of {hardware.ram.size}" if hardware.ram.size else ""
        flash = f"{len(built.image)} of {hardware.image_max}"
        print(f"{built.elf.with_suffix('.bin')}  flash {flash}{ram} bytes")
    print(write_builds(builds, arguments.folder))
    if gone := sorted(before - {built.elf.stem for built in builds}):
        names = ", ".join(gone)
        told = Text(
            f"{MANIFEST} names no more: {names}; their files stay. To keep both: --folder",
            f"{MANIFEST} 不再列出：{names}；其文件保留。如需同时保留，请用 --folder 另选目录",
        )
        print(f"yima image: {say(told)}", file=sys.stderr)
    return 0


def _sign(arguments: argparse.Namespace) -> int:
    from yima.firmware_images.signing import sign_folder  # noqa: PLC0415  # imgtool

    signed = sign_folder(
        arguments.folder, version=arguments.image_version, counter=arguments.counter, key=arguments.key
    )
    for path in signed:
        print(path)
    if arguments.key is None:
        print(f"yima image: {say(WARNING)}", file=sys.stderr)
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    keys = [public_key_of(path) for path in arguments.key] if arguments.key else [public_test_key()]
    try:
        image = verify(
            _bytes_of(arguments.file),
            keys,
            counter_floor=arguments.counter_floor,
            product=arguments.product,
            environment=arguments.environment or ("production" if arguments.key else "test"),
            hardware=arguments.hardware,
            thing=arguments.file,
        )
    except ImageError as error:
        print(error, file=sys.stderr)
        return 1
    print(
        f"good 有效: {arguments.file}  {image.product} {image.version_text} for {image.hardware}, {image.environment}, "
        f"security counter {image.counter}"
    )
    if image.test_key:
        print(f"  {say(WARNING)}")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    image = read(_bytes_of(arguments.file), arguments.file)
    document = _document(image)
    if arguments.json:
        print(json.dumps(document, indent=1, ensure_ascii=False))
        return 0
    for name, value in document.items():
        print(f"{name:18}{value}")
    if image.test_key:
        print(say(WARNING))
    return 0


def _document(image: Image) -> dict[str, object]:
    return {
        "product": image.product,
        "environment": image.environment,
        "hardware": image.hardware,
        "version": image.version_text,
        "security_counter": image.counter,
        "address": hex(image.address),
        "payload_size": image.payload_size,
        "size": image.size,
        "sha256": image.digest.hex(),
        "intact": image.digest == image.signed_digest,
        "key_hash": image.key_hash.hex(),
        "test_key": image.test_key,
    }


def _bytes_of(path: Path) -> bytes:
    try:
        return bytes_of(path)
    except OSError as error:
        why = error.strerror or str(error)
        raise ImageFileError(
            path,
            Text(f"cannot be read: {why}", f"无法读取：{why}"),
            Text("Check the path and its permissions", "请检查路径与权限"),
        ) from error
