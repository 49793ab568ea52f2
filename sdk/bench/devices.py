"""What is plugged in that a bench can read from: serial ports with their names and ids, HID-POS scanners, cameras."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from serial.tools import list_ports

_HID = "yima.validator.readers.hid"
_PLAIN = re.compile(r"[\w.-]+")
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
    return [*ports, *_hid_scanners(), *_cameras(cameras)]


def sees_hid() -> bool:
    """Whether scanners in HID-POS mode would be found: the extra `hid` is installed."""
    try:
        import_module(_HID)
    except ModuleNotFoundError:
        return False
    return True


def _hid_scanners() -> Iterator[Found]:
    if not sees_hid():
        return
    there = import_module(_HID).scanners()
    for one in there:
        alike = sum((other.vendor, other.product) == (one.vendor, one.product) for other in there) > 1
        ids = f"{one.vendor:04x}:{one.product:04x}"
        place = f"{ids}?serial={one.serial}" if alike and _PLAIN.fullmatch(one.serial) else one.path if alike else ids
        yield Found(f"hid:{place}", f"{one.name or '?'} HID-POS ({ids})")


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
