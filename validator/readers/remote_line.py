"""A serial line that a server hands on: `socket://HOST:PORT` (its bytes alone) and `rfc2217://HOST:PORT` (its speed as
well)."""

from typing import Any
from urllib.parse import urlsplit

import serial.urlhandler.protocol_socket

from yima.validator.errors import ReaderError
from yima.validator.readers.telnet_line import TelnetLine
from yima.validator.system.serial_line import WRITE_S
from yima.validator.texts import Text

_TICK_S = 0.01  # how long one look at an rfc2217 line waits: pyserial has no descriptor to select on for it
_REMOTE = ("socket", "rfc2217")


def open_remote(path: str, baud: int) -> Any:
    """pyserial's port for `socket://HOST:PORT` or `rfc2217://HOST:PORT`. Raises ReaderError."""
    scheme = path.partition("://")[0]
    if scheme not in _REMOTE:
        raise ReaderError(
            path,
            Text(f"no line is reached by {scheme}://", f"不支持 {scheme}://"),
            Text("Write socket://HOST:PORT or rfc2217://HOST:PORT", "格式为 socket://主机:端口 或 rfc2217://主机:端口"),
        )
    if not _names_a_port(path):
        raise ReaderError(
            path,
            Text("names no host and port", "没有主机和端口"),
            Text(
                f"Write {scheme}://HOST:PORT, the port from 1 to 65535", f"格式为 {scheme}://主机:端口，端口 1 至 65535"
            ),
        )
    try:
        if scheme == "rfc2217":
            return TelnetLine(path, baud, timeout=_TICK_S)  # which gives up writing after five seconds
        return SocketLine(path, baud, timeout=0, write_timeout=WRITE_S)
    except (OSError, ValueError) as refused:
        raise ReaderError(
            path,
            Text(f"the line's server cannot be used ({refused})", f"串口服务器不可用（{refused}）"),
            Text("Check its address and that it is in this mode", "请检查其地址及工作模式"),
        ) from refused


def _names_a_port(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname and parts.port)
    except ValueError:
        return False


class SocketLine(serial.urlhandler.protocol_socket.Serial):  # type: ignore[misc]  # pyserial has no types
    """A line whose bytes a server hands on, as pyserial has it."""

    _socket: Any = None

    def close(self) -> None:
        """pyserial leaves the connection open where the server has ended it already."""
        connection = self._socket
        super().close()
        if connection:
            connection.close()
