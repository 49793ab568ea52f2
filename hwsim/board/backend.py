"""`board:SOCKET` as reader and gate: the host's own device uses the live board's scanner line and pins as its hardware.

The socket is that of `yima board run --control SOCKET`. While a host reads, the scanner is the host's: the firmware
does not hear it. Otherwise the firmware goes on beside the host, and pins that either drives are on.

Rules it keeps:
- The reader frames with validator's own Framer, as for a scanner on a serial port. A board that is gone ends it with a
  ReaderError; the device opens it anew, as it does with a scanner that was unplugged.
- A gate command is done when the board has said so, and is sent at most once: a link found ended, or out of step, is
  made anew before the command; one that breaks under it is a GateError with a remedy. The buzzer is no part of it.
"""

import contextlib
import json
import select
import socket
import time
from collections import deque
from pathlib import Path
from typing import Any

from yima.hwsim.board.control import LINE_MAX
from yima.hwsim.board.layout import PIN_BUZZER, PIN_GATE, PIN_GREEN, PIN_RED
from yima.validator.errors import GateError, ReaderError
from yima.validator.judging import Verdict
from yima.validator.outside import json_of
from yima.validator.ports import Reading
from yima.validator.readers.framing import Framer, Profile
from yima.validator.system.posix import need_posix
from yima.validator.texts import Text

_PATIENCE_S = 5.0
_BAUD = 115200
OPEN_MS = 500
REFUSED_MS = 1500
_GONE = Text("the board is gone", "板卡失去联系")
_ABSENT = Text("no board answers there", "该处没有板卡应答")
_START = Text("Start it: yima board run --control SOCKET", "请启动：yima board run --control SOCKET")


class _Link:
    """Lines to and from the board."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(_PATIENCE_S)
        self._buffer = b""
        try:
            self._socket.connect(str(Path(address)))
        except OSError:
            self._socket.close()
            raise

    def send(self, message: dict[str, Any]) -> None:
        self._socket.sendall(json.dumps(message).encode() + b"\n")

    def line(self, patience_s: float) -> dict[str, Any] | None:
        """The next message, None if none comes in time. Raises OSError when the link has ended, ValueError for a line
        that is no message."""
        end = time.monotonic() + patience_s
        while b"\n" not in self._buffer:
            left = end - time.monotonic()
            if not select.select([self._socket], [], [], max(0.0, left))[0]:
                return None
            piece = self._socket.recv(LINE_MAX)
            if not piece:
                raise ConnectionResetError("the board closed the link")
            self._buffer += piece
            if len(self._buffer) > 2 * LINE_MAX:
                raise ValueError("an endless line")
        line, _, self._buffer = self._buffer.partition(b"\n")
        found = json_of(line)
        if not isinstance(found, dict):
            raise ValueError("no message")  # noqa: TRY004 - bad bytes, not a bad call
        return found

    @property
    def idle(self) -> bool:
        """Whether it stands, with nothing on it: neither its end nor the answer to something given up."""
        return not self._buffer and not select.select([self._socket], [], [], 0)[0]

    def close(self) -> None:
        self._socket.close()


class BoardReader:
    """What the board's scanner reads; see yima.validator.ports.Reader."""

    exhausted = False

    def __init__(self, address: str) -> None:
        """address: the control socket. Raises ReaderError."""
        self._address = address
        self._framer = Framer(Profile.for_line(baud=_BAUD))
        self._ready: deque[Reading] = deque()
        try:
            self._link = _Link(address)
        except OSError as error:
            raise ReaderError(f"board:{address}", _ABSENT, _START) from error
        try:
            self._link.send({"scanner": True})
            if self._link.line(_PATIENCE_S) != {"scanner": True}:
                raise ConnectionRefusedError("no board there")
        except (OSError, ValueError) as error:
            self._link.close()
            raise ReaderError(f"board:{address}", _ABSENT, _START) from error

    def read(self, timeout_s: float) -> Reading | None:
        """The next payload, or None when none came within timeout_s. Raises ReaderError when the board is gone."""
        until_ns = time.monotonic_ns() + int(timeout_s * 1e9)
        while not self._ready:
            deadline_ns = self._framer.deadline_ns
            wake_ns = until_ns if deadline_ns is None else min(until_ns, deadline_ns)
            try:
                message = self._link.line(max(0, wake_ns - time.monotonic_ns()) / 1e9)
                data = bytes.fromhex(message.get("scanned", "")) if message else b""
            except (OSError, ValueError, TypeError) as error:
                raise ReaderError(f"board:{self._address}", _GONE, _START) from error
            now_ns = time.monotonic_ns()
            self._ready += self._framer.feed(data, now_ns) if data else self._framer.silence(now_ns)
            if not self._ready and now_ns >= until_ns:
                return None
        return self._ready.popleft()

    def close(self) -> None:
        """Ends the link."""
        self._link.close()


class BoardGate:
    """The board's pins as a gate; see yima.validator.ports.Gate. Pins do not tell who has gone through."""

    senses_passage = False

    def __init__(self, address: str) -> None:
        """address: the control socket. Raises GateError."""
        self._address = address
        self._link: _Link | None = self._connect(_ABSENT)

    def open(self, verdict: Verdict) -> None:
        """Gate, green lamp and buzzer."""
        self._drive(PIN_GATE | PIN_GREEN, OPEN_MS)
        self._beep(100)

    def refuse(self, verdict: Verdict) -> None:
        """Red lamp and buzzer."""
        self._drive(PIN_RED, REFUSED_MS)
        self._beep(400)

    def show_again(self, verdict: Verdict) -> None:
        """The lamp of the answer, moves nothing."""
        self._drive(PIN_GREEN if verdict.was_accepted else PIN_RED, OPEN_MS)

    def passages(self) -> tuple[bool, ...]:
        """Nothing is known of them."""
        return ()

    def close(self) -> None:
        """Ends the link."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _beep(self, milliseconds: int) -> None:
        """Beside what is done already: a board that is gone since then has opened its gate all the same, and an error
        would take the ride back."""
        with contextlib.suppress(GateError):
            self._drive(PIN_BUZZER, milliseconds)

    def _drive(self, pins: int, milliseconds: int) -> None:
        if self._link is not None and not self._link.idle:
            self.close()
        if self._link is None:
            self._link = self._connect(_GONE)
        try:
            self._link.send({"pins": pins, "ms": milliseconds})
            answer = self._link.line(_PATIENCE_S)
        except (OSError, ValueError) as error:
            self.close()
            raise self._error(_GONE) from error
        if answer != {"driven": pins}:
            self.close()
            raise self._error(_GONE)

    def _connect(self, problem: Text) -> _Link:
        try:
            return _Link(self._address)
        except OSError as error:
            raise self._error(problem) from error

    def _error(self, problem: Text) -> GateError:
        return GateError(f"board:{self._address}", problem, _START)


def open_reader(address: str) -> BoardReader:
    """Opens `board:SOCKET` as a reader. Raises ReaderError, PosixNeededError."""
    need_posix(f"board:{address}")
    return BoardReader(address)


def open_gate(address: str) -> BoardGate:
    """Opens `board:SOCKET` as a gate. Raises GateError, PosixNeededError."""
    need_posix(f"board:{address}")
    return BoardGate(address)
