"""`yima run`: a validator at work."""

import argparse
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sdk.cli.arguments import WholeNumber, add_direction_argument, gate_of
from sdk.tap_lines import (
    notice_as_line,
    notice_as_mapping,
    standard_output,
    tap_as_line,
    tap_as_mapping,
)
from validator.activation import Packages, PlainFile, Source, Upkeep
from validator.clock import SOFTWARE_DATE, SystemClock
from validator.device import Device, Happening, Notice, Summary, Tap
from validator.family_rules import RESOLVED_FAMILIES
from validator.journal import SqliteJournal
from validator.judging import Validator
from validator.packages import ENVIRONMENTS, read_pins
from validator.parameters import Mode, Parameters
from validator.ports import open_gate, open_reader, open_resolver
from validator.record import Terminal
from validator.resolving import Resolving
from validator.state import State
from validator.texts import Text, say
from validator.uplink.http import HttpUplink
from validator.uplink.sender import BatchPolicy

HELP = "run a validator: read codes, judge, record, open the gate, upload 运行检票终端"

DESCRIPTION = """\
Runs one validator at one gate: codes come from a reader, are judged offline by the parameters, recorded durably in the
state directory, answered at the gate, and uploaded to a collector when there is one. Stop it with Ctrl-C or SIGTERM;
the next start goes on where it stopped. Nothing recorded is lost by a crash or a power cut.
运行一台检票终端：读码、离线判定、可靠记录、控制闸机、上传。按 Ctrl-C 停止，下次启动自动续传。"""

