"""`yima board`: the emulated gate controller, from the factory to the tap."""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from yima.firmware_images.hardware import DEFAULT_BOARD, Starts, board, boards
from yima.firmware_images.image import read
from yima.firmware_images.keys import WARNING, public_key_of, public_test_key
from yima.firmware_images.provision import TEXT_MAX, Settings
from yima.firmware_images.session import Role, StationKey, bench_key
from yima.hwsim.board.emulator import MHZ, Board, hardware_in
from yima.hwsim.board.errors import BoardError, BoardUsageError
from yima.hwsim.board.factory import make_flash, parameters_bytes, settings_in
from yima.hwsim.board.flash import Cut
from yima.hwsim.board.flash_lock import alone_with
from yima.hwsim.board.flaws import Flaws
from yima.hwsim.board.links import check_links, link
from yima.hwsim.board.screen import Screen, Stopped
from yima.sdk.cli.arguments import WholeNumber, add_operator_argument
from yima.sdk.sm2 import decompress
from yima.validator.outside import bytes_of
from yima.validator.ports import DEVICE
from yima.validator.system.posix import need_posix
from yima.validator.texts import Text, say

HELP = "flash and run the emulated gate controller 烧录并运行仿真闸机控制板"

EXAMPLES = """\
examples 示例:
  yima image build && yima image sign          images into build/firmware 编译并签名固件
  yima issue --out bench                       codes, and parameters to match 测试码与参数
  yima board flash --parameters bench/params.toml
  yima board run                               says which ptys its UARTs are on 显示各串口的伪终端
  cat bench/code-001.bin > PTY                 into the scanner's pty: a tap 写入扫码串口即刷码
  yima board cuts --every 50                   a sample of all power cuts 断电抽样测试
  yima board rot --cases 10000                 bits of its flash flip 闪存位翻转测试
  yima board port-check --board posix          what each function of its port does 移植层自检
  yima board run --gdb 3333                    waits for gdb 等待 gdb 连接
  yima board run --qemu                        the same flash on qemu-system-arm 在 QEMU 上运行
"""
FLASH = Path("build/board.flash")
_TERMINAL = "bench-1"
IMAGE = Path("build/firmware/yima-bus-validator-test-a.img")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """flash | run | cuts | rot | port-check"""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    verbs = parser.add_subparsers(dest="action", required=True, metavar="flash|run|cuts|rot|port-check")
    flash = verbs.add_parser("flash", help="what the factory does: keys, image, settings, parameters 出厂烧录")
    flash.add_argument("image", nargs="?", type=Path, default=IMAGE, metavar="IMAGE", help=f"default {IMAGE} 映像")
    _flash_file(flash)
    flash.add_argument(
        "--key",
        type=Path,
        action="append",
        metavar="PEM",
        help="the boot ROM trusts it; default: the TEST key 信任的公钥",
    )
    flash.add_argument("--parameters", type=Path, metavar="FILE", help="a package, or the plain form (TOML) 参数")
    flash.add_argument("--terminal", type=_terminal, metavar="ID", help=f"default {_TERMINAL} 终端编号")
    flash.add_argument("--city", type=WholeNumber(0, 999999), metavar="N", help="division code 行政区划")
    add_operator_argument(flash)
    flash.add_argument(
        "--station-key", action="append", default=[], type=_station_key, metavar="[ROLE=]HEX",
        help="opens sessions on the station line as centre (default) or maintenance; to a test board: "
        "the TEST key 车站会话公钥",
    )  # fmt: skip
    flash.add_argument(
        "--keep", action="store_true",
        help="what is not told stays: log, settings, parameters, keys, the other slot 未指定的内容保持不变",
    )  # fmt: skip
    run_board = verbs.add_parser("run", help="power on; Ctrl-C is power off 上电运行")
    run_board.add_argument(
        "image", nargs="?", type=Path, metavar="IMAGE", help="flashed first, keeping the rest 先烧录，保留其余内容"
    )
    _flash_file(run_board)
    run_board.add_argument("--qemu", action="store_true", help="on qemu-system-arm instead 使用 QEMU")
    run_board.add_argument(
        "--gdb", type=WholeNumber(1, 65535), metavar="PORT", help="wait for gdb at that port 等待 gdb 连接"
    )
    run_board.add_argument(
        "--link", action="append", default=[], type=link, metavar="UART=PATH",
        help="a symbolic link to a UART's pty: scanner, station, status 伪终端的链接",
    )  # fmt: skip
    run_board.add_argument(
        "--control", type=Path, metavar="SOCKET", help="for `yima run --reader board:SOCKET` 供主机程序使用"
    )
    run_board.add_argument("--seconds", type=WholeNumber(1, 10**6), metavar="N", help="power off after that 定时断电")
    run_board.add_argument(
        "--mhz",
        type=WholeNumber(25, 2000),
        default=MHZ,
        metavar="N",
        help=f"clock rate of the model, default {MHZ} 主频",
    )
    run_board.add_argument("--dead-rtc", action="store_true", help="the real-time clock is dead 时钟失效")
    _harm(run_board)
    run_board.add_argument("--json", action="store_true", help="one JSON object a line 输出 JSON 行")
    cuts = verbs.add_parser("cuts", help="cut the power at every flash operation 在每次闪存操作处断电")
    cuts.add_argument(
        "--every",
        type=WholeNumber(1, 10**6),
        default=1,
        metavar="N",
        help="in rows of programs only each N-th; default all 抽样间隔",
    )
    cuts.add_argument(
        "--tap-every", type=WholeNumber(1, 10**6), default=50, metavar="N",
        help="after each N-th cut tried a tap must work too, default 50 每隔多少次断电再刷码",
    )  # fmt: skip
    rot = verbs.add_parser("rot", help="flip bits of log, settings and parameters 闪存位翻转测试")
    rot.add_argument("--cases", type=WholeNumber(1, 10**7), default=10000, metavar="N", help="default 10000 试验次数")
    rot.add_argument("--seed", type=WholeNumber(0, 2**31), default=0, metavar="N", help="other cases 随机种子")
    check = verbs.add_parser("port-check", help="what each function of a board's port does 移植层自检")
    check.add_argument(
        "--board", choices=boards(), default=DEFAULT_BOARD, metavar="NAME",
        help=f"{', '.join(boards())}; default {DEFAULT_BOARD} 板卡",
    )  # fmt: skip


