"""`yima centre serve`: the region's read interfaces over HTTP."""

import argparse
from pathlib import Path
from typing import Any

from yima.sdk.centre.clearing.folder import CentreFolder
from yima.sdk.cli.arguments import WholeNumber
from yima.sdk.listening import host_and_port, listen, url_of
from yima.sdk.tap_lines import standard_output
from yima.validator.shown import shown
from yima.validator.texts import Text, say

DESCRIPTION = """\
Answers issuers, operators, cities, auditors and services, each with its own (docs/region.md), from days that are
cleared; `yima centre day` may work beside it. Stop it with Ctrl-C or SIGTERM. It speaks plain HTTP: beyond one machine,
put it behind a TLS proxy, or keys can be read on the way.
向发码机构、运营单位、城市、审计方和第三方服务提供各自可见的清分数据；可与 yima centre day 同时运行。
请置于 TLS 代理之后。"""
_RATE_MOST, _CONNECTIONS_MAX = 1_000_000, 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares its arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = DESCRIPTION
    parser.add_argument("folder", type=Path, metavar="DIR", help="the centre's folder 清分中心的文件夹")
    parser.add_argument(
        "--listen", default="127.0.0.1:8090", metavar="HOST:PORT",
        help="where to listen, default 127.0.0.1:8090; port 0: any free one 监听地址",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=WholeNumber(1, _RATE_MOST), default=600, metavar="N",
        help="requests a minute of each key, default 600 每个密钥每分钟的请求数",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object a line 输出 JSON 行")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    # The other verbs do without the web.
    from yima.sdk.centre.interfaces.app import interfaces  # noqa: PLC0415
    from yima.sdk.serving import serve  # noqa: PLC0415

    folder = CentreFolder(arguments.folder)
    out = standard_output(lambda: None, as_json=arguments.json)

    def show(event: dict[str, Any]) -> None:
        if arguments.json:
            out.write_json(event)
        else:
            out.write(_line(event))

    listening = listen(*host_and_port(arguments.listen))
    about = {"event": "listening", "url": url_of(listening), "folder": str(arguments.folder)}
    app = interfaces(folder, per_minute=arguments.rate, on_event=show)
    serve(app, listening, on_ready=lambda: show(about), connections_max=_CONNECTIONS_MAX)
    show({"event": "stopped"})
    return 0


def _line(event: dict[str, Any]) -> str:
    match event["event"]:
        case "listening":
            url, folder = event["url"], event["folder"]
            return say(Text(f"listening on {url}, centre {folder}", f"监听 {url}，清分中心 {folder}"))
        case "request":
            words = (event["status"], event["method"], event["path"] or "-", event["key"] or "-")
            return "  ".join(shown(word, 80) for word in words)
        case "trouble":
            return say(Text(f"TROUBLE: {shown(event['why'])}", f"故障：{shown(event['why'])}"))
        case _:
            return say(Text("stopped", "已停止"))
