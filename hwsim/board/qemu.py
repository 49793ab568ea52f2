"""The same flash on qemu-system-arm -M mps2-an500: another emulator, other people's, as witness.

Rules it keeps:
- QEMU gets the flash file as the boot ROM model left it: what starts there is what would start here. Its flash is plain
  memory and is thrown away at the end.
- QEMU's clock starts at 0: the station sets it, as it would a device's that was long without power.
- Counts are exact: -icount shift=0 is one nanosecond an instruction, and a plugin (witness.c) counts instructions.
"""

import shutil
import socket
import struct
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from yima.hwsim.board import native
from yima.hwsim.board.emulator import Outcome
from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.layout import STATION
from yima.hwsim.board.station import Station
from yima.validator.system.posix import ending_with_us
from yima.validator.texts import Text

PROGRAM = "qemu-system-arm"
_UARTS = ("scanner", "station", "status")


def installed() -> bool:
    """Whether QEMU is there."""
    return shutil.which(PROGRAM) is not None


class _Wire:
    """The station's line, as `Station` asks for it; QEMU's time is its own."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def feed(self, _uart: int, data: bytes) -> None:
        self._line.sendall(data)

    def run(self, _ms: float, *, until: bytes, uart: int = STATION) -> Outcome:
        try:
            data = self._line.recv(4096)
        except TimeoutError:
            data = b""
        return Outcome(state="running", slot=None, now=0, insns=0, operations=0, sent={uart: data})


class Witness:
    """QEMU at work on a flash, its UARTs on sockets, counting passages from one address to another."""

    def __init__(self, flash: Path, directory: Path, *, start: int, stop: int) -> None:
        """directory: for sockets and counts. start, stop: see witness.c. Raises BoardError."""
        check_installed()
        self._counts = directory / "counts"
        words = [PROGRAM, "-M", "mps2-an500", "-display", "none", "-monitor", "none", "-icount", "shift=0"]
        words += ["-device", f"loader,file={flash},addr=0,force-raw=on"]
        words += ["-plugin", f"{native.witness()},start={start:x},stop={stop:x},out={self._counts}"]
        for name in _UARTS:
            words += ["-chardev", f"socket,id={name},path={directory / name},server=on,wait=on"]
            words += ["-serial", f"chardev:{name}"]
        self._process = subprocess.Popen(ending_with_us(words), stderr=subprocess.PIPE)
        self._lines: dict[str, socket.socket] = {}
        try:
            for name in _UARTS:
                self._lines[name] = self._connect(directory / name)
        except BoardError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends QEMU."""
        for line in self._lines.values():
            line.close()
        self._process.kill()
        self._process.wait()
        if self._process.stderr:
            self._process.stderr.close()

    def set_time(self, unix_s: int) -> None:
        """The station sets the clock."""
        Station(_Wire(self._lines["station"])).set_time(unix_s)

    def scan(self, code: bytes) -> None:
        """A code from the scanner."""
        self._lines["scanner"].sendall(code)

    def status_until(self, wanted: bytes, patience_s: float = 30.0) -> str:
        """What the status line says, up to the end of the line that holds `wanted`. Raises BoardError."""
        said = b""
        end = time.monotonic() + patience_s
        while wanted not in said or not said.endswith(b"\n"):
            if time.monotonic() > end:
                raise self._silent(said)
            try:
                piece = self._lines["status"].recv(4096)
            except TimeoutError:
                continue
            if not piece:
                raise self._silent(said)
            said += piece
        return said.decode("utf-8", "replace")

    def counts(self) -> list[int]:
        """Instructions of each passage so far."""
        return [int(line) for line in self._counts.read_text(encoding="utf-8").split()]

    def _connect(self, path: Path) -> socket.socket:
        end = time.monotonic() + 20
        while True:
            line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            line.settimeout(0.5)
            try:
                line.connect(str(path))
            except OSError:
                line.close()
                if time.monotonic() > end or self._process.poll() is not None:
                    raise self._silent(b"") from None
                time.sleep(0.02)
            else:
                return line

    def _silent(self, said: bytes) -> BoardError:
        self._process.kill()
        problem = self._process.stderr.read().decode("utf-8", "replace") if self._process.stderr else ""
        text = f"no answer; it said {said[-200:]!r} {problem.strip()[-400:]}"
        return BoardError(PROGRAM, Text(text, text), Text("Run it by hand to see", "请手动运行查看"))


def after_call(image: bytes, base: int, caller: int, size: int, callee: int) -> int:
    """The address behind the one call of `callee` (bl) in a function. image: bytes from address `base` on. caller,
    size: of the calling function. Raises ValueError unless there is exactly one."""
    found = []
    for at in range(caller, caller + size - 2, 2):
        high, low = struct.unpack_from("<HH", image, at - base)
        if high >> 11 == 0b11110 and low >> 14 == 0b11 and low >> 12 & 1:
            sign, j1, j2 = high >> 10 & 1, low >> 13 & 1, low >> 11 & 1
            offset = (high & 0x3FF) << 12 | (low & 0x7FF) << 1
            offset |= (1 ^ j1 ^ sign) << 23 | (1 ^ j2 ^ sign) << 22
            target = at + 4 + offset - (sign << 24)
            if target == callee:
                found.append(at + 4)
    if len(found) != 1:
        raise ValueError(f"{len(found)} calls of {callee:#x} in {caller:#x}")
    return found[0]


def check_installed() -> None:
    """Raises BoardError where QEMU is not."""
    if not installed():
        raise BoardError(
            PROGRAM,
            Text("is not installed", "未安装"),
            Text("Install it: apt-get install --no-install-recommends qemu-system-arm", "请用 apt-get 安装该程序"),
        )


def on_terminals(flash: Path, *, gdb: int | None = None) -> list[str]:
    """The command line for a person: each UART on a pty of QEMU's, which says where."""
    words = [PROGRAM, "-M", "mps2-an500", "-display", "none", "-monitor", "none"]
    words += ["-device", f"loader,file={flash},addr=0,force-raw=on"]
    words += ["-serial", "pty", "-serial", "pty", "-serial", "stdio"]
    return [*words, *(("-gdb", f"tcp:127.0.0.1:{gdb}", "-S") if gdb else ())]


def run_on_terminals(flash: Path, *, gdb: int | None = None, seconds: int | None = None) -> int:
    """Runs QEMU in this terminal until it ends, or for some seconds; its exit status. Raises BoardError if it is not
    installed."""
    check_installed()
    with subprocess.Popen(ending_with_us(on_terminals(flash, gdb=gdb))) as process:
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.terminate()  # in order: it has changed the terminal's mode
            process.wait()
            return 0