def _harm(parser: argparse.ArgumentParser) -> None:
    """What is slow or wrong about the board; see yima.hwsim.board.flaws."""
    for name, most, text in (
        ("program-us", 10**6, "a flash program takes that long 闪存编程耗时（微秒）"),
        ("erase-ms", 10**4, "a flash erase takes that long 闪存擦除耗时（毫秒）"),
        ("noise", 10**9, "one byte in N comes with a framing error 每 N 字节有一个帧错误"),
    ):
        parser.add_argument(f"--{name}", type=WholeNumber(0, most), default=0, metavar="N", help=text)
    parser.add_argument(
        "--drift",
        type=WholeNumber(-500_000, 500_000),
        default=0,
        metavar="PPM",
        help="the real-time clock goes faster by that 时钟漂移",
    )
    parser.add_argument(
        "--brown-out", type=WholeNumber(0, 10**9), metavar="N",
        help="the supply dips at flash operation N 在第 N 次闪存操作时欠压",
    )  # fmt: skip


def _flash_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--flash", type=Path, default=FLASH, metavar="FILE", help=f"the board's flash, default {FLASH} 闪存文件"
    )


def _terminal(text: str) -> str:
    """One whose records a station can hand on."""
    if DEVICE.fullmatch(text) and len(text) <= TEXT_MAX:
        return text
    raise argparse.ArgumentTypeError(
        f"1 to {TEXT_MAX} letters, digits, dots, dashes, underscores, not {text!r} "
        f"请使用 1 至 {TEXT_MAX} 个字母、数字、点、横线、下划线"
    )


def _station_key(text: str) -> StationKey:
    role, equals, digits = text.rpartition("=")
    try:
        key = StationKey(role=Role[role.upper() if equals else "CENTRE"], public=bytes.fromhex(digits))
        if decompress(key.public) is not None:
            return key
    except (KeyError, ValueError):
        pass
    raise argparse.ArgumentTypeError(
        f"write centre=HEX or maintenance=HEX, the 66 digits of new-key, not {text!r} "
        "请写作 centre=HEX 或 maintenance=HEX（yima params new-key 给出的 66 位）"
    )


