"""A stop announcer on the bus's own network: `udp:4010` takes datagrams of this machine, `udp:0.0.0.0:4010` of all.

A datagram holds one or more sentences (`sentences`). Nobody signs them: whoever reaches the port says where the bus is,
so it is this machine alone unless the address says more, and then the network is to be the bus's own.
"""

import socket
import time
from collections import deque

from yima.validator.errors import PlaceError
from yima.validator.places.sentences import Sentences
from yima.validator.ports import Whereabouts
from yima.validator.texts import Text

_DATAGRAM_MAX = 2048


def open_place(address: str) -> "UdpPlace":
    """Listens at `PORT` of this machine, or at `HOST:PORT`. Raises PlaceError."""
    host, _, port = address.rpartition(":")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) <= 0xFFFF):
        raise PlaceError(
            f"udp:{address}",
            Text("names no port", "没有端口"),
            Text("Write udp:4010, or udp:HOST:4010", "格式为 udp:4010 或 udp:主机:4010"),
        )
    return UdpPlace(host.strip("[]") or "127.0.0.1", int(port))


class UdpPlace:
    """Takes one announcer's datagrams; see yima.validator.ports.Place."""

    def __init__(self, host: str, port: int) -> None:
        self._said: deque[Whereabouts] = deque()
        try:
            self._socket = _listening(host, port)
        except (OSError, UnicodeError) as refused:
            raise PlaceError(
                f"udp:{host}:{port}",
                Text(f"cannot be listened at ({refused})", f"无法监听（{refused}）"),
                Text("Choose an address of this machine and a free port", "请使用本机地址和空闲端口"),
            ) from refused
        self.port: int = self._socket.getsockname()[1]

    def read(self, timeout_s: float) -> Whereabouts | None:
        """What is said next, or None when nothing was within timeout_s. Raises PlaceError when the socket is gone."""
        until = time.monotonic() + timeout_s
        while not self._said:
            left_s = until - time.monotonic()
            if left_s <= 0:
                return None
            try:
                self._socket.settimeout(left_s)
                self._said += Sentences().feed(self._socket.recv(_DATAGRAM_MAX) + b"\n")
            except TimeoutError:
                return None
            except OSError as gone:
                raise PlaceError(
                    "udp",
                    Text(f"the socket fails ({gone})", f"套接字故障（{gone}）"),
                    Text("It is opened again", "将重新打开"),
                ) from gone
        return self._said.popleft()

    def close(self) -> None:
        """Ends listening."""
        self._socket.close()


def _listening(host: str, port: int) -> socket.socket:
    """Raises OSError, also where the system has no IPv6, and UnicodeError for a name that can be no host's."""
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.bind((host, port))
    except (OSError, UnicodeError):
        made.close()
        raise
    return made
