"""The wire between a device and simulated hardware: a Unix socket with one JSON line each way for a command.

The hardware lives in the simulator's process behind a GateServer; `yima run --gate sim:PATH` reaches it through
`open_gate`. Nothing in the device knows that the gate is simulated.

Rules it keeps:
- A command is done when its receipt is here, so that the port's guarantee holds: the command has left the device.
- A command is sent at most once: a link found ended before it is made anew, one that breaks under it is a GateError
  that says what is gone and what to do. Sending again could let in two riders for one fare.
- One device has the link at a time; a line that is no command ends it.
- A command whose device has left is not obeyed: that device has told its rider that the gate is gone.
"""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from yima.hwsim.commands import LINE_MAX, BadLineError, Command, Receipt, Verb, parse_command, parse_receipt
from yima.validator.errors import GateError, GateShutError
from yima.validator.judging import Verdict
from yima.validator.system.posix import need_posix
from yima.validator.texts import Text

RECEIPT_S = 2.0  # a gate controller that takes longer than this is gone
_START = Text(
    "Start the simulated hardware (yima demo does), then try again", "请先启动模拟硬件（yima demo 会启动），再重试"
)


class Hardware(Protocol):
    """Takes a command at its moment (monotonic milliseconds) and says what became of it."""

    def obey(self, command: Command, now_ms: int) -> Receipt:
        """Does what the command says."""


class SimulatedGate:
    """The Gate port over a Unix socket. path: of the socket. Raises GateError when nobody listens there.

    Not modelled on this wire: the gate's word that a rider has gone through.
    """

    senses_passage = False

    def __init__(self, path: Path, receipt_s: float = RECEIPT_S) -> None:
        self._path = path
        self._receipt_s = receipt_s
        self._number = 0
        self._socket: socket.socket | None = self._connect()
        self._buffer = b""

    def open(self, verdict: Verdict) -> None:
        """Lets one rider pass. Raises GateShutError when the gate is there but stands in alarm."""
        self._tell(Verb.OPEN, verdict)

    def refuse(self, verdict: Verdict) -> None:
        """Stays shut and shows why."""
        self._tell(Verb.REFUSE, verdict)

    def show_again(self, verdict: Verdict) -> None:
        """Shows the answer again, moves nothing."""
        self._tell(Verb.SHOW_AGAIN, verdict)

    def passages(self) -> tuple[bool, ...]:
        """Nothing is known of them."""
        return ()

    def close(self) -> None:
        """Ends the link."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _tell(self, verb: Verb, verdict: Verdict) -> None:
        self._number += 1
        command = Command(
            number=self._number,
            verb=verb,
            reason=int(verdict.reason),
            text=verdict.reason.text,
            fare_fen=verdict.fare_fen,
        )
        receipt = self._exchange(command)
        if not receipt.done:
            raise GateShutError(
                f"sim:{self._path}",
                Text(f"did not {verb.value}: it stands in {receipt.state}", f"未执行命令：当前状态为 {receipt.state}"),
                Text("Let staff look and reset the gate", "请工作人员检查并复位闸机"),
            )

    def _exchange(self, command: Command) -> Receipt:
        if self._socket is not None and _ended(self._socket):
            self.close()
        if self._socket is None:
            self._socket = self._connect()
        try:
            return self._receipt(self._socket, command)
        except (OSError, BadLineError) as error:
            self.close()
            raise self._gone(error) from error

    def _receipt(self, link: socket.socket, command: Command) -> Receipt:
        until = time.monotonic() + self._receipt_s
        link.settimeout(self._receipt_s)
        link.sendall(command.line())
        while b"\n" not in self._buffer:
            left = until - time.monotonic()
            if left <= 0:  # byte after byte, each in good time
                raise TimeoutError("no receipt in time")
            link.settimeout(left)
            piece = link.recv(LINE_MAX)
            if not piece:
                raise ConnectionResetError("the gate closed the link")
            self._buffer += piece
            if len(self._buffer) > LINE_MAX:
                raise BadLineError("an endless receipt")
        line, _, self._buffer = self._buffer.partition(b"\n")
        receipt = parse_receipt(line)
        if receipt.number != command.number:
            raise BadLineError(f"receipt {receipt.number} for command {command.number}")
        return receipt

    def _connect(self) -> socket.socket:
        self._buffer = b""
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.settimeout(self._receipt_s)
        try:
            link.connect(str(self._path))
        except OSError as error:
            link.close()
            raise self._gone(error) from error
        return link

    def _gone(self, error: Exception) -> GateError:
        what = getattr(error, "strerror", None) or str(error)
        return GateError(f"sim:{self._path}", Text(f"the gate is gone ({what})", f"闸机失去联系（{what}）"), _START)


def _ended(link: socket.socket) -> bool:
    """Whether the other end has closed the link since the last receipt."""
    patience_s = link.gettimeout()
    link.setblocking(False)  # MSG_DONTWAIT would not do: Python waits for its own timeout first
    try:
        return link.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        link.settimeout(patience_s)


def has_left(link: socket.socket) -> bool:
    """Whether the other end has closed the link, whatever of its lines has not been read yet. For servers."""
    look = select.poll()
    look.register(link, select.POLLHUP)
    return bool(look.poll(0))


def open_gate(address: str) -> SimulatedGate:
    """Opens `sim:ADDRESS`; address is the path of a GateServer's socket. Raises GateError, PosixNeededError."""
    need_posix(f"sim:{address}")
    if not address:
        raise GateError(
            "sim:",
            Text("no socket is named", "未指定套接字"),
            Text("Write sim:/path/to/gate.sock", "请写作 sim:/path/to/gate.sock"),
        )
    return SimulatedGate(Path(address))


class GateServer:
    """Simulated hardware at the end of a socket, in a thread of the simulator's process.

    path: where to listen; must not exist yet, is removed on close. heard, if given, is called with each command and its
    receipt after the hardware obeyed it, in the server's thread. lock is held while the hardware obeys: hold it to
    touch the hardware from another thread.
    """

    def __init__(self, path: Path, hardware: Hardware, heard: Callable[[Command, Receipt], None] | None = None) -> None:
        self._path = path
        self._hardware = hardware
        self._heard = heard
        self.faults: list[str] = []
        self.lock = threading.Lock()
        self._link: socket.socket | None = None
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.bind(str(path))
        except OSError as error:
            self._listener.close()
            raise GateError(
                path,
                Text(f"cannot listen there ({error.strerror or error})", f"无法在此监听（{error.strerror or error}）"),
                Text("Choose a free path of at most 100 characters", "请选择未占用且不超过 100 字符的路径"),
            ) from error
        self._listener.listen(1)
        self._thread = threading.Thread(target=self._serve, name=f"gate {path.name}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def linked(self) -> bool:
        """Whether a device is connected."""
        return self._link is not None

    def close(self) -> None:
        """Ends the link and removes the socket."""
        for end in (self._listener, self._link):
            if end is not None:
                with contextlib.suppress(OSError):  # nobody is connected any more
                    end.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=5)
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:  # shut down by close
                return
            self._link = link
            with link, link.makefile("rb") as lines:
                try:
                    while line := lines.readline(LINE_MAX + 1):
                        command = parse_command(line)
                        if has_left(link):
                            raise ConnectionResetError(f"nobody waits for the receipt of command {command.number}")
                        with self.lock:
                            receipt = self._hardware.obey(command, time.monotonic_ns() // 1_000_000)
                        link.sendall(receipt.line())
                        if self._heard is not None:
                            self._heard(command, receipt)
                except (BadLineError, OSError) as error:
                    self.faults.append(str(error))
            self._link = None
