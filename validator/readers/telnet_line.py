"""A serial line that a server hands on by RFC 2217: pyserial's, with bounds on what the server may make us hold.

Rules it keeps:
- What the server says that is no telnet, or a subnegotiation longer than any that RFC 2217 knows, ends the line, as if
  the server had hung up.
- What nobody has read yet stays at the server: pyserial would take all that comes, byte by byte, into memory.
"""

import contextlib
import socket
import time
import warnings
from typing import Any

import serial.rfc2217

SUBNEGOTIATION_MAX = 1024
"""Bytes from SB to before SE; the longest of RFC 2217 is the text of a signature."""
UNREAD_MAX = 16 << 10
"""Bytes, some four times the longest payload; one more look at the line may add 1024."""

_IAC, _SB, _SE = 255, 250, 240
_NEGOTIATES = range(251, 255)  # WILL, WONT, DO, DONT: an option follows
_LOOK_S = 0.005


class TelnetLine(serial.rfc2217.Serial):  # type: ignore[misc]  # pyserial has no types
    """An RFC 2217 line. baud and timeout as pyserial has them; `port` is its URL."""

    def open(self) -> None:
        """Raises SerialException."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # pyserial 3.5 starts its thread in an older way
            super().open()

    def close(self) -> None:
        """pyserial leaves the connection open where the server has ended it already."""
        connection = self._socket
        super().close()
        if connection:
            connection.close()

    def _telnet_read_loop(self) -> None:
        connection: socket.socket = self._socket
        self._socket: Any = _Bounded(self, connection)
        # The thread that runs this is pyserial's: what it raises would end it with a traceback, told to nobody.
        with contextlib.suppress(OSError, TypeError, ValueError):
            super()._telnet_read_loop()

    def has_room(self) -> bool:
        """Whether more may be read from the server; also when the line has been closed, so that its thread ends."""
        return not self.is_open or self._read_buffer.qsize() < UNREAD_MAX


class _Bounded:
    """A connection whose recv waits while the line has no room, and raises OSError in a subnegotiation too long."""

    def __init__(self, line: TelnetLine, connection: socket.socket) -> None:
        self._line, self._connection = line, connection
        self._command = 0  # the IAC, or the command behind it, whose rest is still to come
        self._inside: int | None = None  # bytes of a subnegotiation that has not ended

    def recv(self, size: int) -> bytes:
        while not self._line.has_room():
            time.sleep(_LOOK_S)
        data = self._connection.recv(size)
        for byte in data:
            self._look(byte)
        return data

    def _look(self, byte: int) -> None:
        if self._command == _IAC:
            self._command = byte if byte in _NEGOTIATES else 0
            if byte == _SB:
                self._inside = 0
            elif byte == _SE:
                self._inside = None
        elif self._command:
            self._command = 0
        elif byte == _IAC:
            self._command = _IAC
        if self._inside is not None:
            self._inside += 1
            if self._inside > SUBNEGOTIATION_MAX:
                raise OSError("a subnegotiation without an end")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)
