"""An address to listen on: from the command line to a socket, with errors that say what to do."""

import errno
import socket

from yima.validator.errors import Kind, YimaError
from yima.validator.texts import Text


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
    except (OSError, UnicodeError) as error:  # the latter where no name of a machine can be like this
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            problem = Text("the port is in use by another program", "端口已被其他程序占用")
            remedy = Text("Stop that program or give another --listen", "请停止该程序或另选 --listen")
        else:
            why = error.strerror if isinstance(error, OSError) else "no name of a machine"
            problem = Text(f"cannot listen here ({why})", f"无法在此监听（{why}）")
            remedy = Text(
                "Give an address of this machine, such as 127.0.0.1:8080", "请给出本机地址，如 127.0.0.1:8080"
            )
        raise ServingError(address, problem, remedy) from error


def url_of(listening: socket.socket, scheme: str = "http") -> str:
    """The address a device on this machine would use."""
    host, port = listening.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
