"""`yima frames`: renders camera frames in the conditions of the field, with the payload of each beside it."""

import argparse
from pathlib import Path

from yima.sdk.cli.arguments import WholeNumber
from yima.sdk.payloads import read_payload
from yima.validator.errors import YimaError
from yima.validator.remedies import missing_module
from yima.validator.texts import Text

HELP = "render camera frames: dark screens, posters, glare and more 生成各种现场条件下的摄像头画面"

_SIZES = {"VGA": (640, 480), "HD": (1280, 720)}
_CONDITIONS = ("held", "dark", "poster", "glare", "bands", "interlace", "low-light", "close")


class FramesError(YimaError):
    """Frames that cannot be rendered as asked."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--out DIR and what the frames shall show."""
    add = parser.add_argument
    add("--out", required=True, type=Path, metavar="DIR", help="folder to write into, made if need be 输出文件夹")
    what = "one of them, may be given again; default all 现场条件，可重复，默认全部"
    add("--condition", action="append", choices=_CONDITIONS, help=what)
    add("--count", type=WholeNumber(1, 9999), default=5, metavar="N", help="frames of each, default 5 每种帧数")
    add("--size", choices=_SIZES, default="VGA", help="640 x 480 or 1280 x 720, default VGA 画面尺寸")
    add("--seed", type=WholeNumber(0, 2**32 - 1), default=1, metavar="N", help="same seed, same frames 随机种子")
    shown = "the code that is shown, in any form that inspect takes; default another, unsigned, in each 所示的码"
    add("--code", metavar="FILE", help=shown)


def run(arguments: argparse.Namespace) -> int:
    """Writes everything; 0. Raises YimaError."""
    try:
        import cv2  # noqa: PLC0415 - the command must be listed without the extra `camera`
        import numpy as np  # noqa: PLC0415

        from yima.hwsim.conditions import CONDITIONS, code_without_signature  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise FramesError("yima frames", *missing_module(missing)) from missing
    given = read_payload(arguments.code).data if arguments.code else None
    width, height = _SIZES[arguments.size]
    out: Path = arguments.out
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in dict.fromkeys(arguments.condition or _CONDITIONS):
            rng = np.random.default_rng([arguments.seed, _CONDITIONS.index(name)])
            for number in range(1, arguments.count + 1):
                code = given or code_without_signature(rng)
                path = out / f"{name}-{number:03}.png"
                path.write_bytes(bytes(cv2.imencode(".png", CONDITIONS[name](rng, code, width, height))[1]))
                path.with_suffix(".bin").write_bytes(code)
            print(f"{out / name}-*.png  {arguments.count}")
    except ValueError as error:
        problem = Text("holds more than a QR symbol can", "超出二维码的容量")
        remedy = Text("Give the bytes of one code, at most 2953", "请提供一个码的数据，最多 2953 字节")
        raise FramesError(arguments.code, problem, remedy) from error
    except OSError as error:
        problem = Text(f"cannot be written ({error.strerror})", f"无法写入（{error.strerror}）")
        raise FramesError(out, problem, Text("Give another --out", "请更换 --out")) from error
    return 0
