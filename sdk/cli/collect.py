"""`yima collect`: a collector for benches and small systems."""

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from yima.sdk.centre.clearing.toml_rows import TermsError
from yima.sdk.centre.collector.app import Collector
from yima.sdk.centre.collector.schema import StoreError
from yima.sdk.centre.collector.store import Store
from yima.sdk.centre.collector.watched import Watching
from yima.sdk.centre.fleet.database import open_fleet
from yima.sdk.centre.fleet.devices import Register
from yima.sdk.centre.interfaces.keys import Role, read_keys
from yima.sdk.cli.observed import add_console_arguments
from yima.sdk.listening import host_and_port, listen, url_of
from yima.sdk.serving import serve
from yima.sdk.tap_lines import standard_output
from yima.validator.errors import YimaError
from yima.validator.shown import shown
from yima.validator.texts import Text, say

READERS = frozenset({Role.OPERATOR, Role.AUDITOR, Role.CLERK, Role.REGION})
HELP = "take the batches of devices and keep them 运行采集端"

DESCRIPTION = """\
Takes signed batches of trip records over HTTP, checks signature, chain and integrity, keeps them in one SQLite file,
and answers how far it has each journal. Stop it with Ctrl-C or SIGTERM. Devices that may send are enrolled by
`yima centre devices`, also while it runs; whoever reads shows a key of `yima centre keys make`. With --bench neither is
asked. It speaks plain HTTP: beyond one machine, put it behind a TLS proxy.
接收终端上传的行程记录，验签、验链、验完整性后存入 SQLite，并确认到哪一条。
终端须先用 yima centre devices 登记（运行中即时生效）；读取方须出示 yima centre keys make 生成的密钥；
--bench 时两者均不要求。"""

EXAMPLES = """\
examples 示例:
  yima collect --store trips.db --bench
  curl http://127.0.0.1:8080/devices        how far each journal has come 查看各终端进度
  yima centre devices enrol trips.db gate-7 3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29
  yima collect --listen 0.0.0.0:8080 --store trips.db --readers keys.toml
  curl http://127.0.0.1:8080/ready          whether it would take a batch now 是否可接收

A device prints its name and key when it is refused. 终端被拒时会打印其名称与公钥。
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the verb."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument(
        "--listen", default="127.0.0.1:8080", metavar="HOST:PORT",
        help="where to listen, default 127.0.0.1:8080; port 0: any free one 监听地址",
    )  # fmt: skip
    parser.add_argument(
        "--store", required=True, type=Path, metavar="FILE", help="the SQLite file to keep trips in 存储文件"
    )
    parser.add_argument(
        "--bench", action="store_true",
        help="for a bench only: the first key that a device shows is enrolled, and everyone may read 仅限试验台",
    )  # fmt: skip
    parser.add_argument(
        "--readers", type=Path, metavar="FILE",
        help="keys.toml of `yima centre keys`; roles operator, auditor, clerk, region 读取方密钥文件",
    )  # fmt: skip
    add_console_arguments(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line on standard output 输出 JSON 行")


def run(arguments: argparse.Namespace) -> int:
    """Serves until SIGTERM or SIGINT; 0. Raises YimaError when it cannot start."""
    if arguments.bench and arguments.readers is not None:
        raise StoreError(
            "--readers",
            Text("says who may read, and --bench lets everyone", "指定读取方，而 --bench 允许任何人读取"),
            Text("Leave one of the two out", "请去掉其中一个选项"),
        )
    host, port = host_and_port(arguments.listen)
    # A console that went away is no reason to stop taking trips.
    out = standard_output(lambda: None, as_json=arguments.json)

    watching = Watching()

    def show(event: dict[str, Any]) -> None:
        watching.happened(event)
        if arguments.json:
            out.write_json(event)
        else:
            out.write(_line(event))

    def troubled(error: YimaError) -> None:
        show({"event": "trouble", "why": str(error)})

    with ExitStack() as ending:
        listening = listen(host, port)
        ending.callback(listening.close)
        if arguments.console is not None:
            watching.show(arguments.console, arguments.store.name, arguments.console_token, on_trouble=troubled)
            ending.callback(watching.stop)
        may_read = None if arguments.bench else _readers(arguments.readers)
        store = Store(arguments.store)
        ending.callback(store.close)
        fleet = open_fleet(arguments.store)
        ending.callback(fleet.close)
        register = Register(fleet, on_trouble=troubled)
        show({"event": "listening", "url": url_of(listening), "store": str(arguments.store), "open": arguments.bench})
        collector = Collector(
            store,
            enrolled=register.keys,
            trust=register.trust if arguments.bench else None,
            may_read=may_read,
            on_event=show,
        )
        serve(collector.app(), listening, again=register.read_again)
    show({"event": "stopped"})
    return 0


def _today() -> int:
    """The day in UTC+8, in which keys hold; without what else a centre needs to be installed."""
    return int(f"{datetime.now(UTC) + timedelta(hours=8):%Y%m%d}")


def _readers(path: Path | None) -> Callable[[str], bool]:
    """Whether a key is that of a reader; the file is read for each question, so that a revoked key ends at once."""
    if path is not None:
        read_keys(path)  # what is wrong with it is said at the start

    def may_read(shown: str) -> bool:
        try:
            key = read_keys(path).find(shown, _today()) if path is not None else None
        except TermsError:
            return False
        return key is not None and key.role in READERS

    return may_read


def _line(event: dict[str, Any]) -> str:
    match event["event"]:
        case "listening":
            line = say(
                Text(
                    f"listening on {event['url']}, store {event['store']}",
                    f"监听 {event['url']}，存储 {event['store']}",
                )
            )
            if event["open"]:
                line += "\n" + say(
                    Text(
                        "WARNING: --bench: any device is trusted on first use, and everyone may read",
                        "警告：--bench：首次出现的设备均被信任，任何人可读取，仅限试验台使用",
                    )
                )
            return line
        case "device":
            return say(
                Text(
                    f"NEW DEVICE {event['device']}, key {event['key']} ({event['how']})",
                    f"新设备 {event['device']}，公钥 {event['key']}",
                )
            )
        case "batch":
            line = f"{event['device']}/{event['epoch']}: +{event['entries']} -> #{event['acknowledged']}"
            return line + "".join(f"\n  ! #{sequence}: {shown(why)}" for sequence, why in event["rejected"].items())
        case "refused":
            return say(
                Text(
                    f"refused ({event['status']}): {shown(event['why'])}",
                    f"已拒绝（{event['status']}）：{shown(event['why'])}",
                )
            )
        case "trouble":
            return say(Text(f"TROUBLE: {shown(event['why'])}", f"故障：{shown(event['why'])}"))
        case _:
            return say(Text("stopped", "已停止"))
