"""The door of a service: which connections come in, and who has to go when there is no more room.

Rules it keeps:

- There are never more connections than descriptors allow, with some left for the service's own files. So accepting does
  not fail for want of one, and the loop does not complain a thousand times a second.
- When all places are taken, the connection that has rested for the longest, between two requests or before the first,
  makes room: whoever opens connections and says nothing drives out his own. Where all are at work, whoever comes is
  turned away at once.
- One address has at most `each` of them, but for this machine's own, behind which a proxy may stand.
- A connection rests from the moment it is accepted, though its protocol has not begun; with TLS until its handshake has
  ended, for which it has HANDSHAKE_S.
"""

import asyncio
import errno
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

try:
    import resource
except ImportError:  # Windows counts no descriptors
    resource = None  # type: ignore[assignment]

OWN_FILES = 64
"""Descriptors that stay free for the service's own files."""
FILES_WANTED = 65536
ACCEPTED_AT_ONCE = 16
HANDSHAKE_S = 10.0
REST_S = 0.2
"""How long nothing is accepted when the system itself has run out."""
_LACKING = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Handshake:
    """A connection before its protocol has it."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self.transport = self

    def abort(self) -> None:
        """It makes room."""
        with suppress(OSError):  # its other end may have gone already
            self._line.shutdown(socket.SHUT_RDWR)


class Doorway:
    """Accepts for one listening socket, on the running loop. make: a protocol for a connection. most, each: how many
    connections, and how many of one address; None: as many as there may be descriptors. tls: the context for the next
    connection; None: plain. on_stranger: told why a certificate was refused."""

    def __init__(
        self,
        listening: socket.socket,
        make: Callable[["Doorway"], asyncio.Protocol],
        *,
        most: int | None = None,
        each: int | None = None,
        tls: Callable[[], ssl.SSLContext] | None = None,
        on_stranger: Callable[[str], None] = lambda why: None,
    ) -> None:
        self._listening, self._make = listening, make
        self._tls, self._on_stranger = tls, on_stranger
        self._most = min(most or FILES_WANTED, room_for_connections())
        self._each = each
        self._loop = asyncio.get_running_loop()
        self._count = 0
        self._of: Counter[str] = Counter()
        self._resting: dict[Any, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        listening.setblocking(False)
        self._loop.add_reader(listening.fileno(), self._accept)

    def close(self) -> None:
        """Nobody comes in any more."""
        if self._listening.fileno() >= 0:
            self._loop.remove_reader(self._listening.fileno())

    def rests(self, connection: Any) -> None:
        """It waits for a request."""
        self._resting.pop(connection, None)
        self._resting[connection] = None

    def works(self, connection: Any) -> None:
        """It has a request, which is answered before it has to go."""
        self._resting.pop(connection, None)

    def gone(self, connection: Any) -> None:
        """It has ended."""
        self._resting.pop(connection, None)

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                line, address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionError):
                return
            except OSError as error:
                if error.errno not in _LACKING:
                    raise
                self._rest()
                return
            host = address[0] if address else ""
            if not self._has_room(host):
                line.close()
                continue
            self._count += 1
            self._of[host] += 1
            handshake = Handshake(line)
            self.rests(handshake)
            task = self._loop.create_task(self._serve(line, host, handshake))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _rest(self) -> None:
        """The system has none left for anybody: whoever waits goes on waiting."""
        self._loop.remove_reader(self._listening.fileno())
        self._loop.call_later(REST_S, self._again)

    def _again(self) -> None:
        if self._listening.fileno() >= 0:
            self._loop.add_reader(self._listening.fileno(), self._accept)

    def _has_room(self, host: str) -> bool:
        if self._each is not None and self._of[host] >= self._each and not is_own(host):
            return False
        if self._count < self._most:
            return True
        oldest = next(iter(self._resting), None)
        if oldest is None:
            return False
        del self._resting[oldest]
        oldest.transport.abort()  # its place is free when the loop has seen it go: one more than `most` for a moment
        return self._count < self._most + OWN_FILES // 2

    async def _serve(self, line: socket.socket, host: str, handshake: Handshake) -> None:
        line.setblocking(False)
        ended = self._loop.create_future()
        protocol = self._make(self)
        made, lost = protocol.connection_made, protocol.connection_lost

        def connection_made(transport: asyncio.BaseTransport) -> None:
            self.gone(handshake)
            made(transport)

        def connection_lost(error: Exception | None) -> None:
            if not ended.done():
                ended.set_result(None)
            lost(error)

        protocol.connection_made = connection_made  # type: ignore[method-assign]
        protocol.connection_lost = connection_lost  # type: ignore[method-assign, assignment]
        try:
            if self._tls is None:
                await self._loop.connect_accepted_socket(lambda: protocol, line)
            else:
                await self._loop.connect_accepted_socket(
                    lambda: protocol, line, ssl=self._tls(), ssl_handshake_timeout=HANDSHAKE_S
                )
            await ended
        except ssl.SSLCertVerificationError as error:
            self._on_stranger(error.verify_message)
        except OSError:
            pass  # whoever comes may go before he is in
        finally:
            self.gone(handshake)
            line.close()
            self._count -= 1
            self._of[host] -= 1
            if not self._of[host]:
                del self._of[host]


def room_for_connections() -> int:
    """How many connections this process may have; as many descriptors as the system grants are asked for first."""
    if resource is None:
        return FILES_WANTED
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(hard, FILES_WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return max(1, (FILES_WANTED if soft == resource.RLIM_INFINITY else soft) - OWN_FILES)


def is_own(host: str) -> bool:
    """Whether an address is this machine's loopback."""
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return True  # a socket in the file system
