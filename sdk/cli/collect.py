"""`yima collect`: a collector for benches and small systems."""

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from yima.sdk.centre.collector.app import Collector
from yima.sdk.centre.collector.opening import name_of, open_store
from yima.sdk.centre.collector.schema import StoreError
from yima.sdk.centre.collector.watched import Watching
from yima.sdk.cli.arguments import WholeNumber
from yima.sdk.cli.collect_fleet import FleetSide
from yima.sdk.cli.collect_lines import line_of
from yima.sdk.cli.collect_tls import add_broker_arguments, add_tls_arguments, broker_of, certificates_of, tls_of
from yima.sdk.cli.observed import add_console_arguments
from yima.sdk.listening import host_and_port, listen, url_of
from yima.sdk.serving import serve
from yima.sdk.tap_lines import standard_output
from yima.validator.errors import YimaError
from yima.validator.texts import Text

HELP = "take the batches of devices and keep them 运行采集端"

DESCRIPTION = """\
Takes signed batches of trip records over HTTP, checks signature, chain and integrity, keeps them in one SQLite file or
in a PostgreSQL database that several collectors may share, and answers how far it has each journal. Stop it with Ctrl-C
or SIGTERM. Devices that may send are enrolled by `yima centre devices`, also while it runs; whoever reads shows a key
of `yima centre keys make`. With --bench neither is asked. Without --tls it speaks plain HTTP: beyond one machine, give
it a certificate or put it behind a TLS proxy.
接收终端上传的行程记录，验签、验链、验完整性，存入 SQLite 文件或多个采集端共用的 PostgreSQL，并确认到哪一条。
终端须先用 yima centre devices 登记（运行中即时生效）；读取方须出示 yima centre keys make 生成的密钥；
--bench 时两者均不要求。"""

EXAMPLES = """\
examples 示例:
  yima collect --store trips.db --bench
  curl http://127.0.0.1:8080/devices        how far each journal has come 查看各终端进度
  yima centre devices enrol trips.db gate-7 3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29
  yima collect --listen 0.0.0.0:8080 --store trips.db --readers keys.toml
  yima collect --listen 0.0.0.0:8080 --store postgresql://yima@db/trips --readers keys.toml
  yima collect --listen 0.0.0.0:8443 --store trips.db --tls ca/collector.pem --client-ca ca/ca.pem \\
      --client-crl ca/crl.pem               devices show certificates 终端须出示证书
  curl http://127.0.0.1:8080/ready          whether it would take a batch now 是否可接收

A device prints its name and key when it is refused. 终端被拒时会打印其名称与公钥。
"""

CONNECTIONS_EACH = 256
"""Two of a gate, one for its taps and one for the feed of used codes, of more gates than a station has."""


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
        "--store", required=True, metavar="FILE|URL",
        help="where trips are kept: an SQLite file, or postgresql://user@host/database 存储文件或数据库",
    )  # fmt: skip
    parser.add_argument(
        "--bench", action="store_true",
        help="for a bench only: the first key that a device shows is enrolled, and everyone may read 仅限试验台",
    )  # fmt: skip
    parser.add_argument(
        "--readers", type=Path, metavar="FILE",
        help="keys.toml of `yima centre keys`; roles operator, auditor, clerk, region 读取方密钥文件",
    )  # fmt: skip
    parser.add_argument(
        "--published", type=Path, metavar="DIR",
        help="every parameter package and deny-list that gates were given: each record is judged again by them when it"
        " comes, and what does not hold is a case (`yima centre cases`) 已发布参数的文件夹，用于到达即复核",
    )  # fmt: skip
    parser.add_argument(
        "--connections-each", type=WholeNumber(1, 65535), default=CONNECTIONS_EACH, metavar="N",
        help=f"how many one address may have, default {CONNECTIONS_EACH}: the gates of a station may share one; this"
        " machine's own, behind which a proxy may stand, has no limit 每个来源地址的连接上限",
    )  # fmt: skip
    add_tls_arguments(parser)
    add_broker_arguments(parser)
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
    name = name_of(arguments.store)
    # A console that went away is no reason to stop taking trips.
    out = standard_output(lambda: None, as_json=arguments.json)

    watching = Watching()
    sides: list[FleetSide] = []

    def show(event: dict[str, Any]) -> None:
        watching.happened(event)
        for side in sides:
            side.happened(event)
        if arguments.json:
            out.write_json(event)
        else:
            out.write(line_of(event))

    def troubled(error: YimaError) -> None:
        show({"event": "trouble", "why": str(error)})

    def refused(why: str) -> None:
        show({"event": "refused", "status": 403, "why": f"a certificate was refused: {why}"})

    tls = tls_of(arguments, troubled)
    certificates = certificates_of(arguments, tls)
    with ExitStack() as ending:
        listening = listen(host, port)
        ending.callback(listening.close)
        if arguments.console is not None:
            watching.show(arguments.console, Path(name).name, arguments.console_token, on_trouble=troubled)
            ending.callback(watching.stop)
        store = open_store(arguments.store)
        ending.callback(store.close)
        fleet = FleetSide(arguments, show, ending, certificates)
        sides.append(fleet)
        fleet.follow()
        collector = Collector(
            store,
            enrolled=fleet.register.keys,
            trust=fleet.trust,
            may_read=None if arguments.bench else fleet.may_read,
            certificates=certificates,
            on_event=show,
        )
        app = fleet.beside(collector)
        beside = broker_of(arguments, collector.taking, show)
        about = {
            "event": "listening",
            "url": url_of(listening, "https" if tls else "http"),
            "store": name,
            "open": arguments.bench,
            "judges": arguments.published is not None,
        }
        serve(
            app,
            listening,
            on_ready=lambda: show(about),
            again=fleet.register.read_again,
            connections_each=arguments.connections_each,
            tls=tls,
            on_stranger=refused,
            beside=beside,
        )
    show({"event": "stopped"})
    return 0
