"""`yima phone`: a page of fresh test codes for a phone's screen, or the codes themselves in the terminal."""

import argparse
import ipaddress
import socket
import sys
import time
from pathlib import Path

from yima.sdk.cli.arguments import WholeNumber
from yima.sdk.keyring import ABOUT, Keyring
from yima.sdk.listening import host_and_port, listen, url_of
from yima.sdk.phone.app import MADE_BY, Choices, phone_app
from yima.sdk.phone.lab import LAB, ORGANISATION, PLATFORM, RIDERS, Phones
from yima.sdk.phone.page import expected
from yima.sdk.phone.pictures import Style, terminal
from yima.sdk.qr import LEVELS, NO_BLOCKS, draws, qr_text
from yima.sdk.serving import serve
from yima.sdk.trial_parameters import toml
from yima.validator.errors import YimaError
from yima.validator.texts import Text, say

HELP = "show fresh test codes on a phone's screen or in the terminal 在手机屏幕或终端上显示实时测试码"

EXAMPLES = """\
examples 示例:
  yima phone --listen 0.0.0.0:8070 --params codes.toml    a phone of the same network opens the page 同一网络的手机打开
  yima bench serial:/dev/ttyUSB0 --params codes.toml      the scanner that it is held to 另开终端：被测扫码器
  yima phone --terminal --style dark                      in this terminal, dark mode 在终端中显示，深色模式
  yima phone --terminal --case 5583 --every 3             the lab's case 5583 实验室用例 5583
"""
_CONNECTIONS = 64


class PhoneError(YimaError):
    """Parameters that cannot be written."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """[--listen HOST:PORT] [--terminal] and what is shown."""
    add = parser.add_argument
    add("--listen", default="127.0.0.1:8070", metavar="HOST:PORT",
        help="default 127.0.0.1:8070, this machine only; 0.0.0.0:8070: its network 监听地址")  # fmt: skip
    add("--terminal", action="store_true", help="show the codes here, no page 在此终端显示，不开网页")
    add("--style", type=Style, choices=tuple(Style), default=Style.GOOD, help="how, default good 外观")
    add("--case", type=int, choices=[0, *sorted(LAB)], default=0, metavar="N", help="a case of the lab 实验室用例编号")
    add("--rider", type=WholeNumber(1, RIDERS), default=1, metavar="N", help=f"1 to {RIDERS} 乘客编号")
    add("--level", choices=LEVELS, default="L", help="QR error correction, default L 纠错级别")
    add("--every", type=WholeNumber(1, 60), default=5, metavar="S", help="a new code so often, default 5 更新间隔秒数")
    add("--count", type=WholeNumber(1, 10**6), metavar="N", help="with --terminal: end after so many 显示 N 个后结束")
    add("--params", type=Path, metavar="FILE", help="write parameters that accept the codes 写出受理这些码的参数文件")
    add("--keys", type=Path, metavar="FILE", help="keep TEST KEYS here and use them again; default: fresh 测试私钥文件")
    parser.epilog = EXAMPLES


def run(arguments: argparse.Namespace) -> int:
    """Serves until SIGTERM or SIGINT, or shows --count codes; 0. Raises YimaError."""
    phones = _phones(arguments.keys)
    if arguments.params:
        _write(arguments.params, toml(phones.roots, ORGANISATION, PLATFORM, made_by=MADE_BY))
    choices = Choices(
        style=arguments.style, case=arguments.case, rider=arguments.rider, level=arguments.level, every=arguments.every
    )
    if arguments.terminal:
        return _in_terminal(phones, choices, arguments.count)
    listening = listen(*host_and_port(arguments.listen))
    url = _reached(url_of(listening))
    drawn = qr_text(url.encode(), "M") if draws(sys.stdout.encoding) else ""
    told = f"{drawn}{url}\n{say(_told(url))}"
    serve(
        phone_app(phones, choices), listening,
        on_ready=lambda: print(told, flush=True), connections_max=_CONNECTIONS,
    )  # fmt: skip
    return 0


def _in_terminal(phones: Phones, choices: Choices, count: int | None) -> int:
    if not draws(sys.stdout.encoding):
        remedy = Text("Leave --terminal out: a browser shows them", "请去掉 --terminal，用浏览器显示")
        raise PhoneError("terminal", NO_BLOCKS, remedy)
    number = 0
    is_screen = sys.stdout.isatty()
    while count is None or number < count:
        number += 1
        if number > 1 and not is_screen:
            print()
        code = phones.code(choices.case, choices.rider, int(time.time()))
        sys.stdout.write("\x1b[H\x1b[2J" * is_screen + terminal(code, choices.style, choices.shown_level))
        print(f"#{number}  {say(expected(choices.case))}", flush=True)
        if number != count:
            _count_down(choices.every, is_screen=is_screen)
    return 0


def _count_down(seconds: int, *, is_screen: bool) -> None:
    for left in range(seconds, 0, -1):
        if is_screen:
            sys.stdout.write("\r" + say(Text(f"next code in {left} s ", f"{left} 秒后更新 ")))
            sys.stdout.flush()
        time.sleep(1)


def _phones(path: Path | None) -> Phones:
    if path is None:
        return Phones(Keyring())
    with Keyring.kept(path) as keyring:
        phones = Phones(keyring)
    print(f"{path}: {ABOUT}")
    return phones


def _write(path: Path, text: str) -> None:
    try:
        if path.exists() and not path.read_text(encoding="utf-8", errors="replace").startswith(MADE_BY):
            remedy = Text("Move it away, or give another --params", "请移走该文件或更换 --params")
            raise PhoneError(path, Text("was not made by `yima phone`", "不是 yima phone 生成的文件"), remedy)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        problem = Text(f"cannot be written ({error.strerror})", f"无法写入（{error.strerror}）")
        raise PhoneError(path, problem, Text("Give another --params", "请更换 --params")) from error


def _told(url: str) -> Text:
    if _is_loopback(url):
        return Text(
            "test codes only; this machine alone reaches the page: for a phone, --listen 0.0.0.0:8070",
            "仅提供测试码；只有本机能打开：若用手机，请加 --listen 0.0.0.0:8070",
        )
    return Text(
        "test codes only, for whoever reaches this address; scan it with the phone. Ctrl-C ends it",
        "仅提供测试码，能访问此地址者皆可打开；请用手机扫描。Ctrl-C 结束",
    )


def _is_loopback(url: str) -> bool:
    return "//127." in url or "//[::1]" in url


def _reached(url: str) -> str:
    """The address under which others reach what listens on all of a machine's."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    if not ipaddress.ip_address(host.strip("[]")).is_unspecified:
        return url
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            way.connect(("192.0.2.1", 9))  # nothing is sent: it only asks which of our addresses would be used
            own = way.getsockname()[0]
        except OSError:
            own = socket.gethostname()
    return f"http://{own}:{port}"
