"""Running a web service of ours, the collector or the bench's resolver: the socket, uvicorn, and a clean end.

`serve` runs it in the calling thread until SIGTERM or SIGINT; `Serving` runs it on a thread of its own, for tests and
programs that have other things to do.
"""

import errno
import signal
import socket
import threading
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from yima.validator.errors import Kind, YimaError
from yima.validator.texts import Text

STOP_WITHIN_S = 3


class ServingError(YimaError):
    """An address that cannot be listened on."""

    kind = Kind.NETWORK


def host_and_port(text: str) -> tuple[str, int]:
    """The parts of HOST:PORT; an IPv6 host may stand in brackets. Raises ServingError."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdecimal():
        raise ServingError(
            text,
            Text("no address to listen on", "不是监听地址"),
            Text("Write HOST:PORT, such as 127.0.0.1:8080", "格式为 主机:端口，如 127.0.0.1:8080"),
        )
    return host.strip("[]"), int(port)


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0: any free one. Raises ServingError when the address cannot be had."""
    address = f"{host}:{port}"
    if not 0 <= port <= 0xFFFF:
        raise ServingError(
            address,
            Text("no such port", "没有这个端口"),
            Text("Give a port from 0 to 65535", "请给出 0 至 65535 的端口"),
        )
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            problem = Text("the port is in use by another program", "端口已被其他程序占用")
            remedy = Text("Stop that program or give another --listen", "请停止该程序或另选 --listen")
        else:
            problem = Text(f"cannot listen here ({error.strerror})", f"无法在此监听（{error.strerror}）")
            remedy = Text(
                "Give an address of this machine, such as 127.0.0.1:8080", "请给出本机地址，如 127.0.0.1:8080"
            )
        raise ServingError(address, problem, remedy) from error


def url_of(listening: socket.socket) -> str:
    """The address a device on this machine would use."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(app: Starlette, listening: socket.socket) -> None:
    """Serves until SIGTERM or SIGINT, finishes what is under way, returns."""

    def ended(_number: int, _frame: FrameType | None) -> None:
        """uvicorn raises the signal again when it has ended; by then there is nothing left to do."""

    before = {number: signal.signal(number, ended) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        _server(app).run(sockets=[listening])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        listening.close()


class Serving:
    """A service on a thread. url: where it listens. As a context manager it stops at the end."""

    def __init__(self, app: Starlette, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._listening = listen(host, port)
        self.url = url_of(self._listening)
        self._server = _server(app)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listening]}, name="yima-service", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Finishes what is under way and frees the port; twice is once."""
        self._server.should_exit = True
        self._thread.join(STOP_WITHIN_S * 2)
        self._listening.close()

    def __enter__(self) -> "Serving":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _server(app: Starlette) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=STOP_WITHIN_S,
        )
    )
