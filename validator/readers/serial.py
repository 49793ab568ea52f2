"""A scanner on a serial line: UART, RS-232 or USB virtual COM; `serial:COM3`,
`serial:/dev/ttyUSB0?baud=9600&gap_ms=30&mode=auto`.

A line that a server hands on is `serial:socket://HOST:PORT` (its bytes alone) or `serial:rfc2217://HOST:PORT` (its
speed as well).

Rules it keeps:
- The line is raw: 8N1, no flow control, no translation. XON/XOFF would swallow 11 and 13 out of a signature, and a
  terminal that turns CR into LF would change it, so both are checked after opening, not hoped for.
- The wait is a select loop of our own: pyserial's inter_byte_timeout takes a second whatever is asked.
- A line is silent only when we have looked and nothing was there: bytes that waited while the device worked are no
  pause.
- The port is ours alone, so a second process cannot take every other byte. Of a line on a server it is the server's to
  see to that.
"""

import errno
import shlex
import time
from collections import deque
from typing import Any, cast

from yima.validator.errors import ReaderError
from yima.validator.ports import Reading
from yima.validator.readers import address as addresses
from yima.validator.readers.dialogue import OPTIONS, Dialogue, Speaking
from yima.validator.readers.framing import Framer, Mode, Profile
from yima.validator.readers.remote_line import open_remote
from yima.validator.system import serial_line
from yima.validator.texts import Text

MODES = ("auto", "raw", "hex", "base64")
_LIST = "yima bench --list"


def open_reader(address: str) -> "SerialReader":
    """Opens `/dev/ttyUSB0` with the options baud (115200), gap_ms (20), mode (auto), prefix and suffix (hex),
    and those of yima.validator.readers.dialogue. Raises ReaderError.
    """
    path, options = addresses.split(address, known=("baud", "gap_ms", "mode", "prefix", "suffix", *OPTIONS))
    mode = addresses.choice(path, options, "mode", "auto", among=MODES)
    return SerialReader(
        path,
        baud=addresses.number(path, options, "baud", 115200, least=300, most=4_000_000),
        gap_ms=addresses.number(path, options, "gap_ms", 20, least=1, most=5000),
        mode=cast(Mode, mode),
        prefix=addresses.hex_bytes(path, options, "prefix"),
        suffix=addresses.hex_bytes(path, options, "suffix"),
        dialogue=Dialogue.of(path, options),
    )