EXAMPLES = """\
readers 读码器:
  serial:/dev/ttyUSB0?baud=115200   a scanner on a serial port or USB (virtual COM) 串口扫码器
  camera:0                          the first camera 摄像头
  file:codes/                       files: payloads (.bin .hex .b64) and pictures; ends after the last 文件

examples 示例:
  yima run --reader file:codes/ --params city.toml --state /tmp/bench
  yima run --reader serial:/dev/ttyUSB0 --params city.toml --state /var/lib/yima --collector http://127.0.0.1:8080
  yima run --reader camera:0 --params city.toml --state gate-7 --mode metro --city 310000 --station 0101 --json
  yima collect --store trips.db           a collector for the bench, in another terminal 另开终端运行采集端
  yima journal show /var/lib/yima         what was recorded and what still waits 查看日志
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the verb."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    needed = parser.add_argument_group("needed 必需")
    needed.add_argument(
        "--reader", required=True, metavar="SPEC", help="where codes come from, see below 读码器，见下文"
    )
    needed.add_argument(
        "--params", required=True, type=Path, metavar="FILE",
        help="a signed package with --trust, else the plain form (TOML); SIGHUP: read again 参数包或参数文件",
    )  # fmt: skip
    needed.add_argument(
        "--state", required=True, type=Path, metavar="DIR",
        help="the device's own directory: name, key, journal; made at the first start 状态目录，首次启动时创建",
    )  # fmt: skip
    trust = parser.add_argument_group("signed parameters 签名参数包")
    trust.add_argument(
        "--trust", type=Path, metavar="FILE",
        help="the signers' public keys, one a line; then nothing unsigned is taken 受信任的签名公钥，每行一个",
    )  # fmt: skip
    trust.add_argument(
        "--environment", choices=list(ENVIRONMENTS), default=None,
        help="what packages must be made for, default production 参数包所属环境，默认 production",
    )  # fmt: skip
    place = parser.add_argument_group("the gate and its place 闸机与位置")
    place.add_argument(
        "--gate", default="console:", metavar="SPEC", help="what to open; default console: 闸机，默认控制台"
    )
    place.add_argument(
        "--mode", choices=[str(mode) for mode in Mode], default=str(Mode.BUS), help="bus (default) or metro 公交或地铁"
    )
    place.add_argument(
        "--city",
        type=WholeNumber(0, 999999),
        default=0,
        metavar="N",
        help="division code, 320500 is Suzhou 行政区划代码",
    )
    add_direction_argument(place)
    place.add_argument(
        "--resolver", action="append", default=[], type=_resolver, metavar="FAMILY=URL",
        help="whom to ask about codes that only their issuer can verify, sufu=https://...; repeatable 联网核验端",
    )  # fmt: skip
    terminal = parser.add_argument_group("what its records say 记录内容")
    terminal.add_argument(
        "--device", metavar="ID", help="the device's name; default: made at the first start 设备编号，默认自动生成"
    )
    for name, text in (
        ("line", "line; a number is that of the fare tables too 线路；数字同时用于票价表"),
        ("station", "station or stop, likewise 站点，同上"),
        ("vehicle", "vehicle number 车辆编号"),
        ("plate", "number plate 车牌"),
        ("driver", "driver number 司机编号"),
        ("position", "position as lat,lon 经纬度"),
    ):
        terminal.add_argument(f"--{name}", default="", metavar="TEXT", help=text)
    terminal.add_argument("--vendor", default="yima", metavar="TEXT", help="terminal vendor, default yima 终端厂商")
    upload = parser.add_argument_group("upload 上传")
    upload.add_argument(
        "--collector", metavar="URL", help="where trips go; without it they wait in the journal 采集端地址"
    )
    upload.add_argument(
        "--batch-count",
        type=WholeNumber(1, 1000),
        default=100,
        metavar="N",
        help="entries that make a batch, default 100 每批条数",
    )
    upload.add_argument(
        "--batch-age", type=_seconds, default=5.0, metavar="S",
        help="seconds that the oldest may wait for a batch, default 5 最长等待秒数",
    )  # fmt: skip
    other = parser.add_argument_group("other 其他")
    other.add_argument("--json", action="store_true", help="one JSON object a line on standard output 输出 JSON 行")
    other.add_argument(
        "--trust-clock", action="store_true",
        help="believe the clock even if it is before this software or the newest record 始终信任系统时钟",
    )  # fmt: skip
    other.add_argument(
        "--journal-max-mb",
        type=WholeNumber(1, 1_000_000),
        metavar="N",
        help="never let the journal grow beyond this 日志上限 (MB)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs until SIGTERM or SIGINT, or until the reader has no more; 0. Raises YimaError when it cannot start."""
    stop = threading.Event()
    out = standard_output(on_broken=stop.set)
    source_in = _source(arguments)
    state = State.open(arguments.state, arguments.device)
    terminal = _terminal(arguments, state)

    def judge_by(parameters: Parameters) -> Validator:
        return Validator(parameters, gate_of(arguments))

    with ExitStack() as on_failure:
        limit = arguments.journal_max_mb
        journal = state.open_journal(max_bytes=limit << 20 if limit else None)
        on_failure.callback(journal.close)
        floor = 0 if arguments.trust_clock else max(SOFTWARE_DATE, journal.newest_trusted_at() or 0)
        clock = SystemClock(floor)
        source = source_in(state)
        parameters = source.start(clock.now())
        validator = judge_by(parameters)
        uplink = _uplink(arguments.collector, state, journal)
        if uplink:
            on_failure.callback(uplink.close)
        console = arguments.gate.startswith("console:")
        gate = open_gate("console:stderr" if arguments.json and arguments.gate == "console:" else arguments.gate)
        on_failure.callback(gate.close)
        resolvers = {family: open_resolver(specification) for family, specification in arguments.resolver}
        reader = open_reader(arguments.reader)
        on_failure.pop_all()  # the device closes them from here on

    def show_tap(tap: Tap) -> None:
        if arguments.json:
            out.write_json(tap_as_mapping(tap))
        else:
            out.write(tap_as_line(tap, with_verdict=not console))

    def show_notice(notice: Notice) -> None:
        if arguments.json:
            out.write_json(notice_as_mapping(notice))
        else:
            out.write(notice_as_line(notice))

    upkeep = Upkeep(
        source,
        judge_by,
        changed=lambda parameters: show_notice(_looked(parameters)),
        troubled=lambda error: show_notice(Notice(happening=Happening.PARAMETERS_TROUBLE, error=error)),
    )
    device = Device(
        reader=reader,
        validator=validator,
        journal=journal,
        gate=gate,
        uplink=uplink,
        clock=clock,
        terminal=terminal,
        on_tap=show_tap,
        on_notice=show_notice,
        reopen=lambda: open_reader(arguments.reader),
        batches=BatchPolicy(count=arguments.batch_count, age_s=arguments.batch_age),
        upkeep=upkeep,
        resolving=Resolving(resolvers),
    )
    started = _started(arguments, parameters, journal, trusted=clock.now().trusted)
    started["collector_encrypted"] = uplink.encrypted if uplink else None
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    signal.signal(signal.SIGHUP, lambda *_: upkeep.request())
    out.write_json(started) if arguments.json else out.write(_started_line(started))
    summary = device.run(stop)
    ended = _stopped(summary)
    out.write_json(ended) if arguments.json else out.write(_stopped_line(summary))
    return 1 if out.broken else 0


