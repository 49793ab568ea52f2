"""A serial scanner that is not there: writes codes into a pseudo-terminal at the pace of its line.

What it models: 8N1 at its baud rate, byte by byte on a schedule (within 1 % over a code), the prefix and suffix that
scanners put around a code, USB packets (`packet=64`: bytes come in blocks, each when its last byte would have come).
What it does not model: the wire. A pty ignores the baud rate the reader asks for, has no modem lines, no parity or
framing errors and a large buffer. The scanner's own reading of a screen, its beep, its same-code interval are absent.
Bytes that nobody takes away are lost, as on a UART, and counted in `overrun`.
"""

import os
import time
from typing import Final

from yima.hwsim.pseudo_terminal import PseudoTerminal

_SLEEP_SLACK_S: Final = 0.0003  # sleep() oversleeps by less than this; the rest is waited out


class SerialScanner:
    """One scanner. path: the device that a reader opens. Not for use by several threads at once."""

    def __init__(self, *, baud: int = 115200, prefix: bytes = b"", suffix: bytes = b"\r", packet: int = 1) -> None:
        """baud: bits a second of the line to model. packet: bytes delivered together, 64 for USB-CDC."""
        if baud <= 0 or packet <= 0:
            raise ValueError("baud and packet are positive")
        self.baud = baud
        self.prefix = prefix
        self.suffix = suffix
        self.packet = packet
        self.overrun = 0
        self._line = PseudoTerminal("scanner")
        self.path = self._line.path

    def scan(self, payload: bytes) -> tuple[int, int]:
        """Sends one code; returns when its first and its last byte (suffix included) set out, time.monotonic_ns()."""
        return self.send(self.line_of(payload))

    def line_of(self, payload: bytes) -> bytes:
        """What goes over the line for one code; a scanner with faults overrides this."""
        return self.prefix + payload + self.suffix

    def send(self, data: bytes) -> tuple[int, int]:
        """Paces bytes as they are onto the line; returns when the first and the last set out, time.monotonic_ns().

        Both are taken before the bytes are written: whoever answers, answers later.
        """
        if not data:
            raise ValueError("nothing to send")
        byte_ns = 10 * 1_000_000_000 / self.baud
        start_ns = time.monotonic_ns()
        sent = 0
        first_ns = last_ns = 0
        while sent < len(data):
            until = min(sent + self.packet, len(data))
            _wait_until(start_ns + round(until * byte_ns))
            # Late (the machine was busy): what is due by now goes in one piece, so the whole keeps its time.
            due = min(len(data), int((time.monotonic_ns() - start_ns) / byte_ns))
            until = max(until, due - due % self.packet)
            last_ns = time.monotonic_ns()
            first_ns = first_ns or last_ns
            self._write(data[sent:until])
            sent = until
        return first_ns, last_ns

    def close(self) -> None:
        """Pulls the plug: a reader sees its port vanish."""
        self._line.close()

    def __enter__(self) -> "SerialScanner":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, data: bytes) -> None:
        try:
            written = os.write(self._line.master, data)
        except BlockingIOError:
            written = 0
        self.overrun += len(data) - written


def _wait_until(moment_ns: int) -> None:
    """Sleeps through most of the wait and spends the rest yielding, so that a reader in the same process runs."""
    while (left_s := (moment_ns - time.monotonic_ns()) / 1e9) > 0:
        time.sleep(max(0.0, left_s - _SLEEP_SLACK_S))
