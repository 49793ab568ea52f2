"""The board `riscv32-virt`: its image runs on qemu-system-riscv32, at the pace of the host's clock.

Rules it keeps:
- QEMU's RAM is a file of ours, whose first part is the flash; after a flash operation what is in it is brought into the
  board's flash, until the operation has surely been done, and when the life ends. A reset ends QEMU, and the next life
  begins with the flash as it is: RAM is lost.
- Pins and flash operations come through a window in RAM (boards/riscv32_virt/board.h), in the order in which they were;
  bytes on the UARTs come beside them.
- A flash operation is told of before it is done, and power may go at it.
Not modelled: a watchdog for firmware that never waits, a real-time clock that stands still, faults that are told at the
next start.
"""

import contextlib
import mmap
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from yima.firmware_images.hardware import IMAGE_HEADER, Hardware
from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.flash import Memory
from yima.hwsim.board.processor import Event, Kind, Stop
from yima.validator.system.posix import ending_with_us
from yima.validator.texts import Text

PROGRAM: Final = "qemu-system-riscv32"
_RAM_SIZE: Final = 32 << 20
_WINDOW: Final = 8 << 20  # BENCH, from the beginning of RAM
_EVENTS: Final = 1 << 16
_HEAD, _EVENT = struct.Struct("<4I"), struct.Struct("<4I")
_ENDS: Final = {1: Stop.RESET, 2: Stop.POWER, 4: Stop.WATCHDOG}
_UARTS: Final = ("scanner", "station", "status")
_PATIENCE_S: Final = 20.0
_DONE_S: Final = 1.0  # an operation is told of before it is done, and QEMU may have to wait for a processor in between


def installed() -> bool:
    """Whether QEMU is there."""
    return shutil.which(PROGRAM) is not None