def run(arguments: argparse.Namespace) -> int:
    """0; 1 if the board halted. Raises YimaError when it cannot start."""
    if arguments.action != "flash":
        need_posix(f"yima board {arguments.action}")
    return {"flash": _flash, "run": _run, "cuts": _cuts, "rot": _rot, "port-check": _port_check}[arguments.action](
        arguments
    )


def _flash(arguments: argparse.Namespace) -> int:
    trusted = [public_key_of(path) for path in arguments.key] if arguments.key else [public_test_key()]
    image = _bytes_of(arguments.image)
    shown = read(image, arguments.image)
    arguments.flash.parent.mkdir(parents=True, exist_ok=True)
    with alone_with(arguments.flash):
        settings = _settings(arguments, is_test=shown.environment == "test")
        make_flash(
            arguments.flash,
            image,
            keys=None if arguments.keep and not arguments.key else trusted,
            settings=settings,
            parameters=parameters_bytes(arguments.parameters) if arguments.parameters else None,
            keep=arguments.keep,
        )
    print(f"{arguments.flash}  {shown.product} {shown.version_text}, terminal {settings.terminal}")
    if shown.test_key:
        print(f"yima board: {say(WARNING)}", file=sys.stderr)
    if not settings.station_keys:
        nobody = Text(
            "no --station-key: nobody can set its clock or take its records", "未指定 --station-key：无法校时或取记录"
        )
        print(f"yima board: {say(nobody)}", file=sys.stderr)
    if not arguments.parameters and not arguments.keep:
        missing = Text("no parameters yet: the board will be out of service", "尚无参数：设备将停止服务")
        print(f"yima board: {say(missing)}", file=sys.stderr)
    return 0


def _settings(arguments: argparse.Namespace, *, is_test: bool) -> Settings:
    """Those that are told; the others are those of the flash that is kept, or the bench's."""
    kept = settings_in(arguments.flash) if arguments.keep else None
    told = {
        "terminal": arguments.terminal,
        "city": arguments.city,
        "operator": arguments.operator or None,
        "station_keys": arguments.station_key or None,
    }
    others = kept or Settings(terminal=_TERMINAL, station_keys=[bench_key()] if is_test else [])
    return replace(others, **{name: value for name, value in told.items() if value is not None})


def _run(arguments: argparse.Namespace) -> int:
    check_links(arguments.link)
    if arguments.qemu:
        _check_what_qemu_can(arguments)
    if arguments.image:
        arguments.flash.parent.mkdir(parents=True, exist_ok=True)
    with alone_with(arguments.flash):
        return _powered(arguments)


def _powered(arguments: argparse.Namespace) -> int:
    """While nobody else has the flash file."""
    if arguments.image:
        make_flash(arguments.flash, _bytes_of(arguments.image), keys=None, keep=True)
    if hardware_in(arguments.flash).starts is not Starts.VECTORS:
        _check_what_our_emulator_alone_can(arguments)
    with Board(arguments.flash, mhz=arguments.mhz) as board:
        board.set_rtc(0 if arguments.dead_rtc else int(time.time()), stopped=arguments.dead_rtc)
        board.set_flaws(_flaws(arguments))
        if arguments.brown_out is not None:
            board.cut_at(arguments.brown_out, Cut.TORN, brown_out=True)
        outcome = board.power_on()
        show = Screen(arguments.json)
        for _, note in outcome.notes:
            show({"note": note})
        if outcome.slot is None:
            return 1
        if arguments.qemu:
            board.power_off()
            from yima.hwsim.board import qemu  # noqa: PLC0415 - what speaks to a station takes half a second

            return qemu.run_on_terminals(arguments.flash, gdb=arguments.gdb, seconds=arguments.seconds)
        end = time.monotonic() + arguments.seconds if arguments.seconds else None
        with Stopped() as stopped:

            def heard(event: dict[str, Any]) -> bool:
                if event:
                    show(event)
                return not stopped() and (end is None or time.monotonic() < end)

            outcome = board.live(heard, links=dict(arguments.link), control=arguments.control, gdb=arguments.gdb)
    return 1 if outcome.state == "halted" else 0


