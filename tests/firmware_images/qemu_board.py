"""The firmware on QEMU's mps2-an500: scanner and status line on sockets, the station link on a pty."""

import re
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, cast

from yima.firmware_images.provision import Settings, parameters_copy, settings_copy
from yima.firmware_images.session import bench_key
from yima.hwsim.board.layout import PARAMETERS, SETTINGS
from yima.validator.system.posix import ending_with_us

_SCANNER, _STATION, _STATUS = "u0", "u1", "u2"
LOG_AT, LOG_SIZE, BLOCK = 0xA0000, 0x40000, 4096
_SLOT_B = 0x40000
_WAIT_S = 30.0


class QemuBoard:
    """A board that runs an ELF. loads: what else lies in flash, by address; the rest of data flash is erased."""

    def __init__(self, elf: Path, scratch: Path, loads: Mapping[int, bytes]) -> None:
        self._scratch = scratch
        self._text = ""
        arguments = ["qemu-system-arm", "-M", "mps2-an500", "-display", "none", "-monitor", "none", "-kernel", str(elf)]
        for address, data in sorted(loads.items()):
            path = scratch / f"{address:x}.bin"
            path.write_bytes(data)
            arguments += ["-device", f"loader,file={path},addr={address:#x},force-raw=on"]
        for name in (_SCANNER, _STATION, _STATUS):
            where = "pty" if name == _STATION else f"socket,path={scratch / name},server=on,wait=on"
            arguments += ["-chardev", f"{where},id={name}", "-serial", f"chardev:{name}"]
        self._process = subprocess.Popen(
            ending_with_us(arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._scanner, self._status = (self._connect(scratch / name) for name in (_SCANNER, _STATUS))
        self.station = self._station()

    def __enter__(self) -> "QemuBoard":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for line in (self._scanner, self._status):
            line.close()
        self._process.kill()
        self._process.wait()
        cast(IO[str], self._process.stdout).close()

    def scan(self, data: bytes) -> None:
        """Bytes on the scanner's line."""
        self._scanner.sendall(data)

    def show(self, code: bytes) -> dict[str, str]:
        """Presents a code; what the board says of it. A busy host that stalls in the midst of one makes two of it, as a
        loose cable would: then it is shown again."""
        for _ in range(5):
            self.scan(code)
            tap = self.until("tap ")
            if int(tap["length"]) == len(code):
                return tap
            self.quiet(1)
        raise AssertionError(f"the code never came whole; the last was {tap}")

    def until(self, pattern: str) -> dict[str, str]:
        """Waits for a status line that begins so; its values. Lines before it are passed over."""
        deadline = time.monotonic() + _WAIT_S
        passed = []
        while time.monotonic() < deadline:
            for line in iter(self._line, None):
                if re.match(pattern, line):
                    return dict(word.split("=", 1) for word in line.split() if "=" in word)
                passed.append(line)
            self._receive(0.05)
        raise AssertionError(f"no status line {pattern!r} behind {passed}; began: {self._text!r}")

    def quiet(self, seconds: float) -> list[str]:
        """Every status line within the time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._receive(0.05)
        return list(iter(self._line, None))

    def _line(self) -> str | None:
        line, newline, rest = self._text.partition("\n")
        if not newline:
            return None
        self._text = rest
        return line

    def _receive(self, seconds: float) -> None:
        self._status.settimeout(seconds)
        try:
            data = self._status.recv(65536)
        except TimeoutError:
            return
        assert data, "QEMU has gone"
        self._text += data.decode("ascii")

    def _connect(self, path: Path) -> socket.socket:
        line = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + _WAIT_S
        while True:
            try:
                line.connect(str(path))
            except OSError:
                assert time.monotonic() < deadline, self._process.communicate()[0]
                time.sleep(0.02)
            else:
                return line

    def _station(self) -> str:
        for line in cast(IO[str], self._process.stdout):
            found = re.search(r"(/dev/pts/\d+)", line)
            if found:
                return found[1]
        raise AssertionError("QEMU named no pty")


def flash(image: bytes, parameters: bytes | None, log: bytes = b"", keys: tuple[bytes, ...] = ()) -> dict[int, bytes]:
    """What a factory leaves in flash beside the code, which the ELF brings: header and TLVs of slot A, settings with
    the keys trusted on parameters, parameters; `log` as it may lie there."""
    code_end = 0x200 + int.from_bytes(image[12:16], "little")
    copies = b"" if parameters is None else parameters_copy(parameters)
    return {
        0x10000: image[:0x200],
        0x10000 + code_end: image[code_end:],
        _SLOT_B: b"\xff" * 0x30000,
        PARAMETERS[0]: copies.ljust(0x20000, b"\xff"),
        LOG_AT: log.ljust(LOG_SIZE, b"\xff"),
        SETTINGS[0]: settings_copy(Settings(terminal="YM000042", city=320500, keys=keys, station_keys=[bench_key()])),
    }
