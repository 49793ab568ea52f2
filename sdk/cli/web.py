"""`yima web`: serves the bench's page to a browser on this machine."""

import argparse
import io
import sys
import threading
import webbrowser
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, BinaryIO, Final

from yima.sdk.listening import host_and_port, listen, url_of
from yima.sdk.web.build import BUILT, PACKED, PAGE
from yima.validator.errors import Kind, YimaError
from yima.validator.texts import Text

HELP = "the bench in a browser: camera, scanner, files, pasted text 在浏览器中打开试验台"


_CONNECTIONS: Final = 64
_SILENT_S: Final = 20.0


class WebError(YimaError):
    """A page that is not complete."""

    kind = Kind.USAGE


class _Handler(SimpleHTTPRequestHandler):
    timeout = _SILENT_S  # whoever says nothing for so long is hung up on, and holds no thread for ever
    # The system's own table, which on Windows any program writes, may call a script a text: a browser then runs none.
    extensions_map = {  # noqa: RUF012 - as the base class has it
        **SimpleHTTPRequestHandler.extensions_map,
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".svg": "image/svg+xml",
        ".txt": "text/plain; charset=utf-8",
    }

    def end_headers(self) -> None:
        """A page that was built anew is seen anew; nobody may frame it."""
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Frame-Options", "DENY")
        super().end_headers()

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        """As the base class does it; a name that no file can have is not there."""
        try:
            return super().send_head()
        except ValueError:
            self.send_error(HTTPStatus.NOT_FOUND)
            return None

    def log_message(self, format: str, *arguments: object) -> None:
        """What is asked for is nobody's concern."""


class _Server(ThreadingHTTPServer):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        """As the base class, with a thread for each of so many connections and for no more."""
        self._free = threading.Semaphore(_CONNECTIONS)
        super().__init__(*arguments, **named)

    def process_request(self, request: Any, client_address: Any) -> None:
        """On a thread of its own; one connection too many is closed."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The work of that thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked and went away is nobody's concern either."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """[--listen HOST:PORT] [--open] [--where]"""
    parser.add_argument(
        "--listen", default="127.0.0.1:8080", metavar="HOST:PORT", help="default 127.0.0.1:8080 监听地址"
    )
    parser.add_argument("--open", action="store_true", help="open a browser as well 同时打开浏览器")
    parser.add_argument(
        "--where", action="store_true", help="only say where the folder is: index.html opens from there 仅显示文件夹"
    )


def run(arguments: argparse.Namespace) -> int:
    """Serves until Ctrl-C; 0. Raises YimaError."""
    missing = next((path for path in (BUILT, PACKED) if not path.exists()), None)
    if missing is not None:
        raise WebError(
            missing,
            Text("this part of the page has not been built", "页面的这一部分尚未构建"),
            Text("Build it: python -m yima.sdk.web.build", "请构建：python -m yima.sdk.web.build"),
        )
    if arguments.where:
        print(PAGE)
        return 0
    host, port = host_and_port(arguments.listen)
    listening = listen(host, port)
    address = url_of(listening)
    server = _Server((host, port), partial(_Handler, directory=str(PAGE)), bind_and_activate=False)
    server.socket.close()
    server.socket = listening
    print(f"{address}/  the bench; nothing leaves this machine; Ctrl-C ends it 试验台页面，数据不离开本机，Ctrl-C 结束")
    sys.stdout.flush()
    if arguments.open:
        webbrowser.open(address)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
    return 0