class SerialReader:
    """Reads one scanner's line; see yima.validator.ports.Reader. first_ns and last_ns are when read() saw the bytes."""

    exhausted = False

    def __init__(
        self,
        path: str,
        *,
        baud: int = 115200,
        gap_ms: int = 20,
        mode: Mode = "auto",
        prefix: bytes = b"",
        suffix: bytes = b"",
        dialogue: Dialogue = Dialogue(),  # noqa: B008 - it is a value
    ) -> None:
        self.path = path
        profile = Profile.for_line(baud=baud, gap_ms=gap_ms, mode=mode, prefix=prefix, suffix=suffix)
        self._framer = Framer(profile)
        self._ready: deque[Reading] = deque()
        self._port = open_remote(path, baud) if "://" in path else _open(path, baud)
        try:
            self._speaking = Speaking(dialogue, profile, self._send, self._discard)
        except ReaderError:
            self.close()
            raise

    def read(self, timeout_s: float) -> Reading | None:
        """The next payload, or None when none came within timeout_s. Raises ReaderError when the port is gone."""
        until_ns = time.monotonic_ns() + int(timeout_s * 1e9)
        while not self._ready:
            now_ns = time.monotonic_ns()
            self._speaking.look(now_ns)
            due = (self._framer.deadline_ns, self._speaking.wake_ns)
            wake_ns = min([until_ns, *(at for at in due if at is not None)])
            data = self._receive(max(0, wake_ns - now_ns) / 1e9)
            now_ns = time.monotonic_ns()
            found = self._framer.feed(data, now_ns) if data else self._framer.silence(now_ns)
            self._ready += self._speaking.heard(found)
            if not self._ready and now_ns >= until_ns:  # also on a line that never falls silent
                return None
        return self._ready.popleft()

    def close(self) -> None:
        """Releases the port."""
        self._port.close()

    def _receive(self, wait_s: float) -> bytes:
        """What is there within wait_s, empty if nothing."""
        if self.path.startswith("rfc2217:"):
            return self._receive_ticking(wait_s)
        try:
            return serial_line.receive(self._port, wait_s)
        except (OSError, ValueError) as gone:  # EIO when it is unplugged; ValueError or PortNotOpen when it was closed
            raise self._gone() from gone

    def _receive_ticking(self, wait_s: float) -> bytes:
        until = time.monotonic() + wait_s
        try:
            while not (data := self._port.read(1)) and time.monotonic() < until:
                pass
            return bytes(data) + bytes(self._port.read(self._port.in_waiting)) if data else b""
        except (OSError, ValueError) as gone:
            raise self._gone() from gone

    def _send(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except (OSError, ValueError) as gone:
            raise self._gone() from gone

    def _discard(self, wait_s: float) -> None:
        until = time.monotonic() + wait_s
        while (left := until - time.monotonic()) > 0:
            self._receive(left)

    def _gone(self) -> ReaderError:
        return ReaderError(
            self.path,
            Text("the scanner is gone while reading", "读取时扫码器已断开"),
            Text("Check cable and power of the scanner", "请检查扫码器的连线和电源"),
        )


def _open(path: str, baud: int) -> Any:
    try:
        port = serial_line.open_raw(path, baud)
    except serial_line.REFUSALS as refused:
        raise _explain(path, baud, refused) from refused
    try:
        is_clean = not serial_line.translates(port)
    except serial_line.REFUSALS as refused:  # pulled out just now
        port.close()
        raise _explain(path, baud, refused) from refused
    if not is_clean:
        port.close()
        raise ReaderError(
            path,
            Text("the driver keeps flow control or translation on", "驱动程序无法关闭流控或字符转换"),
            Text("Use another port or driver: codes would lose bytes here", "请更换串口或驱动：在此口上码会丢失字节"),
        )
    return port


def _explain(path: str, baud: int, refused: Exception) -> ReaderError:
    """The error of the port in words; pyserial's SerialException carries the errno of the open, or none for a lock."""
    number, said = getattr(refused, "errno", None), str(refused)
    denied = number in {errno.EACCES, errno.EPERM}
    # Windows denies whatever is open elsewhere, and pyserial gives its errors' names alone.
    locked = number in {errno.EBUSY, errno.EAGAIN} or "exclusively lock" in said or "PermissionError(" in said
    if number in {errno.ENOENT, errno.ENODEV, errno.ENXIO} or "FileNotFoundError(" in said:
        problem = Text("there is no such port", "没有这个串口")
        remedy = Text(f"Plug the scanner in; {_LIST} shows the ports", f"请接好扫码器；{_LIST} 可列出串口")
    elif denied:
        problem = Text("you may not open this port", "没有权限打开该串口")
        remedy = Text(
            "Join the group dialout: sudo usermod -aG dialout $USER, then log in again",
            "请加入 dialout 组：sudo usermod -aG dialout $USER，然后重新登录",
        )
    elif locked:
        problem, who = Text("another program is using this port", "另一个程序正在使用该串口"), shlex.quote(path)
        remedy = Text(
            f"Stop it; on Linux and macOS fuser {who} shows which one it is",
            f"请先停止它；Linux 与 macOS 上 fuser {who} 可查出是哪个程序",
        )
    elif isinstance(refused, ValueError):
        problem = Text(f"the port refuses {baud} baud", f"该串口不支持波特率 {baud}")
        remedy = Text("Give the scanner's own rate, as in ?baud=9600", "请给出扫码器自己的波特率，例如 ?baud=9600")
    else:
        problem = Text(f"it is no serial port that can be used ({refused})", f"不是可用的串口（{refused}）")
        remedy = Text(f"Name the scanner's port; {_LIST} shows them", f"请指定扫码器的串口；{_LIST} 可列出串口")
    return ReaderError(path, problem, remedy)