def _source(arguments: argparse.Namespace) -> Callable[[State], Source]:
    """Where parameters come from; reads what can be read before there is a state directory."""
    if arguments.trust is None:
        plain = PlainFile(arguments.params, arguments.environment)
        return lambda state: plain
    pins = read_pins(arguments.trust)
    return lambda state: Packages(
        arguments.params,
        state.directory / "packages",
        pins,
        arguments.environment or "production",
        city=arguments.city,
    )


def _looked(parameters: Parameters | None) -> Notice:
    if parameters is None:
        return Notice(happening=Happening.PARAMETERS_UNCHANGED)
    return Notice(happening=Happening.PARAMETERS_CHANGED, version=parameters.version)


def _uplink(url: str | None, state: State, journal: SqliteJournal) -> HttpUplink | None:
    if url is None:
        return None
    return HttpUplink(url, key=state.key, device=journal.device, epoch=journal.epoch)


def _terminal(arguments: argparse.Namespace, state: State) -> Terminal:
    return Terminal(
        terminal=state.device,
        vendor=arguments.vendor,
        vehicle=arguments.vehicle,
        plate=arguments.plate,
        driver=arguments.driver,
        line=arguments.line,
        station=arguments.station,
        position=arguments.position,
    )


def _started(
    arguments: argparse.Namespace, parameters: Parameters, journal: SqliteJournal, *, trusted: bool
) -> dict[str, Any]:
    last = journal.last_sequence()
    return {
        "event": "started",
        "device": journal.device,
        "epoch": journal.epoch,
        "resumed_at": last + 1,
        "pending": last - journal.acknowledged(),
        "reader": arguments.reader,
        "gate": arguments.gate,
        "collector": arguments.collector,
        "mode": arguments.mode,
        "city": arguments.city,
        "environment": parameters.environment,
        "parameters_version": parameters.version,
        "clock_trusted": trusted,
    }


def _started_line(started: dict[str, Any]) -> str:
    lines = [
        say(
            Text(
                "device {device}, next record #{resumed_at}, {pending} waiting for upload, reader {reader}",
                "设备 {device}，下一条记录 #{resumed_at}，待上传 {pending} 条，读码器 {reader}",
            )
        ).format(**started)
    ]
    if started["environment"] == "test":
        lines.append(
            say(Text("  * test parameters: real fares must not be taken with them", "  * 测试参数：不得用于实际收费"))
        )
    if started["collector_encrypted"] is False:
        lines.append(
            say(Text("  * trips go to the collector unencrypted: use https", "  * 行程以明文上传，请使用 https"))
        )
    if not started["clock_trusted"]:
        lines.append(
            say(
                Text(
                    "  * the clock is before the software's date or the newest record: every good code will be refused."
                    " Set the clock, or say --trust-clock if you know it is right",
                    "  * 系统时钟早于软件日期或最新记录：有效的码也会被拒绝。请校准时钟；确认无误可加 --trust-clock",
                )
            )
        )
    return "\n".join(lines)


def _stopped(summary: Summary) -> dict[str, Any]:
    return {
        "event": "stopped",
        "taps": summary.taps,
        "recorded": summary.recorded,
        "acknowledged": summary.acknowledged,
        "pending": summary.pending,
    }


def _stopped_line(summary: Summary) -> str:
    return say(
        Text(
            f"stopped: {summary.taps} taps, {summary.recorded} recorded, acknowledged up to #{summary.acknowledged},"
            f" {summary.pending} waiting",
            f"已停止：刷码 {summary.taps} 次，记录 {summary.recorded} 条，已确认至 #{summary.acknowledged}，"
            f"待上传 {summary.pending} 条",
        )
    )


def _resolver(text: str) -> tuple[str, str]:
    family, _, specification = text.partition("=")
    if family not in RESOLVED_FAMILIES:
        names = ", ".join(RESOLVED_FAMILIES)
        raise argparse.ArgumentTypeError(f"FAMILY=URL, the family one of {names} 码类须为其中之一")
    return family, specification


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 86400:
        raise argparse.ArgumentTypeError("seconds, from 0 to 86400")
    return number