class Virt:
    """A processor, for Machine. `reset` comes first."""

    def __init__(self, hardware: Hardware, flash: Memory, *, mhz: int) -> None:
        """flash: changed in place. mhz: cycles a microsecond. Raises BoardError where there is no QEMU."""
        if not installed():
            raise BoardError(
                PROGRAM,
                Text("is not installed", "未安装"),
                Text("apt-get install --no-install-recommends qemu-system-misc", "请用 apt-get 安装 qemu-system-misc"),
            )
        self.mhz = mhz
        self._hardware = hardware
        self._flash = flash
        self._scratch = Path(tempfile.mkdtemp(prefix="yima-virt-"))
        with (self._scratch / "ram").open("w+b") as file:
            file.truncate(_RAM_SIZE)
            self._ram = mmap.mmap(file.fileno(), _RAM_SIZE)
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: list[socket.socket] = []
        self._events: list[Event] = []
        self._seen = self._began = self._cycles = 0
        self._written_s = 0.0
        self._rtc, self._rtc_s = 0, 0.0
        self._cut = self._inputs = 0

    def knows(self, _address: int, _code: bytes) -> bool:
        """Any code will do."""
        return True

    def reset(self, address: int, _code: bytes, now: int) -> None:
        """Begins a life; QEMU starts when time first passes, as the clock is told before."""
        self._end()
        self._began, self._cycles, self._seen = now, 0, 0
        self._ram[: self._hardware.size] = self._flash[:]
        self._ram[:8] = _jump((self._hardware.base or 0) + address + IMAGE_HEADER)
        self._cut = 0

    def rest(self) -> None:
        """Ends QEMU, which would go on."""
        self._end()

    def run(self, until: int) -> Stop:
        """Runs to a moment, or until something stops it."""
        if self._process is None:
            self._start()
        deadline = time.monotonic() + (until - self.now) / (self.mhz * 1_000_000)
        while True:
            ended = self._process is not None and self._process.poll() is not None
            ready, _, _ = select.select(self._lines, [], [], 0 if ended else max(0.0, deadline - time.monotonic()))
            for line in ready:
                self._hear(line)
            if ended or time.monotonic() >= deadline:
                break
        self._cycles = max(self._cycles, until - self._began)
        self._look()
        if not ended:
            return Stop.TIME
        self._end()
        return _ENDS.get(_HEAD.unpack_from(self._ram, _WINDOW)[3], Stop.LOCKUP)

    def events(self) -> Iterator[Event]:
        """What happened since the last call, and forgets it."""
        events, self._events = self._events, []
        yield from events

    def set_flaws(self, *, program_us: int, erase_us: int, drift_ppm: int) -> None:
        """Flash takes no time here, and the clock is the host's."""
        if program_us or erase_us or drift_ppm:
            raise ValueError("the board of qemu-system-riscv32 has no slow flash and no clock that drifts")

    def feed(self, uart: int, data: bytes, harm: int = 0) -> int:
        """Puts bytes onto the line into a UART; how many found room."""
        if harm:
            raise ValueError("the board of qemu-system-riscv32 has clean lines")
        if self._process is None:
            self._start()
        sent = 0
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            while sent < len(data):
                sent += self._lines[uart].send(data[sent:])
        return sent

    def on_the_line(self, _uart: int) -> int:
        """The socket knows."""
        return 0

    @property
    def now(self) -> int:
        """Cycles since the board was made."""
        return self._began + self._cycles

    @property
    def insns(self) -> int:
        """Nobody counts them."""
        return 0

    @property
    def rtc(self) -> int:
        """What the real-time clock shows, if the firmware has not set it."""
        return self._rtc + int(time.monotonic() - self._rtc_s)

    def set_rtc(self, unix_s: int, *, stopped: bool) -> None:
        """Sets the real-time clock of the next life. stopped: it begins in 1970."""
        self._rtc, self._rtc_s = 0 if stopped else unix_s, time.monotonic()

    def set_buttons(self, value: int) -> None:
        """Sets the input pins."""
        self._inputs = value
        struct.pack_into("<I", self._ram, _WINDOW + 8, value)

    def cut_at(self, operation: int) -> None:
        """Loses power when flash operation `operation` of this life (from 0) is commanded."""
        self._cut = max(0, operation) + 1

    def last_words(self) -> str:
        """Cause, place and address of the trap that ended the life."""
        last = (self._seen - 1) % _EVENTS
        kind, *told = _EVENT.unpack_from(self._ram, _WINDOW + _HEAD.size + last * _EVENT.size)
        return "trap 陷入: mcause {:#x} mepc {:#x} mtval {:#x}".format(*told) if kind == 3 else "QEMU ended 已退出"

    def close(self) -> None:
        """Ends QEMU."""
        self._end()
        self._ram.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _start(self) -> None:
        _HEAD.pack_into(self._ram, _WINDOW, 0, self._cut, self._inputs, 0)
        begins = datetime.fromtimestamp(self.rtc, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        words = [PROGRAM, "-M", "virt,memory-backend=ram", "-bios", "none", "-nographic", "-monitor", "none"]
        words += ["-serial", "none", "-no-reboot", "-rtc", f"base={begins},clock=vm", "-m", f"{_RAM_SIZE >> 20}M"]
        words += ["-object", f"memory-backend-file,id=ram,size={_RAM_SIZE},mem-path={self._scratch / 'ram'},share=on"]
        device = "pci-serial-4x,addr=1"
        for number, name in enumerate(_UARTS, 1):
            words += ["-chardev", f"socket,id={name},path={self._scratch / name},server=on,wait=on"]
            device += f",chardev{number}={name}"
        words += ["-chardev", "null,id=none", "-device", f"{device},chardev4=none"]
        self._process = subprocess.Popen(ending_with_us(words), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self._lines = [self._connected(self._scratch / name) for name in _UARTS]

    def _connected(self, path: Path) -> socket.socket:
        line = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + _PATIENCE_S
        while line.connect_ex(str(path)) != 0:
            if time.monotonic() > deadline or self._process is None or self._process.poll() is not None:
                line.close()
                said = self._process.stderr.read().decode() if self._process and self._process.stderr else ""
                raise BoardError(
                    PROGRAM,
                    Text(f"did not start: {said}", f"未能启动：{said}"),
                    Text(
                        f"Try `{PROGRAM} -M virt -nographic`; if that fails, install qemu-system-misc anew",
                        f"请试运行 `{PROGRAM} -M virt -nographic`；若失败，请重新安装 qemu-system-misc",
                    ),
                )
            time.sleep(0.01)
        line.setblocking(False)
        return line

    def _hear(self, line: socket.socket) -> None:
        try:
            data = line.recv(65536)
        except (BlockingIOError, ConnectionResetError):
            data = b""
        uart = self._lines.index(line)
        self._events.extend(Event(self.now, 0, Kind.TX, uart, byte, 0) for byte in data)

    def _look(self, *, is_last: bool = False) -> None:
        """Takes over what the window shows, and the flash where it may have changed."""
        count = _HEAD.unpack_from(self._ram, _WINDOW)[0]
        for number in range(max(self._seen, count - _EVENTS), count):
            at = _WINDOW + _HEAD.size + number % _EVENTS * _EVENT.size
            kind, *values = _EVENT.unpack_from(self._ram, at)
            if kind in {Kind.PINS, Kind.FLASH}:
                self._events.append(Event(self.now, 0, Kind(kind), *values))
            if kind == Kind.FLASH:
                self._written_s = time.monotonic()
        self._seen = count
        if not is_last and time.monotonic() - self._written_s > _DONE_S:
            return
        first = self._hardware.writable.start
        self._flash[first : self._hardware.size] = self._ram[first : self._hardware.size]

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._look(is_last=True)
        for line in self._lines:
            line.close()
        if self._process.stderr:
            self._process.stderr.close()
        self._process, self._lines = None, []


def _jump(address: int) -> bytes:
    """lui t0 and jalr: where QEMU begins, it goes to the image."""
    low = (address & 0xFFF) - ((address & 0x800) << 1)
    return struct.pack("<II", (address - low) & 0xFFFFF000 | 0x2B7, (low & 0xFFF) << 20 | 0x28067)
