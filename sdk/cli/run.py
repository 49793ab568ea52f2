"""`yima run`: a validator at work."""

import argparse
import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from yima.sdk.cli.arguments import WholeNumber, add_direction_argument, add_operator_argument, gate_of
from yima.sdk.cli.ending import follow_signals
from yima.sdk.cli.gate_place import KnownStops, placed, placing_of
from yima.sdk.cli.observed import add_console_arguments, observe
from yima.sdk.cli.reader_options import READERS
from yima.sdk.cli.run_lines import RunLines
from yima.sdk.cli.run_parts import (
    a_resolver,
    add_upload_arguments,
    policy,
    shared_uses,
    terminal_of,
    uplink_of,
    validator_of,
    with_profile,
)
from yima.sdk.cli.run_sources import Stated, deny_of, pull_of, source_of, upkeep_of
from yima.sdk.observing.seen import Looking
from yima.sdk.observing.silence import Heard
from yima.sdk.observing.supervisor import Supervisor, Turning
from yima.sdk.tap_lines import standard_output
from yima.validator.clock import BEHIND_S, SOFTWARE_DATE, SystemClock
from yima.validator.device import LAST_UPLOAD_S, Device
from yima.validator.happenings import Happening, Notice
from yima.validator.journal import SegmentJournal
from yima.validator.journal.form import SEGMENT_SIZE
from yima.validator.journal.older import OlderJournal
from yima.validator.journal.writing import SEGMENTS_MIN
from yima.validator.judging import Moment
from yima.validator.packages import ENVIRONMENTS
from yima.validator.parameters import Mode
from yima.validator.ports import Clock, open_gate, open_reader, open_resolver
from yima.validator.resolvers.resolving import Resolving
from yima.validator.state import DeviceState
from yima.validator.uplink.older import OlderUpload

HELP = "run a validator: read codes, judge, record, open the gate, upload 运行检票终端"

DESCRIPTION = """\
Runs one validator at one gate: codes come from a reader, are judged offline by the parameters, recorded durably in the
state directory, answered at the gate, and uploaded to a collector when there is one. Stop it with Ctrl-C or SIGTERM;
the next start goes on where it stopped. Nothing recorded is lost by a crash or a power cut.
运行一台检票终端：读码、离线判定、可靠记录、控制闸机、上传。按 Ctrl-C 停止，下次启动自动续传。"""

