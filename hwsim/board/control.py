"""The socket by which a host's device uses the live board as its scanner and its gate: see yima.hwsim.board.backend.

One JSON line a message. The host says {"scanner": true} once to hear {"scanned": hex} for whatever comes in on UART0,
in place of the firmware, and {"pins": bits, "ms": duration} to drive output pins beside the firmware, answered by
{"driven": bits}.

Rules it keeps:
- A line is at most LINE_MAX bytes and of this form, else the link ends.
- A client that does not read loses its link; the board never waits. What one that has left has asked for is not done:
  it has taken the board for gone.
- A socket that a killed board left behind is taken over; one at which somebody listens, or another file, is not.
"""

import contextlib
import errno
import json
import selectors
import socket
import time
from pathlib import Path
from typing import Any

from yima.hwsim.gate_link import has_left
from yima.validator.outside import json_of

LINE_MAX = 65_536
_PINS = 0x1F
_LONGEST_MS = 60_000


class Control:
    """Listens at a path (nowhere if it is empty), within somebody's selector."""

    def __init__(self, path: str, watch: selectors.BaseSelector) -> None:
        self._watch = watch
        self._path = path
        self._buffers: dict[socket.socket, bytes] = {}
        self._hearing: set[socket.socket] = set()
        self._pins: dict[int, float] = {}  # pin -> when it falls
        self._shown = 0
        self._listener: socket.socket | None = None
        if path:
            self._listener = _listening(path)
            watch.register(self._listener, selectors.EVENT_READ, self._accept)

    def close(self) -> None:
        """Ends every link and removes the socket."""
        for client in list(self._buffers):
            client.close()
        if self._listener:
            self._listener.close()
            Path(self._path).unlink(missing_ok=True)

    def scanned(self, data: bytes) -> bool:
        """Tells whoever listens what came from the scanner; whether somebody did: then the scanner is the host's."""
        for client in list(self._hearing):
            self._send(client, {"scanned": data.hex()})
        return bool(self._hearing)

    def changed(self, now: float) -> int | None:
        """The pins that the host drives, if they are others than the last time. now: time.monotonic()."""
        self._pins = {pin: until for pin, until in self._pins.items() if until > now}
        pins = sum(self._pins)
        if pins == self._shown:
            return None
        self._shown = pins
        return pins

    def _accept(self, listener: socket.socket) -> None:
        client, _ = listener.accept()
        client.setblocking(False)
        self._buffers[client] = b""
        self._watch.register(client, selectors.EVENT_READ, self._hear)

    def _hear(self, client: socket.socket) -> None:
        try:
            data = client.recv(4096)
        except OSError:
            data = b""
        *lines, rest = (self._buffers.get(client, b"") + data).split(b"\n")
        if not data or len(rest) > LINE_MAX or has_left(client):
            self._drop(client)
            return
        self._buffers[client] = rest
        for line in lines:
            try:
                self._obey(client, json_of(line))
            except (ValueError, TypeError, KeyError, OverflowError):
                self._drop(client)
            if client not in self._buffers:
                return

    def _obey(self, client: socket.socket, message: Any) -> None:
        if not isinstance(message, dict):
            raise TypeError("no message")
        if message.get("scanner") is True:
            self._hearing.add(client)
            self._send(client, {"scanner": True})
            return
        pins, duration = int(message["pins"]), int(message["ms"])
        if pins & ~_PINS or not 0 < duration <= _LONGEST_MS:
            raise ValueError("no such pins, or too long")
        until = time.monotonic() + duration / 1000
        self._pins.update({1 << bit: until for bit in range(5) if pins >> bit & 1})
        self._send(client, {"driven": pins})

    def _send(self, client: socket.socket, message: dict[str, Any]) -> None:
        try:
            client.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        if client in self._buffers:
            del self._buffers[client]
            self._hearing.discard(client)
            with contextlib.suppress(KeyError):
                self._watch.unregister(client)
            client.close()


def _listening(path: str) -> socket.socket:
    """A socket that listens there. Raises OSError."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        try:
            listener.bind(path)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not Path(path).is_socket():
                raise OSError(error.errno, error.strerror or str(error), path) from error
            if _answers(path):
                raise OSError(error.errno, "another board listens there 已有其他板卡在此监听", path) from error
            Path(path).unlink()
            listener.bind(path)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.setblocking(False)  # a board that is busy has not accepted yet
        return caller.connect_ex(path) != errno.ECONNREFUSED
