"""A serial line as the system has it: opened raw, checked to be raw, waited for.

On POSIX a line is a terminal that may translate what comes in, so its settings are read back. Windows translates
nothing on a line, and pyserial raises where the driver refuses the settings; there is no select on it either, so it is
asked for what has come every two milliseconds.
"""

import os
import select
import time
from typing import Any, Final

import serial

try:
    import termios
except ModuleNotFoundError:
    termios = None  # type: ignore[assignment]

_BLOCK: Final = 4096
_POLL_S: Final = 0.002

WRITE_S: Final = 1.0
"""How long a line may take what is said to it, in seconds: a module that has stopped reading would hold a device for
ever."""

REFUSALS: Final[tuple[type[Exception], ...]] = (OSError, ValueError, *((termios.error,) if termios else ()))
"""What `open_raw` raises."""


def open_raw(path: str, baud: int) -> Any:
    """pyserial's port: 8N1, no flow control, no wait to read, WRITE_S to write, ours alone. Raises REFUSALS."""
    return serial.Serial(
        path,
        baud,
        bytesize=serial.EIGHTBITS,
        parity=serial.PARITY_NONE,
        stopbits=serial.STOPBITS_ONE,
        timeout=0,
        write_timeout=WRITE_S,
        xonxoff=False,
        rtscts=False,
        dsrdtr=False,
        exclusive=True,
    )


def translates(port: Any) -> bool:
    """Whether the driver has left flow control or a translation of bytes on."""
    if termios is None:
        return False
    settings = termios.tcgetattr(port.fileno())
    incoming = termios.IXON | termios.IXOFF | termios.ISTRIP | termios.INLCR | termios.IGNCR | termios.ICRNL
    return bool(settings[0] & incoming or settings[3] & (termios.ICANON | termios.ECHO))


def receive(port: Any, wait_s: float) -> bytes:
    """What is there within wait_s, empty if nothing. Raises OSError or ValueError when the port is gone or closed."""
    return _polled(port, wait_s) if termios is None else _selected(port.fileno(), wait_s)


def _selected(descriptor: int, wait_s: float) -> bytes:
    try:
        if not select.select([descriptor], [], [], wait_s)[0]:
            return b""
        data = os.read(descriptor, _BLOCK)
    except BlockingIOError:
        return b""
    if not data:
        raise ConnectionResetError("readable and empty: the other end has hung up")
    return data


def _polled(port: Any, wait_s: float) -> bytes:
    if not port.is_open:
        raise ValueError("the port is closed")
    until = time.monotonic() + wait_s
    while not (waiting := port.in_waiting):
        left_s = until - time.monotonic()
        if left_s <= 0:
            return b""
        time.sleep(min(left_s, _POLL_S))
    return bytes(port.read(min(waiting, _BLOCK)))
