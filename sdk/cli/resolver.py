"""`yima resolver`: answers for codes that only their issuer can verify, on a bench."""

import argparse
from pathlib import Path
from typing import Any

from yima.sdk.cli.arguments import WholeNumber
from yima.sdk.listening import host_and_port, listen, url_of
from yima.sdk.resolver.app import BenchResolver
from yima.sdk.resolver.tokens import read_tokens
from yima.sdk.serving import serve
from yima.sdk.tap_lines import standard_output
from yima.validator.ports import Answer
from yima.validator.texts import Text, say

HELP = "answer for codes that only their issuer can verify (bench) 运行联网核验端（试验台）"

DESCRIPTION = """\
Answers devices that ask about codes which only their issuer can verify (Jiangsu's, Anhui's, Zhejiang's), from a file of
tokens. It makes that path real on a bench; it is no province's service and claims no compatibility with one.
按令牌文件回答终端的联网核验请求。仅供试验台使用，不代表任何省份的真实服务。"""

EXAMPLES = """\
examples 示例:
  yima resolver --tokens tokens.txt
  yima resolver --default accept --delay-ms 300      a slow issuer that accepts everything 慢速且全部通过
  yima run ... --resolver sufu=http://127.0.0.1:8090

tokens.txt, one token a line 令牌文件:
  accept example:0001
  refuse example:0002
  accept hex:00ff10
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the verb."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument(
        "--listen", default="127.0.0.1:8090", metavar="HOST:PORT",
        help="where to listen, default 127.0.0.1:8090; port 0: any free one 监听地址",
    )  # fmt: skip
    parser.add_argument("--tokens", type=Path, metavar="FILE", help="tokens and what to say of each 令牌文件")
    parser.add_argument(
        "--default", choices=("accept", "refuse"), default="refuse", help="for other tokens, default refuse 默认应答"
    )
    parser.add_argument(
        "--delay-ms", type=WholeNumber(0, 60_000), default=0, metavar="N", help="answer so much later 延迟应答"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line on standard output 输出 JSON 行")


def run(arguments: argparse.Namespace) -> int:
    """Serves until SIGTERM or SIGINT; 0. Raises YimaError when it cannot start."""
    host, port = host_and_port(arguments.listen)
    tokens = read_tokens(arguments.tokens) if arguments.tokens else {}
    out = standard_output(lambda: None, as_json=arguments.json)

    def show(event: dict[str, Any]) -> None:
        if arguments.json:
            out.write_json(event)
        else:
            out.write(_line(event))

    service = BenchResolver(tokens, default=Answer(arguments.default), delay_s=arguments.delay_ms / 1000, on_event=show)
    listening = listen(host, port)
    about = {"event": "listening", "url": url_of(listening), "tokens": len(tokens)}
    serve(service.app(), listening, on_ready=lambda: show(about))
    show({"event": "stopped"})
    return 0


def _line(event: dict[str, Any]) -> str:
    match event["event"]:
        case "listening":
            line = Text(
                f"listening on {event['url']}, {event['tokens']} tokens; a bench's resolver, no province's service",
                f"监听 {event['url']}，{event['tokens']} 个令牌；仅供试验台使用",
            )
        case "question":
            line = Text(
                f"{event['family']} token {event['token_sm3']}…: {event['answer']}",
                f"{event['family']} 令牌 {event['token_sm3']}…：{event['answer']}",
            )
        case "refused":
            line = Text(f"bad question ({event['why']})", f"请求无效（{event['why']}）")
        case _:
            line = Text("stopped", "已停止")
    return say(line)
