"""`yima demo`: the whole way of a tap, with nothing but this machine."""

import argparse
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from yima.hwsim.demo.demonstration import Demonstration
from yima.hwsim.demo.report import check_report, write_report
from yima.hwsim.demo.screen import Screen
from yima.hwsim.demo.tap_on_board import tap_on_board
from yima.sdk.cli.arguments import WholeNumber
from yima.validator.system.posix import need_posix
from yima.validator.texts import Text

HELP = "show the whole way of a tap on simulated hardware 在模拟硬件上演示刷码全过程"

DESCRIPTION = """\
Starts a collector, a bus validator with a serial scanner and a metro gate with a camera, all simulated but for the
software, on a signed package of the Yangtze-delta profile; lets riders of its cities tap, cuts the network and restores
it, and accounts for every tap and for the rules that set its fare. Then counts what a tap costs on the emulated gate
controller (with the extras board and firmware), and clears its own taps: who owes whom (with the extra centre).
启动采集端、公交验票机（串口扫码器）和地铁闸机（摄像头），使用已签名的长三角参数包，模拟各城乘客刷码，中断并恢复网络，
核对每一笔记录及其票价规则，统计仿真闸机控制器上一次刷码的开销（需 board 与 firmware 组件），最后清算本次刷码
（需 centre 组件）。"""

EPILOG = """\
exit status 退出状态:
  0  every tap was judged as expected and is accounted for 判定正确，账目相符
  1  something is missing or wrong; it says what 账目不符，并说明原因
  2  it could not run 无法运行
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """[--taps N] [--seed N] [--out DIR] [--keep] [--fast] [--svg FILE]"""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    parser.add_argument(
        "--taps", type=WholeNumber(1, 1000), default=60, metavar="N", help="presentations, default 60 刷码次数"
    )
    parser.add_argument("--seed", type=WholeNumber(0, 1 << 32), default=1, metavar="N", help="of the script 随机种子")
    parser.add_argument(
        "--out", type=Path, default=Path("build/demo"), metavar="DIR",
        help="where report.html goes, default build/demo 报告目录",
    )  # fmt: skip
    parser.add_argument("--keep", action="store_true", help="keep journals and store, say where 保留日志与存储")
    parser.add_argument("--fast", action="store_true", help="no pauses between riders 不停顿")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="also save what is shown as a picture 另存为 SVG 图片")


def run(arguments: argparse.Namespace) -> int:
    """0 if everything is accounted for, else 1. Raises YimaError when it cannot run."""
    need_posix("yima demo")
    signal.signal(signal.SIGTERM, _end)
    report = arguments.out / "report.html"
    check_report(report)
    if arguments.svg is not None:
        check_report(arguments.svg)
    screen = Screen.standard(record=arguments.svg is not None)
    screen.title(arguments.taps, arguments.seed)
    with ExitStack() as closing:
        if arguments.keep:
            directory = Path(tempfile.mkdtemp(prefix="yima-demo-"))
        else:
            directory = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="yima-demo-")))
        demonstration = Demonstration(
            taps=arguments.taps, seed=arguments.seed, directory=directory, fast=arguments.fast, screen=screen
        )
        result = demonstration.run()
        screen.summary(
            result.outcomes, result.accounts, result.differences, seconds=result.seconds, carried=result.carried
        )
        # After the riders have gone: nothing here may slow them down.
        with screen.waiting(Text("counting a tap on the emulated gate controller", "统计仿真闸机控制器上的一次刷码")):
            board = tap_on_board(directory)
        screen.board(board.said, measured=board.measured)
        with screen.waiting(Text("clearing the demonstration's own taps", "清算本次演示的刷码")):
            cleared = demonstration.clear(result.outcomes)
        screen.cleared(cleared)
        write_report(
            report,
            title=Text("Yima: a tap, from the phone's screen to the collector", "一码：一次刷码，从手机屏幕到采集端"),
            outcomes=result.outcomes,
            accounts=result.accounts,
            differences=[*result.differences, *cleared.differences],
            board=board.section,
            clearing=cleared.section,
        )
        screen.wrote(report)
        if arguments.keep:
            screen.kept(directory)
        if arguments.svg is not None:
            screen.save(arguments.svg)
    return 1 if result.differences or cleared.differences else 0


def _end(_number: int, _frame: FrameType | None) -> None:
    """SIGTERM ends it as Ctrl-C does: in order, with every process stopped."""
    sys.exit(143)
