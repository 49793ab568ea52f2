"""The same flash on qemu-system-arm -M mps2-an500: another emulator, other people's, as witness.

Rules it keeps:
- QEMU gets the flash file as the boot ROM model left it: what starts there is what would start here. Its flash is plain
  memory and is thrown away at the end.
- QEMU's clock starts at 0; a test image takes the time from the station, or the loader puts it into the register.
- Counts are exact: -icount shift=0 is one nanosecond an instruction, and a plugin (witness.c) counts instructions.
"""

import shutil
import subprocess
import time
from pathlib import Path

from hwsim.board.errors import BoardError
from validator.texts import Text

PROGRAM = "qemu-system-arm"
_RTC = 0x4002_8010


def installed() -> bool:
    """Whether QEMU is there."""
    return shutil.which(PROGRAM) is not None


def command(flash: Path, sockets: Path, *, unix_s: int, extra: tuple[str, ...] = ()) -> list[str]:
    """The command line: UARTs as sockets scanner, station, status in the folder `sockets`; it waits for all three."""
    words = [PROGRAM, "-M", "mps2-an500", "-display", "none", "-monitor", "none", "-icount", "shift=0"]
    words += ["-device", f"loader,file={flash},addr=0,force-raw=on"]
    words += ["-device", f"loader,addr={_RTC:#x},data={unix_s},data-len=4"]
    for name in ("scanner", "station", "status"):
        words += ["-chardev", f"socket,id={name},path={sockets / name},server=on,wait=on", "-serial", f"chardev:{name}"]
    return [*words, *extra]


def on_terminals(flash: Path, *, gdb: int | None = None) -> list[str]:
    """The command line for a person: each UART on a pty of QEMU's, which says where."""
    words = [PROGRAM, "-M", "mps2-an500", "-display", "none", "-monitor", "none"]
    words += ["-device", f"loader,file={flash},addr=0,force-raw=on"]
    words += ["-device", f"loader,addr={_RTC:#x},data={int(time.time())},data-len=4"]
    words += ["-serial", "pty", "-serial", "pty", "-serial", "stdio"]
    return [*words, *(("-gdb", f"tcp:127.0.0.1:{gdb}", "-S") if gdb else ())]


def run_on_terminals(flash: Path, *, gdb: int | None = None) -> int:
    """Runs QEMU in this terminal until it ends; its exit status. Raises BoardError if it is not installed."""
    if not installed():
        raise BoardError(
            PROGRAM,
            Text("is not installed", "未安装"),
            Text("Install it: apt-get install --no-install-recommends qemu-system-arm", "请用 apt-get 安装该程序"),
        )
    return subprocess.run(on_terminals(flash, gdb=gdb), check=False).returncode
