"""What a benchmark gives: named series of times, with the machine they were taken on.

Rules it keeps:
- A benchmark reports; it never judges. Times on a shared machine drift by half, so compare only interleaved runs.
- Every number comes with how often it was measured; p99 of a hundred values is the largest but one.
"""

import os
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

from yima.hwsim.latency import spread
from yima.validator.texts import Text
from yima.validator.version import VERSION

_T = TypeVar("_T")
_PACKAGES = ("cryptography", "numpy", "opencv-python-headless", "pyserial", "zxing-cpp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One thing measured many times. name: stays the same from version to version. values_us: microseconds each."""

    name: str
    what: Text
    values_us: tuple[float, ...]
    note: str = ""

    def as_mapping(self) -> dict[str, object]:
        """For JSON."""
        found = spread(self.values_us)
        numbers = {"p50_us": round(found.p50, 2), "p99_us": round(found.p99, 2), "max_us": round(found.most, 2)}
        return {"name": self.name, "what": self.what.en, "size": found.size, **numbers, "note": self.note}


def timed(work: Callable[[_T], object], inputs: Iterable[_T]) -> tuple[float, ...]:
    """Runs work on each input; microseconds each took."""
    values = []
    for one in inputs:
        begun = time.perf_counter_ns()
        work(one)
        values.append((time.perf_counter_ns() - begun) / 1000)
    return tuple(values)


def machine(directory: Path) -> dict[str, object]:
    """Where and when: processor, cores, load, system, versions, and the file system that journals are written to."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": [round(value, 2) for value in os.getloadavg()],
        "system": platform.platform(),
        "python": platform.python_version(),
        "yima": VERSION,
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "journal_filesystem": _filesystem(directory),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _filesystem(directory: Path) -> str:
    """The type of the file system with the longest mount point above the directory."""
    place = directory.resolve()
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    above = [(point, kind) for point, kind in mounts if place.is_relative_to(point)]
    return max(above, key=lambda mount: len(mount[0]))[1] if above else "unknown"