def _check_what_our_emulator_alone_can(arguments: argparse.Namespace) -> None:
    """Raises BoardError for what needs an emulated processor."""
    not_here = {"--qemu": arguments.qemu, "--gdb": arguments.gdb, **_flawed(arguments)}
    for name, given in not_here.items():
        if given:
            raise BoardUsageError(
                name,
                Text(
                    "this board runs without our emulator, as a process or on QEMU",
                    "该板卡以本机进程或 QEMU 运行，不使用本仿真器",
                ),
                Text("Leave it out; gdb -p PID attaches to a process", "请去掉该选项；进程可用 gdb -p PID 附加"),
            )


def _flawed(arguments: argparse.Namespace) -> dict[str, bool]:
    return {
        "--program-us, --erase-ms, --noise, --drift": _flaws(arguments) != Flaws(),
        "--brown-out": arguments.brown_out is not None,
    }


def _flaws(arguments: argparse.Namespace) -> Flaws:
    return Flaws(
        program_us=arguments.program_us,
        erase_us=1000 * arguments.erase_ms,
        drift_ppm=arguments.drift,
        noise=arguments.noise,
    )


def _check_what_qemu_can(arguments: argparse.Namespace) -> None:
    """Raises BoardError for an option that only our own emulator has."""
    ours = {
        "--link": arguments.link,
        "--control": arguments.control,
        "--dead-rtc": arguments.dead_rtc,
        "--json": arguments.json,
        "--mhz": arguments.mhz != MHZ,
        **_flawed(arguments),
    }
    for name, given in ours.items():
        if given:
            raise BoardUsageError(
                name,
                Text("QEMU's board does not have that", "QEMU 板卡不支持该选项"),
                Text("Leave it out, or leave out --qemu", "请去掉该选项，或去掉 --qemu"),
            )


def _cuts(arguments: argparse.Namespace) -> int:
    """1 if a cut was not survived."""
    from yima.hwsim.board.cut_scenarios import trial, trips, update  # noqa: PLC0415 - needs the compiler and imgtool
    from yima.hwsim.board.power_cuts import survive  # noqa: PLC0415
    from yima.hwsim.board.workshop import make_firmware, make_world  # noqa: PLC0415

    lost = 0
    with tempfile.TemporaryDirectory(prefix="yima-cuts-") as name:
        directory = Path(name)
        firmware, world = make_firmware(directory / "firmware"), make_world()
        for play in (trips, trial, update):
            scenario = play(directory, firmware, world)
            operations = len(scenario.operations)
            print(f"{scenario.name}: {operations} flash operations 次闪存操作", flush=True)
            outcome = survive(scenario, every=arguments.every, tap_every=arguments.tap_every)
            print(f"{scenario.name}: {outcome}", flush=True)
            for loss in outcome.losses:
                print(f"  {loss}", file=sys.stderr)
            lost += outcome.lost
    return 1 if lost else 0


def _bytes_of(path: Path) -> bytes:
    try:
        return bytes_of(path)
    except OSError as error:
        raise BoardError(
            path,
            Text(f"cannot be read ({error.strerror})", f"无法读取（{error.strerror}）"),
            Text("Make it: yima image build && yima image sign", "请先执行 yima image build 与 yima image sign"),
        ) from error


def _rot(arguments: argparse.Namespace) -> int:
    """1 if a loss was silent, or the log jammed or gave a number again."""
    from yima.hwsim.board.rot import rot  # noqa: PLC0415 - needs the compiler

    found = rot(arguments.cases, arguments.seed)
    for name, decayed in found.items():
        print(f"{name}: {decayed}", flush=True)
    return 0 if all(decayed.is_sound for decayed in found.values()) else 1


def _port_check(arguments: argparse.Namespace) -> int:
    """1 if a function of the port does not do what port.h says."""
    from yima.hwsim.board.port_check import check_port  # noqa: PLC0415 - needs the compiler and imgtool

    bad = 0
    with tempfile.TemporaryDirectory(prefix="yima-port-") as folder:
        for check in check_port(board(arguments.board), Path(folder), int(time.time())):
            print(f"{'good' if check.is_good else 'BAD':5} {check.name:16} {check.saw}".rstrip(), flush=True)
            bad += not check.is_good
    return 1 if bad else 0
