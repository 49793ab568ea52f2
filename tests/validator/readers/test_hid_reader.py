"""A scanner in HID-POS mode as a reader, at a stand-in for hidapi's two functions: no HID device is here to be read."""

import errno
import os
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from tests.unimported import unimported
from tests.validator.readers.test_hid_reports import reports_of
from tests.validator.readers.test_serial_reader import CODE, SOUND, payload
from yima.sdk.bench import devices
from yima.validator.errors import ReaderError
from yima.validator.ports import open_reader
from yima.validator.readers import hid

ENOUGH_S = 10


class Plugged:
    """hidapi's `enumerate` and `device`; an OSError among the reports is the scanner that is pulled out."""

    def __init__(self, reports: list[bytes | OSError]) -> None:
        self.reports = deque(reports)
        self.opened: list[bytes] = []
        self.there = [
            self._scanner(b"/dev/none/hidraw0", "A1"),
            {**self._scanner(b"/dev/none/kb", ""), "usage_page": 1},
        ]

    @staticmethod
    def _scanner(path: bytes, serial: str) -> dict[str, Any]:
        return {
            "path": path, "vendor_id": 0x0C2E, "product_id": 0x0B81, "serial_number": serial, "usage_page": 0x8C,
            "manufacturer_string": "Maker", "product_string": "Scanner",
        }  # fmt: skip

    def enumerate(self) -> list[dict[str, Any]]:
        return self.there

    def device(self) -> "Plugged":
        return self

    def open_path(self, path: bytes) -> None:
        if path not in [one["path"] for one in self.there]:
            raise OSError("open failed")
        self.opened.append(path)

    def read(self, size: int, timeout_ms: int) -> list[int]:
        assert size >= 64
        assert timeout_ms > 0  # hidapi takes 0 for no end
        if not self.reports:
            time.sleep(timeout_ms / 1000)
            return []
        report = self.reports.popleft()
        if isinstance(report, OSError):
            raise report
        return list(report)

    def close(self) -> None:
        self.opened.clear()


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> Plugged:
    gone = OSError(errno.EIO, "read error")
    there = Plugged([*reports_of(CODE), *reports_of(SOUND[0], flag=False), *reports_of(b"XIAMEN/1234"), gone])
    monkeypatch.setattr(hid, "hidapi", there)
    return there


def test_codes_are_read_by_the_scanners_ids_until_it_is_gone(plugged: Plugged) -> None:
    reader = open_reader("hid:0C2E:0b81")
    assert plugged.opened == [b"/dev/none/hidraw0"]
    assert [payload(reader.read(ENOUGH_S)) for _ in range(3)] == [CODE, SOUND[0], b"XIAMEN/1234"]
    assert not reader.exhausted
    with pytest.raises(ReaderError, match="gone while reading"):
        reader.read(ENOUGH_S)
    assert reader.read(0) is None
    reader.close()
    assert not plugged.opened


def test_what_is_cut_comes_by_itself(plugged: Plugged) -> None:
    plugged.reports = deque(reports_of(CODE)[:2])
    reader = open_reader("hid:/dev/none/hidraw0")
    assert payload(reader.read(ENOUGH_S)) == CODE[:112]


def test_of_several_alike_the_serial_number_tells(plugged: Plugged) -> None:
    plugged.there.append(plugged._scanner(b"/dev/none/hidraw1", "A2"))
    with pytest.raises(ReaderError, match=r"several such scanners.*A1, A2"):
        open_reader("hid:0c2e:0b81")
    open_reader("hid:0c2e:0b81?serial=A2")
    assert plugged.opened == [b"/dev/none/hidraw1"]
    found = [one.spec for one in devices.found(Path("none")) if one.spec.startswith("hid:")]
    assert found == ["hid:0c2e:0b81?serial=A1", "hid:0c2e:0b81?serial=A2"]


def test_a_scanner_is_listed_and_a_keyboard_is_not(plugged: Plugged) -> None:
    assert plugged.there
    found = [one for one in devices.found(Path("none")) if one.spec.startswith("hid:")]
    assert found == [devices.Found("hid:0c2e:0b81", "Maker Scanner HID-POS (0c2e:0b81)")]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("hid:ffff:0001", "no such scanner in HID-POS mode"),
        ("hid:/dev/none/hidraw7", "cannot be opened"),
        ("hid:", "names no device"),
        ("hid:0c2e:0b81?baud=9600", "not an option"),
        ("hid:0c2e:0b81?mode=ascii", "no value for mode"),
    ],
)
@pytest.mark.usefixtures("plugged")
def test_what_cannot_be_read_is_named(address: str, said: str) -> None:
    with pytest.raises(ReaderError, match=said):
        open_reader(address)


def test_a_scanner_that_may_not_be_opened_has_its_rule(
    plugged: Plugged, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert plugged.there
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    node = tmp_path / "hidraw3"
    node.touch()
    with pytest.raises(ReaderError, match=r"may not open.*udev"):
        open_reader(f"hid:{node}")


def test_without_the_extra_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    module = "hidraw" if sys.platform == "linux" else "hid"
    monkeypatch.setitem(sys.modules, module, None)
    with unimported(hid.__name__):
        with pytest.raises(ReaderError, match=rf"needs the Python package {module}.*\[hid\]"):
            open_reader("hid:0c2e:0b81")
        assert not devices.sees_hid()
        assert [one for one in devices.found(Path("none")) if one.spec.startswith("hid:")] == []


def test_a_scanner_is_read_by_one_device_alone(plugged: Plugged, tmp_path: Path) -> None:
    """The kernel gives each report to all who have the scanner open: two devices charged the rider twice."""
    node = tmp_path / "hidraw0"
    node.write_bytes(b"as it was")
    plugged.there[0]["path"] = bytes(node)
    reader = open_reader("hid:0c2e:0b81")
    for specification in ("hid:0c2e:0b81", f"hid:{node}"):
        with pytest.raises(ReaderError, match=f"another device or bench .*fuser {node}"):
            open_reader(specification)
    reader.close()
    reader.close()
    again = open_reader("hid:0c2e:0b81")
    again.close()
    plugged.there[0]["path"] = b"elsewhere"
    for _ in range(2):  # what could not be opened is not kept from others
        with pytest.raises(ReaderError, match="cannot be opened"):
            open_reader(f"hid:{node}")
    assert node.read_bytes() == b"as it was"
