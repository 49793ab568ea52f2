"""A scanner in HID-POS mode, which makes no port: `hid:0c2e:0b81` by its USB ids, `hid:/dev/hidraw0` by its path.

It needs the extra `hid` (hidapi). On Linux the kernel's hidraw is used, so no driver is detached; it gives every report
to all who have the scanner open, so a lock keeps a second device of ours away: both would charge the rider. The form of
the reports comes from manuals (yima.validator.readers.hid_reports); no scanner has been tried with it.
"""

import os
import re
import shlex
import sys
import time
from collections import deque
from typing import Any, Final, NamedTuple, cast

from yima.validator.errors import ReaderError
from yima.validator.ports import Reading
from yima.validator.readers import address as addresses
from yima.validator.readers.framing import Mode
from yima.validator.readers.hid_reports import Reports
from yima.validator.system.locks import HeldError, hold_device
from yima.validator.texts import Text

if sys.platform == "linux":
    import hidraw as hidapi
else:
    import hid as hidapi

MODES: Final = ("auto", "raw", "hex", "base64")
_SCANNERS: Final = 0x8C  # the usage page of bar code scanners, HID Point of Sale Usage Tables 1.02
_IDS: Final = re.compile(r"([0-9A-Fa-f]{4}):([0-9A-Fa-f]{4})")
_LARGEST: Final = 1024  # bytes of a report, of whatever form
_LIST: Final = "yima bench --list"


class HidScanner(NamedTuple):
    """One that is plugged in. path: as the system names it."""

    path: str
    vendor: int
    product: int
    serial: str
    name: str


def scanners() -> list[HidScanner]:
    """Every device that says of itself that it is a scanner of bar codes; one in keyboard mode says that it is none."""
    found = [
        HidScanner(
            path=bytes(one["path"]).decode("utf-8", "surrogateescape"),
            vendor=one["vendor_id"],
            product=one["product_id"],
            serial=one["serial_number"] or "",
            name=" ".join(filter(None, (one["manufacturer_string"], one["product_string"]))),
        )
        for one in hidapi.enumerate()
        if one["usage_page"] == _SCANNERS
    ]
    return sorted(set(found))


def open_reader(address: str) -> "HidReader":
    """Opens `VENDOR:PRODUCT` (four hex digits each) or a path with the options serial (which of several alike) and mode
    (auto). Raises ReaderError.
    """
    place, options = addresses.split(address, known=("mode", "serial"))
    mode = addresses.choice(place, options, "mode", "auto", among=MODES)
    return HidReader(place, serial=options.get("serial", ""), mode=cast(Mode, mode))


class HidReader:
    """Reads one scanner's reports; see yima.validator.ports.Reader."""

    exhausted = False

    def __init__(self, place: str, *, serial: str = "", mode: Mode = "auto") -> None:
        self.place = place
        self._reports = Reports(mode)
        self._ready: deque[Reading] = deque()
        path = _path(place, serial)
        self._lock = _alone(place, path)
        try:
            self._device = _open(place, path)
        except ReaderError:
            self._release()
            raise

    def read(self, timeout_s: float) -> Reading | None:
        """The next payload, or None when none came within timeout_s. Raises ReaderError when the scanner is gone."""
        until_ns = time.monotonic_ns() + int(timeout_s * 1e9)
        while not self._ready:
            due = self._reports.deadline_ns
            wake_ns = until_ns if due is None else min(until_ns, due)
            report = self._report(max(0, wake_ns - time.monotonic_ns()))
            now_ns = time.monotonic_ns()
            self._ready += self._reports.feed(report, now_ns) if report else self._reports.silence(now_ns)
            if not self._ready and now_ns >= until_ns:
                return None
        return self._ready.popleft()

    def close(self) -> None:
        """Releases the scanner."""
        self._device.close()
        self._release()

    def _release(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def _report(self, wait_ns: int) -> bytes:
        """The next report, empty if none came: hidapi takes whole milliseconds, and 0 for no end."""
        try:
            return bytes(self._device.read(_LARGEST, max(1, wait_ns // 1_000_000)))
        except (OSError, ValueError) as gone:  # ValueError when it was closed
            raise ReaderError(
                self.place,
                Text("the scanner is gone while reading", "读取时扫码器已断开"),
                Text("Check cable and power of the scanner", "请检查扫码器的连线和电源"),
            ) from gone


def _path(place: str, serial: str) -> str:
    """The system's name of the one that is meant. Raises ReaderError."""
    ids = _IDS.fullmatch(place)
    if not ids:
        return place
    vendor, product = (int(digits, 16) for digits in ids.groups())
    found = [
        one
        for one in scanners()
        if (one.vendor, one.product) == (vendor, product) and (not serial or one.serial == serial)
    ]
    if len(found) == 1:
        return found[0].path
    if found:
        numbers = ", ".join(one.serial or one.path for one in found)
        raise ReaderError(
            place,
            Text("several such scanners are plugged in", "连接了多台相同的扫码器"),
            Text(f"Give ?serial= or the path: {numbers}", f"请给出 ?serial= 或路径：{numbers}"),
        )
    raise ReaderError(
        place,
        Text("no such scanner in HID-POS mode", "没有这样的 HID-POS 扫码器"),
        Text(
            f"Plug it in and scan its setup code for USB HID-POS; {_LIST} shows those that are",
            f"请接好扫码器并扫描其 USB HID-POS 设置码；{_LIST} 可列出设备",
        ),
    )


def _alone(place: str, path: str) -> int | None:
    """The lock on the scanner, None where the system has none. Raises ReaderError."""
    try:
        return hold_device(path)
    except HeldError as held:
        raise ReaderError(
            place,
            Text("another device or bench of Yima reads this scanner", "Yima 的另一台设备或工作台正在读取该扫码器"),
            Text(
                f"Stop it; on Linux fuser {shlex.quote(path)} shows which one it is",
                f"请先停止它；Linux 上 fuser {shlex.quote(path)} 可查出是哪个程序",
            ),
        ) from held


def _open(place: str, path: str) -> Any:
    device = hidapi.device()
    try:
        device.open_path(path.encode("utf-8", "surrogateescape"))
    except (OSError, ValueError) as refused:
        raise _explain(place, path) from refused
    return device


def _explain(place: str, path: str) -> ReaderError:
    """hidapi says of every refusal that the open failed; the rest is asked of the system."""
    if os.path.exists(path) and not os.access(path, os.R_OK | os.W_OK):  # noqa: PTH110 - Windows' names are no paths
        rule = 'KERNEL=="hidraw*", TAG+="uaccess"'
        return ReaderError(
            place,
            Text("you may not open this scanner", "没有权限打开该扫码器"),
            Text(
                f"Write {rule} with its ATTRS{{idVendor}} into /etc/udev/rules.d/60-scanner.rules and plug it in again",
                f"请将 {rule} 及其 ATTRS{{idVendor}} 写入 /etc/udev/rules.d/60-scanner.rules 后重新插拔",
            ),
        )
    return ReaderError(
        place,
        Text("this scanner cannot be opened", "无法打开该扫码器"),
        Text(
            f"See by {_LIST} that it is there, and that no other program has it",
            f"请用 {_LIST} 确认其存在，且未被其他程序占用",
        ),
    )