EXAMPLES = f"""\
{READERS}
examples 示例:
  yima run --reader file:codes/ --params city.toml --state /tmp/bench
  yima run --reader serial:/dev/ttyUSB0 --params city.toml --state /var/lib/yima --collector http://127.0.0.1:8080
  yima run --reader camera:0 --params city.toml --state gate-7 --mode metro --city 310000 --station 0101 --json
  yima run --reader camera:0 --params city.ymp --trust city.keys --deny-list national-*.ymp --state gate-7
                                          a national deny-list beside the parameters 使用全国黑名单
  yima run --reader serial:/dev/ttyUSB0 --params city.toml --state bus-7 --city 320500 --place serial:/dev/ttyS1
                                          a bus that is told its stops 由报站器更新站点
  yima collect --store trips.db --bench   a collector for the bench, in another terminal 另开终端运行采集端
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
        "--params", type=Path, metavar="FILE",
        help="a signed package with --trust, else the plain form (TOML); SIGHUP: read again. With --packages only the"
        " first is needed, or none 参数包或参数文件",
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
        "--packages", metavar="URL",
        help="where a parameter centre publishes: packages are pulled from there, with --trust 参数发布地址",
    )  # fmt: skip
    trust.add_argument(
        "--deny-list", type=Path, nargs="+", metavar="FILE",
        help="the national deny-list: a full package and its increments, oldest first; a test device without --trust"
        " takes a bare list (.ymd); SIGHUP: read again 全国黑名单包：全量及增量，按时间顺序",
    )  # fmt: skip
    trust.add_argument(
        "--environment", choices=list(ENVIRONMENTS), default=None,
        help="what packages must be made for, default production with --trust, test without 参数所属环境",
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
        "--place", metavar="SPEC",
        help="who says where the bus is while it runs: serial:/dev/ttyS1, udp:4010 报站信息源，公交途中更新线路与站点",
    )  # fmt: skip
    add_operator_argument(place)
    place.add_argument(
        "--resolver", action="append", default=[], type=a_resolver, metavar="FAMILY=URL",
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
    add_upload_arguments(parser)
    other = parser.add_argument_group("other 其他")
    other.add_argument(
        "--metrics", metavar="[HOST:]PORT",
        help="answer Prometheus there at /metrics, 9464 is usual; without HOST: this machine only 指标端口",
    )  # fmt: skip
    add_console_arguments(other)
    other.add_argument("--json", action="store_true", help="one JSON object a line on standard output 输出 JSON 行")
    other.add_argument(
        "--trust-clock", action="store_true",
        help="believe the clock even if it is before this software or the newest record 始终信任系统时钟",
    )  # fmt: skip
    other.add_argument(
        "--journal-max-mb",
        type=WholeNumber(SEGMENTS_MIN * SEGMENT_SIZE >> 20, 1_000_000),
        metavar="N",
        help="never let the journal grow beyond this, at least 6: what is acknowledged makes room 日志上限 (MB)",
    )
    other.add_argument(
        "--journal-keep-days",
        type=WholeNumber(0, 36_500),
        default=1830,
        metavar="N",
        help="how long acknowledged records are kept, default 1830, five years 已确认记录的保留天数",
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs until SIGTERM or SIGINT, or until the reader has no more; 0. Raises YimaError when it cannot start."""
    stop = threading.Event()
    lines = RunLines(standard_output(stop.set, as_json=arguments.json), arguments)
    source_in = source_of(arguments)
    state = DeviceState.open(arguments.state, arguments.device)
    terminal = terminal_of(arguments, state)

    with ExitStack() as on_failure:
        on_failure.callback(lines.observers.stop)
        observe(lines.observers, arguments, state.device, lines.notice)
        limit = (arguments.journal_max_mb or 0) << 20
        journal = state.open_journal(max_bytes=limit or None, keep_s=arguments.journal_keep_days * 86400)
        on_failure.callback(journal.close)
        older = state.open_older_journal()
        clock = SystemClock()
        begun = _begun(clock, journal, older, is_sure=arguments.trust_clock)
        source = source_in(state)
        parameters = source.start(begun)
        validator = validator_of(
            arguments,
            parameters,
            placed(
                gate_of(arguments), parameters, lines.notice,
                moves=bool(arguments.place), expiry=source.standing(begun)[1],
            ),
        )  # fmt: skip
        deny = deny_of(arguments, state, lines.notice, begun=begun, validator=validator)
        if older:
            on_failure.callback(older.close, 0)
        uplink = uplink_of(arguments, state, journal.epoch, Stated(state.device, source, deny))
        if uplink:
            on_failure.callback(uplink.close)
        uses = shared_uses(arguments, state, validator, parameters=parameters, clock=clock, tell=lines.notice)
        on_failure.callback(uses.stop)
        gate = open_gate("console:stderr" if arguments.json and arguments.gate == "console:" else arguments.gate)
        on_failure.callback(gate.close)
        placing = placing_of(arguments.place, validator.gate, stops := KnownStops(parameters))
        resolvers = {family: open_resolver(specification) for family, specification in arguments.resolver}
        specification = with_profile(arguments.reader, parameters.reader)
        reader = Heard(open_reader(specification), specification, lines.notice)
        on_failure.pop_all()  # the device closes them from here on

    upkeep = upkeep_of(source, deny, lines.notice, pull_of(source, state, deny, clock, lines.notice), stops.follow)
    supervisor = Supervisor()
    turning = Turning(upkeep, supervisor.turned, lines.observers.turned, uses.turn)
    device = Device(
        reader=reader,
        validator=validator,
        journal=journal,
        gate=gate,
        uplink=uplink,
        clock=clock,
        terminal=terminal,
        on_tap=lines.tap,
        on_notice=lines.notice,
        reopen=lambda: open_reader(specification),
        batches=policy(arguments),
        upkeep=turning,
        resolving=Resolving(resolvers),
        older=older.accepted() if older else (),
        not_before=SOFTWARE_DATE,
        confirmed_by="--trust-clock" if arguments.trust_clock else "",
        placing=placing,
    )
    follow_signals(stop, stopping=supervisor.stopping, again=upkeep.request)
    lines.observers.start(
        Looking(
            device=device, journal=journal, source=source, deny=deny, parameters=parameters,
            limit_bytes=limit, lines_dropped=lambda: lines.dropped,
        ),
        lambda: turning.at,
    )  # fmt: skip
    lines.started(
        journal=journal,
        parameters=parameters,
        waiting=source.waiting,
        deny=deny.deny if deny else None,
        encrypted=uplink.encrypted if uplink else None,
        trusted=begun.trusted,
    )
    _set_aside_the_start()
    try:
        with uses, _older_sent(older, arguments, state, clock, lines.notice), upkeep.pulling():
            summary = device.run(stop)
    finally:
        if deny:
            deny.close()
        lines.observers.stop()
    lines.stopped(summary)
    return 0 if lines.close() else 1


def _set_aside_the_start() -> None:
    """What the start made lives until the end: no garbage collection looks through it while a rider waits."""
    gc.collect()
    gc.freeze()


def _begun(clock: Clock, *journals: SegmentJournal | OlderJournal | None, is_sure: bool) -> Moment:
    """The first moment: trusted unless it is before the software was made, or before the newest record."""
    newest = max(one.newest_trusted_at() or 0 for one in journals if one)
    moment = clock.now()
    return replace(moment, trusted=is_sure or moment.unix_s >= max(SOFTWARE_DATE, newest) - BEHIND_S)


@contextmanager
def _older_sent(
    older: OlderJournal | None,
    arguments: argparse.Namespace,
    state: DeviceState,
    clock: Clock,
    tell: Callable[[Notice], None],
) -> Iterator[None]:
    """Sends what a journal of the older form still holds, for as long as the device runs."""
    if older is None:
        yield
        return
    upload = OlderUpload(
        older,
        uplink_of(arguments, state, older.epoch),
        policy=policy(arguments),
        now=lambda: clock.now().unix_s,
        on_trouble=lambda error: tell(Notice(happening=Happening.UPLOAD_TROUBLE, error=error)),
        on_sent=lambda through, rejected: tell(
            Notice(happening=Happening.OLDER_JOURNAL_SENT, through=through, rejected=rejected)
        ),
    )
    upload.start()
    try:
        yield
    finally:
        upload.stop(LAST_UPLOAD_S)
