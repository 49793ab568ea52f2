"""What is plugged in that a bench can read from: serial ports with their names and ids, and cameras."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from serial.tools import list_ports

_CAMERAS = Path("/sys/class/video4linux")
_TELLING = ("scanner", "barcode", "qr", "symbol", "honeywell", "newland", "zebra", "datalogic", "gm65", "ch340", "cdc")


class Found(NamedTuple):
    """spec: as `--reader` takes it; name: what it calls itself."""

    spec: str
    name: str


def found(cameras: Path = _CAMERAS) -> list[Found]:
    """Everything that is there; ports that name a scanner first."""
    ports = [
        Found(f"serial:{port.device}", _name(port.description, port.vid, port.pid))
        for port in list_ports.comports()
        if port.hwid != "n/a"  # a port that the system has and nothing is plugged into
    ]
    ports.sort(key=lambda port: (not any(word in port.name.lower() for word in _TELLING), port.spec))
    return [*ports, *_cameras(cameras)]


def _name(description: str | None, vendor: int | None, product: int | None) -> str:
    ids = f" ({vendor:04x}:{product:04x})" if vendor is not None and product is not None else ""
    return f"{description or '?'}{ids}"


def _cameras(folder: Path) -> Iterator[Found]:
    for entry in sorted(folder.glob("video*")) if folder.is_dir() else ():
        try:
            name = (entry / "name").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            name = "?"
        yield Found(f"camera:/dev/{entry.name}", name)
