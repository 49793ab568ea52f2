"""What processes have used: processor seconds of a process and all that it began, and the most memory."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """A process and all below it that still run."""
    below: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        if (fields := _fields(path)) is not None:
            below.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found = [pid]
    for one in found:
        found += below.get(one, [])
    return found


def cpu_s(pid: int) -> float:
    """Seconds of a process and all below it, those that ended and were waited for included."""
    ticks = 0
    for one in tree(pid):
        fields = _fields(Path(f"/proc/{one}/stat"))
        if fields is not None:
            ticks += sum(map(int, fields[11:13])) + sum(map(int, fields[13:15]))
    return ticks / _TICKS


def peak_mib(pid: int) -> float:
    """The most resident memory that a process and those below it have had, each at its own time."""
    return sum(_peak_kib(one) for one in tree(pid)) / 1024


def _fields(path: Path) -> list[str] | None:
    """Of /proc/N/stat, from the state on."""
    try:
        return path.read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _peak_kib(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)
